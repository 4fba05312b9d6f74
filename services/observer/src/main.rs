//! The observer as a program of its own.

fn main() -> std::process::ExitCode {
    quadrille::program::main(quadrille_observer::program::Program)
}
