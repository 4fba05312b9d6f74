//! What goes wrong, as it goes wrong: which fault has its turn now.
//!
//! Whoever passes a place where something can go wrong asks here. Counts are of a whole service,
//! whichever of its instances passes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quadrille::world::Point;
use tokio::sync::Notify;

use crate::executor::Owner;
use crate::script::{Call, Fault};

/// What goes wrong in one run.
#[derive(Default)]
pub(crate) struct Weather {
    state: Mutex<State>,
    /// Rung when an instance has crashed, and when one becomes a zombie.
    pub(crate) bell: Notify,
}

#[derive(Default)]
struct State {
    faults: Vec<(Fault, bool)>,
    began: Option<Duration>,
    passed: BTreeMap<(Arc<str>, Point), u64>,
    stored: BTreeMap<String, u64>,
    submitted: BTreeMap<Arc<str>, u64>,
    calls: u64,
    crashes: VecDeque<Crash>,
    zombies: BTreeMap<Owner, Duration>,
    skews: BTreeMap<Arc<str>, i64>,
}

/// An instance that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crash {
    pub(crate) owner: Owner,
    /// When another one starts.
    pub(crate) back: Duration,
}

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    Crash(Duration),
    Slow(Duration),
}

/// What happens to a record that is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Storing {
    /// It stands there a second time after this long.
    pub(crate) again: Option<Duration>,
    pub(crate) unacknowledged: bool,
}

/// What happens to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Submitting {
    Conflict,
    Full,
    Down,
}

impl Weather {
    /// Decides what is to go wrong.
    pub(crate) fn decide(&self, faults: Vec<Fault>) {
        self.state().faults = faults.into_iter().map(|fault| (fault, false)).collect();
    }

    /// From now on times count.
    pub(crate) fn begin(&self, now: Duration) {
        self.state().began = Some(now);
    }

    /// Which faults have had their turn.
    pub(crate) fn fired(&self) -> Vec<bool> {
        self.state()
            .faults
            .iter()
            .map(|(_, fired)| *fired)
            .collect()
    }

