//! A mailbox outside, reached through [`Outside`]: it keeps every mail that was sent to it.
//!
//! Unlike a gateway or a carrier it honours no keys, as no mail server does: a mail that is sent twice
//! is there twice, and its Message-ID tells that it is one.

use async_trait::async_trait;
use quadrille::Failure;
use quadrille_notifications::mail::{Letter, Post};
use quadrille_simulator::Outside;

use crate::party::{Books, Party};

/// One mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its Message-ID.
    pub message_id: String,
    /// What it is about.
    pub subject: String,
}

/// The mailbox.
pub struct Mailbox(Party<Vec<Mail>>);

/// What was sent to it, as often as it was. Cheap to clone.
#[derive(Clone)]
pub struct Mails(Books<Vec<Mail>>);

impl Mailbox {
    /// An empty one.
    pub fn new(outside: Outside) -> Self {
        Self(Party::new(outside))
    }

    /// What is in it.
    pub fn mails(&self) -> Mails {
        Mails(self.0.books())
    }
}

impl Mails {
    /// All of them, in the order in which they came.
    pub fn all(&self) -> Vec<Mail> {
        self.0.with(|mails| mails.clone())
    }
}

#[async_trait]
impl Post for Mailbox {
    async fn send(&self, letter: Letter) -> Result<(), Failure> {
        let message_id = letter.message_id().to_owned();
        let from = "orders@example.invalid".parse().expect("it is an address");
        let mail = letter.message(&from)?.formatted();
        let mail = String::from_utf8_lossy(&mail).into_owned();
        let subject = mail.lines().find_map(|line| line.strip_prefix("Subject: "));
        let subject = subject.unwrap_or_default().to_owned();
        let mail = Mail {
            message_id,
            subject,
        };
        self.0.call(move |mails| mails.push(mail)).await
    }
}
