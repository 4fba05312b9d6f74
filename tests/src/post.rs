//! A post in memory, for flows without a mail server.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use quadrille::Failure;
use quadrille_notifications::mail::{Letter, Post};

/// The mails that were sent.
#[derive(Debug, Default)]
pub struct Mails(Mutex<Vec<Mail>>);

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mail {
    /// Its Message-ID.
    pub message_id: String,
    /// The whole of it.
    pub text: String,
}

impl Mails {
    /// All of them, as often as they were sent.
    pub fn sent(&self) -> Vec<Mail> {
        let mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mails.clone()
    }
}

#[async_trait]
impl Post for Mails {
    async fn send(&self, letter: Letter) -> Result<(), Failure> {
        let message_id = letter.message_id().to_owned();
        let from = "orders@example.invalid".parse().expect("it is an address");
        let text = String::from_utf8_lossy(&letter.message(&from)?.formatted()).into_owned();
        let mut mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push(Mail { message_id, text });
        Ok(())
    }
}
