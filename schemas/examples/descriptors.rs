//! Writes the descriptors of all events, the bus's own included, to standard output: one encoded
//! `FileDescriptorSet`, for programs of other languages.
//!
//! `cargo run -q -p quadrille-schemas --example descriptors > descriptors.bin`

use std::io::{self, Write as _};

use quadrille::event::Event as _;
use quadrille::wire::Receipt;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    // Two encoded messages of one type, one after the other, are both of them together. A file that
    // both describe stands in it twice.
    out.write_all(quadrille_schemas::DESCRIPTORS)?;
    out.write_all(Receipt::SCHEMA.descriptors)?;
    out.flush()
}
