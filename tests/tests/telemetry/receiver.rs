//! An OTLP receiver: keeps what it gets, and can be asked for it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use quadrille::world;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

/// A receiver on a port of its own.
pub(crate) struct Receiver {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    got: Got,
    _serving: world::Scoped<()>,
}

#[derive(Clone, Default)]
struct Got {
    traces: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    metrics: Arc<Mutex<Vec<ExportMetricsServiceRequest>>>,
    headers: Arc<Mutex<Vec<String>>>,
}

/// A span, as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) has_failed: bool,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) links: Vec<Link>,
}

/// A link of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) kind: String,
}

impl Span {
    pub(crate) fn flow(&self) -> &str {
        self.get("messaging.message.conversation_id")
    }

    /// An attribute. Empty: there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    pub(crate) fn is_send(&self) -> bool {
        self.kind == SpanKind::Producer
    }
}

impl Receiver {
    pub(crate) async fn start(world: &world::Shared) -> Self {
        Self::start_as(world, Server::builder()).await
    }

    /// One that speaks TLS only, as the one whom the certificate names.
    pub(crate) async fn start_tls(world: &world::Shared, identity: Identity) -> Self {
        let tls = ServerTlsConfig::new().identity(identity);
        Self::start_as(world, Server::builder().tls_config(tls).unwrap()).await
    }

    async fn start_as(world: &world::Shared, mut server: Server) -> Self {
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = incoming.local_addr().unwrap();
        let got = Got::default();
        let serving = server
            .add_service(TraceServiceServer::new(got.clone()))
            .add_service(MetricsServiceServer::new(got.clone()))
            .serve_with_incoming(incoming);
        let serving = world::spawn(world, "receiver", async move { serving.await.unwrap() });
        Self {
            address,
            got,
            _serving: serving.scoped(),
        }
    }

    /// Where to send to.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans that it got.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let requests = self.got.traces.lock().unwrap();
        let of_services = requests.iter().flat_map(|request| &request.resource_spans);
        let mut spans = Vec::new();
        for of_service in of_services {
            let resource = of_service.resource.as_ref().unwrap();
            let service = texts(&resource.attributes).remove("service.name").unwrap();
            for of_scope in &of_service.scope_spans {
                let schema = &of_scope.schema_url;
                spans.extend(of_scope.spans.iter().map(|span| Span {
                    service: service.clone(),
                    schema: schema.clone(),
                    name: span.name.clone(),
                    kind: span.kind(),
                    trace: hex(&span.trace_id),
                    id: hex(&span.span_id),
                    parent: hex(&span.parent_span_id),
                    start: span.start_time_unix_nano,
                    end: span.end_time_unix_nano,
                    has_failed: span.status.as_ref().is_some_and(|status| {
                        assert_eq!(status.message, "", "a status has no text");
                        status.code() == StatusCode::Error
                    }),
                    attributes: texts(&span.attributes),
                    links: span.links.iter().map(link).collect(),
                }));
            }
        }
        spans
    }

    /// Names of all metrics that it got.
    pub(crate) fn metric_names(&self) -> Vec<String> {
        let requests = self.got.metrics.lock().unwrap();
        let of_services = requests
            .iter()
            .flat_map(|request| &request.resource_metrics);
        let of_scopes = of_services.flat_map(|of_service| &of_service.scope_metrics);
        let metrics = of_scopes.flat_map(|of_scope| &of_scope.metrics);
        let mut names: Vec<_> = metrics.map(|metric| metric.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// All that it got, as text.
    pub(crate) fn everything(&self) -> String {
        let (traces, metrics) = (&self.got.traces, &self.got.metrics);
        format!("{:?}{:?}", traces.lock().unwrap(), metrics.lock().unwrap())
    }

    /// What requests said of who sends.
    pub(crate) fn headers(&self) -> Vec<String> {
        self.got.headers.lock().unwrap().clone()
    }
}

fn link(link: &opentelemetry_proto::tonic::trace::v1::span::Link) -> Link {
    Link {
        trace: hex(&link.trace_id),
        id: hex(&link.span_id),
        kind: texts(&link.attributes).remove("bus.link.kind").unwrap(),
    }
}

fn texts(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| {
        let value = pair.value.clone().unwrap_or_default();
        (pair.key.clone(), text(value))
    };
    let all: BTreeMap<_, _> = pairs.iter().map(text).collect();
    assert_eq!(
        all.len(),
        pairs.len(),
        "no attribute stands twice: {pairs:?}"
    );
    all
}

fn text(value: AnyValue) -> String {
    match value.value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(is)) => is.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tonic::async_trait]
impl TraceService for Got {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let who = request.metadata().get("authorization");
        let who = who.and_then(|who| who.to_str().ok()).unwrap_or_default();
        self.headers.lock().unwrap().push(who.to_owned());
        self.traces.lock().unwrap().push(request.into_inner());
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Got {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.metrics.lock().unwrap().push(request.into_inner());
        Ok(Response::new(Default::default()))
    }
}
