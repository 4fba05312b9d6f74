//! Notifications as a program of its own.

fn main() -> std::process::ExitCode {
    quadrille::program::main(quadrille_notifications::program::Notifications)
}
