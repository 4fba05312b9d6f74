//! A consumer group: who is in it, who has which partition, and what it has committed.
//!
//! Rebalances are those of Kafka's classic protocol. With the assignor `range` they are eager: whenever
//! membership changes, every member gives up everything, and only when nobody owns anything is the
//! next generation assigned. With `cooperative-sticky`, those that have to give something up give that
//! up, and when they have, a second rebalance gives it to others; whatever stays goes on. Either way a
//! partition never has two owners. A member that does not give up within the rebalance timeout is put
//! out of the group, and what it commits afterwards is refused.
//!
//! Nothing here waits or reads a clock: each call gets the time, and says whom it concerns in
//! `wakes`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::assignor;
use super::super::{Assignor, Error, ErrorKind, Membership, Start, TopicPartition};
use super::topics::Topics;
use super::{ClientId, Config, Step};

mod member;
mod rebalance;

use member::{Member, Presence, Stage};

/// A consumer group.
#[derive(Debug)]
pub(super) struct Group {
    name: String,
    generation: u64,
    members: BTreeMap<ClientId, Member>,
    outcasts: BTreeMap<ClientId, Outcast>,
    offsets: BTreeMap<TopicPartition, i64>,
    /// Since when there has been no member.
    deserted_since: Option<Duration>,
    /// While a rebalance runs: when those who have not answered are put out.
    rebalance_until: Option<Duration>,
    /// Who has something new to hear.
    wakes: BTreeSet<ClientId>,
}

/// A client that is no longer in the group.
#[derive(Debug)]
enum Outcast {
    /// Was put out and does not know it yet.
    Lost(Vec<TopicPartition>, Membership),
    /// Knows it, and joins again when it asks next.
    Out(Membership),
    /// Another member took its name, and it does not know it yet.
    Fenced(String),
    /// It was not taken in, and does not know it yet.
    Refused(Error),
}

