use std::fs;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::books::Decision;
use crate::specimen::{Ask, Line, Notes};

fn entry(books: &Notes, key: &str) -> Line {
    let ask = Ask::take_back(key, &format!("note of {key}"));
    match books.decide(&ask, books.next_seq(), Timestamp::UNIX_EPOCH) {
        Decision::Book(entry) => *entry,
        other => panic!("not booked: {other:?}"),
    }
}

/// A ledger of the entries `a`, `b` and `c`, closed.
fn three_entries() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/ledger.jsonl");
    let (mut ledger, mut books) = Ledger::open::<Notes>(&path).unwrap();
    for key in ["a", "b", "c"] {
        let entry = entry(&books, key);
        ledger.append(std::slice::from_ref(&entry)).unwrap();
        books.apply(entry).unwrap();
    }
    (folder, path)
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn error_of(path: &Path) -> String {
    use std::error::Error as _;
    let error = Ledger::open::<Notes>(path).unwrap_err();
    let source = error.source().map(ToString::to_string);
    format!("{error}: {}", source.unwrap_or_default())
}

#[test]
fn what_was_appended_is_read_back() {
    let (_folder, path) = three_entries();
    let (_ledger, books) = Ledger::open::<Notes>(&path).unwrap();
    assert_eq!(books.next_seq(), 4);
    let (_folder, other) = three_entries();
    assert_eq!(Ledger::open::<Notes>(&other).unwrap().1, books);
}

#[test]
fn a_line_is_one_flat_object_with_all_its_fields() {
    let (_folder, path) = three_entries();
    assert_eq!(
        lines(&path)[0],
        r#"{"seq":1,"at":"1970-01-01T00:00:00Z","key":"a","of":"note of a","was_there":false}"#
    );
}

#[test]
fn a_torn_last_line_is_cut_off_and_the_ledger_goes_on() {
    let (_folder, path) = three_entries();
    let whole = fs::read(&path).unwrap();
    let last = whole.len() - lines(&path)[2].len();
    for end in last..whole.len() {
        // Given a last line of which only a part was written
        fs::write(&path, &whole[..end]).unwrap();

        // When the ledger is opened and written to
        let (mut ledger, books) = Ledger::open::<Notes>(&path).unwrap();
        assert_eq!(books.next_seq(), 3, "cut at {end}");
        ledger.append(&[entry(&books, "d")]).unwrap();
        drop(ledger);

        // Then only the whole lines and the new one are there
        assert_eq!(lines(&path).len(), 3);
        assert!(Ledger::open::<Notes>(&path).unwrap().1.next_seq() == 4);
    }
}

#[test]
fn a_hole_that_a_power_cut_left_at_the_end_is_cut_off() {
    let (_folder, path) = three_entries();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [whole.as_slice(), &[0; 4096]].concat()).unwrap();
    assert_eq!(Ledger::open::<Notes>(&path).unwrap().1.next_seq(), 4);
    assert_eq!(fs::read(&path).unwrap(), whole);
}

#[test]
fn a_broken_line_is_named_and_the_file_is_left_alone() {
    let (_folder, path) = three_entries();
    let good = lines(&path);
    let cases = [
        (
            vec![&good[0], "{", &good[2]],
            "at line 2: it is not an entry",
        ),
        (
            vec![&good[0], "", &good[2]],
            "at line 2: it is not an entry",
        ),
        (vec![&good[0], &good[2]], "at line 2: it cannot follow"),
        (vec![&good[0], &good[0]], "at line 2: it cannot follow"),
        (
            vec![&good[0], &good[1], "{}"],
            "at line 3: it is not an entry",
        ),
    ];
    for (broken, what) in cases {
        let text = broken.join("\n") + "\n";
        fs::write(&path, &text).unwrap();
        let error = error_of(&path);
        assert!(error.contains(what), "{error}");
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn two_processes_cannot_share_a_ledger() {
    let (_folder, path) = three_entries();
    let first = Ledger::open::<Notes>(&path).unwrap();
    assert!(error_of(&path).contains("in use by another notary"));
    drop(first);
    assert!(Ledger::open::<Notes>(&path).is_ok());
}

#[test]
fn a_folder_in_place_of_the_file_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let error = error_of(folder.path());
    assert!(error.starts_with("cannot open the ledger"), "{error}");
}

#[test]
fn what_a_failed_write_left_is_cut_off_before_the_next() {
    // Given half a line that a failed write has left behind
    let (_folder, path) = three_entries();
    let (mut ledger, books) = Ledger::open::<Notes>(&path).unwrap();
    ledger.file.write_all(br#"{"seq":4,"at"#).unwrap();
    ledger.untidy = true;

    // When the next entry is written
    ledger.append(&[entry(&books, "d")]).unwrap();

    // Then it stands on a line of its own
    drop(ledger);
    assert_eq!(Ledger::open::<Notes>(&path).unwrap().1.next_seq(), 5);
}
