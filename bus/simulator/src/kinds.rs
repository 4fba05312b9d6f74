//! Which kinds of fault there are, and how those of a run are drawn from its seed.
//!
//! All faults of a run are drawn before it begins, so that they can be written down. One whose turn
//! never comes does nothing.

use std::str::FromStr;

use quadrille::world::Point;

use crate::draw::Draw;
use crate::script::{Call, Fault};

/// Most faults that are drawn for one run.
const FAULTS_MAX: u64 = 6;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An instance ends at a point, and another one starts.
    Crash,
    /// An event waits at a point.
    Slow,
    /// An instance is given up by its group and goes on.
    Zombie,
    /// An instance joins, or leaves.
    Rebalance,
    /// The clock of a service jumps.
    Clock,
    /// A record stands twice.
    Duplicate,
    /// A record is stored, and its sender is told that it is not.
    Unacknowledged,
    /// Records of a partition come late.
    Delay,
    /// A partition is not available.
    Cut,
    /// A change conflicts.
    Conflict,
    /// An outbox is full.
    Full,
    /// A store does not answer.
    Down,
    /// A call to the outside goes wrong.
    Call,
    /// No call to the outside succeeds.
    Outage,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Crash,
        Self::Slow,
        Self::Zombie,
        Self::Rebalance,
        Self::Clock,
        Self::Duplicate,
        Self::Unacknowledged,
        Self::Delay,
        Self::Cut,
        Self::Conflict,
        Self::Full,
        Self::Down,
        Self::Call,
        Self::Outage,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Slow => "slow",
            Self::Zombie => "zombie",
            Self::Rebalance => "rebalance",
            Self::Clock => "clock",
            Self::Duplicate => "duplicate",
            Self::Unacknowledged => "unacknowledged",
            Self::Delay => "delay",
            Self::Cut => "cut",
            Self::Conflict => "conflict",
            Self::Full => "full",
            Self::Down => "down",
            Self::Call => "call",
            Self::Outage => "outage",
        }
    }

    /// Several, as in `crash,duplicate`, or `all`, or `none`.
    pub fn list(text: &str) -> Result<Vec<Self>, String> {
        match text {
            "all" => Ok(Self::ALL.to_vec()),
            "none" => Ok(Vec::new()),
            _ => text.split(',').map(|name| name.trim().parse()).collect(),
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|kind| kind.name()).collect();
            format!(
                "`{text}` is no kind of fault, which are {}; or say all or none",
                names.join(", ")
            )
        })
    }
}

/// What there is that something can go wrong with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cast {
    /// Names of the services.
    pub(crate) services: Vec<String>,
    /// Topics of events, with how many partitions each has.
    pub(crate) topics: Vec<(String, i32)>,
    /// Who publishes on which of them.
    pub(crate) publishers: Vec<(String, String)>,
    /// Whether there are calls to the outside.
    pub(crate) calls: bool,
    /// How long steps go on, in milliseconds.
    pub(crate) length_ms: u64,
}

/// Draws what goes wrong in a run.
pub(crate) fn draw(draw: &mut Draw, kinds: &[Kind], cast: &Cast) -> Vec<Fault> {
    let possible: Vec<Kind> = kinds
        .iter()
        .copied()
        .filter(|kind| match kind {
            Kind::Call => cast.calls,
            // It has numbers of its own.
            Kind::Outage => false,
            Kind::Duplicate | Kind::Unacknowledged | Kind::Delay | Kind::Cut => {
                !cast.topics.is_empty()
            }
            _ => !cast.services.is_empty(),
        })
        .collect();
    if possible.is_empty() {
        return Vec::new();
    }
    let count = draw.between(0, FAULTS_MAX);
    (0..count)
        .map(|_| {
            let kind = *draw.pick(&possible);
            fault(draw, kind, cast)
        })
        .collect()
}

/// Draws who comes and goes beside that: what has to move between instances, and what stays, shows only
/// where one service has several, which single faults seldom lead to.
pub(crate) fn crowd(draw: &mut Draw, kinds: &[Kind], cast: &Cast) -> Vec<Fault> {
    if !kinds.contains(&Kind::Rebalance) || cast.services.is_empty() || !draw.chance(40) {
        return Vec::new();
    }
    let service = draw.pick(&cast.services).clone();
    let mut at_ms = 0;
    let mut faults = Vec::new();
    for _ in 0..draw.between(1, 3) {
        at_ms += draw.below(cast.length_ms / 2 + 500);
        faults.push(Fault::Join {
            service: service.clone(),
            at_ms,
        });
        if draw.chance(50) {
            at_ms += draw.below(cast.length_ms / 2 + 500);
            faults.push(Fault::Leave {
                service: service.clone(),
                at_ms,
                back_ms: short(draw),
            });
        }
    }
    faults
}

