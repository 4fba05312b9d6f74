//! A service's reactions, with their types erased.
//!
//! The types that a reaction's author wrote end here; below, every reaction takes bytes and gives
//! encoded events.

use std::future::Future;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};

use super::{Context, Cx, Emits, Emitted, Failure, Reacted};
use crate::envelope::read::Payload;
use crate::event::{Event, Schema};
use crate::state::State;

/// One reaction of a service.
pub(crate) struct Reaction {
    pub(crate) name: &'static str,
    pub(crate) reacts_to: &'static Schema,
    pub(crate) emits: Vec<&'static Schema>,
    run: Run,
}

type Run =
    Box<dyn Fn(Payload, Arc<Context>) -> BoxFuture<'static, Result<Emitted, Failed>> + Send + Sync>;

/// Why a reaction gave nothing.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The payload is not what the type says.
    Undecodable(String),
    /// The reaction said so.
    Reaction(Failure),
}

impl Reaction {
    /// Erases the types of a reaction function.
    pub(crate) fn new<S, G, E, O, F, Fut>(react: F, given: Arc<G>) -> Self
    where
        S: State,
        G: Send + Sync + 'static,
        E: Event,
        O: Emits,
        F: Fn(E, Cx<S, G>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Reacted<O>> + Send + 'static,
    {
        let mut emits = Vec::new();
        O::schemas(&mut emits);
        let run: Run = Box::new(move |payload, context| {
            let (react, given) = (react.clone(), Arc::clone(&given));
            async move {
                let event = decode::<E>(&payload).map_err(Failed::Undecodable)?;
                let events = react(event, Cx::new(context, given))
                    .await
                    .map_err(Failed::Reaction)?;
                let mut emitted = Emitted::default();
                events.emit(&mut emitted);
                Ok(emitted)
            }
            .boxed()
        });
        Self {
            name: name_of::<F>(),
            reacts_to: E::SCHEMA,
            emits,
            run,
        }
    }

    /// Runs the reaction once.
    pub(crate) fn run(
        &self,
        payload: Payload,
        context: Arc<Context>,
    ) -> BoxFuture<'static, Result<Emitted, Failed>> {
        (self.run)(payload, context)
    }
}

fn decode<E: Event>(payload: &Payload) -> Result<E, String> {
    let decoded = match payload {
        Payload::Protobuf(bytes) => E::decode(bytes.clone()),
        Payload::Json(json) => {
            let bytes = crate::descriptors::from_json(E::SCHEMA, json)?;
            E::decode(&*bytes)
        }
    };
    decoded.map_err(|error| format!("payload is not a {}: {error}", E::SCHEMA.name))
}

/// The function's name without its path: `order_placed`.
fn name_of<F>() -> &'static str {
    let path = std::any::type_name::<F>();
    // A closure has no name of its own: it goes by the function that it stands in.
    path.trim_end_matches("::{{closure}}")
        .rsplit("::")
        .next()
        .unwrap_or(path)
}
