//! Rebalances of a group: when they begin, who holds them up, and how they end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::super::{TopicName, TopicPartition};
use super::super::ClientId;
use super::super::range::{self, Subscriber};
use super::super::topics::Topics;
use super::member::{Member, Stage};
use super::{Group, Outcast};

impl Group {
    /// Puts out whoever has been silent for too long, and goes on without those.
    pub(in super::super) fn tick(&mut self, now: Duration, topics: &Topics) {
        let overdue = self.rebalance_until.is_some_and(|until| until <= now);
        let late: Vec<ClientId> = self
            .members
            .iter()
            .filter(|(_, member)| {
                member.given_up_at(now) <= now || (overdue && !member.has_answered())
            })
            .map(|(id, _)| *id)
            .collect();
        for id in &late {
            self.put_out(*id);
        }
        if !late.is_empty() || overdue {
            self.rebalance(now, topics);
        }
    }

    /// A topic has been created: whoever waited for it gets its partitions.
    pub(in super::super) fn topic_created(
        &mut self,
        name: &TopicName,
        now: Duration,
        topics: &Topics,
    ) {
        let subscribed = |member: &Member| member.membership.topics.contains(name);
        if self.members.values().any(subscribed) {
            self.rebalance(now, topics);
        }
    }

    /// When [`Group::tick`] may next find something to do that concerns this member.
    pub(super) fn deadline(&self, id: ClientId, now: Duration) -> Option<Duration> {
        let others = self.members.iter().filter(|(other, _)| **other != id);
        let others = others.map(|(_, member)| member.given_up_at(now));
        others.chain(self.rebalance_until).min()
    }

    /// Begins a rebalance, unless one runs already.
    pub(super) fn rebalance(&mut self, now: Duration, topics: &Topics) {
        if self.rebalance_until.is_none() {
            let longest = self
                .members
                .values()
                .map(|m| m.membership.rebalance_timeout)
                .max();
            self.rebalance_until = longest.map(|longest| now.saturating_add(longest));
            for member in self.members.values_mut() {
                member.recall();
            }
        }
        self.wakes.extend(self.members.keys());
        self.complete_if_answered(now, topics);
    }

    /// Assigns the next generation once nobody owns anything.
    pub(super) fn complete_if_answered(&mut self, now: Duration, topics: &Topics) {
        if self.members.is_empty() {
            self.rebalance_until = None;
            self.deserted_since = Some(now);
        }
        if self.rebalance_until.is_none() || !self.members.values().all(Member::has_answered) {
            return;
        }
        self.rebalance_until = None;
        self.generation += 1;
        for (id, partitions) in self.ranges(topics) {
            let member = self
                .members
                .get_mut(&id)
                .expect("only members are assigned");
            assert!(
                member.owned.is_empty(),
                "a member that has answered owns nothing"
            );
            member.owned = partitions;
            member.stage = Stage::Given;
        }
        self.wakes.extend(self.members.keys());
    }

    /// What the assignor gives the members as they are.
    fn ranges(&self, topics: &Topics) -> BTreeMap<ClientId, Vec<TopicPartition>> {
        let subscribers = self.members.iter().map(|(id, member)| Subscriber {
            id: *id,
            instance: member.membership.instance.as_deref(),
            topics: &member.membership.topics,
        });
        range::assign(subscribers.collect(), |topic| topics.partitions(topic))
    }

    /// Removes a member that has been silent for too long.
    fn put_out(&mut self, id: ClientId) {
        let Some(member) = self.members.remove(&id) else {
            return;
        };
        if member.is_gone() {
            return;
        }
        // It cannot miss what it has never known of.
        let known = match member.stage {
            Stage::Waiting | Stage::Given => Vec::new(),
            Stage::Taking | Stage::Reading | Stage::Recalled | Stage::Yielding => member.owned,
        };
        self.outcasts
            .insert(id, Outcast::Lost(known, member.membership));
        self.wakes.insert(id);
    }
}
