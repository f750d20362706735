//! What the broker tells of itself beyond metrics.

use std::path::PathBuf;

use super::Values;
use crate::check::parse_double;

/// What the broker tells of itself beyond metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservingConfig {
    /// `limpid.request.slow.ms`; `None` (from a negative value) finds no request slow.
    pub slow_request_ms: Option<u64>,
    /// `limpid.audit.topic`.
    pub audit_topic: Option<String>,
    /// `limpid.audit.window.ms`.
    pub audit_window_ms: u64,
    /// `limpid.otlp.endpoint` and its likes; `None` for no tracing.
    pub spans: Option<SpansConfig>,
    /// `limpid.client.metrics.forward.endpoint`; `None` for nowhere.
    pub forward: Option<ForwardConfig>,
}

/// Where metrics that clients push are sent on to.
#[derive(Clone, Debug, PartialEq)]
pub struct ForwardConfig {
    /// `limpid.client.metrics.forward.endpoint`.
    pub endpoint: String,
    /// `limpid.client.metrics.forward.ca.file`.
    pub ca_file: Option<PathBuf>,
}

/// Where spans are sent.
#[derive(Clone, Debug, PartialEq)]
pub struct SpansConfig {
    /// `limpid.otlp.endpoint`.
    pub endpoint: String,
    /// `limpid.otlp.ca.file`.
    pub ca_file: Option<PathBuf>,
    /// `limpid.otlp.protocol=grpc`.
    pub grpc: bool,
    /// `limpid.otlp.sampling.ratio`.
    pub ratio: f64,
}

pub(super) fn observing(values: &Values<'_>) -> ObservingConfig {
    let audit_topic = values.text("limpid.audit.topic").trim().to_owned();
    ObservingConfig {
        audit_topic: Some(audit_topic).filter(|name| !name.is_empty()),
        audit_window_ms: values.unsigned("limpid.audit.window.ms"),
        spans: spans(values),
        forward: forward(values),
        slow_request_ms: u64::try_from(values.long("limpid.request.slow.ms")).ok(),
    }
}

fn spans(values: &Values<'_>) -> Option<SpansConfig> {
    let endpoint = values.text("limpid.otlp.endpoint").trim().to_owned();
    let ratio = parse_double(&values.text("limpid.otlp.sampling.ratio"));
    (!endpoint.is_empty()).then(|| SpansConfig {
        endpoint,
        ca_file: file(values, "limpid.otlp.ca.file"),
        grpc: values.text("limpid.otlp.protocol").trim() == "grpc",
        ratio: ratio.unwrap_or(0.0),
    })
}

fn forward(values: &Values<'_>) -> Option<ForwardConfig> {
    let endpoint = values.text("limpid.client.metrics.forward.endpoint");
    let endpoint = endpoint.trim().to_owned();
    (!endpoint.is_empty()).then(|| ForwardConfig {
        endpoint,
        ca_file: file(values, "limpid.client.metrics.forward.ca.file"),
    })
}

fn file(values: &Values<'_>, key: &str) -> Option<PathBuf> {
    let path = PathBuf::from(values.text(key).trim());
    Some(path).filter(|path| !path.as_os_str().is_empty())
}
