//! From the flat list of options to a typed struct, by serde.
//!
//! A value that the struct does not take is an error of that option, wherever it came from. It is
//! then replaced by the default and the reading goes on, so that every wrong value is found.

use std::any::type_name;
use std::borrow::Cow;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::draft::{Setting, wrong_value};
use super::error::Error;
use super::layout::{Known, Layout};
use super::value::Value;

/// Stands for "no option" in the spans that the deserialiser hands back.
const NO_OPTION: usize = usize::MAX;

/// What came of reading. Where the value is missing, there are errors.
pub(super) struct Typed<T> {
    pub(super) value: Option<T>,
    pub(super) errors: Vec<Error>,
}

/// Reads the picked options into a struct. `table` is cut off their paths.
///
/// # Panics
///
/// Where struct and layout disagree about names and types. Both are part of the program.
pub(super) fn read<T: DeserializeOwned>(
    layout: &Layout,
    settings: &[Setting],
    table: &str,
    pick: impl Fn(&Known) -> bool,
) -> Typed<T> {
    let picked: Vec<usize> = (0..layout.options.len())
        .filter(|option| pick(&layout.options[*option]))
        .collect();
    let mut values: Vec<Value> = settings.iter().map(|s| s.value.clone()).collect();
    let mut errors = Vec::new();
    loop {
        let written: Vec<String> = values.iter().map(Value::to_toml).collect();
        let tree = tree(layout, &written, table, &picked);
        let error = match T::deserialize(ValueDeserializer::from(tree)) {
            Ok(value) => {
                return Typed {
                    value: Some(value),
                    errors,
                };
            }
            Err(error) => error,
        };
        let at = error.span().map_or(NO_OPTION, |span| span.start);
        let disagree = || -> ! {
            panic!(
                "the options of `[{table}]` and the type {} disagree: {}",
                type_name::<T>(),
                error.message()
            )
        };
        let Some(known) = layout.options.get(at) else {
            disagree()
        };
        if values[at] == known.default {
            if !known.default.is_unset() {
                disagree()
            }
            errors.push(missing(known));
            return Typed {
                value: None,
                errors,
            };
        }
        errors.push(refusal(layout, at, &settings[at], &error));
        values[at] = known.default.clone();
    }
}

/// What is wrong where an option must be set and is not.
pub(super) fn missing(known: &Known) -> Error {
    let flag = match known.path.as_str() {
        "kafka.brokers" => "--kafka HOST:PORT".to_owned(),
        path => format!("--set {path}=…"),
    };
    Error::new(format!("option `{}` is not set", known.path))
        .mend(format!(
            "give it by {flag}, by {} or by `{} = …` under `[{}]` in the file that --config names",
            known.variable(),
            known.name(),
            known.table()
        ))
        .of_option(&known.path)
}

fn refusal(layout: &Layout, option: usize, setting: &Setting, error: &toml::de::Error) -> Error {
    let known = &layout.options[option];
    let shown = known.shown(&setting.value);
    // What the struct says may repeat the value.
    let why = if known.is_secret() {
        ""
    } else {
        error.message()
    };
    let shown = if why.is_empty() {
        shown
    } else {
        format!("{shown} ({why})")
    };
    wrong_value(layout, option, &shown, None, &setting.origin)
}

/// The options as a TOML table, in which the span of each value is the number of its option. A name
/// has no option: an error there is about the struct.
fn tree<'a>(
    layout: &Layout,
    written: &'a [String],
    table: &str,
    picked: &[usize],
) -> Spanned<DeValue<'a>> {
    let mut root = DeTable::new();
    for option in picked {
        let path = layout.options[*option].path.as_str();
        let path = path
            .strip_prefix(table)
            .map_or(path, |rest| rest.trim_start_matches('.'));
        let mut names: Vec<&str> = path.split('.').collect();
        let name = names.pop().unwrap_or(path);
        let mut inner = &mut root;
        for table in names {
            let entry = inner
                .entry(spanned(NO_OPTION, Cow::Owned(table.to_owned())))
                .or_insert_with(|| spanned(NO_OPTION, DeValue::Table(DeTable::new())));
            let DeValue::Table(next) = entry.get_mut() else {
                unreachable!("a path is either an option's or a table's");
            };
            inner = next;
        }
        let value = DeValue::parse(&written[*option]).expect("values are written as TOML has it");
        inner.insert(
            spanned(NO_OPTION, Cow::Owned(name.to_owned())),
            spanned(*option, value.into_inner()),
        );
    }
    spanned(NO_OPTION, DeValue::Table(root))
}

fn spanned<T>(option: usize, value: T) -> Spanned<T> {
    let span: Range<usize> = option..option;
    Spanned::new(span, value)
}
