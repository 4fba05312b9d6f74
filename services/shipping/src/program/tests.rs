use quadrille::config::Sources;

use super::*;

fn wrong(option: &str, value: &str) -> String {
    let sources = Sources::none()
        .set("kafka.brokers", "127.0.0.1:9092")
        .set("state.ephemeral", "true")
        .set(option, value);
    let loaded = Shipping
        .layout()
        .load_checked(sources, |loaded| Shipping.check(loaded));
    loaded.map_or_else(|errors| errors.to_string(), |_| String::new())
}

#[test]
fn the_carrier_is_checked_before_anything_starts() {
    assert_eq!(wrong("carrier.url", "http://carrier:8080/v1"), "");
    let error = wrong("carrier.url", "carrier:8080");
    assert!(error.contains("`carrier.url`"), "{error}");
}

#[test]
fn the_carrier_is_given_up_before_the_reaction_is() {
    // Shows that a carrier that keeps silent counts as an outage, which uses up no attempts.
    let error = wrong("carrier.timeout_ms", "29500");
    assert!(error.contains("limits.reaction_timeout_ms"), "{error}");
    assert_eq!(wrong("carrier.timeout_ms", "29000"), "");
}

#[test]
fn the_health_port_is_its_own_and_the_contract_needs_no_configuration() {
    let loaded = Shipping.layout().load(Sources::none()).unwrap();
    assert_eq!(loaded.bus().health.listen.unwrap().port(), 7083);
    let contract = Shipping.contract(&loaded).unwrap();
    for event in ["ShipmentDispatched", "ShipmentFailed", "ShipmentRecalled"] {
        assert!(
            contract.contains(&format!("shipping.v1.{event}")),
            "{contract}"
        );
    }
}
