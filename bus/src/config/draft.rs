//! A configuration while its layers are put on top of each other, mistakes included.

use super::error::Error;
use super::file;
use super::layout::{Layout, PREFIX};
use super::nearest;
use super::sources::{Given, Origin, Sources};
use super::value::{self, Value};

/// A configuration in the making.
pub(super) struct Draft {
    pub(super) layout: Layout,
    pub(super) settings: Vec<Setting>,
    pub(super) errors: Vec<Error>,
}

/// The value of one option, in the order of the layout's options.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) value: Value,
    pub(super) origin: Origin,
    /// Somebody gave a wrong value, and the default or a lower layer's stands in for it.
    pub(super) is_wrong: bool,
}

impl Draft {
    /// Puts file, environment and flags on the defaults.
    pub(super) fn of(layout: Layout, sources: &Sources) -> Self {
        let settings = layout.options.iter().map(|option| Setting {
            value: option.default.clone(),
            origin: Origin::Default,
            is_wrong: false,
        });
        let mut draft = Self {
            settings: settings.collect(),
            layout,
            errors: Vec::new(),
        };
        if let Some(name) = &sources.file {
            file::read(&mut draft, name);
        }
        for given in &sources.variables {
            draft.put_variable(given);
        }
        for given in &sources.flags {
            draft.put_text(given, given.path.as_deref().unwrap_or_default());
        }
        draft
    }

    /// Sets an option. `Err` says what stands there that is no value at all.
    pub(super) fn put(
        &mut self,
        option: usize,
        given: Result<Value, String>,
        origin: Origin,
        place: &Origin,
    ) {
        let known = &self.layout.options[option];
        let (shown, choice) = match &given {
            Ok(Value::Text(text)) => (known.shown(&Value::Text(text.clone())), Some(text.clone())),
            Ok(value) => (known.shown(value), None),
            Err(something) => (something.clone(), None),
        };
        match given.ok().and_then(|value| known.spec.fit(value)) {
            Some(value) => {
                self.settings[option] = Setting {
                    value,
                    origin,
                    is_wrong: false,
                };
            }
            None => self.refuse(option, &shown, choice.as_deref(), place),
        }
    }

    /// Notes that an option's value is wrong. `choice` is the text where one of some was wanted.
    fn refuse(&mut self, option: usize, shown: &str, choice: Option<&str>, place: &Origin) {
        let error = wrong_value(&self.layout, option, shown, choice, place);
        self.settings[option].is_wrong = true;
        self.errors.push(error);
    }

    fn put_variable(&mut self, given: &Given) {
        let Origin::Variable(name) = &given.origin else {
            unreachable!("only variables are given as variables");
        };
        if let Some(path) = &given.path {
            return self.put_text(given, path);
        }
        let known = self.layout.options.iter();
        match known.clone().find(|option| option.variable() == *name) {
            Some(option) => {
                let path = option.path.clone();
                self.put_text(given, &path);
            }
            None => {
                let near = name
                    .strip_prefix(PREFIX)
                    .and_then(|rest| nearest::variable(rest, self.layout.paths()))
                    .and_then(|path| self.layout.find(path));
                let mend = match near {
                    Some(near) => {
                        format!("did you mean {}?", self.layout.options[near].variable())
                    }
                    None => "unset it; --print-config shows every option".to_owned(),
                };
                self.errors.push(
                    Error::new("names no option of this program")
                        .at(&given.origin)
                        .mend(mend),
                );
            }
        }
    }

    fn put_text(&mut self, given: &Given, path: &str) {
        let Some(option) = self.layout.find(path) else {
            if self.layout.is_table(path) {
                self.errors.push(
                    Error::new(format!("`{path}` is a table of options, not an option"))
                        .at(&given.origin)
                        .mend(self.names_in(path)),
                );
            } else {
                self.unknown_option(path, &given.origin);
            }
            return;
        };
        let known = &self.layout.options[option];
        match given.text.as_deref() {
            None => self.refuse(option, "not Unicode", None, &given.origin),
            Some(text) => match known.spec.read(text) {
                Some(value) => self.put(option, Ok(value), given.origin.clone(), &given.origin),
                None => {
                    let shown = known.shown(&Value::Text(text.to_owned()));
                    self.refuse(option, &shown, Some(text), &given.origin);
                }
            },
        }
    }

    /// Notes that there is no such option.
    pub(super) fn unknown_option(&mut self, path: &str, origin: &Origin) {
        let table = path.rsplit_once('.').map_or("", |(table, _)| table);
        let mend = match nearest::path(path, self.layout.paths()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.layout.is_table(table) => self.names_in(table),
            None => self.table_names(),
        };
        self.errors.push(
            Error::new(format!("unknown option `{path}`"))
                .at(origin)
                .mend(mend),
        );
    }

    /// Notes that there is no such table.
    pub(super) fn unknown_table(&mut self, path: &str, origin: &Origin) {
        let tables = self.layout.tables.iter().map(|table| table.name.as_str());
        let mend = match nearest::word(path, tables) {
            Some(near) => format!("did you mean `[{near}]`?"),
            None => self.table_names(),
        };
        self.errors.push(
            Error::new(format!("unknown table `[{path}]`"))
                .at(origin)
                .mend(mend),
        );
    }

    fn names_in(&self, table: &str) -> String {
        let options = self.layout.options.iter();
        let names: Vec<_> = options
            .filter(|option| option.table() == table)
            .map(|option| option.name())
            .collect();
        format!("`[{table}]` has {}", names.join(", "))
    }

    fn table_names(&self) -> String {
        let tables = self.layout.tables.iter();
        let names: Vec<_> = tables.map(|table| format!("[{}]", table.name)).collect();
        format!("the tables are {}", names.join(", "))
    }
}

/// What is wrong with an option's value, what it must be, and what it is by default.
pub(super) fn wrong_value(
    layout: &Layout,
    option: usize,
    shown: &str,
    choice: Option<&str>,
    place: &Origin,
) -> Error {
    let known = &layout.options[option];
    let near = choice.and_then(|given| known.spec.nearest_choice(given));
    let mend = match near {
        Some(near) => format!("did you mean {}?", value::shown_text(near)),
        None if known.default.is_unset() => "leave it out, and it is not set".to_owned(),
        None => format!(
            "leave it out for the default, {}",
            known.shown(&known.default)
        ),
    };
    Error::new(format!(
        "option `{}` is {shown}, but must be {}",
        known.path,
        known.spec.wanted()
    ))
    .at(place)
    .mend(mend)
    .of_option(&known.path)
}
