//! What can go wrong, always with the host and the API it went wrong with.

use std::sync::Arc;
use std::time::Duration;

use limpid_protocol::{ApiKey, DecodeError, EncodeError, ErrorCode};

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientError {
    /// `host:port` of the broker, if it came that far.
    pub host: Option<Arc<str>>,
    /// The API called.
    pub api: ApiKey,
    /// What happened.
    pub kind: ErrorKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No connection could be made.
    #[error("can't connect: {0}")]
    Connect(String),
    /// A listener that is there and does not let us in; says what to change.
    #[error("{0}")]
    Refused(String),
    /// The connection ended before the answer.
    #[error("connection lost: {0}")]
    Broken(String),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The broker does not speak the API in a version that we speak.
    #[error("the broker serves versions {min} to {max}, none of them is known here")]
    Version {
        /// The broker's lowest version.
        min: i16,
        /// The broker's highest version.
        max: i16,
    },
    /// The broker does not serve the API at all.
    #[error("the broker does not serve it")]
    NotServed,
    /// The answer's bytes are no answer.
    #[error("malformed answer: {0}")]
    Malformed(#[from] DecodeError),
    /// The request can't be expressed.
    #[error("the request can't be encoded: {0}")]
    Encode(#[from] EncodeError),
    /// The broker refused.
    #[error("{code} ({}){}{about}{}", code.message(), if about.is_empty() { "" } else { " for " },
        message.as_deref().map(|m| format!(": {m}")).unwrap_or_default())]
    Kafka {
        /// Kafka's error.
        code: ErrorCode,
        /// The topic, partition or group it is about.
        about: String,
        /// What the broker says.
        message: Option<String>,
    },
    /// A number that is no error of Kafka's 4.3.
    #[error("unknown error {0}")]
    UnknownCode(i16),
    /// The answer leaves out what was asked for.
    #[error("the answer says nothing about {0}")]
    Missing(String),
    /// Records can't be read or written.
    #[error("{0}")]
    Records(String),
    /// The caller has closed what it uses.
    #[error("closed")]
    Closed,
}

impl ClientError {
    /// An error without a host.
    pub(crate) fn new(api: ApiKey, kind: ErrorKind) -> Self {
        let host = None;
        Self { host, api, kind }
    }

    /// An error of a broker.
    pub(crate) fn at(host: &Arc<str>, api: ApiKey, kind: ErrorKind) -> Self {
        Self {
            host: Some(Arc::clone(host)),
            api,
            kind,
        }
    }

    /// Kafka's error, if the broker gave one.
    pub fn code(&self) -> Option<ErrorCode> {
        match &self.kind {
            ErrorKind::Kafka { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the same call may succeed later.
    pub fn retriable(&self) -> bool {
        match &self.kind {
            ErrorKind::Connect(_) | ErrorKind::Broken(_) | ErrorKind::Timeout(_) => true,
            ErrorKind::Kafka { code, .. } => code.retriable(),
            _ => false,
        }
    }

    /// Whether nobody answered (as opposed to: the broker refused).
    pub fn is_unreachable(&self) -> bool {
        use ErrorKind::{Broken, Connect, Timeout};
        matches!(self.kind, Connect(_) | Broken(_) | Timeout(_))
    }

    /// Whether the broker asked is not, or no longer, the one to ask.
    pub(crate) fn is_misrouted(&self) -> bool {
        use ErrorCode as E;
        let codes = [
            E::NotLeaderOrFollower,
            E::LeaderNotAvailable,
            E::UnknownTopicOrPartition,
            E::FencedLeaderEpoch,
            E::UnknownLeaderEpoch,
            E::NotController,
            E::NotCoordinator,
            E::CoordinatorNotAvailable,
        ];
        self.is_unreachable() || self.code().is_some_and(|code| codes.contains(&code))
    }
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{host}: ")?;
        }
        write!(f, "{}: {}", self.api, self.kind)
    }
}

impl std::error::Error for ClientError {}

/// An error code of an answer as an error of ours.
pub(crate) fn check(
    code: i16,
    about: impl std::fmt::Display,
    message: Option<&str>,
) -> Result<(), ErrorKind> {
    match ErrorCode::from_code(code) {
        Some(ErrorCode::None) => Ok(()),
        Some(code) => Err(ErrorKind::Kafka {
            code,
            about: about.to_string(),
            message: message.map(str::to_owned),
        }),
        None => Err(ErrorKind::UnknownCode(code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_host_api_and_kafkas_error() {
        let kind = check(3, "demo.logs-0", None).expect_err("an error code");
        let error = ClientError::at(&"localhost:9092".into(), ApiKey::Produce, kind);
        assert!(error.retriable() && error.is_misrouted());
        assert_eq!(
            error.to_string(),
            "localhost:9092: Produce: UNKNOWN_TOPIC_OR_PARTITION (no such topic or partition \
             here) for demo.logs-0"
        );
        let kind = check(44, "", Some("not here")).expect_err("an error code");
        let error = ClientError::new(ApiKey::CreateTopics, kind);
        assert!(!error.retriable());
        assert_eq!(
            error.to_string(),
            "CreateTopics: POLICY_VIOLATION (a policy forbids it): not here"
        );
    }
}
