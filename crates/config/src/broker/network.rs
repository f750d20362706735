//! Listeners, connections, requests and metrics.

use crate::check::Check;
use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Class, Int, List, Long, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define("advertised.listeners", List, High, "").check(Check::NonEmpty),
    define("alter.config.policy.class.name", Class, Low, ""),
    define("background.threads", Int, High, "")
        .default("10")
        .min(1)
        .cluster_wide(),
    define("config.providers", List, Low, "")
        .default("")
        .cluster_wide(),
    define("connections.max.idle.ms", Long, Medium, "").default("600000"),
    define("create.topic.policy.class.name", Class, Low, ""),
    define(
        "delete.records.purgatory.purge.interval.requests",
        Int,
        Medium,
        "",
    )
    .default("1"),
    define("fetch.max.bytes", Int, Medium, "")
        .default("57671680")
        .min(1_024),
    define("fetch.purgatory.purge.interval.requests", Int, Medium, "").default("1000"),
    define("inter.broker.listener.name", String, Medium, ""),
    define("kafka.metrics.polling.interval.secs", Int, Low, "")
        .default("10")
        .min(1),
    define("kafka.metrics.reporters", List, Low, "").default(""),
    define("listener.security.protocol.map", String, Low, "")
        .default("SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT")
        .per_broker(),
    define("listeners", List, High, "")
        .default("PLAINTEXT://localhost:9092")
        .check(Check::NonEmpty)
        .per_broker(),
    define("max.connection.creation.rate", Int, Medium, "")
        .default("2147483647")
        .min(0)
        .cluster_wide(),
    define("max.connections", Int, Medium, "")
        .default("2147483647")
        .min(0)
        .cluster_wide(),
    define("max.connections.per.ip", Int, Medium, "")
        .default("2147483647")
        .min(0)
        .cluster_wide(),
    define("max.connections.per.ip.overrides", String, Medium, "")
        .default("")
        .cluster_wide(),
    define("max.incremental.fetch.session.cache.slots", Int, Medium, "")
        .default("1000")
        .min(0),
    define("max.request.partition.size.limit", Int, Medium, "")
        .default("2000")
        .min(1),
    define("metric.reporters", List, Low, "")
        .default("org.apache.kafka.common.metrics.JmxReporter")
        .cluster_wide(),
    define("metrics.num.samples", Int, Low, "")
        .default("2")
        .min(1),
    define("metrics.recording.level", String, Low, "").default("INFO"),
    define("metrics.sample.window.ms", Long, Low, "")
        .default("30000")
        .min(1),
    define("num.io.threads", Int, High, "")
        .default("8")
        .min(1)
        .cluster_wide(),
    define("num.network.threads", Int, High, "")
        .default("3")
        .min(1)
        .cluster_wide(),
    define(
        "producer.purgatory.purge.interval.requests",
        Int,
        Medium,
        "",
    )
    .default("1000"),
    define("queued.max.request.bytes", Long, Medium, "").default("-1"),
    define("queued.max.requests", Int, High, "")
        .default("500")
        .min(1),
    define("request.timeout.ms", Int, High, "").default("30000"),
    define("security.inter.broker.protocol", String, Medium, "")
        .default("PLAINTEXT")
        .one_of(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]),
    define("socket.connection.setup.timeout.max.ms", Long, Medium, "").default("30000"),
    define("socket.connection.setup.timeout.ms", Long, Medium, "").default("10000"),
    define("socket.listen.backlog.size", Int, Medium, "")
        .default("50")
        .min(1),
    define("socket.receive.buffer.bytes", Int, High, "").default("102400"),
    define("socket.request.max.bytes", Int, High, "")
        .default("104857600")
        .min(1),
    define("socket.send.buffer.bytes", Int, High, "").default("102400"),
    define("telemetry.max.bytes", Int, Low, "")
        .default("1048576")
        .min(1),
];
