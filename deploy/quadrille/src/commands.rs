//! What can be asked on the command line.
//!
//! Results go to standard output, everything else to standard error. Only the JSON fields and the
//! exit codes are promises.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use quadrille::program::{Exit, Failure, show};
use quadrille::world::{self, Live};

mod emit;
mod flow;
mod lines;
mod progress;
mod tail;
mod target;

use crate::{connect, up};

/// A bus for independent services that react to each other's events.
#[derive(Parser)]
#[command(
    name = "quadrille",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 a finding or failed work, 2 wrong use, 64 wrong \
                  configuration,\n            69 broker or `quadrille up` out of reach"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts everything: broker, services, gateway, carrier, and a live demo load
    Up(up::Arguments),
    /// Publishes events: one from the command line or standard input, or many from a file
    Emit(emit::Arguments),
    /// Shows events as they come
    Tail(tail::Arguments),
    /// Shows what became of one flow, as a tree of causes
    Flow(flow::Arguments),
    /// Measures Quadrille beside bare rdkafka on a real Kafka
    #[cfg(feature = "bench")]
    Bench(quadrille_bench::Arguments),
    /// Runs the order flow under seeds, in virtual time, with faults at every step
    #[cfg(feature = "simulation")]
    Simulate(quadrille_simulation::command::Arguments),
    /// Runs the payment gateway; started by `up`
    #[command(hide = true)]
    Gateway(connect::GatewayArguments),
    /// Runs the carrier; started by `up`
    #[command(hide = true)]
    Carrier(connect::CarrierArguments),
}

/// Runs the command with the arguments of this process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(asked) => {
            // Where nobody reads it there is nobody to tell.
            let _ = asked.print();
            return match asked.use_stderr() {
                true => Exit::Usage.into(),
                false => Exit::Done.into(),
            };
        }
    };
    match run(arguments.command) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            let _ = writeln!(io::stderr(), "{failure}");
            failure.exit().into()
        }
    }
}

fn run(command: Command) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("quadrille")
        .enable_all()
        .build();
    let runtime = runtime
        .map_err(|error| Failure::new(Exit::Failed, "cannot start threads").because(&error))?;
    let world: world::Shared = Arc::new(Live::on(runtime.handle().clone()));
    let outcome = runtime.block_on(async {
        match command {
            Command::Up(arguments) => Box::pin(up::run(arguments, world)).await,
            Command::Emit(arguments) => Box::pin(emit::run(arguments, world)).await,
            Command::Tail(arguments) => Box::pin(tail::run(arguments, world)).await,
            Command::Flow(arguments) => Box::pin(flow::run(arguments, world)).await,
            #[cfg(feature = "bench")]
            Command::Bench(arguments) => Box::pin(quadrille_bench::run(arguments, world)).await,
            Command::Gateway(arguments) => Box::pin(connect::party(arguments)).await,
            Command::Carrier(arguments) => Box::pin(connect::party(arguments)).await,
            #[cfg(feature = "simulation")]
            Command::Simulate(arguments) => quadrille_simulation::command::run(&arguments, &world),
        }
    });
    // A thread that still reads standard input must not keep a finished process alive.
    runtime.shutdown_background();
    outcome
}

/// A line of JSON.
fn json(value: &impl serde::Serialize) -> String {
    let mut line = serde_json::to_string(value).expect("plain data is JSON");
    line.push('\n');
    line
}

/// A type as somebody names it, in full.
fn event_type(name: &str) -> Result<&'static str, Failure> {
    let schema = quadrille_observer::types::find_loosely(name).ok_or_else(|| {
        let message = format!("the event type `{name}` is not known");
        Failure::new(Exit::Usage, message).mend(quadrille_observer::types::mend(name))
    })?;
    Ok(schema.name)
}