impl Group {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            generation: 0,
            members: BTreeMap::new(),
            outcasts: BTreeMap::new(),
            offsets: BTreeMap::new(),
            deserted_since: None,
            rebalance_until: None,
            wakes: BTreeSet::new(),
        }
    }

    /// Takes a member in. A static one whose predecessor is still known gets what that one had, and
    /// nobody else notices.
    pub(super) fn join(
        &mut self,
        id: ClientId,
        membership: Membership,
        now: Duration,
        topics: &Topics,
    ) {
        if let Some(theirs) = self.assignor()
            && theirs != membership.assignor
        {
            let refused = self.refused(&membership, theirs);
            self.outcasts.insert(id, Outcast::Refused(refused));
            self.wakes.insert(id);
            return;
        }
        let mut member = Member::new(membership, now);
        for topic in &member.membership.topics {
            if topics.partitions(topic).is_none() {
                member.troubles.push_back(Error::new(
                    ErrorKind::UnknownTopic,
                    format!(
                        "group `{}` waits for topic {topic}, which does not exist on the \
                         in-memory broker",
                        self.name
                    ),
                ));
            }
        }
        if let Some(old) = self.replace(&member.membership)
            && self.rebalance_until.is_none()
            && old.is_settled()
            && old.membership.topics == member.membership.topics
        {
            member.give(old.owned);
            self.members.insert(id, member);
            return;
        }
        self.members.insert(id, member);
        self.rebalance(now, topics);
    }

    /// Removes a dynamic member at once. A static one keeps its place until its session ends, so
    /// that its restart moves no partition.
    pub(super) fn leave(&mut self, id: ClientId, now: Duration, topics: &Topics) {
        let is_static = |member: &Member| member.membership.instance.is_some();
        if self.members.get(&id).is_some_and(is_static) {
            self.gone(id, now);
            return;
        }
        self.outcasts.remove(&id);
        if self.members.remove(&id).is_some() {
            self.rebalance(now, topics);
        }
    }

    /// Notes that a member was dropped without leaving.
    pub(super) fn gone(&mut self, id: ClientId, now: Duration) {
        self.outcasts.remove(&id);
        if let Some(member) = self.members.get_mut(&id) {
            member.presence = Presence::Gone { since: now };
            // The others must now wait for the end of its session.
            self.wakes.extend(self.members.keys());
        }
    }

    /// Notes that a member has stopped asking.
    pub(super) fn idle(&mut self, id: ClientId, now: Duration) {
        if let Some(member) = self.members.get_mut(&id)
            && member.presence == Presence::Listening
        {
            member.presence = Presence::Busy { since: now };
        }
    }

    /// What a client hears next.
    pub(super) fn next(
        &mut self,
        id: ClientId,
        now: Duration,
        topics: &mut Topics,
        config: &Config,
    ) -> Step {
        self.tick(now, topics);
        match self.outcasts.remove(&id) {
            Some(Outcast::Fenced(instance)) => return Step::Failed(self.taken_over(&instance)),
            Some(Outcast::Refused(error)) => return Step::Failed(error),
            Some(Outcast::Lost(partitions, membership)) if !partitions.is_empty() => {
                self.outcasts.insert(id, Outcast::Out(membership));
                return Step::Lost(partitions);
            }
            Some(Outcast::Lost(_, membership) | Outcast::Out(membership)) => {
                if let Some(name) = self.taken(&membership) {
                    return Step::Failed(self.taken_over(&name));
                }
                self.join(id, membership, now, topics);
                if let Some(Outcast::Refused(error)) = self.outcasts.remove(&id) {
                    return Step::Failed(error);
                }
            }
            None => {}
        }
        let Some(member) = self.members.get_mut(&id) else {
            // It has failed, and was told.
            return Step::Wait(None);
        };
        member.presence = Presence::Busy { since: now };
        if let Some(step) = member.next(&self.name, topics, config) {
            if matches!(step, Step::Assigned(_)) {
                // Where there is nothing to start at, that was the answer.
                self.complete_if_answered(now, topics);
            }
            return step;
        }
        member.presence = Presence::Listening;
        member.fetcher.wait(id, topics);
        Step::Wait(self.deadline(id, now))
    }

    /// A member has said where to start. What it does not name starts where the group committed, or
    /// else as its membership says.
    pub(super) fn start_at(
        &mut self,
        id: ClientId,
        positions: &BTreeMap<TopicPartition, i64>,
        now: Duration,
        topics: &Topics,
    ) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        if member.stage != Stage::Taking {
            return;
        }
        let mut from = BTreeMap::new();
        for at in &member.moving {
            let Ok(log) = topics.log(at) else {
                continue;
            };
            let known = positions.get(at).or_else(|| self.offsets.get(at)).copied();
            let position = known.unwrap_or_else(|| member.first_position(log));
            if known.is_none() && member.membership.start == Start::Now {
                // Whoever takes over before the first commit would take a later now, and lose what
                // came in between.
                self.offsets.insert(at.clone(), position);
            }
            from.insert(at.clone(), position);
        }
        member.start_at(&self.name, from, topics);
        if self.rebalance_until.is_some() {
            member.recall();
            self.complete_if_answered(now, topics);
        }
    }

    /// A member has given its partitions up, and commits these offsets of them.
    pub(super) fn release(
        &mut self,
        id: ClientId,
        offsets: BTreeMap<TopicPartition, i64>,
        now: Duration,
        topics: &Topics,
    ) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        if member.stage != Stage::Yielding {
            return;
        }
        let kept = offsets
            .into_iter()
            .filter(|(at, offset)| member.moving.contains(at) && *offset >= 0);
        self.offsets.extend(kept);
        member.stage = member.give_up_moving();
        if !member.follows.is_empty() {
            member.moving = std::mem::take(&mut member.follows);
            member.stage = Stage::Given;
        }
        self.complete_if_answered(now, topics);
    }

    /// Commits offsets, all or none.
    pub(super) fn commit(
        &mut self,
        id: ClientId,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> Result<(), Error> {
        let member = self.members.get(&id);
        for (at, offset) in offsets {
            if !member.is_some_and(|member| member.holds(at)) {
                return Err(Error::new(
                    ErrorKind::Fenced,
                    format!(
                        "cannot commit offset {offset} of {at} for group `{}`: the partition is no \
                         longer this member's",
                        self.name
                    ),
                ));
            }
            if *offset < 0 {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!("cannot commit offset {offset} of {at}: offsets begin at 0"),
                ));
            }
        }
        for (at, offset) in offsets {
            self.offsets.insert(at.clone(), *offset);
        }
        Ok(())
    }

    /// Pauses partitions of a member, or takes them up again.
    pub(super) fn set_paused(&mut self, id: ClientId, partitions: &[TopicPartition], paused: bool) {
        if let Some(member) = self.members.get_mut(&id) {
            for at in partitions {
                member.fetcher.set_paused(at, paused);
            }
        }
    }

    /// The offset that the group has committed.
    pub(super) fn committed(&self, at: &TopicPartition) -> Option<i64> {
        self.offsets.get(at).copied()
    }

    /// Up to which offset the group has a partition behind it; `None` where it does not read it.
    pub(super) fn behind(&self, at: &TopicPartition) -> Option<i64> {
        let subscribed = |member: &Member| member.membership.topics.contains(&at.topic);
        self.committed(at)
            .or_else(|| self.members.values().any(subscribed).then_some(0))
    }

    /// Whether nobody would miss the group: it has neither members nor offsets, or they are too old.
    pub(super) fn is_forgotten(&self, now: Duration, config: &Config) -> bool {
        let deserted = self.members.is_empty() && self.outcasts.is_empty();
        let is_old = |since: Duration| now >= since.saturating_add(config.offsets_kept);
        deserted && (self.offsets.is_empty() || self.deserted_since.is_some_and(is_old))
    }

    /// Who has something new to hear since this was last asked.
    pub(super) fn take_wakes(&mut self) -> BTreeSet<ClientId> {
        std::mem::take(&mut self.wakes)
    }

    /// Removes the static member whose name a new one brings.
    fn replace(&mut self, membership: &Membership) -> Option<Member> {
        let name = membership.instance.as_ref()?;
        let same = |member: &Member| member.membership.instance.as_ref() == Some(name);
        let (id, _) = self.members.iter().find(|(_, member)| same(member))?;
        let id = *id;
        let old = self.members.remove(&id)?;
        if !old.is_gone() {
            self.outcasts.insert(id, Outcast::Fenced(name.clone()));
            self.wakes.insert(id);
        }
        Some(old)
    }

    /// The name of a static member, where somebody else goes by it.
    fn taken(&self, membership: &Membership) -> Option<String> {
        let name = membership.instance.as_ref()?;
        let mut names = self
            .members
            .values()
            .map(|m| m.membership.instance.as_ref());
        names.any(|other| other == Some(name)).then(|| name.clone())
    }

    fn refused(&self, membership: &Membership, theirs: Assignor) -> Error {
        let own = membership.assignor;
        Error::new(
            ErrorKind::Invalid,
            format!(
                "cannot join group `{}` of the in-memory broker: its members share partitions out by \
                 \"{theirs}\"; {}",
                self.name,
                assignor::mend(&self.name, own)
            ),
        )
    }

    fn taken_over(&self, instance: &str) -> Error {
        Error::new(
            ErrorKind::Fenced,
            format!(
                "a newer member of group `{}` goes by the name `{instance}` and has taken over",
                self.name
            ),
        )
    }
}

#[cfg(test)]
mod tests;
