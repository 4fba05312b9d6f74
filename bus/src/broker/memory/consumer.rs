//! A group member, at the async edge.
//!
//! The answers to [`Assigned`] and [`Revoked`] arrive here and are handed to the state machine with
//! the member's next call, whichever that is. A signal that was dropped unanswered counts as
//! answered with nothing: no position, no offset.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{Either, FutureExt as _, pending, poll_fn, select};
use tokio::sync::{Notify, oneshot};

use super::super::{self as broker, Assigned, Error, Revoked, Signal, TopicPartition};
use super::Shared;
use super::cluster::{Seat, Step};

type Offsets = BTreeMap<TopicPartition, i64>;

/// One member of a consumer group.
pub(super) struct Consumer {
    shared: Arc<Shared>,
    seat: Arc<Seat>,
    bell: Arc<Notify>,
    question: Option<Question>,
    has_left: bool,
}

impl Consumer {
    pub(super) fn new(shared: Arc<Shared>, seat: Seat, bell: Arc<Notify>) -> Self {
        Self {
            shared,
            seat: Arc::new(seat),
            bell,
            question: None,
            has_left: false,
        }
    }

    /// What the member hears next. `Err`: nothing yet, and when to ask again.
    fn ask(&mut self) -> Result<Signal, Option<Duration>> {
        self.hand_answer_over();
        let step = self
            .shared
            .step(|cluster, now| cluster.next(&self.seat, now));
        Ok(match step {
            Step::Records(records) => Signal::Records(records),
            Step::Assigned(partitions) => {
                let (assigned, answer) = Assigned::new(partitions);
                self.question = Some(Question::new(Asked::StartWhere, answer));
                Signal::Assigned(assigned)
            }
            Step::Revoked(partitions) => {
                let (revoked, answer) = Revoked::new(partitions);
                self.question = Some(Question::new(Asked::ReleaseWhat, answer));
                Signal::Revoked(revoked)
            }
            Step::Lost(partitions) => {
                // Whatever was asked about them is no longer of interest.
                self.question = None;
                Signal::Lost(partitions)
            }
            Step::Troubled(error) => Signal::Troubled(error),
            Step::Failed(error) => Signal::Failed(error),
            Step::Wait(until) => return Err(until),
        })
    }

    /// Waits until there may be something new: an answer, the bell, or the time.
    async fn wait(&mut self, until: Option<Duration>) {
        let time = match until {
            Some(until) => {
                let world = &self.shared.world;
                world.sleep(until.saturating_sub(world.elapsed()))
            }
            None => pending().boxed(),
        };
        let answer = match &mut self.question {
            Some(question) => Either::Left(poll_fn(|cx| question.poll(cx))),
            None => Either::Right(pending()),
        };
        let bell = std::pin::pin!(self.bell.notified());
        select(answer, select(bell, time)).await;
    }

    /// Hands the answer to what was asked to the state machine, where there is one by now.
    fn hand_answer_over(&mut self) {
        let Some((asked, offsets)) = self.question.as_mut().and_then(Question::take) else {
            return;
        };
        self.question = None;
        self.shared.step(|cluster, now| match asked {
            Asked::StartWhere => cluster.start_at(&self.seat, &offsets, now),
            Asked::ReleaseWhat => cluster.release(&self.seat, offsets, now),
        });
    }
}

#[async_trait]
impl broker::Consumer for Consumer {
    async fn next(&mut self) -> Signal {
        loop {
            match self.ask() {
                Ok(signal) => return signal,
                Err(until) => {
                    let _listening = Listening {
                        shared: Arc::clone(&self.shared),
                        seat: Arc::clone(&self.seat),
                    };
                    self.wait(until).await;
                }
            }
        }
    }

    fn pause(&mut self, partitions: &[TopicPartition]) {
        self.hand_answer_over();
        self.shared
            .step(|cluster, _| cluster.set_paused(&self.seat, partitions, true));
    }

    fn resume(&mut self, partitions: &[TopicPartition]) {
        self.hand_answer_over();
        self.shared
            .step(|cluster, _| cluster.set_paused(&self.seat, partitions, false));
    }

    async fn commit(&mut self, offsets: &BTreeMap<TopicPartition, i64>) -> Result<(), Error> {
        self.hand_answer_over();
        self.shared
            .step(|cluster, now| cluster.commit(&self.seat, offsets, now))
    }

    async fn leave(mut self: Box<Self>) {
        self.hand_answer_over();
        self.has_left = true;
        self.shared
            .step(|cluster, now| cluster.leave(&self.seat, now));
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.shared.hang_up(self.seat.id);
        if !self.has_left {
            // What was answered before the end counts, as if it had been heard in time.
            self.hand_answer_over();
            self.shared
                .step(|cluster, now| cluster.gone(&self.seat, now));
        }
    }
}

/// While it lives, the member counts as asking for what comes next.
struct Listening {
    shared: Arc<Shared>,
    seat: Arc<Seat>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.shared
            .step(|cluster, now| cluster.idle(&self.seat, now));
    }
}

/// What the member was asked and has perhaps not answered yet.
struct Question {
    asked: Asked,
    reply: oneshot::Receiver<Offsets>,
    /// The answer, once it is here: a reply can be received only once, but whoever waited for it
    /// may have been dropped.
    answer: Option<Offsets>,
}

#[derive(Clone, Copy)]
enum Asked {
    StartWhere,
    ReleaseWhat,
}

impl Question {
    fn new(asked: Asked, reply: oneshot::Receiver<Offsets>) -> Self {
        Self {
            asked,
            reply,
            answer: None,
        }
    }

    /// Ready once the answer is here.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.answer.is_none()
            && let Poll::Ready(reply) = self.reply.poll_unpin(cx)
        {
            // A signal that was dropped will never be answered.
            self.answer = Some(reply.unwrap_or_default());
        }
        match self.answer {
            Some(_) => Poll::Ready(()),
            None => Poll::Pending,
        }
    }

    /// The answer, where it is here.
    fn take(&mut self) -> Option<(Asked, Offsets)> {
        use oneshot::error::TryRecvError;

        let answer = match self.answer.take() {
            Some(answer) => answer,
            None => match self.reply.try_recv() {
                Ok(answer) => answer,
                Err(TryRecvError::Closed) => Offsets::new(),
                Err(TryRecvError::Empty) => return None,
            },
        };
        Some((self.asked, answer))
    }
}
