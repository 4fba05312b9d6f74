//! A flow drawn for a terminal: the tree of causes with times, services and outcomes.

use std::fmt::Write as _;

use quadrille_observer::flow::status::Word;
use quadrille_observer::flow::view::{Event, ReactionView, View};
use quadrille_observer::types;

use crate::paint::{Colour, Paint, legible};

/// Draws a flow. Ends with a line break.
pub fn draw(view: &View, paint: Paint) -> String {
    let mut out = String::new();
    head(view, paint, &mut out);
    let bars = bars(&view.events);
    for (event, bars) in view.events.iter().zip(&bars) {
        let after = time(event.after_ms);
        let name = paint.bold(types::last(&event.kind));
        let by = publisher(&event.source);
        let _ = write!(out, "{after:>10}  {}{name}  ", paint.dim(&bars.own));
        let _ = writeln!(out, "{}{}", paint.dim(&by), remarks(event, paint));
        for reaction in &event.reactions {
            let line = self::reaction(reaction, paint);
            let _ = writeln!(out, "{:>10}  {}{line}", "", paint.dim(&bars.below));
        }
    }
    for note in &view.notes {
        let note = legible(note);
        let _ = writeln!(out, "{} {note}", paint.colour(Colour::Yellow, "note:"));
    }
    out
}

fn head(view: &View, paint: Paint, out: &mut String) {
    let summary = &view.summary;
    let keys: Vec<_> = summary
        .keys
        .iter()
        .map(|key| legible(format!("{} {}", key.space, key.key).trim()).into_owned())
        .collect();
    let word = paint.colour(colour(summary.status), summary.status.as_str());
    let _ = writeln!(out, "flow {}  {}", paint.bold(&summary.id), keys.join(", "));
    let took = time(summary.took_ms);
    let (why, count) = (legible(&summary.why), summary.event_count);
    let plural = if count == 1 { "" } else { "s" };
    let _ = writeln!(
        out,
        "{word}: {why} ({count} event{plural} in {})\n",
        took.trim_start_matches('+')
    );
}

/// What colour a status has.
pub fn colour(word: Word) -> Colour {
    match word {
        Word::Parked => Colour::Red,
        Word::Blocked | Word::Retrying | Word::Compensated => Colour::Yellow,
        Word::Running | Word::Unknown => Colour::Blue,
        Word::Completed => Colour::Green,
        Word::Settled => Colour::Cyan,
    }
}

fn publisher(source: &str) -> String {
    let service = source.strip_prefix("/quadrille/");
    service.unwrap_or(source).to_owned()
}

fn remarks(event: &Event, paint: Paint) -> String {
    let mut remarks = String::new();
    let mut warn = |text: String| {
        let _ = write!(remarks, "  {}", paint.colour(Colour::Yellow, &text));
    };
    if event.copies > 1 {
        warn(format!("({} copies)", event.copies));
    }
    if event.cause_missing {
        warn("(its cause is not here)".to_owned());
    }
    if !event.read {
        warn("(not read: only receipts tell of it)".to_owned());
    }
    remarks
}

fn reaction(reaction: &ReactionView, paint: Paint) -> String {
    let (mark, colour) = match reaction.status.as_str() {
        "done" => ("✓", Colour::Green),
        "retrying" => ("↻", Colour::Yellow),
        "parked" => ("✗", Colour::Red),
        _ => ("…", Colour::Blue),
    };
    let status = &reaction.status;
    let mut line = paint.colour(colour, &format!("{mark} {} {status}", reaction.service));
    if let Some(last) = reaction.attempts.last() {
        let _ = write!(
            line,
            " in {}",
            time(last.duration_ms).trim_start_matches('+')
        );
        if last.attempt > 1 {
            let _ = write!(line, ", attempt {}", last.attempt);
        }
        if !last.error_code.is_empty() {
            let _ = write!(line, ", {}", last.error_code);
        }
        if let Some(next) = last.next_attempt_at.filter(|_| status == "retrying") {
            let _ = write!(line, ", next at {next:.3}");
        }
    }
    if reaction.duplicates > 0 {
        let _ = write!(line, ", seen again {} times", reaction.duplicates);
    }
    line
}

/// What is drawn before an event and before its reactions.
struct Bars {
    own: String,
    below: String,
}

