//! Generates the events of all `.proto` files under `proto`.

fn main() {
    quadrille_build::compile("proto");
}
