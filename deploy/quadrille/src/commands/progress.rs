//! How far long work has come: a bar on a terminal, a line now and then everywhere else.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use quadrille::world;

/// Time between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// How far long work has come. Shown on standard error.
pub(super) struct Progress {
    world: world::Shared,
    began: Duration,
    told: Duration,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins. `size`: what it will come to, where that is known.
    pub(super) fn begin(world: &world::Shared, size: Option<u64>) -> Self {
        let now = world.elapsed();
        Self {
            world: world.clone(),
            began: now,
            told: now,
            bar: io::stderr().is_terminal().then(|| bar(size)),
        }
    }

    /// Tells how far it has come: `position` of the size, and `count` things done.
    pub(super) fn tell(&mut self, position: u64, count: u64, failed: u64) {
        let now = self.world.elapsed();
        let message = self.message(count, failed);
        if let Some(bar) = &self.bar {
            bar.set_position(position);
            bar.set_message(message);
        } else if now.saturating_sub(self.told) >= EVERY {
            self.told = now;
            // Where nobody reads it there is nobody to tell.
            let _ = writeln!(io::stderr(), "{message}");
        }
    }

    /// A line above the bar, or on its own.
    pub(super) fn say(&self, line: &str) {
        let say = || {
            let _ = writeln!(io::stderr(), "{line}");
        };
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    /// Ends, and says what it came to.
    pub(super) fn end(self, count: u64, failed: u64) {
        let message = self.message(count, failed);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let _ = writeln!(io::stderr(), "{message}");
    }

    fn message(&self, count: u64, failed: u64) -> String {
        let took = self.world.elapsed().saturating_sub(self.began);
        let failed = match failed {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        let rate = count as f64 / took.as_secs_f64().max(0.001);
        format!(
            "emitted {count} events{failed} in {:.1} s, {rate:.0}/s",
            took.as_secs_f64()
        )
    }
}

fn bar(size: Option<u64>) -> ProgressBar {
    match size {
        Some(size) => {
            let style = "{bar:30} {percent:>3} %  {msg}, {eta} to go";
            ProgressBar::new(size).with_style(style_of(style))
        }
        None => ProgressBar::new_spinner().with_style(style_of("{spinner} {msg}")),
    }
}

fn style_of(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is one of those above")
}
