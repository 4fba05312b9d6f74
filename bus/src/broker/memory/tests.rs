//! The async edge, polled by hand: without a runtime, under a clock that moves when it is told to.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _, poll_fn};
use jiff::Timestamp;

use super::*;
use crate::broker::{Assignor, Broker as _, ErrorKind, Headers, Signal, Start};
use crate::event::Retention;
use crate::world::World;

/// A world whose clock moves when it is told to.
#[derive(Default)]
struct ByHand {
    elapsed: Mutex<Duration>,
    sleepers: Mutex<Vec<Waker>>,
    drawn: AtomicU64,
}

impl ByHand {
    fn pass(&self, seconds: u64) {
        *self.elapsed.lock().unwrap() += Duration::from_secs(seconds);
        for sleeper in self.sleepers.lock().unwrap().drain(..) {
            sleeper.wake();
        }
    }
}

impl World for Arc<ByHand> {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + ByHand::elapsed(self)
    }

    fn elapsed(&self) -> Duration {
        ByHand::elapsed(self)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let until = ByHand::elapsed(self) + duration;
        let world = Arc::clone(self);
        poll_fn(move |cx| {
            world.sleepers.lock().unwrap().push(cx.waker().clone());
            match ByHand::elapsed(&world) >= until {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .boxed()
    }

    fn start(&self, name: &'static str, _task: BoxFuture<'static, ()>) {
        panic!("the in-memory broker starts no task, but started {name}");
    }

    fn random(&self) -> u64 {
        self.drawn.fetch_add(1, Ordering::Relaxed)
    }
}

impl ByHand {
    fn elapsed(&self) -> Duration {
        *self.elapsed.lock().unwrap()
    }
}

/// Counts how often it was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    fn poll<F: Future + ?Sized>(self: &Arc<Self>, work: Pin<&mut F>) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(self));
        work.poll(&mut Context::from_waker(&waker))
    }

    fn wakes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a future gives without waiting.
fn now<F: Future>(work: F) -> F::Output {
    match Arc::<Count>::default().poll(std::pin::pin!(work)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it has to wait"),
    }
}

/// A broker with a topic `t` of two partitions.
fn broker() -> (Arc<ByHand>, Broker) {
    let world = Arc::new(ByHand::default());
    let broker = Broker::new(Arc::new(Arc::clone(&world)));
    let topic = NewTopic {
        name: partition(0).topic,
        partitions: 2,
        replication: None,
        retention: Retention::Forever,
    };
    assert!(now(broker.create(&topic)).unwrap());
    (world, broker)
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new(TopicName::parse("t").unwrap(), number)
}

fn send(broker: &Broker, number: i32) {
    let record = Outgoing {
        topic: partition(number).topic,
        partition: Some(number),
        key: None,
        value: Some(Bytes::from("v")),
        headers: Headers::new(),
        timestamp_ms: None,
    };
    now(now(broker.send(record)).unwrap()).unwrap();
}

fn join(broker: &Broker) -> Box<dyn Consumer> {
    let membership = Membership {
        group: "g".to_owned(),
        topics: vec![partition(0).topic],
        start: Start::Beginning,
        assignor: Assignor::Range,
        instance: None,
        session_timeout: Duration::from_secs(10),
        rebalance_timeout: Duration::from_secs(60),
    };
    now(broker.join(membership)).unwrap()
}

/// The first member of a group, up to where it reads.
fn reading(broker: &Broker) -> Box<dyn Consumer> {
    let mut member = join(broker);
    match now(member.next()) {
        Signal::Assigned(assigned) => assigned.start_at(BTreeMap::new()),
        other => panic!("a first member is assigned everything, not {other:?}"),
    }
    member
}

fn revoked(member: &mut Box<dyn Consumer>) -> crate::broker::Revoked {
    match now(member.next()) {
        Signal::Revoked(revoked) => revoked,
        other => panic!("partitions are revoked, not {other:?}"),
    }
}

fn committed(broker: &Broker, number: i32) -> Option<i64> {
    let offsets = now(broker.committed("g", &[partition(number)])).unwrap();
    offsets.get(&partition(number)).copied()
}

#[test]
fn clones_are_one_cluster_and_others_have_another_id() {
    let (world, one) = broker();
    let clone = one.clone();
    let other = Broker::new(Arc::new(Arc::clone(&world)));

    assert_eq!(now(clone.topics()).unwrap(), [partition(0).topic]);
    assert_eq!(
        now(clone.cluster_id()).unwrap(),
        now(one.cluster_id()).unwrap()
    );
    assert_eq!(now(other.topics()).unwrap(), []);
    assert_ne!(
        now(other.cluster_id()).unwrap(),
        now(one.cluster_id()).unwrap()
    );
}

#[test]
fn limits_that_contradict_each_other_are_refused() {
    let (world, _) = broker();
    let config = Config {
        memory_bytes_max: 0,
        ..Config::default()
    };

    let error = Broker::with(Arc::new(world), config).err().unwrap();

    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn a_waiting_member_notices_that_the_session_of_a_dropped_one_has_ended() {
    let (world, broker) = broker();
    let mut a = reading(&broker);
    let mut b = join(&broker);
    revoked(&mut a).release(BTreeMap::new());
    assert!(matches!(now(a.next()), Signal::Assigned(_)));
    let Signal::Assigned(assigned) = now(b.next()) else {
        panic!("the second one is given its share");
    };
    assigned.start_at(BTreeMap::new());
    let count = Arc::<Count>::default();
    let mut waiting = b.next();
    assert!(count.poll(waiting.as_mut()).is_pending());

    drop(a);

    assert_eq!(count.wakes(), 1, "it must look at the clock again");
    assert!(count.poll(waiting.as_mut()).is_pending());
    world.pass(9);
    assert!(count.poll(waiting.as_mut()).is_pending());
    let wakes = count.wakes();
    world.pass(1);
    assert!(count.wakes() > wakes, "the time wakes it");
    let Poll::Ready(Signal::Revoked(revoked)) = count.poll(waiting.as_mut()) else {
        panic!("a rebalance begins");
    };
    assert_eq!(revoked.partitions, [partition(1)]);
}

#[test]
fn a_reader_is_woken_by_its_own_partitions_only() {
    let (_, broker) = broker();
    let mut reader = now(broker.read([(partition(1), 0)].into())).unwrap();
    let count = Arc::<Count>::default();
    let mut waiting = reader.next();
    assert!(count.poll(waiting.as_mut()).is_pending());

    send(&broker, 0);
    assert_eq!(count.wakes(), 0);
    send(&broker, 1);

    assert_eq!(count.wakes(), 1);
    let Poll::Ready(Ok(records)) = count.poll(waiting.as_mut()) else {
        panic!("the record is there");
    };
    assert_eq!(records.len(), 1);
}

#[test]
fn an_answer_wakes_the_member_and_survives_a_dropped_call() {
    let (_, broker) = broker();
    send(&broker, 0);
    let mut member = join(&broker);
    let Signal::Assigned(assigned) = now(member.next()) else {
        panic!("a first member is assigned everything");
    };
    let count = Arc::<Count>::default();
    let mut waiting = member.next();
    assert!(count.poll(waiting.as_mut()).is_pending());

    assigned.start_at([(partition(0), 0)].into());
    assert_eq!(count.wakes(), 1);
    drop(waiting);

    assert!(matches!(now(member.next()), Signal::Records(_)));
}

#[test]
fn a_pause_right_after_the_answer_holds() {
    let (_, broker) = broker();
    let mut member = reading(&broker);
    send(&broker, 0);

    member.pause(&[partition(0)]);

    assert!(
        member.next().now_or_never().is_none(),
        "the partition is paused"
    );
    member.resume(&[partition(0)]);
    assert!(matches!(now(member.next()), Signal::Records(_)));
}

#[test]
fn what_was_released_is_committed_even_if_the_member_is_dropped_at_once() {
    let (_, broker) = broker();
    let mut member = reading(&broker);
    let _other = join(&broker);

    revoked(&mut member).release([(partition(0), 3)].into());
    drop(member);

    assert_eq!(committed(&broker, 0), Some(3));
}

#[test]
fn a_release_counts_before_whatever_the_member_does_next() {
    let (_, broker) = broker();
    let mut member = reading(&broker);
    let mut other = join(&broker);
    revoked(&mut member).release([(partition(0), 3)].into());

    let late = now(member.commit(&[(partition(0), 1)].into()));

    assert_eq!(late.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(committed(&broker, 0), Some(3));
    assert!(matches!(now(other.next()), Signal::Assigned(_)));
}

#[test]
fn a_signal_that_is_dropped_is_answered_with_nothing() {
    let (_, broker) = broker();
    let mut member = join(&broker);
    send(&broker, 0);
    assert!(matches!(now(member.next()), Signal::Assigned(_)));
    assert!(
        matches!(now(member.next()), Signal::Records(_)),
        "it starts as agreed"
    );
    let mut other = join(&broker);

    drop(revoked(&mut member));

    assert!(matches!(now(member.next()), Signal::Assigned(_)));
    assert!(matches!(now(other.next()), Signal::Assigned(_)));
    assert_eq!(committed(&broker, 0), None);
}

#[test]
fn a_member_that_leaves_is_not_waited_for() {
    let (_, broker) = broker();
    let mut member = reading(&broker);
    let mut other = join(&broker);
    assert!(other.next().now_or_never().is_none());

    now(member.commit(&[(partition(0), 2)].into())).unwrap();
    now(member.leave());

    assert!(matches!(now(other.next()), Signal::Assigned(_)));
    assert_eq!(committed(&broker, 0), Some(2));
}
