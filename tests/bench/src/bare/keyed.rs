//! A loop with a lane per key, by hand: what keeps a key's order while many reactions wait at once.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use quadrille::Event as _;
use quadrille::prost::Message as _;
use rdkafka::Message as _;
use rdkafka::consumer::Consumer as _;

use super::clients;
use super::low_water::LowWater;
use crate::contend::Stage;
use crate::events::bench::v1::Stored;
use crate::fault::Fault;
use crate::measure::{Measure, Watch};
use crate::ours::react::REACTION;
use crate::work::{Ledger, Measured as _};

/// Reactions at once: as many as with us, 256 in each of 6 partitions.
const AT_ONCE_MAX: usize = 6 * 256;

/// A record in its lane.
struct Waiting {
    event: Stored,
    partition: i32,
    offset: i64,
}

/// Reacts to all that is stored.
pub(crate) async fn keyed(stage: &Stage) -> Result<Measure, Fault> {
    let order = &stage.order;
    let topic = Stored::SCHEMA.topic.name;
    let consumer = clients::streamed(&order.kafka, &order.group, topic)?;
    let ledger = Ledger::of(order.events);
    let watch = Watch::new(&stage.world);
    let react = |waiting: Waiting| async {
        let began = stage.world.elapsed();
        ledger.begin(&waiting.event.facts());
        stage.world.sleep(REACTION).await;
        (waiting, stage.world.elapsed().saturating_sub(began))
    };
    // Those of a key that wait behind the one that runs.
    let mut lanes: HashMap<String, VecDeque<Waiting>> = HashMap::new();
    let (mut water, mut running) = (LowWater::default(), FuturesUnordered::new());
    let (mut held, mut spent) = (0_usize, Duration::ZERO);
    loop {
        tokio::select! {
            biased;
            Some((done, took)) = running.next(), if !running.is_empty() => {
                let Waiting { event, partition, offset } = done;
                spent += took;
                held -= 1;
                if let Some(done) = water.end(partition, offset) {
                    let noted = consumer.store_offset(topic, partition, done);
                    noted.map_err(|error| Fault::of("note an offset", &error))?;
                }
                let next = lanes.get_mut(&event.customer).and_then(VecDeque::pop_front);
                if next.is_none() {
                    lanes.remove(&event.customer);
                }
                if ledger.end(&event.facts()) {
                    break;
                }
                running.extend(next.map(react));
            }
            message = consumer.recv(), if held < AT_ONCE_MAX => {
                let message = message.map_err(|error| Fault::of("consume", &error))?;
                watch.start();
                let event = Stored::decode(message.payload().unwrap_or_default())
                    .map_err(|error| Fault::of("decode", &error))?;
                let (partition, offset) = (message.partition(), message.offset());
                let waiting = Waiting { event, partition, offset };
                water.begin(waiting.partition, waiting.offset);
                held += 1;
                match lanes.get_mut(&waiting.event.customer) {
                    Some(lane) => lane.push_back(waiting),
                    None => {
                        lanes.insert(waiting.event.customer.clone(), VecDeque::new());
                        running.push(react(waiting));
                    }
                }
            }
        }
    }
    clients::commit(&consumer)?;
    let mut measure = watch.stop(order.events);
    measure.reaction_us_mean = Some(spent.as_secs_f64() * 1e6 / order.events as f64);
    ledger.check().map_err(Fault::new)?;
    Ok(measure)
}
