//! Keeps index and snapshot up to date, and tells what is new.
//!
//! Three tasks: one reads topics into the index, one asks the broker where topics end, one looks at it
//! all twice a second and tells those who listen. What they tell is made once, however many listen.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Either, select};
use quadrille::Event as _;
use quadrille::broker::{self, Broker, Incoming};
use quadrille::status::chain;
use quadrille::stop::Stop;
use quadrille::wire::PresenceAnnounced;
use quadrille::world::{self, Task};
use tokio::sync::{broadcast, watch};
use tracing::{info, warn};

use crate::follow::{self, Follow};
use crate::index::{self, Batch, Index, Limits, Wanted};
use crate::live::{self, Live, Snapshot};
use crate::record::Topics;
use crate::scan::Scan;
use crate::seen::{Seen, seen};
use crate::why;

/// Records in one batch: enough to share a transaction, and few enough to be seen soon.
const BATCH_MAX: usize = 4_000;
/// Shortest time between two looks at it all.
const CALM: Duration = Duration::from_millis(500);
/// Time between two looks at the ends of topics.
const ENDS: Duration = Duration::from_secs(1);
/// Wait after trouble.
const AGAIN: Duration = Duration::from_secs(1);
/// Flows that one piece of news tells. More are counted.
const TOLD_MAX: usize = 100;
/// Ids of changed flows that one piece of news holds.
const CHANGED_MAX: usize = 10_000;
/// News that a slow listener may be behind.
const NEWS_MAX: usize = 16;

/// The observer.
pub struct Observer {
    pub(crate) index: Arc<Index>,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) world: world::Shared,
    cluster: watch::Sender<Arc<str>>,
    pub(crate) stop: Stop,
    live: Live,
    snapshot: watch::Sender<Arc<Snapshot>>,
    news: broadcast::Sender<Arc<News>>,
}

/// What changed since the last piece of news.
pub(crate) struct News {
    /// The change up to which it tells.
    pub(crate) change: u64,
    /// Flows that changed, as JSON for the list. `None`: none did.
    pub(crate) flows: Option<Arc<str>>,
    /// Ids of flows that changed. Empty with `all`.
    pub(crate) changed: Vec<String>,
    /// Any flow may stand differently: services came or went, or too many flows changed.
    pub(crate) all: bool,
}

/// What an observer needs.
pub struct Parts<'a> {
    /// The cluster that is read.
    pub broker: Arc<dyn Broker>,
    /// Clock and executor.
    pub world: world::Shared,
    /// Where the index is kept.
    pub folder: &'a Path,
    /// How much is kept.
    pub limits: Limits,
    /// Ends it.
    pub stop: Stop,
}

