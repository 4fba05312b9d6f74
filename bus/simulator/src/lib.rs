//! The simulator: services under a seed, with faults at every step.
//!
//! Services run unchanged, in one thread, on the in-memory broker, under a clock, a randomness and an
//! executor of its own. Time is virtual: an hour costs milliseconds. What goes wrong is drawn from the
//! seed before a run begins: crashes at each point of an event's path, rebalances, zombies,
//! duplicates, delays, partitions and stores that do not answer, calls to the outside that hang.
//! What must hold is looked at from outside. What does not hold is shrunk to its shortest story.
//!
//! ```text
//! simulate("shop", |stage| {
//!     let door = Door::new();
//!     let of_shop = door.clone();
//!     stage.service(move || shop::service(&of_shop));
//!     stage.service(stock::service);
//!     stage.steps(
//!         |draw| (0..draw.between(1, 5)).map(|n| format!("order {n}")).collect(),
//!         move |step: String| shop::order(door.clone(), step),
//!     );
//!     stage.holds("nobody waits", |end| …);
//! })
//! .seeds(1_000)
//! .check();
//! ```
//! The same seed gives the same story, to the letter, in every process. See `docs/simulate.md`.

mod draw; // randomness from a seed
mod executor; // one thread, virtual time, and the order of everything drawn
mod script; // what happens in a run, and what goes wrong in it
mod kinds; // kinds of fault, and how those of a run are drawn
mod weather; // which fault has its turn now
mod site; // where an instance runs
mod line; // between an instance and the broker
mod vault; // a store as an instance sees it
mod outside; // whatever services call that is no service
mod chronicle; // what happened, seen from outside
mod watch; // what each instance does, against what it may
mod holdings; // who holds which partition, and what is at work on it
mod decisions; // what was decided, against what is published
mod end; // what stands there in the end
pub mod invariants; // what must hold of any services
mod stage; // what a simulation consists of
mod troupe; // the instances of a run
mod panics; // each one is a finding
#[cfg(feature = "sqlite")]
mod inline; // SQLite, answered before time goes on
mod run; // one run
mod reason; // why something does not hold, and when that is the same
mod shrink; // what fails, with fewer and fewer lines
mod compensation; // each step of each path fails, and what came before is undone
mod failure; // what does not hold, as people read it, and as a file
mod simulation; // many runs
mod seeded; // one thread and virtual time for a test of any other kind

pub use compensation::{Case, Count, Coverage, Fails};
pub use draw::Draw;
pub use end::{Broken, End, Name, Placed, Told};
pub use failure::{Failure, Regression};
pub use invariants::{Breach, Invariant, Total};
pub use kinds::Kind;
pub use outside::Outside;
pub use run::Keeps;
pub use script::{Call, Fault, Script, Step};
pub use seeded::seeded;
pub use simulation::{Done, Report, Simulation, simulate};
pub use stage::Stage;
