//! The store conformance suite on the in-memory store.

use std::sync::Arc;

use quadrille::state::memory::Memory;

quadrille_tests::store_conformance!(((), Arc::new(Memory::new())));
