use super::*;

fn with_extra(option: &str, value: &str) -> Result<(), String> {
    let mut config = Config::default();
    config.extra.insert(option.to_owned(), value.to_owned());
    config.check().map_err(|error| error.to_string())
}

#[test]
fn the_defaults_hold() {
    // Shows that nobody has to set anything, and that an empty table means the defaults.
    Config::default().check().unwrap();
    let empty: Config = toml::from_str("").unwrap();
    assert_eq!(empty, Config::default());
}

#[test]
fn options_that_would_break_a_promise_are_refused_by_name_and_reason() {
    // Shows one refusal in full, and that the others name their option.
    assert_eq!(
        with_extra("acks", "1").unwrap_err(),
        "option `acks` cannot be set: a record counts as published once all in-sync replicas have \
         it"
    );
    for option in [
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "partitioner",
        "isolation.level",
        "group.id",
        "partition.assignment.strategy",
        "auto.offset.reset",
        "allow.auto.create.topics",
        "transactional.id",
    ] {
        let refused = with_extra(option, "x").unwrap_err();
        assert!(
            refused.contains(&format!("`{option}` cannot be set: ")),
            "{refused}"
        );
    }
}

#[test]
fn options_with_a_field_point_to_it() {
    // Shows that nothing can be said in two places.
    assert_eq!(
        with_extra("linger.ms", "5").unwrap_err(),
        "option `linger.ms` cannot be set in `extra`: set `linger_ms`"
    );
    assert!(
        with_extra("sasl.password", "x")
            .unwrap_err()
            .contains("`security.sasl`")
    );
}

#[test]
fn other_options_pass_and_wrong_ones_are_refused_at_once() {
    // Shows the way through, a name that librdkafka does not know, and a value that it refuses.
    with_extra("fetch.wait.max.ms", "100").unwrap();
    with_extra("debug", "cgrp").unwrap();
    let unknown = with_extra("fetch.wait.maximum", "1").unwrap_err();
    assert!(unknown.contains("`fetch.wait.maximum`"), "{unknown}");
    let wrong = with_extra("fetch.wait.max.ms", "soon").unwrap_err();
    assert!(wrong.contains("`fetch.wait.max.ms`"), "{wrong}");
    assert!(
        with_extra("rebalance_cb", "x")
            .unwrap_err()
            .contains("takes a function")
    );
}

#[test]
fn secrets_are_shown_nowhere() {
    // Shows that neither the configuration nor an error about it repeats a password.
    let mut config: Config = toml::from_str(
        "[security.sasl]\nmechanism = \"SCRAM-SHA-512\"\nuser = \"alice\"\npassword = \"hush\"\n\
         [security.tls]\nkey_password = \"hush\"\n",
    )
    .unwrap();
    config
        .extra
        .insert("ssl.keystore.password".to_owned(), "hush".to_owned());
    let shown = format!("{config:?}");
    assert!(shown.contains("alice"), "{shown}");
    assert!(!shown.contains("hush"), "{shown}");
    let error = with_extra("sasl.oauthbearer.method", "hush").unwrap_err();
    assert_eq!(
        error,
        "librdkafka does not take the value of option `sasl.oauthbearer.method`"
    );
    let error = toml::from_str::<Config>("[security.tls]\nkey_password = 7\n").unwrap_err();
    assert_eq!(error.message(), "a secret must be a text");
}

#[test]
fn limits_that_contradict_each_other_are_refused() {
    // Shows the relations between limits.
    let config = Config {
        in_flight_bytes_max: 1_000,
        ..Config::default()
    };
    let error = config.check().unwrap_err().to_string();
    assert!(error.contains("one record must fit"), "{error}");
    let config = Config {
        linger_ms: 200_000,
        ..Config::default()
    };
    assert!(
        config
            .check()
            .unwrap_err()
            .to_string()
            .contains("`linger_ms`")
    );
    assert!(
        Config::of(" ")
            .check()
            .unwrap_err()
            .to_string()
            .contains("HOST:PORT")
    );
}
