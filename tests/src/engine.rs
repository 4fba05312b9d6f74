//! The suite for the bus on a broker: what must hold of order, commits, failures and rebalances.
//!
//! Each function shows one thing, on topics of its own. [`engine_suite!`](crate::engine_suite) makes a
//! test of each, for the in-memory broker and for Kafka.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use quadrille::broker::{Broker, Outgoing, TopicName, TopicPartition};
use quadrille::bus::{Bus, Settings};
use quadrille::publish::Published;
use quadrille::state::memory::MemoryStores;
use quadrille::world::{self, Live};
use quadrille::{Cx, Event, Service};

use crate::events::kit::v1::{Ticked, Tocked};
use crate::hall;

mod lanes; // keys, their order, and what is committed meanwhile
mod members; // instances come, go and die
mod records; // what cannot be handled, and what others wrote

pub use lanes::{
    keys_keep_their_order_and_commits_wait_for_them, no_more_reactions_run_at_once_than_may,
    one_failing_key_does_not_hold_up_the_others,
};
pub use members::{
    a_crash_repeats_ids_and_loses_nothing, a_second_instance_joins_and_leaves_and_nothing_is_lost,
    a_stop_drains_and_commits, a_topic_that_may_not_be_created_is_waited_for,
    what_stays_goes_on_while_the_rest_drains,
};
pub use records::{
    foreign_records_follow_the_rules, what_cannot_be_handled_is_parked_with_its_reason,
};

/// Longest that a state is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// Makes a test of every function of the suite, with an expression that gives a broker,
/// or `None` where there is none to test on.
#[macro_export]
macro_rules! engine_suite {
    ($broker:expr) => {
        $crate::engine_suite!($broker;
            keys_keep_their_order_and_commits_wait_for_them
            one_failing_key_does_not_hold_up_the_others
            no_more_reactions_run_at_once_than_may
            what_cannot_be_handled_is_parked_with_its_reason
            a_second_instance_joins_and_leaves_and_nothing_is_lost
            a_topic_that_may_not_be_created_is_waited_for
            a_stop_drains_and_commits
            a_crash_repeats_ids_and_loses_nothing
            foreign_records_follow_the_rules
        );
    };
    ($broker:expr; $($name:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                // None: the test was skipped, and has said so.
                let Some(broker) = $broker else { return };
                let stage = $crate::engine::Stage::new(broker, stringify!($name)).await;
                $crate::engine::$name(stage).await;
            }
        )+
    };
}

/// What a test stands on.
pub struct Stage {
    bus: Bus,
    broker: Arc<dyn Broker>,
}

impl Stage {
    /// A stage with topics of its own.
    pub async fn new(cluster: Arc<dyn Broker>, name: &str) -> Self {
        let world: world::Shared = Arc::new(Live::new());
        let prefix = format!(
            "{:08x}.{}.",
            world.random() >> 32,
            &name[..name.len().min(20)]
        );
        let broker: Arc<dyn Broker> = Arc::new(crate::prefixed::Prefixed::new(cluster, &prefix));
        let stores = Arc::new(MemoryStores::default());
        let bus = Bus::new(Arc::clone(&broker), world, stores, hall::settings());
        let stage = Self { bus, broker };
        // The owner of the topic makes it, and is gone again.
        let owner = Service::named("ticker")
            .originates(&ticks())
            .start(&stage.bus);
        owner.status().until(|report| report.ready).await;
        owner.stop().await.expect("it has nothing to do");
        stage
    }

    fn with(&self, change: impl FnOnce(&mut Settings)) -> Bus {
        let mut settings = self.bus.settings().clone();
        change(&mut settings);
        self.bus.with(settings)
    }

    /// Lets clocks `c0`, `c1`, … tick so many times each.
    async fn tick(&self, clocks: usize, times: u64) -> Vec<(Ticked, Published)> {
        let tick = |nth| {
            move |clock| Ticked {
                clock: format!("c{clock}"),
                nth,
            }
        };
        let ticks: Vec<_> = (0..times)
            .flat_map(|nth| (0..clocks).map(tick(nth)))
            .collect();
        let published = self
            .bus
            .publisher("test")
            .publish_all(ticks.clone())
            .await
            .into_iter();
        let published = published.map(|published| published.expect("the broker takes it"));
        ticks.into_iter().zip(published).collect()
    }

    async fn send(&self, record: Outgoing) {
        let delivery = self.broker.send(record).await.expect("the broker takes it");
        delivery.await.expect("the broker takes it");
    }

    fn partitions(&self) -> Vec<TopicPartition> {
        let topic = TopicName::parse(Ticked::SCHEMA.topic.name).expect("a legal name");
        (0..6)
            .map(|partition| TopicPartition::new(topic.clone(), partition))
            .collect()
    }

    async fn committed(&self, group: &str) -> BTreeMap<TopicPartition, i64> {
        self.broker
            .committed(group, &self.partitions())
            .await
            .expect("the broker answers")
    }

    async fn until<F: Future<Output = bool>>(&self, what: &str, mut holds: impl FnMut() -> F) {
        let world = self.bus.world();
        let holds = async {
            while !holds().await {
                world.sleep(Duration::from_millis(20)).await;
            }
        };
        world::timeout(world, PATIENCE, holds)
            .await
            .unwrap_or_else(|| panic!("in vain: {what}"));
    }
}

fn ticks() -> quadrille::Door<(), Ticked> {
    quadrille::Door::new()
}

/// A pure function of its event.
async fn answer(tick: Ticked, _: Cx) -> quadrille::Reacted<Tocked> {
    Ok(Tocked {
        clock: tick.clock,
        nth: tick.nth,
    })
}
