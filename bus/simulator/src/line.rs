//! The line between one instance and the broker, on which things go wrong.
//!
//! Records are stored in the order in which they are handed over, whatever the line does: only
//! answers are late, or lost. What comes down the line comes in offset order per partition.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{Either, FutureExt as _, select};
use quadrille::broker::partitioner::partition_of;
use quadrille::broker::{
    Broker, Consumer, Delivery, Error, ErrorKind, Incoming, Membership, NewTopic, Outgoing,
    Position, Reader, Revoked, Signal, TopicDescription, TopicName, TopicPartition, memory,
};
use quadrille::world::World as _;
use tokio::sync::oneshot;

use crate::site::Site;

/// How long a sender waits before it is told that a partition is not available.
const REFUSED_AFTER: Duration = Duration::from_millis(50);

/// No payload of any event.
const UNREADABLE: [u8; 3] = [0xff, 0xff, 0xff];

/// One instance's line to the broker.
pub(crate) struct Line {
    pub(crate) broker: Arc<memory::Broker>,
    pub(crate) site: Site,
}

impl Line {
    /// Where a record will stand.
    async fn partition(&self, record: &Outgoing) -> Option<i32> {
        let partitions = self.broker.describe(&record.topic).await.ok()??.partitions;
        let of_key = |key: &bytes::Bytes| partition_of(key, partitions);
        record.partition.or_else(|| record.key.as_ref().map(of_key))
    }

    async fn refused(&self, record: &Outgoing) -> bool {
        let topic = record.topic.as_str();
        if !self.site.weather.concerns(topic) {
            return false;
        }
        let Some(partition) = self.partition(record).await else {
            return false;
        };
        let now = self.site.elapsed();
        self.site.weather.cut_until(topic, partition, now).is_some()
    }

    /// The same record stands there a second time, after a while.
    fn again(&self, record: Outgoing, place: Position, after: Duration) {
        let copy = Outgoing {
            partition: Some(place.partition),
            ..record
        };
        let line = Self {
            broker: Arc::clone(&self.broker),
            site: self.site.of(&Arc::from("network"), crate::executor::NOBODY),
        };
        let executor = Arc::clone(&self.site.executor);
        executor.spawn(
            crate::executor::NOBODY,
            async move {
                line.site.sleep(after).await;
                line.store(copy).await.expect("the memory broker takes it");
            }
            .boxed(),
        );
    }

    async fn store(&self, record: Outgoing) -> Result<Position, Error> {
        let position = self.broker.send(record.clone()).await?.await?;
        self.site.has_stored(&record);
        let (at, who) = (self.site.elapsed(), self.site.name());
        self.site.chronicle.stored(at, &who, record, position);
        Ok(position)
    }
}

fn unreachable(what: &str) -> Error {
    Error::new(ErrorKind::Unreachable, format!("simulated: {what}"))
}

#[async_trait]
impl Broker for Line {
    fn name(&self) -> &str {
        "the simulated broker"
    }

    async fn cluster_id(&self) -> Result<String, Error> {
        self.broker.cluster_id().await
    }

    async fn describe(&self, topic: &TopicName) -> Result<Option<TopicDescription>, Error> {
        self.broker.describe(topic).await
    }

    async fn topics(&self) -> Result<Vec<TopicName>, Error> {
        self.broker.topics().await
    }

    async fn create(&self, topic: &NewTopic) -> Result<bool, Error> {
        self.broker.create(topic).await
    }

    async fn send(&self, record: Outgoing) -> Result<Delivery, Error> {
        self.site.alive().await;
        let (answer, delivery) = Delivery::new();
        self.site.hands(&record);
        let result = if self.refused(&record).await {
            Err((REFUSED_AFTER, unreachable("the partition is not available")))
        } else {
            let storing = self.site.weather.stores(record.topic.as_str());
            let position = self.store(record.clone()).await?;
            if let Some(after) = storing.again {
                self.site
                    .tell(|| format!("record {position:?} of {} will stand twice", record.topic));
                self.again(record, position, after);
            }
            match storing.unacknowledged {
                true => Err((REFUSED_AFTER, unreachable("the acknowledgement was lost"))),
                false => Ok(position),
            }
        };
        match (result, self.site.moment()) {
            (Ok(position), None) => drop(answer.send(Ok(position))),
            (Ok(position), Some(moment)) => self.site.start(
                "acknowledgement",
                moment
                    .map(move |()| drop(answer.send(Ok(position))))
                    .boxed(),
            ),
            (Err((after, error)), _) => {
                let late = self.site.sleep(after);
                let told = late.map(move |()| drop(answer.send(Err(error))));
                self.site.start("refusal", told.boxed());
            }
        }
        Ok(delivery)
    }

