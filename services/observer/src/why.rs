//! Why a flow stands as it does, in one sentence: what topics tell, with who is alive.
//!
//! Pure: a snapshot goes in, a word and a sentence come out. The order of the questions is the order
//! in which a person would ask them: can we tell at all, is anybody there, has it the partition, does
//! it get on, has it begun.

use jiff::{SignedDuration, Timestamp};

use crate::flow::status::{Wait, Word};
use crate::flow::view::{ReactionView, Summary};
use crate::index::Row;
use crate::live::{Assigned, Broker, IndexState, Service, Snapshot};
use crate::types;

/// How long a reaction may take before that is worth telling.
const SLOW: SignedDuration = SignedDuration::from_secs(2);
/// How long a low-water mark may stand still before a partition counts as stuck.
const STUCK: SignedDuration = SignedDuration::from_secs(10);

/// A flow as a list tells it, with who is alive.
pub fn told(row: Row, snapshot: &Snapshot) -> Summary {
    let Row { mut summary, wait } = row;
    if !summary.status.is_at_rest() {
        (summary.status, summary.why) =
            explain(summary.status, &summary.why, wait.as_ref(), snapshot);
    }
    summary
}

/// The word and the sentence for a flow that is not at rest.
pub fn explain(word: Word, why: &str, wait: Option<&Wait>, snapshot: &Snapshot) -> (Word, String) {
    let wait = wait.filter(|wait| !wait.service.is_empty());
    if snapshot.index.is_behind() {
        let known = match wait.filter(|wait| wait.attempts > 0) {
            Some(wait) => failed(wait),
            None => why.to_owned(),
        };
        let since = behind(&snapshot.index, snapshot.now);
        return (Word::Unknown, format!("{since}; last known: {known}"));
    }
    let Some(wait) = wait else {
        return (word, why.to_owned());
    };
    let Some(service) = snapshot.alive(&wait.service) else {
        let service = snapshot.services.get(&wait.service);
        return (Word::Blocked, down(wait, service, snapshot.now));
    };
    if wait.attempts > 0 {
        return (word, retrying(wait, snapshot.now));
    }
    (word, waiting(wait, service, snapshot.now))
}

/// What is said of one reaction that is not done.
pub fn of_reaction(reaction: &ReactionView, wait: &Wait, snapshot: &Snapshot) -> Option<String> {
    match reaction.status.as_str() {
        "done" => None,
        "parked" => Some(parked(wait)),
        _ => Some(explain(Word::Running, "", Some(wait), snapshot).1),
    }
}

fn behind(index: &IndexState, now: Timestamp) -> String {
    let by_now = || {
        let since = index.broker_since.map(|then| since(then, now));
        since.map_or_else(String::new, |since| format!(" ({since} by now)"))
    };
    match (&index.trouble, index.caught_up) {
        _ if index.broker == Broker::Waiting => {
            format!("the broker has not answered yet{}", by_now())
        }
        _ if index.broker == Broker::Away => {
            format!("the broker does not answer any more{}", by_now())
        }
        (Some(trouble), _) => format!("topics cannot be read: {trouble}"),
        (None, false) => {
            let percent = index.read_percent.unwrap_or(0.0);
            format!("the index is being built, {percent:.0} % read")
        }
        (None, true) => {
            let (ms, records) = (index.behind_ms, index.behind_records);
            format!("the index is {} behind, by {records} records", span(ms))
        }
    }
}

fn down(wait: &Wait, service: Option<&Service>, now: Timestamp) -> String {
    let (name, event) = (&wait.service, types::last(&wait.kind));
    let seen = service.and_then(|service| service.last_seen);
    let since = seen.map_or_else(
        || "nobody of it was seen in the last hour".to_owned(),
        |seen| format!("last seen {} ago", since(seen, now)),
    );
    let at = place(wait);
    let failed = match wait.attempts {
        0 => String::new(),
        attempts => format!(", after {attempts} failed attempts ({})", wait.code),
    };
    format!("{name} is down ({since}): {event} ({at}) waits for it{failed}")
}

