//! OTLP over HTTP, from threads that have no runtime of their own.

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

/// Largest answer that is read, in bytes: a collector says little.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Sends on the program's runtime. OpenTelemetry's SDK asks from a thread of its own, which waits.
#[derive(Debug)]
pub(super) struct Client {
    client: reqwest::Client,
    runtime: Handle,
}

impl Client {
    /// On the runtime that this is called from.
    pub(super) fn new(timeout: std::time::Duration) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().timeout(timeout).no_proxy();
        Ok(Self {
            client: client.build()?,
            runtime: Handle::current(),
        })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let answer = client.execute(request.try_into()?).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.extend(answer.headers().clone());
            }
            let is_short = answer
                .content_length()
                .is_none_or(|length| length <= ANSWER_BYTES_MAX);
            let body = match is_short {
                true => answer.bytes().await?,
                false => Bytes::new(),
            };
            Ok(response.body(body)?)
        });
        sent.await?
    }
}
