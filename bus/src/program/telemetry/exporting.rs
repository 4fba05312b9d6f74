//! OpenTelemetry's SDK, set up as `[telemetry]` says: a tracer and a meter for each service.
//!
//! Spans wait in a bounded queue for a thread of the SDK's own, which sends them in batches; where the
//! queue is full, spans are dropped, and events go on. The end of a program waits for the last batch,
//! within a limit.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use futures::future::join_all;
use opentelemetry::KeyValue;
use opentelemetry::global::BoxedTracer;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig as _,
    WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, TracerProviderBuilder,
};
use prometheus::proto::MetricFamily;
use prometheus::{Registry, TextEncoder};

use super::http::Client;
use super::ids::Ids;
use super::sampler::ByFlow;
use super::warned::Warned;
use crate::config::{self, Kafka, Protocol};
use crate::health::Exposition;
use crate::observe::{self, Instruments, Source, Telemetry, Who};
use crate::program::{Exit, Failure};
use crate::world;

/// The one metric whose labels are what describes the service.
const TARGET_INFO: &str = "target_info";

/// Sends spans and metrics for as long as a program runs.
pub struct Exporting {
    shared: Arc<Shared>,
}

struct Shared {
    config: config::Telemetry,
    // `None`: without encryption.
    tls: Option<ClientTlsConfig>,
    headers: Vec<(String, String)>,
    // One for each service, which its label names: in one of them all, two services of a process
    // would be two metrics of one name. `None`: nobody may read them.
    registries: Option<Mutex<Vec<Registry>>>,
    // Set by the first look at metrics.
    is_scraped: Arc<AtomicBool>,
    providers: Mutex<Vec<(Option<SdkTracerProvider>, Option<SdkMeterProvider>)>>,
}

struct Given(Arc<Shared>);

/// A tracer provider that keeps what the bus asks of one: for a program that sets up its own.
pub fn builder(sample_ratio: f64) -> TracerProviderBuilder {
    let sampler = ByFlow {
        ratio: sample_ratio,
    };
    SdkTracerProvider::builder()
        .with_id_generator(Ids::default())
        .with_sampler(Box::new(sampler) as Box<dyn opentelemetry_sdk::trace::ShouldSample>)
}

impl Exporting {
    /// Sets up what `[telemetry]` says. Contacts nobody.
    pub fn start(config: &config::Telemetry, kafka: &Kafka) -> Result<(Self, Telemetry), Failure> {
        let wrong = |message: String| Failure::new(Exit::Configuration, message);
        let headers = config.headers().ok_or_else(|| {
            wrong("telemetry.headers_secret cannot be read".to_owned())
                .mend("write it as NAME=VALUE, with commas between pairs")
        })?;
        let tls = tls(config)?;
        let shared = Arc::new(Shared {
            config: config.clone(),
            tls,
            headers,
            registries: config.prometheus.then(Mutex::default),
            is_scraped: Arc::default(),
            providers: Mutex::default(),
        });
        if let Some(endpoint) = &config.endpoint {
            // What cannot be made is told before anything runs.
            shared.span_exporter(endpoint).map_err(|error| {
                wrong(format!("cannot send telemetry to {endpoint}")).because(&error)
            })?;
        }
        let telemetry = match config.endpoint.is_some() || config.prometheus {
            true => Telemetry::new(Given(Arc::clone(&shared)), config.options(kafka)),
            false => Telemetry::off(),
        };
        Ok((Self { shared }, telemetry))
    }

    /// What `/metrics` shows. `None`: it is not served.
    pub fn exposition(&self) -> Option<Exposition> {
        self.shared.registries.as_ref()?;
        let shared = Arc::clone(&self.shared);
        Some(Exposition::new(move || {
            shared.is_scraped.store(true, Ordering::Relaxed);
            let text = TextEncoder::new().encode_to_string(&shared.gathered());
            text.map_err(|error| error.to_string())
        }))
    }