    /// All that is to go wrong.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        self.state()
            .faults
            .iter()
            .map(|(fault, _)| fault.clone())
            .collect()
    }

    /// Notes that a fault had its turn which is not asked for here.
    pub(crate) fn fire(&self, fault: &Fault) {
        let mut state = self.state();
        if let Some(found) = state.faults.iter_mut().find(|(other, _)| other == fault) {
            found.1 = true;
        }
    }

    /// An event passes a point.
    pub(crate) fn passes(&self, service: &Arc<str>, point: Point) -> Option<Passing> {
        let mut state = self.state();
        let count = state
            .passed
            .entry((Arc::clone(service), point))
            .or_default();
        *count += 1;
        let count = *count;
        let hit = |of: &str, at: Point, nth: u64| *of == **service && at == point && nth == count;
        state.first(|fault| match fault {
            Fault::Crash {
                service,
                point,
                nth,
                back_ms,
            } if hit(service, *point, *nth) => Some(Passing::Crash(ms(*back_ms))),
            Fault::Slow {
                service,
                point,
                nth,
                for_ms,
            } if hit(service, *point, *nth) => Some(Passing::Slow(ms(*for_ms))),
            _ => None,
        })
    }

    /// Notes that an instance has ended.
    pub(crate) fn crashed(&self, crash: Crash) {
        self.state().crashes.push_back(crash);
        self.bell.notify_waiters();
    }

    /// The instances that have ended since this was last asked.
    pub(crate) fn take_crashes(&self) -> VecDeque<Crash> {
        std::mem::take(&mut self.state().crashes)
    }

    /// A record is stored.
    pub(crate) fn stores(&self, topic: &str) -> Storing {
        let mut state = self.state();
        if !state.has_topic_faults(topic) {
            return Storing::default();
        }
        let count = state.stored.entry(topic.to_owned()).or_default();
        *count += 1;
        let count = *count;
        let again = state.first(|fault| match fault {
            Fault::Duplicate {
                topic: of,
                nth,
                after_ms,
            } if of == topic && *nth == count => Some(ms(*after_ms)),
            _ => None,
        });
        let unacknowledged = state.first(|fault| match fault {
            Fault::Unacknowledged { topic: of, nth } if of == topic && *nth == count => Some(()),
            _ => None,
        });
        Storing {
            again,
            unacknowledged: unacknowledged.is_some(),
        }
    }

    /// Whether anything is wrong with a topic at any time.
    pub(crate) fn concerns(&self, topic: &str) -> bool {
        self.state().has_topic_faults(topic)
    }

    /// When a partition is available again. `None`: it is.
    pub(crate) fn cut_until(&self, topic: &str, partition: i32, now: Duration) -> Option<Duration> {
        self.state().window(now, |fault| match fault {
            Fault::Cut {
                topic: of,
                partition: at,
                at_ms,
                for_ms,
            } if of == topic && *at == partition => Some((*at_ms, *for_ms)),
            _ => None,
        })
    }

    /// When records of a partition come through again. `None`: they do.
    pub(crate) fn delayed_until(
        &self,
        topic: &str,
        partition: i32,
        now: Duration,
    ) -> Option<Duration> {
        self.state().window(now, |fault| match fault {
            Fault::Cut {
                topic: of,
                partition: at,
                at_ms,
                for_ms,
            }
            | Fault::Delay {
                topic: of,
                partition: at,
                at_ms,
                for_ms,
            } if of == topic && *at == partition => Some((*at_ms, *for_ms)),
            _ => None,
        })
    }

    /// Whether a service cannot read an event of this type.
    pub(crate) fn breaks(&self, service: &str, event: Option<&[u8]>) -> bool {
        let mut state = self.state();
        let broken = state.first(|fault| match fault {
            Fault::Broken {
                service: of,
                event: broken,
            } if of == service && event == Some(broken.as_bytes()) => Some(()),
            _ => None,
        });
        broken.is_some()
    }

    /// When a store answers again. `None`: it does.
    pub(crate) fn down_until(&self, service: &str, now: Duration) -> Option<Duration> {
        self.state().window(now, |fault| match fault {
            Fault::Down {
                service: of,
                at_ms,
                for_ms,
            } if of == service => Some((*at_ms, *for_ms)),
            _ => None,
        })
    }

    /// A change is submitted.
    pub(crate) fn submits(&self, service: &Arc<str>, now: Duration) -> Option<Submitting> {
        if self.down_until(service, now).is_some() {
            return Some(Submitting::Down);
        }
        let mut state = self.state();
        let full = state.window(now, |fault| match fault {
            Fault::Full {
                service: of,
                at_ms,
                for_ms,
            } if **of == **service => Some((*at_ms, *for_ms)),
            _ => None,
        });
        if full.is_some() {
            return Some(Submitting::Full);
        }
        let count = state.submitted.entry(Arc::clone(service)).or_default();
        *count += 1;
        let count = *count;
        state.first(|fault| match fault {
            Fault::Conflict { service: of, nth } if **of == **service && *nth == count => {
                Some(Submitting::Conflict)
            }
            _ => None,
        })
    }

    /// A call to the outside is made.
    pub(crate) fn calls(&self, now: Duration) -> Option<Call> {
        let mut state = self.state();
        state.calls += 1;
        let count = state.calls;
        let outage = state.window(now, |fault| match fault {
            Fault::Outage { at_ms, for_ms } => Some((*at_ms, *for_ms)),
            _ => None,
        });
        if outage.is_some() {
            return Some(Call::Fails);
        }
        state.first(|fault| match fault {
            Fault::Call { nth, how } if *nth == count => Some(*how),
            _ => None,
        })
    }

    /// Makes an instance a zombie until then.
    pub(crate) fn make_zombie(&self, owner: Owner, until: Duration) {
        self.state().zombies.insert(owner, until);
        self.bell.notify_waiters();
    }

    /// Until when an instance hears nothing of its group. `None`: it does.
    pub(crate) fn zombie_until(&self, owner: Owner, now: Duration) -> Option<Duration> {
        let state = self.state();
        state
            .zombies
            .get(&owner)
            .copied()
            .filter(|until| now < *until)
    }

    /// Lets the clock of a service jump.
    pub(crate) fn jump(&self, service: &Arc<str>, by_ms: i64) {
        *self.state().skews.entry(Arc::clone(service)).or_default() += by_ms;
    }

    /// How far the clock of a service is off, in milliseconds.
    pub(crate) fn skew(&self, service: &str) -> i64 {
        let state = self.state();
        match state.skews.is_empty() {
            true => 0,
            false => state.skews.get(service).copied().unwrap_or(0),
        }
    }

    /// When everything that has a time is over.
    pub(crate) fn over(&self) -> Duration {
        let state = self.state();
        let began = state.began.unwrap_or_default();
        let ends = state.faults.iter().map(|(fault, _)| match fault {
            Fault::Zombie { at_ms, for_ms, .. }
            | Fault::Delay { at_ms, for_ms, .. }
            | Fault::Cut { at_ms, for_ms, .. }
            | Fault::Full { at_ms, for_ms, .. }
            | Fault::Outage { at_ms, for_ms }
            | Fault::Down { at_ms, for_ms, .. } => at_ms + for_ms,
            _ => 0,
        });
        began + ms(ends.max().unwrap_or(0))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first fault that has its turn.
    fn first<T>(&mut self, turn: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let mut faults = self.faults.iter_mut();
        faults.find_map(|(fault, fired)| {
            let found = turn(fault)?;
            *fired = true;
            Some(found)
        })
    }

    /// The end of the latest of the windows in which this moment lies.
    fn window(
        &mut self,
        now: Duration,
        window: impl Fn(&Fault) -> Option<(u64, u64)>,
    ) -> Option<Duration> {
        let began = self.began?;
        let mut last = None;
        for (fault, fired) in &mut self.faults {
            let Some((at_ms, for_ms)) = window(fault) else {
                continue;
            };
            let (from, until) = (began + ms(at_ms), began + ms(at_ms + for_ms));
            if (from..until).contains(&now) {
                *fired = true;
                last = last.max(Some(until));
            }
        }
        last
    }

    fn has_topic_faults(&self, topic: &str) -> bool {
        self.faults.iter().any(|(fault, _)| match fault {
            Fault::Duplicate { topic: of, .. }
            | Fault::Unacknowledged { topic: of, .. }
            | Fault::Delay { topic: of, .. }
            | Fault::Cut { topic: of, .. } => of == topic,
            _ => false,
        })
    }
}

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
