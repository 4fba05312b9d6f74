//! The embedded descriptors describe the events to programs that do not have their types.

use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use quadrille::Event;
use quadrille::prost::Message;
use quadrille_build_specimen::events::DESCRIPTORS;
use quadrille_build_specimen::events::specimen::v1::{EverythingHappened, EverythingUndone};

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTORS).expect("a complete set")
}

#[test]
fn every_event_is_described_with_all_that_it_uses() {
    // The set is complete: it decodes by itself, and has imported types too.
    let pool = pool();
    for schema in quadrille_build_specimen::events::EVENTS {
        assert_eq!(schema.descriptors, DESCRIPTORS);
        assert!(
            pool.get_message_by_name(schema.name).is_some(),
            "{}",
            schema.name
        );
    }
    assert!(pool.get_message_by_name("common.v1.Money").is_some());
    assert!(
        pool.get_message_by_name("google.protobuf.Timestamp")
            .is_some()
    );
}

#[test]
fn the_options_are_in_the_descriptors() {
    // Prost's own descriptor types would have dropped them.
    let pool = pool();
    let event = pool.get_extension_by_name("quadrille.v1.event").unwrap();
    let message = pool
        .get_message_by_name(EverythingUndone::SCHEMA.name)
        .unwrap();

    let options = message.options();

    let value = options.get_extension(&event);
    let topic = value
        .as_message()
        .unwrap()
        .get_field_by_name("topic")
        .unwrap();
    assert_eq!(*topic, Value::String("specimen.kept_1-x".to_owned()));
}

#[test]
fn a_payload_decodes_without_its_type() {
    // What prost wrote, read through the descriptors.
    let written = EverythingHappened {
        r#type: -7,
        ..EverythingHappened::default()
    };
    let message = pool()
        .get_message_by_name(EverythingHappened::SCHEMA.name)
        .unwrap();

    let read = DynamicMessage::decode(message, written.encode_to_vec().as_slice()).unwrap();

    assert_eq!(*read.get_field_by_name("type").unwrap(), Value::I64(-7));
}

#[test]
fn comments_are_there_for_our_own_files_only() {
    // Pages show them; those of imported files would only be weight.
    let pool = pool();
    let has_comments = |name: &str| {
        let file = pool.get_file_by_name(name).unwrap();
        file.file_descriptor_proto().source_code_info.is_some()
    };
    assert!(has_comments("specimen/v1/specimen.proto"));
    assert!(!has_comments("orders/v1/orders.proto"));
    assert!(!has_comments("google/protobuf/descriptor.proto"));
}
