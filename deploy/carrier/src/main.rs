//! The carrier as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    let about = "A carrier to test against, with a durable ledger. No parcel moves";
    let command = clap::Command::new("carrier")
        .version(env!("CARGO_PKG_VERSION"))
        .about(about);
    quadrille_outside::program::<quadrille_carrier::Books>(command)
}
