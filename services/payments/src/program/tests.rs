use quadrille::config::Sources;

use super::*;

fn wrong(option: &str, value: &str) -> String {
    let sources = Sources::none()
        .set("kafka.brokers", "127.0.0.1:9092")
        .set("state.ephemeral", "true")
        .set(option, value);
    let loaded = Payments
        .layout()
        .load_checked(sources, |loaded| Payments.check(loaded));
    loaded.map_or_else(|errors| errors.to_string(), |_| String::new())
}

#[test]
fn the_gateway_is_checked_before_anything_starts() {
    assert_eq!(wrong("gateway.url", "http://gateway:8080/v1"), "");
    let error = wrong("gateway.url", "gateway:8080");
    assert!(error.contains("`gateway.url`"), "{error}");
}

#[test]
fn the_gateway_is_given_up_before_the_reaction_is() {
    // Shows that a gateway that keeps silent counts as an outage, which uses up no attempts.
    let error = wrong("gateway.timeout_ms", "29500");
    assert!(error.contains("limits.reaction_timeout_ms"), "{error}");
    assert_eq!(wrong("gateway.timeout_ms", "29000"), "");
}

#[test]
fn the_health_port_is_its_own_and_the_contract_needs_no_configuration() {
    let loaded = Payments.layout().load(Sources::none()).unwrap();
    assert_eq!(loaded.bus().health.listen.unwrap().port(), 7082);
    let contract = Payments.contract(&loaded).unwrap();
    for event in ["PaymentCaptured", "PaymentDeclined", "PaymentRefunded"] {
        assert!(
            contract.contains(&format!("payments.v1.{event}")),
            "{contract}"
        );
    }
}
