//! Listeners, connections, requests and metrics.

use crate::check::Check;
use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Class, Int, List, Long, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "advertised.listeners",
        List,
        High,
        "What clients are told to connect to, as NAME://host:port for each listener; unset, \
         it is the listeners with this machine's name where they name no host.",
    )
    .check(Check::NonEmpty)
    .honoured(),
    define(
        "alter.config.policy.class.name",
        Class,
        Low,
        "Java class that may refuse configuration changes; no Java classes run here.",
    ),
    define(
        "background.threads",
        Int,
        High,
        "Threads for housekeeping; Limpid sizes its own pools (limpid.blocking.threads).",
    )
    .default("10")
    .min(1)
    .cluster_wide(),
    define(
        "config.providers",
        List,
        Low,
        "Names of providers for placeholders such as ${file:/path:key}; each has a \
         config.providers.NAME.class.",
    )
    .default("")
    .cluster_wide()
    .honoured(),
    define(
        "connections.max.idle.ms",
        Long,
        Medium,
        "How long a connection may be silent before it is closed; a negative value never \
         closes it.",
    )
    .default("600000")
    .honoured(),
    define(
        "create.topic.policy.class.name",
        Class,
        Low,
        "Java class that may refuse new topics; no Java classes run here.",
    ),
    define(
        "delete.records.purgatory.purge.interval.requests",
        Int,
        Medium,
        "When Kafka sweeps waiting DeleteRecords; waiting requests here leave nothing to sweep.",
    )
    .default("1"),
    define(
        "fetch.max.bytes",
        Int,
        Medium,
        "Most bytes of records in one fetch answer; a first batch that is larger is still sent.",
    )
    .default("57671680")
    .min(1_024)
    .honoured(),
    define(
        "fetch.purgatory.purge.interval.requests",
        Int,
        Medium,
        "When Kafka sweeps waiting fetches; waiting requests here leave nothing to sweep.",
    )
    .default("1000"),
    define(
        "inter.broker.listener.name",
        String,
        Medium,
        "The listener that brokers use among themselves; unset, it is the one called \
         PLAINTEXT, or else the first.",
    )
    .honoured(),
    define(
        "kafka.metrics.polling.interval.secs",
        Int,
        Low,
        "How often Kafka's Yammer reporters look; metrics here are read at /metrics.",
    )
    .default("10")
    .min(1),
    define(
        "kafka.metrics.reporters",
        List,
        Low,
        "Java classes that get Yammer metrics; no Java classes run here.",
    )
    .default(""),
    define(
        "listener.security.protocol.map",
        String,
        Low,
        "The security protocol of each listener name, as NAME:PROTOCOL; only PLAINTEXT is \
         available yet.",
    )
    .default("SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT")
    .per_broker()
    .honoured(),
    define(
        "listeners",
        List,
        High,
        "Where Kafka clients are served, as NAME://host:port; no host is every interface, \
         localhost is 127.0.0.1 and ::1.",
    )
    .default("PLAINTEXT://localhost:9092")
    .check(Check::NonEmpty)
    .per_broker()
    .honoured(),
    define(
        "max.connection.creation.rate",
        Int,
        Medium,
        "Most new connections per second; beyond it, accepting waits.",
    )
    .default("2147483647")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "max.connections",
        Int,
        Medium,
        "Most client connections at a time; beyond it, accepting waits.",
    )
    .default("2147483647")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "max.connections.per.ip",
        Int,
        Medium,
        "Most connections from one address; beyond it, new ones are closed.",
    )
    .default("2147483647")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "max.connections.per.ip.overrides",
        String,
        Medium,
        "Other limits for single addresses, as address:connections pairs.",
    )
    .default("")
    .cluster_wide()
    .honoured(),
    define(
        "max.incremental.fetch.session.cache.slots",
        Int,
        Medium,
        "Most fetch sessions, so that consumers name only the partitions that changed; 0 turns them off.",
    )
    .default("1000")
    .min(0)
    .honoured(),
    define(
        "max.request.partition.size.limit",
        Int,
        Medium,
        "Most partitions in one answer of DescribeTopicPartitions.",
    )
    .default("2000")
    .min(1)
    .honoured(),
    define(
        "metric.reporters",
        List,
        Low,
        "Java classes that get metrics; no Java classes run here.",
    )
    .default("org.apache.kafka.common.metrics.JmxReporter")
    .cluster_wide(),
    define(
        "metrics.num.samples",
        Int,
        Low,
        "Samples kept per metric window; metrics here are cumulative.",
    )
    .default("2")
    .min(1),
    define(
        "metrics.recording.level",
        String,
        Low,
        "How much Kafka measures; here everything is always measured.",
    )
    .default("INFO"),
    define(
        "metrics.sample.window.ms",
        Long,
        Low,
        "Length of a metric window; metrics here are cumulative.",
    )
    .default("30000")
    .min(1),
    define(
        "num.io.threads",
        Int,
        High,
        "Threads that handle requests in Kafka; here see limpid.worker.threads.",
    )
    .default("8")
    .min(1)
    .cluster_wide(),
    define(
        "num.network.threads",
        Int,
        High,
        "Threads that read and write sockets in Kafka; here see limpid.worker.threads.",
    )
    .default("3")
    .min(1)
    .cluster_wide(),
    define(
        "producer.purgatory.purge.interval.requests",
        Int,
        Medium,
        "When Kafka sweeps waiting produce requests; waiting requests here leave nothing to \
         sweep.",
    )
    .default("1000"),
    define(
        "queued.max.request.bytes",
        Long,
        Medium,
        "Memory for requests in flight, Kafka's word for limpid.request.memory.bytes; -1 \
         leaves it to that.",
    )
    .default("-1")
    .honoured(),
    define(
        "queued.max.requests",
        Int,
        High,
        "Requests waiting for a handler; here memory is the limit \
         (limpid.request.memory.bytes).",
    )
    .default("500")
    .min(1),
    define(
        "request.timeout.ms",
        Int,
        High,
        "How long a request of this broker to another may take.",
    )
    .default("30000"),
    define(
        "security.inter.broker.protocol",
        String,
        Medium,
        "The security protocol among brokers; only PLAINTEXT is available yet.",
    )
    .default("PLAINTEXT")
    .one_of(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
    .honoured(),
    define(
        "socket.connection.setup.timeout.max.ms",
        Long,
        Medium,
        "Longest wait for a connection to another broker, after repeated failures.",
    )
    .default("30000"),
    define(
        "socket.connection.setup.timeout.ms",
        Long,
        Medium,
        "Wait for a connection to another broker.",
    )
    .default("10000"),
    define(
        "socket.listen.backlog.size",
        Int,
        Medium,
        "Connections the system keeps waiting to be accepted; a fixed number here.",
    )
    .default("50")
    .min(1),
    define(
        "socket.receive.buffer.bytes",
        Int,
        High,
        "Receive buffer of client sockets; left to the system here.",
    )
    .default("102400"),
    define(
        "socket.request.max.bytes",
        Int,
        High,
        "Largest request that is read; a client that announces more is disconnected.",
    )
    .default("104857600")
    .min(1)
    .honoured(),
    define(
        "socket.send.buffer.bytes",
        Int,
        High,
        "Send buffer of client sockets; left to the system here.",
    )
    .default("102400"),
    define(
        "telemetry.max.bytes",
        Int,
        Low,
        "Largest push of metrics by a client (KIP-714).",
    )
    .default("1048576")
    .min(1)
    .honoured(),
];
