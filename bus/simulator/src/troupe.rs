//! The instances of one run: who is there, who comes and goes, and when all is done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::select;
use quadrille::broker::{Broker as _, TopicName, TopicPartition, memory};
use quadrille::bus::Bus;
use quadrille::service;
use quadrille::state::Stores;
use quadrille::status::Status;
use quadrille::stop::Stop;
use quadrille::world::{self, Ended, Task, World as _};

use crate::end::{Broken, End};
use crate::executor::{NOBODY, Owner};
use crate::line::Line;
use crate::run::Inspect;
use crate::script::{Fault, Step};
use crate::site::Site;
use crate::stage::{Act, Stage};
use crate::vault::Vaults;
use crate::weather::ms;

/// How often it is looked whether all is done.
const LOOK: Duration = Duration::from_millis(200);
/// Longest that a step may take before it is taken again.
const STEP_MAX: Duration = Duration::from_secs(3);
/// Shortest and longest wait before a step that has failed is taken again.
const STEP_AGAIN: (Duration, Duration) = (Duration::from_millis(4), Duration::from_secs(1));
/// Longest that all services together may take to start, or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// The instances of one run.
pub(crate) struct Troupe {
    around: Site,
    broker: Arc<memory::Broker>,
    stores: Arc<dyn Stores>,
    stage: Stage,
    instances: Vec<Instance>,
    owners: Owner,
    due: BTreeMap<(Duration, usize), Action>,
    actions: usize,
}

/// One instance of a service.
struct Instance {
    part: usize,
    site: Site,
    stop: Stop,
    status: Status,
    leaves: bool,
    task: Task<Result<(), service::Error>>,
}

/// Something that happens by the clock.
enum Action {
    Start(usize),
    Fault(Fault),
}

impl Troupe {
    pub(crate) fn new(
        around: Site,
        broker: Arc<memory::Broker>,
        stores: Arc<dyn Stores>,
        stage: Stage,
    ) -> Self {
        Self {
            around,
            broker,
            stores,
            stage,
            instances: Vec::new(),
            owners: NOBODY,
            due: BTreeMap::new(),
            actions: 0,
        }
    }

    /// Plays a script to its end. What does not hold then, if anything.
    pub(crate) async fn play(
        mut self,
        steps: &[Step],
        limit: Duration,
        inspect: Option<Inspect>,
    ) -> Option<Broken> {
        for part in 0..self.stage.parts.len() {
            self.start(part);
        }
        if let Some(broken) = self.until_ready().await {
            return Some(broken);
        }
        let began = self.now();
        self.around.weather.begin(began);
        self.around.tell(|| "all are ready".to_owned());
        let left = self.take_steps(steps);
        self.plan(began);
        if let Some(broken) = self.until_done(&left, began + limit).await {
            return Some(broken);
        }
        let end = self.end();
        if let Some(inspect) = inspect {
            inspect(&end);
            return None;
        }
        let invariants = self.stage.invariants.clone();
        let broken = invariants.iter().find_map(|one| one.check(&end));
        match broken {
            Some(broken) => Some(broken),
            None => self.stop().await,
        }
    }

    fn now(&self) -> Duration {
        self.around.elapsed()
    }

    fn start(&mut self, part: usize) {
        self.owners += 1;
        let of = &self.stage.parts[part];
        let site = self.around.of(&of.name, self.owners);
        site.tell(|| "starts".to_owned());
        let line = Line {
            broker: Arc::clone(&self.broker),
            site: site.clone(),
        };
        let vaults = Vaults {
            stores: Arc::clone(&self.stores),
            site: site.clone(),
        };
        let world: world::Shared = Arc::new(site.clone());
        let settings = self.stage.settings.clone();
        let bus = Bus::new(
            Arc::new(line),
            Arc::clone(&world),
            Arc::new(vaults),
            settings,
        );
        let (stop, status) = (Stop::new(), Status::starting());
        let work = (of.run)(bus, stop.clone(), status.clone());
        let task = world::spawn(&world, "service", work);
        self.instances.push(Instance {
            part,
            site,
            stop,
            status,
            leaves: false,
            task,
        });
    }

    async fn until_ready(&mut self) -> Option<Broken> {
        let world: world::Shared = Arc::new(self.around.clone());
        let ready = async {
            for instance in &self.instances {
                instance.status.until(|report| report.ready).await;
            }
        };
        let ready = world::timeout(&world, PATIENCE, ready).await;
        if ready.is_some() {
            return None;
        }
        let waiting = self.instances.iter().find(|i| !i.status.report().ready)?;
        let why = format!(
            "{} is not ready after {} s: {}",
            waiting.site.name(),
            PATIENCE.as_secs(),
            waiting.status.report().waiting_for.join("; ")
        );
        Some(
            self.ended_early()
                .unwrap_or_else(|| Broken::new("everything starts", why)),
        )
    }

