use quadrille::config::Sources;

use super::*;

fn wrong(option: &str, value: &str) -> String {
    let sources = Sources::none()
        .set("kafka.brokers", "127.0.0.1:9092")
        .set("state.ephemeral", "true")
        .set(option, value);
    let loaded = Inventory
        .layout()
        .load_checked(sources, |loaded| Inventory.check(loaded));
    loaded.map_or_else(|errors| errors.to_string(), |_| String::new())
}

#[test]
fn the_opening_stock_is_checked_before_anything_starts() {
    assert_eq!(wrong("stock.opening", ""), "");
    assert_eq!(wrong("stock.opening", "tea=100, coffee=50"), "");
    let error = wrong("stock.opening", "tea");
    assert!(error.contains("`tea` is no SKU=QUANTITY"), "{error}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    // Shows that a wrong place for state hides nothing that is wrong besides.
    let sources = Sources::none()
        .set("state.url", "./Cargo.toml/state")
        .set("stock.opening", "tea");
    let loaded = Inventory
        .layout()
        .load_checked(sources, |loaded| Inventory.check(loaded));
    let errors = loaded.map(drop).unwrap_err().to_string();
    for wrong in [
        "`kafka.brokers` is not set",
        "Cargo.toml is no folder",
        "`tea` is no SKU",
    ] {
        assert!(errors.contains(wrong), "{errors}");
    }
}

#[test]
fn the_health_port_is_its_own_and_the_contract_needs_no_configuration() {
    let loaded = Inventory.layout().load(Sources::none()).unwrap();
    assert_eq!(loaded.bus().health.listen.unwrap().port(), 7081);
    let contract = Inventory.contract(&loaded).unwrap();
    for event in [
        "GoodsReceived",
        "StockReserved",
        "StockRejected",
        "StockReleased",
    ] {
        assert!(
            contract.contains(&format!("inventory.v1.{event}")),
            "{contract}"
        );
    }
}
