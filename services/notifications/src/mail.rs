//! The port to the post: how a mail gets to a customer.
//!
//! The customer's address is in a letter and nowhere else: a letter has no `Debug`, and what goes wrong
//! is told without it, also where a server would repeat it.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use jiff::Timestamp;
use lettre::Message;
use lettre::message::header::{ContentType, MIME_VERSION_1_0};
use lettre::message::{Mailbox, MessageBuilder};
use quadrille::Failure;
use quadrille::id::EffectKey;

mod config;
mod folder;
#[cfg(feature = "smtp")]
mod smtp;

pub use config::{Config, Error, Server, Tls};
pub use folder::Folder;
#[cfg(feature = "smtp")]
pub use smtp::Smtp;

/// What stands behind the key in a Message-ID. It names no machine, so that it is the same wherever an
/// attempt is made.
const ID_DOMAIN: &str = "notifications.quadrille";

/// The port that the service is given.
pub type Port = Arc<dyn Post>;

/// What notifications asks of the post.
#[async_trait]
pub trait Post: Send + Sync + 'static {
    /// Sends a letter. Sent again, it has the same Message-ID.
    async fn send(&self, letter: Letter) -> Result<(), Failure>;
}

/// A mail to be sent.
pub struct Letter {
    key: EffectKey,
    message_id: String,
    to: Mailbox,
    builder: MessageBuilder,
    text: String,
}

impl Letter {
    /// A letter under an effect key. Fails where the address is none.
    pub fn new(
        key: &EffectKey,
        to: &str,
        subject: &str,
        text: String,
        at: Timestamp,
    ) -> Result<Self, Failure> {
        // The parser's own error may repeat what it was given.
        let to: Mailbox = to
            .parse()
            .map_err(|_| Failure::park("no_address", "the customer's address is none"))?;
        let message_id = format!("<{key}@{ID_DOMAIN}>");
        let subject: String = subject.chars().filter(|c| !c.is_control()).collect();
        let builder = Message::builder()
            .to(to.clone())
            .subject(subject)
            .date(SystemTime::from(at))
            .message_id(Some(message_id.clone()))
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN);
        Ok(Self {
            key: key.clone(),
            message_id,
            to,
            builder,
            text,
        })
    }

    /// Its key.
    pub fn key(&self) -> &EffectKey {
        &self.key
    }

    /// Its Message-ID, which is made of the key.
    pub fn message_id(&self) -> &str {
        &self.message_id
    }

    /// The address that it goes to.
    pub fn to(&self) -> &Mailbox {
        &self.to
    }

    /// The mail itself, from somebody.
    pub fn message(self, from: &Mailbox) -> Result<Message, Failure> {
        let message = self.builder.from(from.clone()).body(self.text);
        // The error may repeat a header.
        message.map_err(|_| Failure::park("no_mail", "the mail cannot be put together"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_the_same_mail_however_often_it_is_made() {
        // Shows the headers that whoever counts mails reads, and that nothing breaks out of them.
        let made = || {
            let (key, at) = (EffectKey::new("k-1"), Timestamp::UNIX_EPOCH);
            let subject = "Your order 1\r\nBcc: x@example.org";
            let letter = Letter::new(&key, "ada@example.org", subject, "ä\n".to_owned(), at);
            let from = "Orders <orders@example.invalid>".parse().unwrap();
            letter.unwrap().message(&from).unwrap().formatted()
        };
        assert_eq!(made(), made());
        let text = String::from_utf8(made()).unwrap();
        assert!(
            text.contains("Message-ID: <k-1@notifications.quadrille>\r\n"),
            "{text}"
        );
        assert!(text.contains("To: ada@example.org\r\n"), "{text}");
        assert!(
            text.contains("Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"),
            "{text}"
        );
        assert!(!text.contains("\nBcc:"), "{text}");
    }

    #[test]
    fn what_is_no_address_is_parked_without_being_repeated() {
        for wrong in ["", "ada", "ada@", "ada example.org", "a@b\r\nBcc: c@d"] {
            let key = EffectKey::new("k");
            let letter = Letter::new(&key, wrong, "s", String::new(), Timestamp::UNIX_EPOCH);
            let failure = letter.err().expect("it is no address");
            assert_eq!(failure.code(), "no_address");
            assert!(!failure.chain().contains("ada"), "{}", failure.chain());
        }
    }
}