    /// Starts a task for each step. Gives how many are left.
    fn take_steps(&self, steps: &[Step]) -> Arc<AtomicUsize> {
        let left = Arc::new(AtomicUsize::new(steps.len()));
        let world: world::Shared = Arc::new(self.around.clone());
        for step in steps {
            let act = self.stage.act.clone().expect("whoever has steps acts");
            let (site, step, left) = (self.around.clone(), step.clone(), Arc::clone(&left));
            let taking = async move {
                site.sleep(ms(step.at_ms)).await;
                take_step(&site, &act, &step.what).await;
                left.fetch_sub(1, Ordering::Relaxed);
            };
            drop(world::spawn(&world, "step", taking));
        }
        left
    }

    /// Notes when the faults that go by the clock have their turn.
    fn plan(&mut self, began: Duration) {
        for fault in self.around.weather.faults() {
            let at_ms = match &fault {
                Fault::Zombie { at_ms, .. }
                | Fault::Join { at_ms, .. }
                | Fault::Leave { at_ms, .. }
                | Fault::Clock { at_ms, .. } => *at_ms,
                _ => continue,
            };
            self.later(began + ms(at_ms), Action::Fault(fault));
        }
    }

    fn later(&mut self, at: Duration, action: Action) {
        self.actions += 1;
        self.due.insert((at, self.actions), action);
    }

    async fn until_done(&mut self, left: &AtomicUsize, limit: Duration) -> Option<Broken> {
        let over = self.around.weather.over();
        loop {
            self.bury();
            if let Some(broken) = self.ended_early() {
                return Some(broken);
            }
            let now = self.now();
            while let Some(entry) = self.due.first_entry()
                && entry.key().0 <= now
            {
                let action = entry.remove();
                self.act(action);
            }
            let taken = left.load(Ordering::Relaxed) == 0;
            let late = match taken && self.due.is_empty() && now >= over {
                true => self.unready().or(self.unfinished().await),
                false => Some("a step is not taken".to_owned()),
            };
            let late = late?;
            if now >= limit {
                let why = format!("after {} s, {late}", now.as_secs());
                return Some(Broken::new("everything is handled", why));
            }
            let next = self.due.keys().next().map(|(at, _)| at.saturating_sub(now));
            let wait = self.around.sleep(next.unwrap_or(LOOK).min(LOOK));
            let weather = Arc::clone(&self.around.weather);
            let bell = std::pin::pin!(weather.bell.notified());
            select(bell, wait).await;
        }
    }

    /// Forgets instances that have crashed, and plans for those that follow.
    fn bury(&mut self) {
        for crash in self.around.weather.take_crashes() {
            let at = self.now() + crash.back;
            let dead = self
                .instances
                .iter()
                .position(|i| i.site.owner == crash.owner);
            if let Some(dead) = dead {
                let dead = self.instances.remove(dead);
                self.later(at, Action::Start(dead.part));
            }
        }
    }

    /// A service that has ended though nobody asked it to. Those that were asked to are forgotten.
    fn ended_early(&mut self) -> Option<Broken> {
        let mut broken = None;
        self.instances.retain_mut(|instance| {
            let Some(ended) = (&mut instance.task).now_or_never() else {
                return true;
            };
            let why = match ended {
                Ok(Ok(())) if instance.leaves => {
                    instance.site.has_stopped();
                    // Its process ends, and with it whatever still stands at its doors.
                    instance.site.executor.kill(instance.site.owner);
                    return false;
                }
                Ok(Ok(())) => "it ended by itself".to_owned(),
                Ok(Err(error)) => error.to_string(),
                // It crashed, and is about to be buried.
                Err(Ended::Aborted) => return true,
                Err(error) => error.to_string(),
            };
            let why = format!("{}: {why}", instance.site.name());
            broken.get_or_insert(Broken::new("every service goes on", why));
            false
        });
        broken
    }

