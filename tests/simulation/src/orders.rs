//! The order flow as a scenario: goods come in, orders are placed and withdrawn, and in the end goods
//! and money add up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use quadrille_inventory::state::{Item, Reservation};
use quadrille_inventory::{Deliveries, deliveries};
use quadrille_orders::Doors;
use quadrille_orders::requests::{self, Placed, Withdrawn};
use quadrille_orders::state::Order;
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::inventory::v1::{GoodsReceived, StockReleased, StockReserved};
use quadrille_schemas::orders::v1::{
    OrderCancelled, OrderConfirmed, OrderLine, OrderPlaced, OrderWithdrawn,
};
use quadrille_simulator::{Breach, Draw, End, Invariant, Stage, Total};

use crate::gateway::{BAD_CARD, Bank, Entry, GOOD_CARD, Ledger};

/// Price of one piece, in whole units.
const PRICE: i64 = 20;

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Goods come in.
    Deliver {
        /// The delivery.
        delivery: String,
        /// The goods.
        sku: String,
        /// How many pieces.
        quantity: u32,
    },
    /// A customer places an order.
    Place {
        /// The order.
        order: String,
        /// The goods.
        sku: String,
        /// How many pieces.
        quantity: u32,
        /// Whether the card is one that is charged.
        good_card: bool,
    },
    /// A customer withdraws an order.
    Withdraw {
        /// The order.
        order: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deliver {
                delivery,
                sku,
                quantity,
            } => write!(f, "deliver {delivery}: {quantity} {sku}"),
            Self::Place {
                order,
                sku,
                quantity,
                good_card,
            } => {
                let card = if *good_card { "good" } else { "bad" };
                write!(f, "place {order}: {quantity} {sku} by {card} card")
            }
            Self::Withdraw { order } => write!(f, "withdraw {order}"),
        }
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<_> = text.split([' ', ':']).filter(|w| !w.is_empty()).collect();
        let name = |word: &&str| (*word).to_owned();
        let wrong = |_| format!("`{text}`: a quantity is a number");
        Ok(match &words[..] {
            ["deliver", delivery, quantity, sku] => Self::Deliver {
                delivery: name(delivery),
                sku: name(sku),
                quantity: quantity.parse().map_err(wrong)?,
            },
            [
                "place",
                order,
                quantity,
                sku,
                "by",
                card @ ("good" | "bad"),
                "card",
            ] => Self::Place {
                order: name(order),
                sku: name(sku),
                quantity: quantity.parse().map_err(wrong)?,
                good_card: *card == "good",
            },
            ["withdraw", order] => Self::Withdraw { order: name(order) },
            _ => return Err("a step is `deliver`, `place` or `withdraw`".to_owned()),
        })
    }
}

/// Draws what happens: a few goods, a few orders, some of which are declined, withdrawn, or more than
/// there are goods for.
fn plan(draw: &mut Draw) -> Vec<Step> {
    let skus = ["tea", "cup"];
    let mut steps = Vec::new();
    for (nth, sku) in skus.iter().enumerate() {
        steps.push(Step::Deliver {
            delivery: format!("d{nth}"),
            sku: (*sku).to_owned(),
            quantity: u32::try_from(draw.between(1, 5)).expect("at most 5"),
        });
    }
    for nth in 1..=draw.between(2, 6) {
        let order = format!("o{nth}");
        steps.push(Step::Place {
            order: order.clone(),
            sku: (*draw.pick(&skus)).to_owned(),
            quantity: u32::try_from(draw.between(1, 2)).expect("at most 2"),
            good_card: !draw.chance(20),
        });
        if draw.chance(35) {
            steps.push(Step::Withdraw { order });
        }
    }
    steps
}

/// What customers were promised.
#[derive(Clone, Default)]
struct Promised(Arc<Mutex<Promises>>);

#[derive(Default)]
struct Promises {
    placed: BTreeSet<String>,
    withdrawn: BTreeSet<String>,
}

