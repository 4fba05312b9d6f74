//! One partition's shelf, and how much may lie on shelves.

use std::collections::VecDeque;

use super::super::super::Incoming;

/// How much may lie on shelves that are not paused, and how much on those that are.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Limit {
    pub(in super::super) records: usize,
    pub(in super::super) bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// When it was put up.
    pub(super) epoch: u64,
    pub(super) runs: VecDeque<Vec<Incoming>>,
    pub(super) load: Load,
    pub(super) paused: bool,
    /// It is paused, and its fetching has stopped too.
    pub(super) stopped: bool,
    /// The partition is being given up: it is still the member's, but nothing more comes of it.
    pub(super) closed: bool,
}

/// Which load a shelf counts into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Open,
    Aside,
    Stopped,
}

impl Shelf {
    pub(super) fn kind(&self) -> Kind {
        match (self.paused, self.stopped) {
            (false, _) => Kind::Open,
            (true, false) => Kind::Aside,
            (true, true) => Kind::Stopped,
        }
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

impl Load {
    pub(super) fn of(run: &[Incoming]) -> Self {
        Self {
            records: run.len(),
            bytes: run.iter().map(Incoming::size).sum(),
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
    }

    pub(super) fn take(&mut self, other: Self) {
        self.records -= other.records;
        self.bytes -= other.bytes;
    }
}

impl Limit {
    pub(super) fn admits(self, load: Load) -> bool {
        load.records < self.records && load.bytes < self.bytes
    }

    pub(super) fn half(self) -> Self {
        Self {
            records: self.records.div_ceil(2),
            bytes: self.bytes.div_ceil(2),
        }
    }

    pub(super) fn twice(self) -> Self {
        Self {
            records: self.records.saturating_mul(2),
            bytes: self.bytes.saturating_mul(2),
        }
    }
}
