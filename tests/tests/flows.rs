//! Whole flows in one process, on the in-memory broker.

mod flows {
    mod order; // an order goes in, services react to each other, and it ends in one outcome
    mod withdrawn; // withdrawn at every moment of its way
    mod sqlite; // the same on SQLite, with crashes in the middle
    mod outside; // calls wait for what they rest on
}
