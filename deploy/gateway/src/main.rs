//! The payment gateway as a program of its own.

use std::error::Error as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser;
use quadrille_gateway::Config;
use tracing_subscriber::EnvFilter;

/// A payment gateway to test against, with a durable ledger. No money moves.
#[derive(Parser)]
#[command(name = "payment-gateway", version)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match quadrille_gateway::run(cli.config).await {
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
