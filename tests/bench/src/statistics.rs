//! Median, minimum and maximum of a few repetitions.

use serde::{Deserialize, Serialize};

/// What several measurements of the same come to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// The one in the middle, or the mean of the two there.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Summary {
    /// Of all of them. `None`: there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let half = values.len() / 2;
        let median = match values.len() % 2 {
            0 => f64::midpoint(values[half - 1], values[half]),
            _ => values[half],
        };
        Some(Self { median, min, max })
    }

    /// How this median compares with another one.
    pub(crate) fn ratio_to(self, reference: Self) -> f64 {
        self.median / reference.median
    }
}

/// The contenders of one round, by number: each round begins with another one, so that nobody always
/// has the quiet moment behind a certain other.
pub(crate) fn round(number: usize, contenders: usize) -> impl Iterator<Item = usize> {
    (0..contenders).map(move |nth| (nth + number) % contenders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_in_the_middle() {
        // Shows odd, even, one, none, and that order does not matter.
        let of = |values: &[f64]| Summary::of(values.iter().copied());
        let summary = |median, min, max| Some(Summary { median, min, max });
        assert_eq!(of(&[3.0, 1.0, 2.0]), summary(2.0, 1.0, 3.0));
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), summary(2.5, 1.0, 4.0));
        assert_eq!(of(&[7.0]), summary(7.0, 7.0, 7.0));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_ratio_is_of_medians() {
        // Shows that one slow repetition does not change it.
        let ours = Summary::of([50.0, 45.0, 1.0]).unwrap();
        let theirs = Summary::of([90.0, 100.0, 95.0]).unwrap();
        assert!((ours.ratio_to(theirs) - 45.0 / 95.0).abs() < 1e-9);
    }

    #[test]
    fn everybody_is_first_in_turn() {
        // Shows that each round has each contender once.
        let order = |number| round(number, 3).collect::<Vec<_>>();
        assert_eq!(order(0), [0, 1, 2]);
        assert_eq!(order(1), [1, 2, 0]);
        assert_eq!(order(5), [2, 0, 1]);
    }
}
