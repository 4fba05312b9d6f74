//! The books: what the ledger's entries add up to, and what follows from them for a question.
//!
//! Pure, as the trait says that all of this is for: no clock, no file.

mod ask;
mod totals;

use std::collections::{HashMap, HashSet};

use axum::http::StatusCode;
use jiff::Timestamp;
use quadrille_outside::{Books as _, Read};
use uuid::Uuid;

pub(crate) use self::ask::Ask;
pub(crate) use self::ask::{Charge, Refund, Void};
pub(crate) use self::totals::Totals;
use crate::answer::{Answer, Refusal};
use crate::entry::{Entry, Kind, Reason};
use crate::money::{Money, Written, Wrong};
use crate::read;

/// Payment ids are derived from the charge's key under this namespace, so that they are unique
/// without randomness.
const PAYMENTS: Uuid = Uuid::from_u128(0x6f0d_3c0e_85a1_4b52_9d5e_f2f6_0a3c_771d);

/// What the entries so far add up to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Books {
    by_key: HashMap<String, Entry>,
    payments: HashMap<String, Payment>,
    /// Keys of charges that must not be made any more.
    voided: HashSet<String>,
    totals: Totals,
}

#[derive(Debug, PartialEq, Eq)]
struct Payment {
    charge_key: String,
    captured: Money,
    refunded: i128,
}

/// Why an entry cannot follow the entries before it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Impossible {
    #[error("its seq is {found}, but {expected} must follow")]
    Seq { expected: u64, found: u64 },
    #[error("its key was used before")]
    Key,
    #[error("its amount is wrong: {0}")]
    Amount(#[from] Wrong),
    #[error("it gives back what is not there")]
    Refund,
    #[error("it is a charge that was voided before")]
    Voided,
    #[error("it is a decline without a reason")]
    Reason,
}

type Decision = quadrille_outside::Decision<Books>;

impl quadrille_outside::Books for Books {
    const NAME: &'static str = "gateway";
    const ENVIRONMENT: &'static str = "QUADRILLE_GATEWAY_";
    const LISTEN: &'static str = "127.0.0.1:7090";
    const LEDGER: &'static str = ".quadrille/gateway/ledger.jsonl";
    const ROUTES: &'static [(&'static str, Read<Ask>)] = &[
        ("/charges", read::charge),
        ("/refunds", read::refund),
        ("/voids", read::void),
    ];

    type Ask = Ask;
    type Entry = Entry;
    type Answer = Answer;
    type Refused = Refusal;
    type Totals = Totals;

    fn next_seq(&self) -> u64 {
        self.totals.entries + 1
    }

    fn totals(&self) -> &Totals {
        &self.totals
    }

    fn depends_on<'a>(&'a self, ask: &'a Ask) -> [&'a str; 2] {
        let charge_key = match ask {
            Ask::Charge(charge) => &charge.key,
            Ask::Void(void) => &void.charge_key,
            Ask::Refund(refund) => self
                .payments
                .get(&refund.payment_id)
                .map_or(&refund.key, |payment| &payment.charge_key),
        };
        [ask.key(), charge_key]
    }

    fn decide(&self, ask: &Ask, seq: u64, at: Timestamp) -> Decision {
        if let Some(entry) = self.by_key.get(ask.key()) {
            return if ask.is_of(entry) {
                Decision::Known(Answer::from(entry))
            } else {
                Decision::Refuse(Refusal::Conflict)
            };
        }
        let blank = blank(seq, at, ask.key());
        match ask {
            Ask::Charge(charge) => self.charge(charge, blank),
            Ask::Refund(refund) => self.refund(refund, blank),
            Ask::Void(void) => self.void(void, blank),
        }
    }

    fn apply(&mut self, entry: Entry) -> Result<(), quadrille_outside::Impossible> {
        let counted = self.count(entry);
        counted.map_err(|why| quadrille_outside::Impossible(why.to_string()))
    }

    fn answer(entry: &Entry) -> Answer {
        Answer::from(entry)
    }

    fn status(answer: &Answer) -> StatusCode {
        match answer {
            Answer::Declined { .. } => StatusCode::PAYMENT_REQUIRED,
            Answer::Captured { .. } | Answer::Refunded { .. } | Answer::Voided { .. } => {
                StatusCode::OK
            }
        }
    }
}

impl Books {
    /// Counts an entry, unless it contradicts those before it.
    fn count(&mut self, entry: Entry) -> Result<(), Impossible> {
        let expected = self.next_seq();
        if entry.seq != expected {
            let found = entry.seq;
            return Err(Impossible::Seq { expected, found });
        }
        if self.by_key.contains_key(&entry.key) {
            return Err(Impossible::Key);
        }
        match entry.kind {
            Kind::Charge => self.captured(&entry)?,
            Kind::Decline if entry.reason.is_none() => return Err(Impossible::Reason),
            Kind::Decline => drop(entry.money()?),
            Kind::Refund => self.given_back(&entry, entry.money()?.nanos())?,
            Kind::Void => self.undone(&entry)?,
        }
        self.totals.count(&entry);
        self.by_key.insert(entry.key.clone(), entry);
        Ok(())
    }

