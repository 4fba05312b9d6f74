//! The example of `docs/simulate.md` does what the page says, in a crate outside the workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Most lines that the test of three services and an invariant may have.
const LINES_MAX: usize = 30;

/// A file of the example: its name, and what stands in it.
type File = (String, String);

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    here.skip(2)
        .map(Path::to_owned)
        .next()
        .expect("two folders up is the root")
}

/// The blocks of a page whose last line before them names a file between backticks.
fn files(page: &str) -> Vec<File> {
    let (mut files, mut before, mut lines) = (Vec::new(), "", page.lines());
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let code: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            if let Some(name) = before.split('`').nth(1) {
                files.push((name.to_owned(), code.join("\n") + "\n"));
            }
        }
        if !line.is_empty() {
            before = line;
        }
    }
    files
}

#[test]
fn the_example_runs_in_a_crate_of_its_own() {
    // Given the files of the page, in a folder elsewhere.
    let root = root();
    let page = fs::read_to_string(root.join("docs/simulate.md")).expect("the page is there");
    let page = page
        .split("## What goes wrong")
        .next()
        .expect("it has a beginning");
    let page = page
        .split("## Your own services")
        .nth(1)
        .expect("it has an example");
    let files = files(page);
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    let wanted = [
        "proto/shop.proto",
        "Cargo.toml",
        "build.rs",
        "src/lib.rs",
        "tests/simulation.rs",
    ];
    assert_eq!(names, wanted);
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (name, text) in &files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in a folder"))
            .expect("a folder can be made");
        let text = text.replace("../quadrille", root.to_str().expect("our paths are UTF-8"));
        fs::write(path, text).expect("it can be written");
    }
    // The same dependencies as here, so that nothing need be fetched.
    fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).expect("it can be copied");
    let test = files.last().map_or(0, |(_, text)| text.lines().count());
    assert!(test < LINES_MAX, "the test has {test} lines");

    // When its tests are run.
    let target = root.join("target").join("example");
    let ran = Command::new(env!("CARGO"))
        .args(["test", "--offline"])
        .current_dir(folder.path())
        .env("CARGO_TARGET_DIR", target)
        .output()
        .expect("cargo runs");

    // Then they pass.
    let said = String::from_utf8_lossy(&ran.stdout);
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{errors}");
    let passed = "test whoever_orders_gets_a_letter ... ok";
    assert!(said.contains(passed), "{said}");
}
