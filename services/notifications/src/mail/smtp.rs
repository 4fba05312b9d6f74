//! The post over SMTP.
//!
//! What a server says when it refuses is not passed on: it repeats the address. Its code is.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls as Encryption, TlsParameters};
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use quadrille::Failure;

use super::config::{Server, Tls};
use super::{Config, Letter, Post};

/// Connections that are kept open.
const CONNECTIONS_MAX: u32 = 10;

/// A mail server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// A server. Nothing is connected yet.
    pub(super) fn new(config: &Config, server: &Server) -> Result<Self, Error> {
        let tls = match config.tls {
            Tls::None => Encryption::None,
            Tls::Tls => Encryption::Wrapper(TlsParameters::new(server.host.clone())?),
            Tls::Starttls => Encryption::Required(TlsParameters::new(server.host.clone())?),
        };
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.host.clone())
                .port(server.port)
                .tls(tls)
                .timeout(Some(Duration::from_millis(config.timeout_ms)))
                .pool_config(PoolConfig::new().max_size(CONNECTIONS_MAX));
        if let Some(user) = &config.user {
            let password = config.password.clone().unwrap_or_default();
            let password = password.reveal().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(Self {
            transport: builder.build(),
            from: config.from.clone(),
        })
    }
}

#[async_trait]
impl Post for Smtp {
    async fn send(&self, letter: Letter) -> Result<(), Failure> {
        let message = letter.message(&self.from)?;
        let sent = self.transport.send(message).await;
        sent.map(drop).map_err(|error| failure(&error))
    }
}

/// A server that says no for ever parks the event; whatever else it is may pass.
fn failure(error: &Error) -> Failure {
    let code = error.status().map(|code| code.to_string());
    match code {
        Some(code) if error.is_permanent() => {
            // Who we are is the operator's mistake, not the mail's: it waits until that is mended.
            let what = format!("the mail server refused it with {code}");
            match code.as_str() {
                "530" | "534" | "535" | "538" => Failure::outage("mail_not_let_in", what),
                _ => Failure::park("mail_refused", what),
            }
        }
        Some(code) => Failure::outage("mail_down", format!("the mail server answered {code}")),
        None => {
            let what = match (error.is_timeout(), error.is_tls()) {
                (true, _) => "the mail server did not answer in time",
                (_, true) => "the connection to the mail server could not be encrypted",
                _ => "the mail server cannot be reached",
            };
            Failure::outage("mail_unreachable", what)
        }
    }
}

#[cfg(test)]
mod tests;
