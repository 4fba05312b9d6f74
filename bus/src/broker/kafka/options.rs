//! Options of librdkafka: those that each of our clients gets, and those that nobody may set.

use std::path::Path;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

use super::super::{Error, ErrorKind, Membership};
use super::config::{Compression, Config, Mechanism};

/// Longest time between two heartbeats. Shorter than a third of a long session, because a member
/// hears of a rebalance with its next heartbeat only.
pub(super) const HEARTBEAT_MS_MAX: u128 = 3_000;

/// Options that would break what the bus promises, and which promise.
const REFUSED: &[(&[&str], &str)] = &[
    (
        &["acks", "request.required.acks", "request.timeout.ms"],
        "a record counts as published once all in-sync replicas have it",
    ),
    (
        &[
            "enable.idempotence",
            "enable.gapless.guarantee",
            "retries",
            "message.send.max.retries",
            "max.in.flight",
            "max.in.flight.requests.per.connection",
            "transactional.id",
        ],
        "the producer is idempotent, so that a retry neither doubles nor reorders records",
    ),
    (
        &[
            "partitioner",
            "sticky.partitioning.linger.ms",
            "msg_order_cmp",
        ],
        "all clients of a topic must put a key into the same partition, as Java's do",
    ),
    (
        &["isolation.level"],
        "records of aborted transactions are never read",
    ),
    (
        &[
            "enable.auto.commit",
            "auto.commit.enable",
            "auto.commit.interval.ms",
            "enable.auto.offset.store",
            "offset.store.method",
            "offset.store.path",
            "offset.store.sync.interval.ms",
        ],
        "the bus commits an offset once everything below it is handled, and nobody else does",
    ),
    (
        &["auto.offset.reset", "enable.partition.eof"],
        "where a new service starts is its own setting, and a lost position is never skipped over",
    ),
    (
        &[
            "group.id",
            "group.instance.id",
            "group.protocol",
            "group.protocol.type",
            "group.remote.assignor",
            "partition.assignment.strategy",
            "session.timeout.ms",
            "heartbeat.interval.ms",
            "max.poll.interval.ms",
        ],
        "how a service takes part in its group is the service's own setting",
    ),
    (
        &["allow.auto.create.topics"],
        "a topic is created with the partitions that its schema declares, and never by accident",
    ),
    (
        &[
            "queuing.strategy",
            "interceptors",
            "plugin.library.paths",
            "opaque",
        ],
        "it would change how records pass through the client",
    ),
];

/// Options that have a field of their own.
const FIELDS: &[(&[&str], &str)] = &[
    (&["bootstrap.servers", "metadata.broker.list"], "brokers"),
    (&["client.id"], "client_id"),
    (
        &["security.protocol", "enable.ssl.certificate.verification"],
        "security",
    ),
    (
        &[
            "sasl.mechanism",
            "sasl.mechanisms",
            "sasl.username",
            "sasl.password",
        ],
        "security.sasl",
    ),
    (
        &[
            "ssl.ca.location",
            "ssl.certificate.location",
            "ssl.key.location",
            "ssl.key.password",
            "ssl.endpoint.identification.algorithm",
        ],
        "security.tls",
    ),
    (&["linger.ms", "queue.buffering.max.ms"], "linger_ms"),
    (&["batch.size"], "batch_bytes_max"),
    (&["message.max.bytes"], "record_bytes_max"),
    (&["compression.codec", "compression.type"], "compression"),
    (&["queue.buffering.max.messages"], "in_flight_records_max"),
    (&["queue.buffering.max.kbytes"], "in_flight_bytes_max"),
    (&["socket.timeout.ms"], "request_timeout_ms"),
    (
        &["message.timeout.ms", "delivery.timeout.ms"],
        "delivery_timeout_ms",
    ),
    (
        &["topic.metadata.propagation.max.ms"],
        "unknown_topic_after_ms",
    ),
    (
        &["topic.metadata.refresh.interval.ms"],
        "metadata_refresh_ms",
    ),
    (&["fetch.queue.backoff.ms"], "prefetch_backoff_ms"),
    (&["queued.min.messages"], "prefetch_records_min"),
    (&["queued.max.messages.kbytes"], "prefetch_kbytes_max"),
];

