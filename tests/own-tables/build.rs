//! Generates the events of the example.

fn main() {
    quadrille_build::compile("proto");
}
