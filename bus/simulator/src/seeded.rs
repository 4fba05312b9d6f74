//! A world under a seed for tests that are no scenario: without faults, without invariants.
//!
//! One thread, virtual time, and the order of everything drawn, as in every simulated run. Whoever
//! calls it builds a bus, a broker and stores of its own in that world, and drives them as it likes.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use quadrille::world;

use crate::chronicle::Chronicle;
use crate::executor::Executor;
use crate::simulation::alone;
use crate::site::Site;

/// Runs something in a world under a seed, until it has ended; whatever else still runs then is
/// dropped. The same seed gives the same order of things and the same times.
///
/// # Panics
///
/// Where it panics itself, and where it cannot go on or goes on for ever.
pub fn seeded<F>(seed: u64, main: impl FnOnce(world::Shared) -> F + Send) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    alone(|| {
        let executor = Executor::new(seed);
        let around = Site::around(Arc::clone(&executor), Arc::default(), Chronicle::new(false));
        let main = AssertUnwindSafe(main(Arc::new(around))).catch_unwind();
        let slot = Arc::new(Mutex::new(None));
        let put = Arc::clone(&slot);
        let work = async move {
            let output = main.await;
            *put.lock().unwrap_or_else(PoisonError::into_inner) = Some(output);
        };
        if let Err(stuck) = executor.run(work.boxed()) {
            panic!("seed {seed}: {stuck}");
        }
        let output = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        match output.expect("it has ended") {
            Ok(output) => output,
            Err(panic) => resume_unwind(panic),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn story(seed: u64) -> Vec<(u64, Duration)> {
        seeded(seed, |world| async move {
            let told = Arc::new(Mutex::new(Vec::new()));
            let tasks: Vec<_> = (0..5)
                .map(|task| {
                    let (inner, told) = (Arc::clone(&world), Arc::clone(&told));
                    world::spawn(&world, "teller", async move {
                        for _ in 0..3 {
                            let wait = Duration::from_millis(inner.random() % 50);
                            inner.sleep(wait).await;
                            told.lock().unwrap().push((task, inner.elapsed()));
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            told.lock().unwrap().clone()
        })
    }

    #[test]
    fn a_seed_gives_one_story() {
        // Shows that a run can be repeated, and that another seed gives another.
        assert_eq!(story(1).len(), 15);
        assert_eq!(story(1), story(1));
        assert_ne!(story(1), story(2));
    }

    #[test]
    #[should_panic(expected = "as told")]
    fn a_panic_comes_through() {
        seeded(1, |_| async { panic!("as told") })
    }

    #[test]
    #[should_panic(expected = "seed 7: nothing can go on any more")]
    fn what_cannot_go_on_says_so_with_its_seed() {
        seeded(7, |_| std::future::pending::<()>());
    }
}
