//! The program's allocator: mimalloc in the system's place.
//!
//! An event is made on one thread, and freed on another one that heard what became of it. The system's
//! allocator takes a lock for that; a third of what it cost to react went into it
//! (`docs/benchmarks.md`). A library has no business to choose for a whole program, so this is a
//! feature, and off: the programs of this repository have it on.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
