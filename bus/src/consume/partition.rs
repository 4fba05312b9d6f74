//! Drives one assigned partition: takes its records, runs their reactions, says how far it is.
//!
//! Each partition is a task of its own and the only owner of its [`Assignment`], so that nothing of
//! it is locked across an await. The consume loop hands records in and reads the mark.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::{BoxFuture, Either, FutureExt as _, select};
use futures::stream::FuturesUnordered;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};

use super::assignment::{Assignment, Limits, Started};
use super::handle::{End, handle};
use super::lanes::Lane;
use crate::broker::{Incoming, TopicPartition};
use crate::service::host::Host;
use crate::state::{Handled, Taken};
use crate::world::{self, Scoped};

/// A partition at work, as the consume loop sees it. Dropping it drops everything at once.
pub(crate) struct Partition {
    shared: Arc<Shared>,
    drain: watch::Sender<bool>,
    task: Scoped<()>,
}

/// What the consume loop and the partition's task share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) partition: TopicPartition,
    inbox: Mutex<VecDeque<Incoming>>,
    arrived: Notify,
    // Records in memory, wherever they wait or run.
    held: AtomicUsize,
    mark: AtomicI64,
    // When the record at the mark was written; the least number where nobody knows.
    oldest_ms: AtomicI64,
    pub(crate) paused: AtomicBool,
    // Somebody else has taken it over in the store: nothing more of it can be settled here.
    fenced: AtomicBool,
    resume_below: usize,
    // Rung when a paused partition has room again, and when one was fenced.
    room: Arc<Notify>,
}

impl Shared {
    /// Records in memory.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Acquire)
    }

    /// The offset to commit; negative while nothing is known and no record has come.
    pub(crate) fn mark(&self) -> i64 {
        self.mark.load(Ordering::Acquire)
    }

    /// When the oldest unfinished record in memory was written, in milliseconds. Known only where
    /// lag is measured.
    pub(crate) fn oldest_ms(&self) -> Option<i64> {
        let oldest = self.oldest_ms.load(Ordering::Acquire);
        (oldest != i64::MIN).then_some(oldest)
    }

    /// Whether somebody else has taken it over in the store.
    pub(crate) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire)
    }

    fn fence(&self) {
        self.fenced.store(true, Ordering::Release);
        self.room.notify_one();
    }

    /// A topic that was made anew begins below what is known of the old one: that stays known.
    fn advance(&self, mark: i64) {
        self.mark.fetch_max(mark, Ordering::AcqRel);
    }

    fn let_go(&self, records: usize) {
        let before = self.held.fetch_sub(records, Ordering::AcqRel);
        let has_room = before - records <= self.resume_below;
        if has_room && self.paused.load(Ordering::Acquire) {
            self.room.notify_one();
        }
    }
}

impl Partition {
    /// Starts to work on a partition.
    pub(crate) fn start(
        host: Arc<Host>,
        partition: TopicPartition,
        taken: Taken,
        room: Arc<Notify>,
    ) -> Self {
        let shared = Arc::new(Shared {
            partition,
            inbox: Mutex::default(),
            arrived: Notify::new(),
            held: AtomicUsize::new(0),
            // What the store knows is committed even if no further record comes: Kafka's offset is
            // its copy, and others look at that.
            mark: AtomicI64::new(taken.handled.as_ref().map_or(-1, |known| known.low_water)),
            oldest_ms: AtomicI64::new(i64::MIN),
            paused: AtomicBool::new(false),
            fenced: AtomicBool::new(false),
            resume_below: host.limits.partition_events_max / 2,
            room,
        });
        let (drain, draining) = watch::channel(false);
        let world = Arc::clone(&host.world);
        let work = Work {
            host,
            shared: Arc::clone(&shared),
            handled: taken.handled.unwrap_or_default(),
            epoch: taken.epoch,
            written: VecDeque::new(),
            draining,
        };
        // Tokio ends a task's turn after 128 steps by telling whatever is ready that it is not. With
        // hundreds of events in one task, all the others would be asked in vain each time.
        let work = tokio::task::unconstrained(work.run());
        let task = world::spawn(&world, "partition", work).scoped();
        Self {
            shared,
            drain,
            task,
        }
    }

