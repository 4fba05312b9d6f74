use quadrille::Event;
use quadrille::id::FlowId;
use quadrille::kit::{Bench, Told};
use quadrille_schemas::common::v1::Money as Amount;
use quadrille_schemas::inventory::v1::ReleaseReason;
use quadrille_schemas::orders::v1::{OrderPlaced, OrderWithdrawn};
use quadrille_schemas::payments::v1::RefundReason;
use quadrille_schemas::shipping::v1::FailureReason;

use super::*;
use crate::Doors;
use crate::requests::{self, Placed, Withdrawn};

const ID: &str = "4711";
const EMAIL: &str = "ada@example.org";

/// One order, and everything that may be heard of it.
struct Story {
    bench: Bench<Orders>,
    doors: Doors,
}

/// A bench on which all events are of one flow.
struct InFlow<'a>(&'a Bench<Orders>, &'a FlowId);

impl InFlow<'_> {
    async fn react<E: Event>(&self, event: E) -> Reacted<Told> {
        self.0.attempt(&self.0.sent(event).in_flow(self.1)).await
    }
}

#[derive(Debug, Clone, Copy)]
enum Heard {
    Rejected,
    Released,
    Declined,
    Spared,
    Refunded,
    Dispatched,
    Undispatched,
    Recalled,
}
use Heard::*;

impl Story {
    /// The order has been placed.
    async fn begin() -> Self {
        let story = Self::before();
        let placed = story.place("ada").await;
        assert_eq!(placed, Placed::Taken);
        story
    }

    /// The order has not been placed.
    fn before() -> Self {
        let doors = Doors::default();
        let bench = Bench::of(crate::service(&doors));
        Self { bench, doors }
    }

    async fn place(&self, customer: &str) -> Placed {
        let order = OrderPlaced {
            order_id: ID.to_owned(),
            customer_id: customer.to_owned(),
            email: EMAIL.to_owned(),
            ..OrderPlaced::default()
        };
        requests::place(&self.doors, order).await.unwrap()
    }

    async fn withdraw(&self) -> Withdrawn {
        let order = OrderWithdrawn {
            order_id: ID.to_owned(),
            reason: "changed my mind".to_owned(),
            ..OrderWithdrawn::default()
        };
        requests::withdraw(&self.doors, order).await.unwrap()
    }

    async fn hear(&self, what: Heard) -> Told {
        self.hear_in(&FlowId::of_key("order", ID), what).await
    }

    async fn hear_in(&self, flow: &FlowId, what: Heard) -> Told {
        let order_id = ID.to_owned();
        let declined = |reason: DeclineReason| PaymentDeclined {
            order_id: ID.to_owned(),
            reason: reason.into(),
            amount: Some(amount()),
        };
        let bench = InFlow(&self.bench, flow);
        let told = match what {
            Rejected => {
                let missing = Vec::new();
                bench.react(StockRejected { order_id, missing }).await
            }
            Released => {
                let event = StockReleased {
                    order_id,
                    lines: Vec::new(),
                    reason: ReleaseReason::PaymentDeclined.into(),
                };
                bench.react(event).await
            }
            Declined => bench.react(declined(DeclineReason::ExpiredCard)).await,
            Spared => bench.react(declined(DeclineReason::Withdrawn)).await,
            Refunded => {
                let event = PaymentRefunded {
                    order_id,
                    payment_id: "pay-1".to_owned(),
                    amount: Some(amount()),
                    reason: RefundReason::Withdrawn.into(),
                };
                bench.react(event).await
            }
            Dispatched => {
                let shipment_id = "shp-1".to_owned();
                let event = ShipmentDispatched {
                    order_id,
                    shipment_id,
                    payment_id: "pay-1".to_owned(),
                    total: Some(amount()),
                };
                bench.react(event).await
            }
            Undispatched => {
                let reason = FailureReason::AddressUnknown.into();
                bench.react(ShipmentFailed { order_id, reason }).await
            }
            Recalled => {
                let shipment_id = "shp-1".to_owned();
                let event = ShipmentRecalled {
                    order_id,
                    shipment_id,
                };
                bench.react(event).await
            }
        };
        told.unwrap()
    }

    async fn outcome(&self) -> Option<Outcome> {
        let order = requests::read(&self.doors, ID).await.unwrap();
        order.expect("the order was placed").outcome
    }
}

fn amount() -> Amount {
    Amount {
        currency_code: "EUR".to_owned(),
        units: 12,
        nanos: 500_000_000,
    }
}

