//! The options of a party: the same for all, with names and defaults of its own.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::behaviour::Behaviour;
use crate::books::Books;

/// The options of a party, as a group that another command line can take in. Each can also be set in
/// the environment, under its name with the party's prefix.
#[derive(Debug, Clone)]
pub struct Config<B> {
    options: Options,
    party: PhantomData<fn() -> B>,
}

impl<B> Deref for Config<B> {
    type Target = Options;

    fn deref(&self) -> &Options {
        &self.options
    }
}

impl<B: Books> Args for Config<B> {
    fn augment_args(command: Command) -> Command {
        let before: Vec<_> = command
            .get_arguments()
            .map(|arg| arg.get_id().clone())
            .collect();
        Options::augment_args(command)
            .mut_arg("listen", |arg| arg.default_value(B::LISTEN).required(false))
            .mut_arg("ledger", |arg| arg.default_value(B::LEDGER).required(false))
            .mut_args(|arg| {
                // Whoever starts it by that pipe knows that it does.
                if before.contains(arg.get_id()) || arg.get_id() == "stop_with_stdin" {
                    return arg;
                }
                let name = arg.get_id().as_str().to_uppercase();
                arg.env(format!("{}{name}", B::ENVIRONMENT))
            })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<B: Books> FromArgMatches for Config<B> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self {
            options: Options::from_arg_matches(matches)?,
            party: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.options.update_from_arg_matches(matches)
    }
}

/// The options that every party has.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// The file that keeps what was booked; made if it is not there.
    #[arg(long, value_name = "FILE")]
    pub ledger: PathBuf,
    /// How to misbehave, until told otherwise.
    #[command(flatten)]
    pub behaviour: Behaviour,
    /// Seed of the dice that decide whom the rates hit.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub seed: u64,
    /// Most requests at once; beyond, the answer is 503.
    #[arg(long, value_name = "COUNT", default_value_t = 256)]
    #[arg(value_parser = at_least_one())]
    pub requests_max: usize,
    /// Largest body of a request, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 16 * 1024)]
    #[arg(value_parser = at_least_one())]
    pub body_bytes_max: usize,
    /// Longest time that a request may take, its delay included.
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout_ms: u64,
    /// Most entries that are written to the disk at once.
    #[arg(long, value_name = "COUNT", default_value_t = 512)]
    #[arg(value_parser = at_least_one())]
    pub batch_max: usize,
    /// How long requests that are under way may take to end when it stops.
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    pub drain_ms: u64,
    /// Stop when the standard input ends, as it does when the process at its other end dies.
    #[arg(long)]
    pub stop_with_stdin: bool,
}

fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=1 << 30)
}
