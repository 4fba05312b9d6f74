//! The value of one option, and how it may be shown.
//!
//! Options are flat: a text, a whole number, a number or a switch. A secret is never shown.

use std::fmt::Write as _;

use toml::de::DeValue;

/// Words that end the name of a secret text option.
const SECRET_WORDS: [&str; 4] = ["password", "secret", "token", "key"];

/// Longest text that an error repeats, in characters.
const SHOWN_CHARS_MAX: usize = 80;

/// What stands in place of a secret.
pub(super) const MASK: &str = "***";

/// The value of one option.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// A number.
    Real(f64),
    /// True or false.
    Switch(bool),
}

impl Value {
    /// Takes a value over from a TOML file. The error says what stands there instead.
    pub(super) fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        match value {
            DeValue::String(text) => Ok(Self::Text(text.to_string())),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map(Self::Whole)
                .map_err(|_| "a number of more than 64 bits".to_owned()),
            DeValue::Float(number) => number
                .as_str()
                .parse()
                .map(Self::Real)
                .map_err(|_| "a number of more than 64 bits".to_owned()),
            DeValue::Boolean(switch) => Ok(Self::Switch(*switch)),
            DeValue::Datetime(_) => Err("a date without quotes".to_owned()),
            DeValue::Array(_) => Err("a list".to_owned()),
            DeValue::Table(_) => Err("a table".to_owned()),
        }
    }

    /// The value as TOML has it.
    pub(super) fn to_toml(&self) -> String {
        match self {
            Self::Text(text) => toml::Value::String(text.clone()).to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Real(number) => toml::Value::Float(*number).to_string(),
            Self::Switch(switch) => switch.to_string(),
        }
    }

    /// The value for a person's eyes: passwords inside of URLs are masked, long texts cut.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => shown_text(text),
            other => other.to_toml(),
        }
    }

    /// The value with passwords inside of URLs masked.
    pub(super) fn masked(&self) -> Self {
        match self {
            Self::Text(text) => Self::Text(mask_urls(text)),
            other => other.clone(),
        }
    }

    /// Whether this is what "not set" looks like.
    pub(super) fn is_unset(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }
}

/// Whether a text option of this name is a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let last_word = name.rsplit(|c: char| !c.is_alphanumeric()).next();
    let last_word = last_word.unwrap_or(name);
    SECRET_WORDS
        .iter()
        .any(|secret| last_word.eq_ignore_ascii_case(secret))
}

/// A text in quotes, with passwords inside of URLs masked, cut where it is long.
pub(super) fn shown_text(text: &str) -> String {
    let text = mask_urls(text);
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// Masks what stands between `user:` and `@host` in URLs, and query parameters with secret names.
pub(super) fn mask_urls(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + "://".len());
        masked.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ','))
            .unwrap_or(after.len());
        mask_one_url(&after[..end], &mut masked);
        rest = &after[end..];
    }
    masked.push_str(rest);
    masked
}

fn mask_one_url(after_scheme: &str, masked: &mut String) {
    let (address, query) = match after_scheme.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (after_scheme, None),
    };
    // A password may hold any character but `@`, unescaped ones of bad URLs included.
    match address.rsplit_once('@') {
        Some((login, host)) => match login.split_once(':') {
            Some((user, _)) => {
                let _ = write!(masked, "{user}:{MASK}@{host}");
            }
            None => masked.push_str(address),
        },
        None => masked.push_str(address),
    }
    for (nth, parameter) in query.into_iter().flat_map(|q| q.split('&')).enumerate() {
        masked.push(if nth == 0 { '?' } else { '&' });
        match parameter.split_once('=') {
            Some((name, _)) if is_secret_name(name) || name.ends_with("password") => {
                let _ = write!(masked, "{name}={MASK}");
            }
            _ => masked.push_str(parameter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_masked_and_nothing_else() {
        let cases = [
            ("memory", "memory"),
            ("postgres://db/orders", "postgres://db/orders"),
            ("postgres://me@db/orders", "postgres://me@db/orders"),
            (
                "postgres://me:hunter2@db/orders",
                "postgres://me:***@db/orders",
            ),
            (
                "postgres://me:hun@ter2@db:5432/orders?a=b&sslpassword=x",
                "postgres://me:***@db:5432/orders?a=b&sslpassword=***",
            ),
            (
                "http://a:b@c, http://d:e@f and more",
                "http://a:***@c, http://d:***@f and more",
            ),
        ];
        for (given, shown) in cases {
            assert_eq!(mask_urls(given), shown);
        }
    }

    #[test]
    fn a_name_that_ends_in_a_secret_word_is_a_secret() {
        for name in ["password", "sasl_password", "api_key", "TOKEN", "a.secret"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["key_events_max", "url", "token_file", "keyboard"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn a_long_text_is_cut_when_it_is_shown() {
        let long = "x".repeat(SHOWN_CHARS_MAX + 1);
        assert_eq!(
            shown_text(&long),
            format!("\"{}…\"", "x".repeat(SHOWN_CHARS_MAX))
        );
    }
}
