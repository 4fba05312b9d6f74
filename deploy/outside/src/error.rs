//! Why a party does not run.

use std::io;
use std::net::SocketAddr;

use crate::ledger;

/// Why a party does not run. Its sources say more: print them all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another program listens there.
    #[error("the address {address} is taken")]
    AddressTaken {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(LedgerError),
    /// Something of the machine gave out.
    #[error("cannot {what}")]
    Machine {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The thread that keeps the ledger panicked. What was answered is in the ledger.
    #[error("the thread that keeps the ledger has panicked, see the log")]
    Writer,
}

/// Why a ledger cannot be used: another process has it, a line is broken, or the file is out of
/// reach.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LedgerError(ledger::Error);

impl Error {
    /// What to do about it, where `another_file` says how another ledger is chosen: whoever starts the
    /// party may have an option of its own for that.
    pub fn mend(&self, another_file: &str) -> Option<String> {
        match self {
            Self::AddressTaken { .. } => {
                Some("stop what listens there, or choose another with --listen".to_owned())
            }
            Self::Listen { .. } => Some("choose another address with --listen".to_owned()),
            Self::Ledger(LedgerError(error)) => Some(match error {
                ledger::Error::InUse { .. } => format!("stop that one, or {another_file}"),
                ledger::Error::File { .. } => another_file.to_owned(),
                ledger::Error::Line { .. } => "mend the line by hand".to_owned(),
            }),
            Self::Machine { .. } | Self::Writer => None,
        }
    }

    /// The exit code for it: 64 if the configuration must be changed, otherwise 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::AddressTaken { .. } | Self::Listen { .. } | Self::Ledger(_) => 64,
            Self::Machine { .. } | Self::Writer => 1,
        }
    }
}

impl From<ledger::Error> for Error {
    fn from(error: ledger::Error) -> Self {
        Self::Ledger(LedgerError(error))
    }
}
