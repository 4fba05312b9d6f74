//! Where newly assigned partitions are read from.
//!
//! The member's own positions come first, then what the group has committed, then
//! [`Membership::start`](super::super::Membership). Each is made an offset before the first record
//! is read, and `Now` is committed at once: otherwise a crash before the first commit would make the
//! next owner take a later now, and nobody would read what came in between.

use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};

use super::super::{Error, Start, TopicPartition};
use super::clock::Moment;
use super::commits::{self, Offsets};
use super::context::{Client, Context, Member};
use super::fault;
use super::partitions;
use super::wait::{self, Waited};

/// Time between two attempts to ask a cluster that is in trouble.
const AGAIN: Duration = Duration::from_millis(200);

/// Finds out where partitions start.
pub(super) struct Resolver<'a> {
    pub(super) context: &'a Context,
    pub(super) member: &'a Member,
    pub(super) client: &'a Client,
    /// By then there is an answer, or an error.
    pub(super) deadline: Moment,
}

impl Resolver<'_> {
    /// The partitions with the offsets to read from.
    pub(super) fn resolve(
        &self,
        partitions: &[TopicPartition],
        positions: &Offsets,
    ) -> Result<TopicPartitionList, Error> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        let mut unknown = Vec::new();
        for partition in partitions {
            match positions.get(partition) {
                Some(position) if *position >= 0 => {
                    partitions::add(&mut list, partition, Offset::Offset(*position));
                }
                _ => unknown.push(partition.clone()),
            }
        }
        if unknown.is_empty() {
            return Ok(list);
        }
        let committed = self.committed(&unknown)?;
        let mut new = Vec::new();
        for partition in unknown {
            match committed.get(&partition) {
                Some(offset) => partitions::add(&mut list, &partition, Offset::Offset(*offset)),
                None => new.push(partition),
            }
        }
        if !new.is_empty() {
            self.add_new(&mut list, &new)?;
        }
        Ok(list)
    }

    fn committed(&self, partitions: &[TopicPartition]) -> Result<Offsets, Error> {
        self.ask("ask for the offsets committed", |limit| {
            let list = partitions::list_of(partitions);
            let list = self.client.committed_offsets(list, limit)?;
            offsets_in(&list)
        })
    }

    /// Adds partitions for which the group has committed nothing.
    fn add_new(&self, list: &mut TopicPartitionList, new: &[TopicPartition]) -> Result<(), Error> {
        match self.member.membership.start {
            Start::Beginning => {
                for partition in new {
                    partitions::add(list, partition, Offset::Beginning);
                }
            }
            Start::Now => {
                let ends = self.ends(new)?;
                self.commit(&ends);
                for (partition, end) in &ends {
                    partitions::add(list, partition, Offset::Offset(*end));
                }
            }
            Start::At(timestamp_ms) => {
                // The ends come first: what arrives between the two questions lies above them, and
                // may well be of that time.
                let ends = self.ends(new)?;
                let found = self.at(new, timestamp_ms)?;
                for (partition, end) in &ends {
                    let offset = found.get(partition).copied().unwrap_or(*end);
                    partitions::add(list, partition, Offset::Offset(offset));
                }
            }
        }
        Ok(())
    }

    fn ends(&self, partitions: &[TopicPartition]) -> Result<Offsets, Error> {
        let mut ends = Offsets::new();
        for partition in partitions {
            let (_, end) = self.ask(&format!("ask where {partition} ends"), |limit| {
                let topic = partition.topic.as_str();
                self.client
                    .fetch_watermarks(topic, partition.partition, limit)
            })?;
            ends.insert(partition.clone(), end);
        }
        Ok(ends)
    }

    fn at(&self, partitions: &[TopicPartition], timestamp_ms: i64) -> Result<Offsets, Error> {
        self.ask("look up a time", |limit| {
            let mut list = TopicPartitionList::with_capacity(partitions.len());
            for partition in partitions {
                partitions::add(&mut list, partition, Offset::Offset(timestamp_ms.max(0)));
            }
            let list = self.client.offsets_for_times(list, limit)?;
            offsets_in(&list)
        })
    }

    /// Commits where new partitions start.
    fn commit(&self, offsets: &Offsets) {
        let limit = self.member.request_timeout.min(self.deadline.left());
        let deadline = Moment::within(limit);
        let mut answer = self.member.commits.ask(offsets.clone(), deadline);
        let waited = wait::until(&mut answer, deadline, || self.tend());
        if let Waited::Done(answer) = waited
            && let Err(error) = commits::result(answer)
        {
            self.context.inbox.trouble(Error::new(
                error.kind(),
                format!("where new partitions start is not committed: {error}"),
            ));
        }
    }

    /// Asks until there is an answer, or an error that waiting does not mend, or no time left.
    fn ask<T>(&self, what: &str, ask: impl Fn(Duration) -> KafkaResult<T>) -> Result<T, Error> {
        loop {
            let began = Moment::now();
            let left = self.deadline.left();
            // Short attempts, so that a leader or coordinator that has moved is found, and the
            // member may stop.
            let limit = self
                .member
                .request_timeout
                .min(left)
                .min(Duration::from_secs(3));
            let error = match ask(limit) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let trouble = self.context.weather.since(began);
            let tried = format!("{what} of group `{}`", self.member.membership.group);
            let code = fault::code(&error);
            let address = &self.context.address;
            let error = fault::tell_with(address, &tried, code, trouble.as_ref());
            let again = wait::pause(AGAIN.min(self.deadline.left()), || self.tend());
            if !again || !error.is_transient() || self.deadline.has_come() {
                return Err(error);
            }
            self.context.inbox.trouble(error);
        }
    }

    /// Does what the poll thread does between polls. Returns whether to stop.
    fn tend(&self) -> bool {
        self.member.commits.answer_late();
        self.context.is_stopping()
    }
}

/// The offsets in a list; those without one are left out.
pub(super) fn offsets_in(list: &TopicPartitionList) -> Result<Offsets, KafkaError> {
    let mut offsets = Offsets::new();
    for (element, partition) in list.elements().iter().zip(partitions::named_in(list)) {
        element.error()?;
        if let Offset::Offset(offset) = element.offset() {
            offsets.insert(partition, offset);
        }
    }
    Ok(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::TopicName;

    #[test]
    fn partitions_without_an_offset_are_left_out() {
        // Shows what becomes of a partition for which nothing was committed, or no record is late
        // enough.
        let at = |partition| TopicPartition::new(TopicName::parse("t").unwrap(), partition);
        let mut list = partitions::list_of(&[at(0)]);
        partitions::add(&mut list, &at(1), Offset::Offset(5));
        partitions::add(&mut list, &at(2), Offset::End);
        assert_eq!(offsets_in(&list).unwrap(), Offsets::from([(at(1), 5)]));
    }
}
