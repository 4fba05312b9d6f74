//! Card numbers, and what the bank says to them.
//!
//! A full number stays inside this module: it can be compared and judged, but not be printed.

use std::fmt;

use serde::Deserialize;

use crate::entry::Reason;

const DIGITS: usize = 16;

/// The number of a card, or whatever a customer took for one.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) struct CardNumber(String);

impl CardNumber {
    /// The last four digits, which may be kept and shown; empty if this is no card number.
    pub(crate) fn last4(&self) -> &str {
        if self.is_complete() {
            &self.0[DIGITS - 4..]
        } else {
            ""
        }
    }

    /// Why the bank declines the card, if it does. The numbers are those that payment providers
    /// document for tests.
    pub(crate) fn declined(&self) -> Option<Reason> {
        match self.0.as_str() {
            _ if !self.is_complete() || !passes_luhn(&self.0) => Some(Reason::InvalidNumber),
            "4000000000000002" => Some(Reason::CardDeclined),
            "4000000000009995" => Some(Reason::InsufficientFunds),
            "4000000000000069" => Some(Reason::ExpiredCard),
            _ => None,
        }
    }

    fn is_complete(&self) -> bool {
        self.0.len() == DIGITS && self.0.bytes().all(|byte| byte.is_ascii_digit())
    }
}

impl From<String> for CardNumber {
    /// Spaces and hyphens are how people group the digits.
    fn from(text: String) -> Self {
        Self(text.replace([' ', '-'], ""))
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardNumber(************{:*>4})", self.last4())
    }
}

/// Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B).
fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match (place % 2, digit) {
                (0, digit) => digit,
                (_, digit) if digit > 4 => digit * 2 - 9,
                (_, digit) => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(number: &str) -> CardNumber {
        CardNumber::from(number.to_owned())
    }

    #[test]
    fn documented_numbers_get_the_documented_answer() {
        let cases = [
            ("4242424242424242", None),
            ("4242 4242-4242 4242", None),
            ("5555555555554444", None),
            ("4000000000000002", Some(Reason::CardDeclined)),
            ("4000000000009995", Some(Reason::InsufficientFunds)),
            ("4000000000000069", Some(Reason::ExpiredCard)),
            ("4242424242424241", Some(Reason::InvalidNumber)),
            ("2424242424242424", Some(Reason::InvalidNumber)),
            ("42424242424242", Some(Reason::InvalidNumber)),
            ("378282246310005", Some(Reason::InvalidNumber)),
            ("42424242424242424242", Some(Reason::InvalidNumber)),
            ("４２４２", Some(Reason::InvalidNumber)),
            ("424242424242424x", Some(Reason::InvalidNumber)),
            ("", Some(Reason::InvalidNumber)),
        ];
        for (number, answer) in cases {
            assert_eq!(card(number).declined(), answer, "{number}");
        }
    }

    #[test]
    fn only_the_last_four_digits_can_be_seen() {
        let shown = format!("{:?}", card("4000000000009995"));
        assert_eq!(shown, "CardNumber(************9995)");
        assert_eq!(card("4000000000009995").last4(), "9995");
    }

    #[test]
    fn what_is_no_card_number_shows_nothing() {
        for number in ["9995", "40000000000099951", "my secret", "äöü°°°°°°°°°"] {
            assert_eq!(card(number).last4(), "", "{number}");
            assert_eq!(
                format!("{:?}", card(number)),
                "CardNumber(****************)",
                "{number}"
            );
        }
    }
}
