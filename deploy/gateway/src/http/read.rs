//! From the bytes of a body to a question whose every part is checked.
//!
//! What is wrong is said without repeating the value: it might be a card's number in a wrong place.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::behaviour::Behaviour;
use crate::books::{Ask, Charge, Refund, Void};
use crate::card::CardNumber;
use crate::money::{self, Money, Written};

/// Longest key, order id or payment id.
const TEXT_BYTES_MAX: usize = 200;

/// What is wrong with a body.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("the body is not what is asked for here: {0}")]
    Json(String),
    #[error("{0} must have 1 to {TEXT_BYTES_MAX} bytes, and no control characters")]
    Text(&'static str),
    #[error(transparent)]
    Amount(#[from] money::Wrong),
    #[error("a void needs a key of its own, not that of the charge")]
    OwnKey,
    #[error("delay_ms must be at most ten minutes")]
    Delay,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChargeBody {
    key: String,
    order_id: String,
    amount: Written,
    card_number: CardNumber,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    key: String,
    payment_id: String,
    amount: Written,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VoidBody {
    key: String,
    charge_key: String,
}

pub(crate) fn charge(body: &[u8]) -> Result<Ask, Wrong> {
    let body: ChargeBody = json(body)?;
    Ok(Ask::Charge(Charge {
        key: text("key", body.key)?,
        order_id: text("order_id", body.order_id)?,
        money: Money::try_from(&body.amount)?,
        card: body.card_number,
    }))
}

pub(crate) fn refund(body: &[u8]) -> Result<Ask, Wrong> {
    let body: RefundBody = json(body)?;
    Ok(Ask::Refund(Refund {
        key: text("key", body.key)?,
        payment_id: text("payment_id", body.payment_id)?,
        money: Money::try_from(&body.amount)?,
    }))
}

pub(crate) fn void(body: &[u8]) -> Result<Ask, Wrong> {
    let body: VoidBody = json(body)?;
    if body.key == body.charge_key {
        return Err(Wrong::OwnKey);
    }
    Ok(Ask::Void(Void {
        key: text("key", body.key)?,
        charge_key: text("charge_key", body.charge_key)?,
    }))
}

pub(crate) fn behaviour(body: &[u8]) -> Result<Behaviour, Wrong> {
    let behaviour: Behaviour = json(body)?;
    if behaviour.is_possible() {
        Ok(behaviour)
    } else {
        Err(Wrong::Delay)
    }
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Wrong> {
    serde_json::from_slice(body).map_err(|error| Wrong::Json(without_values(&error)))
}

/// Names of fields and places may be shown; a message about a value quotes it.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let of_a_field = ["missing field", "unknown field", "duplicate field"];
    if !error.is_data() || of_a_field.iter().any(|start| text.starts_with(start)) {
        return text;
    }
    let (line, column) = (error.line(), error.column());
    format!("a value of the wrong kind ends at line {line} column {column}")
}

fn text(name: &'static str, value: String) -> Result<String, Wrong> {
    let fits = (1..=TEXT_BYTES_MAX).contains(&value.len());
    if fits && !value.chars().any(char::is_control) {
        Ok(value)
    } else {
        Err(Wrong::Text(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(body: &str) -> String {
        charge(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_body_is_told_what_is_wrong() {
        let cases = [
            ("", "EOF while parsing a value"),
            ("{", "EOF while parsing an object"),
            (r#"{"key":"k"}"#, "missing field `order_id`"),
            (
                r#"{"kye":"k"}"#,
                "unknown field `kye`, expected one of `key`",
            ),
            (
                r#"{"key":"","order_id":"o","amount":{"currency_code":"EUR","units":1},"card_number":"4"}"#,
                "key must have 1 to 200 bytes",
            ),
            (
                r#"{"key":"k","order_id":"a\nb","amount":{"currency_code":"EUR","units":1},"card_number":"4"}"#,
                "order_id must have 1 to 200 bytes, and no control characters",
            ),
            (
                r#"{"key":"k","order_id":"o","amount":{"currency_code":"EUR"},"card_number":"4"}"#,
                "the amount must be more than nothing",
            ),
        ];
        for (body, what) in cases {
            assert!(wrong(body).contains(what), "{body}: {}", wrong(body));
        }
    }

    #[test]
    fn a_number_in_a_wrong_place_is_not_repeated() {
        let number = "4242424242424242";
        let cases = [
            r#"{"key":"k","order_id":"o","amount":{"currency_code":"EUR","units":1},"card_number":NUMBER}"#,
            r#"{"key":"k","order_id":"o","amount":"NUMBER","card_number":"4"}"#,
            r#"{"key":"k","order_id":"o","amount":{"currency_code":"EUR","units":"NUMBER"},"card_number":"4"}"#,
            r#"{"key":"k","order_id":"o","amount":{"currency_code":"EUR","nanos":NUMBER},"card_number":"4"}"#,
            r#"{"key":"k","order_id":"o","amount":{"currency_code":"NUMBER","units":1},"card_number":"4"}"#,
        ];
        for case in cases {
            let what = wrong(&case.replace("NUMBER", number));
            assert!(!what.contains(number), "{case}: {what}");
        }
    }

    #[test]
    fn a_void_under_the_key_of_its_charge_is_refused() {
        let body = br#"{"key":"same","charge_key":"same"}"#;
        assert_eq!(void(body).unwrap_err(), Wrong::OwnKey);
    }

    #[test]
    fn a_behaviour_may_leave_out_what_it_does_not_want() {
        assert_eq!(behaviour(b"{}").unwrap(), Behaviour::default());
        assert!(behaviour(br#"{"down":true}"#).unwrap().down);
        for body in [
            r#"{"fail_rate":1.5}"#,
            r#"{"fail_rate":-1}"#,
            r#"{"delay":1}"#,
            r#"{"delay_ms":600001}"#,
        ] {
            assert!(behaviour(body.as_bytes()).is_err(), "{body}");
        }
    }
}
