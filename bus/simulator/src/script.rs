//! A script: what happens in a run, and what goes wrong in it.
//!
//! A run is determined by its seed and its script. Everything in it is a line of text, so that a
//! failure can be written down, read by people, shortened line by line, and run again.

use std::fmt;
use std::str::FromStr;

use quadrille::world::Point;

/// What happens, and what goes wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// What happens.
    pub steps: Vec<Step>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

/// Something that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When, in milliseconds after all services were ready.
    pub at_ms: u64,
    /// What, in the words of the scenario.
    pub what: String,
}

/// Something that goes wrong. Times are in milliseconds; those named `at_ms` count from when all
/// services were ready. `nth` counts from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An instance of a service ends where it passes a point for the n-th time, and another one
    /// starts after a while.
    Crash {
        /// The service.
        service: String,
        /// The point.
        point: Point,
        /// Which passing of it.
        nth: u64,
        /// When another one starts.
        back_ms: u64,
    },
    /// An event waits where it passes a point for the n-th time.
    Slow {
        /// The service.
        service: String,
        /// The point.
        point: Point,
        /// Which passing of it.
        nth: u64,
        /// How long.
        for_ms: u64,
    },
    /// An instance hears nothing of its group, is given up by it, and goes on with what it has: a
    /// zombie.
    Zombie {
        /// The service.
        service: String,
        /// When.
        at_ms: u64,
        /// How long.
        for_ms: u64,
    },
    /// Another instance joins the group.
    Join {
        /// The service.
        service: String,
        /// When.
        at_ms: u64,
    },
    /// An instance drains and leaves the group; where it was the last one, another one follows.
    Leave {
        /// The service.
        service: String,
        /// When.
        at_ms: u64,
        /// When another one follows.
        back_ms: u64,
    },
    /// The clock of a service jumps.
    Clock {
        /// The service.
        service: String,
        /// When.
        at_ms: u64,
        /// How far; negative: back.
        by_ms: i64,
    },
    /// The n-th record of a topic stands there a second time after a while.
    Duplicate {
        /// The topic.
        topic: String,
        /// Which record.
        nth: u64,
        /// After how long.
        after_ms: u64,
    },
    /// The n-th record of a topic is stored, and whoever sent it is told that it is not.
    Unacknowledged {
        /// The topic.
        topic: String,
        /// Which record.
        nth: u64,
    },
    /// Records of a partition reach nobody for a while.
    Delay {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// From when.
        at_ms: u64,
        /// How long.
        for_ms: u64,
    },
    /// A partition is not available for a while: it neither takes records nor gives any.
    Cut {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// From when.
        at_ms: u64,
        /// How long.
        for_ms: u64,
    },
    /// The n-th change that a service submits conflicts.
    Conflict {
        /// The service.
        service: String,
        /// Which change.
        nth: u64,
    },
    /// A service's outbox is full for a while.
    Full {
        /// The service.
        service: String,
        /// From when.
        at_ms: u64,
        /// How long.
        for_ms: u64,
    },
    /// A service's store does not answer for a while.
    Down {
        /// The service.
        service: String,
        /// From when.
        at_ms: u64,
        /// How long.
        for_ms: u64,
    },
    /// No call to the outside succeeds for a while.
    Outage {
        /// From when.
        at_ms: u64,
        /// How long.
        for_ms: u64,
    },
    /// A service cannot read any event of a type.
    Broken {
        /// The service.
        service: String,
        /// Full name of the type.
        event: String,
    },
    /// The n-th call to the outside fails, hangs, or succeeds and is not answered.
    Call {
        /// Which call.
        nth: u64,
        /// How it goes.
        how: Call,
    },
}

/// How a call to the outside goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Nothing happened, and the caller is told.
    Fails,
    /// Nothing happened, and there is no answer.
    Hangs,
    /// It happened, and there is no answer.
    Unanswered,
    /// It happened, and the caller is told that it did not.
    Misreported,
}

