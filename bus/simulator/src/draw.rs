//! Randomness from a seed.
//!
//! SplitMix64 (Steele, Lea and Flood, 2014): small, quick, and the same on every machine.

/// A source of numbers. The same seed gives the same numbers for ever.
#[derive(Debug, Clone)]
pub struct Draw(u64);

impl Draw {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        // Seeds that lie close together must not give streams that do.
        let mut draw = Self(seed ^ 0x5851_f42d_4c95_7f2d);
        draw.0 = draw.number();
        draw
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which must not be 0.
    pub fn below(&mut self, end: u64) -> u64 {
        assert!(end > 0, "there is no number below 0");
        // The bias of the remainder is far below what anybody could see.
        self.number() % end
    }

    /// A number from `first` to `last`.
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// `true` in so many of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    ///
    /// # Panics
    ///
    /// Where there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = self.below(from.len() as u64);
        &from[usize::try_from(index).expect("below a length")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        // Shows that regression files keep their meaning: the numbers are pinned.
        let mut draw = Draw::new(1);
        assert_eq!(draw.number(), 0x98deed548fcf3eb5);
        assert_eq!(draw.below(1_000), 915);
        assert_ne!(Draw::new(1).number(), Draw::new(2).number());
    }
}
