//! A member of a consumer group, at the async edge. Its poll thread does the work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::consumer::Consumer as _;
use tokio::sync::oneshot;

use super::super::{self as broker, Error, ErrorKind, Membership, Signal, TopicPartition};
use super::clock::Moment;
use super::commits::{self, Commits, Offsets};
use super::config::Config;
use super::context::{self, Client, Context, Role};
use super::inbox::{Inbox, Limit};
use super::options;
use super::poller::{self, Ending, Poller};
use super::rebalance;
use super::weather::Weather;

/// A member of a consumer group.
pub(super) struct Member {
    group: String,
    inbox: Arc<Inbox>,
    commits: Arc<Commits>,
    context: Arc<Context>,
    /// Longest that a commit may take.
    commit_timeout: Duration,
    closed: Option<oneshot::Receiver<()>>,
}

/// Joins a group: makes a consumer and starts its threads. Reaches for no broker itself.
pub(super) fn join(
    address: Arc<str>,
    config: &Config,
    membership: Membership,
    weather: Arc<Weather>,
) -> Result<Member, Error> {
    let options = options::member(config, &membership)?;
    let inbox = Arc::new(Inbox::new(limit(config)));
    let commits = Arc::new(Commits::default());
    let group = membership.group.clone();
    let topics = membership.topics.clone();
    let role = Role::Member(Box::new(context::Member {
        membership,
        commits: Arc::clone(&commits),
        request_timeout: config.request_timeout(),
    }));
    let context = Context::new(address, Arc::clone(&inbox), role, weather);
    let client = client(&options, context, &inbox)?;
    let topics: Vec<&str> = topics.iter().map(|topic| topic.as_str()).collect();
    client.subscribe(&topics).map_err(|error| {
        let message = format!(
            "cannot subscribe group `{group}` to {}: {error}",
            topics.join(", ")
        );
        Error::new(ErrorKind::Invalid, message)
    })?;
    let client = Arc::new(client);
    let context = Arc::clone(client.context());

    let committer = Arc::clone(&client);
    let commit_thread = commits::start(&group, Arc::clone(&commits), move |offsets| {
        rebalance::commit(committer.context(), &committer, offsets)
    })?;
    let (closed, is_closed) = oneshot::channel();
    let ending = Ending {
        commit_thread: Some(commit_thread),
        closed,
        close_timeout: config.close_timeout(),
    };
    poller::start(&group, Poller::new(client), ending)?;
    Ok(Member {
        group,
        inbox,
        commits,
        context,
        commit_timeout: config.request_timeout(),
        closed: Some(is_closed),
    })
}

/// How much may lie ready for whoever reads.
pub(super) fn limit(config: &Config) -> Limit {
    Limit {
        records: config.inbox_records_max as usize,
        bytes: config.inbox_bytes_max as usize,
    }
}

/// A consumer that wakes its poll thread when a record comes in.
pub(super) fn client(
    options: &rdkafka::ClientConfig,
    context: Context,
    inbox: &Arc<Inbox>,
) -> Result<Client, Error> {
    let made = options.create_with_context::<_, Client>(context);
    let mut client = made.map_err(|error| options::refused(&error))?;
    let inbox = Arc::clone(inbox);
    client.set_nonempty_callback(move || inbox.wake_poller());
    Ok(client)
}

#[async_trait]
impl broker::Consumer for Member {
    async fn next(&mut self) -> Signal {
        self.inbox.next().await
    }

    fn pause(&mut self, partitions: &[TopicPartition]) {
        self.inbox.pause(partitions);
    }

    fn resume(&mut self, partitions: &[TopicPartition]) {
        self.inbox.resume(partitions);
    }

    async fn commit(&mut self, offsets: &BTreeMap<TopicPartition, i64>) -> Result<(), Error> {
        if let Some((partition, offset)) = offsets.iter().find(|(_, offset)| **offset < 0) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("cannot commit offset {offset} of {partition}: offsets begin at 0"),
            ));
        }
        if let Some(partition) = self.inbox.first_not_owned(offsets.keys()) {
            return Err(rebalance::not_owned(&self.group, partition));
        }
        if offsets.is_empty() {
            return Ok(());
        }
        let deadline = Moment::within(self.commit_timeout);
        let offsets: Offsets = offsets.clone();
        commits::result(self.commits.ask(offsets, deadline).await)
    }

    async fn leave(mut self: Box<Self>) {
        self.context.stop();
        if let Some(closed) = self.closed.take() {
            // Where the thread is gone, there is nothing left to wait for.
            let _ = closed.await;
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.context.stop();
    }
}
