//! Generates the events of the kit.

fn main() {
    quadrille_build::compile("proto");
}
