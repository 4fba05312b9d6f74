//! Takes an event from outside: a CloudEvent with JSON data becomes a record on its topic.
//!
//! Everything is checked before anything is sent: the attributes that CloudEvents requires, the type
//! against the schemas, the data field by field, the key, the size. Whoever repeats an event with the
//! same source and id may do so safely: readers count it once.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use quadrille::broker::{self, Broker, ErrorKind};
use quadrille::descriptors;
use quadrille::envelope::{Envelope, Trace};
use quadrille::event::Schema;
use quadrille::id::{EventId, FlowId, Source};
use quadrille::publish::{KEY_BYTES_MAX, Publisher};
use quadrille::world;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use quadrille_observer::types;

mod wrong;

/// Longest that the broker is waited for.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest attribute, in bytes.
pub const ATTRIBUTE_BYTES_MAX: usize = 1024;

/// Takes events from outside.
#[derive(Clone)]
pub struct Entrance {
    /// Where they go.
    pub broker: Arc<dyn Broker>,
    /// Who brings them there.
    pub publisher: Publisher,
    /// Clock.
    pub world: world::Shared,
    /// Largest payload in bytes.
    pub event_bytes_max: usize,
}

/// What became of an event that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Its id.
    pub id: String,
    /// The flow that it belongs to.
    pub flow: String,
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

/// An event was not taken: why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong with it, or with the broker.
    pub kind: Kind,
    /// In words.
    pub error: String,
    /// What to do about it.
    pub mend: String,
}

/// Why an event was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is no CloudEvent.
    Malformed,
    /// Its type is not known, or its data does not fit the type.
    Unfit,
    /// It is too large.
    TooLarge,
    /// The broker does not answer. The event may have been stored all the same.
    Unreachable,
    /// The broker refuses it.
    Refused,
}

impl Refused {
    fn new(kind: Kind, error: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            kind,
            error: error.into(),
            mend: mend.into(),
        }
    }

    fn malformed(error: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(Kind::Malformed, error, mend)
    }
}

impl Entrance {
    /// Takes a CloudEvent in JSON form. Returns once the broker has it.
    pub async fn accept(&self, event: &Value) -> Result<Accepted, Refused> {
        let envelope = self.envelope(event)?;
        let schema = types::find(&envelope.kind).ok_or_else(|| {
            let kind = &envelope.kind;
            let error = format!("the event type `{kind}` is not known");
            Refused::new(Kind::Unfit, error, types::mend(kind))
        })?;
        let data = data(event)?;
        let (key, payload) = self.payload(schema, data)?;
        let record = envelope.record(schema, &key, payload.into());
        let topic = record.topic.to_string();
        let sent = self.publisher.forward(record);
        let sent = world::timeout(&self.world, SEND_TIMEOUT, sent);
        let Some(sent) = sent.await else {
            let (name, seconds) = (self.broker.name(), SEND_TIMEOUT.as_secs());
            let error = format!("{name} has not answered for {seconds} s");
            return Err(Refused::new(Kind::Unreachable, error, REPEAT));
        };
        let position = sent.map_err(|error| refused(&error, &topic))?;
        Ok(Accepted {
            id: envelope.id.to_string(),
            flow: envelope.flow.to_string(),
            topic,
            partition: position.partition,
            offset: position.offset,
        })
    }

    fn envelope(&self, event: &Value) -> Result<Envelope, Refused> {
        if !event.is_object() {
            return Err(Refused::malformed(
                "the body is not one JSON object",
                "send one CloudEvent, e.g. {\"specversion\": \"1.0\", \"type\": …, \"source\": …, \
                 \"id\": …, \"data\": {…}}",
            ));
        }
        let version = required(event, "specversion")?;
        if version != "1.0" {
            return Err(Refused::malformed(
                format!("`specversion` is `{version}`"),
                "send \"specversion\": \"1.0\"",
            ));
        }
        let (id, source) = (required(event, "id")?, required(event, "source")?);
        let (id, source) = (EventId::new(id), Source::new(source));
        let time = match optional(event, "time")? {
            None => self.world.now(),
            Some(time) => time.parse::<Timestamp>().map_err(|_| {
                Refused::malformed(
                    format!("`time` is `{time}`"),
                    "write it as RFC 3339 has it, e.g. 2026-01-02T03:04:05Z",
                )
            })?,
        };
        let flow = optional(event, "correlationid")?;
        let flow = flow.map_or_else(|| FlowId::of_event(&source, &id), FlowId::new);
        Ok(Envelope {
            kind: required(event, "type")?.into(),
            subject: optional(event, "subject")?.map(Into::into),
            flow,
            cause: optional(event, "causationid")?.map(EventId::new),
            hops: 0,
            trace: Trace {
                parent: optional(event, "traceparent")?.map(Into::into),
                state: optional(event, "tracestate")?.map(Into::into),
                baggage: None,
            },
            id,
            source,
            time,
        })
    }

