//! The node, its roles and the metadata quorum.

use crate::check::Check;
use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Boolean, Int, List, Long, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "broker.heartbeat.interval.ms",
        Int,
        Medium,
        "How often a broker reports to its controller.",
    )
    .default("2000"),
    define(
        "broker.id",
        Int,
        High,
        "The older name of node.id; -1 leaves it to that.",
    )
    .default("-1")
    .honoured(),
    define(
        "broker.rack",
        String,
        Medium,
        "Where this broker stands, as told to clients that prefer near replicas.",
    )
    .honoured(),
    define(
        "broker.session.timeout.ms",
        Int,
        Medium,
        "How long a controller waits for a silent broker before fencing it.",
    )
    .default("9000"),
    define(
        "controlled.shutdown.enable",
        Boolean,
        Medium,
        "Hand over leadership before stopping; with one node there is nobody to hand it to.",
    )
    .default("true"),
    define(
        "controller.listener.names",
        List,
        High,
        "Listeners of the controller quorum; not opened here, since the controller lives \
         inside the broker.",
    )
    .default("CONTROLLER")
    .check(Check::NonEmpty)
    .honoured(),
    define(
        "controller.performance.always.log.threshold.ms",
        Long,
        Medium,
        "Duration from which a slow controller event is always logged.",
    )
    .default("2000")
    .min(0)
    .internal(),
    define(
        "controller.performance.sample.period.ms",
        Long,
        Medium,
        "How often the controller logs how long its events take.",
    )
    .default("60000")
    .min(100)
    .internal(),
    define(
        "controller.quorum.append.linger.ms",
        Int,
        Medium,
        "How long a controller collects writes before it sends them to the others.",
    )
    .default("25")
    .min(0),
    define(
        "controller.quorum.auto.join.enable",
        Boolean,
        Low,
        "Whether a controller joins the quorum by itself.",
    )
    .default("false"),
    define(
        "controller.quorum.bootstrap.servers",
        List,
        High,
        "Where to find the controller quorum; with more than one address this version refuses \
         to start.",
    )
    .default(""),
    define(
        "controller.quorum.election.backoff.max.ms",
        Int,
        High,
        "Longest wait before a controller stands for election again.",
    )
    .default("1000")
    .min(0),
    define(
        "controller.quorum.election.timeout.ms",
        Int,
        High,
        "How long a candidate waits for votes.",
    )
    .default("1000")
    .min(0),
    define(
        "controller.quorum.fetch.max.bytes",
        Int,
        Low,
        "Most bytes a controller fetches of the metadata log at a time.",
    )
    .default("1048576")
    .min(1),
    define(
        "controller.quorum.fetch.snapshot.max.bytes",
        Int,
        Low,
        "Most bytes a controller fetches of a snapshot at a time.",
    )
    .default("1048576")
    .min(1),
    define(
        "controller.quorum.fetch.timeout.ms",
        Int,
        High,
        "How long a controller goes without a leader before it stands for election.",
    )
    .default("2000")
    .min(0),
    define(
        "controller.quorum.request.timeout.ms",
        Int,
        Medium,
        "How long a request among controllers may take.",
    )
    .default("2000")
    .min(0),
    define(
        "controller.quorum.retry.backoff.ms",
        Int,
        Low,
        "Wait before a request among controllers is tried again.",
    )
    .default("20")
    .min(0),
    define(
        "controller.quorum.voters",
        List,
        High,
        "The controllers by id and address; this version refuses to start if others than \
         itself are named.",
    )
    .default(""),
    define(
        "controller.quota.window.num",
        Int,
        Low,
        "Windows over which changes of metadata are counted against quotas.",
    )
    .default("11")
    .min(1)
    .honoured(),
    define(
        "controller.quota.window.size.seconds",
        Int,
        Low,
        "Length of such a window.",
    )
    .default("1")
    .min(1)
    .honoured(),
    define(
        "controller.socket.timeout.ms",
        Int,
        Medium,
        "How long the controller waits for a broker's answer.",
    )
    .default("30000"),
    define(
        "early.start.listeners",
        List,
        High,
        "Listeners opened before the authorizer is ready; there is no authorizer yet.",
    ),
    define(
        "initial.broker.registration.timeout.ms",
        Int,
        Medium,
        "How long a starting broker waits for its controller.",
    )
    .default("60000"),
    define(
        "internal.metadata.delete.delay.millis",
        Long,
        Low,
        "How long old metadata files stay before they are removed.",
    )
    .default("60000")
    .internal(),
    define(
        "internal.metadata.log.segment.bytes",
        Int,
        Low,
        "Size of a metadata segment, for tests.",
    )
    .internal(),
    define(
        "internal.metadata.max.batch.size.in.bytes",
        Int,
        Low,
        "Largest batch of the metadata log.",
    )
    .default("8388608")
    .internal(),
    define(
        "metadata.log.dir",
        String,
        High,
        "The directory of the metadata log; unset, it is the first log directory.",
    )
    .honoured(),
    define(
        "metadata.log.max.record.bytes.between.snapshots",
        Long,
        High,
        "New metadata after which a snapshot is written.",
    )
    .default("20971520")
    .min(1)
    .honoured(),
    define(
        "metadata.log.max.snapshot.interval.ms",
        Long,
        High,
        "Longest time between snapshots while metadata changes.",
    )
    .default("3600000")
    .min(0)
    .honoured(),
    define(
        "metadata.log.segment.bytes",
        Int,
        High,
        "Size at which a metadata segment is closed.",
    )
    .default("1073741824")
    .min(8_388_608)
    .honoured(),
    define(
        "metadata.log.segment.ms",
        Long,
        High,
        "Age at which a metadata segment is closed.",
    )
    .default("604800000")
    .honoured(),
    define(
        "metadata.max.idle.interval.ms",
        Int,
        Low,
        "How often an idle controller writes a no-op to the metadata log; none are written \
         here.",
    )
    .default("500")
    .min(0),
    define(
        "metadata.max.retention.bytes",
        Long,
        High,
        "Size of old metadata and snapshots that is kept.",
    )
    .default("104857600")
    .honoured(),
    define(
        "metadata.max.retention.ms",
        Long,
        High,
        "Age of old metadata and snapshots that is kept.",
    )
    .default("604800000")
    .honoured(),
    define(
        "node.id",
        Int,
        High,
        "The number of this node in its cluster.",
    )
    .default("1")
    .min(0)
    .honoured(),
    define(
        "process.roles",
        List,
        High,
        "What this node is; here always broker and controller in one.",
    )
    .default("broker,controller")
    .check(Check::SomeOf(&["broker", "controller"]))
    .honoured(),
    define(
        "server.max.startup.time.ms",
        Long,
        Medium,
        "How long starting may take before Kafka gives up.",
    )
    .default("9223372036854775807")
    .min(0)
    .internal(),
    define(
        "unstable.api.versions.enable",
        Boolean,
        High,
        "Offer API versions that Kafka still changes.",
    )
    .default("false")
    .internal(),
    define(
        "unstable.feature.versions.enable",
        Boolean,
        High,
        "Offer feature versions that Kafka still changes.",
    )
    .default("false")
    .internal(),
];
