//! Sums over the ledger.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::entry::{Entry, Kind};
use crate::money;

/// What all entries add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// How many entries there are.
    pub(crate) entries: u64,
    /// How many of them are voids. A void of what was never charged has no currency.
    voids: u64,
    currencies: BTreeMap<String, Currency>,
}

/// Sums of one currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Currency {
    charges: u64,
    declines: u64,
    refunds: u64,
    /// Money taken.
    captured: Sum,
    /// Money given back, by refunds and by voids.
    refunded: Sum,
}

/// Billionths of a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum(i128);

impl Totals {
    /// Counts an entry whose amount was checked.
    pub(crate) fn count(&mut self, entry: &Entry) {
        self.entries += 1;
        self.voids += u64::from(entry.kind == Kind::Void);
        let Ok(money) = entry.money() else {
            return;
        };
        let currency = self
            .currencies
            .entry(entry.currency_code.clone())
            .or_default();
        match entry.kind {
            Kind::Charge => {
                currency.charges += 1;
                currency.captured.add(money.nanos());
            }
            Kind::Decline => currency.declines += 1,
            Kind::Refund => {
                currency.refunds += 1;
                currency.refunded.add(money.nanos());
            }
            Kind::Void => currency.refunded.add(money.nanos()),
        }
    }
}

impl Sum {
    fn add(&mut self, nanos: i128) {
        self.0 = self
            .0
            .checked_add(nanos)
            .expect("an i128 holds 10^10 payments of the largest amount");
    }
}

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written {
            units: i128,
            nanos: i32,
        }
        let (units, nanos) = money::split(self.0);
        Written { units, nanos }.serialize(serializer)
    }
}
