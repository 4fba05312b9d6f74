//! Consume: a group member's partitions, their lanes, and the offsets that may be committed.
//!
//! The loop here owns the member. It hands records to the tasks of their partitions, pauses those
//! that hold too much, commits low-water marks, and on a revocation drains, commits, and only then
//! gives up. What is not revoked goes on meanwhile. It decides nothing about an event: that is [`handle`]'s.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _, join_all, pending};
use tokio::sync::Notify;

mod assignment;
pub(crate) mod delivery;
mod handle;
mod lanes;
mod low_water;
mod partition;

use crate::broker::{
    self, Assigned, Consumer, ErrorKind, Incoming, Membership, Revoked, Signal, TopicPartition,
};
use crate::observe;
use crate::service::host::Host;
use crate::state::Taken;
use crate::stop::Stop;
#[cfg(feature = "planted")]
use crate::world;
use partition::Partition;
pub(crate) use partition::Shared;

/// A membership that lasted this long worked: whatever ended it is no repetition of what ended those
/// before, and is not waited for as long.
const WORKED_FOR: Duration = Duration::from_secs(60);

/// Takes part in the group until asked to stop. A member that failed for good is built again.
pub(crate) async fn consume(host: Arc<Host>, membership: Membership, stop: Stop) {
    let mut attempt = 1;
    loop {
        match host.broker.join(membership.clone()).await {
            Ok(consumer) => {
                host.status.clear("broker");
                host.status.clear("membership");
                host.status
                    .set_waiting("assignment", "the group has not given out partitions yet");
                let joined_at = host.world.elapsed();
                let mut member = Member::new(Arc::clone(&host), consumer);
                let failed = member.run(&stop).await;
                if host.world.elapsed().saturating_sub(joined_at) >= WORKED_FOR {
                    attempt = 1;
                }
                member.abandon();
                let Some(error) = failed else { return };
                observe::member_failed(&host.service, &error);
                host.status.set_waiting("membership", error.to_string());
            }
            Err(error) => {
                observe::cannot_join(&host.service, &error);
                host.status.set_waiting("membership", error.to_string());
            }
        }
        let wait = host.retry.wait(attempt, host.world.random());
        attempt += 1;
        if stop.unless(host.world.sleep(wait)).await.is_none() {
            return;
        }
    }
}

/// One membership in the group.
struct Member {
    host: Arc<Host>,
    consumer: Option<Box<dyn Consumer>>,
    partitions: BTreeMap<TopicPartition, Partition>,
    committed: BTreeMap<TopicPartition, i64>,
    // Some partitions drain and are given up, while others go on.
    leaving: Option<BoxFuture<'static, ()>>,
    room: Arc<Notify>,
    #[cfg(feature = "planted")]
    handed_out: BTreeMap<TopicPartition, i64>,
}

enum Next {
    Signal(Signal),
    Room,
    Left,
    Commit,
    Stop,
}

impl Member {
    fn new(host: Arc<Host>, consumer: Box<dyn Consumer>) -> Self {
        Self {
            host,
            consumer: Some(consumer),
            partitions: BTreeMap::new(),
            committed: BTreeMap::new(),
            leaving: None,
            room: Arc::new(Notify::new()),
            #[cfg(feature = "planted")]
            handed_out: BTreeMap::new(),
        }
    }

    /// Runs until stopped (`None`), or until the member has failed for good.
    async fn run(&mut self, stop: &Stop) -> Option<broker::Error> {
        let commit_interval = Duration::from_millis(self.host.limits.commit_interval_ms);
        let mut commit_due = self.host.world.sleep(commit_interval);
        loop {
            let consumer = self
                .consumer
                .as_mut()
                .expect("there until the member leaves");
            let next = tokio::select! {
                biased;
                () = stop.requested() => Next::Stop,
                () = &mut commit_due => Next::Commit,
                () = self.room.notified() => Next::Room,
                () = left(&mut self.leaving) => Next::Left,
                signal = consumer.next() => Next::Signal(signal),
            };
            match next {
                Next::Stop => {
                    self.host.status.draining();
                    self.leave().await;
                    return None;
                }
                Next::Commit => {
                    self.commit().await;
                    commit_due = self.host.world.sleep(commit_interval);
                }
                Next::Room => {
                    if let Some(error) = self.fenced() {
                        self.leave().await;
                        return Some(error);
                    }
                    self.resume();
                }
                Next::Left => self.leaving = None,
                Next::Signal(Signal::Records(records)) => self.hand_out(records),
                Next::Signal(Signal::Assigned(assigned)) => self.assign(assigned, stop).await,
                Next::Signal(Signal::Revoked(revoked)) => self.revoke(revoked).await,
                Next::Signal(Signal::Lost(lost)) => self.lose(&lost),
                Next::Signal(Signal::Troubled(error)) => {
                    observe::broker_in_trouble(&self.host.service, &error);
                    self.host.status.set_waiting("broker", error.to_string());
                }
                Next::Signal(Signal::Recovered) => self.host.status.clear("broker"),
                Next::Signal(Signal::Failed(error)) => return Some(error),
            }
        }
    }