fn reason(outcome: Outcome) -> CancelReason {
    match outcome {
        Outcome::Confirmed => CancelReason::Unspecified,
        Outcome::OutOfStock => CancelReason::OutOfStock,
        Outcome::PaymentDeclined => CancelReason::PaymentDeclined,
        Outcome::ShipmentFailed => CancelReason::ShipmentFailed,
        Outcome::Withdrawn => CancelReason::Withdrawn,
    }
}

#[tokio::test]
async fn an_order_that_is_dispatched_is_confirmed_with_what_was_paid() {
    let story = Story::begin().await;

    let confirmed: OrderConfirmed = story.hear(Dispatched).await.only();

    assert_eq!(confirmed.order_id, ID);
    assert_eq!(confirmed.payment_id, "pay-1");
    assert_eq!(confirmed.total, Some(amount()));
    assert_eq!(confirmed.email, EMAIL);
    assert_eq!(story.outcome().await, Some(Outcome::Confirmed));
}

#[tokio::test]
async fn an_order_is_cancelled_with_the_last_fact_that_it_takes_and_only_once() {
    // Shows every join, in every order in which its facts may be heard; then each fact once more.
    let (out, declined, failed, withdrawn) = (
        Outcome::OutOfStock,
        Outcome::PaymentDeclined,
        Outcome::ShipmentFailed,
        Outcome::Withdrawn,
    );
    let cases: [(bool, &[Heard], Outcome); 17] = [
        (false, &[Rejected], out),
        (true, &[Rejected], out),
        (false, &[Declined, Released], declined),
        (false, &[Released, Declined], declined),
        (true, &[Declined, Released], withdrawn),
        (true, &[Released, Declined], withdrawn),
        (true, &[Spared, Released], withdrawn),
        (true, &[Released, Spared], withdrawn),
        // The goods were not dispatched, because the carrier refused or because of the withdrawal.
        (false, &[Undispatched, Refunded, Released], failed),
        (false, &[Refunded, Released, Undispatched], failed),
        (false, &[Undispatched, Released, Refunded], failed),
        (true, &[Undispatched, Refunded, Released], withdrawn),
        (true, &[Released, Refunded, Undispatched], withdrawn),
        // The goods were on their way, and were called back.
        (true, &[Dispatched, Recalled, Refunded, Released], withdrawn),
        (true, &[Released, Refunded, Dispatched, Recalled], withdrawn),
        (true, &[Released, Dispatched, Recalled, Refunded], withdrawn),
        (true, &[Dispatched, Released, Refunded, Recalled], withdrawn),
    ];
    for (is_withdrawn, facts, outcome) in cases {
        let story = Story::begin().await;
        if is_withdrawn {
            assert_eq!(story.withdraw().await, Withdrawn::Accepted);
        }
        let (last, before) = facts.split_last().unwrap();
        for fact in before {
            let told = story.hear(*fact).await;
            assert!(told.is_empty(), "{facts:?} at {fact:?}: {told:?}");
        }
        let cancelled: OrderCancelled = story.hear(*last).await.only();

        assert_eq!(cancelled.reason(), reason(outcome), "{facts:?}");
        assert!(!cancelled.detail.is_empty());
        assert_eq!(cancelled.email, EMAIL);
        assert_eq!(story.outcome().await, Some(outcome), "{facts:?}");
        for fact in facts {
            let told = story.hear(*fact).await;
            assert!(told.is_empty(), "{facts:?}, again {fact:?}: {told:?}");
        }
        assert_eq!(story.outcome().await, Some(outcome), "{facts:?}, again");
    }
}

#[tokio::test]
async fn an_order_that_was_withdrawn_is_never_confirmed() {
    // Shows it for goods that are dispatched after the withdrawal was accepted.
    let story = Story::begin().await;
    assert_eq!(story.withdraw().await, Withdrawn::Accepted);

    let told = story.hear(Dispatched).await;

    assert!(told.is_empty(), "{told:?}");
    assert_eq!(story.outcome().await, None);
}

#[tokio::test]
async fn a_confirmed_order_stays_confirmed() {
    // Shows that a withdrawal comes too late, and that nothing is born of it.
    let story = Story::begin().await;
    story.hear(Dispatched).await;
    story.bench.born().await;

    let withdrawn = story.withdraw().await;

    assert_eq!(withdrawn, Withdrawn::TooLate(Outcome::Confirmed));
    assert!(story.bench.born().await.is_empty());
    assert!(story.hear(Dispatched).await.is_empty());
    assert_eq!(story.outcome().await, Some(Outcome::Confirmed));
}