    /// Sends what still waits, within the limit.
    pub async fn end(self, world: &world::Shared) {
        let limit = self.shared.config.flush_timeout();
        let providers = std::mem::take(
            &mut *self
                .shared
                .providers
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let ending = providers.into_iter().map(|(spans, metrics)| {
            // They wait for threads of their own.
            tokio::task::spawn_blocking(move || {
                // What could not be sent has been warned of.
                let _ = spans.map(|spans| spans.shutdown_with_timeout(limit));
                let _ = metrics.map(|metrics| metrics.shutdown_with_timeout(limit));
            })
        });
        if world::timeout(world, limit, join_all(ending))
            .await
            .is_none()
        {
            observe::not_flushed(limit);
        }
    }
}

impl Source for Given {
    fn instruments(&self, who: &Who<'_>) -> Instruments {
        let Self(shared) = self;
        let scope = Telemetry::scope(shared.config.semconv);
        let resource = resource(who);
        let spans = shared.config.endpoint.as_ref().map(|endpoint| {
            shared
                .spans(endpoint, resource.clone())
                .expect("the exporter could be made when the program started")
        });
        let metrics = shared
            .metrics(who.service, resource)
            .expect("the exporter could be made when the program started");
        let instruments = Instruments {
            tracer: spans
                .as_ref()
                .map(|spans| BoxedTracer::new(Box::new(spans.tracer_with_scope(scope.clone())))),
            meter: Some(metrics.meter_with_scope(scope)),
        };
        let mut providers = shared
            .providers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        providers.push((spans, Some(metrics)));
        instruments
    }

    fn is_watched(&self) -> bool {
        self.0.config.endpoint.is_some() || self.0.is_scraped.load(Ordering::Relaxed)
    }
}

/// How requests are encrypted. `None`: not at all.
fn tls(config: &config::Telemetry) -> Result<Option<ClientTlsConfig>, Failure> {
    let wrong = |message: &str| Failure::new(Exit::Configuration, message);
    let is_tls = config
        .endpoint
        .as_ref()
        .is_some_and(|endpoint| endpoint.starts_with("https://"));
    match (is_tls, config.protocol, &config.tls_ca_file) {
        (false, _, None) => Ok(None),
        (false, _, Some(_)) => Err(wrong(
            "telemetry.tls_ca_file is set, but telemetry.endpoint goes without TLS",
        )
        .mend("name an endpoint that begins with https://, or leave telemetry.tls_ca_file empty")),
        (true, Protocol::Http, _) => Err(wrong(
            "telemetry.endpoint begins with https://, but OTLP over HTTP goes without TLS",
        )
        .mend("set telemetry.protocol = \"grpc\", with the endpoint's port for gRPC")),
        (true, Protocol::Grpc, None) => Ok(Some(ClientTlsConfig::new().with_native_roots())),
        (true, Protocol::Grpc, Some(file)) => {
            let trusted = std::fs::read(file).map_err(|error| {
                wrong(&format!(
                    "telemetry.tls_ca_file = {} cannot be read",
                    file.display()
                ))
                .because(&error)
            })?;
            let trusted = Certificate::from_pem(trusted);
            Ok(Some(ClientTlsConfig::new().ca_certificate(trusted)))
        }
    }
}

/// A service as a resource. `OTEL_RESOURCE_ATTRIBUTES` in the environment adds to it.
fn resource(who: &Who<'_>) -> Resource {
    let named = [
        ("service.version", who.version),
        ("service.instance.id", who.instance),
    ];
    let named = named.into_iter().filter(|(_, value)| !value.is_empty());
    Resource::builder()
        .with_service_name(who.service.to_owned())
        .with_attributes(named.map(|(name, value)| KeyValue::new(name, value.to_owned())))
        .build()
}

impl Shared {
    fn spans(
        &self,
        endpoint: &str,
        resource: Resource,
    ) -> Result<SdkTracerProvider, ExporterBuildError> {
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(self.config.spans_queue_max)
            .with_max_export_batch_size(self.config.spans_batch_max)
            .with_scheduled_delay(Duration::from_millis(self.config.spans_delay_ms))
            .build();
        let exporter = Warned::new("spans", self.span_exporter(endpoint)?);
        let batches = BatchSpanProcessor::builder(exporter).with_batch_config(batches);
        Ok(builder(self.config.sample_ratio)
            .with_resource(resource)
            .with_span_processor(batches.build())
            .build())
    }

