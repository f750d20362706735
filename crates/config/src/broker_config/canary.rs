//! The client that measures from outside.

use crate::values::Values;

/// The canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryConfig {
    /// `limpid.canary.topic`.
    pub topic: String,
    /// `limpid.canary.interval.ms`.
    pub interval_ms: u64,
}

/// `None` without a topic.
pub(super) fn canary(values: &Values<'_>) -> Option<CanaryConfig> {
    let topic = values.text("limpid.canary.topic").trim().to_owned();
    let interval_ms = values.unsigned("limpid.canary.interval.ms");
    (!topic.is_empty()).then_some(CanaryConfig { topic, interval_ms })
}
