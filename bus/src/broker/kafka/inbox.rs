//! What a poll thread has for its member: signals, and records on a shelf per partition.
//!
//! The poll thread puts in, the member takes out, and neither ever waits for the other's lock for
//! longer than that takes. Signals overtake records: a partition that is to be given up has its
//! shelf emptied first, so that no record of it follows its signal, and the next owner gets those.
//! The shelf of a paused partition keeps what is on it, in order, until the partition resumes; it
//! does not count as full, or the other partitions would starve behind it. It even takes more, and
//! the partition's fetching goes on: a partition whose fetching stops loses what was prefetched, and
//! a busy one that pauses for moments would fetch the same batch again and again. Once the paused
//! ones together have as much as the others may, polling rests, for a moment at most; then the
//! fullest of them stops. Where all of them together have twice as much, all stop at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use tokio::sync::Notify;

use super::super::{Error, Incoming, Signal, TopicPartition};
use super::clock::Moment;

mod shelf;

pub(super) use shelf::Limit;
use shelf::{Kind, Load, Shelf};

/// Most signals of trouble that wait to be heard. The oldest are dropped first.
const TROUBLES_MAX: usize = 16;

/// What a poll thread has for its member.
#[derive(Debug)]
pub(super) struct Inbox {
    state: Mutex<State>,
    /// Rings for the member.
    bell: Notify,
    /// The poll thread, which is woken when there is something for it to do.
    poller: OnceLock<Thread>,
    limit: Limit,
}

