//! A world under a seed: one thread, virtual time, and the order of everything drawn from the seed.
//!
//! Small on purpose: it shows that the seam of the bus holds. It has no faults and shrinks nothing.
//! Time stands still while anything can run, and jumps to the next timer when nothing can.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use jiff::Timestamp;
use quadrille::world::World;

/// Polls after which a run is taken to go on for ever.
const POLLS_MAX: u64 = 50_000_000;

/// A world under a seed. Cloning gives another handle to the same world.
#[derive(Clone)]
pub struct Seeded(Arc<Mutex<State>>);

struct State {
    random: u64,
    elapsed: Duration,
    next: u64,
    // Taken out while it is polled, so that it may start others meanwhile.
    tasks: BTreeMap<u64, Option<BoxFuture<'static, ()>>>,
    ready: Vec<u64>,
    timers: BTreeMap<(Duration, u64), Waker>,
}

impl Seeded {
    /// A world at its beginning.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            // Zero would stay zero for ever.
            random: seed ^ 0x9e37_79b9_7f4a_7c15,
            elapsed: Duration::ZERO,
            next: 0,
            tasks: BTreeMap::new(),
            ready: Vec::new(),
            timers: BTreeMap::new(),
        })))
    }

    /// Runs everything until the given future has ended.
    ///
    /// # Panics
    ///
    /// Where nothing can run any more and no timer is left, or where it goes on for ever.
    pub fn run<F>(&self, main: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        self.start(
            "main",
            async move { *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(main.await) }
                .boxed(),
        );
        for _ in 0..POLLS_MAX {
            if let Some(output) = result.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return output;
            }
            self.step();
        }
        panic!("{POLLS_MAX} polls and no end");
    }

    /// Polls one task that can run, or lets time pass.
    fn step(&self) {
        let Some((id, task)) = self.pick() else {
            return self.pass_time();
        };
        let Some(mut task) = task else { return };
        let waker = Waker::from(Arc::new(WakeTask {
            world: self.clone(),
            id,
        }));
        match task.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(()) => drop(self.state().tasks.remove(&id)),
            Poll::Pending => {
                self.state().tasks.insert(id, Some(task));
            }
        }
    }

    fn pick(&self) -> Option<(u64, Option<BoxFuture<'static, ()>>)> {
        let mut state = self.state();
        if state.ready.is_empty() {
            return None;
        }
        let count = state.ready.len() as u64;
        let index = usize::try_from(state.draw() % count).expect("below a length");
        let id = state.ready.swap_remove(index);
        let task = state.tasks.get_mut(&id).and_then(Option::take);
        Some((id, task))
    }

    fn pass_time(&self) {
        let waker = {
            let mut state = self.state();
            let ((at, _), waker) = state
                .timers
                .pop_first()
                .expect("something can run, or a timer is left");
            state.elapsed = state.elapsed.max(at);
            waker
        };
        waker.wake();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl World for Seeded {
    fn now(&self) -> Timestamp {
        let start = Timestamp::constant(1_767_225_600, 0);
        start + self.state().elapsed
    }

    fn elapsed(&self) -> Duration {
        self.state().elapsed
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let at = self.state().elapsed + duration;
        Sleep {
            world: self.clone(),
            at,
            timer: None,
        }
        .boxed()
    }

    fn start(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        state.tasks.insert(id, Some(task));
        state.ready.push(id);
    }

    fn random(&self) -> u64 {
        self.state().draw()
    }
}

struct WakeTask {
    world: Seeded,
    id: u64,
}

impl Wake for WakeTask {
    fn wake(self: Arc<Self>) {
        let mut state = self.world.state();
        if !state.ready.contains(&self.id) {
            state.ready.push(self.id);
        }
    }
}

struct Sleep {
    world: Seeded,
    at: Duration,
    timer: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (world, at) = (self.world.clone(), self.at);
        let mut state = world.state();
        if state.elapsed >= at {
            return Poll::Ready(());
        }
        let id = *self.timer.get_or_insert_with(|| {
            state.next += 1;
            state.next
        });
        state.timers.insert((at, id), cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            let waker = self.world.state().timers.remove(&(self.at, timer));
            drop(waker);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use quadrille::world;

    use super::*;

    fn story(seed: u64) -> Vec<(u64, Duration)> {
        let seeded = Seeded::new(seed);
        let world: world::Shared = Arc::new(seeded.clone());
        seeded.run(async move {
            let told = Arc::new(Mutex::new(Vec::new()));
            let tasks: Vec<_> = (0..5)
                .map(|task| {
                    let (inner, told) = (Arc::clone(&world), Arc::clone(&told));
                    world::spawn(&world, "teller", async move {
                        for _ in 0..3 {
                            inner
                                .sleep(Duration::from_millis(inner.random() % 50))
                                .await;
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
        assert_eq!(story(1), story(1));
        assert_ne!(story(1), story(2));
    }
}