fn retrying(wait: &Wait, now: Timestamp) -> String {
    let next = wait
        .next_attempt_at
        .map_or_else(String::new, |next| match next > now {
            true => format!(", next in {}", since(now, next)),
            false => format!(", attempt {} is due", wait.attempts.saturating_add(1)),
        });
    format!("{}{next}", failed(wait))
}

fn failed(wait: &Wait) -> String {
    let (name, event) = (&wait.service, types::last(&wait.kind));
    let (attempts, code) = (wait.attempts, &wait.code);
    // The port's own codes say which outside party it is.
    for (ending, what) in [
        ("_unreachable", "cannot be reached"),
        ("_silent", "does not answer in time"),
        ("_down", "is out of order"),
    ] {
        if let Some(party) = code.strip_suffix(ending) {
            return format!(
                "{party} {what}: {name} goes on trying for {event}, attempt {attempts}"
            );
        }
    }
    format!("{name} failed at {event} ({code}), attempt {attempts}")
}

fn parked(wait: &Wait) -> String {
    let (name, event) = (&wait.service, types::last(&wait.kind));
    format!(
        "{name} parked {event} after attempt {} ({})",
        wait.attempts, wait.code
    )
}

fn waiting(wait: &Wait, service: &Service, now: Timestamp) -> String {
    let (name, event, at) = (&wait.service, types::last(&wait.kind), place(wait));
    let Some(held) = service.held(&wait.at.topic, wait.at.partition) else {
        let activity = service.instances.iter().find(|instance| instance.alive);
        let activity = activity.map_or("waiting", |instance| instance.activity.as_str());
        return format!(
            "{name} is {activity}, and none of its instances has the partition of {event} ({at}) yet"
        );
    };
    if wait.at.offset < held.low_water {
        return format!("{name} is past {event} ({at}), and has not told what became of it");
    }
    let ahead = (wait.at.offset - held.low_water).unsigned_abs();
    if ahead < held.unfinished {
        let age = wait
            .since
            .map_or(SignedDuration::ZERO, |since| now.duration_since(since));
        // Above the low-water mark some may be finished already.
        let others = match ahead {
            0 => String::new(),
            ahead => format!(": up to {ahead} events before it are in hand too"),
        };
        return match age > SLOW {
            true => format!(
                "{name} has taken {event} and is not done with it after {}{others}",
                spell(age)
            ),
            false => format!("{name} is reacting to {event}"),
        };
    }
    if held.paused {
        return format!(
            "{name} has paused: {} events before {event} ({at}) are not finished",
            held.unfinished
        );
    }
    lagging(name, event, ahead, held, now)
}

fn lagging(name: &str, event: &str, ahead: u64, held: &Assigned, now: Timestamp) -> String {
    let at = format!("{}/{}", held.topic, held.partition);
    let still = now.duration_since(held.moved_at);
    if still > STUCK {
        let still = spell(still);
        return format!(
            "{name} is stuck: {ahead} events stand before {event} in {at}, and none was finished for {still}"
        );
    }
    let Some(left) = held.ms_for(ahead) else {
        return format!("waits for {name} to react to {event}");
    };
    let (left, rate) = (span(left), held.per_second);
    let digits = usize::from(rate < 10.0 && rate.fract() > 0.05);
    format!(
        "{name} lags: {ahead} events stand before {event} in {at}, about {left} at {rate:.digits$}/s"
    )
}

fn place(wait: &Wait) -> String {
    format!("{}/{}@{}", wait.at.topic, wait.at.partition, wait.at.offset)
}

fn since(from: Timestamp, to: Timestamp) -> String {
    spell(to.duration_since(from))
}

fn spell(duration: SignedDuration) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a span for people")]
    span(duration.as_millis().max(0) as f64)
}

/// A span of time for people: two digits are enough.
fn span(ms: f64) -> String {
    let seconds = ms / 1e3;
    match seconds {
        s if s < 1.0 => format!("{ms:.0} ms"),
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3_600.0),
        s => format!("{:.0} d", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests;
