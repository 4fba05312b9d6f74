//! Reckoning with [`Money`], without rounding and without running over.
//!
//! Amounts of different currencies never meet: what would mix them is an [`Error`].

use std::cmp::Ordering;
use std::fmt;

use crate::common::v1::Money;

/// Billionths in a unit.
const NANOS: i128 = 1_000_000_000;

/// Decimals of a unit.
const DECIMALS_MAX: usize = 9;

/// Decimals that are shown even where they are zero.
const DECIMALS_MIN: usize = 2;

/// An amount cannot be reckoned with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The currency is not three capital letters.
    Currency,
    /// The nanos are more than a unit, or units and nanos have different signs.
    Nanos,
    /// Two currencies meet.
    Mixed {
        /// The one.
        one: String,
        /// The other.
        other: String,
    },
    /// More than an amount can hold.
    Overflow,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Currency => f.write_str("a currency is three capital letters, such as EUR"),
            Self::Nanos => f.write_str(
                "nanos are billionths of a unit: below 1000000000, with the sign of the units",
            ),
            Self::Mixed { one, other } => {
                write!(
                    f,
                    "{one} and {other} cannot be put together: use one currency"
                )
            }
            Self::Overflow => f.write_str("the amount is larger than can be held"),
        }
    }
}

impl std::error::Error for Error {}

/// Whether an amount is well formed.
pub fn check(money: &Money) -> Result<(), Error> {
    let currency = money.currency_code.as_bytes();
    if currency.len() != 3 || !currency.iter().all(u8::is_ascii_uppercase) {
        return Err(Error::Currency);
    }
    let signs_differ = money.units.signum() * i64::from(money.nanos).signum() < 0;
    if i128::from(money.nanos).abs() >= NANOS || signs_differ {
        return Err(Error::Nanos);
    }
    Ok(())
}

/// The amount so many times.
pub fn times(money: &Money, count: u32) -> Result<Money, Error> {
    // No product of 94 bits and 32 bits runs over 128.
    from_nanos(&money.currency_code, nanos(money) * i128::from(count))
}

/// Both amounts together.
pub fn plus(one: &Money, other: &Money) -> Result<Money, Error> {
    same_currency(one, other)?;
    from_nanos(&one.currency_code, nanos(one) + nanos(other))
}

/// The one amount without the other.
pub fn minus(one: &Money, other: &Money) -> Result<Money, Error> {
    same_currency(one, other)?;
    from_nanos(&one.currency_code, nanos(one) - nanos(other))
}

/// Whether the one amount is less than, equal to or greater than the other.
pub fn compare(one: &Money, other: &Money) -> Result<Ordering, Error> {
    same_currency(one, other)?;
    Ok(nanos(one).cmp(&nanos(other)))
}

/// As `EUR 12.50`: two decimals, or as many as the amount has. A malformed amount is shown by its
/// value, too.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = nanos(self);
        let sign = if all < 0 { "-" } else { "" };
        let (units, nanos) = (all.abs() / NANOS, all.abs() % NANOS);
        let decimals = format!("{nanos:0DECIMALS_MAX$}");
        let shown = decimals.trim_end_matches('0').len().max(DECIMALS_MIN);
        let (code, decimals) = (&self.currency_code, &decimals[..shown]);
        write!(f, "{code} {sign}{units}.{decimals}")
    }
}

fn same_currency(one: &Money, other: &Money) -> Result<(), Error> {
    if one.currency_code == other.currency_code {
        return Ok(());
    }
    Err(Error::Mixed {
        one: one.currency_code.clone(),
        other: other.currency_code.clone(),
    })
}

fn nanos(money: &Money) -> i128 {
    i128::from(money.units) * NANOS + i128::from(money.nanos)
}

