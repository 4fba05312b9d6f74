use quadrille::config::Sources;

use super::*;

fn wrong(option: &str, value: &str) -> String {
    let sources = Sources::none()
        .set("kafka.brokers", "127.0.0.1:9092")
        .set("state.ephemeral", "true")
        .set(option, value);
    let loaded = Notifications
        .layout()
        .load_checked(sources, |loaded| Notifications.check(loaded));
    loaded.map_or_else(|errors| errors.to_string(), |_| String::new())
}

#[test]
fn the_post_is_checked_before_anything_starts() {
    assert_eq!(wrong("mail.server", "mail.example.org:587"), "");
    for (option, value) in [
        ("mail.server", "mail.example.org"),
        ("mail.tls", "sometimes"),
        ("mail.from", "orders"),
        ("mail.timeout_ms", "29500"),
    ] {
        let error = wrong(option, value);
        assert!(error.contains(&format!("`{option}`")), "{error}");
    }
}

#[test]
fn a_password_is_in_no_error_and_in_no_print() {
    let sources = Sources::none()
        .set("mail.password", "tulip")
        .set("mail.server", "nowhere");
    let error = Notifications
        .layout()
        .load_checked(sources, |loaded| Notifications.check(loaded));
    assert!(!error.map(drop).unwrap_err().to_string().contains("tulip"));
    let sources = Sources::none().set("mail.password", "tulip");
    let loaded = Notifications.layout().load(sources).unwrap();
    assert!(!loaded.to_toml().contains("tulip"));
}

#[test]
fn the_health_port_is_its_own_and_the_contract_needs_no_configuration() {
    let loaded = Notifications.layout().load(Sources::none()).unwrap();
    assert_eq!(loaded.bus().health.listen.unwrap().port(), 7084);
    let contract = Notifications.contract(&loaded).unwrap();
    assert!(
        contract.contains("notifications.v1.ConfirmationSent"),
        "{contract}"
    );
}