    /// Hands records over, in offset order.
    pub(crate) fn offer(&self, records: Vec<Incoming>) {
        self.shared.held.fetch_add(records.len(), Ordering::AcqRel);
        let mut inbox = self
            .shared
            .inbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        inbox.extend(records);
        drop(inbox);
        self.shared.arrived.notify_one();
    }

    /// What can be seen of it from outside.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Tells the partition to finish what runs and to take nothing new.
    pub(crate) fn drain(&self) {
        self.drain.send_replace(true);
    }

    /// Waits until it has, or until the time is up; then what still runs is dropped. Returns the
    /// offset to commit, unless no record had come.
    pub(crate) async fn drained(self, world: &world::Shared, limit: Duration) -> Option<i64> {
        // When the time is up, dropping the task stops it.
        world::timeout(world, limit, self.task).await;
        let mark = self.shared.mark();
        (mark >= 0).then_some(mark)
    }
}

struct Work {
    host: Arc<Host>,
    shared: Arc<Shared>,
    handled: Handled,
    epoch: u64,
    // Offsets and times of what is unfinished, where lag is measured.
    written: VecDeque<(i64, i64)>,
    draining: watch::Receiver<bool>,
}

/// What the records that are being handled have of their partition.
struct Common {
    host: Arc<Host>,
    // One for each reaction that may run. What it decided is settled without one: while the broker
    // answers for it, the lane waits and others react.
    slots: Semaphore,
    epoch: u64,
    draining: watch::Receiver<bool>,
}

type Running<'a> = FuturesUnordered<Handling<'a>>;

/// A record that is being handled.
struct Handling<'a> {
    lane: Lane,
    offset: i64,
    handled: BoxFuture<'a, End>,
}

impl Future for Handling<'_> {
    type Output = (Lane, i64, End);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let end = ready!(self.handled.as_mut().poll(cx));
        Poll::Ready((self.lane, self.offset, end))
    }
}

