//! Payloads without their Rust types: protobuf to JSON and back, by the embedded descriptors.
//!
//! JSON is protobuf's canonical mapping. Unknown fields are refused, so that a typing mistake in a
//! field's name is not lost silently. Fields marked `sensitive` are masked on the way out unless
//! asked for in clear.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MapKey, MessageDescriptor, Value};

use crate::event::Schema;

/// What stands in place of a sensitive value.
pub const MASK: &str = "***";

/// Encodes JSON as the schema's protobuf message. The error says what does not fit.
pub fn from_json(schema: &Schema, json: &serde_json::Value) -> Result<Vec<u8>, String> {
    let message = DynamicMessage::deserialize(descriptor(schema), json)
        .map_err(|error| format!("not a {}: {error}", schema.name))?;
    Ok(message.encode_to_vec())
}

/// A field that JSON names and its message does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// Where it stands, e.g. `lines[0].quantty`.
    pub path: String,
    /// Its name.
    pub name: String,
    /// The fields that there are in its place, as JSON names them.
    pub known: Vec<String>,
}

/// Takes out of JSON all fields that the schema does not have, at any depth, and tells them.
pub fn take_unknown(schema: &Schema, json: &mut serde_json::Value) -> Vec<UnknownField> {
    let mut unknown = Vec::new();
    take(&descriptor(schema), json, "", &mut unknown);
    unknown
}

fn take(
    message: &MessageDescriptor,
    json: &mut serde_json::Value,
    path: &str,
    unknown: &mut Vec<UnknownField>,
) {
    // Those of protobuf itself have forms of their own in JSON.
    if message.package_name() == "google.protobuf" {
        return;
    }
    let Some(fields) = json.as_object_mut() else {
        return;
    };
    let find = |name: &str| {
        let by_json_name = message.get_field_by_json_name(name);
        by_json_name.or_else(|| message.get_field_by_name(name))
    };
    let names: Vec<_> = fields.keys().cloned().collect();
    for name in names.into_iter().filter(|name| find(name).is_none()) {
        fields.remove(&name);
        unknown.push(UnknownField {
            path: format!("{path}{name}"),
            name,
            known: message
                .fields()
                .map(|field| field.json_name().to_owned())
                .collect(),
        });
    }
    for (name, value) in fields {
        let Some(field) = find(name) else { continue };
        let kind = field.kind();
        let Some(inner) = kind.as_message() else {
            continue;
        };
        match value {
            serde_json::Value::Array(items) => {
                for (nth, item) in items.iter_mut().enumerate() {
                    take(inner, item, &format!("{path}{name}[{nth}]."), unknown);
                }
            }
            serde_json::Value::Object(entries) if field.is_map() => {
                let value = inner.map_entry_value_field().kind();
                let Some(inner) = value.as_message() else {
                    continue;
                };
                for (key, entry) in entries {
                    take(inner, entry, &format!("{path}{name}.{key}."), unknown);
                }
            }
            value => take(inner, value, &format!("{path}{name}."), unknown),
        }
    }
}

/// Shows a payload as JSON, with sensitive fields masked.
pub fn to_json(schema: &Schema, payload: &[u8]) -> Result<serde_json::Value, String> {
    let mut message = decode(schema, payload)?;
    for path in schema.sensitive {
        mask(&mut message, path);
    }
    let options = prost_reflect::SerializeOptions::new().use_proto_field_name(false);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|error| format!("cannot show a {} as JSON: {error}", schema.name))
}

/// The key of an encoded event.
pub fn key(schema: &Schema, payload: &[u8]) -> Result<String, String> {
    let message = decode(schema, payload)?;
    let value = message
        .get_field_by_name(schema.key_field)
        .ok_or_else(|| format!("{} has no field `{}`", schema.name, schema.key_field))?;
    match &*value {
        Value::String(text) => Ok(text.clone()),
        Value::I32(number) => Ok(number.to_string()),
        Value::I64(number) => Ok(number.to_string()),
        Value::U32(number) => Ok(number.to_string()),
        Value::U64(number) => Ok(number.to_string()),
        _ => Err(format!(
            "key field `{}` of {} is neither text nor a whole number",
            schema.key_field, schema.name
        )),
    }
}

fn decode(schema: &Schema, payload: &[u8]) -> Result<DynamicMessage, String> {
    DynamicMessage::decode(descriptor(schema), payload)
        .map_err(|error| format!("payload is not a {}: {error}", schema.name))
}

/// Masks the field at a dotted path, in every element of a list or map on the way.
fn mask(message: &mut DynamicMessage, path: &str) {
    let (name, rest) = path
        .split_once('.')
        .map_or((path, None), |(name, rest)| (name, Some(rest)));
    if !message.has_field_by_name(name) {
        return;
    }
    let Some(rest) = rest else {
        let text = matches!(
            message.get_field_by_name(name).as_deref(),
            Some(Value::String(_))
        );
        if text {
            message.set_field_by_name(name, Value::String(MASK.to_owned()));
        } else {
            // A number or a message has no room for a mask: it is left out.
            message.clear_field_by_name(name);
        }
        return;
    };
    let Some(value) = message.get_field_by_name_mut(name) else {
        return;
    };
    match value {
        Value::Message(inner) => mask(inner, rest),
        Value::List(items) => items
            .iter_mut()
            .filter_map(Value::as_message_mut)
            .for_each(|inner| mask(inner, rest)),
        Value::Map(entries) => {
            let entries: &mut std::collections::HashMap<MapKey, Value> = entries;
            entries
                .values_mut()
                .filter_map(Value::as_message_mut)
                .for_each(|inner| mask(inner, rest));
        }
        _ => {}
    }
}

fn descriptor(schema: &Schema) -> MessageDescriptor {
    pool(schema.descriptors)
        .get_message_by_name(schema.name)
        .expect("the generator embeds the descriptors of every event that it writes")
}

/// The pool of an embedded descriptor set, parsed once in a process.
fn pool(descriptors: &'static [u8]) -> DescriptorPool {
    static POOLS: OnceLock<Mutex<BTreeMap<usize, DescriptorPool>>> = OnceLock::new();
    let mut pools = POOLS
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    pools
        .entry(descriptors.as_ptr() as usize)
        .or_insert_with(|| {
            DescriptorPool::decode(descriptors)
                .expect("the generator has compiled these descriptors")
        })
        .clone()
}