#[derive(Debug, Default)]
struct State {
    signals: VecDeque<Signal>,
    shelves: BTreeMap<TopicPartition, Shelf>,
    /// Partitions with records that may be taken, in turn.
    turn: VecDeque<TopicPartition>,
    /// What lies on shelves that are not paused.
    load: Load,
    /// What lies on shelves that are paused and have not stopped.
    aside: Load,
    /// What lies on shelves that are paused and have stopped.
    stopped: Load,
    /// Which partitions' fetching has stopped has changed.
    pauses_changed: bool,
    /// Counts the assignments, so that records of an earlier one can be told.
    epoch: u64,
    /// The member has heard that it failed: it hears nothing more.
    has_failed: bool,
    /// The member did not listen when it had to; whether it does again.
    absence: Absence,
    /// Since when the member does something else than to wait for what comes next.
    busy_since: Option<Moment>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Absence {
    #[default]
    None,
    Absent,
    Back,
}

impl Inbox {
    pub(super) fn new(limit: Limit) -> Self {
        Self {
            state: Mutex::new(State {
                busy_since: Some(Moment::now()),
                ..State::default()
            }),
            bell: Notify::new(),
            poller: OnceLock::new(),
            limit,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For the poll thread.
impl Inbox {
    /// Says whom to wake when there is room again or a pause has changed.
    pub(super) fn polled_by(&self, thread: Thread) {
        // A second thread would be a mistake of ours, and then the first keeps being woken.
        let _ = self.poller.set(thread);
    }

    /// The member owns these partitions from now on. None of them is paused.
    pub(super) fn open(&self, partitions: &[TopicPartition]) {
        let mut state = self.state();
        state.epoch += 1;
        let epoch = state.epoch;
        for partition in partitions {
            state.clear(partition);
            let shelf = Shelf {
                epoch,
                ..Shelf::default()
            };
            state.shelves.insert(partition.clone(), shelf);
        }
    }

    /// The number of this assignment, for [`Inbox::put`].
    pub(super) fn epoch(&self) -> u64 {
        self.state().epoch
    }

    /// Nothing more comes of these partitions, though the member still owns them.
    pub(super) fn close(&self, partitions: &[TopicPartition]) {
        let mut state = self.state();
        for partition in partitions {
            state.clear(partition);
            if let Some(shelf) = state.shelves.get_mut(partition) {
                shelf.closed = true;
            }
        }
    }

    /// The member no longer owns these partitions.
    pub(super) fn remove(&self, partitions: &[TopicPartition]) {
        let mut state = self.state();
        for partition in partitions {
            state.clear(partition);
            state.shelves.remove(partition);
        }
    }

    /// Whether the member owns nothing.
    pub(super) fn owns_nothing(&self) -> bool {
        self.state().shelves.is_empty()
    }

    /// All partitions that the member owns.
    pub(super) fn owned(&self) -> Vec<TopicPartition> {
        self.state().shelves.keys().cloned().collect()
    }

    /// Puts records of one partition on its shelf, in offset order. Those of a partition that the
    /// member does not own, or no longer, or anew since they were polled in `epoch`, are dropped.
    pub(super) fn put(&self, epoch: u64, run: Vec<Incoming>) {
        let Some(first) = run.first() else {
            return;
        };
        let partition = first.partition.clone();
        debug_assert!(
            run.iter().all(|record| record.partition == partition),
            "a run is of one partition"
        );
        let load = Load::of(&run);
        let mut state = self.state();
        let Some(shelf) = state.shelves.get_mut(&partition) else {
            return;
        };
        if shelf.closed || shelf.epoch > epoch {
            return;
        }
        let waits_already = !shelf.runs.is_empty();
        let kind = shelf.kind();
        shelf.load.add(load);
        shelf.runs.push_back(run);
        state.load_of(kind).add(load);
        if kind != Kind::Open {
            state.stop_all_if_overfull(self.limit);
            return;
        }
        if !waits_already {
            state.turn.push_back(partition);
        }
        drop(state);
        self.bell.notify_one();
    }

    /// Tells the member something.
    pub(super) fn signal(&self, signal: Signal) {
        self.state().signals.push_back(signal);
        self.bell.notify_one();
    }

    /// Tells the member of trouble. Where it does not listen, older troubles are forgotten.
    pub(super) fn trouble(&self, error: Error) {
        let mut state = self.state();
        let is_trouble = |signal: &Signal| matches!(signal, Signal::Troubled(_));
        if state.signals.iter().filter(|s| is_trouble(s)).count() >= TROUBLES_MAX
            && let Some(oldest) = state.signals.iter().position(is_trouble)
        {
            state.signals.remove(oldest);
        }
        state.signals.push_back(Signal::Troubled(error));
        drop(state);
        self.bell.notify_one();
    }

    /// The member owns nothing any more: it did not listen when it had to answer. It is told that all
    /// that it had is lost, but for what it has never heard of.
    pub(super) fn take_back(&self) {
        let mut state = self.state();
        let mut lost: BTreeSet<TopicPartition> = state.shelves.keys().cloned().collect();
        for signal in std::mem::take(&mut state.signals) {
            match signal {
                Signal::Assigned(unheard) => lost.retain(|at| !unheard.partitions.contains(at)),
                Signal::Revoked(_) => {}
                other => state.signals.push_back(other),
            }
        }
        state.clear_all();
        if !lost.is_empty() {
            let lost = lost.into_iter().collect();
            state.signals.push_back(Signal::Lost(lost));
        }
        state.absence = Absence::Absent;
        drop(state);
        self.bell.notify_one();
    }

    /// Whether the member is being treated as if it were not there.
    pub(super) fn is_absent(&self) -> bool {
        self.state().absence != Absence::None
    }

    /// Whether the member owns partitions and has not asked for anything for so long.
    pub(super) fn is_neglected(&self, patience: Duration) -> bool {
        let state = self.state();
        let is_silent = state
            .busy_since
            .is_some_and(|since| since.plus(patience).has_come());
        is_silent && !state.shelves.is_empty() && state.absence == Absence::None
    }

    /// Whether a member that did not listen does so again.
    pub(super) fn would_be_back(&self) -> bool {
        self.state().absence == Absence::Back
    }

    /// Whether a member that did not listen does so again. Says so once.
    pub(super) fn is_back(&self) -> bool {
        let mut state = self.state();
        let is_back = state.absence == Absence::Back;
        if is_back {
            state.absence = Absence::None;
        }
        is_back
    }

    /// Whether more records may be put in.
    pub(super) fn has_room(&self) -> bool {
        let state = self.state();
        self.limit.admits(state.load) && self.limit.admits(state.aside)
    }

    /// Whether as much lies ready for the member as may.
    pub(super) fn is_full(&self) -> bool {
        !self.limit.admits(self.state().load)
    }

    /// Stops the fetching of the paused partition that has most aside, where as much lies aside as
    /// may. Returns whether it did.
    pub(super) fn stop_fullest(&self) -> bool {
        let mut state = self.state();
        !self.limit.admits(state.aside) && state.stop_fullest()
    }

    /// Whether at least half of the room is free.
    pub(super) fn is_half_empty(&self) -> bool {
        self.limit.half().admits(self.state().load)
    }

    /// The partitions whose fetching is to stop, where that has changed since this was last asked.
    pub(super) fn changed_pauses(&self) -> Option<BTreeSet<TopicPartition>> {
        let mut state = self.state();
        std::mem::take(&mut state.pauses_changed).then(|| state.stopped())
    }

    /// The partitions whose fetching is to stop.
    pub(super) fn paused(&self) -> BTreeSet<TopicPartition> {
        self.state().stopped()
    }
}

/// For the member.
impl Inbox {
    /// Waits for what comes next. Cancel-safe: whatever is taken is returned at once.
    pub(super) async fn next(&self) -> Signal {
        let _listening = Listening::to(self);
        loop {
            if let Some(signal) = self.take() {
                return signal;
            }
            self.bell.notified().await;
        }
    }

    fn take(&self) -> Option<Signal> {
        let mut state = self.state();
        if state.has_failed {
            return None;
        }
        if state.absence == Absence::Absent {
            state.absence = Absence::Back;
            self.wake_poller();
        }
        if let Some(signal) = state.signals.pop_front() {
            state.has_failed = matches!(signal, Signal::Failed(_));
            return Some(signal);
        }
        let before = state.load;
        let run = state.take_run()?;
        let has_room_again = |limit: Limit| !limit.admits(before) && limit.admits(state.load);
        let is_awaited = has_room_again(self.limit) || has_room_again(self.limit.half());
        drop(state);
        if is_awaited {
            self.wake_poller();
        }
        Some(Signal::Records(run))
    }

    /// Nothing of these partitions is taken out until they resume.
    pub(super) fn pause(&self, partitions: &[TopicPartition]) {
        self.set_paused(partitions, true);
    }

    /// Takes up what [`Inbox::pause`] put aside.
    pub(super) fn resume(&self, partitions: &[TopicPartition]) {
        self.set_paused(partitions, false);
        self.bell.notify_one();
    }

    /// The first of these partitions that the member does not own.
    pub(super) fn first_not_owned<'a>(
        &self,
        mut partitions: impl Iterator<Item = &'a TopicPartition>,
    ) -> Option<&'a TopicPartition> {
        let state = self.state();
        partitions.find(|partition| !state.shelves.contains_key(partition))
    }

    fn set_paused(&self, partitions: &[TopicPartition], paused: bool) {
        let mut state = self.state();
        let had_room = self.limit.admits(state.aside);
        for partition in partitions {
            state.set_paused(partition, paused);
        }
        state.stop_all_if_overfull(self.limit);
        let has_room_again = !had_room && self.limit.admits(state.aside);
        let changed = state.pauses_changed;
        drop(state);
        if changed || has_room_again {
            self.wake_poller();
        }
    }

    /// Wakes the poll thread: there is something for it to do.
    pub(super) fn wake_poller(&self) {
        if let Some(poller) = self.poller.get() {
            poller.unpark();
        }
    }
}

/// While it lives, the member waits for what comes next.
struct Listening<'a>(&'a Inbox);

impl<'a> Listening<'a> {
    fn to(inbox: &'a Inbox) -> Self {
        inbox.state().busy_since = None;
        Self(inbox)
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.0.state().busy_since = Some(Moment::now());
    }
}

impl State {
    /// The next run of records of the partition whose turn it is.
    fn take_run(&mut self) -> Option<Vec<Incoming>> {
        let partition = self.turn.pop_front()?;
        let shelf = self
            .shelves
            .get_mut(&partition)
            .expect("a partition whose turn it is has a shelf");
        let run = shelf
            .runs
            .pop_front()
            .expect("a partition whose turn it is has records");
        let load = Load::of(&run);
        shelf.load.take(load);
        let has_more = !shelf.runs.is_empty();
        self.load.take(load);
        if has_more {
            self.turn.push_back(partition);
        }
        Some(run)
    }

