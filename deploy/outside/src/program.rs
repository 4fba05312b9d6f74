//! An outside party as a program of its own.

use std::error::Error as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{Args as _, Command, FromArgMatches as _};
use tracing_subscriber::EnvFilter;

use crate::books::Books;
use crate::config::Config;
use crate::serve;

/// Runs a party with the arguments of this process, under a command that has its name, version and
/// words.
pub fn program<B: Books>(command: Command) -> ExitCode {
    let matches = Config::<B>::augment_args(command).get_matches();
    let config = Config::<B>::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("cannot start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(Box::pin(serve::run(config))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut chain = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                chain.push_str(": ");
                chain.push_str(&cause.to_string());
                source = cause.source();
            }
            if let Some(mend) = error.mend("choose another file with --ledger") {
                chain.push_str("; ");
                chain.push_str(&mend);
            }
            tracing::error!("{chain}");
            ExitCode::from(error.exit_code())
        }
    }
}
