//! One contender, in this process: it works, and what it has done is checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use quadrille::broker::TopicPartition;
use quadrille::{Event as _, world};
use serde::{Deserialize, Serialize};

use crate::bare;
use crate::case::{Case, Contender};
use crate::events::bench::v1::{Published, Stored, Timed};
use crate::fault::Fault;
use crate::measure::Measure;
use crate::ours;

/// What a contender is told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The work.
    pub case: Case,
    /// Who does it.
    pub contender: Contender,
    /// Address of the Kafka.
    pub kafka: String,
    /// Events to publish, or that wait to be reacted to.
    pub events: u64,
    /// Those of them that come first and are not measured, where latency is.
    pub warm_up_events: u64,
    /// The consumer group. Nobody else has it.
    pub group: String,
    /// Options of the bus that are not what it is shipped with, by path.
    pub set: BTreeMap<String, String>,
}

/// What a contender stands on.
pub(crate) struct Stage {
    pub(crate) order: Order,
    pub(crate) world: world::Shared,
}

/// Does the work, and checks that it was done.
pub async fn contend(order: Order, world: world::Shared) -> Result<Measure, Fault> {
    let stage = Arc::new(Stage { order, world });
    let plain = stage.order.contender == Contender::BarePlain;
    let is_bare = plain || stage.order.contender == Contender::Bare;
    let before = bare::check::ends(&stage.order.kafka, Published::SCHEMA.topic.name).await?;
    let measure = match (stage.order.case, is_bare) {
        (Case::Waiting, true) => bare::publish::waiting(&stage, plain).await,
        (Case::Publish, true) => bare::publish::non_waiting(&stage, plain).await,
        (Case::React, true) => bare::answer::answer(&stage, plain).await,
        (Case::Silent, true) => bare::consume::consume(&stage).await,
        (Case::State, true) => bare::state::state(&stage).await,
        (Case::Latency, true) => bare::latency::latency(&stage).await,
        (Case::Keyed, true) => bare::keyed::keyed(&stage).await,
        (Case::Waiting, false) => ours::publish::waiting(&stage).await,
        (Case::Publish, false) => ours::publish::non_waiting(&stage).await,
        (Case::React | Case::Silent, false) => ours::react::react(&stage).await,
        (Case::Latency, false) => ours::latency::latency(&stage).await,
        (Case::Keyed, false) => ours::react::keyed(&stage).await,
        (Case::State, false) => match stage.order.contender {
            Contender::OursMemory | Contender::OursSqlite => ours::state::state(&stage).await,
            _ => ours::react::react(&stage).await,
        },
    }?;
    check(&stage, &before).await?;
    Ok(measure)
}

/// Whether the cluster agrees that all was done.
async fn check(stage: &Stage, before: &BTreeMap<TopicPartition, i64>) -> Result<(), Fault> {
    let Order { kafka, group, .. } = &stage.order;
    match stage.order.case {
        Case::Waiting | Case::Publish => {
            bare::check::stored::<Published>(stage, before, stage.order.events).await
        }
        Case::Latency => bare::check::committed(kafka, Timed::SCHEMA.topic.name, group).await,
        Case::React | Case::Silent | Case::Keyed | Case::State => {
            bare::check::committed(kafka, Stored::SCHEMA.topic.name, group).await
        }
    }
}

impl Stage {
    /// The time, in microseconds since 1970.
    pub(crate) fn now_us(&self) -> u64 {
        u64::try_from(self.world.now().as_microsecond()).unwrap_or(0)
    }
}
