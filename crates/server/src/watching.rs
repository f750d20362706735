//! What watches over requests: made before the first client is served.

use std::sync::Arc;

use limpid_broker::client_log::ClientLog;
use limpid_broker::metrics::BrokerMetrics;
use limpid_broker::settings::Settings;
use limpid_broker::slow_requests::SlowRequests;
use limpid_platform::clock::Clock;

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
