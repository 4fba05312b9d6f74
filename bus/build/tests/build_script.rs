//! How the one line of a build script talks to cargo, which needs a process of its own.
//!
//! This test starts itself as a build script would be started, hence it has no harness.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Set where this program is to be the build script.
const AS_BUILD_SCRIPT: &str = "QUADRILLE_BUILD_TEST_FOLDER";

fn main() {
    if let Some(folder) = env::var_os(AS_BUILD_SCRIPT) {
        quadrille_build::compile(folder);
        return;
    }
    right_schemas_are_generated_and_watched();
    wrong_schemas_end_the_build_script();
    outside_of_a_build_script_nothing_is_generated();
}

fn build_script(folder: &Path, out: Option<&Path>) -> Output {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.env(AS_BUILD_SCRIPT, folder).env_remove("OUT_DIR");
    if let Some(out) = out {
        command.env("OUT_DIR", out);
    }
    command.output().expect("this program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn right_schemas_are_generated_and_watched() {
    // Cargo is told to run again when the folder changes, and nothing else is said.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let schema = "syntax = \"proto3\";\npackage common.v1;\nmessage Money {}\n";
    fs::write(folder.path().join("money.proto"), schema).expect("a schema");
    let out = tempfile::tempdir().expect("a temporary folder");

    let output = build_script(folder.path(), Some(out.path()));

    assert!(output.status.success(), "{output:?}");
    let watched = format!("cargo:rerun-if-changed={}\n", folder.path().display());
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        (watched, String::new())
    );
    assert!(out.path().join("quadrille.rs").is_file());
}

fn wrong_schemas_end_the_build_script() {
    // Exit code 1 and the problems on stderr, without a panic's noise.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let schema = "syntax = \"proto3\";\npackage common;\n";
    let path = folder.path().join("money.proto");
    fs::write(&path, schema).expect("a schema");
    let out = tempfile::tempdir().expect("a temporary folder");

    let output = build_script(folder.path(), Some(out.path()));

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(
        text(&output.stderr),
        format!(
            "error: {}:2:1: package common does not end with a version\n  mend: name it \
             \"package common.v1;\"\n",
            path.display()
        )
    );
}

fn outside_of_a_build_script_nothing_is_generated() {
    // There is no folder to write into, and the mend says what was forgotten.
    let folder = tempfile::tempdir().expect("a temporary folder");

    let output = build_script(folder.path(), None);

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(
        text(&output.stderr),
        "error: OUT_DIR is not set\n  mend: call quadrille_build from a build.rs\n"
    );
}
