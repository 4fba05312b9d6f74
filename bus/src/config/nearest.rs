//! Which name was probably meant.

/// Names that are less alike than this are not suggested.
const LIKENESS_MIN: f64 = 0.75;

/// How much of the likeness of two paths comes from their last names. The rest comes from their
/// tables, so that an option under the wrong table is found too.
const NAME_SHARE: f64 = 0.8;

/// What the likeness of two whole variables counts, where the table is not known for sure.
const WHOLE_SHARE: f64 = 0.9;

/// The known word most like the given one.
pub(super) fn word<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    best(known.map(|k| (k, strsim::jaro_winkler(given, k))))
}

/// The known option path most like the given one, e.g. `limits.attempts_max`.
pub(super) fn path<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let given = split(given);
    best(known.map(|k| (k, likeness(given, split(k)))))
}

/// The known option path most like what stands behind `QUADRILLE_`, where names and tables are
/// joined alike.
pub(super) fn variable<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    best(known.map(|k| {
        let (table, name) = split(k);
        let table = table.replace('.', "_");
        let whole = strsim::jaro(&given, &k.replace('.', "_")) * WHOLE_SHARE;
        let inside = given
            .strip_prefix(&table)
            .and_then(|rest| rest.strip_prefix('_'))
            .map_or(0.0, |rest| likeness((&table, rest), (&table, name)));
        (k, whole.max(inside))
    }))
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

fn likeness(given: (&str, &str), known: (&str, &str)) -> f64 {
    NAME_SHARE * strsim::jaro_winkler(given.1, known.1)
        + (1.0 - NAME_SHARE) * strsim::jaro_winkler(given.0, known.0)
}

fn best<'a>(scored: impl Iterator<Item = (&'a str, f64)>) -> Option<&'a str> {
    scored
        .filter(|(_, likeness)| *likeness >= LIKENESS_MIN)
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 6] = [
        "limits.attempts_max",
        "limits.event_bytes_max",
        "limits.hops_max",
        "group.start",
        "kafka.brokers",
        "log.filter",
    ];

    #[test]
    fn a_typo_finds_the_option_that_was_meant() {
        let cases = [
            ("limits.attemtps_max", Some("limits.attempts_max")),
            ("limits.attemtps", Some("limits.attempts_max")),
            ("limit.attempts_max", Some("limits.attempts_max")),
            ("attempts_max", Some("limits.attempts_max")),
            ("limits.start", Some("group.start")),
            ("kafka.broker", Some("kafka.brokers")),
            ("log.level", None),
            ("limits.colour", None),
            ("", None),
        ];
        for (given, meant) in cases {
            assert_eq!(path(given, KNOWN.into_iter()), meant, "{given}");
        }
    }

    #[test]
    fn a_typo_in_a_variable_finds_the_option_that_was_meant() {
        let cases = [
            ("LIMITS_ATTEMTPS", Some("limits.attempts_max")),
            ("LIMITS_HOP_MAX", Some("limits.hops_max")),
            ("LIMIT_HOPS_MAX", Some("limits.hops_max")),
            ("KAFKA_BROKER", Some("kafka.brokers")),
            ("HOME", None),
            ("LIMITS_COLOUR", None),
        ];
        for (given, meant) in cases {
            assert_eq!(variable(given, KNOWN.into_iter()), meant, "{given}");
        }
    }
}
