//! What the broker tells of itself beyond metrics.

use super::Values;

/// What the broker tells of itself beyond metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservingConfig {
    /// `limpid.request.slow.ms`; `None` (from a negative value) finds no request slow.
    pub slow_request_ms: Option<u64>,
    /// `limpid.audit.topic`.
    pub audit_topic: Option<String>,
    /// `limpid.audit.window.ms`.
    pub audit_window_ms: u64,
}

pub(super) fn observing(values: &Values<'_>) -> ObservingConfig {
    let audit_topic = values.text("limpid.audit.topic").trim().to_owned();
    ObservingConfig {
        audit_topic: Some(audit_topic).filter(|name| !name.is_empty()),
        audit_window_ms: values.unsigned("limpid.audit.window.ms"),
        slow_request_ms: u64::try_from(values.long("limpid.request.slow.ms")).ok(),
    }
}
