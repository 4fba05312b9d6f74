//! A configuration that holds: the bus's options as structs, a service's own ones by section.

use std::fmt;

use serde::de::DeserializeOwned;

use super::draft::{Draft, Setting};
use super::error::{Error, Errors};
use super::layout::{Layout, is_below};
use super::relations::{self, Relation};
use super::sources::{Origin, Sources};
use super::{Config, typed};

/// A configuration that holds, and where each of its values comes from.
#[derive(Clone)]
pub struct Loaded {
    pub(super) layout: Layout,
    pub(super) settings: Vec<Setting>,
    pub(super) sources: Sources,
    bus: Config,
}

impl Layout {
    /// Puts the sources on the defaults. All mistakes that can be found are in the error.
    pub fn load(self, sources: Sources) -> Result<Loaded, Errors> {
        self.load_checked(sources, |_| Ok(()))
    }

    /// As [`Layout::load`], with a service's own check, so that its mistakes are told along with
    /// all others.
    pub fn load_checked(
        self,
        sources: Sources,
        check: impl FnOnce(&Loaded) -> Result<(), Errors>,
    ) -> Result<Loaded, Errors> {
        let mut draft = Draft::of(self, &sources);
        let typed = typed::read(&draft.layout, &draft.settings, "", |option| option.of_bus);
        for error in &typed.errors {
            let wrong = error.option().and_then(|path| draft.layout.find(path));
            if let Some(wrong) = wrong {
                draft.settings[wrong].is_wrong = true;
            }
        }
        draft.errors.extend(typed.errors);
        let loaded = Loaded {
            layout: draft.layout,
            settings: draft.settings,
            sources,
            bus: typed.value.expect("no option of the bus must be set"),
        };
        let mut errors = draft.errors;
        let late = [loaded.relate(&relations::BUS), check(&loaded)];
        // A default stands in for a wrong value, and what is wrong with that is nobody's mistake.
        let late = late.into_iter().filter_map(Result::err);
        errors.extend(late.flat_map(Errors::into_vec).filter(|error| {
            let setting = error.option().and_then(|path| loaded.layout.find(path));
            setting.is_none_or(|option| !loaded.settings[option].is_wrong)
        }));
        Errors::none_of(errors).map(|()| loaded)
    }
}

impl Loaded {
    /// The options of the bus.
    pub fn bus(&self) -> &Config {
        &self.bus
    }

    /// A service's own options below `[table]`, as its own struct.
    ///
    /// Fails where the struct does not take a value, and where it wants one and none is set.
    ///
    /// # Panics
    ///
    /// Where the struct and the service's `config.toml` disagree about names and types.
    pub fn section<T: DeserializeOwned>(&self, table: &str) -> Result<T, Errors> {
        let typed = typed::read(&self.layout, &self.settings, table, |option| {
            is_below(&option.path, table)
        });
        Errors::none_of(typed.errors)?;
        Ok(typed.value.expect("a value is missing only with errors"))
    }

    /// Checks the order of pairs of numbers, such as a service's own limits.
    ///
    /// # Panics
    ///
    /// Where a relation names an option that is no whole number.
    pub fn relate(&self, relations: &[Relation]) -> Result<(), Errors> {
        Errors::none_of(relations.iter().filter_map(|r| r.broken(self)).collect())
    }

    /// Where an option's value comes from.
    ///
    /// # Panics
    ///
    /// Where there is no such option.
    pub fn origin(&self, path: &str) -> &Origin {
        &self.settings[self.option(path)].origin
    }

    /// The environment variable that sets an option.
    ///
    /// # Panics
    ///
    /// Where there is no such option.
    pub fn variable(&self, path: &str) -> String {
        self.layout.options[self.option(path)].variable()
    }

    /// An error: the option must be set and is not.
    ///
    /// # Panics
    ///
    /// Where there is no such option.
    pub fn missing(&self, path: &str) -> Error {
        typed::missing(&self.layout.options[self.option(path)])
    }

    /// An error: the option has a value that will not do, for a reason in lower case.
    ///
    /// # Panics
    ///
    /// Where there is no such option.
    pub fn refused(&self, path: &str, why: &str) -> Error {
        Error::new(format!("{}, but {why}", self.statement(path))).of_option(path)
    }

    /// An option with its value and where it comes from:
    /// `` `limits.attempts_max` is 3 attempts (inventory.toml:2:1) ``.
    pub(super) fn statement(&self, path: &str) -> String {
        let option = self.option(path);
        let (known, setting) = (&self.layout.options[option], &self.settings[option]);
        let unit = known
            .spec
            .unit()
            .map_or(String::new(), |unit| format!(" {unit}"));
        let shown = known.shown(&setting.value);
        format!("`{path}` is {shown}{unit} ({})", setting.origin)
    }

    pub(super) fn option(&self, path: &str) -> usize {
        self.layout
            .find(path)
            .unwrap_or_else(|| panic!("there is an option `{path}`"))
    }
}

/// Values are left out: there may be secrets among them.
impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").finish_non_exhaustive()
    }
}
