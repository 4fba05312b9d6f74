//! `quadrille simulate`: the order flow under seeds, from the command line.

use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use quadrille::broker::Assignor;
use quadrille::program::{Exit, Failure, show};
use quadrille::world;
use quadrille_simulator::{Done, Keeps, Kind, Regression, Report, Simulation, simulate};
use serde::Serialize;

use crate::orders;
use crate::progress::Progress;

/// Runs the order flow under seeds, in virtual time, with faults at every step
#[derive(clap::Args)]
#[command(
    after_help = "Without an option: 1,000 seeds, all kinds of fault, state in memory.\n\
                        Exit code 1: something does not hold; its shortest story is printed."
)]
pub struct Arguments {
    /// How many seeds to run
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Run this one seed
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "from"], value_parser = clap::value_parser!(u64).range(..u64::MAX))]
    seed: Option<u64>,
    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..u64::MAX))]
    from: u64,
    /// Which kinds of fault may happen, e.g. crash,duplicate; or all, or none
    #[arg(long, value_name = "KINDS", default_value = "all", value_parser = kinds)]
    faults: Kinds,
    /// How the groups share partitions out, range or cooperative-sticky; if not given, drawn for each seed
    #[arg(long, value_name = "ASSIGNOR")]
    assignor: Option<Assignor>,
    /// Longest that all may take in one run, in virtual time
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    time: Duration,
    /// How many threads run seeds; if not given, as many as there are processors
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Keep state in SQLite, which is slower, instead of in memory
    #[arg(long)]
    sqlite: bool,
    /// Print the whole story of each seed instead, one seed after the other
    #[arg(long)]
    story: bool,
    /// Run what a file of an earlier failure says, instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "seed", "story", "assignor"])]
    replay: Option<PathBuf>,
    /// Fail each step of each path, and show what is undone
    #[arg(long, conflicts_with_all = ["story", "replay", "faults"])]
    compensation: bool,
    /// Write a failure into this folder, as a file to be run ever after
    #[arg(long, value_name = "FOLDER")]
    export: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// A run of the order flow takes as long as its customers come, and its services need to end.
const TIME_MIN: Duration = Duration::from_secs(60);

/// Kinds of fault.
#[derive(Clone)]
struct Kinds(Vec<Kind>);

fn kinds(text: &str) -> Result<Kinds, String> {
    Kind::list(text).map(Kinds)
}

fn time(text: &str) -> Result<Duration, String> {
    let wrong = "write it as 90s, 10m or 2h";
    let time: SignedDuration = text.parse().map_err(|_| wrong)?;
    match Duration::try_from(time) {
        Ok(time) if time >= TIME_MIN => Ok(time),
        Ok(_) => Err(format!(
            "customers come for longer than that: give at least {} s",
            TIME_MIN.as_secs()
        )),
        Err(_) => Err(wrong.to_owned()),
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments, world: &world::Shared) -> Result<Exit, Failure> {
    let simulation = arguments.simulation();
    if let Some(file) = &arguments.replay {
        return replay(&simulation, file);
    }
    if arguments.story {
        for seed in arguments.range() {
            show(&format!("seed {seed}\n{}", simulation.story(seed)))?;
        }
        return Ok(Exit::Done);
    }
    if arguments.compensation {
        let coverage = simulation.compensation();
        show(&coverage.to_string())?;
        return Ok(match coverage.has_failed() {
            true => Exit::Failed,
            false => Exit::Done,
        });
    }
    let seeds = arguments.range().end - arguments.range().start;
    let progress = Arc::new(Progress::begin(world, seeds));
    let told = Arc::clone(&progress);
    let began = world.elapsed();
    let report = simulation.watched(move |done| told.tell(done)).run();
    progress.end();
    let took = world.elapsed().saturating_sub(began);
    arguments.show(&report, took)
}

impl Arguments {
    fn simulation(&self) -> Simulation {
        let simulation = simulate("orders", orders::stage)
            .range(self.range())
            .faults(&self.faults.0)
            .time(self.time);
        let simulation = match self.sqlite {
            true => simulation.keeps(Keeps::Sqlite),
            false => simulation,
        };
        let simulation = match self.assignor {
            Some(assignor) => simulation.assignor(assignor),
            None => simulation,
        };
        match self.threads {
            Some(threads) => simulation.threads(threads.get()),
            None => simulation,
        }
    }

    fn range(&self) -> std::ops::Range<u64> {
        match self.seed {
            Some(seed) => seed..seed.saturating_add(1),
            None => self.from..self.from.saturating_add(self.seeds),
        }
    }

    fn show(&self, report: &Report, took: Duration) -> Result<Exit, Failure> {
        let written = self.written(report)?;
        let text = match self.json {
            true => json(report, took),
            false => text(report, took),
        };
        show(&text)?;
        if let Some(path) = written {
            // Where nobody reads it there is nobody to tell.
            let _ = writeln!(io::stderr(), "written to {}", path.display());
        }
        Ok(match report.failure {
            None => Exit::Done,
            Some(_) => Exit::Failed,
        })
    }

    fn written(&self, report: &Report) -> Result<Option<PathBuf>, Failure> {
        let (Some(folder), Some(failure)) = (&self.export, &report.failure) else {
            return Ok(None);
        };
        let written = failure.regression().write(folder);
        written.map(Some).map_err(|error| {
            let message = format!("cannot write to {}", folder.display());
            Failure::new(Exit::Configuration, message)
                .because(&error)
                .mend("give a folder that can be written to by --export FOLDER")
        })
    }
}

fn replay(simulation: &Simulation, file: &std::path::Path) -> Result<Exit, Failure> {
    let regression =
        Regression::read(file).map_err(|error| Failure::new(Exit::Configuration, error))?;
    match simulation.replay(&regression) {
        Ok(()) => {
            show(&format!("`{}` holds now\n", regression.broke))?;
            Ok(Exit::Done)
        }
        Err(failure) => {
            show(&failure.to_string())?;
            Ok(Exit::Failed)
        }
    }
}

fn text(report: &Report, took: Duration) -> String {
    let Done {
        seeds,
        records,
        took: virtually,
    } = report.done;
    let seconds = took.as_secs_f64();
    let rate = seeds as f64 / seconds.max(0.001);
    let hours = virtually.as_secs_f64() / 3_600.0;
    let line = format!(
        "{seeds} seeds in {seconds:.1} s, {rate:.0}/s: {records} records, {hours:.1} h of virtual time"
    );
    match &report.failure {
        None => format!("{line}; all holds\n"),
        Some(failure) => format!("{line}\n\n{failure}"),
    }
}

fn json(report: &Report, took: Duration) -> String {
    #[derive(Serialize)]
    struct Shown {
        seeds: u64,
        records: u64,
        took_ms: u128,
        virtual_ms: u128,
        failure: Option<Regression>,
    }
    let shown = Shown {
        seeds: report.done.seeds,
        records: report.done.records,
        took_ms: took.as_millis(),
        virtual_ms: report.done.took.as_millis(),
        failure: report.failure.as_ref().map(|failure| failure.regression()),
    };
    serde_json::to_string(&shown).expect("plain data is JSON") + "\n"
}
