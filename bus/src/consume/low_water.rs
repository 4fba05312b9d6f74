//! The low-water mark of a partition: below it, everything is finished.
//!
//! Reactions of different keys end in any order; only the low-water mark may be committed, or a
//! crash would lose what was unfinished below. Offsets may have gaps (compaction, transactions).

use std::collections::VecDeque;

/// Taken and finished offsets of one partition.
#[derive(Debug, Clone)]
pub(crate) struct LowWater {
    next: i64,
    // In offset order; the front is the lowest unfinished one.
    taken: VecDeque<(i64, bool)>,
}

impl LowWater {
    /// Nothing taken yet; the first record to come is at `start` or above.
    pub(crate) fn at(start: i64) -> Self {
        Self {
            next: start,
            taken: VecDeque::new(),
        }
    }

    /// Takes an offset. `false`: it was taken before, and must not be handled again.
    pub(crate) fn take(&mut self, offset: i64) -> bool {
        if offset < self.next {
            return false;
        }
        self.taken.push_back((offset, false));
        self.next = offset + 1;
        true
    }

    /// Finishes an offset that was taken.
    pub(crate) fn finish(&mut self, offset: i64) {
        let index = self
            .taken
            .binary_search_by_key(&offset, |(offset, _)| *offset)
            .expect("only a taken offset is finished");
        assert!(!self.taken[index].1, "offset {offset} was finished twice");
        self.taken[index].1 = true;
        while self.taken.front().is_some_and(|(_, finished)| *finished) {
            self.taken.pop_front();
        }
    }

    /// The offset below which everything is finished: the next to read after a restart.
    pub(crate) fn mark(&self) -> i64 {
        self.taken.front().map_or(self.next, |(offset, _)| *offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_never_passes_an_unfinished_offset() {
        // Shows every order in which four offsets with a gap can finish.
        let offsets = [10, 11, 15, 16];
        for order in permutations(&offsets) {
            let mut water = LowWater::at(10);
            for offset in offsets {
                assert!(water.take(offset));
            }
            let mut open = offsets.to_vec();
            for offset in order {
                water.finish(offset);
                open.retain(|other| *other != offset);
                assert_eq!(water.mark(), open.first().copied().unwrap_or(17));
            }
        }
    }

    #[test]
    fn a_record_that_comes_again_is_not_taken_again() {
        // Shows that a broker that hands a record out twice does no harm.
        let mut water = LowWater::at(5);
        assert!(!water.take(4));
        assert!(water.take(5));
        assert!(!water.take(5));
    }

    fn permutations(items: &[i64]) -> Vec<Vec<i64>> {
        if items.is_empty() {
            return vec![Vec::new()];
        }
        let with_first = |i: usize| {
            let mut rest = items.to_vec();
            let first = rest.remove(i);
            permutations(&rest)
                .into_iter()
                .map(move |tail| [vec![first], tail].concat())
        };
        (0..items.len()).flat_map(with_first).collect()
    }
}
