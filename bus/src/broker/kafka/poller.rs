//! The thread that owns a consumer of librdkafka's: it polls, and does between polls what it was
//! asked to.
//!
//! It never waits for anybody without going on to poll, except inside a rebalance, where the group
//! waits too. It sleeps only when there is nothing to poll, and is woken by librdkafka when a record
//! comes in, by the member when it takes a record or wants something: a nap's length matters only if
//! a wake-up gets lost. All records come through one queue: split ones are known to stall
//! (rust-rdkafka #840).

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use tokio::sync::oneshot;

use super::super::{Error, ErrorKind, Incoming, Signal, TopicPartition};
use super::clock::Moment;
use super::context::{Client, Context, Member, Role};
use super::fault;
use super::partitions;
use super::records::Taker;
use crate::observe;
use crate::world::panic_message;

/// Longest sleep between two polls.
const NAP: Duration = Duration::from_millis(20);
/// Most records that are polled before commands are looked at.
const TURN_RECORDS_MAX: usize = 512;
/// Most bytes that are polled before commands are looked at, overshot by one record.
const TURN_BYTES_MAX: usize = 1024 * 1024;
/// A full inbox that stays full for this long has its partitions paused, so that polling goes on.
const FULL_MAX: Duration = Duration::from_millis(200);
/// Shortest time between two partitions whose fetching stops because too much of paused ones lies
/// aside. What is thrown away then is fetched again, and most pauses are shorter.
const STOPS_APART: Duration = Duration::from_millis(200);

/// Polls a consumer.
pub(super) struct Poller {
    pub(super) client: Arc<Client>,
    pub(super) taker: Taker,
    /// When the inbox was first seen to be full.
    pub(super) full_since: Option<Moment>,
    /// All partitions are paused because the inbox stays full.
    pub(super) is_stalled: bool,
    /// Number of the assignment whose partitions that were.
    pub(super) stalled_in: u64,
    /// When the next paused partition may be stopped.
    pub(super) next_stop: Moment,
}

/// How the thread of a consumer ends.
pub(super) struct Ending {
    /// The thread that makes commits, where there is one.
    pub(super) commit_thread: Option<JoinHandle<()>>,
    /// Told once the consumer is closed, or has been waited for long enough.
    pub(super) closed: oneshot::Sender<()>,
    /// How long that is.
    pub(super) close_timeout: Duration,
}

/// Starts the thread of a consumer.
pub(super) fn start(name: &str, poller: Poller, ending: Ending) -> Result<(), Error> {
    let run = move || poller.live(ending);
    let started = thread::Builder::new()
        .name(format!("poll {name}"))
        .spawn(run);
    started.map(drop).map_err(|error| {
        let message = format!("cannot start a thread to poll kafka as `{name}`: {error}");
        Error::new(ErrorKind::Other, message)
    })
}

impl Poller {
    pub(super) fn new(client: Arc<Client>) -> Self {
        Self {
            client,
            taker: Taker::default(),
            full_since: None,
            is_stalled: false,
            stalled_in: 0,
            next_stop: Moment::now(),
        }
    }

    fn context(&self) -> &Arc<Context> {
        self.client.context()
    }

    /// The whole life of the thread.
    fn live(mut self, ending: Ending) {
        let context = Arc::clone(self.context());
        context.inbox.polled_by(thread::current());
        let ended = catch_unwind(AssertUnwindSafe(|| self.poll_until_stopped()));
        let failure = ended.unwrap_or_else(|panic| {
            Some(Error::new(
                ErrorKind::Other,
                format!(
                    "the kafka client's thread panicked: {}",
                    panic_message(&*panic)
                ),
            ))
        });
        if let Some(error) = failure {
            context.inbox.signal(Signal::Failed(error));
        }
        self.close(ending);
    }

    /// Polls until stopped (`None`), or until the consumer has failed for good.
    fn poll_until_stopped(&mut self) -> Option<Error> {
        let context = Arc::clone(self.context());
        while !context.is_stopping() {
            self.tend();
            let is_idle = match context.inbox.has_room() {
                true => self.poll_a_turn(),
                false => self.poll_while_full(),
            };
            if let Some(failure) = context.take_failure() {
                return Some(self.explained(failure));
            }
            if is_idle {
                thread::park_timeout(NAP);
            }
        }
        None
    }

    /// Does what there is to do between polls.
    fn tend(&mut self) {
        let context = Arc::clone(self.context());
        if let Role::Member(member) = &context.role {
            member.commits.answer_late();
            self.come_and_go(&context, member);
        }
        if self.is_stalled && context.inbox.is_half_empty() {
            self.is_stalled = false;
            self.apply_pauses(context.inbox.paused());
        } else if let Some(paused) = context.inbox.changed_pauses()
            && !self.is_stalled
        {
            self.apply_pauses(paused);
        }
    }

    /// Leaves the group when the member does not answer or ask, and joins it again when it listens.
    fn come_and_go(&self, context: &Context, member: &Member) {
        if context
            .inbox
            .is_neglected(member.membership.rebalance_timeout)
        {
            context.inbox.take_back();
            context.step_out();
        }
        if context.has_to_step_out() {
            self.client.unsubscribe();
        }
        // Joined anew before all is given up, a cooperative group would leave it what it was told is
        // lost.
        if context.inbox.would_be_back() && self.has_let_go() && context.inbox.is_back() {
            let topics = member.membership.topics.iter();
            let topics: Vec<&str> = topics.map(|topic| topic.as_str()).collect();
            if let Err(error) = self.client.subscribe(&topics) {
                context.fail(Error::new(
                    ErrorKind::Other,
                    format!("cannot {}: {error}", context.tried()),
                ));
            }
        }
    }

