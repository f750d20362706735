//! The node, its roles and the metadata quorum.

use crate::check::Check;
use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Boolean, Int, List, Long, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define("broker.heartbeat.interval.ms", Int, Medium, "").default("2000"),
    define("broker.id", Int, High, "").default("-1"),
    define("broker.rack", String, Medium, ""),
    define("broker.session.timeout.ms", Int, Medium, "").default("9000"),
    define("controlled.shutdown.enable", Boolean, Medium, "").default("true"),
    define("controller.listener.names", List, High, "")
        .default("CONTROLLER")
        .check(Check::NonEmpty),
    define(
        "controller.performance.always.log.threshold.ms",
        Long,
        Medium,
        "",
    )
    .default("2000")
    .min(0)
    .internal(),
    define("controller.performance.sample.period.ms", Long, Medium, "")
        .default("60000")
        .min(100)
        .internal(),
    define("controller.quorum.append.linger.ms", Int, Medium, "")
        .default("25")
        .min(0),
    define("controller.quorum.auto.join.enable", Boolean, Low, "").default("false"),
    define("controller.quorum.bootstrap.servers", List, High, "").default(""),
    define("controller.quorum.election.backoff.max.ms", Int, High, "")
        .default("1000")
        .min(0),
    define("controller.quorum.election.timeout.ms", Int, High, "")
        .default("1000")
        .min(0),
    define("controller.quorum.fetch.max.bytes", Int, Low, "")
        .default("1048576")
        .min(1),
    define("controller.quorum.fetch.snapshot.max.bytes", Int, Low, "")
        .default("1048576")
        .min(1),
    define("controller.quorum.fetch.timeout.ms", Int, High, "")
        .default("2000")
        .min(0),
    define("controller.quorum.request.timeout.ms", Int, Medium, "")
        .default("2000")
        .min(0),
    define("controller.quorum.retry.backoff.ms", Int, Low, "")
        .default("20")
        .min(0),
    define("controller.quorum.voters", List, High, "").default(""),
    define("controller.quota.window.num", Int, Low, "")
        .default("11")
        .min(1),
    define("controller.quota.window.size.seconds", Int, Low, "")
        .default("1")
        .min(1),
    define("controller.socket.timeout.ms", Int, Medium, "").default("30000"),
    define("early.start.listeners", List, High, ""),
    define("initial.broker.registration.timeout.ms", Int, Medium, "").default("60000"),
    define("internal.metadata.delete.delay.millis", Long, Low, "")
        .default("60000")
        .internal(),
    define("internal.metadata.log.segment.bytes", Int, Low, "").internal(),
    define("internal.metadata.max.batch.size.in.bytes", Int, Low, "")
        .default("8388608")
        .internal(),
    define("metadata.log.dir", String, High, ""),
    define(
        "metadata.log.max.record.bytes.between.snapshots",
        Long,
        High,
        "",
    )
    .default("20971520")
    .min(1),
    define("metadata.log.max.snapshot.interval.ms", Long, High, "")
        .default("3600000")
        .min(0),
    define("metadata.log.segment.bytes", Int, High, "")
        .default("1073741824")
        .min(8_388_608),
    define("metadata.log.segment.ms", Long, High, "").default("604800000"),
    define("metadata.max.idle.interval.ms", Int, Low, "")
        .default("500")
        .min(0),
    define("metadata.max.retention.bytes", Long, High, "").default("104857600"),
    define("metadata.max.retention.ms", Long, High, "").default("604800000"),
    define("node.id", Int, High, "").default("1").min(0),
    define("process.roles", List, High, "")
        .default("broker,controller")
        .check(Check::SomeOf(&["broker", "controller"])),
    define("server.max.startup.time.ms", Long, Medium, "")
        .default("9223372036854775807")
        .min(0)
        .internal(),
    define("unstable.api.versions.enable", Boolean, High, "")
        .default("false")
        .internal(),
    define("unstable.feature.versions.enable", Boolean, High, "")
        .default("false")
        .internal(),
];
