//! Finds the `.proto` files under a folder and writes what was generated.
//!
//! Names are relative to the folder, with `/`, as an `import` line has them, and sorted, so that
//! the same files give the same output on every machine.

use std::fs;
use std::io;
use std::path::Path;

use crate::error::Problem;
use crate::options::{OPTIONS_NAME, OPTIONS_PROTO};

/// Folders deeper than this are a link that leads back to itself.
const DEPTH_MAX: usize = 32;

/// Names of all `.proto` files under the folder. A copy of our options may stand there for the
/// sake of other tools; it is left out, since the generator carries its own.
pub(crate) fn find(folder: &Path) -> Result<Vec<String>, Problem> {
    let mut names = Vec::new();
    walk(folder, "", 0, &mut names)?;
    if names.iter().any(|name| name == OPTIONS_NAME) {
        check_copy(&folder.join(OPTIONS_NAME))?;
        names.retain(|name| name != OPTIONS_NAME);
    }
    names.sort();
    if names.is_empty() {
        let what = "there is no .proto file in this folder";
        let mend = "name the folder that holds the packages' folders, relative to Cargo.toml";
        return Err(Problem::of_file(folder, what, mend));
    }
    Ok(names)
}

/// Other tools must read the same options as we do.
fn check_copy(path: &Path) -> Result<(), Problem> {
    if fs::read_to_string(path).is_ok_and(|copy| copy == OPTIONS_PROTO) {
        return Ok(());
    }
    let what = "this copy differs from the options that quadrille-build carries";
    let mend = "remove it, or write quadrille_build::OPTIONS_PROTO there";
    Err(Problem::of_file(path, what, mend))
}

fn walk(folder: &Path, prefix: &str, depth: usize, names: &mut Vec<String>) -> Result<(), Problem> {
    if depth > DEPTH_MAX {
        let what = format!("the folders are nested more than {DEPTH_MAX} deep");
        let mend = "remove the link that leads back to a folder above";
        return Err(Problem::of_file(folder, what, mend));
    }
    let entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let path = entry.path();
        let Some(name) = entry
            .file_name()
            .to_str()
            .map(|name| format!("{prefix}{name}"))
        else {
            continue; // An import line cannot say such a name.
        };
        if path.is_dir() {
            walk(&path, &format!("{name}/"), depth + 1, names)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            names.push(name);
        }
    }
    Ok(())
}

fn unreadable(folder: &Path, error: &io::Error) -> Problem {
    let what = format!("cannot read the folder: {error}");
    Problem::of_file(
        folder,
        what,
        "name an existing folder, relative to Cargo.toml",
    )
}

/// Writes a file unless it already has this content, so that nothing is rebuilt for nothing.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), Problem> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    fs::write(path, content).map_err(|error| {
        let what = format!("cannot write the generated file: {error}");
        Problem::of_file(path, what, "make the folder writable, or name another one")
    })
}