#[tokio::test]
async fn an_order_is_placed_once_and_only_by_one_request() {
    let story = Story::begin().await;
    let placed: OrderPlaced = story.bench.born().await.only();
    assert_eq!(placed.order_id, ID);
    assert_eq!(
        placed.placed_at.map(|at| at.seconds),
        Some(story.bench.now().as_second())
    );

    assert_eq!(story.place("ada").await, Placed::Again);
    assert_eq!(story.place("bob").await, Placed::Conflict);
    assert!(story.bench.born().await.is_empty());
}

#[tokio::test]
async fn a_withdrawal_is_announced_once() {
    let story = Story::begin().await;
    story.bench.born().await;

    assert_eq!(story.withdraw().await, Withdrawn::Accepted);
    let withdrawn: OrderWithdrawn = story.bench.born().await.only();
    assert_eq!(withdrawn.reason, "changed my mind");
    assert_eq!(story.withdraw().await, Withdrawn::Again);
    assert!(story.bench.born().await.is_empty());
}

#[tokio::test]
async fn what_nobody_placed_cannot_be_withdrawn() {
    let story = Story::before();
    assert_eq!(story.withdraw().await, Withdrawn::Unknown);
    assert!(story.bench.born().await.is_empty());
}

#[tokio::test]
async fn a_fact_about_an_order_that_nobody_placed_makes_no_order() {
    // Shows that nothing is confirmed, and that the id is free for whoever places an order under it:
    // that one is not paid for by what was heard before.
    let story = Story::before();

    let told = story.hear(Dispatched).await;

    assert!(told.is_empty(), "{told:?}");
    assert_eq!(requests::read(&story.doors, ID).await.unwrap(), None);
    assert_eq!(story.withdraw().await, Withdrawn::Unknown);
    assert_eq!(story.place("ada").await, Placed::Taken);
    assert_eq!(story.outcome().await, None);
    let confirmed: OrderConfirmed = story.hear(Dispatched).await.only();
    assert_eq!(confirmed.order_id, ID);
}

#[tokio::test]
async fn an_order_of_somebody_else_is_followed_in_its_own_flow() {
    // Shows an order that did not come through the door: it ends, and tells which flow it is in.
    let story = Story::before();
    let placed = story.bench.sent(placed_by_somebody_else());
    assert!(story.bench.attempt(&placed).await.unwrap().is_empty());

    let confirmed: OrderConfirmed = story.hear(Dispatched).await.only();

    assert_eq!(
        (confirmed.order_id.as_str(), confirmed.email.as_str()),
        (ID, EMAIL)
    );
    let order = requests::read(&story.doors, ID).await.unwrap().unwrap();
    assert_eq!(order.flow, placed.flow().as_str());
    assert_eq!(story.place("ada").await, Placed::Conflict);
}

#[tokio::test]
async fn facts_that_overtake_the_placing_of_an_order_count_in_its_flow_only() {
    // Shows the join for an order of somebody else, whose events stand on several topics.
    for (own_flow, facts, outcome) in [
        (true, &[Dispatched][..], Some(Outcome::Confirmed)),
        (true, &[Rejected], Some(Outcome::OutOfStock)),
        (true, &[Declined, Released], Some(Outcome::PaymentDeclined)),
        (false, &[Dispatched], None),
    ] {
        let story = Story::before();
        let placed = story.bench.sent(placed_by_somebody_else());
        for fact in facts {
            let told = match own_flow {
                true => story.hear_in(placed.flow(), *fact).await,
                false => story.hear(*fact).await,
            };
            assert!(told.is_empty(), "{facts:?}: {told:?}");
        }

        let told = story.bench.attempt(&placed).await.unwrap();

        let ends = told.all::<OrderConfirmed>().len() + told.all::<OrderCancelled>().len();
        assert_eq!(ends, usize::from(outcome.is_some()), "{facts:?}");
        assert_eq!(story.outcome().await, outcome, "{facts:?}");
    }
}

fn placed_by_somebody_else() -> OrderPlaced {
    OrderPlaced {
        order_id: ID.to_owned(),
        customer_id: "ada".to_owned(),
        email: EMAIL.to_owned(),
        ..OrderPlaced::default()
    }
}
