//! Reading partitions without a group. A poll thread does the work, as for a group member.

use std::sync::Arc;

use async_trait::async_trait;
use rdkafka::consumer::Consumer as _;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::oneshot;

use super::super::{self as broker, Error, ErrorKind, Incoming, Signal, TopicPartition};
use super::commits::Offsets;
use super::config::Config;
use super::context::{Context, Role};
use super::inbox::Inbox;
use super::member;
use super::options;
use super::partitions;
use super::poller::{self, Ending, Poller};
use super::weather::Weather;

/// The name that librdkafka wants for a group, and that never becomes one.
const NO_GROUP: &str = "quadrille-reader";

/// Reads partitions without a group.
pub(super) struct Reader {
    inbox: Arc<Inbox>,
    context: Arc<Context>,
    has_failed: bool,
}

/// Starts to read from offsets that are there.
pub(super) fn read(
    address: Arc<str>,
    config: &Config,
    from: &Offsets,
    weather: Arc<Weather>,
) -> Result<Reader, Error> {
    let inbox = Arc::new(Inbox::new(member::limit(config)));
    let owned: Vec<TopicPartition> = from.keys().cloned().collect();
    inbox.open(&owned);
    let context = Context::new(address, Arc::clone(&inbox), Role::Reader, weather);
    let client = member::client(&options::reader(config, NO_GROUP), context, &inbox)?;
    let mut list = TopicPartitionList::with_capacity(from.len());
    for (partition, offset) in from {
        partitions::add(&mut list, partition, Offset::Offset(*offset));
    }
    client.assign(&list).map_err(|error| {
        let message = format!("cannot read partitions {owned:?}: {error}");
        Error::new(ErrorKind::Invalid, message)
    })?;
    let context = Arc::clone(client.context());
    // Nobody waits for a reader to close.
    let (closed, _) = oneshot::channel();
    let ending = Ending {
        commit_thread: None,
        closed,
        close_timeout: config.close_timeout(),
    };
    poller::start("reader", Poller::new(Arc::new(client)), ending)?;
    Ok(Reader {
        inbox,
        context,
        has_failed: false,
    })
}

#[async_trait]
impl broker::Reader for Reader {
    async fn next(&mut self) -> Result<Vec<Incoming>, Error> {
        if self.has_failed {
            return Err(Error::new(
                ErrorKind::Closed,
                "cannot read on: this reader has failed for good, and a new one is needed",
            ));
        }
        loop {
            match self.inbox.next().await {
                Signal::Records(records) => return Ok(records),
                Signal::Troubled(error) => return Err(error),
                Signal::Failed(error) => {
                    self.has_failed = true;
                    return Err(error);
                }
                // No group, so nobody gives or takes partitions.
                Signal::Assigned(_) | Signal::Revoked(_) | Signal::Lost(_) | Signal::Recovered => {}
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.context.stop();
    }
}
