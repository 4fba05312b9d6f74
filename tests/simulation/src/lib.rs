//! The order flow under a seed: the scenario that `quadrille simulate` runs, and the tests of the
//! simulator on it.

pub mod carrier; // an outside party, with books to hold parcels against
pub mod gateway; // the same for money
pub mod mailbox; // the same for what customers are told
pub mod orders; // the steps, and what must hold

mod party; // what all three are made of

pub mod command; // `quadrille simulate`
mod progress; // what people see meanwhile
