//! Generates the bus's own events: receipts, contracts, presence.

fn main() {
    quadrille_build::compile("proto");
}
