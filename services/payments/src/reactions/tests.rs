use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use quadrille::Remedy;
use quadrille::id::EffectKey;
use quadrille::kit::Bench;

use super::*;
use crate::gateway::Gateway;

/// A gateway that answers as it was told to, and notes what it was asked.
#[derive(Default)]
struct Fake {
    answers: Mutex<Vec<Result<Charged, Failure>>>,
    asked: Mutex<Vec<Asked>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Asked {
    Charge {
        key: EffectKey,
        order_id: String,
        amount: Money,
        card_number: String,
    },
    Refund {
        key: EffectKey,
        payment_id: String,
        amount: Money,
    },
    Void {
        key: EffectKey,
        charge_key: EffectKey,
    },
}

impl Fake {
    /// Answers to charges, first things first. When they are used up, a charge is captured.
    fn answering(answers: impl IntoIterator<Item = Result<Charged, Failure>>) -> Arc<Self> {
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

    fn note(&self, asked: Asked) {
        self.asked.lock().unwrap().push(asked);
    }
}

#[async_trait]
impl Gateway for Fake {
    async fn charge(&self, charge: Charge) -> Result<Charged, Failure> {
        self.note(Asked::Charge {
            key: charge.key,
            order_id: charge.order_id,
            amount: charge.amount,
            card_number: charge.card_number,
        });
        self.answers.lock().unwrap().pop().unwrap_or_else(|| {
            Ok(Charged::Captured {
                payment_id: "pay-1".to_owned(),
            })
        })
    }

    async fn refund(&self, key: &EffectKey, payment: &str, amount: &Money) -> Result<(), Failure> {
        self.note(Asked::Refund {
            key: key.clone(),
            payment_id: payment.to_owned(),
            amount: amount.clone(),
        });
        Ok(())
    }