    fn metrics(
        &self,
        service: &str,
        resource: Resource,
    ) -> Result<SdkMeterProvider, ExporterBuildError> {
        let mut provider = SdkMeterProvider::builder().with_resource(resource);
        if let Some(endpoint) = &self.config.endpoint {
            let exporter = Warned::new("metrics", self.metric_exporter(endpoint)?);
            let interval = Duration::from_millis(self.config.metrics_interval_ms);
            let reader = PeriodicReader::builder(exporter).with_interval(interval);
            provider = provider.with_reader(reader.build());
        }
        if let Some(registries) = &self.registries {
            let wrong = |error: String| ExporterBuildError::InternalFailure(error);
            let label = HashMap::from([("service_name".to_owned(), service.to_owned())]);
            let registry = Registry::new_custom(None, Some(label));
            let registry = registry.map_err(|error| wrong(error.to_string()))?;
            let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone());
            let reader = reader.build().map_err(|error| wrong(error.to_string()))?;
            provider = provider.with_reader(reader);
            let mut registries = registries.lock().unwrap_or_else(PoisonError::into_inner);
            registries.push(registry);
        }
        Ok(provider.build())
    }

    /// The metrics of all services, each name once, as the text form wants it.
    fn gathered(&self) -> Vec<MetricFamily> {
        let registries = self.registries.iter().flat_map(|registries| {
            registries
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        });
        let mut by_name = BTreeMap::<String, MetricFamily>::new();
        for mut family in registries.flat_map(|registry| registry.gather()) {
            if family.name() == TARGET_INFO {
                for metric in family.mut_metric() {
                    // What describes the service says its name by itself, too.
                    let mut labels = metric.take_label();
                    labels.sort_by(|one, other| one.name().cmp(other.name()));
                    labels.dedup_by(|one, other| one.name() == other.name());
                    metric.set_label(labels);
                }
            }
            match by_name.get_mut(family.name()) {
                Some(known) => known.mut_metric().extend(family.take_metric()),
                None => {
                    by_name.insert(family.name().to_owned(), family);
                }
            }
        }
        by_name.into_values().collect()
    }

    fn span_exporter(&self, endpoint: &str) -> Result<SpanExporter, ExporterBuildError> {
        match self.config.protocol {
            Protocol::Grpc => {
                let builder = SpanExporter::builder().with_tonic();
                self.over_grpc(builder, endpoint)?.build()
            }
            Protocol::Http => SpanExporter::builder()
                .with_http()
                .with_endpoint(format!("{endpoint}/v1/traces"))
                .with_timeout(self.config.timeout())
                .with_headers(self.headers())
                .with_http_client(self.client()?)
                .build(),
        }
    }

    fn metric_exporter(&self, endpoint: &str) -> Result<MetricExporter, ExporterBuildError> {
        match self.config.protocol {
            Protocol::Grpc => {
                let builder = MetricExporter::builder().with_tonic();
                self.over_grpc(builder, endpoint)?.build()
            }
            Protocol::Http => MetricExporter::builder()
                .with_http()
                .with_endpoint(format!("{endpoint}/v1/metrics"))
                .with_timeout(self.config.timeout())
                .with_headers(self.headers())
                .with_http_client(self.client()?)
                .build(),
        }
    }

    fn over_grpc<B: WithExportConfig + WithTonicConfig>(
        &self,
        builder: B,
        endpoint: &str,
    ) -> Result<B, ExporterBuildError> {
        let builder = builder
            .with_endpoint(endpoint)
            .with_timeout(self.config.timeout())
            .with_metadata(self.metadata()?);
        Ok(match &self.tls {
            Some(tls) => builder.with_tls_config(tls.clone()),
            None => builder,
        })
    }

    fn headers(&self) -> HashMap<String, String> {
        self.headers.iter().cloned().collect()
    }

    fn metadata(&self) -> Result<MetadataMap, ExporterBuildError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let wrong = |_| ExporterBuildError::InvalidConfiguration(format!("header {name}"));
            let name: HeaderName = name.parse().map_err(|_| wrong(()))?;
            let mut value: HeaderValue = value.parse().map_err(|_| wrong(()))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(MetadataMap::from_headers(headers))
    }

    fn client(&self) -> Result<Client, ExporterBuildError> {
        let client = Client::new(self.config.timeout());
        client.map_err(|error| ExporterBuildError::InternalFailure(error.to_string()))
    }
}
