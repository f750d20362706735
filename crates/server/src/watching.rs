//! What watches over requests: made before the first client is served.

use std::sync::Arc;
use std::time::Duration;

use limpid_broker::Services;
use limpid_broker::audit::Audit;
use limpid_broker::audit::topic::{AuditTopic, AuditTopicInput};
use limpid_broker::client_log::ClientLog;
use limpid_broker::metrics::BrokerMetrics;
use limpid_broker::settings::Settings;
use limpid_broker::slow_requests::SlowRequests;
use limpid_config::BrokerConfig;
use limpid_otlp::{Options, Protocol, SpanMetrics};
use limpid_platform::clock::Clock;
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
