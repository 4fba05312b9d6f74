//! One run: services start, steps are taken, things go wrong, and in the end everything is handled.
//!
//! The run itself is the only thing that knows when a fault by the clock has its turn, which
//! instances there are, and when it is over: when all steps are taken, all faults with a time are
//! past, every group has committed to the end of its topics, and every outbox is empty.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use quadrille::broker::{Assignor, memory};
use quadrille::contract::Contract;
use quadrille::state::Stores;
use quadrille::state::memory::MemoryStores;
use quadrille::world;

use crate::chronicle::{Chronicle, Line};
use crate::draw::Draw;
use crate::end::{Broken, End};
use crate::executor::{Executor, Stuck};
use crate::kinds::{self, Cast, Kind};
use crate::outside::Outside;
use crate::panics;
use crate::script::{Fault, Script, Step};
use crate::site::Site;
use crate::stage::Stage;
use crate::troupe::Troupe;
use crate::weather::Weather;

/// What tells the seed of the assignor from that of the steps.
const ASSIGNOR: u64 = 0x6173_7369_676e_6f72;

/// What tells the seed of those who come and go from that of the steps.
const CROWD: u64 = 0x63_726f_7764;

/// What tells the seed of topics that are cut off from that of the steps.
const JAM: u64 = 0x6a_616d;

/// What tells the seed of zombies that are at something from that of the steps.
const HAUNT: u64 = 0x68_6175_6e74;

/// What tells the seed of outages from that of the steps.
const OUTAGE: u64 = 0x6f75_7461_6765;

/// What is simulated, as it sets its stage.
pub(crate) type Scenario = Arc<dyn Fn(&mut Stage) + Send + Sync>;

/// What determines a run.
#[derive(Clone)]
pub(crate) struct Order {
    /// What the stage and the script are drawn from.
    pub(crate) seed: u64,
    /// What the order of everything is drawn from.
    pub(crate) schedule: u64,
    /// `None`: to be drawn from the seed.
    pub(crate) script: Option<Script>,
    /// How groups share partitions out. `None`: to be drawn from the seed.
    pub(crate) assignor: Option<Assignor>,
    /// Which kinds of fault may be drawn.
    pub(crate) kinds: Vec<Kind>,
    /// What goes wrong beside what is drawn.
    pub(crate) faults: Vec<Fault>,
    /// Longest that everything may take, in virtual time.
    pub(crate) limit: Duration,
    /// Whether the story is wanted.
    pub(crate) tells: bool,
    /// Where state is kept.
    pub(crate) place: Keeps,
    /// Who wants to see what stands there at the end, instead of what must hold.
    pub(crate) inspect: Option<Inspect>,
    /// A bug that the bus is to have.
    #[cfg(feature = "planted")]
    pub(crate) bug: Option<quadrille::world::Bug>,
}

/// Sees the end of a run.
pub(crate) type Inspect = Arc<dyn Fn(&End) + Send + Sync>;

/// Where services keep what they remember.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keeps {
    /// In memory.
    #[default]
    Memory,
    /// In SQLite, in a folder of the run's own.
    #[cfg(feature = "sqlite")]
    Sqlite,
}

/// What became of a run.
pub(crate) struct Ran {
    pub(crate) script: Script,
    pub(crate) assignor: Assignor,
    /// Which of the script's faults had their turn.
    pub(crate) fired: Vec<bool>,
    pub(crate) broken: Option<Broken>,
    pub(crate) story: Vec<Line>,
    pub(crate) records: u64,
    pub(crate) took: Duration,
}

/// Runs a scenario once.
pub(crate) fn run(scenario: &Scenario, order: &Order) -> Ran {
    let executor = Executor::new(order.schedule);
    let (weather, chronicle) = (Arc::new(Weather::default()), Chronicle::new(order.tells));
    let around = Site::around(
        Arc::clone(&executor),
        Arc::clone(&weather),
        Arc::clone(&chronicle),
    );
    #[cfg(feature = "planted")]
    let around = Site {
        bug: order.bug,
        ..around
    };
    let written = order.script.as_ref().map(|script| {
        let steps = script.steps.iter();
        steps.map(|step| step.what.clone()).collect()
    });
    let broker = memory::Broker::new(Arc::new(around.clone()) as world::Shared);
    let broker = Arc::new(broker);
    let elsewhere = Arc::new(crate::line::Line {
        broker: Arc::clone(&broker),
        site: around.clone(),
    });
    let outside = Outside::new(around.clone());
    let mut stage = Stage::new(order.seed, written, outside, elsewhere);
    stage.settings.assignor = order.assignor.unwrap_or_else(|| assignor(order.seed));
    scenario(&mut stage);
    let assignor = stage.settings.assignor;
    let script = match &order.script {
        Some(script) => script.clone(),
        None => {
            let mut script = drawn(&mut stage, order.seed, &order.kinds);
            script.faults.extend(order.faults.iter().cloned());
            script
        }
    };
    weather.decide(script.faults.clone());
    chronicle.promise(&stage.contracts());
    let drain = stage.settings.limits.drain_timeout_ms;
    chronicle.watch.drain(Duration::from_millis(drain));
    let place = place(order.place);
    let troupe = Troupe::new(around, broker, Arc::clone(&place.stores), stage);
    let found = Arc::new(Mutex::new(None));
    let inspect = order.inspect.clone();
    let (slot, steps, limit) = (Arc::clone(&found), script.steps.clone(), order.limit);
    let main = async move {
        let broken = troupe.play(&steps, limit, inspect).await;
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = broken;
    };
    let (ended, panics) = panics::noted(|| executor.run(main.boxed()));
    let found = found.lock().unwrap_or_else(PoisonError::into_inner).take();
    let broken = first(ended, panics, chronicle.take_broken(), found);
    chronicle.close();
    Ran {
        script,
        assignor,
        fired: weather.fired(),
        broken,
        story: chronicle.lines(),
        records: chronicle.count(),
        took: executor.elapsed(),
    }
}

