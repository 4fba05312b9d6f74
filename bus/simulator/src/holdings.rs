//! Who holds which partition, who has it in the store, and what is still at work on it.
//!
//! An instance holds a partition from when its group has told it so until it gives it up, or is told
//! that it is lost. Three things must hold at each moment, also where nothing comes of it in the end,
//! since another layer makes it good: whoever settles an event holds its partition, a store takes no
//! change of anybody but whoever took the partition over last, and what is given up was drained, or
//! the time for that was up.
//!
//! Pure: whoever sees it happen says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use quadrille::broker::TopicPartition;
use quadrille::state::{Applied, EventPosition, RowId, Taken};
use quadrille::world::Point;

use crate::executor::Owner;

/// Who holds what in one run.
#[derive(Debug, Default)]
pub(crate) struct Holdings {
    instances: BTreeMap<Owner, Instance>,
    // Whoever took a partition over last, and which taking that was.
    taken: BTreeMap<(Arc<str>, TopicPartition), (Owner, u64)>,
    changes: u64,
}

#[derive(Debug, Default)]
struct Instance {
    held: BTreeSet<TopicPartition>,
    at_work: BTreeMap<Nth, AtWork>,
    // Reactions that run, of whichever partition.
    reacting: u32,
}

/// Number of a change.
pub(crate) type Nth = u64;

/// A change whose event is not finished yet.
#[derive(Debug)]
struct AtWork {
    partition: TopicPartition,
    row: Option<RowId>,
    is_answered: bool,
    is_out: bool,
}

impl Holdings {
    /// The group has given partitions to an instance.
    pub(crate) fn assigned(&mut self, owner: Owner, partitions: &[TopicPartition]) {
        let held = &mut self.instances.entry(owner).or_default().held;
        held.extend(partitions.iter().cloned());
    }

    /// Partitions are no longer an instance's. It was not asked to end what it is at.
    pub(crate) fn lost(&mut self, owner: Owner, partitions: &[TopicPartition]) {
        let instance = self.instances.entry(owner).or_default();
        instance.forget(|at| partitions.contains(at));
        // Which of them were of these partitions nobody knows.
        instance.reacting = 0;
    }

    /// An instance is no longer in its group.
    pub(crate) fn gone(&mut self, owner: Owner) {
        self.instances.remove(&owner);
    }

    /// An instance gives partitions up, so long after it was asked to. `drain`: how long that may take.
    pub(crate) fn released(
        &mut self,
        owner: Owner,
        partitions: &[TopicPartition],
        waited: Duration,
        drain: Duration,
    ) -> Result<(), String> {
        let instance = self.instances.entry(owner).or_default();
        let is_left = instance.is_at_work(partitions);
        instance.forget(|at| partitions.contains(at));
        let reacts = instance.held.is_empty() && instance.reacting > 0;
        if waited >= drain || reacts {
            instance.reacting = 0;
        }
        let what = match is_left {
            Some(at) => format!("a change of {at} was at work"),
            None if reacts => "a reaction ran".to_owned(),
            None => return Ok(()),
        };
        match waited < drain {
            true => Err(format!("gives partitions up while {what}")),
            false => Ok(()),
        }
    }

    /// An event passes a point.
    pub(crate) fn passes(&mut self, owner: Owner, point: Point) {
        let reacting = &mut self.instances.entry(owner).or_default().reacting;
        match point {
            Point::Taken => *reacting += 1,
            // Further attempts pass here too.
            Point::Reacted => *reacting = reacting.saturating_sub(1),
            _ => {}
        }
    }

    /// An instance has taken partitions over in the store.
    pub(crate) fn took(
        &mut self,
        service: &Arc<str>,
        owner: Owner,
        taken: &BTreeMap<TopicPartition, Taken>,
    ) -> Result<(), String> {
        for (at, Taken { epoch, .. }) in taken {
            let place = (Arc::clone(service), at.clone());
            let before = self.taken.insert(place, (owner, *epoch));
            if let Some((_, before)) = before
                && before >= *epoch
            {
                return Err(format!("takes {at} over as {epoch}, after {before}"));
            }
        }
        Ok(())
    }

