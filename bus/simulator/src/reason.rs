//! The kind of a reason: why something does not hold, without what differs from run to run.
//!
//! One invariant can be broken by two bugs. Whoever shrinks one must not end up with the other, so
//! reasons are compared by their words; numbers, ids, keys and which instance it was do not count.
//! A name without a number cannot be told from a word, and counts.

use crate::end::Broken;

/// Stands for whatever does not count.
const ANY: char = '#';

/// Whether the same invariant is broken for a reason of the same kind.
pub(crate) fn is_same(one: &Broken, other: &Broken) -> bool {
    one.what == other.what && kind(&one.why) == kind(&other.why)
}

/// A reason's words.
fn kind(why: &str) -> String {
    let mut kind = String::with_capacity(why.len());
    // Keys stand between backquotes, and may look like anything.
    for (nth, part) in why.split('`').enumerate() {
        match nth % 2 {
            0 => kind.extend(part.split_inclusive(is_between).map(word)),
            _ => kind.push(ANY),
        }
    }
    kind
}

/// Whether a character stands between words. A dash does not: it is part of ids and partitions.
fn is_between(c: char) -> bool {
    !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// A word with what follows it; from its first part with a digit on, it does not count:
/// `orders-3` is `orders-#`, and an id is `#`.
fn word(word: &str) -> String {
    let (word, between) = match word.strip_suffix(is_between) {
        Some(rest) => (rest, &word[rest.len()..]),
        None => (word, ""),
    };
    let has_digit = |part: &str| part.contains(|c: char| c.is_ascii_digit());
    let counts = word
        .split_inclusive('-')
        .take_while(|part| !has_digit(part));
    let counts = counts.map(str::len).sum();
    match word.get(counts..) {
        None | Some("") => format!("{word}{between}"),
        // A number below zero is a number.
        Some(_) if word.starts_with('-') => format!("{ANY}{between}"),
        Some(_) => format!("{}{ANY}{between}", &word[..counts]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_does_not_count() {
        // Shows what is left of reasons as they are told.
        let cases = [
            (
                "StockReserved of `o17` has no receipt of payments",
                "StockReserved of # has no receipt of payments",
            ),
            (
                "after 601 s, orders/2 is not ready: the store does not answer",
                "after # s, orders/# is not ready: the store does not answer",
            ),
            (
                "after 600 s, inventory has committed 3 of 5 events of orders-4",
                "after # s, inventory has committed # of # events of orders-#",
            ),
            (
                "euros paid for order o3-nowhere: 0 wanted, -12 found",
                "euros paid for order #: # wanted, # found",
            ),
            (
                "inventory has handled a StockReserved at orders-3@12 after 13",
                "inventory has handled a StockReserved at orders-#@# after #",
            ),
            (
                "018f6f0c-cafe-7bad-8dad-feedfacefeed about o1 came alone",
                "# about # came alone",
            ),
        ];
        for (why, expected) in cases {
            assert_eq!(kind(why), expected);
        }
    }

    #[test]
    fn another_cause_of_the_same_invariant_is_not_the_same() {
        // Shows, with two reasons that shrinking once took for one, what keeps it to the first.
        let found = Broken::new(
            "only garbage is parked",
            "OrderWithdrawn of `o2` was parked on parked.inventory.orders (books_do_not_balance)",
        );
        let elsewhere = Broken::new(
            "only garbage is parked",
            "OrderWithdrawn of `o41` was parked on parked.inventory.orders (books_do_not_balance)",
        );
        let slipped = Broken::new(
            "only garbage is parked",
            "OrderWithdrawn of `o2` was parked on parked.orders.orders (no_such_order)",
        );
        assert!(is_same(&found, &elsewhere));
        assert!(!is_same(&found, &slipped));
        let other = Broken::new("nothing parked", found.why.clone());
        assert!(!is_same(&found, &other));
    }
}
