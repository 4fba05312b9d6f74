//! Generates schemas of its own, and takes types and an event of another crate.

fn main() {
    quadrille_build::Config::new()
        .include("../../../schemas/proto")
        .extern_path(".common.v1", "::quadrille_schemas::common::v1")
        .compile("proto");
}
