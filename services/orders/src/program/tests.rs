use quadrille::config::Sources;

use super::*;

fn wrong(option: &str, value: &str) -> String {
    let sources = Sources::none()
        .set("kafka.brokers", "127.0.0.1:9092")
        .set("state.ephemeral", "true")
        .set(option, value);
    let loaded = Orders
        .layout()
        .load_checked(sources, |loaded| Orders.check(loaded));
    loaded.map_or_else(|errors| errors.to_string(), |_| String::new())
}

#[test]
fn every_option_has_a_default_but_the_cluster() {
    // Shows that the defaults hold, and that what is wrong is named with its mend.
    assert_eq!(wrong("http.listen", "127.0.0.1:0"), "");
    assert!(wrong("http.listen", "everywhere").contains("`http.listen`"));
    assert!(wrong("http.connections_max", "0").contains("1 to 100000"));
    let error = wrong("http.lisen", "127.0.0.1:0");
    assert!(error.contains("http.listen"), "{error}");
    let alone = Orders.layout().load(Sources::none()).unwrap();
    let error = Orders.check(&alone).unwrap_err().to_string();
    assert!(error.contains("`kafka.brokers` is not set"), "{error}");
}

#[test]
fn the_contract_is_told_without_a_configuration() {
    let loaded = Orders.layout().load(Sources::none()).unwrap();
    let contract = Orders.contract(&loaded).unwrap();
    for event in [
        "OrderPlaced",
        "OrderWithdrawn",
        "OrderConfirmed",
        "OrderCancelled",
    ] {
        assert!(
            contract.contains(&format!("orders.v1.{event}")),
            "{contract}"
        );
    }
}
