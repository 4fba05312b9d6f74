//! A running `quadrille up`, asked over HTTP.

use std::time::Duration;

use bytes::BytesMut;
use quadrille::program::{Exit, Failure};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::accept::{Accepted, Kind, Refused};
use crate::api::error::Body;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for an answer that is not a stream.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest event of a stream, in bytes.
const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A running `quadrille up`.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    /// At this address. Nothing is connected yet.
    pub fn new(url: &str) -> Result<Self, Failure> {
        let url = url.trim_end_matches('/').to_owned();
        if reqwest::Url::parse(&url).is_err() || !url.starts_with("http://") {
            let message = format!("`{url}` is not the address of a running `quadrille up`");
            return Err(Failure::new(Exit::Usage, message)
                .mend("write it as http://HOST:PORT in --url or QUADRILLE_URL"));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy()
            .build();
        let http = http.map_err(|error| {
            Failure::new(Exit::Failed, "cannot make an HTTP client").because(&error)
        })?;
        Ok(Self { http, url })
    }

    /// Sends one CloudEvent.
    pub async fn emit(&self, event: &Value) -> Result<Accepted, Refused> {
        let body = event.to_string();
        let request = self
            .http
            .post(format!("{}/v1/events", self.url))
            .header("content-type", "application/cloudevents+json")
            .timeout(ANSWER_TIMEOUT)
            .body(body);
        let answer = request.send().await.map_err(|error| self.lost(&error))?;
        let status = answer.status();
        if status == StatusCode::ACCEPTED {
            return answer.json().await.map_err(|error| self.lost(&error));
        }
        let told = problem(answer).await;
        let kind = match status {
            StatusCode::UNPROCESSABLE_ENTITY => Kind::Unfit,
            StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
            StatusCode::SERVICE_UNAVAILABLE => Kind::Unreachable,
            StatusCode::BAD_GATEWAY => Kind::Refused,
            _ => Kind::Malformed,
        };
        Err(Refused {
            kind,
            error: told.error,
            mend: told.mend,
        })
    }

    fn lost(&self, error: &reqwest::Error) -> Refused {
        Refused {
            kind: Kind::Unreachable,
            error: format!("{}: {}", self.out_of_reach(), innermost(error)),
            mend: START.to_owned(),
        }
    }

    fn out_of_reach(&self) -> String {
        format!("no `quadrille up` answers at {}", self.url)
    }

    /// Asks for something; `None` where there is no such thing.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<T>, Failure> {
        let mut url = self.at(path);
        url.query_pairs_mut().extend_pairs(query);
        let request = self.http.get(url).timeout(ANSWER_TIMEOUT);
        let answer = request.send().await.map_err(|error| self.failure(&error))?;
        match answer.status() {
            StatusCode::OK => answer.json().await.map(Some).map_err(|error| {
                let message = format!("the answer of {} is not understood", self.url);
                Failure::new(Exit::Failed, message)
                    .because(&error)
                    .mend("use a `quadrille` of the same version as the one that runs")
            }),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(answered(answer).await),
        }
    }

    /// Opens a stream of events.
    pub async fn stream(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Stream, Failure> {
        let mut url = self.at(path);
        url.query_pairs_mut().extend_pairs(query);
        let answer = self.http.get(url).send().await;
        let answer = answer.map_err(|error| self.failure(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(answered(answer).await);
        }
        Ok(Stream {
            answer,
            buffer: BytesMut::new(),
            url: self.url.clone(),
        })
    }

    /// The address of a path, whose parts may hold any character.
    fn at(&self, path: &[&str]) -> reqwest::Url {
        let mut url = reqwest::Url::parse(&self.url).expect("checked when the client was made");
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(path);
        }
        url
    }

    fn failure(&self, error: &reqwest::Error) -> Failure {
        Failure::new(Exit::Unreachable, self.out_of_reach())
            .because(&std::io::Error::other(innermost(error)))
            .mend(START)
    }
}

/// What to do where nobody answers.
const START: &str = "start it with `quadrille up`, or name its address by --url or QUADRILLE_URL; \
                     for a Kafka cluster use --kafka HOST:PORT";

/// Server-sent events.
pub struct Stream {
    answer: Response,
    buffer: BytesMut,
    url: String,
}

/// One server-sent event.
#[derive(Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its name.
    pub name: String,
    /// What it says.
    pub data: String,
}

impl Stream {
    /// Waits for the next event. `None`: the other side has ended the stream.
    pub async fn next(&mut self) -> Result<Option<Sent>, Failure> {
        loop {
            while let Some(sent) = take(&mut self.buffer) {
                if !sent.data.is_empty() {
                    return Ok(Some(sent));
                }
            }
            let broken = |why: String| {
                let message = format!("the connection to {} broke off", self.url);
                Failure::new(Exit::Unreachable, message)
                    .because(&std::io::Error::other(why))
                    .mend("see whether `quadrille up` still runs")
            };
            let chunk = self.answer.chunk().await;
            let Some(chunk) = chunk.map_err(|error| broken(innermost(&error)))? else {
                return Ok(None);
            };
            if self.buffer.len() + chunk.len() > EVENT_BYTES_MAX {
                return Err(broken(format!(
                    "an event is larger than {EVENT_BYTES_MAX} bytes"
                )));
            }
            self.buffer.extend_from_slice(&chunk);
        }
    }
}

/// Takes the first event that is complete.
fn take(buffer: &mut BytesMut) -> Option<Sent> {
    let end = buffer.windows(2).position(|two| two == b"\n\n")?;
    let block = buffer.split_to(end + 2);
    let text = String::from_utf8_lossy(&block);
    let (mut name, mut data) = (String::new(), String::new());
    for line in text.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value.to_owned(),
            "data" => data.push_str(value),
            // Ids and comments are of no use here.
            _ => {}
        }
    }
    Some(Sent { name, data })
}

async fn answered(answer: Response) -> Failure {
    let exit = match answer.status() {
        StatusCode::SERVICE_UNAVAILABLE => Exit::Unreachable,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Exit::Usage,
        _ => Exit::Failed,
    };
    let Body { error, mend } = problem(answer).await;
    Failure::new(exit, error).mend(mend)
}

async fn problem(answer: Response) -> Body {
    let status = answer.status();
    let body = answer.json().await;
    body.unwrap_or_else(|_| Body {
        error: format!("the answer was {status}"),
        mend: "see whether the address is that of a `quadrille up`".to_owned(),
    })
}

/// What lies at the bottom of an HTTP client's error: the rest only names the request again.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_taken_one_by_one_however_they_are_cut() {
        // Shows that half an event waits for its other half, and that comments are no events.
        let mut buffer =
            BytesMut::from("event: event\nid: 1\ndata: {\"a\":1}\n\n: alive\n\ndata: x");
        let first = take(&mut buffer).unwrap();
        assert_eq!(
            (first.name.as_str(), first.data.as_str()),
            ("event", "{\"a\":1}")
        );
        assert_eq!(take(&mut buffer).unwrap().data, "");
        assert_eq!(take(&mut buffer), None);
        buffer.extend_from_slice(b"y\n\n");
        assert_eq!(take(&mut buffer).unwrap().data, "xy");
    }

    #[test]
    fn a_key_with_strange_characters_is_one_part_of_the_path() {
        // Shows that a business key such as `a/b?c` asks for what it says.
        let client = Client::new("http://127.0.0.1:7070/").unwrap();
        let url = client.at(&["api", "flows", "a/b?c"]);
        assert_eq!(url.as_str(), "http://127.0.0.1:7070/api/flows/a%2Fb%3Fc");
    }
}
