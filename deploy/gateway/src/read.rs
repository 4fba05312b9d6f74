//! From the bytes of a body to a question whose every part is checked.
//!
//! What is wrong is said without repeating the value: it might be a card's number in a wrong place.

use quadrille_outside::read::{json, text};
use serde::Deserialize;

use crate::books::{Ask, Charge, Refund, Void};
use crate::card::CardNumber;
use crate::money::{Money, Written, Wrong};

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

pub(crate) fn charge(body: &[u8]) -> Result<Ask, String> {
    let body: ChargeBody = json(body)?;
    Ok(Ask::Charge(Charge {
        key: text("key", body.key)?,
        order_id: text("order_id", body.order_id)?,
        money: money(&body.amount)?,
        card: body.card_number,
    }))
}

pub(crate) fn refund(body: &[u8]) -> Result<Ask, String> {
    let body: RefundBody = json(body)?;
    Ok(Ask::Refund(Refund {
        key: text("key", body.key)?,
        payment_id: text("payment_id", body.payment_id)?,
        money: money(&body.amount)?,
    }))
}

pub(crate) fn void(body: &[u8]) -> Result<Ask, String> {
    let body: VoidBody = json(body)?;
    if body.key == body.charge_key {
        return Err("a void needs a key of its own, not that of the charge".to_owned());
    }
    Ok(Ask::Void(Void {
        key: text("key", body.key)?,
        charge_key: text("charge_key", body.charge_key)?,
    }))
}

fn money(written: &Written) -> Result<Money, String> {
    Money::try_from(written).map_err(|wrong: Wrong| wrong.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(body: &str) -> String {
        charge(body.as_bytes()).unwrap_err()
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
        assert!(void(body).unwrap_err().contains("a key of its own"));
    }
}
