//! Options below `[telemetry]`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::{Kafka, Secret, unset_if_empty};
use crate::observe::{Keys, Mode, Options, Semconv};

/// Where spans and metrics go, and which.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Where spans and metrics are sent. `None`: nowhere.
    #[serde(deserialize_with = "endpoint")]
    pub endpoint: Option<String>,
    /// The certificates to trust. `None`: the system's.
    #[serde(deserialize_with = "unset_if_empty")]
    pub tls_ca_file: Option<PathBuf>,
    /// How they are sent.
    pub protocol: Protocol,
    /// Headers of each request, `NAME=VALUE` with commas between.
    #[serde(deserialize_with = "unset_if_empty")]
    pub headers_secret: Option<Secret>,
    /// When a reaction's span is a child of the span that published its event.
    pub trace_mode: Mode,
    /// In mode `auto`: how old an event may be for that, in milliseconds.
    pub join_window_ms: u64,
    /// Share of all flows whose spans are kept.
    pub sample_ratio: f64,
    /// Which names attributes have.
    pub semconv: Semconv,
    /// Whether and how keys of events stand on spans.
    pub keys: Keys,
    /// Longest that one request may take, in milliseconds.
    pub timeout_ms: u64,
    /// Spans that wait to be sent.
    pub spans_queue_max: usize,
    /// Spans in one request.
    pub spans_batch_max: usize,
    /// Longest that a span waits for company, in milliseconds.
    pub spans_delay_ms: u64,
    /// Time between two requests with metrics, in milliseconds.
    pub metrics_interval_ms: u64,
    /// Time between two looks at how far behind a service is, in milliseconds.
    pub lag_interval_ms: u64,
    /// Longest that a program that ends waits for the last request, in milliseconds.
    pub flush_timeout_ms: u64,
    /// Whether `/metrics` is served on the health port.
    pub prometheus: bool,
}

/// How spans and metrics are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP, as protobuf.
    Http,
}

impl Telemetry {
    /// How the bus tells what it does.
    pub fn options(&self, kafka: &Kafka) -> Options {
        Options {
            mode: self.trace_mode,
            join_window: Duration::from_millis(self.join_window_ms),
            sample_ratio: self.sample_ratio,
            semconv: self.semconv,
            keys: self.keys,
            client_id: Some(kafka.client_id.as_str().into()),
            server: server(&kafka.brokers),
            lag_interval: Duration::from_millis(self.lag_interval_ms),
        }
    }

    /// Headers of each request, by name. `None`: they cannot be read.
    pub fn headers(&self) -> Option<Vec<(String, String)>> {
        let Some(secret) = &self.headers_secret else {
            return Some(Vec::new());
        };
        let pairs = secret.reveal().split(',').map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let fits = !name.is_empty()
                && name.chars().all(is_name)
                && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            fits.then(|| (name, value.to_owned()))
        });
        pairs.collect()
    }

    /// Longest that one request may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// Longest that a program that ends waits for the last request.
    pub fn flush_timeout(&self) -> Duration {
        Duration::from_millis(self.flush_timeout_ms)
    }
}

/// The broker that is named first.
fn server(brokers: &str) -> Option<(std::sync::Arc<str>, u16)> {
    let (host, port) = brokers.split(',').next()?.trim().rsplit_once(':')?;
    Some((host.into(), port.parse().ok()?))
}

fn endpoint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.is_empty() {
        true => Ok(None),
        false => otlp_endpoint(&text).map(Some).map_err(D::Error::custom),
    }
}

/// An address to send OTLP to. The error says how it must be.
pub fn otlp_endpoint(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("http://");
    let host = host.or_else(|| text.strip_prefix("https://"));
    let host = host.unwrap_or_default();
    let is_host = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#' | '"');
    match !host.is_empty() && !host.starts_with(['/', ':']) && host.chars().all(is_host) {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err("it is no address such as http://127.0.0.1:4317".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Layout, Sources};

    #[test]
    fn an_endpoint_is_an_address() {
        let load = |text: &str| {
            let set = Sources::none().set("telemetry.endpoint", text);
            Layout::bus().load(set)
        };
        for (given, endpoint) in [
            ("", None),
            ("http://127.0.0.1:4317", Some("http://127.0.0.1:4317")),
            ("http://collector:4318/", Some("http://collector:4318")),
            ("https://a:1", Some("https://a:1")),
        ] {
            let loaded = load(given).unwrap();
            assert_eq!(loaded.bus().telemetry.endpoint.as_deref(), endpoint);
        }
        for wrong in [
            "collector:4317",
            "http://",
            "http://a b",
            "https://",
            "grpc://a",
        ] {
            assert!(load(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn headers_are_pairs_and_are_never_shown() {
        let load = |text: &str| {
            let set = Sources::none().set("telemetry.headers_secret", text);
            Layout::bus().load(set).unwrap()
        };
        let loaded = load("Authorization=Bearer hunter2, x-scope=a=b");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            loaded.bus().telemetry.headers(),
            Some(vec![
                pair("authorization", "Bearer hunter2"),
                pair("x-scope", "a=b")
            ])
        );
        assert!(!format!("{:?}", loaded.bus()).contains("hunter2"));
        assert!(!loaded.to_toml().contains("hunter2"));
        for wrong in ["hunter2", "=hunter2", "a b=c", "a=b,"] {
            assert_eq!(load(wrong).bus().telemetry.headers(), None, "{wrong}");
        }
    }
}
