//! Amounts of money, exact: whole billionths of a unit, added only within one currency.

use std::fmt;

use serde::{Deserialize, Serialize};

const NANOS: i128 = 1_000_000_000;

/// A positive amount in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Money {
    currency_code: String,
    nanos: i128,
}

/// An amount as it is written in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// Three capital letters, such as `EUR`.
    pub(crate) currency_code: String,
    /// Whole units.
    #[serde(default)]
    pub(crate) units: i64,
    /// Billionths of a unit, below a whole one.
    #[serde(default)]
    pub(crate) nanos: i32,
}

/// Why something written is no amount that can be paid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("currency_code must be three capital letters, such as EUR")]
    Currency,
    #[error("units must not be negative, and nanos must be from 0 to 999999999")]
    Range,
    #[error("the amount must be more than nothing")]
    Nothing,
}

impl Money {
    pub(crate) fn new(currency_code: &str, units: i64, nanos: i32) -> Result<Self, Wrong> {
        let letters = currency_code.bytes();
        if letters.len() != 3 || !letters.into_iter().all(|byte| byte.is_ascii_uppercase()) {
            return Err(Wrong::Currency);
        }
        if units < 0 || !(0..NANOS).contains(&i128::from(nanos)) {
            return Err(Wrong::Range);
        }
        // The largest i64 times 10^9 is far below the largest i128.
        let nanos = i128::from(units) * NANOS + i128::from(nanos);
        if nanos == 0 {
            return Err(Wrong::Nothing);
        }
        Ok(Self {
            currency_code: currency_code.to_owned(),
            nanos,
        })
    }

    pub(crate) fn currency_code(&self) -> &str {
        &self.currency_code
    }

    /// Billionths of a unit.
    pub(crate) fn nanos(&self) -> i128 {
        self.nanos
    }

    /// What is left when `taken` billionths are gone, if anything is.
    pub(crate) fn less(&self, taken: i128) -> Option<Self> {
        let nanos = self.nanos.checked_sub(taken).filter(|left| *left > 0)?;
        Some(Self {
            currency_code: self.currency_code.clone(),
            nanos,
        })
    }

    pub(crate) fn written(&self) -> Written {
        let (units, nanos) = split(self.nanos);
        Written {
            currency_code: self.currency_code.clone(),
            units: units
                .try_into()
                .expect("an amount was made of an i64, and only becomes less"),
            nanos,
        }
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}.{:09}", self.currency_code, self.units, self.nanos)
    }
}

impl TryFrom<&Written> for Money {
    type Error = Wrong;

    fn try_from(written: &Written) -> Result<Self, Wrong> {
        Self::new(&written.currency_code, written.units, written.nanos)
    }
}

/// Whole units and the billionths beside them.
pub(crate) fn split(nanos: i128) -> (i128, i32) {
    let rest = i32::try_from(nanos % NANOS).expect("a rest below 10^9 fits in an i32");
    (nanos / NANOS, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_positive_and_in_a_currency() {
        let cases = [
            ("EUR", 1, 0, None),
            ("EUR", 0, 1, None),
            ("EUR", i64::MAX, 999_999_999, None),
            ("EUR", 0, 0, Some(Wrong::Nothing)),
            ("EUR", -1, 0, Some(Wrong::Range)),
            ("EUR", 1, -1, Some(Wrong::Range)),
            ("EUR", 1, 1_000_000_000, Some(Wrong::Range)),
            ("eur", 1, 0, Some(Wrong::Currency)),
            ("EURO", 1, 0, Some(Wrong::Currency)),
            ("", 1, 0, Some(Wrong::Currency)),
            ("€", 1, 0, Some(Wrong::Currency)),
        ];
        for (currency, units, nanos, wrong) in cases {
            let made = Money::new(currency, units, nanos);
            assert_eq!(made.err(), wrong, "{currency} {units} {nanos}");
        }
    }

    #[test]
    fn what_was_written_is_what_is_written_again() {
        for (units, nanos) in [(0, 1), (12, 990_000_000), (i64::MAX, 999_999_999)] {
            let written = Money::new("EUR", units, nanos).unwrap().written();
            assert_eq!((written.units, written.nanos), (units, nanos));
        }
    }

    #[test]
    fn nothing_is_left_when_all_or_more_is_taken() {
        let money = Money::new("EUR", 1, 500_000_000).unwrap();
        let left = money.less(600_000_000).unwrap().written();
        assert_eq!((left.units, left.nanos), (0, 900_000_000));
        assert_eq!(money.less(1_500_000_000), None);
        assert_eq!(money.less(1_500_000_001), None);
    }
}