fn from_nanos(currency: &str, nanos: i128) -> Result<Money, Error> {
    Ok(Money {
        currency_code: currency.to_owned(),
        units: i64::try_from(nanos / NANOS).map_err(|_| Error::Overflow)?,
        nanos: i32::try_from(nanos % NANOS).expect("a remainder is smaller than its divisor"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn euro(units: i64, nanos: i32) -> Money {
        Money {
            currency_code: "EUR".to_owned(),
            units,
            nanos,
        }
    }

    #[test]
    fn amounts_are_reckoned_without_rounding() {
        // Shows carries in both directions and at the ends of what an amount can hold.
        assert_eq!(times(&euro(0, 333_333_333), 3), Ok(euro(0, 999_999_999)));
        assert_eq!(times(&euro(19, 990_000_000), 100), Ok(euro(1999, 0)));
        assert_eq!(times(&euro(5, 5), 0), Ok(euro(0, 0)));
        assert_eq!(
            plus(&euro(1, 750_000_000), &euro(2, 500_000_000)),
            Ok(euro(4, 250_000_000))
        );
        assert_eq!(
            plus(&euro(1, 0), &euro(-2, -500_000_000)),
            Ok(euro(-1, -500_000_000))
        );
        assert_eq!(
            plus(&euro(i64::MAX, 0), &euro(0, 999_999_999)),
            Ok(euro(i64::MAX, 999_999_999))
        );
        assert_eq!(
            minus(&euro(1, 0), &euro(2, 500_000_000)),
            Ok(euro(-1, -500_000_000))
        );
        assert_eq!(minus(&euro(1, 0), &euro(0, 1)), Ok(euro(0, 999_999_999)));
    }

    #[test]
    fn amounts_are_compared_by_value() {
        // The billionths count, and below zero the larger number is the smaller amount.
        let ordering = |one, other| compare(&one, &other);
        assert_eq!(
            ordering(euro(1, 0), euro(0, 999_999_999)),
            Ok(Ordering::Greater)
        );
        assert_eq!(
            ordering(euro(-2, 0), euro(-1, -999_999_999)),
            Ok(Ordering::Less)
        );
        assert_eq!(ordering(euro(1, 5), euro(1, 5)), Ok(Ordering::Equal));
    }

    #[test]
    fn an_amount_is_shown_with_its_currency() {
        // Two decimals at least, none lost, and the sign once.
        assert_eq!(euro(12, 500_000_000).to_string(), "EUR 12.50");
        assert_eq!(euro(0, 0).to_string(), "EUR 0.00");
        assert_eq!(euro(0, -5_000_000).to_string(), "EUR -0.005");
        assert_eq!(euro(-1, -750_000_000).to_string(), "EUR -1.75");
        assert_eq!(euro(3, 1).to_string(), "EUR 3.000000001");
        assert_eq!(euro(i64::MIN, 0).to_string(), "EUR -9223372036854775808.00");
        assert_eq!(euro(1, -500_000_000).to_string(), "EUR 0.50");
    }

    #[test]
    fn what_an_amount_cannot_hold_is_an_error() {
        assert_eq!(
            plus(&euro(i64::MAX, 999_999_999), &euro(0, 1)),
            Err(Error::Overflow)
        );
        assert_eq!(minus(&euro(i64::MIN, 0), &euro(1, 0)), Err(Error::Overflow));
        let most = euro(i64::MAX, 999_999_999);
        assert_eq!(times(&most, u32::MAX), Err(Error::Overflow));
    }

    #[test]
    fn currencies_are_never_mixed() {
        let dollar = Money {
            currency_code: "USD".to_owned(),
            ..euro(1, 0)
        };
        let mixed = Error::Mixed {
            one: "EUR".to_owned(),
            other: "USD".to_owned(),
        };
        assert_eq!(plus(&euro(1, 0), &dollar), Err(mixed.clone()));
        assert_eq!(minus(&euro(1, 0), &dollar), Err(mixed.clone()));
        assert_eq!(compare(&euro(1, 0), &dollar), Err(mixed));
    }

    #[test]
    fn a_malformed_amount_is_refused() {
        // Shows that units and nanos have one sign, and that a currency is a code.
        for good in [euro(0, 0), euro(-1, -750_000_000), euro(0, -1), euro(7, 0)] {
            assert_eq!(check(&good), Ok(()), "{good:?}");
        }
        for bad in [
            euro(1, -1),
            euro(-1, 1),
            euro(0, 1_000_000_000),
            euro(0, i32::MIN),
        ] {
            assert_eq!(check(&bad), Err(Error::Nanos), "{bad:?}");
        }
        for code in ["", "eur", "EURO", "EU", "€"] {
            let money = Money {
                currency_code: code.to_owned(),
                ..euro(1, 0)
            };
            assert_eq!(check(&money), Err(Error::Currency), "{code}");
        }
    }
}
