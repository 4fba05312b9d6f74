//! Partitions come and go: the hook that librdkafka calls on the poll thread, inside a poll.
//!
//! Until it returns, the group waits for this member, and the poll thread for the member's answer:
//! nothing is polled, while heartbeats go on by themselves and commits have their own thread. Every
//! wait here ends before the group would lose patience. Whatever happens, the hook ends with a call
//! to `assign` or `unassign`, without which librdkafka waits for ever.
//!
//! In a cooperative group only what moves comes here. librdkafka fetches nothing of the others until
//! the hook returns; what has been fetched of them goes on.

use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{Consumer as _, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};

use super::super::{Assigned, Error, ErrorKind, Membership, Revoked, Signal, TopicPartition};
use super::clock::Moment;
use super::commits::{self, Offsets};
use super::context::{Client, Context, Member, Role};
use super::fault;
use super::options::HEARTBEAT_MS_MAX;
use super::partitions;
use super::start;
use super::wait::{self, Waited};

/// Serves one call of the hook.
pub(super) fn rebalance(
    context: &Context,
    member: &Member,
    client: &Client,
    what: RDKafkaRespErr,
    list: &mut TopicPartitionList,
) {
    let partitions = partitions::named_in(list);
    let hook = Hook {
        context,
        member,
        client,
        deadline: Moment::within(patience(&member.membership)),
    };
    let result = match what {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => hook.assign(partitions),
        _ if client.assignment_lost() => hook.lose(partitions),
        _ => hook.revoke(partitions),
    };
    if let Err(error) = result {
        let tried = context.tried();
        context.fail(fault::tell(
            &context.address,
            &tried,
            fault::code(&error),
            None,
        ));
    }
}

/// How long the member may take over one hook.
///
/// The group's time runs from the moment at which somebody joined, and the member hears of that with
/// a heartbeat; after the hook, it still has to join again.
fn patience(membership: &Membership) -> Duration {
    let whole = membership.rebalance_timeout;
    let heartbeat = membership.session_timeout / 3;
    let heartbeat = heartbeat.min(Duration::from_millis(HEARTBEAT_MS_MAX as u64));
    let to_join = (whole / 10).min(Duration::from_secs(5));
    whole.saturating_sub(heartbeat + to_join)
}

struct Hook<'a> {
    context: &'a Context,
    member: &'a Member,
    client: &'a Client,
    /// By then the hook returns.
    deadline: Moment,
}

