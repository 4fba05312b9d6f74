//! What the options say arrives in the events' schemas.

use std::time::Duration;

use quadrille::Event;
use quadrille::event::{Kind, Retention};
use quadrille_build_specimen::events::EVENTS;
use quadrille_build_specimen::events::specimen::deep::v1beta1::DeepThingHappened;
use quadrille_build_specimen::events::specimen::v1::{
    EverythingHappened, EverythingUndone, NumberCounted, OrderSeen,
};
use quadrille_schemas::orders::v1::OrderPlaced;

#[test]
fn an_event_knows_all_that_its_options_say() {
    // Every option of an event, in one.
    let schema = EverythingHappened::SCHEMA;

    assert_eq!(schema.name, "specimen.v1.EverythingHappened");
    assert_eq!(schema.wire_type(), "specimen.v1.EverythingHappened");
    assert_eq!(schema.kind, Kind::Notice);
    assert_eq!((schema.key_field, schema.key_space), ("type", "thing"));
    assert_eq!(schema.compensated_by, Some("specimen.v1.EverythingUndone"));
    let deadline = schema.deadline.unwrap();
    assert_eq!(deadline.after, Duration::from_secs(15 * 60));
    assert_eq!(
        deadline.unless_any,
        ["specimen.v1.EverythingUndone", "specimen.v1.NumberCounted"]
    );
    assert_eq!(deadline.emits, "specimen.v1.EverythingUndone");
    assert_eq!(schema.reads, None);
}

#[test]
fn sensitive_fields_are_told_by_their_paths() {
    // Inside messages, maps and oneofs too; below a sensitive message nothing is told again.
    let mut paths = EverythingHappened::SCHEMA.sensitive.to_vec();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "hidden",
            "inner.secret",
            "names.last",
            "password",
            "person.last",
            "plain_name.last",
            "secret_colour",
            "secret_name",
            "tokens"
        ]
    );
    assert_eq!(EverythingUndone::SCHEMA.sensitive, [""; 0]);
}

#[test]
fn a_topic_is_as_its_file_declares_it() {
    // Said settings, and the defaults of those that are not.
    let said = EverythingHappened::SCHEMA.topic;
    assert_eq!((said.name, said.owner), ("specimen", Some("specimen")));
    assert_eq!((said.partitions, said.replication), (12, Some(3)));
    assert_eq!(
        said.retention,
        Retention::For(Duration::from_secs(12 * 60 * 60))
    );
    assert_eq!(said.events, ["specimen.v1.EverythingHappened"]);

    let plain = DeepThingHappened::SCHEMA.topic;
    assert_eq!((plain.name, plain.owner), ("specimen.plain", None));
    assert_eq!((plain.partitions, plain.replication), (6, None));
    assert_eq!(
        plain.retention,
        Retention::For(Duration::from_secs(7 * 24 * 60 * 60))
    );

    assert_eq!(
        plain.events,
        [
            "specimen.deep.v1beta1.DeepThingHappened",
            "specimen.old.v1.OldThingHappened"
        ]
    );

    assert_eq!(EverythingUndone::SCHEMA.topic.retention, Retention::Forever);
    assert_eq!(NumberCounted::SCHEMA.topic.retention, Retention::Compacted);
}

#[test]
fn options_may_be_said_one_by_one() {
    // Protobuf has two ways to write an option, and both mean the same.
    let schema = NumberCounted::SCHEMA;
    assert_eq!(schema.topic.name, "specimen.newest");
    assert_eq!(schema.kind, Kind::Outcome);
    assert_eq!((schema.key_field, schema.key_space), ("number", "number"));
}

#[test]
fn a_reader_has_what_the_owner_says() {
    // The event read is another crate's: its topic, kind and type on the wire hold.
    let (reader, owner) = (OrderSeen::SCHEMA, OrderPlaced::SCHEMA);
    assert_eq!(reader.name, "specimen.v1.OrderSeen");
    assert_eq!(reader.reads, Some("orders.v1.OrderPlaced"));
    assert_eq!(reader.wire_type(), owner.wire_type());
    assert_eq!(reader.topic, owner.topic);
    assert_eq!(reader.topic.events.len(), 4);
    assert_eq!(reader.kind, owner.kind);
    assert_eq!(reader.key_space, owner.key_space);
}

#[test]
fn a_reader_decodes_its_part_of_what_the_owner_wrote() {
    // The owner's other fields are passed over.
    use quadrille::prost::Message;
    let placed = OrderPlaced {
        order_id: "o-1".to_owned(),
        customer_id: "c-1".to_owned(),
        lines: vec![quadrille_schemas::orders::v1::OrderLine {
            sku: "apple".to_owned(),
            quantity: 2,
            unit_price: None,
        }],
        ..OrderPlaced::default()
    };

    let seen = OrderSeen::decode(placed.encode_to_vec().as_slice()).unwrap();

    assert_eq!(seen.key(), "o-1");
    assert_eq!(seen.lines.len(), 1);
    assert_eq!(seen.lines[0].sku, "apple");
}

#[test]
fn keys_are_text_and_integers_in_decimal() {
    // Each kind of key, at its limits.
    let undone = |thing_id: &str| EverythingUndone {
        thing_id: thing_id.to_owned(),
    };
    assert_eq!(undone("a ü").key(), "a ü");
    assert_eq!(undone("").key(), "");
    let happened = |r#type| EverythingHappened {
        r#type,
        ..EverythingHappened::default()
    };
    assert_eq!(happened(i64::MIN).key(), "-9223372036854775808");
    assert_eq!(
        DeepThingHappened { thing_id: u64::MAX }.key(),
        "18446744073709551615"
    );
    assert_eq!(NumberCounted { number: 0 }.key(), "0");
}

#[test]
fn all_events_are_listed_by_name() {
    // Those of all packages, none of an imported file.
    let names: Vec<_> = EVENTS.iter().map(|schema| schema.name).collect();
    assert_eq!(
        names,
        [
            "specimen.deep.v1beta1.DeepThingHappened",
            "specimen.old.v1.OldThingHappened",
            "specimen.v1.EverythingHappened",
            "specimen.v1.EverythingUndone",
            "specimen.v1.NumberCounted",
            "specimen.v1.OrderSeen",
        ]
    );
}