/// Refuses an option that would break a promise, that has a field of its own, or that librdkafka
/// does not take.
pub(super) fn check_extra(option: &str, value: &str) -> Result<(), Error> {
    let refuse = |why: String| Err(Error::new(ErrorKind::Invalid, why));
    let names = |group: &(&[&str], &'static str)| group.0.contains(&option);
    if let Some((_, promise)) = REFUSED.iter().find(|group| names(group)) {
        return refuse(format!("option `{option}` cannot be set: {promise}"));
    }
    if let Some((_, field)) = FIELDS.iter().find(|group| names(group)) {
        return refuse(format!(
            "option `{option}` cannot be set in `extra`: set `{field}`"
        ));
    }
    if option.ends_with("_cb") {
        return refuse(format!(
            "option `{option}` takes a function, so it cannot be set"
        ));
    }
    let mut alone = ClientConfig::new();
    alone.set(option, value);
    match alone.create_native_config() {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(&error)),
    }
}

/// The error for a client that cannot be made from its options.
pub(super) fn refused(error: &KafkaError) -> Error {
    let why = match error {
        // The value may be a secret, and librdkafka's words may repeat it.
        KafkaError::ClientConfig(_, _, option, _) if is_secret(option) => {
            format!("librdkafka does not take the value of option `{option}`")
        }
        KafkaError::ClientConfig(_, why, option, _) => {
            format!("librdkafka does not take option `{option}`: {why}")
        }
        KafkaError::ClientCreation(why) => {
            format!("cannot make a kafka client of its options: {why}")
        }
        other => format!("cannot make a kafka client: {other}"),
    };
    Error::new(ErrorKind::Invalid, why)
}

fn is_secret(option: &str) -> bool {
    ["password", "secret", "pem", "token", "jaas", "oauthbearer"]
        .iter()
        .any(|part| option.contains(part))
}

/// Options of every client.
pub(super) fn common(config: &Config) -> ClientConfig {
    let mut options = ClientConfig::new();
    // What the user gave comes first, so that nothing of it can outdo what follows.
    for (option, value) in &config.extra {
        options.set(option, value);
    }
    let debugged = config.extra.contains_key("debug");
    options.set_log_level(match debugged {
        true => RDKafkaLogLevel::Debug,
        false => RDKafkaLogLevel::Info,
    });
    for (option, value) in [
        ("bootstrap.servers", config.brokers.clone()),
        ("client.id", config.client_id.clone()),
        ("socket.timeout.ms", config.request_timeout_ms.to_string()),
        ("allow.auto.create.topics", false.to_string()),
        (
            "topic.metadata.refresh.interval.ms",
            config.metadata_refresh_ms.to_string(),
        ),
        ("message.max.bytes", config.record_bytes_max.to_string()),
    ] {
        options.set(option, value);
    }
    for (option, value) in [
        ("socket.keepalive.enable", "true"),
        // A broker that comes back is found within this time.
        ("reconnect.backoff.max.ms", "1000"),
    ] {
        if !config.extra.contains_key(option) {
            options.set(option, value);
        }
    }
    secure(&mut options, config);
    options
}

fn secure(options: &mut ClientConfig, config: &Config) {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let protocol = match (&config.security.tls, &config.security.sasl) {
        (None, None) => "plaintext",
        (Some(_), None) => "ssl",
        (None, Some(_)) => "sasl_plaintext",
        (Some(_), Some(_)) => "sasl_ssl",
    };
    options.set("security.protocol", protocol);
    if let Some(tls) = &config.security.tls {
        for (option, file) in [
            ("ssl.ca.location", &tls.ca_file),
            ("ssl.certificate.location", &tls.certificate_file),
            ("ssl.key.location", &tls.key_file),
        ] {
            if let Some(file) = file {
                options.set(option, path(file));
            }
        }
        if let Some(password) = &tls.key_password {
            options.set("ssl.key.password", password.reveal());
        }
        let identification = if tls.accept_any_host { "none" } else { "https" };
        options.set("ssl.endpoint.identification.algorithm", identification);
    }
    if let Some(sasl) = &config.security.sasl {
        options.set(
            "sasl.mechanism",
            match sasl.mechanism {
                Mechanism::Plain => "PLAIN",
                Mechanism::ScramSha256 => "SCRAM-SHA-256",
                Mechanism::ScramSha512 => "SCRAM-SHA-512",
            },
        );
        options.set("sasl.username", &sasl.user);
        options.set("sasl.password", sasl.password.reveal());
    }
}

