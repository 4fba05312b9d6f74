//! Metrics: counters and histograms of what happens, gauges of how it stands.
//!
//! Attributes name topics, partitions, reactions and codes, and so come in few. A flow, an event or a
//! key never stands on a metric. Names that begin with `messaging.` are OpenTelemetry's, those with
//! `bus.` ours; `docs/telemetry.md` has the table.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Counter, Histogram, Meter};

use super::watch::{Board, Seen};
use super::{Handled, Semconv, semconv};
use crate::broker::{TopicName, TopicPartition};
use crate::consume::delivery::Delivery;
use crate::settle::receipt::Attempt;

/// Upper ends of buckets for what takes part of a second, as the conventions give them.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Upper ends of buckets for how old an event is, from 5 ms to a day.
const AGES: [f64; 14] = [
    0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0, 3_600.0, 86_400.0,
];

/// The metrics of one service.
pub(super) struct Metrics {
    common: Vec<KeyValue>,
    group: KeyValue,
    operation: Histogram<f64>,
    sent: Counter<u64>,
    consumed: Counter<u64>,
    process: Histogram<f64>,
    age: Histogram<f64>,
    retries: Counter<u64>,
    parked: Counter<u64>,
    skipped: Counter<u64>,
    duplicates: Counter<u64>,
    /// What gauges read.
    pub(super) board: Arc<Board>,
}

impl Metrics {
    pub(super) fn new(meter: Meter, semconv: Semconv, group: Arc<str>) -> Self {
        let histogram = |name: &'static str, what: &'static str, bounds: &[f64]| {
            let histogram = meter.f64_histogram(name).with_unit("s");
            histogram
                .with_description(what)
                .with_boundaries(bounds.to_vec())
                .build()
        };
        let counter = |name: &'static str, unit: &'static str, what: &'static str| {
            let counter = meter.u64_counter(name).with_unit(unit);
            counter.with_description(what).build()
        };
        let mut common = Vec::new();
        semconv.put_system(&mut common);
        let board = Arc::<Board>::default();
        let group = KeyValue::new(semconv::GROUP, group);
        gauges(&meter, &board, &group);
        Self {
            common,
            group,
            operation: histogram(
                "messaging.client.operation.duration",
                "Time from handing a record over to the broker's answer",
                &SECONDS,
            ),
            sent: counter(
                "messaging.client.sent.messages",
                "{message}",
                "Records that the broker was given, those that it refused included",
            ),
            consumed: counter(
                "messaging.client.consumed.messages",
                "{message}",
                "Records that were taken from their partitions",
            ),
            process: histogram(
                "messaging.process.duration",
                "Time that an attempt of a reaction took",
                &SECONDS,
            ),
            age: histogram(
                "bus.event.age",
                "Time from an event's birth to the first attempt at it",
                &AGES,
            ),
            retries: counter(
                "bus.retries",
                "{attempt}",
                "Attempts that failed and are repeated",
            ),
            parked: counter("bus.parked", "{event}", "Events that were put aside"),
            skipped: counter("bus.skipped", "{event}", "Records that were passed over"),
            duplicates: counter(
                "bus.duplicates",
                "{event}",
                "Events that had been handled before",
            ),
            board,
        }
    }

    /// A record was handed to the broker, which has it, or has refused it with this error.
    pub(super) fn sent(
        &self,
        topic: &TopicName,
        took: SignedDuration,
        error: Option<&'static str>,
    ) {
        let mut attributes = self.operation("send", topic);
        attributes.extend(error.map(|error| KeyValue::new(semconv::ERROR_TYPE, error)));
        self.operation.record(seconds(took), &attributes);
        self.sent.add(1, &attributes);
    }

    pub(super) fn consumed(&self, topic: &TopicName) {
        let mut attributes = self.operation("poll", topic);
        attributes.push(self.group.clone());
        self.consumed.add(1, &attributes);
    }

    pub(super) fn skipped(&self, topic: &TopicName, why: &'static str) {
        let topic = KeyValue::new(semconv::DESTINATION, topic.to_string());
        let why = KeyValue::new(semconv::REASON, why);
        self.skipped.add(1, &[self.group.clone(), topic, why]);
    }

    pub(super) fn age(&self, delivery: &Delivery, age: SignedDuration) {
        self.age.record(seconds(age), &self.reaction(delivery));
    }

    pub(super) fn handled(&self, delivery: &Delivery, attempt: &Attempt, handled: Handled<'_>) {
        let mut own = self.reaction(delivery);
        let code = |code: &str| KeyValue::new(semconv::ERROR_TYPE, code.to_owned());
        let count = match handled {
            Handled::Done => None,
            Handled::Retried(failure) => {
                own.push(code(failure.code()));
                Some(&self.retries)
            }
            Handled::Parked(failure) => {
                own.push(code(failure.code()));
                Some(&self.parked)
            }
            Handled::Duplicate => return self.duplicates.add(1, &own),
        };
        if let Some(count) = count {
            count.add(1, &own);
        }
        own.push(KeyValue::new(semconv::OPERATION_NAME, "process"));
        own.extend_from_slice(&self.common);
        self.process.record(attempt.duration.as_secs_f64(), &own);
    }

    fn operation(&self, name: &'static str, topic: &TopicName) -> Vec<KeyValue> {
        let kind = match name {
            "poll" => "receive",
            other => other,
        };
        let mut attributes = Vec::with_capacity(7);
        attributes.push(KeyValue::new(semconv::OPERATION_NAME, name));
        attributes.push(KeyValue::new(semconv::OPERATION_TYPE, kind));
        attributes.push(KeyValue::new(semconv::DESTINATION, topic.to_string()));
        attributes.extend_from_slice(&self.common);
        attributes
    }

    fn reaction(&self, delivery: &Delivery) -> Vec<KeyValue> {
        let topic = delivery.record.partition.topic.to_string();
        let mut attributes = Vec::with_capacity(8);
        attributes.push(self.group.clone());
        attributes.push(KeyValue::new(semconv::DESTINATION, topic));
        let reaction = delivery.reaction.unwrap_or("none");
        attributes.push(KeyValue::new(semconv::REACTION, reaction));
        attributes
    }
}

