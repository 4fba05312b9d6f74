//! Why a command ended, for a person and for whoever reads the exit code.

use std::error::Error;
use std::fmt;

use quadrille::broker;

/// How a command ended. The numbers are a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what it was asked to do.
    Done = 0,
    /// Its work failed, or it found what it was asked to look for.
    Failed = 1,
    /// Its flags were wrong.
    Usage = 2,
    /// Its configuration is wrong, a port that is taken included.
    Configuration = 64,
    /// A broker, or `quadrille up`, is out of reach.
    Unreachable = 69,
}

/// Why a command could not go on: what it tried to do, the causes, and the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    exit: Exit,
    message: String,
    causes: Vec<String>,
    mend: Option<String>,
}

impl Failure {
    /// Says what could not be done, in lower case, without a full stop.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            causes: Vec::new(),
            mend: None,
        }
    }

    /// Adds a cause, and its causes.
    #[must_use]
    pub fn because(mut self, cause: &dyn Error) -> Self {
        let mut next = Some(cause);
        while let Some(cause) = next {
            self.causes.push(cause.to_string());
            next = cause.source();
        }
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// How the program ends because of it.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for cause in &self.causes {
            write!(f, "\n  caused by: {cause}")?;
        }
        if let Some(mend) = &self.mend {
            write!(f, "\n  mend: {mend}")?;
        }
        Ok(())
    }
}

impl Error for Failure {}

impl From<broker::Error> for Failure {
    fn from(error: broker::Error) -> Self {
        let exit = match error.kind() {
            broker::ErrorKind::Unreachable => Exit::Unreachable,
            _ => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}