/// Options of the producer.
pub(super) fn producer(config: &Config) -> ClientConfig {
    let mut options = common(config);
    // Our own limits come first; librdkafka's are only there so that it has some. It counts a record
    // until all of its report is heard, and by then another may be in its place.
    let records = u64::from(config.in_flight_records_max) * 2 + 1_000;
    let kbytes = u64::from(config.in_flight_bytes_max) / 1024 * 2 + 1_024;
    for (option, value) in [
        ("acks", "all".to_owned()),
        ("enable.idempotence", true.to_string()),
        ("partitioner", "murmur2_random".to_owned()),
        ("linger.ms", config.linger_ms.to_string()),
        ("batch.size", config.batch_bytes_max.to_string()),
        (
            "compression.codec",
            compression(config.compression).to_owned(),
        ),
        ("message.timeout.ms", config.delivery_timeout_ms.to_string()),
        (
            "topic.metadata.propagation.max.ms",
            config.unknown_topic_after_ms.to_string(),
        ),
        ("queue.buffering.max.messages", records.to_string()),
        (
            "queue.buffering.max.kbytes",
            kbytes.min(2_097_151).to_string(),
        ),
    ] {
        options.set(option, value);
    }
    options
}

fn compression(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "none",
        Compression::Lz4 => "lz4",
        Compression::Zstd => "zstd",
        Compression::Gzip => "gzip",
        Compression::Snappy => "snappy",
    }
}

/// Options of whatever reads. librdkafka wants a group even where none is joined.
pub(super) fn reader(config: &Config, group: &str) -> ClientConfig {
    let mut options = common(config);
    for (option, value) in [
        ("group.id", group.to_owned()),
        ("enable.auto.commit", false.to_string()),
        ("enable.auto.offset.store", false.to_string()),
        // A position that is no longer there, or not yet, never leads to records being skipped.
        ("auto.offset.reset", "earliest".to_owned()),
        ("isolation.level", "read_committed".to_owned()),
        (
            "fetch.queue.backoff.ms",
            config.prefetch_backoff_ms.to_string(),
        ),
        (
            "queued.min.messages",
            config.prefetch_records_min.to_string(),
        ),
        (
            "queued.max.messages.kbytes",
            config.prefetch_kbytes_max.to_string(),
        ),
    ] {
        options.set(option, value);
    }
    options
}

/// Options of a group member.
pub(super) fn member(config: &Config, membership: &Membership) -> Result<ClientConfig, Error> {
    let session = membership.session_timeout.as_millis();
    let rebalance = membership.rebalance_timeout.as_millis();
    if rebalance < session {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "cannot join group `{}`: its rebalance timeout is {rebalance} ms, less than its \
                 session timeout, {session} ms; raise one or lower the other",
                membership.group
            ),
        ));
    }
    let mut options = reader(config, &membership.group);
    for (option, value) in [
        ("group.protocol", "classic".to_owned()),
        (
            "partition.assignment.strategy",
            membership.assignor.name().to_owned(),
        ),
        ("session.timeout.ms", session.to_string()),
        (
            "heartbeat.interval.ms",
            (session / 3).clamp(1, HEARTBEAT_MS_MAX).to_string(),
        ),
        ("max.poll.interval.ms", rebalance.to_string()),
    ] {
        options.set(option, value);
    }
    if let Some(instance) = &membership.instance {
        options.set("group.instance.id", instance);
    }
    Ok(options)
}
