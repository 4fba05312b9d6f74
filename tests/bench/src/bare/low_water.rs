//! The offset below which all is done, by hand: what a bare consumer needs that answers out of turn.

use std::collections::{HashMap, VecDeque};

/// For each partition, what was begun, in order, and whether it is done.
#[derive(Debug, Default)]
pub(crate) struct LowWater {
    partitions: HashMap<i32, VecDeque<(i64, bool)>>,
}

impl LowWater {
    /// Begins with a record. Offsets of a partition come in order.
    pub(crate) fn begin(&mut self, partition: i32, offset: i64) {
        let begun = self.partitions.entry(partition).or_default();
        begun.push_back((offset, false));
    }

    /// A record is done. Returns the last offset below which nothing is left to do, if it has moved.
    pub(crate) fn end(&mut self, partition: i32, offset: i64) -> Option<i64> {
        let begun = self.partitions.get_mut(&partition)?;
        let at = begun.binary_search_by_key(&offset, |(offset, _)| *offset);
        begun[at.ok()?].1 = true;
        let mut done = None;
        while let Some((offset, true)) = begun.front().copied() {
            done = Some(offset);
            begun.pop_front();
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_waits_for_the_lowest() {
        // Shows that it never passes what is not done, and takes with it all that is.
        let mut water = LowWater::default();
        for offset in [3, 4, 7] {
            water.begin(0, offset);
        }
        water.begin(1, 0);
        assert_eq!(water.end(0, 4), None);
        assert_eq!(water.end(0, 3), Some(4));
        assert_eq!(water.end(1, 0), Some(0));
        assert_eq!(water.end(0, 7), Some(7));
    }
}
