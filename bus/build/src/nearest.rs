//! Finds the name that was probably meant.

/// Below this likeness another name was meant.
const LIKENESS_MIN: f64 = 0.6;

/// The candidate that is like the word, if there is one. Of a full name, such as
/// `orders.v1.OrderPlaced`, the last part must be alike; the rest decides between equals.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let like = |candidate: &&str| likeness(last(word), last(candidate)) >= LIKENESS_MIN;
    let rank =
        |candidate: &str| likeness(last(word), last(candidate)) + likeness(word, candidate) / 10.0;
    let likely = candidates.into_iter().filter(like);
    likely.max_by(|a, b| rank(a).total_cmp(&rank(b)))
}

fn likeness(word: &str, candidate: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(word, candidate)
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [&str; 3] = [
        "inventory.v1.StockReserved",
        "inventory.v1.StockReleased",
        "orders.v1.OrderPlaced",
    ];

    #[test]
    fn a_misspelt_or_shortened_name_finds_the_full_one() {
        // What a person is likely to write wrongly leads to the right name.
        assert_eq!(
            nearest("inventory.v1.StockRelased", EVENTS),
            Some(EVENTS[1])
        );
        assert_eq!(nearest("StockReleased", EVENTS), Some(EVENTS[1]));
        assert_eq!(nearest("order.v1.OrderPlaced", EVENTS), Some(EVENTS[2]));
        assert_eq!(
            nearest("b.Same", ["a.Same", "b.Same", "c.Same"]),
            Some("b.Same")
        );
    }

    #[test]
    fn a_strange_name_finds_none() {
        // No suggestion is better than a misleading one.
        assert_eq!(nearest("weather.v1.Sunrise", EVENTS), None);
        assert_eq!(nearest("orders.v1.Expired", EVENTS), None);
        assert_eq!(nearest("", EVENTS), None);
    }
}
