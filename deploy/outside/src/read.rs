//! From the bytes of a body to fields that are checked, for whoever reads questions.
//!
//! What is wrong is said without repeating the value: it might be a card's number in a wrong place.

use serde::de::DeserializeOwned;

/// Longest key or id, in bytes.
pub const TEXT_BYTES_MAX: usize = 200;

/// A body as a struct.
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| {
        let why = without_values(&error);
        format!("the body is not what is asked for here: {why}")
    })
}

/// Names of fields and places may be shown; a message about a value quotes it.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let of_a_field = ["missing field", "unknown field", "duplicate field"];
    if !error.is_data() || of_a_field.iter().any(|start| text.starts_with(start)) {
        return text;
    }
    let (line, column) = (error.line(), error.column());
    format!("a value of the wrong kind ends at line {line} column {column}")
}

/// A key or an id.
pub fn text(name: &'static str, value: String) -> Result<String, String> {
    let fits = (1..=TEXT_BYTES_MAX).contains(&value.len());
    if fits && !value.chars().any(char::is_control) {
        return Ok(value);
    }
    Err(format!(
        "{name} must have 1 to {TEXT_BYTES_MAX} bytes, and no control characters"
    ))
}
