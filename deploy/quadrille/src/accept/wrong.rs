//! All that is wrong with an event's fields, at once, and what was probably meant.
//!
//! Protobuf's own error tells the first mistake only, and where it is of a field within a field, not where.

use quadrille::descriptors::{self, UnknownField};
use quadrille::event::Schema;
use quadrille_observer::types;
use serde_json::Value;

use super::{Kind, Refused, camel, field};

/// Most mistakes that are told.
const TOLD_MAX: usize = 10;

/// Why this data is not an event of this type. `error` is protobuf's own word on it.
pub(super) fn all(schema: &Schema, data: &Value, error: String) -> Refused {
    let mut rest = data.clone();
    let unknown = descriptors::take_unknown(schema, &mut rest);
    let names = unknown
        .iter()
        .map(|field| format!("no field `{}`", field.path));
    let mut wrong: Vec<_> = names.chain(unfit(schema, &rest)).collect();
    let meant: Vec<_> = unknown.iter().filter_map(nearest).collect();
    let key = camel(schema.key_field);
    if field(data, schema.key_field).is_none() && !meant.contains(&key.as_str()) {
        wrong.push(format!("no key: its field `{key}` is not set"));
    }
    if wrong.is_empty() {
        wrong.push(error);
    }
    let more = match wrong.len().saturating_sub(TOLD_MAX) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    wrong.truncate(TOLD_MAX);
    let error = format!("no {}: {}{more}", schema.name, wrong.join("; "));
    Refused::new(Kind::Unfit, error, mend(schema, &unknown))
}

/// Fields that are there, and have a value that does not fit.
fn unfit(schema: &Schema, data: &Value) -> Vec<String> {
    let fields = data.as_object().into_iter().flatten();
    let wrong = fields.filter_map(|(name, value)| {
        let alone = serde_json::json!({ name: value });
        let error = descriptors::from_json(schema, &alone).err()?;
        let prefix = format!("not a {}: ", schema.name);
        let error = error.strip_prefix(&prefix).unwrap_or(&error).to_owned();
        Some(format!("field `{name}` does not fit: {error}"))
    });
    wrong.collect()
}

fn nearest(unknown: &UnknownField) -> Option<&str> {
    types::nearest_field(&unknown.name, &unknown.known)
}

/// The names that were meant, and the fields that there are where nothing is near.
fn mend(schema: &Schema, unknown: &[UnknownField]) -> String {
    let mut said: Vec<String> = Vec::new();
    for field in unknown.iter().take(TOLD_MAX) {
        let place = field.path.strip_suffix(&field.name).unwrap_or_default();
        let words = match nearest(field) {
            Some(near) => format!("for `{}`, did you mean `{place}{near}`?", field.path),
            None => {
                let of = match place {
                    "" => schema.name,
                    place => place.trim_end_matches('.'),
                };
                format!("the fields of {of} are {}", field.known.join(", "))
            }
        };
        if !said.contains(&words) {
            said.push(words);
        }
    }
    match said.is_empty() {
        true => format!("see the fields of {} in its .proto file", schema.name),
        false => said.join(" "),
    }
}