impl Hook<'_> {
    fn assign(&self, partitions: Vec<TopicPartition>) -> Result<(), KafkaError> {
        if self.context.is_stopping() {
            return self.take_nothing();
        }
        if self.context.inbox.is_absent() {
            self.context.step_out();
            return self.take_nothing();
        }
        let inbox = &self.context.inbox;
        if partitions.is_empty() && !inbox.owns_nothing() {
            // Cooperative: nothing has moved to this member, and it has no use for hearing that.
            return self.take_nothing();
        }
        inbox.open(&partitions);
        let (assigned, answer) = Assigned::new(partitions.clone());
        inbox.signal(Signal::Assigned(assigned));
        if partitions.is_empty() {
            // With nothing to start at, there is no answer to wait for.
            return self.take_nothing();
        }
        let positions = match self.wait_for(answer, self.deadline) {
            Waited::Done(positions) => positions,
            Waited::TimeUp => return self.hand_back(),
            Waited::Stopped => return self.take_nothing(),
        };
        let start = start::Resolver {
            context: self.context,
            member: self.member,
            client: self.client,
            deadline: self.deadline,
        };
        match start.resolve(&partitions, &positions) {
            Ok(list) => self.take(&list),
            Err(error) if error.is_transient() => {
                inbox.trouble(error);
                self.hand_back()
            }
            Err(error) => {
                self.context.fail(error);
                self.take_nothing()
            }
        }
    }

    /// Takes none of the partitions that the group has given out: nobody said where to start them,
    /// or nobody knows. The member leaves with all that it has, and joins again as soon as it listens.
    fn hand_back(&self) -> Result<(), KafkaError> {
        self.context.inbox.take_back();
        self.context.step_out();
        self.take_nothing()
    }

    fn revoke(&self, partitions: Vec<TopicPartition>) -> Result<(), KafkaError> {
        let inbox = &self.context.inbox;
        let held = self.held(&partitions);
        if self.is_nobody_there() || held.is_empty() {
            return self.give_up(&partitions);
        }
        inbox.close(&held);
        let (revoked, answer) = Revoked::new(held);
        inbox.signal(Signal::Revoked(revoked));
        let to_commit = self.member.request_timeout.min(self.deadline.left() / 3);
        let answer_by = Moment::within(self.deadline.left().saturating_sub(to_commit));
        match self.wait_for(answer, answer_by) {
            Waited::Done(offsets) => self.commit_last(&partitions, offsets),
            Waited::TimeUp => {
                inbox.take_back();
                self.context.step_out();
            }
            Waited::Stopped => {}
        }
        self.give_up(&partitions)
    }

    fn lose(&self, partitions: Vec<TopicPartition>) -> Result<(), KafkaError> {
        let lost = self.held(&partitions);
        self.context.inbox.remove(&partitions);
        if !self.is_nobody_there() && !lost.is_empty() {
            self.context.inbox.signal(Signal::Lost(lost));
        }
        self.give_up(&partitions)
    }

    /// Those of the partitions that the member has: it may have been told already that some are lost.
    fn held(&self, partitions: &[TopicPartition]) -> Vec<TopicPartition> {
        let owned = self.context.inbox.owned();
        let held = partitions.iter().filter(|at| owned.contains(at));
        held.cloned().collect()
    }

    /// Whether the member is on its way out, or was told already that it has nothing any more.
    fn is_nobody_there(&self) -> bool {
        self.context.is_stopping() || self.context.inbox.is_absent()
    }

    /// Waits for the member's answer. A signal that was dropped is answered with nothing.
    fn wait_for(
        &self,
        mut answer: tokio::sync::oneshot::Receiver<Offsets>,
        deadline: Moment,
    ) -> Waited<Offsets> {
        match wait::until(&mut answer, deadline, || self.tend()) {
            Waited::Done(answer) => Waited::Done(answer.unwrap_or_default()),
            Waited::TimeUp => Waited::TimeUp,
            Waited::Stopped => Waited::Stopped,
        }
    }

    /// Does what the poll thread does between polls. Returns whether to stop.
    fn tend(&self) -> bool {
        self.member.commits.answer_late();
        self.context.is_stopping()
    }

    /// Commits what the member had finished when it gave the partitions up.
    fn commit_last(&self, partitions: &[TopicPartition], mut offsets: Offsets) {
        offsets.retain(|partition, offset| *offset >= 0 && partitions.contains(partition));
        if offsets.is_empty() {
            return;
        }
        // Behind those commits that wait, so that an earlier one cannot overwrite it.
        let mut answer = self.member.commits.ask(offsets, self.deadline);
        // A member that leaves does so after its last commit, so this one is waited for.
        let answer = wait::until(&mut answer, self.deadline, || {
            self.member.commits.answer_late();
            false
        });
        let error = match answer {
            Waited::Done(answer) => match commits::result(answer) {
                Ok(()) => return,
                Err(error) => error,
            },
            Waited::TimeUp | Waited::Stopped => Error::new(
                ErrorKind::Unreachable,
                "kafka's group coordinator does not answer in time",
            ),
        };
        // The next owner handles some records again.
        self.context.inbox.trouble(Error::new(
            error.kind(),
            format!("offsets of partitions that were given up are not committed: {error}"),
        ));
    }

    fn take(&self, list: &TopicPartitionList) -> Result<(), KafkaError> {
        match self.client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => self.client.incremental_assign(list),
            RebalanceProtocol::Eager | RebalanceProtocol::None => self.client.assign(list),
        }
    }

    fn take_nothing(&self) -> Result<(), KafkaError> {
        self.take(&TopicPartitionList::new())
    }

    fn give_up(&self, partitions: &[TopicPartition]) -> Result<(), KafkaError> {
        self.context.inbox.remove(partitions);
        // librdkafka would remember a pause when the partition comes back.
        let mut paused = self.context.paused();
        let resumed: Vec<_> = partitions.iter().filter(|at| paused.remove(at)).collect();
        if !resumed.is_empty() {
            self.client.resume(&partitions::list_of(resumed))?;
        }
        drop(paused);
        match self.client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => self
                .client
                .incremental_unassign(&partitions::list_of(partitions)),
            RebalanceProtocol::Eager | RebalanceProtocol::None => self.client.unassign(),
        }
    }
}

/// Commits offsets and waits for the answer: for the commit thread.
pub(super) fn commit(context: &Context, client: &Client, offsets: Offsets) -> Result<(), Error> {
    use rdkafka::consumer::CommitMode;

    let Role::Member(member) = &context.role else {
        return Ok(());
    };
    let group = &member.membership.group;
    // A partition may have gone while the commit waited. What somebody else owns by now is theirs
    // to commit, and Kafka would not refuse it: it checks the member, not the partition.
    let gone = context.inbox.first_not_owned(offsets.keys()).cloned();
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (partition, offset) in &offsets {
        if context
            .inbox
            .first_not_owned([partition].into_iter())
            .is_none()
        {
            partitions::add(&mut list, partition, rdkafka::Offset::Offset(*offset));
        }
    }
    let committed = match list.count() {
        0 => Ok(()),
        _ => client.commit(&list, CommitMode::Sync),
    };
    match (committed, gone) {
        (Ok(()), None) => Ok(()),
        (Ok(()), Some(gone)) => Err(not_owned(group, &gone)),
        (Err(error), _) => match fault::code(&error) {
            Code::NoOffset => Ok(()),
            code => {
                let tried = format!("commit offsets of group `{group}`");
                Err(fault::tell(&context.address, &tried, code, None))
            }
        },
    }
}

/// The error for a commit of what is not the member's.
pub(super) fn not_owned(group: &str, partition: &TopicPartition) -> Error {
    Error::new(
        ErrorKind::Fenced,
        format!(
            "cannot commit offsets of group `{group}`: {partition} is no longer this member's; \
             whoever has it now goes on from what was committed last"
        ),
    )
}
