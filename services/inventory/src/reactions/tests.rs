use quadrille::kit::Bench;
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::payments::v1::DeclineReason;

use super::*;
use crate::Deliveries;

/// Inventory with so many units of each article on the shelf.
async fn with_stock(units: &[(&str, u32)]) -> Bench<Stock> {
    let bench = Bench::of(crate::service(&Deliveries::new()));
    for (sku, quantity) in units {
        bench
            .react(delivered("first", sku, *quantity))
            .await
            .unwrap();
    }
    bench
}

fn delivered(delivery_id: &str, sku: &str, quantity: u32) -> GoodsReceived {
    GoodsReceived {
        delivery_id: delivery_id.to_owned(),
        sku: sku.to_owned(),
        quantity,
    }
}

fn placed(order_id: &str, lines: &[(&str, u32)]) -> OrderPlaced {
    let lines = lines.iter().map(|(sku, quantity)| OrderLine {
        sku: (*sku).to_owned(),
        quantity: *quantity,
        unit_price: None,
    });
    OrderPlaced {
        order_id: order_id.to_owned(),
        lines: lines.collect(),
        total: Some(total()),
        card_number: "4242424242424242".to_owned(),
        ..OrderPlaced::default()
    }
}

fn total() -> Money {
    Money {
        currency_code: "EUR".to_owned(),
        units: 12,
        nanos: 500_000_000,
    }
}

fn declined(order_id: &str) -> PaymentDeclined {
    PaymentDeclined {
        order_id: order_id.to_owned(),
        reason: DeclineReason::CardDeclined.into(),
        amount: Some(total()),
    }
}

fn failed(order_id: &str) -> ShipmentFailed {
    ShipmentFailed {
        order_id: order_id.to_owned(),
        ..ShipmentFailed::default()
    }
}

fn withdrawn(order_id: &str) -> OrderWithdrawn {
    OrderWithdrawn {
        order_id: order_id.to_owned(),
        ..OrderWithdrawn::default()
    }
}

/// Units on hand and reserved.
async fn shelf(bench: &Bench<Stock>, sku: &str) -> (u64, u64) {
    let item: Item = bench.get(sku).await.unwrap_or_default();
    (item.on_hand, item.reserved)
}

fn line(sku: &str, quantity: u32) -> Line {
    Line {
        sku: sku.to_owned(),
        quantity,
    }
}

#[tokio::test]
async fn a_placed_order_gets_its_goods() {
    // Shows that all lines are held, those of one article together, and what payments needs goes on.
    let bench = with_stock(&[("apple", 5), ("pear", 9)]).await;

    let lines = [("pear", 1), ("apple", 2), ("apple", 3)];
    let told = bench.react(placed("4711", &lines)).await.unwrap();

    let reserved: StockReserved = told.only();
    assert_eq!(reserved.order_id, "4711");
    assert_eq!(reserved.lines, [line("apple", 5), line("pear", 1)]);
    assert_eq!(reserved.total, Some(total()));
    assert_eq!(reserved.card_number, "4242424242424242");
    assert_eq!(shelf(&bench, "apple").await, (5, 5));
    assert_eq!(shelf(&bench, "pear").await, (9, 1));
}

#[tokio::test]
async fn an_order_gets_all_of_its_goods_or_none() {
    // Shows that what is missing is named, over all lines of an article, and nothing is held.
    let bench = with_stock(&[("apple", 4), ("pear", 9)]).await;

    let lines = [("apple", 2), ("pear", 1), ("apple", 3), ("plum", 1)];
    let told = bench.react(placed("4711", &lines)).await.unwrap();

    let missing = |sku: &str, wanted, available| MissingLine {
        sku: sku.to_owned(),
        wanted,
        available,
    };
    let rejected: StockRejected = told.only();
    assert_eq!(
        rejected.missing,
        [missing("apple", 5, 4), missing("plum", 1, 0)]
    );
    assert_eq!(shelf(&bench, "apple").await, (4, 0));
    assert_eq!(shelf(&bench, "pear").await, (9, 0));
}

#[tokio::test]
async fn goods_that_one_order_holds_are_not_there_for_the_next() {
    let bench = with_stock(&[("apple", 5)]).await;
    bench.react(placed("1", &[("apple", 4)])).await.unwrap();

    let told = bench.react(placed("2", &[("apple", 2)])).await.unwrap();

    let rejected: StockRejected = told.only();
    assert_eq!(rejected.missing[0].available, 1);
}