impl Work {
    async fn run(mut self) {
        let common = Common {
            host: Arc::clone(&self.host),
            slots: Semaphore::new(self.host.limits.reactions_at_once_max),
            epoch: self.epoch,
            draining: self.draining.clone(),
        };
        let mut assignment = None;
        let mut running = Running::new();
        let mut slot = None;
        loop {
            self.take(&mut assignment);
            if let Some(assignment) = &mut assignment {
                common.start(assignment, slot.take(), &mut running);
                let mark = assignment.mark();
                self.shared.advance(mark);
                self.note_oldest(mark);
            }
            if *self.draining.borrow() {
                break;
            }
            let lacks_slot = assignment.as_mut().is_some_and(Assignment::can_start);
            tokio::select! {
                biased;
                Some(ended) = running.next(), if !running.is_empty() => {
                    self.end(assignment.as_mut(), ended);
                    // All that have ended by now, before the next are started.
                    while let Some(Some(ended)) = running.next().now_or_never() {
                        self.end(assignment.as_mut(), ended);
                    }
                    // Then it is the turn of other tasks.
                    tokio::task::yield_now().await;
                }
                free = common.slots.acquire(), if lacks_slot => {
                    slot = Some(free.expect("the slots are never closed"));
                }
                () = self.shared.arrived.notified() => {}
                changed = self.draining.changed() => {
                    // The consume loop is gone: nobody will commit, so there is nothing to finish.
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
        let Some(mut assignment) = assignment else {
            return;
        };
        self.shared.let_go(assignment.drain());
        while let Some(ended) = running.next().await {
            self.end(Some(&mut assignment), ended);
            self.shared.advance(assignment.mark());
        }
        assert!(assignment.is_complete(), "nothing runs after a drain");
    }

    /// Takes what has arrived. The first record says where the partition starts.
    fn take(&mut self, assignment: &mut Option<Assignment>) {
        let arrived = {
            let mut inbox = self
                .shared
                .inbox
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *inbox)
        };
        let Some(first) = arrived.front() else { return };
        let limits = &self.host.limits;
        let assignment = assignment.get_or_insert_with(|| {
            let limits = Limits {
                key_waiting_max: limits.key_events_max,
                waiting_max: limits.partition_events_max,
            };
            Assignment::new(limits, std::mem::take(&mut self.handled), first.offset)
        });
        let count = arrived.len();
        if self.host.observer.is_on() {
            let written = arrived.iter();
            self.written
                .extend(written.map(|record| (record.offset, record.timestamp_ms)));
        }
        let held = assignment.take(arrived);
        self.shared.let_go(count - held);
    }

    /// Notes when the record at the mark was written.
    fn note_oldest(&mut self, mark: i64) {
        if !self.host.observer.is_on() {
            return;
        }
        while self.written.front().is_some_and(|(at, _)| *at < mark) {
            self.written.pop_front();
        }
        let oldest = self.written.front().map_or(i64::MIN, |(_, ms)| *ms);
        self.shared.oldest_ms.store(oldest, Ordering::Release);
    }

    fn end(&self, assignment: Option<&mut Assignment>, ended: (Lane, i64, End)) {
        let (lane, offset, end) = ended;
        let assignment = assignment.expect("what runs was started by an assignment");
        if end != End::Finished {
            // The event saw the drain before this loop did, or nothing more can be settled.
            self.shared.let_go(assignment.drain());
        }
        if end == End::Fenced {
            self.shared.fence();
        }
        assignment.end(lane, offset, end == End::Finished);
        self.shared.let_go(1);
    }
}

impl Common {
    /// Starts what may run, as long as there are slots.
    fn start<'a>(
        &'a self,
        assignment: &mut Assignment,
        mut slot: Option<SemaphorePermit<'a>>,
        running: &mut Running<'a>,
    ) {
        loop {
            let slot = slot.take().or_else(|| self.slots.try_acquire().ok());
            let Some(slot) = slot else { return };
            let Some(started) = assignment.start() else {
                return;
            };
            running.push(self.handle(started, slot));
        }
    }

    fn handle<'a>(&'a self, started: Started, slot: SemaphorePermit<'a>) -> Handling<'a> {
        let slot = Slot {
            slots: &self.slots,
            held: Some(slot),
        };
        let (lane, offset) = (started.lane, started.record.offset);
        Handling {
            lane,
            offset,
            handled: handle(&self.host, started, self.epoch, slot, &self.draining),
        }
    }
}

/// The right to react, which an event gives back while it reacts to nothing.
pub(super) struct Slot<'a> {
    slots: &'a Semaphore,
    held: Option<SemaphorePermit<'a>>,
}

impl Slot<'_> {
    /// Lets somebody else react.
    pub(super) fn give_back(&mut self) {
        self.held = None;
    }

    /// Waits for its turn to react again, unless a drain begins first. `false`: it has begun.
    pub(super) async fn take(&mut self, draining: &watch::Receiver<bool>) -> bool {
        let free = std::pin::pin!(self.slots.acquire());
        let drain = std::pin::pin!(begun(draining));
        match select(free, drain).await {
            Either::Left((permit, _)) => {
                self.held = Some(permit.expect("the slots are never closed"));
                true
            }
            Either::Right(_) => false,
        }
    }
}

/// Resolves once a drain has begun.
pub(crate) async fn begun(draining: &watch::Receiver<bool>) {
    // An error means that the consume loop is gone, which ends the work just the same.
    let _ = draining.clone().wait_for(|draining| *draining).await;
}

/// Waits, unless a drain begins first. `false`: it has begun.
pub(crate) async fn wait(
    world: &world::Shared,
    duration: Duration,
    draining: &watch::Receiver<bool>,
) -> bool {
    let drain = std::pin::pin!(begun(draining));
    matches!(select(world.sleep(duration), drain).await, Either::Left(_))
}
