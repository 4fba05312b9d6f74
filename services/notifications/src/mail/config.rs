//! Where mails go, as the configuration says.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use lettre::message::Mailbox;
use quadrille::config::{Secret, unset_if_empty};
use serde::{Deserialize, Deserializer};

use super::{Folder, Port};

/// Where mails go, and who they are from.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The mail server. `None`: mails become files.
    #[serde(deserialize_with = "unset_if_empty")]
    pub server: Option<Server>,
    /// How the connection to it is encrypted.
    pub tls: Tls,
    /// Who this is.
    #[serde(deserialize_with = "unset_if_empty")]
    pub user: Option<String>,
    /// The user's password.
    #[serde(deserialize_with = "unset_if_empty")]
    pub password: Option<Secret>,
    /// Longest wait for the server, in milliseconds.
    pub timeout_ms: u64,
    /// Where mails become files.
    pub folder: PathBuf,
    /// Who they are from.
    #[serde(deserialize_with = "mailbox")]
    pub from: Mailbox,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Not at all.
    None,
    /// From the first byte on.
    Tls,
    /// Once it is asked for.
    Starttls,
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no HOST:PORT");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        if host.is_empty() || host.contains(['/', '@', ' ']) {
            return Err(wrong());
        }
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
        })
    }
}

fn mailbox<'de, D: Deserializer<'de>>(from: D) -> Result<Mailbox, D::Error> {
    use serde::de::Error as _;
    let text = String::deserialize(from)?;
    text.parse()
        .map_err(|_| D::Error::custom("no address such as Orders <orders@example.org>"))
}

/// Mails cannot be sent as the configuration says.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no TLS to be had.
    #[cfg(feature = "smtp")]
    #[error("cannot encrypt the connection to the mail server")]
    Tls(#[source] lettre::transport::smtp::Error),
    /// A server is named.
    #[cfg(not(feature = "smtp"))]
    #[error("this program was built without SMTP: build it with the cargo feature `smtp`")]
    NoSmtp,
}

impl Config {
    /// Files in a folder.
    pub fn of_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            server: None,
            tls: Tls::None,
            user: None,
            password: None,
            timeout_ms: 10_000,
            folder: folder.into(),
            from: "Orders <orders@example.invalid>"
                .parse()
                .expect("an address that a test reads as well"),
        }
    }

    /// The port that this says. Nothing is connected or made yet.
    pub fn port(&self) -> Result<Port, Error> {
        match &self.server {
            None => Ok(Arc::new(Folder::new(&self.folder, self.from.clone()))),
            #[cfg(feature = "smtp")]
            Some(server) => Ok(Arc::new(
                super::Smtp::new(self, server).map_err(Error::Tls)?,
            )),
            #[cfg(not(feature = "smtp"))]
            Some(_) => Err(Error::NoSmtp),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_a_host_and_a_port() {
        let server = |host: &str, port| Server {
            host: host.to_owned(),
            port,
        };
        assert_eq!("mail:25".parse(), Ok(server("mail", 25)));
        assert_eq!("[::1]:25".parse(), Ok(server("::1", 25)));
        for wrong in ["mail", ":25", "mail:smtp", "smtp://mail:25", "a@mail:25"] {
            assert!(wrong.parse::<Server>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn without_a_server_mails_become_files() {
        assert!(Config::of_folder("mail").port().is_ok());
    }
}