#[tokio::test]
async fn an_order_that_is_announced_again_is_answered_once() {
    // Shows that neither a held nor a rejected order is decided a second time, also when there are
    // goods by then: a rejected one is cancelled, and nobody would give its money back.
    let bench = with_stock(&[("apple", 5)]).await;
    bench.react(placed("held", &[("apple", 2)])).await.unwrap();
    bench
        .react(placed("rejected", &[("apple", 9)]))
        .await
        .unwrap();
    bench.react(delivered("second", "apple", 95)).await.unwrap();

    for order in ["held", "rejected"] {
        let told = bench.react(placed(order, &[("apple", 2)])).await.unwrap();
        assert!(told.is_empty(), "{order}: {told:?}");
    }
    assert_eq!(shelf(&bench, "apple").await, (100, 2));
}

#[tokio::test]
async fn a_declined_payment_lets_the_goods_go_once() {
    let bench = with_stock(&[("apple", 5)]).await;
    bench.react(placed("4711", &[("apple", 2)])).await.unwrap();

    let told = bench.react(declined("4711")).await.unwrap();
    let again = bench.react(declined("4711")).await.unwrap();
    let withdrawn = bench.react(withdrawn("4711")).await.unwrap();

    let released: StockReleased = told.only();
    assert_eq!(released.lines, [line("apple", 2)]);
    assert_eq!(released.reason(), ReleaseReason::PaymentDeclined);
    assert!(again.is_empty() && withdrawn.is_empty());
    assert_eq!(shelf(&bench, "apple").await, (5, 0));
}

#[tokio::test]
async fn a_withdrawal_lets_the_goods_go_and_the_decline_that_follows_does_nothing() {
    let bench = with_stock(&[("apple", 5)]).await;
    bench.react(placed("4711", &[("apple", 2)])).await.unwrap();

    let told = bench.react(withdrawn("4711")).await.unwrap();
    let after = bench.react(declined("4711")).await.unwrap();

    let released: StockReleased = told.only();
    assert_eq!(released.reason(), ReleaseReason::Withdrawn);
    assert!(after.is_empty());
    assert_eq!(shelf(&bench, "apple").await, (5, 0));
}

#[tokio::test]
async fn a_failed_shipment_lets_the_goods_go_once() {
    // Shows it, and that a withdrawal before or after it does nothing more.
    let bench = with_stock(&[("apple", 5)]).await;
    bench.react(placed("4711", &[("apple", 2)])).await.unwrap();
    bench.react(placed("4712", &[("apple", 2)])).await.unwrap();
    bench.react(withdrawn("4712")).await.unwrap();

    let told = bench.react(failed("4711")).await.unwrap();
    let again = bench.react(failed("4711")).await.unwrap();
    let withdrawn = bench.react(withdrawn("4711")).await.unwrap();
    let behind = bench.react(failed("4712")).await.unwrap();

    let released: StockReleased = told.only();
    assert_eq!(released.lines, [line("apple", 2)]);
    assert_eq!(released.reason(), ReleaseReason::ShipmentFailed);
    assert!(again.is_empty() && withdrawn.is_empty() && behind.is_empty());
    assert_eq!(shelf(&bench, "apple").await, (5, 0));
}

#[tokio::test]
async fn an_order_that_holds_nothing_has_nothing_to_let_go() {
    // Shows it for an order that nobody knows and for one that was rejected.
    let bench = with_stock(&[("apple", 1)]).await;
    bench
        .react(placed("rejected", &[("apple", 2)]))
        .await
        .unwrap();

    for order in ["unknown", "rejected"] {
        assert!(bench.react(withdrawn(order)).await.unwrap().is_empty());
        assert!(bench.react(declined(order)).await.unwrap().is_empty());
        assert!(bench.react(failed(order)).await.unwrap().is_empty());
    }
    assert_eq!(shelf(&bench, "apple").await, (1, 0));
}

#[tokio::test]
async fn a_delivery_counts_once() {
    // Shows that a delivery brings each article once, however often it is announced.
    let bench = with_stock(&[]).await;
    for (delivery, sku, quantity) in [
        ("a", "apple", 5),
        ("a", "apple", 5),
        ("a", "pear", 2),
        ("b", "apple", 1),
        ("a", "apple", 7),
    ] {
        bench
            .react(delivered(delivery, sku, quantity))
            .await
            .unwrap();
    }
    assert_eq!(shelf(&bench, "apple").await, (6, 0));
    assert_eq!(shelf(&bench, "pear").await, (2, 0));
}

#[tokio::test]
async fn what_no_number_can_hold_is_parked() {
    // Shows that counting never wraps round, and that a delivery has a name.
    let bench = with_stock(&[("apple", 5)]).await;
    let lines = [("apple", u32::MAX), ("apple", 1)];
    let failure = bench.react(placed("4711", &lines)).await.unwrap_err();
    assert_eq!(failure.code(), "too_many_units");

    let failure = bench.react(delivered("", "apple", 1)).await.unwrap_err();
    assert_eq!(failure.code(), "no_delivery_id");
    assert_eq!(shelf(&bench, "apple").await, (5, 0));
}