    async fn void(&self, key: &EffectKey, charge_key: &EffectKey) -> Result<(), Failure> {
        self.note(Asked::Void {
            key: key.clone(),
            charge_key: charge_key.clone(),
        });
        Ok(())
    }
}

fn bench(gateway: &Arc<Fake>) -> Bench<Payments> {
    Bench::of(crate::service(Arc::clone(gateway) as Port))
}

fn amount() -> Money {
    Money {
        currency_code: "EUR".to_owned(),
        units: 12,
        nanos: 500_000_000,
    }
}

fn reserved() -> StockReserved {
    StockReserved {
        order_id: "4711".to_owned(),
        lines: Vec::new(),
        total: Some(amount()),
        card_number: "4242424242424242".to_owned(),
    }
}

fn withdrawn() -> OrderWithdrawn {
    OrderWithdrawn {
        order_id: "4711".to_owned(),
        ..OrderWithdrawn::default()
    }
}

fn failed() -> ShipmentFailed {
    ShipmentFailed {
        order_id: "4711".to_owned(),
        ..ShipmentFailed::default()
    }
}

fn outage() -> Failure {
    Failure::outage("gateway_unreachable", "connection refused")
}

#[tokio::test]
async fn the_card_of_an_order_whose_goods_are_held_is_charged_once() {
    // Shows what the gateway is asked, what is told, and that a repetition does neither.
    let gateway = Fake::answering([]);
    let bench = bench(&gateway);

    let told = bench.react(reserved()).await.unwrap();
    let again = bench.react(reserved()).await.unwrap();

    let captured: PaymentCaptured = told.only();
    assert_eq!(captured.payment_id, "pay-1");
    assert_eq!(captured.amount, Some(amount()));
    assert!(again.is_empty());
    let asked = gateway.asked();
    assert!(
        matches!(
            asked.as_slice(),
            [Asked::Charge { order_id, amount: charged, card_number, .. }]
                if order_id == "4711" && *charged == amount() && card_number == "4242424242424242"
        ),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_refused_card_is_a_declined_payment_with_its_reason() {
    for reason in [
        DeclineReason::CardDeclined,
        DeclineReason::InsufficientFunds,
        DeclineReason::ExpiredCard,
        DeclineReason::InvalidCard,
    ] {
        let gateway = Fake::answering([Ok(Charged::Declined(reason))]);
        let bench = bench(&gateway);

        let told = bench.react(reserved()).await.unwrap();
        let again = bench.react(reserved()).await.unwrap();
        let withdrawn = bench.react(withdrawn()).await.unwrap();

        let declined: PaymentDeclined = told.only();
        assert_eq!(declined.reason(), reason);
        assert_eq!(declined.amount, Some(amount()));
        assert!(again.is_empty() && withdrawn.is_empty());
        assert_eq!(gateway.asked().len(), 1);
    }
}

#[tokio::test]
async fn an_order_that_was_withdrawn_first_is_never_charged() {
    // Shows that the withdrawal is remembered and answers the reserved stock.
    let gateway = Fake::answering([]);
    let bench = bench(&gateway);

    let first = bench.react(withdrawn()).await.unwrap();
    let told = bench.react(reserved()).await.unwrap();
    let again = bench.react(withdrawn()).await.unwrap();

    assert!(first.is_empty() && again.is_empty());
    let declined: PaymentDeclined = told.only();
    assert_eq!(declined.reason(), DeclineReason::Withdrawn);
    let asked = gateway.asked();
    assert!(
        matches!(asked.as_slice(), [Asked::Void { .. }]),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_charge_that_a_crash_has_forgotten_is_made_void_when_a_withdrawal_came_between() {
    // Shows that the void names the key under which the forgotten attempt charged.
    let gateway = Fake::answering([]);
    let bench = bench(&gateway);
    let reserved = bench.sent(reserved());

    bench.crash(&reserved).await.unwrap();
    bench.react(withdrawn()).await.unwrap();
    let told = bench.attempt(&reserved).await.unwrap();

    let declined: PaymentDeclined = told.only();
    assert_eq!(declined.reason(), DeclineReason::Withdrawn);
    let asked = gateway.asked();
    let [
        Asked::Charge { key: charged, .. },
        Asked::Void { key, charge_key },
    ] = asked.as_slice()
    else {
        panic!("{asked:?}");
    };
    assert_eq!(charge_key, charged);
    assert_ne!(key, charged);
}

#[tokio::test]
async fn a_withdrawn_order_gets_its_money_back_once() {
    let gateway = Fake::answering([]);
    let bench = bench(&gateway);
    bench.react(reserved()).await.unwrap();

    let told = bench.react(withdrawn()).await.unwrap();
    let again = bench.react(withdrawn()).await.unwrap();

    let refunded: PaymentRefunded = told.only();
    assert_eq!(refunded.payment_id, "pay-1");
    assert_eq!(refunded.amount, Some(amount()));
    assert_eq!(refunded.reason(), RefundReason::Withdrawn);
    assert!(again.is_empty());
    let asked = gateway.asked();
    assert!(
        matches!(
            asked.as_slice(),
            [Asked::Charge { .. }, Asked::Refund { payment_id, amount: refunded, .. }]
                if payment_id == "pay-1" && *refunded == amount()
        ),
        "{asked:?}"
    );
}

#[tokio::test]
async fn an_order_that_cannot_be_dispatched_gets_its_money_back_once() {
    let gateway = Fake::answering([]);
    let bench = bench(&gateway);
    bench.react(reserved()).await.unwrap();

    let told = bench.react(failed()).await.unwrap();
    let again = bench.react(failed()).await.unwrap();
    let withdrawn = bench.react(withdrawn()).await.unwrap();

    let refunded: PaymentRefunded = told.only();
    assert_eq!(refunded.payment_id, "pay-1");
    assert_eq!(refunded.amount, Some(amount()));
    assert_eq!(refunded.reason(), RefundReason::ShipmentFailed);
    assert!(again.is_empty() && withdrawn.is_empty());
}

#[tokio::test]
async fn a_withdrawal_and_a_failed_shipment_ask_for_the_money_under_one_key() {
    // Given a withdrawal that has asked the gateway and was lost in a crash.
    let gateway = Fake::answering([]);
    let bench = bench(&gateway);
    bench.react(reserved()).await.unwrap();
    let withdrawn = bench.sent(withdrawn());
    bench.crash(&withdrawn).await.unwrap();

    // When a failed shipment asks as well, and the withdrawal comes again.
    let told = bench.react(failed()).await.unwrap();
    let after = bench.attempt(&withdrawn).await.unwrap();

    // Then the gateway knows it for the same, and one refund is told.
    assert_eq!(told.all::<PaymentRefunded>().len(), 1);
    assert!(after.is_empty());
    let asked = gateway.asked();
    let [
        Asked::Charge { key: charged, .. },
        Asked::Refund { key: one, .. },
        Asked::Refund { key: other, .. },
    ] = asked.as_slice()
    else {
        panic!("{asked:?}");
    };
    assert_eq!(one, other);
    assert_ne!(one, charged);
}

#[tokio::test]
async fn a_failed_shipment_of_what_was_never_charged_gives_nothing_back() {
    // Shows it for an order that nobody knows, and for one that was declined.
    let gateway = Fake::answering([Ok(Charged::Declined(DeclineReason::CardDeclined))]);
    let bench = bench(&gateway);
    assert!(bench.react(failed()).await.unwrap().is_empty());
    bench.react(reserved()).await.unwrap();
    assert!(bench.react(failed()).await.unwrap().is_empty());
    assert_eq!(gateway.asked().len(), 1);
}

#[tokio::test]
async fn every_attempt_at_an_event_asks_with_the_same_key_and_another_event_with_another() {
    // Shows it over an outage and a crash, for a charge and for a refund.
    let gateway = Fake::answering([Err(outage())]);
    let bench = bench(&gateway);
    let (reserved, withdrawn) = (bench.sent(reserved()), bench.sent(withdrawn()));

    bench.attempt(&reserved).await.unwrap_err();
    bench.crash(&reserved).await.unwrap();
    bench.attempt(&reserved).await.unwrap();
    bench.crash(&withdrawn).await.unwrap();
    bench.attempt(&withdrawn).await.unwrap();

    let keys: Vec<_> = gateway
        .asked()
        .into_iter()
        .map(|asked| match asked {
            Asked::Charge { key, .. } | Asked::Refund { key, .. } | Asked::Void { key, .. } => key,
        })
        .collect();
    let [one, two, three, four, five] = keys.as_slice() else {
        panic!("{keys:?}");
    };
    assert!(one == two && two == three, "{keys:?}");
    assert!(four == five, "{keys:?}");
    assert_ne!(one, four);
}

#[tokio::test]
async fn a_gateway_that_is_down_is_an_outage_and_changes_nothing() {
    // Shows that it uses up no attempts, and that the order is charged when the gateway is back.
    let gateway = Fake::answering([Err(outage())]);
    let bench = bench(&gateway);
    let reserved = bench.sent(reserved());

    let failure = bench.attempt(&reserved).await.unwrap_err();

    assert_eq!(failure.remedy(), Remedy::Wait);
    assert_eq!(failure.code(), "gateway_unreachable");
    assert_eq!(bench.get::<Payment>("4711").await, None);
    let told = bench.attempt(&reserved).await.unwrap();
    assert_eq!(told.only::<PaymentCaptured>().order_id, "4711");
}

#[tokio::test]
async fn stock_without_a_total_is_parked() {
    // Shows that nothing is charged where nobody said how much.
    let gateway = Fake::answering([]);
    let stock = StockReserved {
        total: None,
        ..reserved()
    };
    let failure = bench(&gateway).react(stock).await.unwrap_err();
    assert_eq!(failure.remedy(), Remedy::Park);
    assert_eq!(failure.code(), "no_amount");
    assert!(gateway.asked().is_empty());
}
