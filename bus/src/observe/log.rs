//! Log lines.
//!
//! ERROR wakes a person, WARN is looked at tomorrow, INFO is what an operator did or would ask,
//! DEBUG and TRACE are ours. No payload, no key and no error text of a reaction's author stands in
//! a field above DEBUG: they may hold what is nobody's business. A line about an attempt names its
//! span, where that is kept.

use std::backtrace::Backtrace;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::Spot;
use crate::broker::{self, Incoming, Outgoing, TopicPartition};
use crate::consume::delivery::Delivery;
use crate::program;
use crate::react::Failure;
use crate::settle::receipt::Attempt;
use crate::state;
use crate::world::KillAt;

pub(crate) fn retrying(delivery: &Delivery, attempt: &Attempt, failure: &Failure, wait: Duration) {
    let span = span_of(attempt);
    warn!(
        flow = %delivery.envelope.flow,
        event = %delivery.envelope.id,
        trace_id = span.map(|spot| display(spot.trace)),
        span_id = span.map(|spot| display(spot.span)),
        kind = %delivery.envelope.kind,
        reaction = delivery.reaction,
        attempt = attempt.number,
        code = failure.code(),
        again_in_ms = wait.as_millis(),
        "reaction failed, trying again"
    );
    debug!(event = %delivery.envelope.id, error = failure.chain(), "why the reaction failed");
}

pub(crate) fn parked(delivery: &Delivery, attempt: &Attempt, failure: &Failure) {
    let span = span_of(attempt);
    warn!(
        flow = %delivery.envelope.flow,
        event = %delivery.envelope.id,
        trace_id = span.map(|spot| display(spot.trace)),
        span_id = span.map(|spot| display(spot.span)),
        kind = %delivery.envelope.kind,
        at = %delivery.record.partition,
        offset = delivery.record.offset,
        reaction = delivery.reaction,
        attempts = attempt.number,
        code = failure.code(),
        "event parked"
    );
    debug!(event = %delivery.envelope.id, error = failure.chain(), "why the event was parked");
}

/// The attempt's span. What has failed is always kept.
fn span_of(attempt: &Attempt) -> Option<Spot> {
    attempt.span.map(|begun| begun.spot)
}

pub(crate) fn skipped(service: &str, record: &Incoming, why: &'static str) {
    debug!(service, at = %record.partition, offset = record.offset, why, "record skipped");
}

pub(crate) fn cannot_publish(record: &Outgoing, error: &broker::Error, wait: Duration) {
    warn!(topic = %record.topic, %error, again_in_ms = wait.as_millis(), "cannot publish");
}

pub(crate) fn store_in_trouble(service: &str, error: &state::Error, wait: Duration) {
    warn!(service, %error, again_in_ms = wait.as_millis(), "store in trouble");
}

pub(crate) fn broker_in_trouble(service: &str, error: &broker::Error) {
    warn!(service, %error, "broker in trouble");
}

pub(crate) fn member_failed(service: &str, error: &broker::Error) {
    warn!(service, %error, "group member failed, joining again");
}

pub(crate) fn cannot_join(service: &str, error: &broker::Error) {
    warn!(service, %error, "cannot join the group, trying again");
}

pub(crate) fn cannot_commit(service: &str, error: &broker::Error) {
    warn!(service, %error, "cannot commit, trying again with the next commit");
}

pub(crate) fn assigned(service: &str, partitions: &[TopicPartition]) {
    info!(service, ?partitions, "partitions assigned");
}

pub(crate) fn draining(service: &str, partitions: &[TopicPartition]) {
    info!(service, ?partitions, "draining partitions");
}

pub(crate) fn lost(service: &str, partitions: &[TopicPartition]) {
    warn!(service, ?partitions, "partitions lost");
}

pub(crate) fn fenced(service: &str, event: Option<&state::EventPosition>) {
    let at = event.map(|event| (event.partition.to_string(), event.offset));
    let (partition, offset) = at.unzip();
    warn!(
        service,
        partition, offset, "somebody else has taken the partition over, event left to them"
    );
}

pub(crate) fn paused(service: &str, partition: &TopicPartition) {
    debug!(service, %partition, "partition paused");
}

pub(crate) fn waiting_for_topic(service: &str, topic: &str, owner: &str) {
    info!(service, topic, owner, "waiting for the topic to be there");
}

