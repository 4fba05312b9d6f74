//! CloudEvents in structured mode: one JSON object holds attributes and data.
//!
//! `data` in JSON is taken as protobuf's canonical JSON mapping; `data_base64` as protobuf bytes,
//! unless `datacontenttype` says that it is JSON.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Attributes, Payload, Place, Read, Unreadable, is_json, media_type};
use crate::broker::Incoming;
use crate::envelope::Trace;

pub(super) fn read(record: &Incoming, place: Place<'_>) -> Result<Read, Unreadable> {
    let bytes = record.value.as_ref().ok_or(Unreadable::Tombstone)?;
    let mut event: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| {
        broken(format!(
            "structured CloudEvent is not a JSON object: {error}"
        ))
    })?;
    let payload = payload(&mut event)?;
    let mut take = |name: &str| attribute(&mut event, name);
    let attributes = Attributes {
        id: take("id")?,
        source: take("source")?,
        kind: take("type")?,
        subject: take("subject")?,
        time: take("time")?.map(|text| Cow::Owned(text.to_string())),
        flow: take("correlationid")?,
        cause: take("causationid")?,
        hops: take("hops")?.map(|text| Cow::Owned(text.to_string())),
        trace: Trace {
            parent: take("traceparent")?,
            state: take("tracestate")?,
            baggage: take("baggage")?,
        },
    };
    Ok(Read {
        envelope: attributes.complete(record, place)?,
        payload,
    })
}

fn payload(event: &mut Map<String, Value>) -> Result<Payload, Unreadable> {
    let content_type = attribute(event, "datacontenttype")?.map(|text| text.to_ascii_lowercase());
    let json = content_type
        .as_deref()
        .is_none_or(|text| is_json(media_type(text)));
    match (event.remove("data"), event.remove("data_base64")) {
        (Some(_), Some(_)) => Err(broken("both `data` and `data_base64` are there".to_owned())),
        (Some(data), None) if json => Ok(Payload::Json(data)),
        (Some(_), None) => Err(broken(
            "`data` is there, but `datacontenttype` is not JSON: put protobuf into `data_base64`"
                .to_owned(),
        )),
        (None, Some(Value::String(text))) => {
            let bytes =
                base64(&text).ok_or_else(|| broken("`data_base64` is not base64".to_owned()))?;
            if content_type.is_some() && json {
                let value = serde_json::from_slice(&bytes)
                    .map_err(|error| broken(format!("`data_base64` holds no JSON: {error}")))?;
                return Ok(Payload::Json(value));
            }
            Ok(Payload::Protobuf(Bytes::from(bytes)))
        }
        (None, Some(_)) => Err(broken("`data_base64` is not a string".to_owned())),
        (None, None) => Ok(Payload::Protobuf(Bytes::new())),
    }
}

/// An attribute as text: CloudEvents writes integers and booleans bare in JSON.
fn attribute(event: &mut Map<String, Value>, name: &str) -> Result<Option<Arc<str>>, Unreadable> {
    match event.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.into())),
        Some(Value::Number(number)) => Ok(Some(number.to_string().into())),
        Some(Value::Bool(value)) => Ok(Some(value.to_string().into())),
        Some(_) => Err(broken(format!("attribute `{name}` is not text"))),
    }
}

fn broken(what: String) -> Unreadable {
    Unreadable::Broken(what)
}

/// Standard base64 with padding (RFC 4648, section 4), as CloudEvents requires it.
fn base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}
