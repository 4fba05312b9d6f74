//! Where tests find a real Kafka.

/// Variable with the address of a Kafka for tests.
const VARIABLE: &str = "QUADRILLE_TEST_KAFKA";

/// The address of a real Kafka. `None`, after saying so loudly: there is none, and the test is
/// skipped.
///
/// # Panics
///
/// Where there is none and `CI` is set: there, nothing is skipped.
#[expect(
    clippy::print_stderr,
    reason = "whoever runs the tests must see that one was skipped"
)]
pub fn address() -> Option<String> {
    if let Ok(address) = std::env::var(VARIABLE)
        && !address.is_empty()
    {
        return Some(address);
    }
    let how = format!(
        "{VARIABLE} is not set; start a Kafka by deploy/kafka/kafka.sh and set it to the address"
    );
    assert!(std::env::var_os("CI").is_none(), "{how}");
    eprintln!("SKIPPED: {how}");
    None
}
