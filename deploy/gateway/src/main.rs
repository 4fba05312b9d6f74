//! The payment gateway as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    let about = "A payment gateway to test against, with a durable ledger. No money moves";
    let command = clap::Command::new("payment-gateway")
        .version(env!("CARGO_PKG_VERSION"))
        .about(about);
    quadrille_outside::program::<quadrille_gateway::Books>(command)
}
