use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use quadrille::kit::Bench;
use quadrille::{Failure, Remedy};
use quadrille_schemas::common::v1::Money;

use super::*;
use crate::carrier::Carrier;

/// A carrier that answers as it was told to, and notes what it was asked.
#[derive(Default)]
struct Fake {
    answers: Mutex<Vec<Result<Shipped, Failure>>>,
    asked: Mutex<Vec<Asked>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Asked {
    Ship {
        key: EffectKey,
        order_id: String,
    },
    Recall {
        key: EffectKey,
        shipment_key: EffectKey,
    },
}

impl Fake {
    /// Answers to shipments, first things first. When they are used up, one is dispatched.
    fn answering(answers: impl IntoIterator<Item = Result<Shipped, Failure>>) -> Arc<Self> {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        Arc::new(Self {
            answers: Mutex::new(answers),
            asked: Mutex::default(),
        })
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Carrier for Fake {
    async fn ship(&self, key: &EffectKey, order_id: &str) -> Result<Shipped, Failure> {
        self.asked.lock().unwrap().push(Asked::Ship {
            key: key.clone(),
            order_id: order_id.to_owned(),
        });
        self.answers.lock().unwrap().pop().unwrap_or_else(|| {
            Ok(Shipped::Dispatched {
                shipment_id: "shp-1".to_owned(),
            })
        })
    }

    async fn recall(&self, key: &EffectKey, shipment_key: &EffectKey) -> Result<(), Failure> {
        self.asked.lock().unwrap().push(Asked::Recall {
            key: key.clone(),
            shipment_key: shipment_key.clone(),
        });
        Ok(())
    }
}

fn bench(carrier: &Arc<Fake>) -> Bench<Shipments> {
    Bench::of(crate::service(Arc::clone(carrier) as Port))
}

fn captured() -> PaymentCaptured {
    PaymentCaptured {
        order_id: "4711".to_owned(),
        payment_id: "pay-1".to_owned(),
        amount: Some(amount()),
    }
}

fn amount() -> Money {
    Money {
        currency_code: "EUR".to_owned(),
        units: 12,
        nanos: 500_000_000,
    }
}

fn withdrawn() -> OrderWithdrawn {
    OrderWithdrawn {
        order_id: "4711".to_owned(),
        ..OrderWithdrawn::default()
    }
}

#[tokio::test]
async fn the_goods_of_a_paid_order_are_dispatched_once() {
    // Shows what the carrier is asked, what is told, and that a repetition does neither.
    let carrier = Fake::answering([]);
    let bench = bench(&carrier);

    let told = bench.react(captured()).await.unwrap();
    let again = bench.react(captured()).await.unwrap();

    let dispatched: ShipmentDispatched = told.only();
    assert_eq!(
        (
            dispatched.order_id.as_str(),
            dispatched.shipment_id.as_str()
        ),
        ("4711", "shp-1")
    );
    assert_eq!(dispatched.payment_id, "pay-1");
    assert_eq!(dispatched.total, Some(amount()));
    assert!(again.is_empty());
    let asked = carrier.asked();
    assert!(
        matches!(asked.as_slice(), [Asked::Ship { order_id, .. }] if order_id == "4711"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_refused_parcel_is_a_failed_shipment_with_its_reason() {
    for reason in [FailureReason::Refused, FailureReason::AddressUnknown] {
        let carrier = Fake::answering([Ok(Shipped::Refused(reason))]);
        let bench = bench(&carrier);

        let told = bench.react(captured()).await.unwrap();
        let again = bench.react(captured()).await.unwrap();
        let withdrawn = bench.react(withdrawn()).await.unwrap();

        let failed: ShipmentFailed = told.only();
        assert_eq!(failed.reason(), reason);
        assert!(again.is_empty() && withdrawn.is_empty());
        assert_eq!(carrier.asked().len(), 1);
    }
}

#[tokio::test]
async fn an_order_that_was_withdrawn_first_is_never_dispatched() {
    // Shows that the withdrawal is remembered and answers the payment.
    let carrier = Fake::answering([]);
    let bench = bench(&carrier);

    let first = bench.react(withdrawn()).await.unwrap();
    let told = bench.react(captured()).await.unwrap();
    let again = bench.react(withdrawn()).await.unwrap();

    assert!(first.is_empty() && again.is_empty());
    let failed: ShipmentFailed = told.only();
    assert_eq!(failed.reason(), FailureReason::Withdrawn);
    let asked = carrier.asked();
    assert!(
        matches!(asked.as_slice(), [Asked::Recall { .. }]),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_parcel_that_a_crash_has_forgotten_is_called_back_when_a_withdrawal_came_between() {
    // Shows that the recall names the key under which the forgotten attempt had it dispatched.
    let carrier = Fake::answering([]);
    let bench = bench(&carrier);
    let captured = bench.sent(captured());

    bench.crash(&captured).await.unwrap();
    bench.react(withdrawn()).await.unwrap();
    let told = bench.attempt(&captured).await.unwrap();

    let failed: ShipmentFailed = told.only();
    assert_eq!(failed.reason(), FailureReason::Withdrawn);
    let asked = carrier.asked();
    let [
        Asked::Ship { key: shipped, .. },
        Asked::Recall { key, shipment_key },
    ] = asked.as_slice()
    else {
        panic!("{asked:?}");
    };
    assert_eq!(shipment_key, shipped);
    assert_ne!(key, shipped);
}

#[tokio::test]
async fn the_parcel_of_a_withdrawn_order_is_called_back_once() {
    // Shows it with a crash between the recall and what is kept of it.
    let carrier = Fake::answering([]);
    let bench = bench(&carrier);
    bench.react(captured()).await.unwrap();
    let first = bench.sent(withdrawn());

    bench.crash(&first).await.unwrap();
    let told = bench.attempt(&first).await.unwrap();
    let again = bench.react(withdrawn()).await.unwrap();

    let recalled: ShipmentRecalled = told.only();
    assert_eq!(recalled.shipment_id, "shp-1");
    assert!(again.is_empty());
    let asked = carrier.asked();
    let [
        Asked::Ship { key: shipped, .. },
        Asked::Recall {
            key: one,
            shipment_key,
        },
        Asked::Recall { key: other, .. },
    ] = asked.as_slice()
    else {
        panic!("{asked:?}");
    };
    assert_eq!(shipment_key, shipped);
    assert_eq!(one, other);
}

#[tokio::test]
async fn a_carrier_that_is_down_is_an_outage_and_changes_nothing() {
    // Shows that it uses up no attempts, that each asks with the same key, and that a withdrawal
    // meanwhile is not held up by it.
    let outage = || Err(Failure::outage("carrier_unreachable", "connection refused"));
    let carrier = Fake::answering([outage(), outage()]);
    let bench = bench(&carrier);
    let captured = bench.sent(captured());

    for _attempt in 0..2 {
        let failure = bench.attempt(&captured).await.unwrap_err();
        assert_eq!(failure.remedy(), Remedy::Wait);
    }
    assert_eq!(bench.get::<Shipment>("4711").await, None);
    let told = bench.attempt(&captured).await.unwrap();

    assert_eq!(told.only::<ShipmentDispatched>().order_id, "4711");
    let asked = carrier.asked();
    assert!(asked.iter().all(|one| *one == asked[0]), "{asked:?}");
}
