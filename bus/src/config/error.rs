//! What is wrong with a configuration: every mistake with its place and its mend.

use std::fmt;

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    place: Option<String>,
    message: String,
    excerpt: Option<String>,
    mend: Option<String>,
    option: Option<String>,
}

impl Error {
    /// An error that says what is wrong, in lower case, without a full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            place: None,
            message: message.into(),
            excerpt: None,
            mend: None,
            option: None,
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// Where it stands: `inventory.toml:12:1`, `environment variable …` or `--set …`.
    #[must_use]
    pub(super) fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    /// Shows the line of the file below the message.
    #[must_use]
    pub(super) fn excerpt(mut self, excerpt: String) -> Self {
        self.excerpt = Some(excerpt);
        self
    }

    /// Names the option that has the wrong value.
    #[must_use]
    pub(super) fn of_option(mut self, path: &str) -> Self {
        self.option = Some(path.to_owned());
        self
    }

    /// The option that has the wrong value.
    pub(super) fn option(&self) -> Option<&str> {
        self.option.as_deref()
    }

    /// What to do about it.
    pub fn mended_by(&self) -> Option<&str> {
        self.mend.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.excerpt {
            Some(excerpt) => write!(f, "\n{excerpt}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// Everything that is wrong with the configuration, in the order of the layers. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors(Vec<Error>);

impl Errors {
    /// `Ok` where there are none.
    pub fn none_of(errors: Vec<Error>) -> Result<(), Self> {
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Self(errors))
        }
    }

    /// All that these checks found. `Ok` where none found anything.
    pub fn all_of(checks: impl IntoIterator<Item = Result<(), Self>>) -> Result<(), Self> {
        let found = checks.into_iter().filter_map(Result::err);
        Self::none_of(found.flat_map(Self::into_vec).collect())
    }

    /// The errors in order.
    pub fn iter(&self) -> impl Iterator<Item = &Error> {
        self.0.iter()
    }

    /// Gives the errors up.
    pub fn into_vec(self) -> Vec<Error> {
        self.0
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self(vec![error])
    }
}

/// One `error:` with its `mend:` after the other, as it is printed.
impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, error) in self.0.iter().enumerate() {
            if nth > 0 {
                f.write_str("\n")?;
            }
            write!(f, "error: {error}")?;
            if let Some(mend) = &error.mend {
                write!(f, "\n  mend: {mend}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}
