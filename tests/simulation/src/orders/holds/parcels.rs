//! What must hold of parcels: the carrier's ledger, against how the orders ended.

use std::collections::{BTreeMap, BTreeSet};

use quadrille_shipping::state::Shipment;
use quadrille_simulator::{End, Invariant, Stage, Total};

use crate::carrier::{Entry, Ledger};

/// A parcel is on its way for each confirmed order, and for no other.
pub(in crate::orders) fn parcels(stage: &mut Stage, ledger: Ledger) {
    let taken = ledger.clone();
    stage.holds("no order is shipped twice", move |_| {
        let mut times: BTreeMap<String, u32> = BTreeMap::new();
        for entry in taken.entries() {
            if let Entry::Taken { order_id } = entry {
                *times.entry(order_id).or_default() += 1;
            }
        }
        match times.into_iter().find(|(_, times)| *times > 1) {
            Some((order, times)) => Err(format!("{order} was shipped {times} times").into()),
            None => Ok(()),
        }
    });
    stage.invariant(Invariant::adds_up("parcels are conserved", move |end| {
        totals(end, &ledger)
    }));
}

/// For each order: what the carrier has of it, what shipping remembers, and how it ended.
fn totals(end: &End, ledger: &Ledger) -> Vec<Total> {
    let confirmed = super::confirmed(end);
    let mut on_their_way: BTreeMap<String, i128> = BTreeMap::new();
    for entry in ledger.entries() {
        match entry {
            Entry::Taken { order_id } => *on_their_way.entry(order_id).or_default() += 1,
            Entry::Back { order_id } => *on_their_way.entry(order_id).or_default() -= 1,
        }
    }
    let kept = end.records::<Shipment>("shipping");
    let orders: BTreeSet<&String> = confirmed
        .iter()
        .chain(on_their_way.keys())
        .chain(kept.keys())
        .collect();
    let mut totals = Vec::new();
    for order in orders {
        let wanted = i128::from(confirmed.contains(order));
        let dispatched = matches!(kept.get(order), Some(Shipment::Dispatched { .. }));
        totals.push(Total {
            what: format!("parcels of order {order} on their way"),
            wanted,
            found: on_their_way.get(order).copied().unwrap_or(0),
        });
        totals.push(Total {
            what: format!("parcels of order {order} that shipping knows of"),
            wanted,
            found: i128::from(dispatched),
        });
    }
    totals
}
