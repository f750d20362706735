//! What watches over requests: made before the first client is served.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use limpid_broker::Services;
use limpid_broker::audit::Audit;
use limpid_broker::audit::topic::{AuditTopic, AuditTopicInput};
use limpid_broker::client_log::ClientLog;
use limpid_broker::metrics::BrokerMetrics;
use limpid_broker::settings::Settings;
use limpid_broker::slow_requests::SlowRequests;
use limpid_config::{BrokerConfig, ClientTlsConfig, ForwardConfig, SpansConfig};
use limpid_otlp::{Options, Protocol, SpanMetrics};
use limpid_platform::clock::Clock;
use limpid_security::authorities::{TlsConfig as HttpsConfig, https_to};
use limpid_security::client_tls;
use limpid_security::tls::TlsError;
use limpid_telemetry::Registry;
use limpid_telemetry::spans::Tracing;
use tokio::runtime::Handle;

use crate::error::StartError;

/// Finds slow requests.
pub(crate) fn slow_requests(
    metrics: &BrokerMetrics,
    log: &Arc<ClientLog>,
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Arc<SlowRequests> {
    let (log, clock) = (Arc::clone(log), Arc::clone(clock));
    let slow = SlowRequests::new(&metrics.slow, &metrics.rings, log, clock);
    slow.follow(settings.current().broker().observing.slow_request_ms);
    Arc::new(slow)
}

/// Hears of changes and of who is not let in; the log alone at first.
pub(crate) fn audit(
    metrics: &BrokerMetrics,
    broker: &BrokerConfig,
    clock: &Arc<dyn Clock>,
) -> Arc<Audit> {
    let window = Duration::from_millis(broker.observing.audit_window_ms);
    Audit::new(&metrics.audit, window, Arc::clone(clock))
}

/// Has the audit written to its topic, if it has one.
pub(crate) fn write_audit(
    audit: &Audit,
    broker: &BrokerConfig,
    metrics: &BrokerMetrics,
    (services, clock): (&Services, &Arc<dyn Clock>),
    runtime: &Handle,
) {
    let Some(name) = broker.observing.audit_topic.clone() else {
        return;
    };
    let input = AuditTopicInput {
        name,
        topics: Arc::clone(&services.topics),
        creation: Arc::clone(&services.creation),
        clock: Arc::clone(clock),
    };
    let topic = AuditTopic::new(input, &metrics.audit);
    audit.attach(topic.queue());
    runtime.spawn(topic.run());
}

/// Sends spans, if somebody wants them; nothing at all is made otherwise.
pub(crate) fn tracing(
    broker: &BrokerConfig,
    registry: &Registry,
    runtime: &Handle,
) -> Result<Option<Arc<Tracing>>, StartError> {
    let Some(spans) = &broker.observing.spans else {
        return Ok(None);
    };
    let options = Options {
        tls: spans_tls(spans)?,
        endpoint: spans.endpoint.clone(),
        protocol: match spans.grpc {
            true => Protocol::Grpc,
            false => Protocol::Http,
        },
        cluster: broker.node.cluster_name.clone(),
        node_id: broker.node.id,
        version: env!("CARGO_PKG_VERSION"),
    };
    let metrics = SpanMetrics::register(registry)?;
    let sink = limpid_otlp::start(&options, &metrics, runtime)?;
    Ok(Some(Arc::new(Tracing::new(sink, spans.ratio))))
}

/// Whom to believe who takes spans, if that is over TLS.
pub(crate) fn spans_tls(spans: &SpansConfig) -> Result<Option<rustls::ClientConfig>, StartError> {
    if !spans.endpoint.starts_with("https://") {
        return Ok(None);
    }
    // The names that every exporter of OpenTelemetry knows, that for spans first.
    let told = || {
        let names = [
            "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
        ];
        let set = names.iter().filter_map(std::env::var_os);
        set.map(PathBuf::from)
            .find(|path| !path.as_os_str().is_empty())
    };
    let file = spans.ca_file.clone().or_else(told);
    let tls = client_tls::load(&ClientTlsConfig::trusting(file.as_deref()));
    tls.map(Some).map_err(|error| match error {
        // Its name for the property is not ours.
        TlsError::Setting { reason, .. } => StartError::SpansTls(reason),
        other => StartError::SpansTls(other.to_string()),
    })
}

/// Whom to believe who takes metrics of clients, if that is over TLS and was said.
pub(crate) fn forward_tls(forward: &ForwardConfig) -> Result<Option<HttpsConfig>, StartError> {
    let file = forward.ca_file.as_deref();
    let file = file.filter(|_| forward.endpoint.starts_with("https://"));
    file.map(https_to).transpose().map_err(StartError::Forward)
}
