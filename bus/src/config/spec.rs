//! What one option may be: its type, unit and range, read from the layout file.
//!
//! The type is that of the default. Unit and range are the comment behind it:
//!
//! ```toml
//! attempts_max = 8 # attempts, 1 to 1000
//! format = "text" # one of: text, json
//! listen = "127.0.0.1:7080" # IP:PORT, or empty for none
//! ```

use super::nearest;
use super::value::Value;

/// What one option may be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Spec {
    /// A text of some form, which the typed struct checks.
    Text { form: Option<String> },
    /// One of some texts.
    Choice(Vec<String>),
    /// A whole number of some unit, both ends included.
    Whole { unit: String, min: i64, max: i64 },
    /// A number of some unit, both ends included.
    Real { unit: String, min: f64, max: f64 },
    /// True or false.
    Switch,
}

impl Spec {
    /// Reads the comment behind a default. The error says how it must be.
    pub(super) fn parse(default: &Value, comment: Option<&str>) -> Result<Self, String> {
        let spec = match default {
            Value::Text(_) => match comment.map(|c| (c, c.strip_prefix("one of:"))) {
                Some((_, Some(choices))) => {
                    Self::Choice(choices.split(',').map(|c| c.trim().to_owned()).collect())
                }
                Some((form, None)) => Self::Text {
                    form: Some(form.to_owned()),
                },
                None => Self::Text { form: None },
            },
            Value::Whole(_) => {
                let (unit, min, max) = unit_and_range(comment)?;
                Self::Whole { unit, min, max }
            }
            Value::Real(_) => {
                let (unit, min, max) = unit_and_range(comment)?;
                Self::Real { unit, min, max }
            }
            Value::Switch(_) if comment.is_some() => {
                return Err("a switch takes no comment behind it".to_owned());
            }
            Value::Switch(_) => Self::Switch,
        };
        match spec.fit(default.clone()) {
            Some(_) => Ok(spec),
            None => Err(format!(
                "the default is {}, but must be {}",
                default.shown(),
                spec.wanted()
            )),
        }
    }

    /// The value, where the option may have it.
    pub(super) fn fit(&self, value: Value) -> Option<Value> {
        let fits = match (self, &value) {
            (Self::Text { .. }, Value::Text(_)) | (Self::Switch, Value::Switch(_)) => true,
            (Self::Choice(choices), Value::Text(text)) => choices.contains(text),
            (Self::Whole { min, max, .. }, Value::Whole(number)) => (min..=max).contains(&number),
            (Self::Real { min, max, .. }, Value::Real(number)) => (min..=max).contains(&number),
            // `ratio = 1` is what a person writes for 1.0.
            (Self::Real { .. }, Value::Whole(number)) => {
                return self.fit(Value::Real(*number as f64));
            }
            _ => false,
        };
        fits.then_some(value)
    }

    /// Reads a value as it stands in the environment or in a flag.
    pub(super) fn read(&self, text: &str) -> Option<Value> {
        let value = match self {
            Self::Text { .. } | Self::Choice(_) => Value::Text(text.to_owned()),
            Self::Whole { .. } => Value::Whole(text.replace('_', "").parse().ok()?),
            Self::Real { .. } => Value::Real(text.parse().ok()?),
            Self::Switch => Value::Switch(text.parse().ok()?),
        };
        self.fit(value)
    }

    /// What a value must be, for an error.
    pub(super) fn wanted(&self) -> String {
        match self {
            Self::Text { form: None } => "a text".to_owned(),
            Self::Text { form: Some(form) } => form.clone(),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
            Self::Whole { unit, min, max } => {
                format!("a whole number of {unit} from {min} to {max}")
            }
            Self::Real { unit, min, max } => format!("a number of {unit} from {min} to {max}"),
            Self::Switch => "true or false".to_owned(),
        }
    }

