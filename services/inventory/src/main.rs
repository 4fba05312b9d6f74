//! Inventory as a program of its own.

fn main() -> std::process::ExitCode {
    quadrille::program::main(quadrille_inventory::program::Inventory)
}
