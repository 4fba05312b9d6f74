//! Many runs of one scenario, each under a seed of its own.

use std::num::NonZero;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quadrille::broker::Assignor;

use crate::compensation::Coverage;
use crate::end::{Broken, End};
use crate::failure::{Failure, Regression};
use crate::kinds::Kind;
use crate::run::{Keeps, Order, Ran, Scenario, contracts, run};
use crate::script::{Fault, Script};
use crate::shrink::shrink;
use crate::stage::Stage;

/// Longest that everything may take in one run, in virtual time.
const LIMIT: Duration = Duration::from_secs(600);
/// Seeds of a simulation unless said otherwise.
const SEEDS: u64 = 200;

/// A simulation of some services. Nothing runs before [`Simulation::run`] or
/// [`Simulation::check`].
#[must_use = "nothing has run yet"]
pub struct Simulation {
    name: String,
    scenario: Scenario,
    seeds: Range<u64>,
    kinds: Vec<Kind>,
    assignor: Option<Assignor>,
    limit: Duration,
    threads: usize,
    keeps: Keeps,
    export: Option<PathBuf>,
    watch: Option<Watch>,
    #[cfg(feature = "planted")]
    bug: Option<quadrille::world::Bug>,
}

type Watch = Box<dyn Fn(Done) + Send + Sync>;

/// How far a simulation has come.
#[derive(Debug, Clone, Copy, Default)]
pub struct Done {
    /// Seeds that were run.
    pub seeds: u64,
    /// Records that were stored in these runs.
    pub records: u64,
    /// Virtual time that passed in these runs.
    pub took: Duration,
}

/// What a simulation has come to.
#[derive(Debug)]
pub struct Report {
    /// How far it came.
    pub done: Done,
    /// What does not hold, under the lowest seed, shrunk.
    pub failure: Option<Failure>,
}

/// Simulates some services under a name: the function sets the stage for each run.
pub fn simulate(
    name: impl Into<String>,
    stage: impl Fn(&mut Stage) + Send + Sync + 'static,
) -> Simulation {
    Simulation {
        name: name.into(),
        scenario: Arc::new(stage),
        seeds: 0..SEEDS,
        kinds: Kind::ALL.to_vec(),
        assignor: None,
        limit: LIMIT,
        threads: std::thread::available_parallelism().map_or(1, NonZero::get),
        keeps: Keeps::Memory,
        export: None,
        watch: None,
        #[cfg(feature = "planted")]
        bug: None,
    }
}

impl Simulation {
    /// Runs so many seeds, from 0.
    pub fn seeds(self, count: u64) -> Self {
        self.range(0..count)
    }

    /// Runs one seed only.
    pub fn seed(self, seed: u64) -> Self {
        self.range(seed..seed.saturating_add(1))
    }

    /// Runs these seeds.
    pub fn range(mut self, seeds: Range<u64>) -> Self {
        self.seeds = seeds;
        self
    }

    /// Lets only these kinds of fault happen.
    pub fn faults(mut self, kinds: &[Kind]) -> Self {
        self.kinds = kinds.to_vec();
        self
    }

    /// Lets groups share partitions out in this way only. Unless it is said, it is drawn from the seed.
    pub fn assignor(mut self, assignor: Assignor) -> Self {
        self.assignor = Some(assignor);
        self
    }