    /// Throws away what lies on the shelf of a partition.
    fn clear(&mut self, partition: &TopicPartition) {
        let Some(shelf) = self.shelves.get_mut(partition) else {
            return;
        };
        shelf.runs.clear();
        let (kind, load) = (shelf.kind(), std::mem::take(&mut shelf.load));
        self.load_of(kind).take(load);
        if kind == Kind::Open {
            self.turn.retain(|other| other != partition);
        }
    }

    /// Takes all shelves down.
    fn clear_all(&mut self) {
        self.shelves.clear();
        self.turn.clear();
        (self.load, self.aside, self.stopped) = Default::default();
    }

    fn set_paused(&mut self, partition: &TopicPartition, paused: bool) {
        let Some(shelf) = self.shelves.get_mut(partition) else {
            return;
        };
        if shelf.paused == paused {
            return;
        }
        let (before, load) = (shelf.kind(), shelf.load);
        shelf.paused = paused;
        let had_stopped = std::mem::take(&mut shelf.stopped);
        let (after, has_records) = (shelf.kind(), !shelf.runs.is_empty());
        self.pauses_changed |= had_stopped;
        self.load_of(before).take(load);
        self.load_of(after).add(load);
        if paused {
            self.turn.retain(|other| other != partition);
        } else if has_records {
            self.turn.push_back(partition.clone());
        }
    }

    /// Stops the fetching of the paused partition that has most aside.
    fn stop_fullest(&mut self) -> bool {
        let aside = self.shelves.values_mut();
        let aside = aside.filter(|shelf| shelf.kind() == Kind::Aside);
        let Some(fullest) = aside.max_by_key(|shelf| (shelf.load.bytes, shelf.load.records)) else {
            return false;
        };
        fullest.stopped = true;
        let load = fullest.load;
        self.aside.take(load);
        self.stopped.add(load);
        self.pauses_changed = true;
        true
    }

    /// Stops the fetching of all paused partitions where they have twice as much as they may.
    fn stop_all_if_overfull(&mut self, limit: Limit) {
        let mut all = self.aside;
        all.add(self.stopped);
        if !limit.twice().admits(all) {
            while self.stop_fullest() {}
        }
    }

    fn load_of(&mut self, kind: Kind) -> &mut Load {
        match kind {
            Kind::Open => &mut self.load,
            Kind::Aside => &mut self.aside,
            Kind::Stopped => &mut self.stopped,
        }
    }

    fn stopped(&self) -> BTreeSet<TopicPartition> {
        self.shelves
            .iter()
            .filter(|(_, shelf)| shelf.stopped)
            .map(|(partition, _)| partition.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests;
