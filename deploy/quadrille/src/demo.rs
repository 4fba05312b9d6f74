//! The demo load: orders that keep coming, so that there is something to see.
//!
//! Some cards are declined, some orders are withdrawn again and some cannot be delivered, so that every
//! way through the order flow is taken. Stock is delivered before it runs out.

use std::time::Duration;

use quadrille::id::EventId;
use quadrille::prost_types::Timestamp;
use quadrille::world;
use quadrille_inventory::Deliveries;
use quadrille_orders::{Doors, requests};
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::inventory::v1::GoodsReceived;
use quadrille_schemas::orders::v1::{OrderLine, OrderPlaced, OrderWithdrawn};
use tracing::warn;

use crate::up::system::System;

/// Most orders a second.
pub const RATE_MAX: f64 = 10_000.0;
/// An order for `curl`.
pub const EXAMPLE: &str = r#"{"order_id":"4711","customer_id":"ada","email":"ada@example.org","lines":[{"sku":"tea","quantity":2,"unit_price":{"currency_code":"EUR","units":4,"nanos":500000000}}],"card_number":"4242424242424242"}"#;
/// The goods of that order, for `emit`.
pub const EXAMPLE_GOODS: &str = r#"{"deliveryId":"d-1","sku":"tea","quantity":10}"#;

/// Orders of which the card is declined, of 100.
const DECLINED: u64 = 5;
/// Orders that are withdrawn, of 100.
const WITHDRAWN: u64 = 2;
/// Orders that cannot be delivered, of 100.
const UNDELIVERABLE: u64 = 2;
/// Ends the id of such an order, as the carrier's README says.
const NOWHERE: &str = "-nowhere";
/// A card that is charged.
const GOOD_CARD: &str = "4242424242424242";
/// A card that is declined.
const DECLINED_CARD: &str = "4000000000000002";
/// Articles: SKU, and price in whole euros and cents.
const ARTICLES: [(&str, i64, i32); 5] = [
    ("tea", 4, 50),
    ("coffee", 7, 90),
    ("cup", 12, 0),
    ("kettle", 39, 95),
    ("sugar", 1, 20),
];
/// Pieces of each article that are there at first.
const FIRST_DELIVERY: u32 = 100_000;
/// Orders between two deliveries of all articles.
const ORDERS_PER_DELIVERY: u64 = 1_000;
/// Pieces in such a delivery: as many as these orders could want of one article.
const DELIVERY: u32 = 3_000;
/// Withdrawals that may wait to be made at once.
const WITHDRAWALS_MAX: usize = 1_000;

/// What the load is, in words.
pub fn words(rate: f64) -> String {
    format!(
        "{rate} orders/s; {DECLINED} % of the cards are declined, {WITHDRAWN} % of the orders are \
         withdrawn, {UNDELIVERABLE} % cannot be delivered"
    )
}

/// Keeps orders coming.
pub struct Demo {
    doors: Doors,
    deliveries: Deliveries,
    world: world::Shared,
    rate: f64,
    /// Tells the orders of this run from those of another one on the same cluster.
    run: String,
}

impl Demo {
    /// Of so many orders a second.
    pub fn new(system: &System, world: &world::Shared, rate: f64) -> Self {
        Self {
            doors: system.doors().clone(),
            deliveries: system.deliveries().clone(),
            world: world.clone(),
            rate,
            run: format!("{:05x}", world.random() & 0xf_ffff),
        }
    }

