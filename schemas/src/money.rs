//! Reckons with [`Money`] exactly: whole units and billionths, never floating point.
//!
//! Amounts come from outside, so that an amount may be wrong; every operation says so rather than
//! reckon on. Amounts of different currencies are never added or compared.

use std::cmp::Ordering;
use std::fmt;

use crate::common::v1::Money;

/// Billionths in a unit.
const NANOS_PER_UNIT: i128 = 1_000_000_000;

/// Most decimals of a unit.
const DECIMALS_MAX: usize = 9;

/// Decimals that are shown even where they are zero.
const DECIMALS_MIN: usize = 2;

/// What is wrong with an amount, or with what was to be done with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The currency is not three capital letters.
    #[error("`{0}` is no currency: write its three letters of ISO 4217, such as `EUR`")]
    Currency(String),
    /// The billionths are a unit or more.
    #[error("nanos is {0}: write -999999999 to 999999999, and whole units in `units`")]
    Nanos(i32),
    /// The units are negative and the billionths positive, or the other way round.
    #[error("units is {units} and nanos is {nanos}: give both the same sign")]
    Signs {
        /// The amount's units.
        units: i64,
        /// The amount's billionths.
        nanos: i32,
    },
    /// Two amounts of different currencies.
    #[error("`{0}` and `{1}` are different currencies: convert one amount first")]
    Currencies(String, String),
    /// The result has more than 19 digits before the point.
    #[error("the amount is too large: at most 9223372036854775807 units can be held")]
    TooLarge,
}

impl Money {
    /// An amount, checked.
    pub fn of(currency_code: impl Into<String>, units: i64, nanos: i32) -> Result<Self, Error> {
        let money = Self {
            currency_code: currency_code.into(),
            units,
            nanos,
        };
        money.check()?;
        Ok(money)
    }

    /// Nothing of a currency.
    pub fn zero(currency_code: impl Into<String>) -> Result<Self, Error> {
        Self::of(currency_code, 0, 0)
    }

    /// Whether the amount is one: a currency, billionths below a unit, and one sign.
    pub fn check(&self) -> Result<(), Error> {
        let code = &self.currency_code;
        if code.len() != 3 || !code.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return Err(Error::Currency(code.clone()));
        }
        if i128::from(self.nanos).abs() >= NANOS_PER_UNIT {
            return Err(Error::Nanos(self.nanos));
        }
        if self.units.signum() * i64::from(self.nanos.signum()) < 0 {
            let (units, nanos) = (self.units, self.nanos);
            return Err(Error::Signs { units, nanos });
        }
        Ok(())
    }

    /// This amount and another one.
    pub fn plus(&self, other: &Self) -> Result<Self, Error> {
        self.check_same_currency(other)?;
        self.with_nanos(self.in_nanos() + other.in_nanos())
    }

    /// This amount without another one.
    pub fn minus(&self, other: &Self) -> Result<Self, Error> {
        self.check_same_currency(other)?;
        self.with_nanos(self.in_nanos() - other.in_nanos())
    }

    /// The amount for so many pieces.
    pub fn times(&self, quantity: u32) -> Result<Self, Error> {
        self.check()?;
        self.with_nanos(self.in_nanos() * i128::from(quantity))
    }

    /// Which of two amounts of one currency is larger.
    pub fn compare(&self, other: &Self) -> Result<Ordering, Error> {
        self.check_same_currency(other)?;
        Ok(self.in_nanos().cmp(&other.in_nanos()))
    }

    /// Whether the amount is more than nothing.
    pub fn is_positive(&self) -> bool {
        self.in_nanos() > 0
    }

    fn check_same_currency(&self, other: &Self) -> Result<(), Error> {
        self.check()?;
        other.check()?;
        if self.currency_code == other.currency_code {
            Ok(())
        } else {
            let codes = (self.currency_code.clone(), other.currency_code.clone());
            Err(Error::Currencies(codes.0, codes.1))
        }
    }

    /// The whole amount in billionths. Even a wrong amount fits.
    fn in_nanos(&self) -> i128 {
        i128::from(self.units) * NANOS_PER_UNIT + i128::from(self.nanos)
    }

    fn with_nanos(&self, total: i128) -> Result<Self, Error> {
        let units = i64::try_from(total / NANOS_PER_UNIT).map_err(|_| Error::TooLarge)?;
        let nanos = i32::try_from(total % NANOS_PER_UNIT).expect("a remainder is below a unit");
        Ok(Self {
            currency_code: self.currency_code.clone(),
            units,
            nanos,
        })
    }
}

