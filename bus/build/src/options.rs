//! The options as the generator reads them: the mirror of `quadrille/v1/options.proto`.
//!
//! Written by hand because the generator cannot generate itself; a test compares it with the file.

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, MessageDescriptor};

/// The file that declares the options, as `import "quadrille/v1/options.proto"` finds it.
pub const OPTIONS_PROTO: &str = include_str!("../proto/quadrille/v1/options.proto");

/// The name by which a `.proto` file imports the options.
pub(crate) const OPTIONS_NAME: &str = "quadrille/v1/options.proto";

/// Number of our three extensions.
pub(crate) const EXTENSION: i32 = 50711;

/// The options of a file: the topics it declares.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FileOptions {
    #[prost(message, repeated, tag = "1")]
    pub(crate) topic: Vec<TopicOptions>,
}

/// One declared topic.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TopicOptions {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) owner: String,
    #[prost(uint32, optional, tag = "3")]
    pub(crate) partitions: Option<u32>,
    #[prost(uint32, optional, tag = "4")]
    pub(crate) replication: Option<u32>,
    #[prost(string, tag = "5")]
    pub(crate) retention: String,
    #[prost(bool, tag = "6")]
    pub(crate) compacted: bool,
}

/// The options of a message that is an event.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct EventOptions {
    #[prost(string, tag = "1")]
    pub(crate) topic: String,
    #[prost(enumeration = "Kind", tag = "2")]
    pub(crate) kind: i32,
    #[prost(string, tag = "3")]
    pub(crate) compensated_by: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) deadline: Option<DeadlineOptions>,
    #[prost(string, tag = "5")]
    pub(crate) reads: String,
}

/// What an event means to its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Kind {
    Fact = 0,
    Failure = 1,
    Outcome = 2,
    Notice = 3,
}

/// What must follow an event in time.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DeadlineOptions {
    #[prost(string, tag = "1")]
    pub(crate) after: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) unless_any: Vec<String>,
    #[prost(string, tag = "3")]
    pub(crate) emits: String,
}

/// The options of a field.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FieldOptions {
    #[prost(message, optional, tag = "1")]
    pub(crate) key: Option<KeyOptions>,
    #[prost(bool, tag = "2")]
    pub(crate) sensitive: bool,
}

/// The options of a key field.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct KeyOptions {
    #[prost(string, tag = "1")]
    pub(crate) of: String,
}

impl FileOptions {
    /// The options of a file; empty where it has none.
    pub(crate) fn of(file: &prost_reflect::FileDescriptor) -> Self {
        read(file.parent_pool(), &file.options(), "quadrille.v1.file").unwrap_or_default()
    }
}

impl EventOptions {
    /// The options of a message, where it is an event.
    pub(crate) fn of(message: &MessageDescriptor) -> Option<Self> {
        read(
            message.parent_pool(),
            &message.options(),
            "quadrille.v1.event",
        )
    }
}

impl FieldOptions {
    /// The options of a field; empty where it has none.
    pub(crate) fn of(field: &FieldDescriptor) -> Self {
        read(field.parent_pool(), &field.options(), "quadrille.v1.field").unwrap_or_default()
    }
}

fn read<T: prost::Message + Default>(
    pool: &DescriptorPool,
    options: &DynamicMessage,
    extension: &str,
) -> Option<T> {
    let extension = pool.get_extension_by_name(extension)?;
    if !options.has_extension(&extension) {
        return None;
    }
    let value = options.get_extension(&extension);
    let message = value.as_message().expect("our extensions are messages");
    Some(
        message
            .transcode_to()
            .expect("the mirror has the shape of options.proto"),
    )
}

#[cfg(test)]
mod tests {
    use prost_reflect::ReflectMessage as _;

    use super::*;

    fn our_pool() -> DescriptorPool {
        let mut pool = DescriptorPool::global();
        let file = protox::file::File::from_source(OPTIONS_NAME, OPTIONS_PROTO).unwrap();
        pool.add_file_descriptor_proto(file.file_descriptor_proto().clone())
            .unwrap();
        pool
    }

    /// A message with every field of its type set, to a value that tells it from the others.
    fn full(name: &str, pool: &DescriptorPool) -> DynamicMessage {
        use prost_reflect::{Kind as FieldKind, Value};
        let mut message = DynamicMessage::new(pool.get_message_by_name(name).unwrap());
        for field in message.descriptor().fields() {
            let value = match field.kind() {
                FieldKind::String => Value::String(field.full_name().to_owned()),
                FieldKind::Uint32 => Value::U32(field.number()),
                FieldKind::Bool => Value::Bool(true),
                FieldKind::Enum(_) => Value::EnumNumber(Kind::Notice.into()),
                FieldKind::Message(inner) => Value::Message(full(inner.full_name(), pool)),
                other => panic!("a type that the mirror has no test for: {other:?}"),
            };
            let list = field.is_list().then(|| Value::List(vec![value.clone()]));
            message.set_field(&field, list.unwrap_or(value));
        }
        message
    }

    #[test]
    fn the_mirror_holds_all_that_the_file_declares() {
        // Each option with every field set goes through its mirror unchanged.
        fn through<T: prost::Message + Default>(name: &str) {
            let message = full(name, &our_pool());
            let mirrored: T = message.transcode_to().unwrap();
            let back = mirrored.encode_to_vec();
            assert_eq!(
                DynamicMessage::decode(message.descriptor(), &*back).unwrap(),
                message
            );
        }
        through::<FileOptions>("quadrille.v1.FileOptions");
        through::<EventOptions>("quadrille.v1.EventOptions");
        through::<FieldOptions>("quadrille.v1.FieldOptions");
    }

    #[test]
    fn kinds_have_the_files_numbers() {
        // By name, since a number alone would pass for another one.
        let kinds = our_pool().get_enum_by_name("quadrille.v1.Kind").unwrap();
        let named = |kind: Kind| kinds.get_value(kind.into()).unwrap().name().to_owned();
        let all = [Kind::Fact, Kind::Failure, Kind::Outcome, Kind::Notice];
        assert_eq!(all.map(named), ["FACT", "FAILURE", "OUTCOME", "NOTICE"]);
        assert_eq!(kinds.values().len(), all.len());
    }

    #[test]
    fn our_extensions_have_one_number() {
        // Places are found by it.
        for extension in our_pool().all_extensions() {
            assert_eq!(
                i32::try_from(extension.number()),
                Ok(EXTENSION),
                "{extension:?}"
            );
        }
    }
}
