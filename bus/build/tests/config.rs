//! Where schemas are looked for, and where what is generated goes.

use std::fs;
use std::path::Path;

use quadrille_build::{Config, OPTIONS_PROTO};
use tempfile::TempDir;

const ORDERS: &str = r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
import "common/v1/money.proto";
option (quadrille.v1.file) = { topic: { name: "orders" } };
message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  common.v1.Money total = 2;
}
"#;

const MONEY: &str = "syntax = \"proto3\";\npackage common.v1;\nmessage Money {}\n";

/// A crate's folder with these files, and `out`.
fn crate_with(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("out")).expect("a folder for what is generated");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a package's folder");
        fs::write(path, text).expect("a schema");
    }
    folder
}

fn generated(folder: &TempDir) -> String {
    fs::read_to_string(folder.path().join("out/quadrille.rs")).expect("it was generated")
}

/// Compiles `proto` into `out`; the error without the crate's folder.
fn compile(config: &Config, folder: &TempDir) -> Result<(), String> {
    let at = |name: &str| folder.path().join(name);
    let shown = format!("{}/", folder.path().display());
    let result = config.compile_to(at("proto"), at("out"));
    result.map_err(|error| error.to_string().replace(&shown, ""))
}

#[test]
fn a_folder_without_schemas_is_refused() {
    // Missing, and empty.
    let folder = crate_with(&[]);
    let mend = "  mend: name an existing folder, relative to Cargo.toml";
    let error = compile(&Config::new(), &folder).unwrap_err();
    let (first, second) = error.split_once('\n').unwrap();
    assert!(
        first.starts_with("error: proto: cannot read the folder: "),
        "{first}"
    );
    assert_eq!(second, mend);

    let folder = crate_with(&[("proto/README.md", "")]);
    assert_eq!(
        compile(&Config::new(), &folder).unwrap_err(),
        "error: proto: there is no .proto file in this folder\n  \
         mend: name the folder that holds the packages' folders, relative to Cargo.toml"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    // The generated file is named, and nothing panics.
    let folder = crate_with(&[("proto/common/v1/money.proto", MONEY)]);
    let missing = folder.path().join("missing");
    let error = Config::new()
        .compile_to(folder.path().join("proto"), &missing)
        .unwrap_err();
    let problem = &error.problems()[0];
    assert!(Path::new(&problem.file).starts_with(&missing), "{problem}");
    assert!(
        problem
            .what
            .starts_with("cannot write the generated file: "),
        "{problem}"
    );
}

#[test]
fn an_included_file_is_read_and_not_generated() {
    // Its type is taken from where the build script says it is.
    let folder = crate_with(&[
        ("proto/orders/v1/orders.proto", ORDERS),
        ("shared/common/v1/money.proto", MONEY),
    ]);
    let config = Config::new()
        .include(folder.path().join("shared"))
        .extern_path(".common.v1", "::shared::common::v1");

    compile(&config, &folder).unwrap();

    let code = generated(&folder);
    assert!(
        code.contains("Option<::shared::common::v1::Money>"),
        "{code}"
    );
    assert!(!code.contains("pub struct Money"), "{code}");
    assert!(folder.path().join("out/descriptors.bin").is_file());
}

#[test]
fn an_included_type_needs_its_rust_path() {
    // The mend is the line to write.
    let folder = crate_with(&[
        ("proto/orders/v1/orders.proto", ORDERS),
        ("shared/common/v1/money.proto", MONEY),
    ]);
    let config = Config::new().include(folder.path().join("shared"));
    assert_eq!(
        compile(&config, &folder).unwrap_err(),
        "error: proto/orders/v1/orders.proto:9:3: orders.v1.OrderPlaced.total: its type \
         common.v1.Money is imported and has no Rust path\n  mend: tell the build script with \
         .extern_path(\".common.v1\", \"::crate::module\")"
    );
}

#[test]
fn a_wrong_rust_path_is_told() {
    // Prost would say the same with a panic.
    let folder = crate_with(&[("proto/common/v1/money.proto", MONEY)]);
    let config = Config::new().extern_path("common.v1", "::shared::common::v1");
    assert_eq!(
        compile(&config, &folder).unwrap_err(),
        "error: proto: cannot generate the types: Protobuf paths must be fully qualified (begin \
         with a leading '.'): common.v1\n  mend: correct the extern paths of the build script"
    );
}

#[test]
fn problems_of_included_files_are_left_to_their_crate() {
    // What we cannot mend does not stop us, but what we miss does.
    let reader = r#"syntax = "proto3";
package shop.v1;
import "quadrille/v1/options.proto";
import "orders/v1/orders.proto";
message OrderSeen {
  option (quadrille.v1.event) = { reads: "orders.v1.OrderPlaced" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#;
    let topics = "option (quadrille.v1.file) = { topic: { name: \"orders\" } };\n";
    let elsewhere = ORDERS.replace(topics, "\n");
    let bad = format!("{ORDERS}message OrderLost {{\n  option (quadrille.v1.event) = {{}};\n}}\n");
    let with = |orders: &str| {
        let folder = crate_with(&[
            ("proto/shop/v1/shop.proto", reader),
            ("shared/orders/v1/orders.proto", orders),
            ("shared/common/v1/money.proto", MONEY),
        ]);
        compile(
            &Config::new().include(folder.path().join("shared")),
            &folder,
        )
    };

    assert_eq!(with(&bad), Ok(()));
    assert_eq!(
        with(&elsewhere).unwrap_err(),
        "error: proto/shop/v1/shop.proto:6:35: shop.v1.OrderSeen: no file declares topic \
         \"orders\" of orders.v1.OrderPlaced, which it reads\n  mend: import the file that \
         declares the topic"
    );
}

#[test]
fn a_copy_of_the_options_is_allowed_while_it_is_one() {
    // Editors and linters want the file beside the schemas.
    let with = |options: &str| {
        let folder = crate_with(&[
            ("proto/common/v1/money.proto", MONEY),
            ("proto/quadrille/v1/options.proto", options),
        ]);
        compile(&Config::new(), &folder).map(|()| generated(&folder))
    };

    let code = with(OPTIONS_PROTO).unwrap();
    assert!(
        !code.contains("mod quadrille"),
        "the options are not generated: {code}"
    );
    assert_eq!(
        with("syntax = \"proto3\";\n").unwrap_err(),
        "error: proto/quadrille/v1/options.proto: this copy differs from the options that \
         quadrille-build carries\n  mend: remove it, or write quadrille_build::OPTIONS_PROTO there"
    );
}

#[test]
fn the_same_schemas_give_the_same_bytes() {
    // In another folder too: nothing generated says where the crate lies.
    let files = [
        ("proto/orders/v1/orders.proto", ORDERS),
        ("proto/common/v1/money.proto", MONEY),
    ];
    let (one, two) = (crate_with(&files), crate_with(&files));
    for folder in [&one, &two] {
        compile(&Config::new(), folder).unwrap();
    }
    let bytes = |folder: &TempDir| fs::read(folder.path().join("out/descriptors.bin")).unwrap();
    assert_eq!(generated(&one), generated(&two));
    assert_eq!(bytes(&one), bytes(&two));
}