/// Draws whether a topic is cut off as a whole while two instances publish there: what one has to publish
/// before the other shows only where neither can.
pub(crate) fn jam(draw: &mut Draw, kinds: &[Kind], cast: &Cast) -> Vec<Fault> {
    let has_both = kinds.contains(&Kind::Cut) && kinds.contains(&Kind::Rebalance);
    if !has_both || cast.publishers.is_empty() || !draw.chance(15) {
        return Vec::new();
    }
    let (service, topic) = draw.pick(&cast.publishers).clone();
    let of_topic = |(name, _): &&(String, i32)| *name == topic;
    let partitions = cast.topics.iter().find(of_topic).map_or(0, |(_, n)| *n);
    let (at_ms, for_ms) = (
        draw.below(cast.length_ms + 500),
        draw.between(3_000, 20_000),
    );
    let cut = |partition| Fault::Cut {
        topic: topic.clone(),
        partition,
        at_ms,
        for_ms,
    };
    let join = Fault::Join { service, at_ms: 0 };
    std::iter::once(join)
        .chain((0..partitions).map(cut))
        .collect()
}

/// Draws whether a zombie is still at an event when somebody else has its partition: that is when it must be
/// kept from settling, and it seldom comes by chance.
pub(crate) fn haunt(draw: &mut Draw, kinds: &[Kind], cast: &Cast) -> Vec<Fault> {
    let has_all = [Kind::Zombie, Kind::Slow, Kind::Rebalance]
        .iter()
        .all(|kind| kinds.contains(kind));
    if !has_all || cast.services.is_empty() || !draw.chance(10) {
        return Vec::new();
    }
    let service = draw.pick(&cast.services).clone();
    let slow = Fault::Slow {
        service: service.clone(),
        point: *draw.pick(&[Point::Taken, Point::Reacted]),
        nth: draw.between(1, 4),
        // Longer than a session.
        for_ms: draw.between(8_000, 20_000),
    };
    let zombie = Fault::Zombie {
        service: service.clone(),
        at_ms: draw.below(500),
        for_ms: draw.between(15_000, 40_000),
    };
    let join = Fault::Join { service, at_ms: 0 };
    vec![slow, zombie, join]
}

/// Draws whether the outside is away for a while, longer than whatever calls it would be tried for if
/// that counted.
pub(crate) fn outage(draw: &mut Draw, kinds: &[Kind], cast: &Cast) -> Option<Fault> {
    if !kinds.contains(&Kind::Outage) || !cast.calls || !draw.chance(15) {
        return None;
    }
    Some(Fault::Outage {
        at_ms: draw.below(cast.length_ms + 500),
        for_ms: long(draw),
    })
}

fn fault(draw: &mut Draw, kind: Kind, cast: &Cast) -> Fault {
    let at_ms = draw.below(cast.length_ms + 500);
    match kind {
        Kind::Duplicate | Kind::Unacknowledged | Kind::Delay | Kind::Cut => {
            let (topic, partitions) = draw.pick(&cast.topics).clone();
            on_topic(draw, kind, topic, partitions, at_ms)
        }
        Kind::Call => Fault::Call {
            nth: draw.between(1, 8),
            how: *draw.pick(&Call::ALL),
        },
        _ => {
            let service = draw.pick(&cast.services).clone();
            in_service(draw, kind, service, at_ms)
        }
    }
}

fn on_topic(draw: &mut Draw, kind: Kind, topic: String, partitions: i32, at_ms: u64) -> Fault {
    let count = u64::try_from(partitions.max(1)).unwrap_or(1);
    let partition = i32::try_from(draw.below(count)).unwrap_or(0);
    let (nth, for_ms) = (draw.between(1, 12), long(draw));
    match kind {
        Kind::Duplicate => Fault::Duplicate {
            topic,
            nth,
            after_ms: short(draw),
        },
        Kind::Unacknowledged => Fault::Unacknowledged { topic, nth },
        Kind::Delay => Fault::Delay {
            topic,
            partition,
            at_ms,
            for_ms,
        },
        _ => Fault::Cut {
            topic,
            partition,
            at_ms,
            for_ms,
        },
    }
}

