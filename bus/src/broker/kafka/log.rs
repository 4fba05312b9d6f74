//! librdkafka's own log lines, passed on to `tracing` under the target `librdkafka`.
//!
//! With a broker down, every client repeats itself with every attempt to reach it. Lines of one kind
//! are therefore told at most once in a while, with the number of those held back.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use tracing::{debug, error, info, warn};

use super::clock::Moment;

/// Shortest time between two lines of one kind.
const QUIET: Duration = Duration::from_secs(10);

/// Passes one client's log lines on.
#[derive(Debug)]
pub(super) struct Log {
    client: &'static str,
    kinds: Mutex<BTreeMap<String, Kind>>,
}

#[derive(Debug)]
struct Kind {
    quiet_until: Moment,
    held_back: u32,
}

impl Log {
    /// For the client of this role, e.g. `producer`.
    pub(super) fn of(client: &'static str) -> Self {
        Self {
            client,
            kinds: Mutex::default(),
        }
    }

    /// Passes a line on, or holds it back. `kind` is librdkafka's word for where it comes from.
    pub(super) fn line(&self, level: RDKafkaLogLevel, kind: &str, text: &str) {
        let client = self.client;
        let level = level_of(level, kind);
        if level == Level::Debug {
            // Off by default, and whoever switches it on wants every line.
            debug!(target: "librdkafka", client, kind, "{text}");
            return;
        }
        let Some(held_back) = self.admit(kind) else {
            return;
        };
        match level {
            Level::Error => error!(target: "librdkafka", client, kind, held_back, "{text}"),
            Level::Warn => warn!(target: "librdkafka", client, kind, held_back, "{text}"),
            Level::Info => info!(target: "librdkafka", client, kind, held_back, "{text}"),
            Level::Debug => {}
        }
    }

    /// How many lines of this kind were held back before this one; `None` where it is held back too.
    fn admit(&self, kind: &str) -> Option<u32> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Moment::now();
        match kinds.get_mut(kind) {
            Some(known) if known.quiet_until > now => {
                known.held_back += 1;
                None
            }
            Some(known) => {
                known.quiet_until = now.plus(QUIET);
                Some(std::mem::take(&mut known.held_back))
            }
            None => {
                let quiet_until = now.plus(QUIET);
                let held_back = 0;
                kinds.insert(
                    kind.to_owned(),
                    Kind {
                        quiet_until,
                        held_back,
                    },
                );
                Some(0)
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

/// What a level of librdkafka's means to the people who run a service.
fn level_of(level: RDKafkaLogLevel, kind: &str) -> Level {
    match (level, kind) {
        // All clients get the same options, and each names those that are for others.
        (_, "CONFWARN") => Level::Debug,
        (RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical, _) => {
            Level::Error
        }
        // A broker that is away is weather: the client goes on trying.
        (RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning, _) => Level::Warn,
        (RDKafkaLogLevel::Notice, _) => Level::Info,
        // Idle connections that a broker closes, and the like.
        (RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug, _) => Level::Debug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_once_and_then_counted() {
        // Shows that a flood becomes one line, and that other kinds are not held back by it.
        let log = Log::of("producer");
        assert_eq!(log.admit("FAIL"), Some(0));
        assert_eq!(log.admit("FAIL"), None);
        assert_eq!(log.admit("FAIL"), None);
        assert_eq!(log.admit("REQTMOUT"), Some(0));
        log.kinds
            .lock()
            .unwrap()
            .get_mut("FAIL")
            .unwrap()
            .quiet_until = Moment::now();
        assert_eq!(log.admit("FAIL"), Some(2));
    }

    #[test]
    fn a_lost_connection_wakes_nobody() {
        // Shows the levels that differ from librdkafka's own.
        assert_eq!(level_of(RDKafkaLogLevel::Error, "FAIL"), Level::Warn);
        assert_eq!(level_of(RDKafkaLogLevel::Warning, "CONFWARN"), Level::Debug);
        assert_eq!(level_of(RDKafkaLogLevel::Critical, "FATAL"), Level::Error);
    }
}
