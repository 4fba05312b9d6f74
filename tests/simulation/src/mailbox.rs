//! A mailbox outside, reached through [`Outside`]: it keeps every mail that was sent to it.
//!
//! Unlike a gateway or a carrier it honours no keys, as no mail server does: a mail that is sent twice
//! is there twice, and its Message-ID tells that it is one. Some mails it refuses, however often they are
//! sent.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

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

/// Orders about which mails are refused. Cheap to clone.
#[derive(Clone, Default)]
pub struct Refused(Arc<Mutex<BTreeSet<String>>>);

impl Refused {
    /// From now on mails about an order are refused.
    pub fn add(&self, order: String) {
        let mut orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Refused twice is refused once.
        let _ = orders.insert(order);
    }

    /// Whether mails about an order are refused.
    pub fn has(&self, order: &str) -> bool {
        let orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        orders.contains(order)
    }
}

/// The mailbox.
pub struct Mailbox {
    party: Party<Vec<Mail>>,
    refused: Refused,
}

/// What was sent to it, as often as it was. Cheap to clone.
#[derive(Clone)]
pub struct Mails(Books<Vec<Mail>>);

impl Mailbox {
    /// An empty one, which refuses these.
    pub fn new(outside: Outside, refused: Refused) -> Self {
        Self {
            party: Party::new(outside),
            refused,
        }
    }

    /// What is in it.
    pub fn mails(&self) -> Mails {
        Mails(self.party.books())
    }
}

impl Mail {
    /// The order that it is about.
    pub fn order(&self) -> &str {
        let after = self.subject.strip_prefix("Your order ");
        after.and_then(|rest| rest.split(' ').next()).unwrap_or("")
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
        let is_refused = self.refused.has(mail.order());
        let sent = self.party.call(move |mails| {
            if is_refused {
                return false;
            }
            mails.push(mail);
            true
        });
        match sent.await? {
            true => Ok(()),
            // It may be another day that it is taken: nobody here can know.
            false => Err(Failure::retry("refused", "nobody takes mail there")),
        }
    }
}