    fn hand_out(&mut self, records: Vec<Incoming>) {
        self.host.status.clear("broker");
        let mut records = records.into_iter().peekable();
        while let Some(first) = records.next() {
            let partition = first.partition.clone();
            let mut batch = vec![first];
            while let Some(record) = records.next_if(|record| record.partition == partition) {
                batch.push(record);
            }
            let Some(at_work) = self.partitions.get(&partition) else {
                // Given up meanwhile: the new owner gets them.
                continue;
            };
            #[cfg(feature = "planted")]
            if let Some(last) = batch.last() {
                self.handed_out.insert(partition.clone(), last.offset + 1);
            }
            at_work.offer(batch);
            let shared = at_work.shared();
            let full = shared.held() >= self.host.limits.partition_events_max;
            if full && !shared.paused.swap(true, Ordering::AcqRel) {
                observe::paused(&self.host.service, &partition);
                self.consumer().pause(&[partition]);
                // It may have emptied before it was marked: then nobody rings for it.
                self.room.notify_one();
            }
        }
    }

    /// The group has given out a partition here, and somebody who had it before has taken it over in
    /// the store only then: late, because the store was away, say. Nothing of it could be settled until
    /// the group gives it out again, so the member has to leave and come back.
    fn fenced(&self) -> Option<broker::Error> {
        let fenced = self
            .partitions
            .iter()
            .find(|(_, at_work)| at_work.shared().is_fenced());
        fenced.map(|(partition, _)| {
            broker::Error::new(
                ErrorKind::Fenced,
                format!(
                    "somebody else has taken {partition} over in the state of this service: it joins \
                     again to get it back, or to learn whose it is"
                ),
            )
        })
    }

    fn resume(&mut self) {
        let half = self.host.limits.partition_events_max / 2;
        let mut resumed = Vec::new();
        for (partition, at_work) in &self.partitions {
            let shared = at_work.shared();
            if shared.held() <= half && shared.paused.swap(false, Ordering::AcqRel) {
                resumed.push(partition.clone());
            }
        }
        if !resumed.is_empty() {
            self.consumer().resume(&resumed);
        }
    }

    async fn assign(&mut self, assigned: Assigned, stop: &Stop) {
        self.host.status.clear("assignment");
        self.host.status.clear("broker");
        let taking = take(&self.host, &assigned.partitions);
        let Some(mut taken) = stop.unless(taking).await else {
            // The store is away. Nothing of them was begun, and the member is about to leave.
            return;
        };
        warn_if_state_is_new(&self.host, &taken).await;
        observe::assigned(&self.host.service, &assigned.partitions);
        let known = taken
            .iter()
            .filter_map(|(at, taken)| Some((at.clone(), taken.handled.as_ref()?.low_water)));
        let positions: BTreeMap<TopicPartition, i64> = known.collect();
        for partition in &assigned.partitions {
            let taken = taken.remove(partition).unwrap_or_default();
            let (host, room) = (Arc::clone(&self.host), Arc::clone(&self.room));
            let at_work = Partition::start(host, partition.clone(), taken, room);
            self.host.note_assigned(at_work.shared());
            self.partitions.insert(partition.clone(), at_work);
            self.committed.remove(partition);
        }
        assigned.start_at(positions);
    }

    async fn revoke(&mut self, revoked: Revoked) {
        observe::draining(&self.host.service, &revoked.partitions);
        let drained = self.drain(&revoked.partitions);
        let leaving = drained.map(|offsets| revoked.release(offsets));
        match self.partitions.is_empty() {
            // There is nothing that could go on.
            true => leaving.await,
            false => self.leaving = Some(leaving.boxed()),
        }
    }

