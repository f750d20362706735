//! What clients pushed, for `/metrics`.
//!
//! Metrics that are asked for by default have families of their own, named after the metric as KIP-714
//! says it: `org.apache.kafka.producer.record.queue.time.avg` is
//! `kafka_client_producer_record_queue_time_avg`. Others stand under `kafka_client_metric`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use limpid_platform::clock::Clock;
use limpid_telemetry::{CollectError, Collector, Declaration, Number, Samples, Text};

use crate::INSTANCES_MAX;
use crate::client::Client;
use crate::values::{SERIES_MAX, Series, Values};

/// Declared maxima; what is kept at all is limited in [`Values`].
type ClientId = Text<INSTANCES_MAX>;
type Instance = Text<INSTANCES_MAX>;
type Software = Text<1_000>;
type Node = Text<10_000>;
type Metric = Text<SERIES_MAX>;
type Topic = Text<SERIES_MAX>;
type Partition = Number<1_000_000>;
type Rest = Text<SERIES_MAX>;

/// What metrics' names begin with, and what stands for it here.
const PREFIXES: (&str, &str) = ("org.apache.kafka.", "kafka_client_");

limpid_telemetry::families! {
    /// Families of the collector.
    pub mod families {
        /// Mean bytes of the batches that the producer sends.
        PRODUCER_BATCH_SIZE_AVG: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_batch_size_avg";
        /// Bytes of the producer's buffer that are free.
        PRODUCER_BUFFER_AVAILABLE_BYTES: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_buffer_available_bytes";
        /// Bytes of the producer's buffer, `buffer.memory`.
        PRODUCER_BUFFER_TOTAL_BYTES: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_buffer_total_bytes";
        /// Share of the time that the producer's callers wait for room in its buffer.
        PRODUCER_BUFFERPOOL_WAIT_RATIO: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_bufferpool_wait_ratio";
        /// Connections that the producer opened.
        PRODUCER_CONNECTION_CREATION_TOTAL: counter { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_connection_creation_total";
        /// Mean milliseconds from a request of the producer to its answer, by broker.
        PRODUCER_NODE_REQUEST_LATENCY_AVG: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_node_request_latency_avg";
        /// Most milliseconds from a request of the producer to its answer, by broker.
        PRODUCER_NODE_REQUEST_LATENCY_MAX: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_node_request_latency_max";
        /// Mean milliseconds that the producer was throttled by quotas.
        PRODUCER_PRODUCE_THROTTLE_TIME_AVG: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_produce_throttle_time_avg";
        /// Most milliseconds that the producer was throttled by quotas.
        PRODUCER_PRODUCE_THROTTLE_TIME_MAX: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_produce_throttle_time_max";
        /// Records that the producer could not send.
        PRODUCER_RECORD_ERROR_TOTAL: counter { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_record_error_total";
        /// Mean milliseconds that batches wait in the producer before they are sent.
        PRODUCER_RECORD_QUEUE_TIME_AVG: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_record_queue_time_avg";
        /// Most milliseconds that batches wait in the producer before they are sent.
        PRODUCER_RECORD_QUEUE_TIME_MAX: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_record_queue_time_max";
        /// Records that the producer sent once more.
        PRODUCER_RECORD_RETRY_TOTAL: counter { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_record_retry_total";
        /// Mean bytes of the producer's records.
        PRODUCER_RECORD_SIZE_AVG: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_record_size_avg";
        /// Mean milliseconds from a request of the producer to its answer.
        PRODUCER_REQUEST_LATENCY_AVG: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_request_latency_avg";
        /// Most milliseconds from a request of the producer to its answer.
        PRODUCER_REQUEST_LATENCY_MAX: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_producer_request_latency_max";
        /// Connections that the consumer opened.
        CONSUMER_CONNECTION_CREATION_TOTAL: counter { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_consumer_connection_creation_total";
        /// Partitions assigned to the consumer.
        CONSUMER_COORDINATOR_ASSIGNED_PARTITIONS: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_consumer_coordinator_assigned_partitions";
        /// Mean milliseconds of the consumer's commits.
        CONSUMER_COORDINATOR_COMMIT_LATENCY_AVG: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_consumer_coordinator_commit_latency_avg";
        /// Most milliseconds of the consumer's commits.
        CONSUMER_COORDINATOR_COMMIT_LATENCY_MAX: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_consumer_coordinator_commit_latency_max";
        /// Mean milliseconds of the consumer's rebalances.
        CONSUMER_COORDINATOR_REBALANCE_LATENCY_AVG: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_consumer_coordinator_rebalance_latency_avg";
        /// Most milliseconds of the consumer's rebalances.
        CONSUMER_COORDINATOR_REBALANCE_LATENCY_MAX: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_consumer_coordinator_rebalance_latency_max";
        /// Milliseconds of the consumer's rebalances, added up.
        CONSUMER_COORDINATOR_REBALANCE_LATENCY_TOTAL: counter { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_consumer_coordinator_rebalance_latency_total";
        /// Mean milliseconds of the consumer's fetches.
        CONSUMER_FETCH_MANAGER_FETCH_LATENCY_AVG: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_consumer_fetch_manager_fetch_latency_avg";
        /// Most milliseconds of the consumer's fetches.
        CONSUMER_FETCH_MANAGER_FETCH_LATENCY_MAX: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_consumer_fetch_manager_fetch_latency_max";
        /// Most records that the consumer is behind in any partition, by its own count.
        CONSUMER_FETCH_MANAGER_RECORDS_LAG_MAX: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_consumer_fetch_manager_records_lag_max";
        /// Mean milliseconds from a request of the consumer to its answer, by broker.
        CONSUMER_NODE_REQUEST_LATENCY_AVG: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_consumer_node_request_latency_avg";
        /// Most milliseconds from a request of the consumer to its answer, by broker.
        CONSUMER_NODE_REQUEST_LATENCY_MAX: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_consumer_node_request_latency_max";
        /// Share of the time that the consumer waits for records rather than working on them.
        CONSUMER_POLL_IDLE_RATIO_AVG: float_gauge { client_id: ClientId, client_instance_id: Instance, client_software_name: Software, node_id: Node }
            = "kafka_client_consumer_poll_idle_ratio_avg";
        /// Any other metric that a client pushed, under its own name.
        OTHER: float_gauge {
            client_id: ClientId, client_instance_id: Instance, client_software_name: Software,
            node_id: Node, metric: Metric, topic: Topic, partition: Partition, attributes: Rest
        } = "kafka_client_metric";
    }
}

/// See the module.
pub struct Pushed {
    values: Arc<Values>,
    clock: Arc<dyn Clock>,
    named: HashMap<&'static str, &'static Declaration>,
}

impl Pushed {
    /// Shows these values.
    #[must_use]
    pub fn new(values: Arc<Values>, clock: Arc<dyn Clock>) -> Self {
        let named = families::ALL.iter().filter(|family| !is_other(family));
        Pushed {
            values,
            clock,
            named: named.map(|family| (family.name, *family)).collect(),
        }
    }

    /// Hands out every value of the clients of this id.
    pub fn of_client(&self, id: &str, mut found: impl FnMut(&Client, &Series, f64)) {
        let now = self.clock.monotonic();
        self.values.each(now, |client, series, value| {
            if client.id == id {
                found(client, series, value);
            }
        });
    }

    /// Hands out the values of these metrics alone: what it costs is about the clients, not about all
    /// that they push.
    pub fn each_of(&self, metrics: &[&str], found: impl FnMut(&Client, &Series, f64)) {
        self.values.each_of(self.clock.monotonic(), metrics, found);
    }

    /// The family of a metric, if it has one of its own and no more to tell than that has labels for.
    fn family(&self, series: &Series) -> Option<&'static Declaration> {
        let (metric, here) = PREFIXES;
        let name = series.metric.strip_prefix(metric)?;
        let plain = series.topic.is_empty() && series.partition.is_empty();
        let family = self
            .named
            .get(&*format!("{here}{}", name.replace('.', "_")))?;
        (plain && series.rest.is_empty()).then_some(family)
    }
}

fn is_other(family: &Declaration) -> bool {
    family.name == families::OTHER.name
}

impl Collector for Pushed {
    fn name(&self) -> &'static str {
        "client_metrics"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        out.set_age(Duration::ZERO);
        self.values
            .each(self.clock.monotonic(), |client, series, value| {
                let instance = client.instance.to_string();
                let who = [client.id.as_str(), &instance, &client.software_name];
                match self.family(series) {
                    Some(family) => {
                        let labels = [who[0], who[1], who[2], &series.node];
                        out.family(family).add(&labels, value);
                    }
                    None => {
                        let Series {
                            metric,
                            node,
                            topic,
                            partition,
                            rest,
                        } = series;
                        let labels = [who[0], who[1], who[2], node, metric, topic, partition, rest];
                        out.family(&families::OTHER).add(&labels, value);
                    }
                }
            });
        Ok(())
    }
}