    /// An instance has submitted a change of an event that stands there, and this becomes of it.
    pub(crate) fn submitted(
        &mut self,
        service: &Arc<str>,
        owner: Owner,
        position: &EventPosition,
        applied: &Applied,
    ) -> Result<Nth, String> {
        let at = &position.partition;
        let instance = self.instances.entry(owner).or_default();
        if !instance.held.contains(at) {
            return Err(format!("settles an event of {at}, and does not hold it"));
        }
        self.changes += 1;
        let work = AtWork {
            partition: at.clone(),
            row: match applied {
                Applied::Done(committed) => committed.row,
                _ => None,
            },
            is_answered: false,
            is_out: false,
        };
        instance.at_work.insert(self.changes, work);
        let is_taken = matches!(applied, Applied::Done(_) | Applied::Duplicate);
        let last = self.taken.get(&(Arc::clone(service), at.clone()));
        if is_taken && last != Some(&(owner, position.epoch)) {
            return Err(format!(
                "settles an event of {at}, and somebody took it over"
            ));
        }
        Ok(self.changes)
    }

    /// An instance has heard what became of a change.
    pub(crate) fn answered(&mut self, owner: Owner, nth: Nth) {
        self.mark(owner, |number, work| {
            work.is_answered |= number == nth;
        });
    }

    /// Rows are out, or the sweep has taken them on: their events need not wait for them.
    pub(crate) fn out(&mut self, owner: Owner, rows: &[RowId]) {
        self.mark(owner, |_, work| {
            work.is_out |= work.row.is_some_and(|row| rows.contains(&row));
        });
    }

    fn mark(&mut self, owner: Owner, mark: impl Fn(Nth, &mut AtWork)) {
        let instance = self.instances.entry(owner).or_default();
        instance.at_work.retain(|nth, work| {
            mark(*nth, work);
            !(work.is_answered && (work.is_out || work.row.is_none()))
        });
    }

    /// Partitions that an instance names as its own and does not hold.
    pub(crate) fn claims<'a>(
        &self,
        owner: Owner,
        mut named: impl Iterator<Item = &'a TopicPartition>,
    ) -> Result<(), String> {
        let held = self.instances.get(&owner).map(|instance| &instance.held);
        let foreign = named.find(|at| held.is_none_or(|held| !held.contains(*at)));
        foreign.map_or(Ok(()), |at| {
            Err(format!("says that it has {at}, and does not hold it"))
        })
    }
}

impl Instance {
    /// One of these partitions of which a change is at work.
    fn is_at_work(&self, partitions: &[TopicPartition]) -> Option<TopicPartition> {
        let mut of = self.at_work.values().map(|work| &work.partition);
        of.find(|at| partitions.contains(at)).cloned()
    }

    fn forget(&mut self, is_gone: impl Fn(&TopicPartition) -> bool) {
        self.held.retain(|at| !is_gone(at));
        self.at_work.retain(|_, work| !is_gone(&work.partition));
    }
}

#[cfg(test)]
mod tests {
    use quadrille::broker::TopicName;
    use quadrille::state::Committed;

    use super::*;

    const DRAIN: Duration = Duration::from_secs(5);
    const SOON: Duration = Duration::from_millis(1);
    const ONE: Owner = 1;
    const TWO: Owner = 2;

    fn at(number: i32) -> TopicPartition {
        TopicPartition::new(TopicName::parse("t").unwrap(), number)
    }

    fn position(number: i32, epoch: u64) -> EventPosition {
        EventPosition {
            partition: at(number),
            offset: 0,
            low_water: 0,
            epoch,
        }
    }

    fn done(row: Option<RowId>) -> Applied {
        Applied::Done(Committed {
            row,
            after: Vec::new(),
        })
    }

    /// Takes a partition over in the store.
    fn take(holdings: &mut Holdings, owner: Owner, epoch: u64) -> Result<(), String> {
        let taken = Taken {
            epoch,
            handled: None,
        };
        holdings.took(&Arc::from("s"), owner, &[(at(0), taken)].into())
    }

