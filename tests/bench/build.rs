//! Generates the events of the benchmark.

fn main() {
    quadrille_build::compile("proto");
}