/// Topics cannot be read on.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// The cluster does not answer.
    #[error(transparent)]
    Broker(#[from] broker::Error),
    /// The index cannot be used.
    #[error(transparent)]
    Index(#[from] index::Error),
}

/// Tasks of an observer, which end with its stop.
pub struct Running {
    tasks: [Task<()>; 3],
}

impl Running {
    /// Waits until all have ended.
    pub async fn ended(self) {
        for task in self.tasks {
            // However it ended, it is over.
            let _ = task.await;
        }
    }
}

impl Observer {
    /// Opens the index and begins to read.
    ///
    /// The broker may come later: until then it answers with what is in the index, and says so.
    pub async fn start(parts: Parts<'_>) -> Result<(Arc<Self>, Running), index::Error> {
        let index = Index::open(parts.folder, parts.limits).await?;
        let counts = index.counts();
        info!(flows = counts.flows, events = counts.events, "index opened");
        let observer = Arc::new(Self {
            index: Arc::new(index),
            broker: parts.broker,
            world: parts.world,
            cluster: watch::Sender::new("".into()),
            stop: parts.stop,
            live: Live::default(),
            snapshot: watch::Sender::new(Arc::default()),
            news: broadcast::Sender::new(NEWS_MAX),
        });
        observer.live.note_broker(false, observer.world.now());
        observer.look();
        let world = &observer.world;
        let tasks = [
            world::spawn(world, "index", Arc::clone(&observer).keep()),
            world::spawn(world, "ends", Arc::clone(&observer).watch_ends()),
            world::spawn(world, "news", Arc::clone(&observer).tell()),
        ];
        Ok((observer, Running { tasks }))
    }

    /// Where records are read, as it is known now whether the broker answers.
    pub(crate) fn topics(&self) -> Topics<'_> {
        Topics {
            broker: &self.broker,
            world: &self.world,
            answer: self.snapshot().index.broker == live::Broker::Answers,
        }
    }

    /// How it all is, as of the last look.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// Waits for a look that is as wanted. Cancel-safe.
    pub async fn until(&self, wanted: impl Fn(&Snapshot) -> bool + Send) -> Arc<Snapshot> {
        let mut looks = self.snapshot.subscribe();
        match looks.wait_for(|snapshot| wanted(snapshot)).await {
            Ok(snapshot) => Arc::clone(&snapshot),
            Err(_) => unreachable!("the sender lives in `self`"),
        }
    }

    /// The cluster's own id. Empty until the broker has answered.
    pub(crate) fn cluster(&self) -> Arc<str> {
        Arc::clone(&self.cluster.borrow())
    }

    pub(crate) fn news(&self) -> broadcast::Receiver<Arc<News>> {
        self.news.subscribe()
    }

    /// Looks at it all.
    fn look(&self) -> Arc<Snapshot> {
        let index = &self.index;
        let (expected, counts) = (index.expected(), index.counts());
        let (now, change, bytes) = (self.world.now(), index.change(), index.bytes());
        let mut snapshot = self.live.snapshot(now, &expected, change, &counts, bytes);
        let cluster = Some(self.cluster()).filter(|cluster| !cluster.is_empty());
        snapshot.index.cluster = cluster.map(|cluster| cluster.to_string());
        let snapshot = Arc::new(snapshot);
        self.snapshot.send_replace(Arc::clone(&snapshot));
        snapshot
    }

    /// Reads topics into the index.
    async fn keep(self: Arc<Self>) {
        let mut told = false;
        while !self.stop.is_requested() {
            let work = Box::pin(self.read());
            let ended = match select(work, std::pin::pin!(self.stop.requested())).await {
                Either::Left((ended, _)) => ended,
                Either::Right(_) => return,
            };
            let Err(error) = ended;
            if let Error::Broker(error) = &error {
                self.note_away(error);
            }
            if !told {
                warn!(%error, "cannot read topics, trying again");
            }
            told = true;
            self.live.set_trouble("reading", Some(chain(&error)));
            self.world.sleep(AGAIN).await;
        }
    }

    /// Goes on until there is trouble.
    async fn read(&self) -> Result<std::convert::Infallible, Error> {
        let cluster = self.broker.cluster_id().await?;
        self.index.keep_for(&cluster).await?;
        self.cluster.send_replace(cluster.into());
        // First of all: without contracts, every flow would be judged twice.
        let nothing = |_, _| {};
        let mut scan = Scan::new(&self.broker, &self.world, &nothing).await?;
        let contracts = scan.published().await?;
        self.index
            .take(Batch {
                contracts,
                ..Batch::default()
            })
            .await?;
        let (broker, world) = (Arc::clone(&self.broker), Arc::clone(&self.world));
        let mut follow = Follow::new(broker, world, follow::From::Beginning);
        follow.resume(self.index.positions());
        follow.add(follow::internal_topics().map(str::to_owned));
        follow.add([PresenceAnnounced::SCHEMA.topic.name.to_owned()]);
        follow.add(self.index.expected().topics());
        follow.begin().await?;
        // Only now: a client may know the cluster's id from before.
        self.live.note_broker(true, self.world.now());
        self.live.note_positions(follow.positions());
        self.live.set_trouble("reading", None);
        loop {
            let mut records = follow.next().await?;
            while records.len() < BATCH_MAX {
                match follow.next().now_or_never() {
                    Some(Ok(more)) => records.extend(more),
                    // Told again by the next call.
                    _ => break,
                }
            }
            self.take(records).await?;
            self.live.note_positions(follow.positions());
            follow.add(self.index.expected().topics());
        }
    }

    async fn take(&self, records: Vec<Incoming>) -> Result<(), Error> {
        let mut batch = Batch::default();
        let (now, cluster) = (self.world.now(), self.cluster());
        for record in records {
            let is_presence =
                record.partition.topic.as_str() == PresenceAnnounced::SCHEMA.topic.name;
            // Of presence nothing is kept: it is read again after a restart.
            if !is_presence {
                batch
                    .positions
                    .insert(record.partition.clone(), record.offset + 1);
            }
            match seen(&record, &cluster) {
                Ok(Seen::Presence(said)) => {
                    let at = crate::seen::At {
                        topic: record.partition.topic.to_string(),
                        partition: record.partition.partition,
                        offset: record.offset,
                    };
                    self.live.note(said, &at, now);
                }
                Ok(Seen::Contract(contract)) => batch.contracts.push(contract),
                Ok(Seen::Event(event)) => {
                    let id = event.envelope.flow.clone();
                    batch.flows.entry(id).or_default().push(Seen::Event(event));
                }
                Ok(Seen::Receipt(receipt)) => {
                    let id = receipt.flow.clone();
                    batch
                        .flows
                        .entry(id)
                        .or_default()
                        .push(Seen::Receipt(receipt));
                }
                // What is no event for us is no part of a flow either; services that read it write
                // a receipt.
                Err(_) => {}
            }
        }
        if !batch.positions.is_empty() {
            self.index.take(batch).await?;
        }
        Ok(())
    }

    /// Notes that the broker does not answer, where that is what the error says.
    fn note_away(&self, error: &broker::Error) {
        if error.kind() == broker::ErrorKind::Unreachable {
            self.live.note_broker(false, self.world.now());
        }
    }

    /// Asks the broker where topics end.
    async fn watch_ends(self: Arc<Self>) {
        while !self.stop.is_requested() {
            let work = Box::pin(async {
                let ends = self.ends().await;
                match ends {
                    Ok(ends) => {
                        if !ends.is_empty() {
                            let now = self.world.now();
                            self.live.note_ends(&ends, now);
                            self.live.note_broker(true, now);
                        }
                        self.live.set_trouble("asking", None);
                    }
                    Err(error) => {
                        self.note_away(&error);
                        self.live.set_trouble("asking", Some(error.to_string()));
                    }
                }
                self.world.sleep(ENDS).await;
            });
            select(work, std::pin::pin!(self.stop.requested())).await;
        }
    }

    async fn ends(&self) -> Result<BTreeMap<broker::TopicPartition, i64>, broker::Error> {
        let mut ends = BTreeMap::new();
        for partition in self.live.positions().into_keys() {
            let (_, high) = self.broker.watermarks(&partition).await?;
            ends.insert(partition, high);
        }
        Ok(ends)
    }

    /// Tells what is new to whoever listens.
    async fn tell(self: Arc<Self>) {
        let mut known = self.index.change();
        let mut before = self.snapshot();
        while !self.stop.is_requested() {
            select(
                self.world.sleep(CALM),
                std::pin::pin!(self.stop.requested()),
            )
            .await;
            let snapshot = self.look();
            let all = snapshot.down() != before.down()
                || snapshot.index.is_behind() != before.index.is_behind();
            if self.news.receiver_count() > 0 {
                match self.since(known, &snapshot, all).await {
                    Ok(news) => drop(self.news.send(Arc::new(news))),
                    Err(error) => warn!(%error, "cannot tell what is new"),
                }
            }
            known = snapshot.index.change;
            before = snapshot;
        }
    }

    /// What changed since a change.
    pub(crate) async fn since(
        &self,
        known: u64,
        snapshot: &Snapshot,
        all: bool,
    ) -> Result<News, index::Error> {
        let changed = match snapshot.index.change > known {
            true => self.index.changed_after(known, CHANGED_MAX).await?,
            false => Vec::new(),
        };
        let all = all || changed.len() >= CHANGED_MAX;
        let mut news = News {
            change: snapshot.index.change,
            flows: None,
            changed: Vec::new(),
            all,
        };
        if !changed.is_empty() || all {
            let wanted = Wanted {
                change: (None, Some(known)),
                limit: TOLD_MAX,
                ..Wanted::default()
            };
            let rows = self.index.list(&wanted).await?.into_iter();
            let flows = crate::api::Changed {
                changed: rows.map(|row| why::told(row, snapshot)).collect(),
                more: all || changed.len() > TOLD_MAX,
                counts: crate::api::counts(snapshot, &self.index.counts()),
                index: snapshot.index.clone(),
            };
            let json = serde_json::to_string(&flows).expect("plain data is JSON");
            news.flows = Some(json.into());
        }
        if !all {
            news.changed = changed;
        }
        Ok(news)
    }
}