impl Promised {
    fn note(&self, note: impl FnOnce(&mut Promises) -> bool) {
        // Promised twice is promised once.
        let _ = note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Sets the stage.
pub fn stage(stage: &mut Stage) {
    let bank = Arc::new(Bank::new(stage.outside()));
    let ledger = bank.ledger();
    services(stage, bank);
    money_and_stock(stage, ledger);
}

fn services(stage: &mut Stage, bank: Arc<Bank>) {
    let (doors, deliveries) = (Doors::default(), Deliveries::default());
    let of_orders = doors.clone();
    stage.service(move || quadrille_orders::service(&of_orders));
    let of_inventory = deliveries.clone();
    stage.service(move || quadrille_inventory::service(&of_inventory));
    stage.service(move || quadrille_payments::service(Arc::clone(&bank) as _));
    let promised = Promised::default();
    let kept = promised.clone();
    stage.steps(plan, move |step| {
        take(step, doors.clone(), deliveries.clone(), promised.clone())
    });
    stage.holds("promises are kept", move |end| promises(end, &kept));
}

async fn take(
    step: Step,
    doors: Doors,
    deliveries: Deliveries,
    promised: Promised,
) -> Result<(), requests::Error> {
    match step {
        Step::Deliver {
            delivery,
            sku,
            quantity,
        } => {
            let goods = GoodsReceived {
                delivery_id: delivery,
                sku,
                quantity,
            };
            deliveries::announce(&deliveries, goods).await
        }
        Step::Place {
            order,
            sku,
            quantity,
            good_card,
        } => {
            let card = if good_card { GOOD_CARD } else { BAD_CARD };
            let placed = placed(&order, &sku, quantity, card);
            if requests::place(&doors, placed).await? != Placed::Conflict {
                promised.note(|promises| promises.placed.insert(order));
            }
            Ok(())
        }
        Step::Withdraw { order } => {
            let withdrawn = OrderWithdrawn {
                order_id: order.clone(),
                ..OrderWithdrawn::default()
            };
            match requests::withdraw(&doors, withdrawn).await? {
                Withdrawn::Accepted | Withdrawn::Again => {
                    promised.note(|promises| promises.withdrawn.insert(order));
                }
                Withdrawn::Unknown | Withdrawn::TooLate(_) => {}
            }
            Ok(())
        }
    }
}

fn placed(order: &str, sku: &str, quantity: u32, card: &str) -> OrderPlaced {
    let money = |units| Money {
        currency_code: "EUR".to_owned(),
        units,
        nanos: 0,
    };
    OrderPlaced {
        order_id: order.to_owned(),
        customer_id: "c1".to_owned(),
        email: "ada@example.org".to_owned(),
        lines: vec![OrderLine {
            sku: sku.to_owned(),
            quantity,
            unit_price: Some(money(PRICE)),
        }],
        total: Some(money(PRICE * i64::from(quantity))),
        card_number: card.to_owned(),
        placed_at: None,
    }
}

/// An order that was taken is known to all, and one whose withdrawal was accepted is not confirmed.
fn promises(end: &End, promised: &Promised) -> Result<(), Breach> {
    let promises = promised.0.lock().unwrap_or_else(PoisonError::into_inner);
    let placed: BTreeSet<_> = end
        .all::<OrderPlaced>()
        .into_iter()
        .map(|o| o.order_id)
        .collect();
    if let Some(lost) = promises.placed.difference(&placed).next() {
        return Err(format!("order {lost} was taken, and nobody was told").into());
    }
    let confirmed = end.all::<OrderConfirmed>().into_iter();
    let broken = confirmed
        .map(|o| o.order_id)
        .find(|id| promises.withdrawn.contains(id));
    match broken {
        Some(order) => Err(format!("order {order} was withdrawn, and confirmed").into()),
        None => Ok(()),
    }
}

/// What must add up: the gateway's ledger, the events, and what services remember.
fn money_and_stock(stage: &mut Stage, ledger: Ledger) {
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
    let cancelled: BTreeSet<_> = end
        .all::<OrderCancelled>()
        .into_iter()
        .map(|o| o.order_id)
        .collect();
    let confirmed: BTreeSet<_> = end
        .all::<OrderConfirmed>()
        .into_iter()
        .map(|o| o.order_id)
        .collect();
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