    /// Goes on until dropped.
    pub async fn run(&self) {
        self.deliver(FIRST_DELIVERY).await;
        let began = self.world.elapsed();
        let pause = Duration::from_secs_f64(1.0 / self.rate);
        let slots = std::sync::Arc::new(tokio::sync::Semaphore::new(WITHDRAWALS_MAX));
        let mut number = 0_u64;
        loop {
            number += 1;
            self.one(number, &slots).await;
            if number.is_multiple_of(ORDERS_PER_DELIVERY) {
                self.deliver(DELIVERY).await;
            }
            // By the clock of the whole run, so that slow moments are made up for.
            let due = began + pause.mul_f64(number as f64);
            let now = self.world.elapsed();
            if now.saturating_sub(due) > Duration::from_secs(5) {
                // Far behind: the rate is more than can be done. Then let others have a turn.
                self.world.sleep(Duration::ZERO).await;
            } else {
                self.world.sleep(due.saturating_sub(now)).await;
            }
        }
    }

    async fn one(&self, number: u64, slots: &std::sync::Arc<tokio::sync::Semaphore>) {
        let chance = self.world.random() % 100;
        let card = match chance < DECLINED {
            true => DECLINED_CARD,
            false => GOOD_CARD,
        };
        let undeliverable = DECLINED + WITHDRAWN..DECLINED + WITHDRAWN + UNDELIVERABLE;
        let ending = match undeliverable.contains(&chance) {
            true => NOWHERE,
            false => "",
        };
        let order = self.order(&format!("{number}{ending}"), card);
        let order_id = order.order_id.clone();
        if let Err(error) = requests::place(&self.doors, order).await {
            warn!(order_id, %error, "the demo load could not place an order");
            self.world.sleep(Duration::from_secs(1)).await;
            return;
        }
        if !(DECLINED..DECLINED + WITHDRAWN).contains(&chance) {
            return;
        }
        // After a moment, so that some find the order in the middle of things.
        let Ok(slot) = std::sync::Arc::clone(slots).try_acquire_owned() else {
            return;
        };
        let moment = Duration::from_millis(self.world.random() % 30);
        let (doors, world) = (self.doors.clone(), self.world.clone());
        world::spawn(&self.world, "withdrawal", async move {
            world.sleep(moment).await;
            let withdrawn = OrderWithdrawn {
                order_id,
                reason: "changed my mind".to_owned(),
                withdrawn_at: None,
            };
            // It may be too late, and the system may be stopping.
            let _ = requests::withdraw(&doors, withdrawn).await;
            drop(slot);
        });
    }

    fn order(&self, number: &str, card: &str) -> OrderPlaced {
        let (sku, units, cents) = ARTICLES[pick(&self.world, ARTICLES.len())];
        let quantity = 1 + u32::try_from(self.world.random() % 3).unwrap_or(0);
        let price = |pieces: u32| {
            let all = i64::from(pieces) * (units * 100 + i64::from(cents));
            Money {
                currency_code: "EUR".to_owned(),
                units: all / 100,
                nanos: i32::try_from(all % 100).unwrap_or(0) * 10_000_000,
            }
        };
        let now = self.world.now();
        OrderPlaced {
            order_id: format!("demo-{}-{number}", self.run),
            customer_id: format!("customer-{}", self.world.random() % 100),
            email: "ada@example.org".to_owned(),
            lines: vec![OrderLine {
                sku: sku.to_owned(),
                quantity,
                unit_price: Some(price(1)),
            }],
            total: Some(price(quantity)),
            card_number: card.to_owned(),
            placed_at: Some(Timestamp {
                seconds: now.as_second(),
                nanos: now.subsec_nanosecond(),
            }),
        }
    }

    async fn deliver(&self, quantity: u32) {
        for (sku, ..) in ARTICLES {
            let goods = GoodsReceived {
                delivery_id: EventId::root(&*self.world).to_string(),
                sku: sku.to_owned(),
                quantity,
            };
            let door = self.deliveries.new_flow();
            let delivered = door
                .decide(|_| {
                    let goods = goods.clone();
                    async { Ok((goods, ())) }
                })
                .await;
            if let Err(error) = delivered {
                warn!(sku, %error, "the demo load could not deliver goods");
            }
        }
    }
}

fn pick(world: &world::Shared, of: usize) -> usize {
    usize::try_from(world.random() % of as u64).unwrap_or(0)
}