/// Clocks differ: what seems to have taken less than nothing took nothing.
fn seconds(duration: SignedDuration) -> f64 {
    duration.as_secs_f64().max(0.0)
}

/// Gauges read the board whenever somebody looks: what is given up stands on none of them any more.
fn gauges(meter: &Meter, board: &Arc<Board>, group: &KeyValue) {
    type Read = fn(&Seen, &KeyValue, &dyn AsyncInstrument<f64>);
    let gauge = |name: &'static str, unit: &'static str, what: &'static str, read: Read| {
        let (board, group) = (Arc::clone(board), group.clone());
        let gauge = meter.f64_observable_gauge(name).with_unit(unit);
        // The provider keeps the callback; the instrument itself holds nothing.
        let _ = gauge
            .with_description(what)
            .with_callback(move |to| {
                if let Some(seen) = board.seen() {
                    read(&seen, &group, to);
                }
            })
            .build();
    };
    gauge(
        "bus.consumer.lag",
        "{event}",
        "Records of a partition that are not handled yet",
        |seen, group, to| {
            for partition in &seen.partitions {
                if let Some(lag) = partition.lag {
                    to.observe(lag as f64, &at(&partition.at, group));
                }
            }
        },
    );
    gauge(
        "bus.consumer.lag.time",
        "s",
        "Age of the oldest record of a partition that is not handled yet",
        |seen, group, to| {
            for partition in &seen.partitions {
                if let Some(behind) = partition.behind {
                    to.observe(behind.as_secs_f64(), &at(&partition.at, group));
                }
            }
        },
    );
    let whole = |name, unit, what, read| gauge(name, unit, what, read);
    whole(
        "bus.partitions",
        "{partition}",
        "Partitions assigned",
        |seen, group, to| {
            to.observe(seen.partitions.len() as f64, std::slice::from_ref(group));
        },
    );
    whole(
        "bus.partitions.paused",
        "{partition}",
        "Partitions that hold as many events as they may",
        |seen, group, to| {
            let paused = seen
                .partitions
                .iter()
                .filter(|partition| partition.is_paused);
            to.observe(paused.count() as f64, std::slice::from_ref(group));
        },
    );
    whole(
        "bus.events.held",
        "{event}",
        "Events in memory",
        |seen, group, to| {
            let held: usize = seen.partitions.iter().map(|partition| partition.held).sum();
            to.observe(held as f64, std::slice::from_ref(group));
        },
    );
    whole(
        "bus.events.retrying",
        "{event}",
        "Events that wait for their next attempt",
        |seen, group, to| to.observe(seen.retrying as f64, std::slice::from_ref(group)),
    );
    whole(
        "bus.outbox.rows",
        "{row}",
        "Rows of the outbox that this process has yet to publish",
        |seen, group, to| to.observe(seen.outbox_rows as f64, std::slice::from_ref(group)),
    );
}

fn at(at: &TopicPartition, group: &KeyValue) -> [KeyValue; 3] {
    [
        group.clone(),
        KeyValue::new(semconv::DESTINATION, at.topic.to_string()),
        KeyValue::new(semconv::PARTITION, at.partition.to_string()),
    ]
}

/// How one partition stands.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) at: TopicPartition,
    /// Records that are not handled yet. `None`: the broker does not say.
    pub(super) lag: Option<i64>,
    /// Age of the oldest of them. `None`: it has not been read yet.
    pub(super) behind: Option<Duration>,
    pub(super) is_paused: bool,
    pub(super) held: usize,
}
