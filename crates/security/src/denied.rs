//! A login that failed.

/// Why somebody has not logged in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Denied {
    /// What the client may know; `None` for no more than that it failed.
    pub told: Option<String>,
    /// What the log may know. Never a secret.
    pub reason: String,
}

impl Denied {
    /// The client is told the same as the log.
    pub(crate) fn told(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self {
            told: Some(reason.clone()),
            reason,
        }
    }

    /// The client is only told that it failed.
    pub(crate) fn quietly(reason: impl Into<String>) -> Self {
        Self {
            told: None,
            reason: reason.into(),
        }
    }
}