    async fn join(&self, membership: Membership) -> Result<Box<dyn Consumer>, Error> {
        self.site.alive().await;
        let group = membership.group.clone();
        let member = self.broker.join(membership).await?;
        Ok(Box::new(Member {
            member: Some(member),
            group,
            broker: Arc::clone(&self.broker),
            site: self.site.clone(),
            coming: VecDeque::new(),
            held: Vec::new(),
            released: Vec::new(),
            leaving: None,
        }))
    }

    async fn read(&self, from: BTreeMap<TopicPartition, i64>) -> Result<Box<dyn Reader>, Error> {
        self.broker.read(from).await
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<(i64, i64), Error> {
        self.broker.watermarks(partition).await
    }

    async fn offset_at(&self, partition: &TopicPartition, timestamp_ms: i64) -> Result<i64, Error> {
        self.broker.offset_at(partition, timestamp_ms).await
    }

    async fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        self.broker.committed(group, partitions).await
    }
}

/// One instance's membership of its group.
struct Member {
    // Taken out when it leaves.
    member: Option<Box<dyn Consumer>>,
    group: String,
    broker: Arc<memory::Broker>,
    site: Site,
    /// On its way down the line, with when it arrives.
    coming: VecDeque<(Duration, Signal)>,
    /// Records of partitions that do not come through just now, with when they will.
    held: Vec<(Duration, Vec<Incoming>)>,
    /// Partitions that were to be given up, whose offsets are to be looked at.
    released: Vec<TopicPartition>,
    /// What it is to give up, and has not yet.
    leaving: Option<Leaving>,
}

/// Partitions that an instance was asked to give up.
struct Leaving {
    since: Duration,
    revoked: Revoked,
    answer: oneshot::Receiver<BTreeMap<TopicPartition, i64>>,
}

impl Member {
    fn member(&mut self) -> &mut dyn Consumer {
        &mut **self.member.as_mut().expect("there until it leaves")
    }

    fn zombie_until(&self) -> Option<Duration> {
        let now = self.site.elapsed();
        self.site.weather.zombie_until(self.site.owner, now)
    }

    /// Looks at what was committed when partitions were given up.
    async fn look(&mut self) {
        let released = std::mem::take(&mut self.released);
        if !released.is_empty()
            && let Ok(offsets) = self.broker.committed(&self.group, &released).await
        {
            let service = &self.site.service;
            self.site.chronicle.committed(service, &offsets).await;
        }
    }

    /// Tells the instance something, and notes what it holds from then on.
    fn tells(&mut self, signal: Signal) -> Signal {
        match signal {
            Signal::Assigned(assigned) => {
                self.site.is_assigned(&assigned.partitions);
                Signal::Assigned(assigned)
            }
            Signal::Lost(lost) => {
                self.site.loses(&lost);
                Signal::Lost(lost)
            }
            Signal::Revoked(revoked) => {
                // Its answer comes by here, so that it is seen when partitions are given up.
                let (asked, answer) = Revoked::new(revoked.partitions.clone());
                self.leaving = Some(Leaving {
                    since: self.site.elapsed(),
                    revoked,
                    answer,
                });
                Signal::Revoked(asked)
            }
            signal => signal,
        }
    }

    /// Hands on what the instance has given up, where it has: with its next call, whichever that is.
    fn hand_on(&mut self) {
        let Some(mut leaving) = self.leaving.take() else {
            return;
        };
        match leaving.answer.try_recv() {
            Ok(offsets) => {
                self.site.has_committed(&offsets);
                let waited = self.site.elapsed().saturating_sub(leaving.since);
                self.site.releases(&leaving.revoked.partitions, waited);
                leaving.revoked.release(offsets);
            }
            Err(oneshot::error::TryRecvError::Empty) => self.leaving = Some(leaving),
            // It will not answer any more.
            Err(oneshot::error::TryRecvError::Closed) => {}
        }
    }

