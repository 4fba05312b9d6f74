//! The order flow under a seed: the scenario that `quadrille simulate` runs, and the tests of the
//! simulator on it.

pub mod gateway; // an outside party, with books to hold money against
pub mod orders; // the steps, and what must hold

pub mod command; // `quadrille simulate`
mod progress; // what people see meanwhile
