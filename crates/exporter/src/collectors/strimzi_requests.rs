//! Strimzi's names for the times of requests: percentiles of the last two minutes, from the MBeans.
//!
//! A gauge with a label `quantile`, as jmx_exporter writes percentiles: Prometheus 3 would rewrite
//! the `0.50` of a summary, which panels ask for, to `0.5`.

use std::sync::Arc;

use limpid_telemetry::mbeans::{MBeans, PERCENTILES, Value};
use limpid_telemetry::{CollectError, Collector, Declaration, Samples, Text};

/// Kafka has fewer than a hundred requests.
type Request = Text<128>;
type Quantile = Text<{ PERCENTILES.len() }>;

limpid_telemetry::families! {
    /// Families of the collector.
    pub mod families {
        /// Time of requests, milliseconds, of the last one to two minutes.
        TOTAL: float_gauge { request: Request, quantile: Quantile }
            = "kafka_network_requestmetrics_totaltimems";
        /// Time that requests waited to be handled, milliseconds, of the last one to two minutes.
        REQUEST_QUEUE: float_gauge { request: Request, quantile: Quantile }
            = "kafka_network_requestmetrics_requestqueuetimems";
        /// Time that the leader worked on requests, milliseconds, of the last one to two minutes.
        LOCAL: float_gauge { request: Request, quantile: Quantile }
            = "kafka_network_requestmetrics_localtimems";
        /// Time that requests waited for something to happen, milliseconds, of the last one to two minutes.
        REMOTE: float_gauge { request: Request, quantile: Quantile }
            = "kafka_network_requestmetrics_remotetimems";
        /// Time that requests were held back by a quota, milliseconds, of the last one to two minutes.
        THROTTLE: float_gauge { request: Request, quantile: Quantile }
            = "kafka_network_requestmetrics_throttletimems";
        /// Time that answers waited to be sent, milliseconds, of the last one to two minutes.
        RESPONSE_QUEUE: float_gauge { request: Request, quantile: Quantile }
            = "kafka_network_requestmetrics_responsequeuetimems";
        /// Time that sending answers took, milliseconds, of the last one to two minutes.
        RESPONSE_SEND: float_gauge { request: Request, quantile: Quantile }
            = "kafka_network_requestmetrics_responsesendtimems";
    }
}

/// The MBeans, but for the request and the name.
const BEANS: &str = "kafka.network:type=RequestMetrics,name=";

/// See the module.
pub struct StrimziRequests {
    beans: Arc<MBeans>,
}

impl StrimziRequests {
    /// For these MBeans.
    pub fn new(beans: Arc<MBeans>) -> Self {
        StrimziRequests { beans }
    }
}

impl Collector for StrimziRequests {
    fn name(&self) -> &'static str {
        "strimzi_requests"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        for bean in self.beans.names_from(BEANS) {
            let Some((name, request)) = bean[BEANS.len()..].split_once(",request=") else {
                continue;
            };
            let Some(family) = family(name) else {
                continue;
            };
            let Some(attributes) = self.beans.read(&bean) else {
                continue; // gone since
            };
            add(out, family, request, &attributes);
            // In Kafka a follower's fetches are counted apart.
            if request == "Fetch" {
                add(out, family, "FetchConsumer", &attributes);
            }
        }
        Ok(())
    }
}

fn family(name: &str) -> Option<&'static Declaration> {
    Some(match name {
        "TotalTimeMs" => &families::TOTAL,
        "RequestQueueTimeMs" => &families::REQUEST_QUEUE,
        "LocalTimeMs" => &families::LOCAL,
        "RemoteTimeMs" => &families::REMOTE,
        "ThrottleTimeMs" => &families::THROTTLE,
        "ResponseQueueTimeMs" => &families::RESPONSE_QUEUE,
        "ResponseSendTimeMs" => &families::RESPONSE_SEND,
        _ => return None,
    })
}

fn add(
    out: &mut Samples,
    family: &'static Declaration,
    request: &str,
    attributes: &[(&'static str, Value)],
) {
    let family = out.family(family);
    for (attribute, value) in attributes {
        if let Some(digits) = attribute.strip_suffix("thPercentile")
            && let Value::Double(ms) = value
        {
            // Microseconds will do.
            let rounded = (ms * 1_000.0).round() / 1_000.0;
            family.add(&[request, &format!("0.{digits}")], rounded);
        }
    }
}

#[cfg(test)]
mod tests;
