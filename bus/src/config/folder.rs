//! Whether a folder can be had: it is there, or can be made, and can be written to.

use std::path::Path;

use rustix::fs::{Access, access};

/// Why not, in lower case. Nothing is made, and nothing is opened.
pub fn why_not(folder: &Path) -> Option<String> {
    // The nearest that is there: everything below it would be made.
    let there = folder.ancestors().find_map(|ancestor| {
        let ancestor = match ancestor.as_os_str().is_empty() {
            true => Path::new("."),
            false => ancestor,
        };
        let found = std::fs::symlink_metadata(ancestor).ok()?;
        Some((ancestor, found))
    });
    let (there, _) = there?;
    // Behind a link counts what it leads to.
    if !there.is_dir() {
        return Some(format!("{} is no folder", there.display()));
    }
    match access(there, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => None,
        Err(error) => Some(format!("{} cannot be written to: {error}", there.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_there_or_can_be_made_will_do_and_a_file_will_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();

        assert_eq!(why_not(folder.path()), None);
        assert_eq!(why_not(&folder.path().join("new/newer")), None);
        assert_eq!(why_not(Path::new("new/newer")), None);
        for wrong in [file.clone(), file.join("below")] {
            let why = why_not(&wrong).unwrap();
            assert_eq!(why, format!("{} is no folder", file.display()));
        }
    }
}
