//! What notifications remembers: who was told. Not where: the address is nobody's business afterwards.

use quadrille::{Record, State};
use serde::{Deserialize, Serialize};

/// The mails.
pub struct Notifications;

impl State for Notifications {}

/// The mail about one order, by order id. An order ends once, so there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The mail's Message-ID.
    pub message_id: String,
}

impl Record for Told {
    type In = Notifications;
    const KIND: &'static str = "told";
}
