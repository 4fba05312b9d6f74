//! Rebalances of a group: when they begin, who holds them up, and how they end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::super::{Assignor, TopicName, TopicPartition};
use super::super::ClientId;
use super::super::range::{self, Subscriber};
use super::super::sticky;
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
            self.begin(now);
            for member in self.members.values_mut() {
                member.recall();
            }
        }
        self.wakes.extend(self.members.keys());
        self.complete_if_answered(now, topics);
    }

    /// Assigns the next generation once all have answered. Eager: once nobody owns anything.
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
        match self.assignor() {
            Some(Assignor::CooperativeSticky) => self.move_what_must(now, topics),
            Some(Assignor::Range) | None => self.give_ranges(topics),
        }
        self.wakes.extend(self.members.keys());
    }

    /// How the members share partitions out: all do it the same way.
    pub(super) fn assignor(&self) -> Option<Assignor> {
        let mut members = self.members.values();
        members.next().map(|member| member.membership.assignor)
    }

    fn give_ranges(&mut self, topics: &Topics) {
        let counts = |topic: &TopicName| topics.partitions(topic);
        for (id, partitions) in range::assign(self.subscribers(), counts) {
            let member = self.member(id);
            assert!(
                member.owned.is_empty(),
                "a member that has answered owns nothing"
            );
            member.give(partitions);
        }
    }

    /// What has to move is given up first. What nobody owns is given at once, and the rest by the
    /// rebalance that follows when it has been given up.
    fn move_what_must(&mut self, now: Duration, topics: &Topics) {
        let members = self.members.iter();
        let owned = members.map(|(id, member)| (*id, member.owned.as_slice()));
        let owned: BTreeMap<ClientId, &[TopicPartition]> = owned.collect();
        let counts = |topic: &TopicName| topics.partitions(topic);
        let wanted = sticky::assign(self.subscribers(), &owned, counts);
        let taken: BTreeSet<TopicPartition> = owned.into_values().flatten().cloned().collect();
        for (id, wanted) in wanted {
            let member = self.member(id);
            let leaving = member.owned.iter().filter(|at| !wanted.contains(at));
            let leaving: Vec<_> = leaving.cloned().collect();
            let free: Vec<_> = wanted
                .into_iter()
                .filter(|at| !taken.contains(at))
                .collect();
            if leaving.is_empty() {
                // Whoever has nothing is told so each time.
                if !free.is_empty() || member.owned.is_empty() {
                    member.give(free);
                }
                continue;
            }
            member.follows.clone_from(&free);
            member.owned.extend(free);
            member.owned.sort();
            member.moving = leaving;
            member.stage = Stage::Recalled;
            self.begin(now);
        }
    }

    fn subscribers(&self) -> Vec<Subscriber<'_>> {
        let members = self.members.iter().map(|(id, member)| Subscriber {
            id: *id,
            instance: member.membership.instance.as_deref(),
            topics: &member.membership.topics,
        });
        members.collect()
    }

    fn member(&mut self, id: ClientId) -> &mut Member {
        let member = self.members.get_mut(&id);
        member.expect("only members are assigned")
    }

    /// From now on, a rebalance runs.
    fn begin(&mut self, now: Duration) {
        let timeouts = self
            .members
            .values()
            .map(|m| m.membership.rebalance_timeout);
        let longest = timeouts.max();
        self.rebalance_until = longest.map(|longest| now.saturating_add(longest));
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
        let known = member.held();
        self.outcasts
            .insert(id, Outcast::Lost(known, member.membership));
        self.wakes.insert(id);
    }
}
