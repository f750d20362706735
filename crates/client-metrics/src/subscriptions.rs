//! Which client is asked for which of its metrics.

use std::collections::BTreeSet;

use limpid_config::client_metrics::{Selector, Subscription};

use crate::client::Client;

/// Pushed by clients that no stored subscription asks for anything: what tells a slow client from a
/// slow broker. Java's names, which other clients share as far as they have the metric (KIP-714).
const DEFAULT_METRICS: &[&str] = &[
    "org.apache.kafka.producer.batch.size.avg",
    "org.apache.kafka.producer.buffer.available.bytes",
    "org.apache.kafka.producer.buffer.total.bytes",
    "org.apache.kafka.producer.bufferpool.wait.ratio",
    "org.apache.kafka.producer.connection.creation.total",
    "org.apache.kafka.producer.node.request.latency.avg",
    "org.apache.kafka.producer.node.request.latency.max",
    "org.apache.kafka.producer.produce.throttle.time.avg",
    "org.apache.kafka.producer.produce.throttle.time.max",
    "org.apache.kafka.producer.record.error.total",
    "org.apache.kafka.producer.record.queue.time.avg",
    "org.apache.kafka.producer.record.queue.time.max",
    "org.apache.kafka.producer.record.retry.total",
    "org.apache.kafka.producer.record.size.avg",
    "org.apache.kafka.producer.request.latency.avg",
    "org.apache.kafka.producer.request.latency.max",
    "org.apache.kafka.consumer.connection.creation.total",
    "org.apache.kafka.consumer.coordinator.assigned.partitions",
    "org.apache.kafka.consumer.coordinator.commit.latency.avg",
    "org.apache.kafka.consumer.coordinator.commit.latency.max",
    "org.apache.kafka.consumer.coordinator.rebalance.latency.avg",
    "org.apache.kafka.consumer.coordinator.rebalance.latency.max",
    "org.apache.kafka.consumer.coordinator.rebalance.latency.total",
    "org.apache.kafka.consumer.fetch.manager.fetch.latency.avg",
    "org.apache.kafka.consumer.fetch.manager.fetch.latency.max",
    "org.apache.kafka.consumer.fetch.manager.records.lag.max",
    "org.apache.kafka.consumer.node.request.latency.avg",
    "org.apache.kafka.consumer.node.request.latency.max",
    "org.apache.kafka.consumer.poll.idle.ratio.avg",
];
/// Milliseconds between two such pushes.
const DEFAULT_INTERVAL_MS: i32 = 60_000;
/// The same when there are more than [`MANY_CLIENTS`].
const DEFAULT_INTERVAL_OF_MANY_MS: i32 = 300_000;
const MANY_CLIENTS: usize = 500;
/// Every metric: the empty prefix. Kafka says `*`, which franz-go takes for a name.
const EVERYTHING: &str = "";
/// `interval.ms` of a client that is asked for nothing (`ClientMetricsConfigs.INTERVAL_MS_DEFAULT`).
const NOTHING_INTERVAL_MS: i32 = 300_000;

/// What one client is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Prefixes of names, sorted; the empty one is every metric, none at all is none.
    pub metrics: Vec<String>,
    /// Milliseconds between two pushes.
    pub interval_ms: i32,
}

impl Wanted {
    /// Kafka's `subscription_id`: another one whenever something else is wanted of this client.
    #[must_use]
    pub fn id(&self, client: &Client) -> i32 {
        let text = format!("{:?}{}", self.metrics, self.interval_ms);
        let of_client = crc32c::crc32c(client.instance.as_bytes());
        (crc32c::crc32c(text.as_bytes()) ^ of_client).cast_signed()
    }
}

/// What the stored subscriptions ask of a client: all that they name, as often as the most eager one
/// says. Without any that fits it, the default if that is switched on.
#[must_use]
pub fn wanted(
    stored: &[Subscription],
    with_default: bool,
    clients: usize,
    client: &Client,
) -> Wanted {
    let port = client.port.to_string();
    let instance = client.instance.to_string();
    let fitting = stored.iter().filter(|subscription| {
        subscription.fits(|selector| match selector {
            Selector::InstanceId => &instance,
            Selector::ClientId => &client.id,
            Selector::SoftwareName => &client.software_name,
            Selector::SoftwareVersion => &client.software_version,
            Selector::SourceAddress => &client.address,
            Selector::SourcePort => &port,
        })
    });
    let (mut metrics, mut interval_ms) = (BTreeSet::new(), None);
    for subscription in fitting {
        metrics.extend(subscription.metrics.iter().cloned());
        let least = interval_ms
            .unwrap_or(i32::MAX)
            .min(subscription.interval_ms);
        interval_ms = Some(least);
    }
    if metrics.contains(EVERYTHING) {
        metrics = BTreeSet::from([EVERYTHING.to_owned()]);
    }
    match interval_ms {
        Some(interval_ms) => Wanted {
            metrics: metrics.into_iter().collect(),
            interval_ms,
        },
        None if with_default && !waits_when_closed(client) => Wanted {
            metrics: DEFAULT_METRICS
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            interval_ms: match clients > MANY_CLIENTS {
                true => DEFAULT_INTERVAL_OF_MANY_MS,
                false => DEFAULT_INTERVAL_MS,
            },
        },
        None => Wanted {
            metrics: Vec::new(),
            interval_ms: NOTHING_INTERVAL_MS,
        },
    }
}

/// Consumers of Apache Kafka 3.7, once asked for metrics, wait 30 s for their last push when they are
/// closed, and never send it. That is for an administrator to ask for, not for a default.
fn waits_when_closed(client: &Client) -> bool {
    client.software_name == "apache-kafka-java" && client.software_version.starts_with("3.7.")
}

#[cfg(test)]
mod tests;
