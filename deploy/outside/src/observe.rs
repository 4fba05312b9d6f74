//! Every log line of a party, defined once. None holds a card's number.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::behaviour::Behaviour;
use crate::books::Entry;

pub(crate) fn open(address: SocketAddr, ledger: &Path, entries: u64) {
    info!(%address, ledger = %ledger.display(), entries, "open");
}

pub(crate) fn exposed(address: SocketAddr) {
    warn!(%address, "listens beyond this machine, and asks nobody who they are");
}

pub(crate) fn stopping() {
    info!("stopping, new requests are refused");
}

pub(crate) fn cut_off(drain: Duration) {
    warn!(
        drain_ms = drain.as_millis(),
        "requests did not end in time, and were cut off"
    );
}

pub(crate) fn booked(entry: &impl Entry) {
    debug!(seq = entry.seq(), key = entry.key(), "booked");
}

pub(crate) fn behaves(behaviour: &Behaviour) {
    info!(?behaviour, "behaviour changed");
}

pub(crate) fn torn(ledger: &Path, line: u64, bytes: usize) {
    warn!(ledger = %ledger.display(), line, bytes, "cut off a line that was never finished");
}

pub(crate) fn not_written(failure: &io::Error) {
    error!(failure = %failure, "the ledger cannot be written, nothing is booked until it can");
}

pub(crate) fn written_again() {
    info!("the ledger can be written again");
}
