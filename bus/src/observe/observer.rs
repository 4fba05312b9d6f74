//! What one service, or one publisher, tells of what happens to its events.
//!
//! Each function is named for what has happened, and says which span and which metrics that makes.
//! Where nobody listens, each returns at its first line.

use std::sync::Arc;

use jiff::Timestamp;
use opentelemetry::{Context, KeyValue};

use super::metric::Metrics;
use super::span::{Begun, Ended, Sent, Spans};
use super::{Options, Shared, Spot, Telemetry, Who, ambient, rule, semconv, state};
use crate::broker::{self, Incoming, Outgoing, Position};
use crate::consume::delivery::Delivery;
use crate::envelope::{Trace, header};
use crate::id::FlowId;
use crate::react::Failure;
use crate::settle::receipt::Attempt;
use crate::world;

/// Tells what happens. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Observer(Option<Arc<Inner>>);

struct Inner {
    shared: Arc<Shared>,
    world: world::Shared,
    spans: Option<Spans>,
    metrics: Option<Metrics>,
}

/// Where a record comes from, as far as a trace goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    /// What is handed on.
    pub(crate) trace: &'a Trace,
    /// The span that it was decided in.
    pub(crate) within: Option<Spot>,
}

/// What became of an attempt.
#[derive(Clone, Copy)]
pub(crate) enum Handled<'a> {
    /// It decided.
    Done,
    /// It failed, and is made again.
    Retried(&'a Failure),
    /// It failed for good.
    Parked(&'a Failure),
    /// The event had been handled before.
    Duplicate,
}

impl Observer {
    /// For a service. Without one, nothing is told.
    pub(crate) fn of(
        telemetry: &Telemetry,
        who: &Who<'_>,
        cluster: Option<&str>,
        attempts_max: u32,
        world: &world::Shared,
    ) -> Self {
        let Some(shared) = &telemetry.0 else {
            return Self(None);
        };
        let instruments = shared.source.instruments(who);
        let group: Arc<str> = who.service.into();
        let spans = instruments.tracer.map(|tracer| Spans {
            tracer,
            common: common(&shared.options, cluster),
            group: Arc::clone(&group),
            attempts_max,
        });
        let metrics = instruments
            .meter
            .map(|meter| Metrics::new(meter, shared.options.semconv, group));
        Self(Some(Arc::new(Inner {
            shared: Arc::clone(shared),
            world: Arc::clone(world),
            spans,
            metrics,
        })))
    }

    /// Whether anybody may listen.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// How things are told.
    pub(super) fn options(&self) -> Option<&Options> {
        self.0.as_ref().map(|inner| &inner.shared.options)
    }

    /// The moment, where something is told of it later.
    pub(crate) fn moment(&self) -> Option<Timestamp> {
        self.0.as_ref().map(|inner| inner.world.now())
    }

    /// A record is packed: what it says of its trace. Its `send` span is promised by that.
    pub(crate) fn packed(&self, origin: Origin<'_>, flow: &FlowId) -> Trace {
        let Some((inner, _)) = self.spans() else {
            return origin.trace.clone();
        };
        let is_kept = rule::is_kept(flow.as_str(), inner.shared.options.sample_ratio);
        let trace = origin.within.map(|within| within.trace);
        let spot = Spot::draw(&*inner.world, trace, is_kept);
        Trace {
            parent: Some(spot.to_string().into()),
            state: state::stamped(
                origin.trace.state.as_deref(),
                inner.shared.options.mode,
                origin.within.map(|within| within.span),
            ),
            baggage: origin.trace.baggage.clone(),
        }
    }

    /// An event is packed to be parked: the copy says where it was parked, and where it came from.
    pub(crate) fn packed_to_park(
        &self,
        copy: &mut Outgoing,
        delivery: &Delivery,
        span: Option<Begun>,
    ) {
        let Some((inner, _)) = self.spans() else {
            return;
        };
        let trace = span.map(|begun| begun.spot.trace);
        let spot = Spot::draw(&*inner.world, trace, true);
        let original = delivery.envelope.trace.parent.as_deref();
        let original = original.map(|parent| (header::ORIGINAL_TRACE_PARENT, parent.to_owned()));
        let own = (header::TRACE_PARENT, spot.to_string());
        let state = state::stamped(
            delivery.envelope.trace.state.as_deref(),
            inner.shared.options.mode,
            span.map(|begun| begun.spot.span),
        );
        let state = state.map(|state| (header::TRACE_STATE, state.to_string()));
        let added = original.into_iter().chain([own]).chain(state);
        copy.headers.extend(added);
    }

    /// The broker has a record.
    pub(crate) fn sent(&self, record: &Outgoing, position: &Position, started: Option<Timestamp>) {
        let (Some(inner), Some(started)) = (&self.0, started) else {
            return;
        };
        let sent = inner.as_sent(record, position, started);
        if let Some(spans) = &inner.spans {
            spans.send(&inner.shared.options, &sent);
        }
        inner.count_sent(&sent);
    }

    /// The broker has a record that came with a trace of its own.
    pub(crate) fn sent_as_given(
        &self,
        record: &Outgoing,
        position: &Position,
        started: Option<Timestamp>,
    ) {
        let (Some(inner), Some(started)) = (&self.0, started) else {
            return;
        };
        let sent = inner.as_sent(record, position, started);
        if let Some(spans) = &inner.spans {
            spans.send_given(&inner.shared.options, &*inner.world, &sent);
        }
        inner.count_sent(&sent);
    }

    /// The broker has not taken a record.
    pub(crate) fn not_sent(
        &self,
        record: &Outgoing,
        error: &broker::Error,
        started: Option<Timestamp>,
    ) {
        if let (Some((inner, metrics)), Some(started)) = (self.metrics(), started) {
            let took = inner.world.now().duration_since(started);
            metrics.sent(&record.topic, took, Some(error.code()));
        }
    }

    /// A record is taken from its lane.
    pub(crate) fn taken(&self, record: &Incoming) {
        if let Some((_, metrics)) = self.metrics() {
            metrics.consumed(&record.partition.topic);
        }
    }

    /// A record is passed over.
    pub(crate) fn skipped(&self, record: &Incoming, why: &'static str) {
        if let Some((_, metrics)) = self.metrics() {
            metrics.skipped(&record.partition.topic, why);
        }
    }

    /// An event is about to be attempted for the first time here.
    pub(crate) fn first_attempted(&self, delivery: &Delivery, at: Timestamp) {
        if let Some((_, metrics)) = self.metrics() {
            metrics.age(delivery, at.duration_since(delivery.envelope.time));
        }
    }

    /// An attempt begins: where its span will stand. `previous` is the attempt before it.
    pub(crate) fn begun(
        &self,
        delivery: &Delivery,
        number: u32,
        at: Timestamp,
        previous: Option<Begun>,
    ) -> Option<Begun> {
        let (inner, spans) = self.spans()?;
        let previous = previous.map(|begun| begun.spot);
        let options = &inner.shared.options;
        Some(spans.begin(options, &*inner.world, delivery, (number, at), previous))
    }

    /// What an attempt runs in, so that spans of its author's are children of its own.
    pub(crate) fn context(&self, begun: Option<Begun>, delivery: &Delivery) -> Option<Context> {
        begun.map(|begun| ambient::at(begun.spot, &delivery.envelope.trace))
    }

    /// An attempt has come to its end.
    pub(crate) fn handled(&self, delivery: &Delivery, attempt: &Attempt, handled: Handled<'_>) {
        let Some(inner) = &self.0 else { return };
        let ended = match handled {
            Handled::Done => Ended {
                outcome: "ok",
                error: None,
            },
            Handled::Retried(failure) => Ended {
                outcome: "retry",
                error: Some(failure.code()),
            },
            Handled::Parked(failure) => Ended {
                outcome: "dead_letter",
                error: Some(failure.code()),
            },
            Handled::Duplicate => Ended {
                outcome: "duplicate",
                error: None,
            },
        };
        if let Some(spans) = &inner.spans {
            spans.process(&inner.shared.options, delivery, attempt, &ended);
        }
        if let Some((_, metrics)) = self.metrics() {
            metrics.handled(delivery, attempt, handled);
        }
    }

    pub(super) fn watched_meter(&self) -> Option<&Metrics> {
        self.0.as_ref()?.metrics.as_ref()
    }

    fn spans(&self) -> Option<(&Inner, &Spans)> {
        let inner = self.0.as_deref()?;
        Some((inner, inner.spans.as_ref()?))
    }

    /// Whether metrics are taken just now.
    pub(super) fn is_watched(&self) -> bool {
        self.metrics().is_some()
    }

    fn metrics(&self) -> Option<(&Inner, &Metrics)> {
        let inner = self.0.as_deref()?;
        let metrics = inner.metrics.as_ref()?;
        inner.shared.source.is_watched().then_some((inner, metrics))
    }
}

impl Inner {
    fn as_sent<'a>(
        &self,
        record: &'a Outgoing,
        position: &'a Position,
        started: Timestamp,
    ) -> Sent<'a> {
        Sent {
            record,
            position,
            started,
            ended: self.world.now(),
        }
    }

    fn count_sent(&self, sent: &Sent<'_>) {
        if let Some(metrics) = &self.metrics
            && self.shared.source.is_watched()
        {
            let took = sent.ended.duration_since(sent.started);
            metrics.sent(&sent.record.topic, took, None);
        }
    }
}

/// What stands on each span of a service.
fn common(options: &Options, cluster: Option<&str>) -> Vec<KeyValue> {
    let mut common = Vec::with_capacity(6);
    options.semconv.put_system(&mut common);
    if let Some(client) = &options.client_id {
        common.push(KeyValue::new(semconv::CLIENT_ID, Arc::clone(client)));
    }
    if let Some((address, port)) = &options.server {
        common.push(KeyValue::new(semconv::SERVER_ADDRESS, Arc::clone(address)));
        common.push(KeyValue::new(semconv::SERVER_PORT, i64::from(*port)));
    }
    if let Some(cluster) = cluster {
        let cluster = cluster.to_owned();
        options
            .semconv
            .put(&mut common, semconv::CLUSTER_ID, cluster);
    }
    common
}
