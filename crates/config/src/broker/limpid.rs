//! Limpid's own entries.

use crate::check::Check;
use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Boolean, Double, Int, List, Long, Password, String};
use crate::definition::{Definition, define};
use crate::units;

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "limpid.answer.memory.bytes",
        Long,
        Medium,
        "Memory for answers to consumers that were read from files and wait to be sent; reading \
         from files stops when it is used up, and clients that have stopped reading are cut off.",
    )
    .default("134217728")
    .min(2097152)
    .honoured(),
    define(
        "limpid.audit.topic",
        String,
        Medium,
        "A topic that the broker writes its audit to, besides the log: changes, denials, failed \
         logins, reading of payloads (docs/audit.md). Made with one partition if it is not there; \
         clients may not write to it. Empty for none.",
    )
    .default("")
    .check(Check::With(units::topic_or_nothing))
    .honoured(),
    define(
        "limpid.audit.window.ms",
        Long,
        Low,
        "For how long denials and failed logins that repeat are added up before the audit tells of \
         them again.",
    )
    .default("60000")
    .min(1000)
    .honoured(),
    define(
        "limpid.blocking.threads",
        Int,
        Low,
        "Threads for work that waits for the disk: cold reads, fsync, recovery, deletes; \
         0 takes twice the processors, at least 4.",
    )
    .default("0")
    .between(0, 1024)
    .honoured(),
    define(
        "limpid.canary.interval.ms",
        Long,
        Low,
        "How often the canary writes its record; see limpid.canary.topic.",
    )
    .default("10000")
    .min(100)
    .honoured(),
    define(
        "limpid.canary.sasl.jaas.config",
        Password,
        Medium,
        "How the canary logs in where its listener asks for that: \
         org.apache.kafka.common.security.scram.ScramLoginModule required username=\"…\" \
         password=\"…\"; or PlainLoginModule.",
    )
    .honoured(),
    define(
        "limpid.canary.sasl.mechanism",
        String,
        Medium,
        "How the canary logs in: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.",
    )
    .honoured(),
    define(
        "limpid.canary.security.protocol",
        String,
        Medium,
        "The canary goes by the first listener of this protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or \
         SASL_SSL.",
    )
    .default("PLAINTEXT")
    .one_of(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
    .honoured(),
    define(
        "limpid.canary.ssl.endpoint.identification.algorithm",
        String,
        Low,
        "Whether the certificate must name the host that clients are told: https, or nothing for any \
         name.",
    )
    .default("https")
    .one_of(&["https", ""])
    .honoured(),
    define(
        "limpid.canary.ssl.key.password",
        Password,
        Medium,
        "Password of the canary's private key.",
    )
    .honoured(),
    define(
        "limpid.canary.ssl.keystore.certificate.chain",
        Password,
        Medium,
        "The canary's own certificate and its chain, as PEM text.",
    )
    .honoured(),
    define(
        "limpid.canary.ssl.keystore.key",
        Password,
        Medium,
        "The canary's private key, as PEM text.",
    )
    .honoured(),
    define(
        "limpid.canary.ssl.keystore.location",
        String,
        Medium,
        "The file with certificate and private key that the canary shows, where a listener asks for \
         them (ssl.client.auth).",
    )
    .honoured(),
    define(
        "limpid.canary.ssl.keystore.password",
        Password,
        Medium,
        "Password of that file.",
    )
    .honoured(),
    define(
        "limpid.canary.ssl.keystore.type",
        String,
        Low,
        "Format of that file.",
    )
    .honoured(),
    define(
        "limpid.canary.ssl.truststore.certificates",
        Password,
        Medium,
        "Certificates that vouch for this broker, as PEM text.",
    )
    .honoured(),
    define(
        "limpid.canary.ssl.truststore.location",
        String,
        Medium,
        "The file with certificates that vouch for this broker; without it the store of \
         ssl.truststore.* does, and without that the public authorities.",
    )
    .honoured(),
    define(
        "limpid.canary.ssl.truststore.password",
        Password,
        Medium,
        "Password of that file.",
    )
    .honoured(),
    define(
        "limpid.canary.ssl.truststore.type",
        String,
        Low,
        "Format of that file.",
    )
    .honoured(),
    define(
        "limpid.canary.topic",
        String,
        Medium,
        "A topic for a canary: a client within the broker that writes a small record to it per \
         interval, reads it again, and tells how long that took (limpid_canary_*). It goes over TCP \
         by the first listener of protocol limpid.canary.security.protocol, as advertised, as the user \
         that limpid.canary.sasl.* or its certificate make it (else User:ANONYMOUS), which ACLs must \
         allow that, and makes the topic if need be. Empty: no canary.",
    )
    .default("")
    .check(Check::With(units::topic_or_nothing))
    .honoured(),
    define(
        "limpid.client.metrics.default.enable",
        Boolean,
        Medium,
        "Ask clients that no subscription fits to push a few of their metrics once a minute \
         (KIP-714), every five minutes above 500 clients.",
    )
    .default("true")
    .honoured(),
    define(
        "limpid.client.metrics.forward.ca.file",
        String,
        Low,
        "Certificates (PEM) of the authority that vouches for a https:// receiver of \
         limpid.client.metrics.forward.endpoint; empty for the public authorities.",
    )
    .default("")
    .honoured(),
    define(
        "limpid.client.metrics.forward.endpoint",
        String,
        Medium,
        "Where metrics that clients push (KIP-714) are sent on to, besides being shown on /metrics: \
         the URL of a receiver of OpenTelemetry over HTTP with its path, such as \
         http://localhost:4318/v1/metrics. Pushes stay as they came, but for attributes of their \
         resources that say who the client is. Empty: nowhere.",
    )
    .default("")
    .check(Check::With(units::url_or_nothing))
    .honoured(),
    define(
        "limpid.cluster.name",
        String,
        Medium,
        "The name of this cluster in pages and metrics.",
    )
    .default("local")
    .check(Check::With(units::name))
    .honoured(),
    define(
        "limpid.config.strict",
        Boolean,
        Medium,
        "Refuse to start on a key that neither Kafka 4.3 nor Limpid knows, instead of warning.",
    )
    .default("false")
    .honoured(),
    define(
        "limpid.connection.body.timeout.ms",
        Long,
        Low,
        "How long a client may take to send the rest of a request once its first byte has come.",
    )
    .default("30000")
    .min(1)
    .honoured(),
    define(
        "limpid.connection.login.timeout.ms",
        Long,
        Low,
        "How long a client may take for its TLS handshake, and again for its SASL login.",
    )
    .default("10000")
    .min(1)
    .honoured(),
    define(
        "limpid.disk.min.free",
        String,
        High,
        "Free space below which producing is refused with a retriable error: a share of the disk \
         (5%) or a size (10GiB).",
    )
    .default("5%")
    .check(Check::With(units::share_or_size))
    .honoured(),
    define(
        "limpid.disk.min.free.bytes",
        Long,
        Medium,
        "The least free space in bytes, whatever limpid.disk.min.free comes to.",
    )
    .default("1073741824")
    .min(0)
    .honoured(),
    define(
        "limpid.drain.timeout.ms",
        Long,
        Medium,
        "How long a stopping broker waits for requests in flight before it closes them.",
    )
    .default("25000")
    .min(0)
    .honoured(),
    define(
        "limpid.log.format",
        String,
        Low,
        "How log lines are written: text or json.",
    )
    .default("text")
    .one_of(&["text", "json"])
    .honoured(),
    define(
        "limpid.log.level",
        String,
        Low,
        "Which log lines are written: a level, or tracing directives such as info,limpid=debug.",
    )
    .default("info")
    .check(Check::NonEmpty)
    .honoured(),
    define(
        "limpid.log.headroom.bytes",
        Int,
        Low,
        "Zeros written at once behind the last batch of a segment that much is appended to, so that appends \
         find pages and blocks there; given back when nothing was appended for a while. 0 for none, as on a \
         file system that writes nothing in place.",
    )
    .default("131072")
    .between(0, 1_048_576)
    .honoured(),
    define(
        "limpid.metrics.dialects",
        List,
        Medium,
        "Naming dialects that /metrics speaks besides limpid_*, or all. A scrape can ask for one \
         that is not named here by /metrics?dialect=NAME.",
    )
    .default("kafka_exporter,strimzi")
    .one_of(&[
        "kafka_exporter",
        "strimzi",
        "confluent",
        "strimzi_reporter",
        "jmx_exporter",
        "kminion",
        "kafka_lag_exporter",
        "otel",
        "grafana_fork",
        "burrow",
        "all",
    ])
    .honoured(),
    define(
        "limpid.metrics.group.exclude",
        String,
        Low,
        "Groups whose name this regular expression matches as a whole have no series of their \
         partitions on /metrics; what tells of a group or of a topic of it stays.",
    )
    .default("console-consumer-.*|__.*")
    .honoured(),
    define(
        "limpid.metrics.group.include",
        String,
        Low,
        "If set, only groups whose name this regular expression matches as a whole have series of \
         their partitions on /metrics.",
    )
    .default("")
    .honoured(),
    define(
        "limpid.metrics.jmx.exporter.config",
        String,
        Low,
        "A configuration file of jmx_exporter. /metrics names MBeans by its rules, too.",
    )
    .default("")
    .honoured(),
    define(
        "limpid.metrics.max.series",
        Int,
        Medium,
        "Most series of a page of /metrics. A page that would have more shows lag by topic in place \
         of partitions, then partitions only while they are unhealthy, then three percentiles, then \
         it leaves out whole families, the largest first.",
    )
    .default("200000")
    .min(0)
    .honoured(),
    define(
        "limpid.metrics.protected.families",
        List,
        Low,
        "Families that limpid.metrics.max.series cuts down last; the word alerts stands for those \
         that Limpid's own alert rules use.",
    )
    .default("alerts")
    .honoured(),
    define(
        "limpid.metrics.topic.exclude",
        String,
        Low,
        "Topics whose name this regular expression matches as a whole have no series of their \
         partitions on /metrics; what tells of a topic stays.",
    )
    .default("")
    .honoured(),
    define(
        "limpid.metrics.topic.include",
        String,
        Low,
        "If set, only topics whose name this regular expression matches as a whole have series of \
         their partitions on /metrics.",
    )
    .default("")
    .honoured(),
    define(
        "limpid.otlp.ca.file",
        String,
        Low,
        "Certificates (PEM) of the authority that vouches for a https:// collector; empty for the file \
         in the environment variable OTEL_EXPORTER_OTLP_CERTIFICATE, or else the public authorities.",
    )
    .default("")
    .honoured(),
    define(
        "limpid.otlp.endpoint",
        String,
        Medium,
        "Where an OpenTelemetry collector takes spans of requests, as http://host:4317 or https://…; \
         nothing for no tracing (docs/traces.md).",
    )
    .default("")
    .check(Check::With(units::collector_or_nothing))
    .honoured(),
    define(
        "limpid.otlp.protocol",
        String,
        Low,
        "How the collector takes spans: grpc or http/protobuf.",
    )
    .default("grpc")
    .one_of(&["grpc", "http/protobuf"])
    .honoured(),
    define(
        "limpid.otlp.sampling.ratio",
        Double,
        Medium,
        "The share of requests that become spans, from 0 to 1. Where the records of a request carry \
         a trace context, who began that trace decides.",
    )
    .default("0.01")
    .check(Check::Fraction(0.0, 1.0))
    .honoured(),
    define(
        "limpid.request.memory.bytes",
        Long,
        Medium,
        "Memory for requests being received or handled; reading stops when it is used up. \
         At least socket.request.max.bytes.",
    )
    .default("268435456")
    .min(1)
    .honoured(),
    define(
        "limpid.request.slow.ms",
        Long,
        Medium,
        "Requests for which the broker takes this long for itself, not counting what a client asked \
         it to wait for, are counted, logged and kept to be looked at; -1 for none.",
    )
    .default("1000")
    .min(-1)
    .honoured()
    .cluster_wide(),
    define(
        "limpid.storage.auto.format",
        Boolean,
        Medium,
        "Format configured log directories that have no meta.properties instead of refusing them.",
    )
    .default("false")
    .honoured(),
    define(
        "limpid.tail.cache.bytes",
        Long,
        Medium,
        "Memory for the newest batches of all partitions, from which consumers are served \
         without touching files.",
    )
    .default("67108864")
    .min(0)
    .honoured(),
    define(
        "limpid.validate.compressed",
        String,
        Low,
        "Whether compressed batches are decompressed and checked record by record (full) or \
         their header is trusted (header).",
    )
    .default("full")
    .one_of(&["full", "header"])
    .honoured(),
    define(
        "limpid.worker.threads",
        Int,
        Low,
        "Threads of the data path; 0 takes the processors that the cgroup allows.",
    )
    .default("0")
    .between(0, 1024)
    .honoured(),
];