    /// The comment behind the value, as it stands in the layout file.
    pub(super) fn comment(&self) -> Option<String> {
        match self {
            Self::Text { form } => form.clone(),
            Self::Choice(choices) => Some(format!("one of: {}", choices.join(", "))),
            Self::Whole { unit, min, max } => Some(format!("{unit}, {min} to {max}")),
            Self::Real { unit, min, max } => Some(format!("{unit}, {min} to {max}")),
            Self::Switch => None,
        }
    }

    /// Unit of a number.
    pub(super) fn unit(&self) -> Option<&str> {
        match self {
            Self::Whole { unit, .. } | Self::Real { unit, .. } => Some(unit),
            Self::Text { .. } | Self::Choice(_) | Self::Switch => None,
        }
    }

    /// The choice that was probably meant.
    pub(super) fn nearest_choice(&self, given: &str) -> Option<&str> {
        match self {
            Self::Choice(choices) => nearest::word(given, choices.iter().map(String::as_str)),
            _ => None,
        }
    }
}

fn unit_and_range<N: std::str::FromStr>(comment: Option<&str>) -> Result<(String, N, N), String> {
    let parse = |comment: &str| {
        let (unit, range) = comment.split_once(',')?;
        let (min, max) = range.split_once(" to ")?;
        let unit = unit.trim();
        let min = min.trim().replace('_', "").parse().ok()?;
        let max = max.trim().replace('_', "").parse().ok()?;
        (!unit.is_empty()).then(|| (unit.to_owned(), min, max))
    };
    comment.and_then(parse).ok_or_else(|| {
        "a number needs its unit and range behind it, such as `# ms, 1 to 60000`".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_behind_a_default_says_what_the_option_may_be() {
        let spec = Spec::parse(&Value::Whole(8), Some("attempts, 1 to 1_000")).unwrap();
        assert_eq!(
            spec.wanted(),
            "a whole number of attempts from 1 to 1000",
            "{spec:?}"
        );
        assert_eq!(spec.read("1_000"), Some(Value::Whole(1000)));
        for wrong in ["0", "1001", "", "eight", "1.5", "0x10"] {
            assert_eq!(spec.read(wrong), None, "{wrong}");
        }

        let spec = Spec::parse(&Value::Text("text".into()), Some("one of: text, json")).unwrap();
        assert_eq!(spec.wanted(), "one of text, json");
        assert_eq!(spec.read("json"), Some(Value::Text("json".into())));
        assert_eq!(spec.read("jsn"), None);
        assert_eq!(spec.nearest_choice("jsn"), Some("json"));

        let spec = Spec::parse(&Value::Real(0.5), Some("of all, 0 to 1")).unwrap();
        assert_eq!(spec.fit(Value::Whole(1)), Some(Value::Real(1.0)));
        assert_eq!(spec.fit(Value::Real(f64::NAN)), None);

        let spec = Spec::parse(&Value::Switch(true), None).unwrap();
        assert_eq!(spec.read("false"), Some(Value::Switch(false)));
        assert_eq!(spec.read("yes"), None);
    }

    #[test]
    fn a_default_with_a_comment_that_says_nothing_is_refused() {
        let cases = [
            (
                Value::Whole(8),
                None,
                "a number needs its unit and range behind it, such as `# ms, 1 to 60000`",
            ),
            (
                Value::Whole(8),
                Some("attempts"),
                "a number needs its unit and range behind it, such as `# ms, 1 to 60000`",
            ),
            (
                Value::Whole(0),
                Some("attempts, 1 to 9"),
                "the default is 0, but must be a whole number of attempts from 1 to 9",
            ),
            (
                Value::Text("tetx".into()),
                Some("one of: text, json"),
                "the default is \"tetx\", but must be one of text, json",
            ),
            (
                Value::Switch(true),
                Some("on or off"),
                "a switch takes no comment behind it",
            ),
        ];
        for (default, comment, error) in cases {
            assert_eq!(Spec::parse(&default, comment), Err(error.to_owned()));
        }
    }
}