    fn charge(&self, charge: &Charge, blank: Entry) -> Decision {
        if self.voided.contains(&charge.key) {
            let reason = Reason::Voided;
            return Decision::Known(Answer::Declined { reason });
        }
        let reason = charge.card.declined();
        let (kind, payment_id) = match reason {
            None => (Kind::Charge, payment_id(&charge.key)),
            Some(_) => (Kind::Decline, String::new()),
        };
        let entry = Entry {
            kind,
            payment_id,
            reason,
            order_id: charge.order_id.clone(),
            card_last4: charge.card.last4().to_owned(),
            ..blank
        };
        Decision::Book(Box::new(with_money(entry, charge.money.written())))
    }

    fn refund(&self, refund: &Refund, blank: Entry) -> Decision {
        let Some(payment) = self.payments.get(&refund.payment_id) else {
            return Decision::Refuse(Refusal::UnknownPayment);
        };
        if !payment.can_give_back(refund.money.currency_code(), refund.money.nanos()) {
            return Decision::Refuse(Refusal::TooMuch {
                left: payment.left_in_words(),
            });
        }
        let order_id = self
            .payment_under(&payment.charge_key)
            .map_or_else(String::new, |(charge, _)| charge.order_id.clone());
        let entry = Entry {
            kind: Kind::Refund,
            payment_id: refund.payment_id.clone(),
            order_id,
            ..blank
        };
        Decision::Book(Box::new(with_money(entry, refund.money.written())))
    }

    fn void(&self, void: &Void, blank: Entry) -> Decision {
        let entry = Entry {
            kind: Kind::Void,
            charge_key: void.charge_key.clone(),
            ..blank
        };
        let Some((charge, payment)) = self.payment_under(&void.charge_key) else {
            return Decision::Book(Box::new(entry));
        };
        let entry = Entry {
            payment_id: charge.payment_id.clone(),
            order_id: charge.order_id.clone(),
            ..entry
        };
        let left = payment.captured.less(payment.refunded);
        Decision::Book(Box::new(match left {
            Some(left) => with_money(entry, left.written()),
            None => entry,
        }))
    }

    fn payment_under(&self, charge_key: &str) -> Option<(&Entry, &Payment)> {
        let charge = self.by_key.get(charge_key)?;
        (charge.kind == Kind::Charge)
            .then(|| self.payments.get(&charge.payment_id))
            .flatten()
            .map(|payment| (charge, payment))
    }

    fn captured(&mut self, entry: &Entry) -> Result<(), Impossible> {
        if self.voided.contains(&entry.key) {
            return Err(Impossible::Voided);
        }
        if self.payments.contains_key(&entry.payment_id) {
            return Err(Impossible::Key);
        }
        let payment = Payment {
            charge_key: entry.key.clone(),
            captured: entry.money()?,
            refunded: 0,
        };
        self.payments.insert(entry.payment_id.clone(), payment);
        Ok(())
    }

    fn given_back(&mut self, entry: &Entry, nanos: i128) -> Result<(), Impossible> {
        let payment = self
            .payments
            .get_mut(&entry.payment_id)
            .filter(|payment| payment.can_give_back(&entry.currency_code, nanos))
            .ok_or(Impossible::Refund)?;
        payment.refunded += nanos;
        Ok(())
    }

    fn undone(&mut self, entry: &Entry) -> Result<(), Impossible> {
        match entry.money() {
            Ok(money) => self.given_back(entry, money.nanos())?,
            // Nothing was left, or nothing had been taken.
            Err(_) if entry.units == 0 && entry.nanos == 0 => {}
            Err(wrong) => return Err(wrong.into()),
        }
        self.voided.insert(entry.charge_key.clone());
        Ok(())
    }
}

impl Payment {
    fn can_give_back(&self, currency_code: &str, nanos: i128) -> bool {
        let left = self.captured.less(self.refunded);
        self.captured.currency_code() == currency_code
            && left.is_some_and(|left| nanos <= left.nanos())
    }

    fn left_in_words(&self) -> String {
        self.captured
            .less(self.refunded)
            .map_or_else(|| "nothing".to_owned(), |left| left.written().to_string())
    }
}

fn blank(seq: u64, at: Timestamp, key: &str) -> Entry {
    Entry {
        seq,
        at,
        kind: Kind::Void,
        key: key.to_owned(),
        charge_key: String::new(),
        order_id: String::new(),
        payment_id: String::new(),
        currency_code: String::new(),
        units: 0,
        nanos: 0,
        card_last4: String::new(),
        reason: None,
    }
}

fn with_money(entry: Entry, money: Written) -> Entry {
    Entry {
        currency_code: money.currency_code,
        units: money.units,
        nanos: money.nanos,
        ..entry
    }
}

fn payment_id(charge_key: &str) -> String {
    let id = Uuid::new_v5(&PAYMENTS, charge_key.as_bytes());
    format!("pay_{}", id.simple())
}

#[cfg(test)]
mod tests;
