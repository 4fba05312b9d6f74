use std::time::Duration;

use super::*;
use crate::broker::kafka::clock::Moment;
use crate::broker::kafka::weather::Weather;

#[test]
fn every_kind_has_a_code_that_leads_to_it() {
    // Shows the mapping by one code each, and that unknown ones are weather.
    for (code, expected) in [
        (Code::BrokerTransportFailure, ErrorKind::Unreachable),
        (Code::UnknownTopicOrPartition, ErrorKind::UnknownTopic),
        (Code::MessageSizeTooLarge, ErrorKind::TooLarge),
        (Code::TopicAuthorizationFailed, ErrorKind::NotAuthorised),
        (Code::Authentication, ErrorKind::NotAuthenticated),
        (Code::IllegalGeneration, ErrorKind::Fenced),
        (Code::UnknownMemberId, ErrorKind::Fenced),
        (Code::FencedInstanceId, ErrorKind::Fenced),
        (Code::InvalidReplicationFactor, ErrorKind::Invalid),
        (Code::PurgeQueue, ErrorKind::Closed),
        (Code::KafkaStorageError, ErrorKind::Other),
    ] {
        assert_eq!(kind(code), expected, "{code:?}");
    }
    assert!(Error::new(kind(Code::KafkaStorageError), "").is_transient());
}

#[test]
fn only_what_no_retry_mends_ends_a_member() {
    // Shows that a broker that is away, or a topic that is not there yet, is waited for.
    assert!(ends_a_member(Code::FencedInstanceId));
    assert!(ends_a_member(Code::GroupAuthorizationFailed));
    assert!(!ends_a_member(Code::AllBrokersDown));
    assert!(!ends_a_member(Code::UnknownTopicOrPartition));
    assert!(!ends_a_member(Code::PollExceeded));
}

#[test]
fn the_message_names_address_task_reason_and_mend() {
    // Shows what people read.
    let error = tell(
        "h:9092",
        "describe topic orders",
        Code::OperationTimedOut,
        None,
    );
    assert_eq!(
        error.to_string(),
        "cannot reach kafka at h:9092, so cannot describe topic orders: no answer in time; is the \
         broker running and the address right?"
    );
    let error = tell(
        "h:9092",
        "read orders",
        Code::TopicAuthorizationFailed,
        None,
    );
    assert_eq!(
        error.to_string(),
        "cannot read orders: kafka at h:9092 does not allow it to this user (topic authorization \
         failed); grant the right, or check the user"
    );
    let error = tell("h:9092", "create topic orders", Code::PolicyViolation, None);
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error
            .to_string()
            .starts_with("cannot create topic orders on kafka at h:9092: ")
    );
}

#[test]
fn a_timeout_is_explained_by_what_was_said_meanwhile() {
    // Shows that wrong credentials do not look like a broker that is away, and that old reasons and
    // the empty "all brokers are down" explain nothing.
    let weather = Weather::default();
    let began = Moment::now();
    weather.note(
        Code::Authentication,
        "SASL authentication error: no such user",
    );
    weather.note(Code::AllBrokersDown, "1/1 brokers are down");
    let trouble = weather.since(began);
    let error = tell_with("h:1", "join", Code::OperationTimedOut, trouble.as_ref());
    assert_eq!(error.kind(), ErrorKind::NotAuthenticated);
    assert!(error.to_string().contains("no such user"));
    assert!(
        weather
            .since(Moment::within(Duration::from_secs(1)))
            .is_none()
    );
    let error = tell_with("h:1", "join", Code::InvalidConfig, trouble.as_ref());
    assert_eq!(error.kind(), ErrorKind::Invalid);
}
