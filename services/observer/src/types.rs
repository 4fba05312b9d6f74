//! The event types that are known here: those of the crate `quadrille-schemas`.
//!
//! An event of another type is still shown, by its envelope; only its data cannot be.

use quadrille::event::Schema;
use quadrille_schemas::EVENTS;

/// How alike a name must be, from 0 to 1, to be suggested.
const ALIKE: f64 = 0.8;

/// All event types, without those that only read a part of another one.
pub fn all() -> impl Iterator<Item = &'static Schema> {
    EVENTS
        .iter()
        .copied()
        .filter(|schema| schema.reads.is_none())
}

/// The schema of a type by its full protobuf name.
pub fn find(name: &str) -> Option<&'static Schema> {
    all().find(|schema| schema.name == name)
}

/// The schema of a type by its full name, or by the part behind the last dot where only one type
/// ends so.
pub fn find_loosely(name: &str) -> Option<&'static Schema> {
    let mut short = all().filter(|schema| last(schema.name) == name);
    find(name).or_else(|| match (short.next(), short.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    })
}

/// The type that somebody may have meant by a name that is none.
pub fn nearest(name: &str) -> Option<&'static str> {
    let alike = |schema: &'static Schema| {
        let full = strsim::jaro_winkler(schema.name, name);
        let short = strsim::jaro_winkler(last(schema.name), last(name));
        (full.max(short), schema.name)
    };
    best(all().map(alike))
}

/// The field that somebody may have meant by a name that is none: of `known`, as JSON names them.
pub fn nearest_field<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    // In JSON a field may be written in either way, and case is a slip like any other.
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let name = plain(name);
    let alike = |known: &'a String| (strsim::jaro_winkler(&plain(known), &name), known.as_str());
    best(known.iter().map(alike))
}

fn best<'a>(alike: impl Iterator<Item = (f64, &'a str)>) -> Option<&'a str> {
    let best = alike.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= ALIKE).then_some(best.1)
}

/// What to do about a type that is not known.
pub fn mend(name: &str) -> String {
    nearest(name).map_or_else(
        || {
            let names: Vec<_> = all().map(|schema| schema.name).collect();
            format!("the types known here are {}", names.join(", "))
        },
        |nearest| format!("did you mean {nearest}?"),
    )
}

/// The one type that a topic is declared to carry, where it carries just one.
pub fn single(topic: &str) -> Option<&'static str> {
    let found = all().find(|schema| schema.topic.name == topic)?;
    match found.topic.events {
        [only] => Some(only),
        _ => None,
    }
}

/// The part of a type's name behind the last dot: what people call it.
pub fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_understood() {
        // Shows what is suggested, and that nothing is where nothing is alike.
        assert_eq!(
            nearest("orders.v1.OrderPlacd"),
            Some("orders.v1.OrderPlaced")
        );
        assert_eq!(nearest("orderplaced"), Some("orders.v1.OrderPlaced"));
        assert_eq!(nearest("OrderPlaced"), Some("orders.v1.OrderPlaced"));
        assert_eq!(nearest("zzz"), None);
    }

    #[test]
    fn a_slip_in_a_field_is_understood() {
        let known = ["deliveryId", "sku", "quantity"].map(str::to_owned);
        assert_eq!(nearest_field("quantty", &known), Some("quantity"));
        assert_eq!(nearest_field("delivery_ID", &known), Some("deliveryId"));
        assert_eq!(nearest_field("SKU", &known), Some("sku"));
        assert_eq!(nearest_field("colour", &known), None);
    }

    #[test]
    fn a_short_name_will_do_where_it_is_the_only_one() {
        // Shows that people need not type the package.
        let found = find_loosely("OrderPlaced").map(|schema| schema.name);
        assert_eq!(found, Some("orders.v1.OrderPlaced"));
        assert!(find("OrderPlaced").is_none());
        assert!(find_loosely("Placed").is_none());
    }

    #[test]
    fn a_topic_of_one_type_tells_the_type() {
        // Shows what a record without a type is taken for.
        assert_eq!(single("deliveries"), Some("inventory.v1.GoodsReceived"));
        assert_eq!(single("orders"), None);
        assert_eq!(single("elsewhere"), None);
    }
}
