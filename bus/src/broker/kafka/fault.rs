//! What librdkafka's errors mean at the edge, and how they are told to people.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::super::{Error, ErrorKind};
use super::weather::Trouble;

/// The code inside an error of the crate's.
pub(super) fn code(error: &KafkaError) -> Code {
    match error {
        // The crate itself passes over this one.
        KafkaError::AdminOp(code) => *code,
        KafkaError::ClientConfig(..) | KafkaError::AdminOpCreation(_) | KafkaError::Nul(_) => {
            Code::InvalidArgument
        }
        KafkaError::Canceled => Code::DestroyBroker,
        other => other.rdkafka_error_code().unwrap_or(Code::Fail),
    }
}

/// The edge's word for a code.
pub(super) fn kind(code: Code) -> ErrorKind {
    match code {
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::Resolve
        | Code::SSL
        | Code::OperationTimedOut
        | Code::TimedOutQueue
        | Code::MessageTimedOut
        | Code::RequestTimedOut
        | Code::NetworkException
        | Code::BrokerNotAvailable
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::WaitingForCoordinator
        | Code::CoordinatorNotAvailable
        | Code::CoordinatorLoadInProgress
        | Code::NotCoordinator => ErrorKind::Unreachable,

        Code::UnknownTopic
        | Code::UnknownPartition
        | Code::UnknownTopicOrPartition
        | Code::UnknownTopicId => ErrorKind::UnknownTopic,

        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => {
            ErrorKind::TooLarge
        }

        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => ErrorKind::NotAuthorised,

        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState => ErrorKind::NotAuthenticated,

        Code::IllegalGeneration
        | Code::UnknownMemberId
        | Code::RebalanceInProgress
        | Code::AssignmentLost
        | Code::Fenced
        | Code::FencedInstanceId
        | Code::FencedMemberEpoch
        | Code::StaleMemberEpoch
        | Code::ProducerFenced
        | Code::InvalidProducerEpoch => ErrorKind::Fenced,

        Code::InvalidArgument
        | Code::InvalidTopic
        | Code::InvalidPartitions
        | Code::InvalidReplicationFactor
        | Code::InvalidReplicaAssignment
        | Code::InvalidConfig
        | Code::InvalidRequest
        | Code::InvalidTimestamp
        | Code::InvalidRecord
        | Code::InvalidGroupId
        | Code::InvalidSessionTimeout
        | Code::InconsistentGroupProtocol
        | Code::PolicyViolation
        | Code::UnsupportedVersion => ErrorKind::Invalid,

        Code::PurgeQueue | Code::PurgeInflight | Code::DestroyBroker => ErrorKind::Closed,

        _ => ErrorKind::Other,
    }
}

/// Whether a group member that hears this has failed for good.
pub(super) fn ends_a_member(code: Code) -> bool {
    match code {
        Code::Fatal | Code::Fenced | Code::FencedInstanceId => true,
        // Nobody can mend these but a person. Trying again is for the next member.
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism => true,
        Code::InvalidGroupId
        | Code::InvalidSessionTimeout
        | Code::InconsistentGroupProtocol
        | Code::GroupMaxSizeReached => true,
        _ => false,
    }
}

/// Tells people that something could not be done, why, and what to do about it.
///
/// `tried` completes "cannot …". `reason` is what the client library said beside the code.
pub(super) fn tell(address: &str, tried: &str, code: Code, reason: Option<&str>) -> Error {
    let kind = kind(code);
    let why = match reason {
        Some(reason) if !reason.is_empty() => reason.to_owned(),
        _ => words(code),
    };
    let message = match kind {
        ErrorKind::Unreachable => format!(
            "cannot reach kafka at {address}, so cannot {tried}: {why}; is the broker running and \
             the address right?"
        ),
        ErrorKind::UnknownTopic => format!(
            "cannot {tried}: there is no such topic or partition on kafka at {address}; create it, \
             or check its name"
        ),
        ErrorKind::TooLarge => format!(
            "cannot {tried}: the record is too large ({why}); make it smaller, or raise the \
             client's limit for records and `max.message.bytes` of the topic"
        ),
        ErrorKind::NotAuthorised => format!(
            "cannot {tried}: kafka at {address} does not allow it to this user ({why}); grant the \
             right, or check the user"
        ),
        ErrorKind::NotAuthenticated => format!(
            "cannot {tried}: kafka at {address} does not accept the credentials ({why}); check \
             user, password and mechanism"
        ),
        _ => format!("cannot {tried} on kafka at {address}: {why}"),
    };
    Error::new(kind, message)
}

/// Like [`tell`], for a request that may have failed for a reason told elsewhere.
pub(super) fn tell_with(
    address: &str,
    tried: &str,
    code: Code,
    trouble: Option<&Trouble>,
) -> Error {
    match trouble {
        // A timeout says nothing; the reason for it may be of another kind altogether.
        Some(trouble) if kind(code) == ErrorKind::Unreachable => {
            tell(address, tried, trouble.code, Some(&trouble.reason))
        }
        _ => tell(address, tried, code, None),
    }
}

/// A code in words.
fn words(code: Code) -> String {
    match code {
        Code::OperationTimedOut | Code::TimedOutQueue | Code::RequestTimedOut => {
            "no answer in time".to_owned()
        }
        Code::BrokerTransportFailure | Code::NetworkException => "the connection failed".to_owned(),
        Code::AllBrokersDown => "all brokers are down".to_owned(),
        Code::Resolve => "the host name cannot be resolved".to_owned(),
        Code::InvalidReplicationFactor => {
            "the replication is more than there are brokers, or less than 1".to_owned()
        }
        code => {
            // `Name (Local: what it means)`, of which only the meaning is for people.
            let text = code.to_string();
            let meaning = text
                .split_once('(')
                .map_or(text.as_str(), |(_, meaning)| meaning.trim_end_matches(')'));
            let meaning = meaning
                .strip_prefix("Local: ")
                .or_else(|| meaning.strip_prefix("Broker: "))
                .unwrap_or(meaning);
            lower_first(meaning)
        }
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