    /// Puts what came on its way.
    fn takes(&mut self, signal: Signal, moment: Duration) {
        let arrives = self.site.elapsed() + moment;
        match signal {
            Signal::Records(records) => {
                let through = self.hold_back(records);
                if !through.is_empty() {
                    self.coming.push_back((arrives, Signal::Records(through)));
                }
            }
            Signal::Revoked(revoked) => {
                self.forget(&revoked.partitions);
                self.released.clone_from(&revoked.partitions);
                self.coming.push_back((arrives, Signal::Revoked(revoked)));
            }
            Signal::Lost(lost) => {
                self.forget(&lost);
                self.coming.push_back((arrives, Signal::Lost(lost)));
            }
            signal => self.coming.push_back((arrives, signal)),
        }
    }

    fn forget(&mut self, partitions: &[TopicPartition]) {
        for (_, records) in &mut self.held {
            records.retain(|record| !partitions.contains(&record.partition));
        }
        self.held.retain(|(_, records)| !records.is_empty());
    }

    /// Holds back the records of partitions that do not come through, behind those that are held.
    fn hold_back(&mut self, records: Vec<Incoming>) -> Vec<Incoming> {
        let mut through = Vec::with_capacity(records.len());
        let now = self.site.elapsed();
        for mut record in records {
            let kind = record.headers.get("ce_type");
            if self.site.weather.breaks(&self.site.service, kind) {
                record.value = Some(bytes::Bytes::from_static(&UNREADABLE));
            }
            let at = &record.partition;
            let held = self
                .held
                .iter_mut()
                .find(|(_, held)| held[0].partition == *at);
            if let Some((_, held)) = held {
                held.push(record);
                continue;
            }
            let topic = at.topic.as_str();
            match self.site.weather.delayed_until(topic, at.partition, now) {
                Some(until) => self.held.push((until, vec![record])),
                None => through.push(record),
            }
        }
        through
    }

    /// What arrives now. `Err`: when something will.
    fn arrived(&mut self) -> Result<Signal, Option<Duration>> {
        let now = self.site.elapsed();
        if let Some((arrives, _)) = self.coming.front() {
            return match *arrives <= now {
                true => Ok(self.coming.pop_front().expect("it is there").1),
                false => Err(Some(*arrives)),
            };
        }
        if let Some(due) = self.held.iter().position(|(until, _)| *until <= now) {
            return Ok(Signal::Records(self.held.remove(due).1));
        }
        Err(self.held.iter().map(|(until, _)| *until).min())
    }
}

#[async_trait]
impl Consumer for Member {
    async fn next(&mut self) -> Signal {
        self.hand_on();
        self.look().await;
        loop {
            if let Some(until) = self.zombie_until() {
                // It does not even ask: to the group it has fallen silent.
                self.site.sleep(until - self.site.elapsed()).await;
                continue;
            }
            let wait = match self.arrived() {
                Ok(signal) => return self.tells(signal),
                Err(wait) => wait,
            };
            let until = match wait {
                Some(at) => self.site.sleep(at.saturating_sub(self.site.elapsed())),
                None => std::future::pending().boxed(),
            };
            if !self.coming.is_empty() {
                until.await;
                continue;
            }
            let weather = Arc::clone(&self.site.weather);
            let bell = std::pin::pin!(weather.bell.notified());
            let interrupted = select(bell, until);
            let heard = match select(self.member().next(), interrupted).await {
                Either::Left((signal, _)) => Some(signal),
                Either::Right(_) => None,
            };
            if let Some(signal) = heard {
                let drawn = self.site.random();
                let moment = Duration::from_micros((drawn & 1) * ((drawn >> 1) % 8_000));
                self.takes(signal, moment);
            }
        }
    }

    fn pause(&mut self, partitions: &[TopicPartition]) {
        self.hand_on();
        self.member().pause(partitions);
    }

    fn resume(&mut self, partitions: &[TopicPartition]) {
        self.hand_on();
        self.member().resume(partitions);
    }

    async fn commit(&mut self, offsets: &BTreeMap<TopicPartition, i64>) -> Result<(), Error> {
        self.hand_on();
        if self.zombie_until().is_some() {
            return Err(unreachable("the group cannot be reached"));
        }
        self.member().commit(offsets).await?;
        self.site.has_committed(offsets);
        let service = &self.site.service;
        self.site.chronicle.committed(service, offsets).await;
        Ok(())
    }

    async fn leave(mut self: Box<Self>) {
        self.hand_on();
        if self.zombie_until().is_none() {
            let member = self.member.take();
            member.expect("it leaves once").leave().await;
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.hand_on();
        self.site.has_left();
    }
}
