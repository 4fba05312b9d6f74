//! What must hold of the order flow: promises, money, stock, parcels, and mails.
//!
//! Held against each other are what customers were told, the ledgers of the gateway and the carrier,
//! the events, and what the services remember.

use std::collections::{BTreeMap, BTreeSet};

use quadrille::Event as _;
use quadrille_inventory::state::{Item, Reservation};
use quadrille_orders::state::Order;
use quadrille_schemas::inventory::v1::{GoodsReceived, StockReleased, StockReserved};
use quadrille_schemas::orders::v1::{OrderCancelled, OrderConfirmed, OrderPlaced, OrderWithdrawn};
use quadrille_simulator::{Breach, End, Invariant, Stage, Total};

use super::Promised;
use crate::gateway::{Entry, Ledger};

mod mails; // what customers are told
mod parcels; // what is on its way

pub(super) use mails::{is_unsent, mails, tried};
pub(super) use parcels::parcels;

/// Each type of event happens to an order once at most.
pub(super) fn once(end: &End) -> Result<(), Breach> {
    let mut known = BTreeSet::new();
    for placed in end.distinct() {
        let is_goods = *placed.envelope.kind == *GoodsReceived::SCHEMA.name;
        let what = (&placed.envelope.kind, &placed.record.key);
        let is_echo = placed.envelope.source.as_str() == super::ELSEWHERE;
        if !is_goods && !is_echo && !known.insert(what) {
            let why = format!("there are two of {}", placed.called());
            return Err(Breach::from(why).in_flow(placed.envelope.flow.clone()));
        }
    }
    Ok(())
}

/// What a door decides later stands behind what it decided before: a withdrawal behind its order.
pub(super) fn withdrawn_after_placed(end: &End) -> Result<(), Breach> {
    let mut known = BTreeSet::new();
    for placed in &end.events {
        let kind = &*placed.envelope.kind;
        if *kind == *OrderPlaced::SCHEMA.name {
            known.insert(&placed.record.key);
        }
        if *kind == *OrderWithdrawn::SCHEMA.name && !known.contains(&placed.record.key) {
            let why = format!("{} stands before its order", placed.called());
            return Err(Breach::from(why).in_flow(placed.envelope.flow.clone()));
        }
    }
    Ok(())
}

/// An order that was taken is known to all, and one whose withdrawal was accepted is not confirmed.
pub(super) fn promises(end: &End, promised: &Promised) -> Result<(), Breach> {
    let promises = promised.lock();
    let placed: BTreeSet<_> = end
        .all::<OrderPlaced>()
        .into_iter()
        .map(|o| o.order_id)
        .collect();
    if let Some(lost) = promises.placed.difference(&placed).next() {
        return Err(format!("order {lost} was taken, and nobody was told").into());
    }
    let confirmed = confirmed(end);
    match confirmed.intersection(&promises.withdrawn).next() {
        Some(order) => Err(format!("order {order} was withdrawn, and confirmed").into()),
        None => Ok(()),
    }
}

/// The orders that were confirmed.
fn confirmed(end: &End) -> BTreeSet<String> {
    let orders = end.all::<OrderConfirmed>().into_iter();
    orders.map(|order| order.order_id).collect()
}

/// The orders that were cancelled.
fn cancelled(end: &End) -> BTreeSet<String> {
    let orders = end.all::<OrderCancelled>().into_iter();
    orders.map(|order| order.order_id).collect()
}

/// What must add up: the gateway's ledger, the events, and what services remember.
pub(super) fn money_and_stock(stage: &mut Stage, ledger: Ledger) {
    let charged = ledger.clone();
    stage.holds("no card is charged twice", move |_| {
        let mut charges: BTreeMap<String, u32> = BTreeMap::new();
        for entry in charged.entries() {
            if let Entry::Charged { order_id, .. } = entry {
                *charges.entry(order_id).or_default() += 1;
            }
        }
        match charges.into_iter().find(|(_, times)| *times > 1) {
            Some((order, times)) => Err(format!("{order} was charged {times} times").into()),
            None => Ok(()),
        }
    });
    stage.invariant(Invariant::adds_up("money is conserved", move |end| {
        money(end, &ledger)
    }));
    stage.invariant(Invariant::adds_up("stock is conserved", stock));
    stage.holds("nothing is sold twice", |end| {
        let items = end.records::<Item>("inventory");
        match items
            .into_iter()
            .find(|(_, item)| item.reserved > item.on_hand)
        {
            Some((sku, item)) => Err(format!("{sku}: {item:?}").into()),
            None => Ok(()),
        }
    });
}

