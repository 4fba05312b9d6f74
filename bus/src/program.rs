//! Runs a program of Quadrille: flags, configuration, log, runtime, health port, signals.
//!
//! Everything that a service's `main.rs` needs around the bus, so that it has one line:
//!
//! ```no_run
//! # use quadrille::{config::Loaded, program::{About, Failure, Host, Program}};
//! # struct Inventory;
//! # impl Program for Inventory {
//! #     fn about(&self) -> About { About { name: "inventory", version: "1", summary: "Holds goods" } }
//! #     fn contract(&self, _: &Loaded) -> Result<String, Failure> { Ok("{}".to_owned()) }
//! #     async fn run(self, _: Host) -> Result<(), Failure> { Ok(()) }
//! # }
//! fn main() -> std::process::ExitCode {
//!     quadrille::program::main(Inventory)
//! }
//! ```
//!
//! The configuration is checked as a whole before any port is opened. This is the real edge: it owns
//! the process, its arguments, its signals and its standard streams; a simulation uses none of it.

use std::ffi::OsString;
use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgAction, Args as _, Command, FromArgMatches as _};

use crate::config::{self, Flags, Layout, Loaded, LogFormat};
use crate::health;
use crate::observe::{self, Telemetry};
use crate::status::Status;
use crate::stop::Stop;
use crate::world::{self, Live};

#[cfg(feature = "mimalloc")]
mod allocator; // the whole program's
mod connection;
mod failure;
mod http;
mod listen;
mod log;
mod serve;
mod show;
mod signals;
pub mod telemetry;

pub(crate) use connection::Limited;
pub use connection::Limits;
pub use failure::{Exit, Failure};
pub use http::{Http, traced};
pub use listen::listen;
pub use serve::{check, stores};
pub use show::show;
use telemetry::Exporting;

/// A program: a name, its options, its contract, and what it does until it is stopped.
pub trait Program: Send + Sized + 'static {
    /// Who this is.
    fn about(&self) -> About;

    /// The options that it knows: those of the bus, and its own.
    fn layout(&self) -> Layout {
        Layout::bus()
    }

    /// Whether it could run with this configuration. Opens nothing. All mistakes are told at once.
    fn check(&self, _loaded: &Loaded) -> Result<(), config::Errors> {
        Ok(())
    }

    /// What it reacts to and emits, as JSON. Must do with a configuration that is not complete.
    fn contract(&self, loaded: &Loaded) -> Result<String, Failure>;

    /// Works until it is done or `host.stop` is requested, and then drains within its own limit.
    fn run(self, host: Host) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Who a program is.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Its name: that of the service and of its consumer group.
    pub name: &'static str,
    /// Its version, from `env!("CARGO_PKG_VERSION")`.
    pub version: &'static str,
    /// What it is for, in a few words without a full stop.
    pub summary: &'static str,
}

/// What a running program is given.
#[derive(Clone)]
pub struct Host {
    /// The configuration, as it was checked.
    pub loaded: Loaded,
    /// Clock, randomness and executor.
    pub world: world::Shared,
    /// Is requested by SIGTERM and SIGINT.
    pub stop: Stop,
    /// What the health port tells.
    pub health: Status,
    /// What spans and metrics are told to.
    pub telemetry: Telemetry,
}

/// Runs a program with the arguments and the environment of this process.
pub fn main(program: impl Program) -> ExitCode {
    start(program, std::env::args_os(), std::env::vars_os()).into()
}

/// Runs a program with these arguments, its own name first, and this environment.
pub fn start(
    program: impl Program,
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Exit {
    let mut console = Console {
        out: &mut io::stdout(),
        err: &mut io::stderr(),
    };
    start_on(&mut console, program, arguments, environment)
}

/// Where a program writes to.
struct Console<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
}

impl Console<'_> {
    fn show(&mut self, text: &str) -> Exit {
        // Whoever reads may have read enough.
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
        Exit::Done
    }

    fn fail(&mut self, failure: &Failure) -> Exit {
        let _ = writeln!(self.err, "{failure}");
        failure.exit()
    }
}