    /// How long everything may take in one run, in virtual time.
    pub fn time(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How many threads run seeds. Each run has a thread of its own.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Where services keep their state.
    pub fn keeps(mut self, keeps: Keeps) -> Self {
        self.keeps = keeps;
        self
    }

    /// Writes a failure into this folder, as a file to be run ever after.
    pub fn export(mut self, folder: impl Into<PathBuf>) -> Self {
        self.export = Some(folder.into());
        self
    }

    /// Tells how far it has come, after every run.
    pub fn watched(mut self, watch: impl Fn(Done) + Send + Sync + 'static) -> Self {
        self.watch = Some(Box::new(watch));
        self
    }

    /// Lets the bus have a bug.
    #[cfg(feature = "planted")]
    pub fn planted(mut self, bug: quadrille::world::Bug) -> Self {
        self.bug = Some(bug);
        self
    }

    /// Runs all seeds, or until something does not hold.
    ///
    /// # Panics
    ///
    /// Where no thread can be started.
    pub fn run(&self) -> Report {
        let state = Running {
            next: AtomicU64::new(self.seeds.start),
            stop: AtomicBool::new(false),
            done: Mutex::default(),
            failed: Mutex::new(None),
        };
        std::thread::scope(|scope| {
            for _ in 0..self.threads {
                let thread = std::thread::Builder::new().name("simulation".to_owned());
                let work = || self.work(&state);
                let started = thread.spawn_scoped(scope, work);
                started.expect("a thread can be started");
            }
        });
        let failed = state.failed.into_inner();
        let failed = failed.unwrap_or_else(PoisonError::into_inner);
        let done = state.done.into_inner();
        Report {
            done: done.unwrap_or_else(PoisonError::into_inner),
            failure: failed.map(|(order, ran)| self.shrunk(&order, *ran)),
        }
    }

    /// Runs all seeds.
    ///
    /// # Panics
    ///
    /// Where something does not hold, with its shortest story.
    pub fn check(&self) -> Done {
        let Report { done, failure } = self.run();
        match failure {
            None => done,
            Some(failure) => panic!("{}", self.told(&failure)),
        }
    }

    /// Runs what was written down. The error: it has come back.
    pub fn replay(&self, regression: &Regression) -> Result<(), Box<Failure>> {
        let script = regression.script();
        let script = script.unwrap_or_else(|error| panic!("{}: {error}", regression.scenario));
        let order = Order {
            schedule: regression.schedule,
            assignor: Some(regression.assignor),
            ..self.order(regression.seed, Some(script))
        };
        let ran = alone(|| run(&self.scenario, &order));
        match ran.broken {
            None => Ok(()),
            Some(_) => Err(Box::new(self.shrunk(&order, ran))),
        }
    }

    /// Plays a script, and looks at what stands there in the end. Groups share partitions out as
    /// services do by default, unless something else was said. The error: it does not come to an end.
    pub fn play(
        &self,
        seed: u64,
        script: &Script,
        see: impl Fn(&End) + Send + Sync + 'static,
    ) -> Result<(), Broken> {
        let order = Order {
            inspect: Some(Arc::new(see)),
            assignor: Some(self.assignor.unwrap_or_default()),
            ..self.order(seed, Some(script.clone()))
        };
        match alone(|| run(&self.scenario, &order)).broken {
            None => Ok(()),
            Some(broken) => Err(broken),
        }
    }

    /// Fails each step of each path, and looks at what is undone: all seeds without a fault, and
    /// again for each reaction, with that broken.
    pub fn compensation(&self) -> Coverage {
        let contracts = alone(|| contracts(&self.scenario));
        let empty = Coverage::of(&contracts);
        let broken = contracts.iter().flat_map(|contract| {
            let reactions = contract.reactions.iter();
            reactions.map(|reaction| Fault::Broken {
                service: contract.service.clone(),
                event: reaction.event.name.to_owned(),
            })
        });
        let steps: Vec<Option<Fault>> = std::iter::once(None).chain(broken.map(Some)).collect();
        let runs: Vec<_> = steps
            .iter()
            .flat_map(|fault| self.seeds.clone().map(move |seed| (fault, seed)))
            .collect();
        let (next, total) = (AtomicUsize::new(0), Mutex::new(empty.clone()));
        std::thread::scope(|scope| {
            for _ in 0..self.threads {
                let thread = std::thread::Builder::new().name("simulation".to_owned());
                let work = || {
                    while let Some((fault, seed)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let seen = self.inspected(*seed, fault.as_ref(), &empty);
                        total
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .join(&seen);
                    }
                };
                let started = thread.spawn_scoped(scope, work);
                started.expect("a thread can be started");
            }
        });
        total.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is undone at the end of one run.
    fn inspected(&self, seed: u64, fault: Option<&Fault>, empty: &Coverage) -> Coverage {
        let seen = Arc::new(Mutex::new(empty.clone()));
        let inspected = Arc::clone(&seen);
        let order = Order {
            kinds: Vec::new(),
            faults: fault.cloned().into_iter().collect(),
            inspect: Some(Arc::new(move |end: &End| {
                let mut seen = inspected.lock().unwrap_or_else(PoisonError::into_inner);
                seen.add(end);
            })),
            ..self.order(seed, None)
        };
        let ran = run(&self.scenario, &order);
        if let Some(broken) = ran.broken {
            panic!("seed {seed}, without a fault that could excuse it: {broken}");
        }
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    /// The story of one seed, to the letter: the same in every process.
    pub fn story(&self, seed: u64) -> String {
        let order = Order {
            tells: true,
            ..self.order(seed, None)
        };
        let ran = alone(|| run(&self.scenario, &order));
        let mut story = format!("group  {}\n", ran.assignor);
        let steps = ran
            .script
            .steps
            .iter()
            .map(|step| format!("step   {step}\n"));
        story.extend(steps);
        let faults = ran
            .script
            .faults
            .iter()
            .map(|fault| format!("fault  {fault}\n"));
        story.extend(faults);
        story.extend(ran.story.iter().map(|line| line.text() + "\n"));
        let ended = match &ran.broken {
            Some(broken) => broken.to_string(),
            None => "all holds".to_owned(),
        };
        story + &format!("after {:?}, {} records: {ended}\n", ran.took, ran.records)
    }

    fn work(&self, state: &Running) {
        while !state.stop.load(Ordering::Relaxed) {
            let next = |next: u64| (next < self.seeds.end).then(|| next + 1);
            let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
            let Ok(seed) = state.next.fetch_update(set, fetch, next) else {
                return;
            };
            let order = self.order(seed, None);
            let ran = run(&self.scenario, &order);
            let done = {
                let mut done = state.done.lock().unwrap_or_else(PoisonError::into_inner);
                done.seeds += 1;
                done.records += ran.records;
                done.took += ran.took;
                *done
            };
            if let Some(watch) = &self.watch {
                watch(done);
            }
            if ran.broken.is_some() {
                state.stop.store(true, Ordering::Relaxed);
                let mut failed = state.failed.lock().unwrap_or_else(PoisonError::into_inner);
                // The lowest, so that it does not depend on which thread was quicker.
                if failed.as_ref().is_none_or(|(other, _)| seed < other.seed) {
                    *failed = Some((order, Box::new(ran)));
                }
            }
        }
    }

    fn order(&self, seed: u64, script: Option<Script>) -> Order {
        Order {
            seed,
            schedule: seed,
            script,
            assignor: self.assignor,
            kinds: self.kinds.clone(),
            faults: Vec::new(),
            limit: self.limit,
            tells: false,
            place: self.keeps,
            inspect: None,
            #[cfg(feature = "planted")]
            bug: self.bug,
        }
    }

    fn shrunk(&self, order: &Order, ran: Ran) -> Failure {
        let lines = ran.script.len();
        let shrunk = alone(|| shrink(&self.scenario, order, ran));
        Failure::of(&self.name, lines, shrunk)
    }

    /// A failure with what to do about it.
    fn told(&self, failure: &Failure) -> String {
        let Some(folder) = &self.export else {
            return failure.to_string();
        };
        match failure.regression().write(folder) {
            Ok(path) => format!("{failure}written to {}", path.display()),
            Err(error) => format!("{failure}cannot write to {}: {error}", folder.display()),
        }
    }
}

/// On a thread of its own: whoever calls may be in a runtime, which would meddle with a run.
pub(crate) fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("simulation".to_owned());
        let started = thread.spawn_scoped(scope, work);
        let ended = started.expect("a thread can be started").join();
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

struct Running {
    next: AtomicU64,
    stop: AtomicBool,
    done: Mutex<Done>,
    failed: Mutex<Option<(Order, Box<Ran>)>>,
}