fn in_service(draw: &mut Draw, kind: Kind, service: String, at_ms: u64) -> Fault {
    let (nth, for_ms) = (draw.between(1, 12), long(draw));
    match kind {
        Kind::Slow => Fault::Slow {
            service,
            point: *draw.pick(&Point::ALL),
            nth,
            for_ms,
        },
        Kind::Zombie => Fault::Zombie {
            service,
            at_ms,
            for_ms: draw.between(1_000, 40_000),
        },
        Kind::Rebalance if draw.chance(50) => Fault::Join { service, at_ms },
        Kind::Rebalance => Fault::Leave {
            service,
            at_ms,
            back_ms: short(draw),
        },
        Kind::Clock => Fault::Clock {
            service,
            at_ms,
            by_ms: *draw.pick(&[-3_600_000, -2_000, 2_000, 3_600_000]),
        },
        Kind::Conflict => Fault::Conflict { service, nth },
        Kind::Full => Fault::Full {
            service,
            at_ms,
            for_ms,
        },
        Kind::Down => Fault::Down {
            service,
            at_ms,
            for_ms,
        },
        _ => Fault::Crash {
            service,
            point: *draw.pick(&Point::ALL),
            nth,
            back_ms: short(draw),
        },
    }
}

/// Mostly a moment, sometimes longer than anything else takes.
fn short(draw: &mut Draw) -> u64 {
    match draw.below(3) {
        0 => draw.below(5),
        1 => draw.below(300),
        _ => draw.below(4_000),
    }
}

/// Up to longer than a group waits for its members, and than a reaction may take.
fn long(draw: &mut Draw) -> u64 {
    match draw.below(3) {
        0 => draw.between(1, 50),
        1 => draw.between(50, 3_000),
        _ => draw.between(3_000, 40_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_in_a_list() {
        let named = Kind::list("crash, duplicate");
        assert_eq!(named, Ok(vec![Kind::Crash, Kind::Duplicate]));
        assert_eq!(Kind::list("none"), Ok(Vec::new()));
        assert!(Kind::list("crush").unwrap_err().contains("crash, slow"));
    }

    #[test]
    fn every_kind_is_drawn_and_what_is_drawn_can_be_written_down() {
        let cast = Cast {
            services: vec!["a".to_owned()],
            topics: vec![("t".to_owned(), 3)],
            publishers: Vec::new(),
            calls: true,
            length_ms: 1_000,
        };
        for kind in Kind::ALL {
            let mut numbers = Draw::new(kind as u64);
            let drawn: Vec<_> = (0..20)
                .flat_map(|_| {
                    let outage = outage(&mut numbers, &[kind], &cast);
                    let drawn = draw(&mut numbers, &[kind], &cast);
                    drawn.into_iter().chain(outage)
                })
                .collect();
            assert!(!drawn.is_empty());
            for fault in drawn {
                assert_eq!(fault.to_string().parse(), Ok(fault));
            }
        }
        assert!(draw(&mut Draw::new(1), &[Kind::Call], &Cast::default()).is_empty());
    }

    #[test]
    fn what_must_come_together_is_drawn_together() {
        // Shows that a jam and a haunting are drawn now and then, that they are asked for by kinds, and
        // that what is drawn can be written down.
        let cast = Cast {
            services: vec!["a".to_owned()],
            topics: vec![("t".to_owned(), 3)],
            publishers: vec![("a".to_owned(), "t".to_owned())],
            calls: true,
            length_ms: 1_000,
        };
        type Drawn = fn(&mut Draw, &[Kind], &Cast) -> Vec<Fault>;
        let (of_jam, of_haunting) = (
            [Kind::Cut, Kind::Rebalance],
            [Kind::Zombie, Kind::Slow, Kind::Rebalance],
        );
        // Who joins, and each partition of the topic; what slows it, the zombie, and who joins.
        let both: [(Drawn, &[Kind], usize); 2] = [(jam, &of_jam, 4), (haunt, &of_haunting, 3)];
        for (drawn, kinds, count) in both {
            let mut numbers = Draw::new(1);
            let all: Vec<_> = (0..200)
                .map(|_| drawn(&mut numbers, kinds, &cast))
                .collect();
            let some: Vec<_> = all.iter().filter(|faults| !faults.is_empty()).collect();
            assert!((5..100).contains(&some.len()), "{} of 200", some.len());
            for fault in some.into_iter().flatten() {
                assert_eq!(fault.to_string().parse().as_ref(), Ok(fault));
            }
            assert!(all.iter().all(|faults| [0, count].contains(&faults.len())));
            for lacking in kinds {
                let kinds: Vec<_> = kinds
                    .iter()
                    .copied()
                    .filter(|kind| kind != lacking)
                    .collect();
                assert!((0..200).all(|_| drawn(&mut numbers, &kinds, &cast).is_empty()));
            }
        }
    }
}
