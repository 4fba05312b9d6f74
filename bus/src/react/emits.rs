//! The emitted set is the type: what a reaction may emit stands in its return type and nowhere
//! else.
//!
//! `()`, an event, `Option`, `Vec`, tuples, [`Either`], [`NewFlow`] and derived enums
//! (`#[derive(Emits)]`) can be returned, in any nesting. The contract is read from the type, so it
//! cannot disagree with the code.

use bytes::Bytes;

use crate::broker::Outgoing;
use crate::event::{Event, Schema};
use crate::state::Applied;

/// A value that is a set of events, whose possible types are known from its type.
///
/// Derive it for an enum of events with `#[derive(quadrille::Emits)]`.
pub trait Emits: Send + 'static {
    /// Adds the schemas of all events that a value of this type may hold.
    fn schemas(into: &mut Vec<&'static Schema>);

    /// Hands each event over, in order.
    fn emit(self, to: &mut Emitted);
}

/// The events that a reaction emitted, in order.
#[derive(Debug, Default)]
pub struct Emitted {
    events: Vec<Born>,
    new_flow: bool,
    committed: Option<Commit>,
}

/// What a reaction has committed inside a transaction of its own.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) applied: Applied,
    /// What stands in the outbox for it.
    pub(crate) outbox: Vec<Outgoing>,
}

/// One emitted event, encoded.
#[derive(Debug, Clone)]
pub(crate) struct Born {
    pub(crate) schema: &'static Schema,
    pub(crate) key: String,
    pub(crate) payload: Bytes,
    pub(crate) new_flow: bool,
}

impl Emitted {
    /// Adds an event.
    pub fn event<E: Event>(&mut self, event: &E) {
        self.events.push(Born {
            schema: E::SCHEMA,
            key: event.key().into_owned(),
            payload: event.encode_to_vec().into(),
            new_flow: self.new_flow,
        });
    }

    /// Notes that it is all in the database already.
    #[cfg(feature = "sqlite")]
    pub(crate) fn committed(&mut self, commit: Commit) {
        self.committed = Some(commit);
    }

    /// What is in the database already.
    pub(crate) fn take_committed(&mut self) -> Option<Commit> {
        self.committed.take()
    }

    pub(crate) fn into_events(self) -> Vec<Born> {
        self.events
    }
}

/// One of two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first.
    Left(A),
    /// The second.
    Right(B),
}

/// Events that begin a new flow, linked to this one by their cause. Without it, whatever follows
/// from a flow belongs to it, and something that goes on for ever would never end one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFlow<E>(pub E);

impl Emits for () {
    fn schemas(_: &mut Vec<&'static Schema>) {}

    fn emit(self, _: &mut Emitted) {}
}

impl<E: Event> Emits for E {
    fn schemas(into: &mut Vec<&'static Schema>) {
        into.push(E::SCHEMA);
    }

    fn emit(self, to: &mut Emitted) {
        to.event(&self);
    }
}

impl<E: Emits> Emits for Option<E> {
    fn schemas(into: &mut Vec<&'static Schema>) {
        E::schemas(into);
    }

    fn emit(self, to: &mut Emitted) {
        if let Some(events) = self {
            events.emit(to);
        }
    }
}

impl<E: Emits> Emits for Vec<E> {
    fn schemas(into: &mut Vec<&'static Schema>) {
        E::schemas(into);
    }

    fn emit(self, to: &mut Emitted) {
        for events in self {
            events.emit(to);
        }
    }
}

impl<A: Emits, B: Emits> Emits for Either<A, B> {
    fn schemas(into: &mut Vec<&'static Schema>) {
        A::schemas(into);
        B::schemas(into);
    }

    fn emit(self, to: &mut Emitted) {
        match self {
            Self::Left(events) => events.emit(to),
            Self::Right(events) => events.emit(to),
        }
    }
}

impl<E: Emits> Emits for NewFlow<E> {
    fn schemas(into: &mut Vec<&'static Schema>) {
        E::schemas(into);
    }

    fn emit(self, to: &mut Emitted) {
        let outer = std::mem::replace(&mut to.new_flow, true);
        self.0.emit(to);
        to.new_flow = outer;
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: Emits),+> Emits for ($($name,)+) {
            fn schemas(into: &mut Vec<&'static Schema>) {
                $($name::schemas(into);)+
            }

            fn emit(self, to: &mut Emitted) {
                #[allow(non_snake_case, reason = "the type's name serves as the binding's")]
                let ($($name,)+) = self;
                $($name.emit(to);)+
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