/// For each order: what the customer has paid is what a confirmed order costs, else nothing.
fn money(end: &End, ledger: &Ledger) -> Vec<Total> {
    let mut paid: BTreeMap<String, i64> = BTreeMap::new();
    for entry in ledger.entries() {
        match entry {
            Entry::Charged { order_id, units } => *paid.entry(order_id).or_default() += units,
            Entry::Refunded { order_id, units } => *paid.entry(order_id).or_default() -= units,
        }
    }
    let confirmed = end.all::<OrderConfirmed>();
    let mut due: BTreeMap<String, i64> = paid.keys().map(|order| (order.clone(), 0)).collect();
    for order in confirmed {
        due.insert(order.order_id, order.total.map_or(0, |total| total.units));
    }
    let totals = due.into_iter().map(|(order, wanted)| Total {
        found: paid.get(&order).copied().unwrap_or(0).into(),
        what: format!("euros paid for order {order}"),
        wanted: wanted.into(),
    });
    totals.collect()
}

/// For each article: what is there was delivered, and what is held is held by orders that were not
/// cancelled.
fn stock(end: &End) -> Vec<Total> {
    let mut delivered: BTreeMap<String, i128> = BTreeMap::new();
    let mut deliveries = BTreeSet::new();
    for goods in end.all::<GoodsReceived>() {
        if deliveries.insert((goods.delivery_id, goods.sku.clone())) {
            *delivered.entry(goods.sku).or_default() += i128::from(goods.quantity);
        }
    }
    let mut held: BTreeMap<String, i128> = BTreeMap::new();
    for line in end.all::<StockReserved>().into_iter().flat_map(|s| s.lines) {
        *held.entry(line.sku).or_default() += i128::from(line.quantity);
    }
    for line in end.all::<StockReleased>().into_iter().flat_map(|s| s.lines) {
        *held.entry(line.sku).or_default() -= i128::from(line.quantity);
    }
    let items = end.records::<Item>("inventory");
    let skus: BTreeSet<&String> = delivered
        .keys()
        .chain(held.keys())
        .chain(items.keys())
        .collect();
    let mut totals = Vec::new();
    for sku in skus {
        let item = items.get(sku).cloned().unwrap_or_default();
        let of = |counts: &BTreeMap<String, i128>| counts.get(sku).copied().unwrap_or(0);
        totals.push(total(
            format!("{sku} on hand"),
            of(&delivered),
            item.on_hand,
        ));
        totals.push(total(format!("{sku} reserved"), of(&held), item.reserved));
    }
    totals.extend(reservations(end));
    totals
}

/// An order holds goods for as long as it is not cancelled.
fn reservations(end: &End) -> Vec<Total> {
    let (confirmed, cancelled) = (confirmed(end), cancelled(end));
    let reservations = end.records::<Reservation>("inventory");
    let orders = end.records::<Order>("orders");
    let mut totals = Vec::new();
    for (order, reservation) in reservations {
        let held = u64::from(reservation.held);
        totals.push(total(
            format!("reservation of {order}"),
            i128::from(confirmed.contains(&order)),
            held,
        ));
    }
    for (order, kept) in orders {
        let ended = confirmed.contains(&order) || cancelled.contains(&order);
        let known = u64::from(kept.outcome.is_some());
        totals.push(total(
            format!("outcome of {order}"),
            i128::from(ended),
            known,
        ));
    }
    totals
}

fn total(what: String, wanted: i128, found: u64) -> Total {
    Total {
        what,
        wanted,
        found: found.into(),
    }
}
