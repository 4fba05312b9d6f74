//! Limits that must stand in an order, checked once, before anything is started.

use super::error::Error;
use super::loaded::Loaded;
use super::spec::Spec;
use super::value::Value;

/// Time between the end of a drain and the moment at which the group gives the partitions away
/// without asking: the last commit must fit into it.
const DRAIN_MARGIN_MS: i64 = 5_000;

/// What a record may be larger than its event: framing, and what a parked event says of its failure.
const RECORD_OVERHEAD_BYTES: i64 = 4096;

/// `times` × `smaller` + `plus` must be at most `larger`. Both are whole numbers of one unit.
#[derive(Debug, Clone, Copy)]
pub struct Relation {
    /// Path of the smaller option.
    pub smaller: &'static str,
    /// What it is multiplied by.
    pub times: i64,
    /// What is added to it.
    pub plus: i64,
    /// Path of the larger option.
    pub larger: &'static str,
    /// Why, as a half sentence after "but".
    pub why: &'static str,
}

/// What must hold between the options of the bus.
///
/// A reaction's time limit is in no relation to the drain on purpose: a drain may cut a reaction
/// off, and its event is handled again.
pub(super) const BUS: [Relation; 9] = [
    Relation {
        smaller: "limits.drain_timeout_ms",
        times: 1,
        plus: DRAIN_MARGIN_MS,
        larger: "group.rebalance_timeout_ms",
        why: "a drain must end 5000 ms before the group gives the partitions away without asking",
    },
    Relation {
        smaller: "group.session_timeout_ms",
        times: 1,
        plus: 0,
        larger: "group.rebalance_timeout_ms",
        why: "Kafka wants a session to time out no later than a rebalance",
    },
    Relation {
        smaller: "limits.retry_base_ms",
        times: 1,
        plus: 0,
        larger: "limits.retry_max_ms",
        why: "the shortest wait between attempts cannot be longer than the longest",
    },
    Relation {
        smaller: "limits.event_bytes_max",
        times: 1,
        plus: RECORD_OVERHEAD_BYTES,
        larger: "kafka.record_bytes_max",
        why: "the record of the largest event can be 4096 bytes larger than the event, when it is parked",
    },
    Relation {
        smaller: "limits.event_bytes_max",
        times: 1,
        plus: 0,
        larger: "limits.in_flight_bytes_max",
        why: "the largest event could never be in flight",
    },
    Relation {
        smaller: "limits.key_events_max",
        times: 1,
        plus: 0,
        larger: "limits.partition_events_max",
        why: "the events of a key are among those of its partition",
    },
    Relation {
        smaller: "limits.reactions_at_once_max",
        times: 1,
        plus: 0,
        larger: "limits.partition_events_max",
        why: "only events that are held in memory can be reacted to",
    },
    Relation {
        smaller: "presence.interval_ms",
        times: 3,
        plus: 0,
        larger: "presence.lease_ms",
        why: "a lease must last three intervals, so that one lost message is no death",
    },
    Relation {
        smaller: "telemetry.spans_batch_max",
        times: 1,
        plus: 0,
        larger: "telemetry.spans_queue_max",
        why: "the spans of a batch are among those that wait",
    },
];

impl Relation {
    /// What is wrong, where the relation does not hold. Nothing is said about an option that is
    /// wrong by itself.
    ///
    /// # Panics
    ///
    /// Where an option is no whole number.
    pub(super) fn broken(&self, loaded: &Loaded) -> Option<Error> {
        let smaller = Side::of(loaded, self.smaller);
        let larger = Side::of(loaded, self.larger);
        let at_least = smaller
            .value
            .saturating_mul(self.times)
            .saturating_add(self.plus);
        if smaller.is_wrong || larger.is_wrong || at_least <= larger.value {
            return None;
        }
        let at_most = (larger.value - self.plus) / self.times;
        let mends = [
            (at_most >= smaller.min)
                .then(|| format!("lower `{}` to {at_most} or less", self.smaller)),
            (at_least <= larger.max)
                .then(|| format!("raise `{}` to {at_least} or more", self.larger)),
        ];
        let mends: Vec<_> = mends.into_iter().flatten().collect();
        let error = Error::new(format!(
            "{} and {}, but {}",
            loaded.statement(self.smaller),
            loaded.statement(self.larger),
            self.why
        ));
        Some(error.mend(mends.join(", or ")))
    }
}

