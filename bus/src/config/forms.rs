//! Texts that must have a form: how they are read, and what is said where they do not have it.

use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::{Deserialize as _, Deserializer, Error as _};
use tracing_subscriber::EnvFilter;

use crate::broker::Start;

use super::{Place, nearest};

/// Levels that a log filter may name, from few lines to many.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// For `#[serde(deserialize_with = "quadrille::config::unset_if_empty")]`: an empty text is `None`,
/// any other is parsed.
pub fn unset_if_empty<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(D::Error::custom)
}

/// Where state is kept. A word alone would be a folder as well: it is refused, as `memroy` must be.
pub(super) fn place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Place, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "memory" {
        return Ok(Place::Memory);
    }
    let folder = text.strip_prefix("sqlite:").unwrap_or(&text);
    if folder.contains("://") || text.starts_with("postgres") {
        let why = "this version keeps state in memory and in SQLite only";
        return Err(D::Error::custom(why));
    }
    if folder == text && !text.contains('/') && text != "." {
        let why = format!("a folder is written with a slash: ./{text}?");
        return Err(D::Error::custom(why));
    }
    Ok(Place::Folder(folder.into()))
}

/// Where a new service starts to read.
pub(super) fn start<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Start, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.as_str() {
        "beginning" => Ok(Start::Beginning),
        "now" => Ok(Start::Now),
        time => time
            .parse()
            .map(|time: Timestamp| Start::At(time.as_millisecond()))
            .map_err(|_| D::Error::custom("neither a word nor a time with its zone")),
    }
}

/// Brokers with commas between, or none.
pub(super) fn brokers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = text
        .split(',')
        .map(str::trim)
        .find(|b| !is_host_and_port(b));
    match wrong {
        Some(wrong) if !text.is_empty() => {
            Err(D::Error::custom(format!("{wrong:?} is no HOST:PORT")))
        }
        _ => Ok(text),
    }
}

fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let is_ipv6 = format!("{host}:1").parse::<SocketAddr>().is_ok();
        let is_name = !host.is_empty() && host.chars().all(legal);
        (is_name || is_ipv6) && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

/// A log filter.
pub(super) fn filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    for part in text.split(',').map(str::trim) {
        // A lone word that is no level would be taken for a target, and say nothing of the typo.
        let is_word = !part.contains(['=', '[', ':']);
        if is_word && !LEVELS.contains(&part.to_ascii_lowercase().as_str()) {
            let near = nearest::word(part, LEVELS.into_iter());
            return Err(D::Error::custom(match near {
                Some(near) => format!("{part:?} is no level, did you mean {near}?"),
                None => format!("{part:?} is no level, which are {}", LEVELS.join(", ")),
            }));
        }
    }
    EnvFilter::try_new(&text).map_err(D::Error::custom)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer as _;
    use serde::de::value::{Error, StrDeserializer};

    use super::*;
    use crate::world::{KillAt, Point};

    fn text(text: &str) -> StrDeserializer<'_, Error> {
        text.into_deserializer()
    }

    #[test]
    fn a_start_is_a_word_or_a_time() {
        assert_eq!(start(text("beginning")), Ok(Start::Beginning));
        assert_eq!(start(text("now")), Ok(Start::Now));
        let noon = start(text("1970-01-01T12:00:00+11:00"));
        assert_eq!(noon, Ok(Start::At(3_600_000)));
        for wrong in ["", "latest", "1970-01-01", "1970-01-01T12:00:00"] {
            assert!(start(text(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn brokers_have_a_host_and_a_port() {
        for right in [
            "",
            "localhost:9092",
            "a:1,b-c.d:2, 10.0.0.1:3",
            "[::1]:9092",
        ] {
            assert_eq!(brokers(text(right)), Ok(right.to_owned()));
        }
        for wrong in [
            "localhost",
            "a:1,",
            ":9092",
            "a:0",
            "a:99999",
            "kafka://a:1",
        ] {
            assert!(brokers(text(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_filter_has_levels_and_targets_with_levels() {
        for right in [
            "info",
            "INFO,quadrille=debug",
            "off",
            "quadrille::consume=trace",
        ] {
            assert_eq!(filter(text(right)), Ok(right.to_owned()));
        }
        let cases = [
            ("inof", "\"inof\" is no level, did you mean info?"),
            (
                "quadrille",
                "\"quadrille\" is no level, which are off, error, warn, info, debug, trace",
            ),
            (
                "quadrille=lod",
                "error parsing level filter: expected one of \"off\", \"error\", \"warn\", \"info\", \
                 \"debug\", \"trace\", or a number 0-5",
            ),
            (
                "",
                "\"\" is no level, which are off, error, warn, info, debug, trace",
            ),
        ];
        for (wrong, why) in cases {
            assert_eq!(filter(text(wrong)).unwrap_err().to_string(), why);
        }
    }

    #[test]
    fn a_place_for_state_that_may_be_a_typo_is_refused() {
        for (given, folder) in [
            ("./state", "./state"),
            ("/var/lib/q", "/var/lib/q"),
            (".", "."),
            ("sqlite:state", "state"),
        ] {
            assert_eq!(
                place(text(given)),
                Ok(Place::Folder(folder.into())),
                "{given}"
            );
        }
        assert_eq!(place(text("memory")), Ok(Place::Memory));
        for (given, why) in [
            ("memroy", "a folder is written with a slash: ./memroy?"),
            (
                "postgres://db/x",
                "this version keeps state in memory and in SQLite only",
            ),
        ] {
            assert_eq!(place(text(given)).unwrap_err().to_string(), why);
        }
    }

    #[test]
    fn a_point_to_die_at_is_checked() {
        let (point, nth) = (Point::Committed, 10);
        assert_eq!("committed:10".parse(), Ok(KillAt { point, nth }));
        for (given, why) in [
            (
                "commited",
                "`commited` is no point, which are taken, calling, called, reacted, committed, \
                 flushed, settled",
            ),
            ("taken:0", "`0` is no number from 1"),
        ] {
            assert_eq!(given.parse::<KillAt>(), Err(why.to_owned()));
        }
    }
}