    fn act(&mut self, action: Action) {
        let fault = match action {
            Action::Start(part) => return self.start(part),
            Action::Fault(fault) => fault,
        };
        let weather = Arc::clone(&self.around.weather);
        let now = self.now();
        match &fault {
            Fault::Join { service, .. } => {
                if let Some(part) = self.part(service) {
                    weather.fire(&fault);
                    self.start(part);
                }
            }
            Fault::Leave {
                service, back_ms, ..
            } => {
                let Some(part) = self.part(service) else {
                    return;
                };
                let stays = |i: &Instance| i.part == part && !i.leaves;
                let staying = self.instances.iter().filter(|i| stays(i)).count();
                let oldest = self.instances.iter_mut().find(|i| stays(i));
                let Some(oldest) = oldest else { return };
                weather.fire(&fault);
                oldest.site.tell(|| "is asked to leave".to_owned());
                oldest.leaves = true;
                oldest.stop.request();
                if staying == 1 {
                    self.later(now + ms(*back_ms), Action::Start(part));
                }
            }
            Fault::Zombie {
                service, for_ms, ..
            } => {
                let mut instances = self.instances.iter();
                let oldest = instances.find(|i| *i.site.service == **service);
                let Some(oldest) = oldest else { return };
                weather.fire(&fault);
                oldest
                    .site
                    .tell(|| format!("hears nothing of its group for {for_ms} ms"));
                weather.make_zombie(oldest.site.owner, now + ms(*for_ms));
            }
            Fault::Clock { service, by_ms, .. } => {
                weather.fire(&fault);
                self.around
                    .tell(|| format!("the clock of {service} jumps by {by_ms} ms"));
                weather.jump(&service.as_str().into(), *by_ms);
            }
            _ => unreachable!("only faults that go by the clock are planned"),
        }
    }

    fn part(&self, service: &str) -> Option<usize> {
        let mut parts = self.stage.parts.iter();
        parts.position(|part| *part.name == *service)
    }

    /// Who is not ready. `None`: all are.
    fn unready(&self) -> Option<String> {
        let mut instances = self.instances.iter();
        let waiting = instances.find(|one| !one.leaves && !one.status.report().ready)?;
        let why = waiting.status.report().waiting_for.join("; ");
        Some(format!("{} is not ready: {why}", waiting.site.name()))
    }

    /// What is not finished. `None`: all is.
    async fn unfinished(&self) -> Option<String> {
        for part in &self.stage.parts {
            let group = &part.name;
            let mut topics: Vec<_> = part
                .contract
                .reactions
                .iter()
                .map(|r| r.event.topic)
                .collect();
            topics.sort_unstable();
            topics.dedup();
            for topic in topics {
                let name = TopicName::parse(topic).expect("a topic of a schema");
                let described = self.broker.describe(&name).await.ok().flatten();
                let count = described.map_or(0, |topic| topic.partitions);
                let at = |number| TopicPartition::new(name.clone(), number);
                let partitions: Vec<_> = (0..count).map(at).collect();
                let committed = self.broker.committed(group, &partitions).await;
                let committed = committed.unwrap_or_default();
                for partition in &partitions {
                    let (_, high) = self.broker.watermarks(partition).await.unwrap_or_default();
                    let done = committed.get(partition).copied().unwrap_or(0);
                    if done < high {
                        return Some(format!(
                            "{group} has committed {done} of {high} events of {partition}"
                        ));
                    }
                }
            }
        }
        for (service, store) in self.around.chronicle.stores() {
            let rows = store.unflushed(0, 1).await.unwrap_or_default();
            for row in rows {
                // It may have gone out since it was read.
                if !store.is_flushed(row.id).await.unwrap_or(false) {
                    return Some(format!("row {} waits in the outbox of {service}", row.id));
                }
            }
        }
        None
    }

    fn end(&self) -> End {
        let chronicle = &self.around.chronicle;
        End::of(
            chronicle.records(),
            self.stage.contracts(),
            chronicle.stores(),
        )
    }

    /// Lets all drain and leave.
    async fn stop(mut self) -> Option<Broken> {
        for instance in &self.instances {
            instance.stop.request();
        }
        let limit = self.now() + PATIENCE;
        let world: world::Shared = Arc::new(self.around.clone());
        for mut instance in std::mem::take(&mut self.instances) {
            let wait = limit.saturating_sub(self.now());
            let broken = |why: String| {
                let why = format!("{}: {why}", instance.site.name());
                Some(Broken::new("every service stops", why))
            };
            match world::timeout(&world, wait, &mut instance.task).await {
                None => return broken(format!("not within {} s", PATIENCE.as_secs())),
                Some(Ok(Err(error))) => return broken(error.to_string()),
                Some(Ok(Ok(()))) => instance.site.has_stopped(),
                Some(Err(_)) => {}
            }
        }
        None
    }
}

/// Takes a step until it has succeeded.
async fn take_step(site: &Site, act: &Act, what: &str) {
    site.tell(|| format!("step: {what}"));
    let world: world::Shared = Arc::new(site.clone());
    let mut wait = STEP_AGAIN.0;
    loop {
        match world::timeout(&world, STEP_MAX, act(what)).await {
            Some(Ok(())) => return,
            Some(Err(error)) => site.tell(|| format!("step: {what}: {error}")),
            None => site.tell(|| format!("step: {what}: no answer")),
        }
        site.sleep(wait).await;
        wait = (wait * 2).min(STEP_AGAIN.1);
    }
}
