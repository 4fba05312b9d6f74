//! The bus's own events, generated from `bus/proto`: receipts, contracts, presence.

mod generated {
    include!(concat!(env!("OUT_DIR"), "/quadrille.rs"));
}

pub use generated::quadrille::v1::{
    Activity, AssignedPartition, ContractPublished, EmittedEvent, Outcome, PresenceAnnounced,
    Reaction, Receipt, RetryingEvent,
};
