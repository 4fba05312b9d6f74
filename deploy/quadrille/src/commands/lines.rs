//! Lines of a file or of standard input, each with a limit, read on a thread of its own.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use tokio::sync::mpsc;

/// Longest line in bytes.
pub(super) const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Lines that are read ahead.
const AHEAD: usize = 256;

/// One line.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Bytes read so far, this line included.
    pub(super) bytes: u64,
    /// Its text, or what is wrong with it.
    pub(super) text: Result<String, String>,
}

/// Lines as they are read, and the size of the file where it has one.
pub(super) struct Lines {
    /// The lines. Ends with the file, or with an error at reading.
    pub(super) lines: mpsc::Receiver<io::Result<Line>>,
    /// Size of the file in bytes.
    pub(super) size: Option<u64>,
}

/// Reads a file; `-` is standard input.
pub(super) fn open(path: &str) -> io::Result<Lines> {
    let (source, size): (Box<dyn Read + Send>, _) = if path == "-" {
        (Box::new(io::stdin()), None)
    } else {
        let file = File::open(path)?;
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "it is a folder",
            ));
        }
        let size = about.is_file().then_some(about.len());
        (Box::new(file), size)
    };
    let (tx, lines) = mpsc::channel(AHEAD);
    let thread = std::thread::Builder::new().name("lines".to_owned());
    thread.spawn(move || read(BufReader::new(source), &tx))?;
    Ok(Lines { lines, size })
}

fn read(mut source: impl BufRead, tx: &mpsc::Sender<io::Result<Line>>) {
    let (mut number, mut bytes) = (0, 0);
    loop {
        let line = one(&mut source, &mut bytes);
        number += 1;
        let (line, is_end) = match line {
            Ok(None) => return,
            Ok(Some(text)) => (
                Ok(Line {
                    number,
                    bytes,
                    text,
                }),
                false,
            ),
            Err(error) => (Err(error), true),
        };
        // Nobody reads any more: the command has ended.
        if tx.blocking_send(line).is_err() || is_end {
            return;
        }
    }
}

/// Reads one line. A line that is too long is passed over to its end.
fn one(source: &mut impl BufRead, bytes: &mut u64) -> io::Result<Option<Result<String, String>>> {
    let mut line = Vec::new();
    let limit = LINE_BYTES_MAX as u64 + 1;
    let read = source.by_ref().take(limit).read_until(b'\n', &mut line)?;
    *bytes += read as u64;
    if read == 0 {
        return Ok(None);
    }
    if line.len() > LINE_BYTES_MAX && !line.ends_with(b"\n") {
        *bytes += source.skip_until(b'\n')? as u64;
        return Ok(Some(Err(format!(
            "the line is longer than {LINE_BYTES_MAX} bytes"
        ))));
    }
    let text = String::from_utf8(line).map_err(|_| "the line is not UTF-8".to_owned());
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_does_not_hide_the_next() {
        // Shows that reading goes on behind it, at the right line.
        let mut text = vec![b'x'; LINE_BYTES_MAX + 10];
        text.extend_from_slice(b"\nsecond\n\xff\nlast");
        let mut source = io::Cursor::new(text);
        let mut bytes = 0;
        let mut next = || one(&mut source, &mut bytes).unwrap();
        assert!(next().unwrap().unwrap_err().contains("longer"));
        assert_eq!(next(), Some(Ok("second\n".to_owned())));
        assert_eq!(next(), Some(Err("the line is not UTF-8".to_owned())));
        assert_eq!(next(), Some(Ok("last".to_owned())));
        assert_eq!(next(), None);
    }
}
