//! What librdkafka calls back on a consumer: errors, log lines, rebalances.
//!
//! All of it happens on the poll thread, inside a poll.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};

use super::super::assignor;
use super::super::{Error, ErrorKind, Membership, TopicPartition};
use super::clock::Moment;
use super::commits::Commits;
use super::fault;
use super::inbox::Inbox;
use super::log::Log;
use super::rebalance;
use super::weather::Weather;

/// Shortest time between two signals of the same trouble.
const QUIET: Duration = Duration::from_secs(5);

/// A consumer of librdkafka's with our callbacks.
pub(super) type Client = BaseConsumer<Context>;

/// What a consumer's callbacks work on.
pub(super) struct Context {
    pub(super) address: Arc<str>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) role: Role,
    pub(super) weather: Arc<Weather>,
    log: Log,
    /// Counts callbacks: a poll that returned nothing may have served one, and more may follow.
    served: AtomicU64,
    is_stopping: AtomicBool,
    /// The member did not answer, so it must not be given anything until it listens again.
    is_to_step_out: AtomicBool,
    failure: Mutex<Option<Error>>,
    told: Mutex<BTreeMap<String, Moment>>,
    /// The partitions that are paused inside librdkafka, which keeps that over a reassignment.
    paused: Mutex<BTreeSet<TopicPartition>>,
}

/// What a consumer reads as.
pub(super) enum Role {
    /// A member of a group.
    Member(Box<Member>),
    /// Nobody: it reads the partitions that it was told to.
    Reader,
}

/// What a rebalance needs to know of the member.
pub(super) struct Member {
    pub(super) membership: Membership,
    pub(super) commits: Arc<Commits>,
    pub(super) request_timeout: Duration,
}

impl Context {
    pub(super) fn new(
        address: Arc<str>,
        inbox: Arc<Inbox>,
        role: Role,
        weather: Arc<Weather>,
    ) -> Self {
        let log = Log::of(match role {
            Role::Member(_) => "member",
            Role::Reader => "reader",
        });
        Self {
            address,
            inbox,
            role,
            weather,
            log,
            served: AtomicU64::new(0),
            is_stopping: AtomicBool::new(false),
            is_to_step_out: AtomicBool::new(false),
            failure: Mutex::default(),
            told: Mutex::default(),
            paused: Mutex::default(),
        }
    }

    /// How many callbacks were served so far.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Asks the poll thread to end. From now on no rebalance waits for anybody.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.inbox.wake_poller();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Asks the poll thread to leave the group until the member listens again.
    pub(super) fn step_out(&self) {
        self.is_to_step_out.store(true, Ordering::Relaxed);
    }

    /// Whether to leave the group for a while. Says so once.
    pub(super) fn has_to_step_out(&self) -> bool {
        self.is_to_step_out.swap(false, Ordering::Relaxed)
    }

    /// The consumer has failed for good. The first reason is kept.
    pub(super) fn fail(&self, error: Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    }

    /// Why the consumer has failed for good, where it has.
    pub(super) fn take_failure(&self) -> Option<Error> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }

    /// The partitions that are paused inside librdkafka.
    pub(super) fn paused(&self) -> MutexGuard<'_, BTreeSet<TopicPartition>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes "cannot …" for whatever goes wrong without anybody having asked.
    pub(super) fn tried(&self) -> String {
        match &self.role {
            Role::Member(member) => {
                let topics: Vec<_> = member
                    .membership
                    .topics
                    .iter()
                    .map(|t| t.as_str())
                    .collect();
                let group = &member.membership.group;
                format!("read {} as group `{group}`", topics.join(", "))
            }
            Role::Reader => {
                let mut topics: Vec<_> = self.inbox.owned().into_iter().map(|p| p.topic).collect();
                topics.dedup();
                let topics: Vec<_> = topics.iter().map(|t| t.as_str()).collect();
                format!("read {}", topics.join(", "))
            }
        }
    }

    /// Something went wrong: for good, or for now.
    pub(super) fn heard(&self, code: Code, reason: &str) {
        match (&self.role, code) {
            (_, Code::PartitionEOF) => return,
            // A reader has to have a group's name, but takes no part in it and needs no right to.
            (Role::Reader, Code::GroupAuthorizationFailed) => return,
            _ => {}
        }
        let error = self.told_as(code, reason);
        if fault::ends_a_member(code) {
            self.fail(error);
        } else {
            self.trouble(error, code, reason);
        }
    }

    fn told_as(&self, code: Code, reason: &str) -> Error {
        match (&self.role, code) {
            (Role::Member(member), Code::InconsistentGroupProtocol) => {
                let Membership {
                    group, assignor, ..
                } = &member.membership;
                let mend = assignor::mend(group, *assignor);
                fault::tell(&self.address, &self.tried(), code, Some(&mend))
            }
            _ => fault::tell(&self.address, &self.tried(), code, Some(reason)),
        }
    }

    /// Tells of trouble, unless the same was told a moment ago.
    fn trouble(&self, error: Error, code: Code, reason: &str) {
        let sort = match error.kind() {
            // One broker that is away makes many errors of several codes.
            ErrorKind::Unreachable => "unreachable".to_owned(),
            // Those of several topics are not the same.
            ErrorKind::UnknownTopic => reason.to_owned(),
            _ => format!("{code:?}"),
        };
        let now = Moment::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, quiet_until| *quiet_until > now);
        if let std::collections::btree_map::Entry::Vacant(new) = told.entry(sort) {
            new.insert(now.plus(QUIET));
            self.inbox.trouble(error);
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, kind: &str, text: &str) {
        self.served.fetch_add(1, Ordering::Relaxed);
        self.log.line(level, kind, text);
        // librdkafka tells of records that were deleted before they were read in its log only.
        if kind == "OFFSET" && matches!(level, RDKafkaLogLevel::Warning) {
            let message = format!("records of kafka at {} were missed: {text}", self.address);
            self.inbox.trouble(Error::new(ErrorKind::Other, message));
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.served.fetch_add(1, Ordering::Relaxed);
        let code = fault::code(&error);
        self.weather.note(code, reason);
        self.heard(code, reason);
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        client: &BaseConsumer<Self>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        self.served.fetch_add(1, Ordering::Relaxed);
        if let Role::Member(member) = &self.role {
            rebalance::rebalance(self, member, client, what, partitions);
        }
    }
}
