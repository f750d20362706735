//! Every metric this binary can expose, without running a broker.

use limpid_broker::metrics::{
    AccessMetrics, AsideMetrics, AuditMetrics, ClientMetrics, ConnectionLimitMetrics,
    ConnectionMetrics, EntranceMetrics, FetchMetrics, FetchSessionMetrics, GroupMetrics,
    MetadataMetrics, QuotaMetrics, ReaderMetrics, RecordMetrics, RefusedMetrics, ReplicaMetrics,
    RequestMetrics, ShareMetrics, SlowRequestMetrics, TopicMetrics, TransactionMetrics,
};
use limpid_telemetry::Catalogue;

use crate::canary::CanaryMetrics;
use crate::host::{self, ClockMetrics};
use crate::last_run::RestartMetrics;

/// All declarations, for `limpid metrics list` and METRICS.md.
pub fn catalogue() -> Catalogue {
    limpid_exporter::catalogue()
        .with(limpid_access::AccessMetrics::DECLARATIONS)
        .with(RequestMetrics::DECLARATIONS)
        .with(SlowRequestMetrics::DECLARATIONS)
        .with(AccessMetrics::DECLARATIONS)
        .with(AuditMetrics::DECLARATIONS)
        .with(ConnectionMetrics::DECLARATIONS)
        .with(ConnectionLimitMetrics::DECLARATIONS)
        .with(AsideMetrics::DECLARATIONS)
        .with(EntranceMetrics::DECLARATIONS)
        .with(QuotaMetrics::DECLARATIONS)
        .with(ClientMetrics::DECLARATIONS)
        .with(ReaderMetrics::DECLARATIONS)
        .with(TopicMetrics::DECLARATIONS)
        .with(RecordMetrics::DECLARATIONS)
        .with(FetchMetrics::DECLARATIONS)
        .with(FetchSessionMetrics::DECLARATIONS)
        .with(GroupMetrics::DECLARATIONS)
        .with(ShareMetrics::DECLARATIONS)
        .with(TransactionMetrics::DECLARATIONS)
        .with(MetadataMetrics::DECLARATIONS)
        .with(ReplicaMetrics::DECLARATIONS)
        .with(RefusedMetrics::DECLARATIONS)
        .with(limpid_client_metrics::PushMetrics::DECLARATIONS)
        .with(limpid_otlp::SpanMetrics::DECLARATIONS)
        .with_families(limpid_client_metrics::families::ALL)
        .with(limpid_storage::LogMetrics::DECLARATIONS)
        .with(RestartMetrics::DECLARATIONS)
        .with(ClockMetrics::DECLARATIONS)
        .with(CanaryMetrics::DECLARATIONS)
        .with_families(host::families::ALL)
}

#[cfg(test)]
mod tests;