    fn settle(holdings: &mut Holdings, owner: Owner, epoch: u64) -> Result<Nth, String> {
        holdings.submitted(
            &Arc::from("s"),
            owner,
            &position(0, epoch),
            &done(Some(epoch)),
        )
    }

    /// An instance that has a partition, and has taken it over.
    fn with_one() -> Holdings {
        let mut holdings = Holdings::default();
        holdings.assigned(ONE, &[at(0)]);
        take(&mut holdings, ONE, 1).unwrap();
        holdings
    }

    #[test]
    fn whoever_settles_holds() {
        let mut holdings = with_one();
        assert!(settle(&mut holdings, ONE, 1).is_ok());
        holdings.lost(ONE, &[at(0)]);
        assert!(settle(&mut holdings, ONE, 1).is_err());
        holdings.assigned(ONE, &[at(0)]);
        holdings.gone(ONE);
        assert!(settle(&mut holdings, ONE, 1).is_err());
    }

    #[test]
    fn a_store_takes_changes_of_the_last_owner_alone() {
        let mut holdings = with_one();
        holdings.assigned(TWO, &[at(0)]);
        take(&mut holdings, TWO, 2).unwrap();
        // One knows nothing of it, and the store refuses it: so it must be.
        let refused = holdings.submitted(&Arc::from("s"), ONE, &position(0, 1), &Applied::Fenced);
        assert!(refused.is_ok());
        assert!(settle(&mut holdings, TWO, 2).is_ok());
        // Where the store takes it, or takes it for the other's, it is broken.
        assert!(settle(&mut holdings, ONE, 1).is_err());
        assert!(settle(&mut holdings, ONE, 2).is_err());
    }

    #[test]
    fn each_taking_has_a_number_of_its_own() {
        let mut holdings = with_one();
        assert!(take(&mut holdings, TWO, 2).is_ok());
        assert!(take(&mut holdings, ONE, 2).is_err());
    }

    #[test]
    fn what_is_given_up_was_drained() {
        // Neither answered nor out: it is at work, until the time is up.
        for is_answered in [false, true] {
            for (waited, holds) in [(SOON, false), (DRAIN, true)] {
                let mut holdings = with_one();
                let nth = settle(&mut holdings, ONE, 1).unwrap();
                if is_answered {
                    holdings.answered(ONE, nth);
                }
                let released = holdings.released(ONE, &[at(0)], waited, DRAIN);
                assert_eq!(released.is_ok(), holds, "{released:?}");
            }
        }
        // Answered and out, in any order: it is finished.
        for is_out_first in [false, true] {
            let mut holdings = with_one();
            let nth = settle(&mut holdings, ONE, 1).unwrap();
            if is_out_first {
                holdings.out(ONE, &[1]);
            }
            holdings.answered(ONE, nth);
            holdings.out(ONE, &[1]);
            assert!(holdings.released(ONE, &[at(0)], SOON, DRAIN).is_ok());
        }
    }

    #[test]
    fn a_reaction_may_end_before_its_partition_is_given_up() {
        let mut holdings = with_one();
        holdings.passes(ONE, Point::Taken);
        assert!(holdings.released(ONE, &[at(0)], SOON, DRAIN).is_err());
        holdings.assigned(ONE, &[at(0), at(1)]);
        holdings.passes(ONE, Point::Taken);
        // It may be one of those that stay.
        assert!(holdings.released(ONE, &[at(0)], SOON, DRAIN).is_ok());
        holdings.passes(ONE, Point::Reacted);
        assert!(holdings.released(ONE, &[at(1)], SOON, DRAIN).is_ok());
    }

    #[test]
    fn nobody_says_that_it_has_what_it_does_not_hold() {
        let holdings = with_one();
        assert!(holdings.claims(ONE, [at(0)].iter()).is_ok());
        assert!(holdings.claims(ONE, [at(1)].iter()).is_err());
        assert!(holdings.claims(TWO, [].iter()).is_ok());
        assert!(holdings.claims(TWO, [at(0)].iter()).is_err());
    }
}