fn start_on(
    console: &mut Console<'_>,
    program: impl Program,
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Exit {
    let matches = command(&program.about()).try_get_matches_from(arguments);
    let flags = match matches.and_then(|matches| Flags::from_arg_matches(&matches)) {
        Ok(flags) => flags,
        Err(asked) if !asked.use_stderr() => return console.show(&asked.render().to_string()),
        Err(wrong) => {
            let _ = write!(console.err, "{}", wrong.render());
            return Exit::Usage;
        }
    };
    let sources = flags.sources(environment);
    let loaded = if flags.print_config || flags.contract {
        program.layout().load(sources)
    } else {
        program
            .layout()
            .load_checked(sources, |loaded| program.check(loaded))
    };
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(errors) => return console.fail(&errors.into()),
    };
    if flags.check_config {
        console.show(&format!("configuration is valid\n{}", loaded.layers()))
    } else if flags.print_config {
        console.show(&loaded.to_toml())
    } else if flags.contract {
        match program.contract(&loaded) {
            Ok(contract) => console.show(&format!("{}\n", contract.trim_end())),
            Err(failure) => console.fail(&failure),
        }
    } else {
        run(console, program, loaded)
    }
}

fn command(about: &About) -> Command {
    let instead = |name, action| {
        let arg = Arg::new(name).long(name).action(action);
        arg.help_heading("Instead of running")
    };
    Flags::augment_args(Command::new(about.name))
        .version(about.version)
        .about(about.summary)
        // Declared by hand, because clap would put them above everything else.
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(
            instead("help", ArgAction::Help)
                .short('h')
                .help("Print this help and exit"),
        )
        .arg(
            instead("version", ArgAction::Version)
                .short('V')
                .help("Print the version and exit"),
        )
        .after_help(
            "An option is taken from its default, FILE, the environment and flags; later ones \
             win. In the\nenvironment, limits.attempts_max is QUADRILLE_LIMITS_ATTEMPTS_MAX. \
             --print-config shows all options.\n\n\
             Exit codes: 0 done, 1 failed, 2 wrong use, 64 wrong configuration,\n            \
             69 broker or database out of reach",
        )
}

fn run(console: &mut Console<'_>, program: impl Program, loaded: Loaded) -> Exit {
    let format = loaded.bus().log.format;
    log::start(&loaded.bus().log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name(program.about().name)
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(Box::pin(run_in_runtime(program, loaded)));
            // A thread that hangs in a foreign library must not keep a finished process alive.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(Failure::new(Exit::Failed, "cannot start threads").because(&error)),
    };
    match (outcome, format) {
        (Ok(()), _) => Exit::Done,
        (Err(failure), LogFormat::Text) => console.fail(&failure),
        // A program that reads the log reads this too.
        (Err(failure), LogFormat::Json) => {
            observe::failed(&failure);
            failure.exit()
        }
    }
}

async fn run_in_runtime(program: impl Program, loaded: Loaded) -> Result<(), Failure> {
    let about = program.about();
    let kill_at = loaded.bus().fault.kill_at;
    if let Some(at) = kill_at {
        observe::will_end_itself(at);
    }
    let world: world::Shared = Arc::new(Live::new().killed_at(kill_at));
    let (stop, health) = (Stop::new(), Status::starting());
    let bus = loaded.bus();
    let (exporting, telemetry) = Exporting::start(&bus.telemetry, &bus.kafka)?;
    signals::request_stop(&world, &stop)?;
    if let Some(address) = loaded.bus().health.listen {
        let pages = health::Pages {
            service: about.name,
            version: about.version,
            status: health.clone(),
            contract: program.contract(&loaded)?.into(),
            metrics: exporting.exposition(),
        };
        let listener = listen(&loaded, "health.listen", address).await?;
        health::start(&world, listener, pages).map_err(|error| {
            Failure::new(Exit::Failed, "cannot open the health port").because(&error)
        })?;
    }
    let _draining = world::spawn(&world, "drain-state", {
        let (stop, health) = (stop.clone(), health.clone());
        async move {
            stop.requested().await;
            health.draining();
        }
    });
    let host = Host {
        loaded,
        world: Arc::clone(&world),
        stop,
        health,
        telemetry,
    };
    // In a task of its own, so that a panic is a failure like any other.
    let ended = world::spawn(&world, "program", program.run(host)).await;
    exporting.end(&world).await;
    match ended {
        Ok(outcome) => outcome,
        Err(ended) => {
            Err(Failure::new(Exit::Failed, format!("{} broke off", about.name)).because(&ended))
        }
    }
}

#[cfg(test)]
mod tests;
