//! Results on standard output.

use std::io::{self, Write as _};

use super::{Exit, Failure};

/// Writes a result to standard output. `false`: whoever reads has read enough.
pub fn show(text: &str) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            Err(Failure::new(Exit::Failed, "cannot write to standard output").because(&error))
        }
    }
}