    /// Whether nothing is assigned any more.
    fn has_let_go(&self) -> bool {
        let assigned = self.client.assignment();
        // Without an answer it is asked again with the next turn.
        assigned.is_ok_and(|assigned| assigned.count() == 0)
    }

    /// Takes what is there, up to the limits of one turn. Returns whether nothing is left.
    fn poll_a_turn(&mut self) -> bool {
        self.full_since = None;
        let context = Arc::clone(self.client.context());
        let mut epoch = context.inbox.epoch();
        let mut run: Vec<Incoming> = Vec::new();
        let mut bytes = 0;
        for _ in 0..TURN_RECORDS_MAX {
            let served = context.served();
            match self.client.poll(Duration::ZERO) {
                Some(Ok(message)) => {
                    let record = self.taker.take(&message);
                    bytes += record.size();
                    if run
                        .first()
                        .is_some_and(|first| first.partition != record.partition)
                    {
                        context.inbox.put(epoch, std::mem::take(&mut run));
                    }
                    run.push(record);
                    if bytes >= TURN_BYTES_MAX {
                        break;
                    }
                }
                Some(Err(error)) => heard(&context, &error),
                None if context.served() == served => {
                    context.inbox.put(epoch, run);
                    return true;
                }
                None => {
                    // A callback was served, perhaps a rebalance: what was polled before it may
                    // belong to an assignment that is over.
                    context.inbox.put(epoch, std::mem::take(&mut run));
                    epoch = context.inbox.epoch();
                }
            }
        }
        context.inbox.put(epoch, run);
        false
    }

    /// Goes on polling while the inbox is full, without taking anything in. Returns whether the
    /// thread may sleep: whoever takes a record out wakes it.
    fn poll_while_full(&mut self) -> bool {
        let context = Arc::clone(self.context());
        if self.next_stop.has_come() && context.inbox.stop_fullest() {
            self.next_stop = Moment::within(STOPS_APART);
            return false;
        }
        if !context.inbox.is_full() {
            // What fills it belongs to paused partitions.
            return true;
        }
        if matches!(context.role, Role::Reader) {
            // A reader may be as slow as it likes: no group waits for it.
            return true;
        }
        let full_since = *self.full_since.get_or_insert_with(Moment::now);
        if !self.is_stalled && !full_since.plus(FULL_MAX).has_come() {
            return true;
        }
        let epoch = context.inbox.epoch();
        // Partitions may have come on top of those that are paused.
        if !self.is_stalled || self.stalled_in != epoch {
            (self.is_stalled, self.stalled_in) = (true, epoch);
            self.apply_pauses(context.inbox.owned().into_iter().collect());
        }
        match self.client.poll(Duration::ZERO) {
            Some(Ok(message)) => context.inbox.put(epoch, vec![self.taker.take(&message)]),
            Some(Err(error)) => heard(&context, &error),
            None => {}
        }
        true
    }

    /// Makes librdkafka pause these partitions and no others.
    ///
    /// It throws away what it has prefetched of them, and goes on behind the last record that was
    /// polled, which is in the inbox: so nothing is lost and nothing comes twice.
    fn apply_pauses(&self, wanted: BTreeSet<TopicPartition>) {
        let mut paused = self.context().paused();
        let more: Vec<_> = wanted.difference(&paused).collect();
        let fewer: Vec<_> = paused.difference(&wanted).collect();
        let mut result = Ok(());
        if !more.is_empty() {
            result = self.client.pause(&partitions::list_of(more));
        }
        if !fewer.is_empty() {
            result = result.and(self.client.resume(&partitions::list_of(fewer)));
        }
        *paused = wanted;
        drop(paused);
        if let Err(error) = result {
            heard(self.context(), &error);
        }
    }

    /// A failure with librdkafka's own reason, where it knows of one.
    fn explained(&self, failure: Error) -> Error {
        match self.client.client().fatal_error() {
            Some((code, reason)) => {
                let context = self.context();
                fault::tell(&context.address, &context.tried(), code, Some(&reason))
            }
            None => failure,
        }
    }

    /// Closes the consumer, which leaves its group unless it has a name there.
    ///
    /// Closing may hang (rust-rdkafka #453, #611), so it is done by a thread that nobody has to wait
    /// for.
    fn close(self, ending: Ending) {
        let context = Arc::clone(self.context());
        context.stop();
        if let Role::Member(member) = &context.role {
            member.commits.close();
        }
        let Self { client, .. } = self;
        let (done, is_done) = mpsc::sync_channel(1);
        let closing = thread::Builder::new()
            .name("close kafka".to_owned())
            .spawn(move || {
                if let Some(commit_thread) = ending.commit_thread {
                    // It has a share in the consumer. Where it panicked, it has none any more.
                    let _ = commit_thread.join();
                }
                drop(client);
                // Nobody waits for so long.
                let _ = done.send(());
            });
        if closing.is_err() || is_done.recv_timeout(ending.close_timeout).is_err() {
            observe::client_does_not_close(&context.tried(), ending.close_timeout);
        }
        // A member that was dropped does not wait for this.
        let _ = ending.closed.send(());
    }
}

/// An error that came in the place of a record.
fn heard(context: &Context, error: &KafkaError) {
    // Most were already heard by the error callback, with librdkafka's words: the same trouble is
    // told once.
    context.heard(fault::code(error), "");
}