    fn payload(&self, schema: &Schema, data: &Value) -> Result<(String, Vec<u8>), Refused> {
        let unfit = |error: String, mend: String| Refused::new(Kind::Unfit, error, mend);
        let payload = descriptors::from_json(schema, data)
            .map_err(|error| wrong::all(schema, data, error))?;
        let key = descriptors::key(schema, &payload);
        let key = key.map_err(|error| unfit(error, "set the key field".to_owned()))?;
        let is_set = field(data, schema.key_field).is_some();
        if key.is_empty() || !is_set {
            let field = schema.key_field;
            return Err(unfit(
                format!(
                    "the event has no key: {} is published under one",
                    schema.name
                ),
                format!("set its field `{}`", camel(field)),
            ));
        }
        if key.len() > KEY_BYTES_MAX {
            let (field, bytes) = (camel(schema.key_field), key.len());
            return Err(unfit(
                format!(
                    "the key in field `{field}` of {} has {bytes} bytes, at most {KEY_BYTES_MAX} are allowed",
                    schema.name
                ),
                "give it a short id, and what is long a field of its own".to_owned(),
            ));
        }
        if payload.len() > self.event_bytes_max {
            let (bytes, limit) = (payload.len(), self.event_bytes_max);
            return Err(too_large(&format!("has {bytes} bytes"), limit));
        }
        Ok((key, payload))
    }
}

/// What to do where nobody knows whether an event was stored.
pub const REPEAT: &str = "try again with the same id and source: an event that was stored after all is \
                      counted once";

/// The refusal of an event that is too large.
pub fn too_large(size: &str, limit: usize) -> Refused {
    Refused::new(
        Kind::TooLarge,
        format!("the event {size}, at most {limit} bytes are allowed"),
        "send less: a service of your own may publish more, by limits.event_bytes_max and the topic's \
         max.message.bytes",
    )
}

fn refused(error: &broker::Error, topic: &str) -> Refused {
    let (kind, mend) = match error.kind() {
        ErrorKind::Unreachable => (Kind::Unreachable, REPEAT.to_owned()),
        ErrorKind::UnknownTopic => (
            Kind::Unreachable,
            format!("start the service that owns topic `{topic}`: it creates the topic"),
        ),
        ErrorKind::TooLarge => (
            Kind::TooLarge,
            format!("send less, or raise max.message.bytes of topic `{topic}`"),
        ),
        ErrorKind::NotAuthorised | ErrorKind::NotAuthenticated => (
            Kind::Refused,
            format!("let this user write to topic `{topic}`"),
        ),
        _ => (Kind::Refused, "see the broker's own log".to_owned()),
    };
    Refused::new(kind, error.to_string(), mend)
}

fn data(event: &Value) -> Result<&Value, Refused> {
    if event.get("data_base64").is_some() {
        return Err(Refused::malformed(
            "`data_base64` is not read here",
            "send the data as a JSON object in `data`",
        ));
    }
    let json = optional(event, "datacontenttype")?.unwrap_or("application/json");
    let media = json.split(';').next().unwrap_or_default().trim();
    if media != "application/json" && !media.ends_with("+json") {
        return Err(Refused::malformed(
            format!("`datacontenttype` is `{json}`"),
            "send JSON, with \"datacontenttype\": \"application/json\" or without one",
        ));
    }
    event
        .get("data")
        .filter(|data| data.is_object())
        .ok_or_else(|| {
            Refused::malformed(
                "`data` is missing, or is not a JSON object",
                "put the event's fields into \"data\": {…}",
            )
        })
}

fn required<'a>(event: &'a Value, name: &str) -> Result<&'a str, Refused> {
    optional(event, name)?.ok_or_else(|| {
        Refused::malformed(
            format!("the attribute `{name}` is missing or empty"),
            format!("set \"{name}\": every CloudEvent has specversion, type, source and id"),
        )
    })
}

fn optional<'a>(event: &'a Value, name: &str) -> Result<Option<&'a str>, Refused> {
    let text = match event.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.as_str(),
        Some(_) => {
            return Err(Refused::malformed(
                format!("the attribute `{name}` is not text"),
                format!("write it as \"{name}\": \"…\""),
            ));
        }
    };
    if !is_attribute(text) {
        return Err(Refused::malformed(
            format!("the attribute `{name}` is too long or has control characters"),
            format!("use at most {ATTRIBUTE_BYTES_MAX} bytes of plain text"),
        ));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// Whether a text can be an attribute.
pub fn is_attribute(text: &str) -> bool {
    text.len() <= ATTRIBUTE_BYTES_MAX && !text.chars().any(char::is_control)
}

/// A field under its name or, as protobuf's JSON has it, in camel case.
pub fn field<'a>(data: &'a Value, name: &str) -> Option<&'a Value> {
    data.get(name).or_else(|| data.get(camel(name)))
}

fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        if letter == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            camel.extend(letter.to_uppercase());
        } else {
            camel.push(letter);
        }
    }
    camel
}
