//! Why a program ended, for a person and for whoever reads the exit code.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use crate::{broker, config};

/// How a program ended. The numbers are a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what it was asked to do.
    Done = 0,
    /// Its work failed, or it found what it was asked to look for.
    Failed = 1,
    /// Its flags were wrong.
    Usage = 2,
    /// Its configuration is wrong, a port that is taken included. Trying again will not help.
    Configuration = 64,
    /// A broker or a database is out of reach. Trying again later may help.
    Unreachable = 69,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a program could not go on: what it tried to do, the causes, and the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    exit: Exit,
    problems: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    message: String,
    causes: Vec<String>,
    mend: Option<String>,
}

impl Failure {
    /// Says what could not be done, in lower case, without a full stop.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            problems: vec![Problem {
                message: message.into(),
                causes: Vec::new(),
                mend: None,
            }],
        }
    }

    /// An error with all its causes.
    pub fn of(exit: Exit, error: &dyn Error) -> Self {
        let failure = Self::new(exit, error.to_string());
        match error.source() {
            Some(source) => failure.because(source),
            None => failure,
        }
    }

    /// Adds a cause, and its causes.
    #[must_use]
    pub fn because(mut self, cause: &dyn Error) -> Self {
        if let Some(problem) = self.problems.last_mut() {
            let mut next = Some(cause);
            while let Some(cause) = next {
                problem.causes.push(cause.to_string());
                next = cause.source();
            }
        }
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        if let Some(problem) = self.problems.last_mut() {
            problem.mend = Some(mend.into());
        }
        self
    }

    /// Adds another one, so that all is told at once.
    #[must_use]
    pub fn also(mut self, other: Self) -> Self {
        self.problems.extend(other.problems);
        self
    }

    /// How the program ends because of it.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, problem) in self.problems.iter().enumerate() {
            if nth > 0 {
                f.write_str("\n")?;
            }
            write!(f, "error: {}", problem.message)?;
            for cause in &problem.causes {
                write!(f, "\n  caused by: {cause}")?;
            }
            if let Some(mend) = &problem.mend {
                write!(f, "\n  mend: {mend}")?;
            }
        }
        Ok(())
    }
}

impl Error for Failure {}

impl From<config::Errors> for Failure {
    fn from(errors: config::Errors) -> Self {
        let problems = errors.into_vec().into_iter().map(|error| Problem {
            message: error.to_string(),
            causes: Vec::new(),
            mend: error.mended_by().map(ToOwned::to_owned),
        });
        Self {
            exit: Exit::Configuration,
            problems: problems.collect(),
        }
    }
}

impl From<config::Error> for Failure {
    fn from(error: config::Error) -> Self {
        config::Errors::from(error).into()
    }
}

impl From<broker::Error> for Failure {
    fn from(error: broker::Error) -> Self {
        let exit = match error.kind() {
            broker::ErrorKind::Unreachable => Exit::Unreachable,
            _ => Exit::Failed,
        };
        Self::of(exit, &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layout, Sources};

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the ledger")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_failure_is_printed_with_all_its_causes_and_the_mend() {
        let outer = Outer(std::io::Error::other("no such device"));
        let failure = Failure::new(Exit::Failed, "cannot start payments")
            .because(&outer)
            .mend("plug the device in");
        assert_eq!(
            failure.to_string(),
            "error: cannot start payments\n  \
             caused by: cannot open the ledger\n  \
             caused by: no such device\n  \
             mend: plug the device in"
        );
        assert_eq!(
            Failure::of(Exit::Failed, &outer).to_string(),
            "error: cannot open the ledger\n  caused by: no such device"
        );
    }

    #[test]
    fn a_failure_of_the_configuration_reads_as_the_configuration_has_it() {
        let wrong = Sources::none().set("a.b", "1").set("limits.hop_max", "1");
        let errors = Layout::bus().load(wrong).unwrap_err();
        let failure = Failure::from(errors.clone());
        assert_eq!(failure.to_string(), errors.to_string());
        assert_eq!(failure.exit(), Exit::Configuration);
    }

    #[test]
    fn only_a_broker_out_of_reach_may_be_worth_another_try() {
        use crate::broker::{Error, ErrorKind};
        let exit = |kind| Failure::from(Error::new(kind, "it went wrong")).exit();
        assert_eq!(exit(ErrorKind::Unreachable), Exit::Unreachable);
        assert_eq!(exit(ErrorKind::NotAuthorised), Exit::Failed);
    }
}
