//! Times as the options write them: a whole number and a unit.

use std::time::Duration;

/// A hundred years: whoever means more means for ever.
const SECONDS_MAX: u64 = 100 * 365 * 24 * 60 * 60;

/// How a time is written, for mends.
pub(super) const FORM: &str = "\"7d\", \"12h\", \"30m\" or \"45s\"";

/// Reads `7d`, `12h`, `30m` or `45s`: more than nothing and at most a hundred years.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None; // `u64` would also take "+7".
    }
    let total = number.parse::<u64>().ok()?.checked_mul(seconds)?;
    (1..=SECONDS_MAX)
        .contains(&total)
        .then(|| Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        // A time is read in each unit, and nothing else is.
        let seconds = |text| parse(text).map(|time| time.as_secs());
        assert_eq!(seconds("45s"), Some(45));
        assert_eq!(seconds("30m"), Some(1_800));
        assert_eq!(seconds("12h"), Some(43_200));
        assert_eq!(seconds("7d"), Some(604_800));
        assert_eq!(seconds("36500d"), Some(SECONDS_MAX));
        for wrong in [
            "",
            "d",
            "7",
            "7 d",
            "7days",
            "+7d",
            "-7d",
            "1.5h",
            "0s",
            "36501d",
            "7w",
            "7D",
            "7é",
            "99999999999999999999d",
        ] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
