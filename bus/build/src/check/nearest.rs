//! Finds the name that was probably meant.

/// The candidate that is like the word, if there is one. A candidate that ends in the word, as a
/// full name does in a short one, is like it.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let scored = candidates
        .into_iter()
        .map(|candidate| (likeness(word, candidate), candidate));
    let likely = scored.filter(|(likeness, _)| *likeness >= 0.6);
    likely
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

fn likeness(word: &str, candidate: &str) -> f64 {
    let short = candidate.rsplit('.').next().unwrap_or(candidate);
    let whole = strsim::normalized_damerau_levenshtein(word, candidate);
    if word.contains('.') {
        whole
    } else {
        whole.max(strsim::normalized_damerau_levenshtein(word, short))
    }
}

/// The mend for a name that is not there.
pub(super) fn suggest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    match nearest(word, candidates) {
        Some(name) => format!("did you mean \"{name}\"? Else {otherwise}"),
        None => otherwise.to_owned(),
    }
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
    }

    #[test]
    fn a_strange_name_finds_none() {
        // No suggestion is better than a misleading one.
        assert_eq!(nearest("weather.v1.Sunrise", EVENTS), None);
        assert_eq!(nearest("", EVENTS), None);
    }
}
