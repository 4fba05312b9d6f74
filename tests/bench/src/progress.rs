//! What people see while it runs: a bar on a terminal, a line for each contender everywhere else.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How far the run has come. Shown on standard error.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Begins with so many turns to come.
    pub(crate) fn begin(turns: usize) -> Self {
        Self(io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}, {eta} to go");
            let style = style.expect("the template is the one above");
            let bar = ProgressBar::new(turns as u64).with_style(style);
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        }))
    }

    /// Says what is being done now.
    pub(crate) fn doing(&self, what: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(what.to_owned());
        }
    }

    /// A turn is over, and this came of it.
    pub(crate) fn done(&self, line: &str) {
        let say = || {
            // Where nobody reads it there is nobody to tell.
            let _ = writeln!(io::stderr(), "{line}");
        };
        match &self.0 {
            Some(bar) => {
                bar.suspend(say);
                bar.inc(1);
            }
            None => say(),
        }
    }

    /// All is over.
    pub(crate) fn end(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}
