//! A reaction that commits a transaction of its own: for a service that has tables of its own.
//!
//! ```text
//! async fn order_placed(order: OrderPlaced, mut cx: Cx<Tables, SqlitePool>) -> Reacted<Joined<PointsEarned>> {
//!     let mut tx = cx.given().begin_with("BEGIN IMMEDIATE").await?;
//!     sqlx::query("update points set …").execute(&mut *tx).await?;
//!     cx.commit(tx, PointsEarned { … }).await
//! }
//! ```
//! The return type still is the contract: a [`Joined`] is only to be had from [`Cx::commit`], which
//! puts the events into the outbox. Records of the store ([`Cx::load`], [`Cx::put`]) have no place
//! in it: the tables are the state.

use std::marker::PhantomData;

use sqlx::SqliteTransaction;

use crate::broker::Outgoing;
use crate::event::Schema;
use crate::react::{Commit, Cx, Emits, Emitted, Failure, Reacted};
use crate::settle::emit;
use crate::settle::receipt::{Attempt, Verdict};
use crate::state::{Change, State};

use super::{Context, InDelivery};

/// Events that stand in the outbox, committed with the reaction's own transaction.
#[derive(Debug)]
#[must_use = "the events are published once the reaction has returned this"]
pub struct Joined<E> {
    commit: Commit,
    events: PhantomData<fn() -> E>,
}

impl<E: Emits> Emits for Joined<E> {
    fn schemas(into: &mut Vec<&'static Schema>) {
        E::schemas(into);
    }

    fn emit(self, to: &mut Emitted) {
        to.committed(self.commit);
    }
}

impl<S: State, G> Cx<S, G> {
    /// Commits a transaction of the service's own, and with it that the event is handled, the
    /// receipt, and the events, which are published then. All of it happens or nothing.
    ///
    /// The event may turn out to be handled already: then the transaction is rolled back, which is
    /// settled as for any other duplicate. The bus must have its store in the same database
    /// ([`crate::state::sqlite::Stores::within`]). The transaction should have been begun by `BEGIN
    /// IMMEDIATE`: one that reads before it writes may else find the database busy.
    pub async fn commit<E: Emits>(
        &mut self,
        tx: SqliteTransaction<'_>,
        events: E,
    ) -> Reacted<Joined<E>> {
        let Some(within) = &self.context.delivery else {
            let message = "a transaction can be committed by a reaction on a broker only";
            return Err(Failure::park("cannot_commit", message));
        };
        let store = self
            .context
            .host
            .store
            .as_ref()
            .and_then(|store| store.as_sqlite());
        let store = store.ok_or_else(|| {
            let message = "the service keeps no state in SQLite: declare it by `keeps`, and give the \
                           bus `sqlite::Stores::within` the pool of its database";
            Failure::park("cannot_commit", message)
        })?;
        let work = self.context.seal();
        if !work.reads.is_empty() || !work.writes.is_empty() {
            let message = "a reaction that commits a transaction of its own cannot load or put \
                           records: its tables are its state";
            return Err(Failure::park("cannot_commit", message));
        }
        let mut emitted = Emitted::default();
        events.emit(&mut emitted);
        let outbox = within.outbox(&self.context, emitted)?;
        let change = Change {
            event: Some(within.delivery.event_key()),
            position: Some(within.delivery.position()),
            outbox,
            at: self.context.now,
            ..Change::default()
        };
        let applied = store.commit(tx, &change).await?;
        Ok(Joined {
            commit: Commit {
                applied,
                outbox: change.outbox,
            },
            events: PhantomData,
        })
    }
}

impl InDelivery {
    /// Events and receipt as records.
    fn outbox(&self, context: &Context, emitted: Emitted) -> Reacted<Vec<Outgoing>> {
        let host = &*context.host;
        let events = emit::from_reaction(host, &self.delivery, self.span, emitted)?;
        let attempt = Attempt {
            number: context.attempt,
            first_at: self.first_at,
            started_at: context.now,
            duration: host.world.elapsed().saturating_sub(self.began),
            span: self.span,
        };
        let receipt = Verdict::done(&events).record(host, &self.delivery, &attempt);
        let records = events.into_iter().map(|event| event.record);
        Ok(records.chain(receipt).collect())
    }
}
