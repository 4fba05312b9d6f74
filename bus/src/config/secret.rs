//! A value that must not be read by whoever reads logs, errors or dumps of a configuration.
//!
//! It has no `Display`, so that it cannot get into a message, and its `Debug` says nothing of it.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};

/// A password or the like. Neither `Debug` nor any error shows it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a value secret from now on.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for whoever proves something with it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Serde's own error would quote what it found in the place of a text.
        match String::deserialize(deserializer) {
            Ok(text) => Ok(Self(text)),
            Err(_) => Err(D::Error::custom("a secret must be a text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_neither_in_debug_nor_in_an_error() {
        let secret: Secret = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(secret, Secret::new("hunter2"));
        assert_eq!(secret.reveal(), "hunter2");
        assert_eq!(format!("{:?}", Some(secret)), "Some(***)");
        let wrong = serde_json::from_str::<Secret>("4711").unwrap_err();
        assert!(!wrong.to_string().contains("4711"), "{wrong}");
    }
}
