//! The table of broker entries: every property of Kafka 4.3's broker, in files by subject.
//!
//! Keys, types, defaults, validators and update modes are those of Apache Kafka 4.3.0
//! (`AbstractKafkaConfig.CONFIG_DEF`, `DynamicBrokerConfig`); the sentences are ours. Defaults
//! that differ on purpose: `listeners` (loopback only), `log.dir` (`./limpid-data`), `node.id`,
//! `process.roles` and `controller.listener.names` (required in Kafka, optional here).

use std::sync::LazyLock;

use crate::definition::{Definition, Effect};

mod dynamic_only;
mod groups;
mod http;
mod limpid;
mod log;
mod network;
mod node;
mod replication;
mod sasl;
mod share;
mod tiering;
mod tls;
mod transactions;

/// Our own entries, all under `limpid.`.
pub fn limpid_definitions() -> impl Iterator<Item = &'static Definition> {
    [limpid::ROWS, http::ROWS].into_iter().flatten()
}

/// The prefix of our own entries.
pub const LIMPID_PREFIX: &str = "limpid.";

const SUBJECTS: &[(&str, &[Definition])] = &[
    ("Limpid's own", limpid::ROWS),
    ("Limpid's pages, metrics and health over HTTP", http::ROWS),
    ("The node", node::ROWS),
    ("Listeners, connections, requests", network::ROWS),
    ("Topics and their logs", log::ROWS),
    ("Consumer groups and committed offsets", groups::ROWS),
    ("Transactions and idempotent producers", transactions::ROWS),
    ("Replication and quotas", replication::ROWS),
    ("Share groups", share::ROWS),
    ("Tiered storage", tiering::ROWS),
    ("TLS and authorization", tls::ROWS),
    ("SASL", sasl::ROWS),
];

/// Every broker entry, sorted by key.
pub static DEFINITIONS: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    let mut all: Vec<Definition> = SUBJECTS
        .iter()
        .flat_map(|(_, rows)| rows.iter().copied())
        .collect();
    all.sort_by_key(|row| row.key);
    all
});

/// The entries by subject, in the order of the sample file.
pub fn subjects() -> &'static [(&'static str, &'static [Definition])] {
    SUBJECTS
}

/// The entry with this key.
pub fn find(key: &str) -> Option<&'static Definition> {
    let all: &'static [Definition] = &DEFINITIONS;
    all.binary_search_by_key(&key, |row| row.key)
        .ok()
        .map(|index| &all[index])
}

/// Keys that Kafka accepts for one listener as `listener.name.<name>.<key>`, or below a prefix
/// that belongs to a plugin. Known, and without effect here.
pub fn is_known_prefix(key: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "listener.name.",
        "rsm.config.",
        "rlmm.config.",
        "client.quota.callback.",
        "kafka.metrics.",
        "group.consumer.assignor.",
    ];
    PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

/// Entries that exist only dynamically: Kafka keeps them outside its static table.
pub const DYNAMIC_ONLY: &[Definition] = dynamic_only::ROWS;

/// TLS entries that can be altered only for one listener, under its `listener.name.` prefix.
pub const PER_LISTENER_ONLY: &[&str] = &[
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

/// The entry with this key, among those that can be altered while the broker runs as well.
pub fn find_alterable(key: &str) -> Option<&'static Definition> {
    let dynamic_only = || DYNAMIC_ONLY.iter().find(|row| row.key == key);
    find(key).or_else(dynamic_only)
}

/// Keys of Kafka's authorizer, which stand in no table of Kafka's.
pub fn is_of_authorizer(key: &str) -> bool {
    ["super.users", "allow.everyone.if.no.acl.found"].contains(&key)
}

/// Whether a `listener.name.<name>.<key>` changes what the broker does: those that say how the
/// listener is protected, and how many connections it takes.
pub fn is_honoured_for_listener(key: &str) -> bool {
    const PROTECTING: &[&str] = &["ssl.", "sasl.", "connections.max.reauth.ms"];
    find_for_listener(key).is_some_and(|row| {
        let protecting = PROTECTING.iter().any(|start| row.key.starts_with(start));
        let limiting = LISTENER_LIMITS.contains(&row.key);
        row.effect == Effect::Honoured && (protecting || limiting)
    })
}

/// Limits that a listener may have of its own.
const LISTENER_LIMITS: &[&str] = &["max.connections", "max.connection.creation.rate"];

/// The row that a `listener.name.<name>.<key>` belongs to.
pub fn find_for_listener(key: &str) -> Option<&'static Definition> {
    let (_, base) = key.strip_prefix("listener.name.")?.split_once('.')?;
    let exact = find(base);
    exact.or_else(|| {
        DEFINITIONS
            .iter()
            .find(|row| base.ends_with(&format!(".{}", row.key)))
    })
}

/// Keys of the ZooKeeper era and others that Kafka 4.0 removed.
pub const REMOVED: &[&str] = &[
    "advertised.host.name",
    "advertised.port",
    "authorizer.zookeeper.connection.timeout.ms",
    "broker.id.generation.enable",
    "control.plane.listener.name",
    "delegation.token.master.key",
    "enable.zookeeper.leader.balancing",
    "host.name",
    "inter.broker.protocol.version",
    "log.message.downconversion.enable",
    "log.message.format.version",
    "log.message.timestamp.difference.max.ms",
    "message.downconversion.enable",
    "message.format.version",
    "message.timestamp.difference.max.ms",
    "offsets.commit.required.acks",
    "password.encoder.cipher.algorithm",
    "password.encoder.iterations",
    "password.encoder.key.length",
    "password.encoder.keyfactory.algorithm",
    "password.encoder.old.secret",
    "password.encoder.secret",
    "port",
    "quota.consumer.default",
    "quota.producer.default",
    "reserved.broker.max.id",
    "zookeeper.clientCnxnSocket",
    "zookeeper.connect",
    "zookeeper.connection.timeout.ms",
    "zookeeper.max.in.flight.requests",
    "zookeeper.metadata.migration.enable",
    "zookeeper.metadata.migration.min.batch.size",
    "zookeeper.session.timeout.ms",
    "zookeeper.set.acl",
    "zookeeper.sync.time.ms",
];

/// Whether Kafka 4.0 removed this key.
pub fn is_removed(key: &str) -> bool {
    REMOVED.contains(&key) || key.starts_with("zookeeper.")
}