/// What the services of a scenario promise.
pub(crate) fn contracts(scenario: &Scenario) -> Vec<Contract> {
    let executor = Executor::new(0);
    let around = Site::around(executor, Arc::default(), Chronicle::new(false));
    let broker = memory::Broker::new(Arc::new(around.clone()) as world::Shared);
    let mut stage = Stage::new(0, None, Outside::new(around), Arc::new(broker));
    scenario(&mut stage);
    stage.contracts()
}

/// What is told where several things do not hold: what was seen first.
fn first(
    ended: Result<(), Stuck>,
    panics: Vec<String>,
    on_the_way: Vec<Broken>,
    found: Option<Broken>,
) -> Option<Broken> {
    if let Some(panic) = panics.into_iter().next() {
        return Some(Broken::new("nobody panics", panic));
    }
    let stuck = ended.err();
    let stuck = stuck.map(|stuck| Broken::new("everything ends", stuck.to_string()));
    on_the_way.into_iter().next().or(stuck).or(found)
}

/// How groups share partitions out in the runs of a seed. It has numbers of its own, so that steps and
/// faults are the same either way.
fn assignor(seed: u64) -> Assignor {
    let mut draw = Draw::new(seed ^ ASSIGNOR);
    *draw.pick(&Assignor::ALL)
}

/// Draws what happens, and what goes wrong.
fn drawn(stage: &mut Stage, seed: u64, kinds: &[Kind]) -> Script {
    let planned = std::mem::take(&mut stage.planned);
    let contracts = stage.contracts();
    let calls = stage.calls();
    let draw = stage.draw();
    let steps = timed(draw, planned);
    let mut topics = std::collections::BTreeSet::new();
    for event in contracts.iter().flat_map(|c| &c.reactions) {
        topics.insert(event.event.topic);
    }
    let mut publishers = std::collections::BTreeSet::new();
    for contract in &contracts {
        let emitted = contract.reactions.iter().flat_map(|r| &r.emits);
        let published = emitted.chain(&contract.originates);
        // Where nobody reads, nothing is cut off.
        let read = published.filter(|event| topics.contains(event.topic));
        publishers.extend(read.map(|event| (contract.service.clone(), event.topic.to_owned())));
    }
    let cast = Cast {
        publishers: publishers.into_iter().collect(),
        services: contracts.into_iter().map(|c| c.service).collect(),
        topics: topics.into_iter().map(|t| (t.to_owned(), 6)).collect(),
        calls,
        length_ms: steps.last().map_or(0, |step| step.at_ms),
    };
    let mut faults = kinds::draw(draw, kinds, &cast);
    faults.extend(kinds::crowd(&mut Draw::new(seed ^ CROWD), kinds, &cast));
    faults.extend(kinds::jam(&mut Draw::new(seed ^ JAM), kinds, &cast));
    faults.extend(kinds::haunt(&mut Draw::new(seed ^ HAUNT), kinds, &cast));
    faults.extend(kinds::outage(&mut Draw::new(seed ^ OUTAGE), kinds, &cast));
    Script { steps, faults }
}

/// Steps close to each other, with a pause now and then.
fn timed(draw: &mut Draw, planned: Vec<String>) -> Vec<Step> {
    let mut at_ms = 0;
    let steps = planned.into_iter().map(|what| {
        at_ms += match draw.below(10) {
            0..4 => 0,
            4..8 => draw.below(30),
            8 => draw.below(400),
            _ => draw.below(4_000),
        };
        Step { at_ms, what }
    });
    steps.collect()
}

/// Where state is kept, for as long as this lives.
struct Place {
    stores: Arc<dyn Stores>,
    #[cfg(feature = "sqlite")]
    _folder: Option<tempfile::TempDir>,
}

fn place(keeps: Keeps) -> Place {
    match keeps {
        Keeps::Memory => Place {
            stores: Arc::new(MemoryStores::default()),
            #[cfg(feature = "sqlite")]
            _folder: None,
        },
        #[cfg(feature = "sqlite")]
        Keeps::Sqlite => {
            let folder = tempfile::tempdir().expect("a folder for the databases can be made");
            Place {
                stores: Arc::new(crate::inline::Stores::in_folder(folder.path())),
                _folder: Some(folder),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_assignors_are_drawn_and_a_seed_keeps_its_own() {
        // Shows that regressions keep their meaning: what is drawn is pinned.
        let of = |one| (0..1_000).filter(|seed| assignor(*seed) == one).count();
        let [range, cooperative] = Assignor::ALL.map(of);
        assert!(range > 400 && cooperative > 400, "{range} {cooperative}");
        let pinned = [
            Assignor::Range,
            Assignor::CooperativeSticky,
            Assignor::Range,
        ];
        assert_eq!([0, 1, 2].map(assignor), pinned);
    }
}