/// As `EUR 12.50`: at least two decimals, and as many as the amount has.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.in_nanos();
        let sign = if total < 0 { "-" } else { "" };
        let (units, nanos) = (total.abs() / NANOS_PER_UNIT, total.abs() % NANOS_PER_UNIT);
        let decimals = format!("{nanos:0DECIMALS_MAX$}");
        let shown = decimals.trim_end_matches('0').len().max(DECIMALS_MIN);
        write!(
            f,
            "{} {sign}{units}.{}",
            self.currency_code,
            &decimals[..shown]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(units: i64, nanos: i32) -> Money {
        Money::of("EUR", units, nanos).unwrap()
    }

    #[test]
    fn an_amount_is_shown_with_its_currency() {
        // Two decimals at least, none lost, and the sign once.
        assert_eq!(eur(12, 500_000_000).to_string(), "EUR 12.50");
        assert_eq!(eur(0, 0).to_string(), "EUR 0.00");
        assert_eq!(eur(0, -5_000_000).to_string(), "EUR -0.005");
        assert_eq!(eur(-1, -750_000_000).to_string(), "EUR -1.75");
        assert_eq!(eur(3, 1).to_string(), "EUR 3.000000001");
        assert_eq!(eur(i64::MIN, 0).to_string(), "EUR -9223372036854775808.00");
    }

    #[test]
    fn amounts_are_added_exactly() {
        // Carries go over units, in both directions and through zero.
        assert_eq!(
            eur(1, 990_000_000).plus(&eur(0, 20_000_000)),
            Ok(eur(2, 10_000_000))
        );
        assert_eq!(eur(1, 0).minus(&eur(0, 1)), Ok(eur(0, 999_999_999)));
        assert_eq!(
            eur(1, 0).minus(&eur(2, 500_000_000)),
            Ok(eur(-1, -500_000_000))
        );
        assert_eq!(
            eur(-1, -500_000_000).plus(&eur(2, 0)),
            Ok(eur(0, 500_000_000))
        );
    }

    #[test]
    fn a_price_is_multiplied_exactly() {
        // Three times a third of a cent is what floating point gets wrong.
        assert_eq!(eur(19, 990_000_000).times(3), Ok(eur(59, 970_000_000)));
        assert_eq!(eur(0, 100_000_000).times(3), Ok(eur(0, 300_000_000)));
        assert_eq!(eur(19, 990_000_000).times(0), Money::zero("EUR"));
    }

    #[test]
    fn amounts_are_compared() {
        // By value, the billionths too.
        assert_eq!(
            eur(1, 0).compare(&eur(0, 999_999_999)),
            Ok(Ordering::Greater)
        );
        assert_eq!(
            eur(-2, 0).compare(&eur(-1, -999_999_999)),
            Ok(Ordering::Less)
        );
        assert_eq!(eur(1, 5).compare(&eur(1, 5)), Ok(Ordering::Equal));
        assert!(eur(0, 1).is_positive());
        assert!(!eur(0, 0).is_positive() && !eur(0, -1).is_positive());
    }

    #[test]
    fn a_wrong_amount_is_refused_by_every_operation() {
        // Each kind of wrong, wherever it stands.
        let wrong = |code: &str, units, nanos| Money {
            currency_code: code.to_owned(),
            units,
            nanos,
        };
        for code in ["", "EU", "EURO", "eur", "€"] {
            let error = Error::Currency(code.to_owned());
            assert_eq!(Money::of(code, 1, 0), Err(error));
        }
        assert_eq!(
            Money::of("EUR", 0, 1_000_000_000),
            Err(Error::Nanos(1_000_000_000))
        );
        assert_eq!(Money::of("EUR", 0, i32::MIN), Err(Error::Nanos(i32::MIN)));
        for (units, nanos) in [(1, -1), (-1, 1)] {
            let bad = wrong("EUR", units, nanos);
            let error = Err(Error::Signs { units, nanos });
            assert_eq!(bad.check(), error.clone());
            assert_eq!(bad.plus(&eur(1, 0)).map(|_| ()), error);
            assert_eq!(eur(1, 0).minus(&bad).map(|_| ()), error);
            assert_eq!(bad.times(2).map(|_| ()), error);
            assert_eq!(eur(1, 0).compare(&bad).map(|_| ()), error);
        }
    }

    #[test]
    fn currencies_do_not_mix() {
        // Nobody knows the rate here.
        let usd = Money::of("USD", 1, 0).unwrap();
        let error = Error::Currencies("EUR".to_owned(), "USD".to_owned());
        assert_eq!(eur(1, 0).plus(&usd), Err(error.clone()));
        assert_eq!(eur(1, 0).minus(&usd), Err(error.clone()));
        assert_eq!(eur(1, 0).compare(&usd), Err(error));
    }

    #[test]
    fn what_cannot_be_held_is_an_error() {
        // No amount wraps around.
        assert_eq!(
            eur(i64::MAX, 999_999_999).plus(&eur(0, 1)),
            Err(Error::TooLarge)
        );
        assert_eq!(eur(i64::MIN, 0).minus(&eur(1, 0)), Err(Error::TooLarge));
        assert_eq!(eur(i64::MAX, 0).times(u32::MAX), Err(Error::TooLarge));
        assert_eq!(
            eur(i64::MAX, 0).plus(&eur(0, 999_999_999)),
            Ok(eur(i64::MAX, 999_999_999))
        );
    }
}