pub(crate) fn topic_created(service: &str, topic: &str, partitions: i32) {
    info!(service, topic, partitions, "topic created");
}

pub(crate) fn topic_differs(service: &str, what: &str) {
    warn!(service, what, "topic is not as declared");
}

pub(crate) fn not_durable(what: &str) {
    warn!(what, "events can be lost");
}

pub(crate) fn swept(service: &str, rows: usize) {
    if rows > 0 {
        info!(
            service,
            rows, "published what an earlier run had left in the outbox"
        );
    }
}

pub(crate) fn inbox_is_shorter(service: &str, topic: &str, keep: Duration) {
    info!(
        service,
        topic,
        inbox_hours = keep.as_secs() / 3_600,
        "the topic keeps events for ever, the inbox does not: old ones that come again are handled again"
    );
}

pub(crate) fn state_is_new(service: &str) {
    warn!(
        service,
        "the state knows nothing, but the group has handled events before: is it another folder than \
         last time, or than that of another instance? What the service knew is not here, and it reads on \
         from the committed offsets"
    );
}

pub(crate) fn trimmed(service: &str, events: u64) {
    debug!(service, events, "inbox trimmed");
}

pub(crate) fn cannot_announce(service: &str, error: &broker::Error) {
    debug!(service, %error, "cannot announce presence");
}

#[cfg(feature = "telemetry")]
pub(crate) fn cannot_export(what: &str, error: &opentelemetry_sdk::error::OTelSdkError) {
    warn!(what, %error, "cannot send telemetry, events go on: told again when it can be sent");
}

#[cfg(feature = "telemetry")]
pub(crate) fn exports_again(what: &str) {
    info!(what, "telemetry is sent again");
}

#[cfg(feature = "telemetry")]
pub(crate) fn not_flushed(limit: Duration) {
    warn!(
        limit_ms = limit.as_millis(),
        "the last telemetry was not sent in time"
    );
}

pub(crate) fn stopped(service: &str) {
    info!(service, "stopped");
}

// What a program does around the bus.

pub(crate) fn health_port_open(address: SocketAddr) {
    info!(%address, "health port open: /healthz, /readyz, /contract, /metrics");
}

pub(crate) fn health_port_failed(address: SocketAddr, error: &io::Error) {
    error!(%address, %error, "health port failed");
}

pub(crate) fn http_port_open(address: SocketAddr) {
    info!(%address, "http port open");
}

pub(crate) fn http_port_failed(address: SocketAddr, error: &io::Error) {
    error!(%address, %error, "http port failed");
}

pub(crate) fn stopping(signal: &str) {
    info!(
        signal,
        "stopping when the work in hand is done, a second signal ends it at once"
    );
}

pub(crate) fn ended_at_once(signal: &str) {
    warn!(
        signal,
        "ended at once by a second signal: work in hand was not finished"
    );
}

pub(crate) fn will_end_itself(at: KillAt) {
    warn!(
        point = at.point.name(),
        nth = at.nth,
        "fault.kill_at is set: this process will end itself"
    );
}

pub(crate) fn failed(failure: &program::Failure) {
    error!(exit = failure.exit() as u8, "{failure}");
}

pub(crate) fn panicked(
    thread: Option<&str>,
    at: &str,
    message: &str,
    backtrace: Option<&Backtrace>,
) {
    match backtrace {
        Some(backtrace) => error!(thread, at, %backtrace, "panicked: {message}"),
        None => error!(thread, at, "panicked: {message}"),
    }
}

// What only the Kafka adapter sees. Its own log passes on what librdkafka says.

#[cfg(feature = "kafka")]
pub(crate) fn client_does_not_close(reader: &str, waited: Duration) {
    warn!(
        target: "librdkafka",
        reader,
        waited_ms = waited.as_millis(),
        "the kafka client does not close in time; going on without waiting for it"
    );
}

#[cfg(feature = "kafka")]
pub(crate) fn header_left_out() {
    debug!(target: "librdkafka", "left out a header whose name is not UTF-8");
}

#[cfg(feature = "kafka")]
pub(crate) fn producer_broken(why: &str) {
    warn!(
        target: "librdkafka",
        why,
        "the idempotent producer has failed for good, and is replaced"
    );
}
