//! How far the seeds have come: a bar on a terminal, a line now and then everywhere else.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use quadrille::world;
use quadrille_simulator::Done;

/// Time between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// How far the seeds have come. Shown on standard error.
pub(crate) struct Progress {
    world: world::Shared,
    began: Duration,
    told: Mutex<Duration>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins with so many seeds to come.
    pub(crate) fn begin(world: &world::Shared, seeds: u64) -> Self {
        let now = world.elapsed();
        Self {
            world: world.clone(),
            began: now,
            told: Mutex::new(now),
            bar: io::stderr().is_terminal().then(|| bar(seeds)),
        }
    }

    /// Tells how far they have come.
    pub(crate) fn tell(&self, done: Done) {
        if let Some(bar) = &self.bar {
            bar.set_position(done.seeds);
            return;
        }
        let now = self.world.elapsed();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(*told) >= EVERY {
            *told = now;
            let rate = done.seeds as f64 / now.saturating_sub(self.began).as_secs_f64();
            // Where nobody reads it there is nobody to tell.
            let _ = writeln!(io::stderr(), "{} seeds, {rate:.0}/s", done.seeds);
        }
    }

    /// All is over.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(seeds: u64) -> ProgressBar {
    let style = "{bar:30} {pos}/{len} seeds  {per_sec}, {eta} to go";
    let style = ProgressStyle::with_template(style).expect("the template is the one above");
    ProgressBar::new(seeds).with_style(style)
}
