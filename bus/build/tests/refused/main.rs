//! Wrong schemas, each with the whole message that stops the build.

mod events;
mod keys;
mod links;
mod reads;
mod syntax;
mod topics;
mod types;

use std::fs;

/// Four lines with which most of the schemas here begin.
const HEAD: &str = r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = { topic: [{ name: "orders" owner: "orders" }] };
"#;

/// What is said of these files, each with its texts in a row, in a folder named `proto`.
fn refused(files: &[(&str, &[&str])]) -> String {
    let crate_folder = tempfile::tempdir().expect("a temporary folder");
    let folder = crate_folder.path().join("proto");
    for (name, texts) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a package's folder");
        fs::write(path, texts.concat()).expect("a schema");
    }
    let out = crate_folder.path().join("out");
    fs::create_dir(&out).expect("a folder for what is generated");

    let error = quadrille_build::Config::new()
        .compile_to(&folder, &out)
        .expect_err("the schemas are wrong");

    let written = fs::read_dir(&out).expect("the folder is there").count();
    assert_eq!(written, 0, "nothing is written");
    let shown = format!("{}/", crate_folder.path().display());
    error.to_string().replace(&shown, "")
}