/// One side of a relation.
struct Side {
    value: i64,
    min: i64,
    max: i64,
    is_wrong: bool,
}

impl Side {
    fn of(loaded: &Loaded, path: &str) -> Self {
        let option = loaded.option(path);
        let setting = &loaded.settings[option];
        match (&loaded.layout.options[option].spec, &setting.value) {
            (Spec::Whole { min, max, .. }, Value::Whole(value)) => Self {
                value: *value,
                min: *min,
                max: *max,
                is_wrong: setting.is_wrong,
            },
            _ => panic!("`{path}` is a whole number"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Layout, Sources};

    fn error_of(sources: Sources) -> String {
        Layout::bus().load(sources).unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_hold() {
        Layout::bus().load(Sources::none()).unwrap();
    }

    #[test]
    fn a_broken_relation_names_both_options_both_values_and_both_mends() {
        assert_eq!(
            error_of(Sources::none().set("limits.drain_timeout_ms", "297000")),
            "error: `limits.drain_timeout_ms` is 297000 ms (--set limits.drain_timeout_ms) and \
             `group.rebalance_timeout_ms` is 300000 ms (default), but a drain must end 5000 ms \
             before the group gives the partitions away without asking\n  \
             mend: lower `limits.drain_timeout_ms` to 295000 or less, or raise \
             `group.rebalance_timeout_ms` to 302000 or more"
        );
    }

    #[test]
    fn the_edge_of_a_relation_holds() {
        let edge = Sources::none().set("limits.drain_timeout_ms", "295000");
        Layout::bus().load(edge).unwrap();
        let edge = Sources::none().set("presence.interval_ms", "1501");
        assert_eq!(
            error_of(edge),
            "error: `presence.interval_ms` is 1501 ms (--set presence.interval_ms) and \
             `presence.lease_ms` is 4500 ms (default), but a lease must last three intervals, so \
             that one lost message is no death\n  \
             mend: lower `presence.interval_ms` to 1500 or less, or raise `presence.lease_ms` to \
             4503 or more"
        );
    }

    #[test]
    fn a_mend_that_the_ranges_do_not_allow_is_not_offered() {
        assert_eq!(
            error_of(
                Sources::none()
                    .set("limits.drain_timeout_ms", "1000")
                    .set("group.session_timeout_ms", "1800000")
                    .set("group.rebalance_timeout_ms", "6000")
                    .set("limits.retry_max_ms", "1")
            ),
            "error: `group.session_timeout_ms` is 1800000 ms (--set group.session_timeout_ms) and \
             `group.rebalance_timeout_ms` is 6000 ms (--set group.rebalance_timeout_ms), but Kafka \
             wants a session to time out no later than a rebalance\n  \
             mend: lower `group.session_timeout_ms` to 6000 or less, or raise \
             `group.rebalance_timeout_ms` to 1800000 or more\n\
             error: `limits.retry_base_ms` is 100 ms (default) and `limits.retry_max_ms` is 1 ms \
             (--set limits.retry_max_ms), but the shortest wait between attempts cannot be longer \
             than the longest\n  \
             mend: lower `limits.retry_base_ms` to 1 or less, or raise `limits.retry_max_ms` to \
             100 or more"
        );
        assert_eq!(
            error_of(
                Sources::none()
                    .set("kafka.record_bytes_max", "8192")
                    .set("limits.event_bytes_max", "104857600")
                    .set("limits.in_flight_bytes_max", "104857600")
            )
            .lines()
            .last()
            .unwrap(),
            "  mend: lower `limits.event_bytes_max` to 4096 or less, or raise \
             `kafka.record_bytes_max` to 104861696 or more"
        );
    }
}