impl Call {
    /// All ways.
    pub const ALL: [Self; 4] = [
        Self::Fails,
        Self::Hangs,
        Self::Unanswered,
        Self::Misreported,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Fails => "fails",
            Self::Hangs => "hangs",
            Self::Unanswered => "unanswered",
            Self::Misreported => "misreported",
        }
    }
}

impl Script {
    /// How many lines it has.
    pub fn len(&self) -> usize {
        self.steps.len() + self.faults.len()
    }

    /// Whether nothing happens.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms: {}", self.at_ms, self.what)
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no step, such as `120 ms: place o1`");
        let (at, what) = text.split_once(" ms: ").ok_or_else(wrong)?;
        Ok(Self {
            at_ms: at.parse().map_err(|_| wrong())?,
            what: what.to_owned(),
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash {
                service,
                point,
                nth,
                back_ms,
            } => write!(
                f,
                "crash {service} at {} {nth} back after {back_ms} ms",
                point.name()
            ),
            Self::Slow {
                service,
                point,
                nth,
                for_ms,
            } => write!(
                f,
                "slow {service} at {} {nth} for {for_ms} ms",
                point.name()
            ),
            Self::Zombie {
                service,
                at_ms,
                for_ms,
            } => write!(f, "zombie {service} from {at_ms} for {for_ms} ms"),
            Self::Join { service, at_ms } => write!(f, "join {service} at {at_ms} ms"),
            Self::Leave {
                service,
                at_ms,
                back_ms,
            } => write!(f, "leave {service} at {at_ms} back after {back_ms} ms"),
            Self::Clock {
                service,
                at_ms,
                by_ms,
            } => write!(f, "clock {service} at {at_ms} by {by_ms} ms"),
            Self::Duplicate {
                topic,
                nth,
                after_ms,
            } => write!(f, "duplicate {topic} {nth} after {after_ms} ms"),
            Self::Unacknowledged { topic, nth } => write!(f, "unacknowledged {topic} {nth}"),
            Self::Delay {
                topic,
                partition,
                at_ms,
                for_ms,
            } => write!(f, "delay {topic} {partition} from {at_ms} for {for_ms} ms"),
            Self::Cut {
                topic,
                partition,
                at_ms,
                for_ms,
            } => write!(f, "cut {topic} {partition} from {at_ms} for {for_ms} ms"),
            Self::Conflict { service, nth } => write!(f, "conflict {service} {nth}"),
            Self::Full {
                service,
                at_ms,
                for_ms,
            } => write!(f, "full {service} from {at_ms} for {for_ms} ms"),
            Self::Down {
                service,
                at_ms,
                for_ms,
            } => write!(f, "down {service} from {at_ms} for {for_ms} ms"),
            Self::Outage { at_ms, for_ms } => write!(f, "outage from {at_ms} for {for_ms} ms"),
            Self::Broken { service, event } => write!(f, "broken {service} on {event}"),
            Self::Call { nth, how } => write!(f, "call {nth} {}", how.word()),
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        parse(&words).ok_or_else(|| {
            format!(
                "`{text}` is no fault, such as `crash payments at committed 2 back after 500 ms`"
            )
        })
    }
}

/// `None`: it is no fault.
fn parse(words: &[&str]) -> Option<Fault> {
    let name = |text: &&str| (*text).to_owned();
    let number = |text: &&str| text.parse::<u64>().ok();
    let point = |text: &&str| Point::ALL.into_iter().find(|point| point.name() == *text);
    Some(match words {
        ["crash", service, "at", at, nth, "back", "after", back, "ms"] => Fault::Crash {
            service: name(service),
            point: point(at)?,
            nth: number(nth)?,
            back_ms: number(back)?,
        },
        ["slow", service, "at", at, nth, "for", long, "ms"] => Fault::Slow {
            service: name(service),
            point: point(at)?,
            nth: number(nth)?,
            for_ms: number(long)?,
        },
        ["join", service, "at", at, "ms"] => Fault::Join {
            service: name(service),
            at_ms: number(at)?,
        },
        ["leave", service, "at", at, "back", "after", back, "ms"] => Fault::Leave {
            service: name(service),
            at_ms: number(at)?,
            back_ms: number(back)?,
        },
        ["clock", service, "at", at, "by", by, "ms"] => Fault::Clock {
            service: name(service),
            at_ms: number(at)?,
            by_ms: by.parse().ok()?,
        },
        ["duplicate", topic, nth, "after", after, "ms"] => Fault::Duplicate {
            topic: name(topic),
            nth: number(nth)?,
            after_ms: number(after)?,
        },
        ["unacknowledged", topic, nth] => Fault::Unacknowledged {
            topic: name(topic),
            nth: number(nth)?,
        },
        ["conflict", service, nth] => Fault::Conflict {
            service: name(service),
            nth: number(nth)?,
        },
        ["broken", service, "on", event] => Fault::Broken {
            service: name(service),
            event: name(event),
        },
        ["call", nth, how] => Fault::Call {
            nth: number(nth)?,
            how: Call::ALL.into_iter().find(|call| call.word() == *how)?,
        },
        [kind, topic, partition, "from", at, "for", long, "ms"] => {
            let (topic, partition) = (name(topic), partition.parse().ok()?);
            let (at_ms, for_ms) = (number(at)?, number(long)?);
            cut_off(kind, topic, partition, at_ms, for_ms)?
        }
        ["outage", "from", at, "for", long, "ms"] => Fault::Outage {
            at_ms: number(at)?,
            for_ms: number(long)?,
        },
        [kind, service, "from", at, "for", long, "ms"] => {
            silent(kind, name(service), number(at)?, number(long)?)?
        }
        _ => return None,
    })
}

/// Something about a partition for a while.
fn cut_off(kind: &str, topic: String, partition: i32, at_ms: u64, for_ms: u64) -> Option<Fault> {
    match kind {
        "delay" => Some(Fault::Delay {
            topic,
            partition,
            at_ms,
            for_ms,
        }),
        "cut" => Some(Fault::Cut {
            topic,
            partition,
            at_ms,
            for_ms,
        }),
        _ => None,
    }
}

/// Something about a service for a while.
fn silent(kind: &str, service: String, at_ms: u64, for_ms: u64) -> Option<Fault> {
    match kind {
        "zombie" => Some(Fault::Zombie {
            service,
            at_ms,
            for_ms,
        }),
        "full" => Some(Fault::Full {
            service,
            at_ms,
            for_ms,
        }),
        "down" => Some(Fault::Down {
            service,
            at_ms,
            for_ms,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        // Shows that every fault and step survives being written down.
        let faults = [
            "crash payments at committed 2 back after 500 ms",
            "slow payments at called 1 for 8000 ms",
            "zombie orders from 20 for 15000 ms",
            "join orders at 100 ms",
            "leave orders at 100 back after 10 ms",
            "clock orders at 5 by -3600000 ms",
            "duplicate inventory 3 after 40 ms",
            "unacknowledged inventory 3",
            "delay inventory 5 from 0 for 100 ms",
            "cut inventory 5 from 0 for 100 ms",
            "conflict inventory 9",
            "full inventory from 0 for 10 ms",
            "down inventory from 0 for 10 ms",
            "outage from 5 for 9000 ms",
            "broken inventory on orders.v1.OrderPlaced",
            "call 1 fails",
            "call 1 hangs",
            "call 1 unanswered",
            "call 1 misreported",
        ];
        for text in faults {
            let fault: Fault = text.parse().unwrap();
            assert_eq!(fault.to_string(), text);
        }
        let step: Step = "12 ms: place o1".parse().unwrap();
        assert_eq!(step.to_string(), "12 ms: place o1");
    }

    #[test]
    fn what_is_no_line_is_refused_with_an_example() {
        for text in [
            "crash",
            "call 1 sings",
            "crash a at nowhere 1 back after 1 ms",
        ] {
            let error = text.parse::<Fault>().unwrap_err();
            assert!(
                error.starts_with(&format!("`{text}` is no fault")),
                "{error}"
            );
        }
        assert!("place o1".parse::<Step>().is_err());
    }
}
