//! Other flows of the same business key: an order and its goods may be called alike.

use std::fmt::Write as _;

use quadrille_observer::flow::view::{Summary, View};
use quadrille_observer::types;
use serde::{Deserialize, Serialize};

use crate::draw::colour;
use crate::paint::{Paint, legible};

/// Most that are told one by one.
const TOLD_MAX: usize = 10;

/// A flow, and the others that its name may mean.
#[derive(Serialize, Deserialize)]
pub(super) struct Told {
    /// The one that was meant.
    #[serde(flatten)]
    pub(super) view: View,
    /// The others.
    #[serde(default)]
    pub(super) others: Vec<Summary>,
}

/// Tells of the others, with the command that shows each. `target`: the options that ask the same again.
pub(super) fn draw(others: &[Summary], wanted: &str, target: &str, paint: Paint) -> String {
    let mut out = String::new();
    if others.is_empty() {
        return out;
    }
    let plural = if others.len() == 1 { "" } else { "s" };
    let (count, wanted) = (others.len(), legible(wanted));
    let _ = writeln!(out, "\n{count} other flow{plural} of {wanted}:");
    for other in others.iter().take(TOLD_MAX) {
        let status = other.status.as_str();
        let word = paint.colour(colour(other.status), &format!("{status:<11}"));
        let kind = other.kind.as_deref().map_or("", types::last);
        let (kind, id) = (legible(kind), legible(&other.id));
        let _ = writeln!(out, "  {word}  {kind:<16}  quadrille flow {target}{id}");
    }
    if count > TOLD_MAX {
        let _ = writeln!(out, "  and {} more, see --json", count - TOLD_MAX);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(nth: usize) -> Summary {
        let told = serde_json::json!({
            "id": format!("f{nth}"), "type": "inventory.v1.GoodsReceived", "status": "settled", "why": "",
            "outcomes": [], "keys": [], "started_at": null, "last_at": null, "took_ms": 0.0,
            "event_count": 1, "failed_count": 0, "services": [], "change": 1,
        });
        serde_json::from_value(told).expect("it is one")
    }

    #[test]
    fn each_other_flow_is_told_with_the_command_that_shows_it() {
        assert_eq!(draw(&[], "4711", "", Paint::PLAIN), "");
        assert_eq!(
            draw(&[other(0)], "4711", "--kafka a:1 ", Paint::PLAIN),
            "\n1 other flow of 4711:\n  settled      GoodsReceived     quadrille flow --kafka a:1 f0\n"
        );
        let many: Vec<_> = (0..12).map(other).collect();
        let told = draw(&many, "4711", "", Paint::PLAIN);
        assert!(
            told.ends_with("quadrille flow f9\n  and 2 more, see --json\n"),
            "{told}"
        );
    }
}