    /// Forgets partitions and lets them drain. Resolves to what is to be committed for them.
    fn drain(
        &mut self,
        partitions: &[TopicPartition],
    ) -> BoxFuture<'static, BTreeMap<TopicPartition, i64>> {
        let limit = Duration::from_millis(self.host.limits.drain_timeout_ms);
        let leaving: Vec<_> = partitions
            .iter()
            .filter_map(|at| {
                self.partitions
                    .remove(at)
                    .map(|at_work| (at.clone(), at_work))
            })
            .collect();
        for (_, at_work) in &leaving {
            at_work.drain();
        }
        let world = Arc::clone(&self.host.world);
        let drained = leaving.into_iter().map(|(at, at_work)| {
            let world = Arc::clone(&world);
            async move { Some((at, at_work.drained(&world, limit).await?)) }
        });
        let drained = join_all(drained);
        let committed: BTreeMap<_, _> = self
            .committed
            .extract_if(.., |at, _| partitions.contains(at))
            .collect();
        let (host, partitions) = (Arc::clone(&self.host), partitions.to_vec());
        let offsets = async move {
            let marks = drained.await.into_iter().flatten();
            let offsets = marks
                .filter(|(at, mark)| committed.get(at) != Some(mark))
                .collect();
            for partition in &partitions {
                host.note_given_up(partition);
            }
            offsets
        };
        offsets.boxed()
    }

    fn lose(&mut self, lost: &[TopicPartition]) {
        observe::lost(&self.host.service, lost);
        // Whoever loses partitions loses all, those that still drain among them.
        self.leaving = None;
        for partition in lost {
            self.partitions.remove(partition);
            self.committed.remove(partition);
            self.host.note_given_up(partition);
        }
        if self.partitions.is_empty() {
            self.host
                .status
                .set_waiting("assignment", "all partitions were lost to the group");
        }
    }

    async fn commit(&mut self) {
        let mut offsets = BTreeMap::new();
        for (partition, at_work) in &self.partitions {
            let mark = at_work.shared().mark();
            #[cfg(feature = "planted")]
            let mark = match self.host.world.has(world::Bug::CommitBeforeSettle) {
                true => self
                    .handed_out
                    .get(partition)
                    .copied()
                    .unwrap_or(mark)
                    .max(mark),
                false => mark,
            };
            let committed = self.committed.get(partition).copied();
            assert!(
                committed.is_none_or(|committed| committed <= mark || mark < 0),
                "the mark of {partition} has gone back from {committed:?} to {mark}"
            );
            if mark >= 0 && committed != Some(mark) {
                offsets.insert(partition.clone(), mark);
            }
        }
        if offsets.is_empty() {
            return;
        }
        match self.consumer().commit(&offsets).await {
            Ok(()) => self.committed.append(&mut offsets),
            // A rebalance is under way, and its signal comes next.
            Err(error) if error.kind() == ErrorKind::Fenced => {}
            Err(error) => observe::cannot_commit(&self.host.service, &error),
        }
    }

    async fn leave(&mut self) {
        let all: Vec<_> = self.partitions.keys().cloned().collect();
        observe::draining(&self.host.service, &all);
        let drained = self.drain(&all);
        if let Some(leaving) = self.leaving.take() {
            leaving.await;
        }
        let offsets = drained.await;
        if !offsets.is_empty()
            && let Err(error) = self.consumer().commit(&offsets).await
        {
            observe::cannot_commit(&self.host.service, &error);
        }
        if let Some(consumer) = self.consumer.take() {
            consumer.leave().await;
        }
    }

    /// Drops everything: the member is no longer one.
    fn abandon(&mut self) {
        let all: Vec<_> = self.partitions.keys().cloned().collect();
        if !all.is_empty() {
            self.lose(&all);
        }
        self.leaving = None;
        self.consumer = None;
    }

    fn consumer(&mut self) -> &mut dyn Consumer {
        &mut **self
            .consumer
            .as_mut()
            .expect("there until the member leaves")
    }
}

/// Resolves once what is leaving has left.
async fn left(leaving: &mut Option<BoxFuture<'static, ()>>) {
    match leaving {
        Some(leaving) => leaving.await,
        None => pending().await,
    }
}

/// Warns where the group has handled events and the state knows of none: somebody has named another
/// folder, or two instances of a group have two.
async fn warn_if_state_is_new(host: &Host, taken: &BTreeMap<TopicPartition, Taken>) {
    let is_new = |taken: &Taken| taken.epoch == 1 && taken.handled.is_none();
    if host.store.is_none() || !taken.values().all(is_new) {
        return;
    }
    let partitions: Vec<_> = taken.keys().cloned().collect();
    // Without an answer there is nothing to warn of, and reading goes on as it would.
    let committed = host.broker.committed(&host.service, &partitions).await;
    if committed.is_ok_and(|offsets| offsets.values().any(|offset| *offset > 0)) {
        observe::state_is_new(&host.service);
    }
}

/// Takes partitions over in the store, which knows what is handled; tried for as long as it takes.
async fn take(host: &Host, partitions: &[TopicPartition]) -> BTreeMap<TopicPartition, Taken> {
    let Some(store) = &host.store else {
        return BTreeMap::new();
    };
    let mut attempt = 1;
    loop {
        match store.take(partitions).await {
            Ok(taken) => return taken,
            Err(error) => {
                let wait = host.retry.wait(attempt, host.world.random());
                observe::store_in_trouble(&host.service, &error, wait);
                let _missing = host.status.missing("state", error.message.as_str());
                host.world.sleep(wait).await;
                attempt += 1;
            }
        }
    }
}