fn bars(events: &[Event]) -> Vec<Bars> {
    // Whether an event has a younger sibling, and whether it has children.
    let mut has_next = vec![false; events.len()];
    let mut has_child = vec![false; events.len()];
    let mut last_child: Vec<Option<usize>> = vec![None; events.len()];
    for (at, event) in events.iter().enumerate() {
        if let Some(parent) = event.parent.filter(|parent| *parent < events.len()) {
            has_child[parent] = true;
            if let Some(elder) = last_child[parent].replace(at) {
                has_next[elder] = true;
            }
        }
    }
    let mut stems: Vec<String> = Vec::with_capacity(events.len());
    let mut all = Vec::with_capacity(events.len());
    for (at, event) in events.iter().enumerate() {
        // The stem is what stands before everything below the event.
        let parent = event.parent.and_then(|parent| stems.get(parent));
        let (own, stem) = match parent {
            None => (String::new(), String::new()),
            Some(stem) if has_next[at] => (format!("{stem}├─ "), format!("{stem}│  ")),
            Some(stem) => (format!("{stem}└─ "), format!("{stem}   ")),
        };
        let below = format!("{stem}{}", if has_child[at] { "│    " } else { "     " });
        all.push(Bars { own, below });
        stems.push(stem);
    }
    all
}

/// Milliseconds for people, e.g. `+12.3 ms`.
fn time(ms: f64) -> String {
    match ms {
        ms if ms.abs() < 1.0 => format!("+{ms:.2} ms"),
        ms if ms.abs() < 100.0 => format!("+{ms:.1} ms"),
        ms if ms.abs() < 1_000.0 => format!("+{ms:.0} ms"),
        ms if ms.abs() < 60_000.0 => format!("+{:.2} s", ms / 1e3),
        ms if ms.abs() < 7_200_000.0 => format!("+{:.1} min", ms / 60e3),
        ms => format!("+{:.1} h", ms / 3_600e3),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(
        kind: &str,
        after_ms: f64,
        depth: usize,
        parent: Option<usize>,
        told: &Value,
    ) -> Value {
        let domain = kind.split('.').next().unwrap();
        json!({
            "id": kind, "source": format!("/quadrille/{domain}"), "type": kind, "key": "4711",
            "cause": null, "time": null, "after_ms": after_ms, "topic": domain, "partition": 0,
            "offset": 0, "depth": depth, "parent": parent, "cause_missing": false, "read": true,
            "copies": 1, "reactions": told,
        })
    }

    fn reaction(service: &str, status: &str, attempt: Value) -> Value {
        json!({
            "service": service, "reaction": "", "status": status, "duplicates": 0,
            "attempts": [attempt], "emitted": [],
        })
    }

    fn done(service: &str) -> Value {
        let attempt = json!({
            "attempt": 1, "outcome": "done", "started_at": "2026-01-02T03:04:05Z",
            "duration_ms": 1.5, "instance": "i", "code_version": "1",
        });
        reaction(service, "done", attempt)
    }

    #[test]
    fn the_drawing_is_a_tree() {
        // Shows the drawing as a whole, so that a change of it is seen.
        let retrying = json!({
            "attempt": 2, "outcome": "retry", "error_code": "gateway_down",
            "started_at": "2026-01-02T03:04:05Z", "duration_ms": 1.5, "instance": "i",
            "code_version": "1", "next_attempt_at": "2026-01-02T03:05:05Z",
        });
        let view = json!({
            "id": "f", "status": "retrying", "why": "shipping failed", "outcomes": [],
            "keys": [{"space": "order", "key": "4711"}], "started_at": null, "last_at": null,
            "took_ms": 1300.0, "event_count": 5, "last_event": null, "notes": [],
            "events": [
                event("orders.v1.OrderPlaced", 0.0, 0, None, &json!([done("inventory")])),
                event("inventory.v1.StockReleased", 9.0, 1, Some(0), &json!([])),
                event("inventory.v1.StockReserved", 10.0, 1, Some(0), &json!([
                    done("payments"), reaction("shipping", "retrying", retrying),
                ])),
                event("payments.v1.PaymentCaptured", 250.0, 2, Some(2), &json!([done("orders")])),
                event("orders.v1.OrderConfirmed", 1300.0, 3, Some(3), &json!([])),
            ],
        });
        let view: View = serde_json::from_value(view).unwrap();
        let drawn = draw(&view, Paint::PLAIN);
        let lines = [
            "flow f  order 4711",
            "retrying: shipping failed (5 events in 1.30 s)",
            "",
            "  +0.00 ms  OrderPlaced  orders",
            "            │    ✓ inventory done in 1.5 ms",
            "   +9.0 ms  ├─ StockReleased  inventory",
            "  +10.0 ms  └─ StockReserved  inventory",
            "               │    ✓ payments done in 1.5 ms",
            "               │    ↻ shipping retrying in 1.5 ms, attempt 2, gateway_down, next at 2026-01-02T03:05:05.000Z",
            "   +250 ms     └─ PaymentCaptured  payments",
            "                  │    ✓ orders done in 1.5 ms",
            "   +1.30 s        └─ OrderConfirmed  orders",
        ];
        assert_eq!(drawn.lines().collect::<Vec<_>>(), lines);
    }
}
