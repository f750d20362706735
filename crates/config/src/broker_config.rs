//! The typed configuration of the broker.
//!
//! Built in one go from the checked values, so that whoever holds a [`BrokerConfig`] has nothing
//! left to parse. Durations are milliseconds (`_ms`), sizes bytes (`_bytes`).

mod canary;
mod groups;
mod http;
mod limits;
mod metadata_log;
mod observing;
mod share;
mod transactions;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use self::canary::CanaryConfig;
pub use self::groups::{ConsumerGroupsConfig, GroupsConfig};
pub use self::http::{HttpConfig, MetricsLimits};
pub use self::limits::{ConnectionsConfig, ListenerConnections, QuotaConfig};
pub use self::metadata_log::MetadataLogConfig;
pub use self::observing::{ForwardConfig, ObservingConfig, SpansConfig};
pub use self::share::ShareGroupsConfig;
pub use self::transactions::TransactionsConfig;
use crate::authorizer::{self, AccessConfig};
use crate::check::{list_items, parse_double};
use crate::compaction::CompactionConfig;
use crate::listeners::{self, ControllerListener, Listener, ListenerKeys};
use crate::security::{self, ListenerSecurity};
use crate::topic_config::TopicConfig;
use crate::units::{self, ShareOrSize};
use crate::values::{KeyedMessage, Values};

/// Everything the broker asks its configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerConfig {
    /// Who this node is.
    pub node: NodeConfig,
    /// Where Kafka clients connect.
    pub listeners: Vec<Listener>,
    /// The name of the listener that brokers use among themselves.
    pub inter_broker_listener: String,
    /// What protects each listener, by its name.
    pub security: BTreeMap<String, ListenerSecurity>,
    /// Who may do what.
    pub access: AccessConfig,
    /// Limits of connections and requests.
    pub network: NetworkConfig,
    /// How quotas are measured.
    pub quotas: QuotaConfig,
    /// Where data lives, and how it is looked after.
    pub storage: StorageConfig,
    /// How the metadata log is kept.
    pub metadata_log: MetadataLogConfig,
    /// How logs are compacted.
    pub compaction: CompactionConfig,
    /// Automatic creation of topics and its like.
    pub topics: TopicsConfig,
    /// Consumer groups and the topic they are kept in.
    pub groups: GroupsConfig,
    /// Transactions and the topic they are kept in.
    pub transactions: TransactionsConfig,
    /// Pages, health and metrics.
    pub http: HttpConfig,
    /// The canary, if there is one.
    pub canary: Option<CanaryConfig>,
    /// Log lines.
    pub logging: LoggingConfig,
    /// What the broker tells of itself beyond metrics.
    pub observing: ObservingConfig,
    /// Threads and memory.
    pub resources: ResourcesConfig,
    /// What a topic gets that sets nothing itself.
    pub topic_defaults: TopicConfig,
}

/// Who this node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// `node.id`, or `broker.id`.
    pub id: i32,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// `limpid.cluster.name`.
    pub cluster_name: String,
    /// `limpid.drain.timeout.ms`.
    pub drain_timeout_ms: u64,
    /// The listener of `controller.listener.names`, when `listeners` has one.
    pub controller: Option<ControllerListener>,
    /// Whether `controller.quorum.voters` names who votes.
    pub has_configured_voters: bool,
}

/// Limits of connections and requests.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkConfig {
    /// `connections.max.idle.ms`; `None` (from a negative value) never closes idle connections.
    pub connections_max_idle_ms: Option<u64>,
    /// `fetch.max.bytes`.
    pub fetch_max_bytes: i32,
    /// `max.incremental.fetch.session.cache.slots`.
    pub fetch_session_slots: usize,
    /// `limpid.connection.body.timeout.ms`.
    pub body_timeout_ms: u64,
    /// `limpid.connection.login.timeout.ms`.
    pub login_timeout_ms: u64,
    /// How many connections there may be.
    pub connections: ConnectionsConfig,
    /// `max.request.partition.size.limit`: most topics or partitions in one describe answer.
    pub max_request_partition_size_limit: i32,
    /// `socket.request.max.bytes`.
    pub socket_request_max_bytes: i32,
    /// `limpid.validate.compressed=full`.
    pub validate_compressed_records: bool,
    /// `limpid.client.metrics.default.enable`.
    pub client_metrics_by_default: bool,
    /// `telemetry.max.bytes`.
    pub client_metrics_bytes_max: usize,
}

/// Where data lives, and how it is looked after.
#[derive(Clone, Debug, PartialEq)]
pub struct StorageConfig {
    /// `log.dirs`, or `log.dir`; the first also holds the metadata log.
    pub log_dirs: Vec<PathBuf>,
    /// Whether nobody set it: only then a directory is formatted without being asked.
    pub log_dirs_is_default: bool,
    /// `limpid.storage.auto.format`.
    pub auto_format: bool,
    /// `metadata.log.dir`, when it is set.
    pub metadata_log_dir: Option<PathBuf>,
    /// `limpid.disk.min.free`.
    pub disk_min_free: ShareOrSize,
    /// `limpid.disk.min.free.bytes`: the least, whatever the share comes to.
    pub disk_min_free_bytes: u64,
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub recovery_point_checkpoint_interval_ms: u64,
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval_ms: u64,
    /// `num.recovery.threads.per.data.dir`.
    pub recovery_threads_per_dir: usize,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: i64,
}

impl StorageConfig {
    /// Free bytes below which producing is refused, on a disk of `total_bytes`.
    pub fn min_free_bytes(&self, total_bytes: u64) -> u64 {
        let wanted = match self.disk_min_free {
            ShareOrSize::Share(share) => (total_bytes as f64 * share) as u64,
            ShareOrSize::Bytes(bytes) => bytes,
        };
        wanted.max(self.disk_min_free_bytes)
    }
}

/// How topics come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicsConfig {
    /// `auto.create.topics.enable`.
    pub auto_create: bool,
    /// `default.replication.factor`.
    pub default_replication_factor: i32,
    /// `delete.topic.enable`.
    pub delete_enabled: bool,
    /// `num.partitions`.
    pub num_partitions: i32,
}

/// Log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggingConfig {
    /// `limpid.log.level`: a level or tracing directives.
    pub level: String,
    /// `limpid.log.format=json`.
    pub json: bool,
}

/// Threads and memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourcesConfig {
    /// `limpid.request.memory.bytes`, or `queued.max.request.bytes`; at least the largest request.
    pub request_memory_bytes: usize,
    /// `limpid.answer.memory.bytes`.
    pub answer_memory_bytes: usize,
    /// `limpid.tail.cache.bytes`.
    pub tail_cache_bytes: usize,
    /// `limpid.log.headroom.bytes`.
    pub log_headroom_bytes: u64,
    /// `limpid.worker.threads`; `None` chooses by the processors.
    pub worker_threads: Option<usize>,
    /// `limpid.blocking.threads`; `None` chooses by the processors.
    pub blocking_threads: Option<usize>,
}

impl BrokerConfig {
    pub(crate) fn build(values: &Values<'_>) -> Result<BrokerConfig, Vec<KeyedMessage>> {
        let mut problems = refused_features(values);
        let listeners = match client_listeners(values) {
            Ok(found) => Some(found),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        let security = match listeners
            .as_ref()
            .map(|(all, _)| security::listeners(values, all))
        {
            Some(Err(problem)) => {
                problems.push(problem);
                BTreeMap::new()
            }
            found => found.and_then(Result::ok).unwrap_or_default(),
        };
        let access = authorizer::access(values).unwrap_or_else(|problem| {
            problems.push(problem);
            AccessConfig::default()
        });
        let http = http::http(values);
        let http = http.map_err(|problem| problems.push(problem));
        let names = listeners.as_ref().map_or(&[][..], |(all, _)| all);
        let canary = canary::canary(values, names).unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        let connections = limits::connections(values, names);
        let connections = connections.map_err(|problem| problems.push(problem));
        let resources = resources(values);
        let largest = values.int("socket.request.max.bytes");
        if resources.request_memory_bytes < usize::try_from(largest).unwrap_or(usize::MAX) {
            let message = format!(
                "must be at least socket.request.max.bytes ({largest}), else the largest request \
                 could never be read"
            );
            problems.push((request_memory_key(values), message));
        }
        let (Some((listeners, inter_broker_listener)), Ok(connections), Ok(http), true) =
            (listeners, connections, http, problems.is_empty())
        else {
            return Err(problems);
        };
        Ok(BrokerConfig {
            node: node(values),
            listeners,
            inter_broker_listener,
            security,
            access,
            network: network(values, connections),
            quotas: limits::quotas(values),
            storage: storage(values),
            metadata_log: metadata_log::metadata_log(values),
            compaction: compaction(values),
            topics: TopicsConfig {
                auto_create: values.boolean("auto.create.topics.enable"),
                default_replication_factor: values.int("default.replication.factor"),
                delete_enabled: values.boolean("delete.topic.enable"),
                num_partitions: values.int("num.partitions"),
            },
            groups: groups::groups(values),
            transactions: transactions::read(values),
            http,
            canary,
            logging: LoggingConfig {
                level: values.text("limpid.log.level"),
                json: values.text("limpid.log.format").trim() == "json",
            },
            observing: observing::observing(values),
            resources,
            topic_defaults: TopicConfig::resolve(values.explicit, &BTreeMap::new()),
        })
    }
}

fn compaction(values: &Values<'_>) -> CompactionConfig {
    let double = |key: &str| parse_double(&values.text(key));
    CompactionConfig {
        enabled: values.boolean("log.cleaner.enable"),
        threads: values.size("log.cleaner.threads"),
        keys_bytes: values.size("log.cleaner.dedupe.buffer.size"),
        keys_load_max: double("log.cleaner.io.buffer.load.factor").unwrap_or(0.9),
        io_bytes: values.size("log.cleaner.io.buffer.size"),
        io_bytes_per_second: double("log.cleaner.io.max.bytes.per.second").unwrap_or(f64::MAX),
        backoff_ms: values.unsigned("log.cleaner.backoff.ms"),
    }
}

fn client_listeners(values: &Values<'_>) -> Result<(Vec<Listener>, String), KeyedMessage> {
    let advertised = (values.explicit)("advertised.listeners");
    let protocol_map = (values.explicit)("listener.security.protocol.map");
    let inter_broker_name = (values.explicit)("inter.broker.listener.name");
    let inter_broker_protocol = (values.explicit)("security.inter.broker.protocol");
    listeners::resolve(&ListenerKeys {
        listeners: &values.text("listeners"),
        advertised: advertised.as_deref(),
        protocol_map: protocol_map.as_deref(),
        inter_broker_name: inter_broker_name.as_deref(),
        controller_names: &values.text("controller.listener.names"),
        inter_broker_protocol: inter_broker_protocol.as_deref().map(str::trim),
        hostname: values.hostname,
    })
}

/// Entries that would change what the broker is, and that this version cannot honour: starting
/// without them would be worse than not starting.
fn refused_features(values: &Values<'_>) -> Vec<KeyedMessage> {
    let mut problems = Vec::new();
    let roles = values.text("process.roles");
    if !list_items(&roles).any(|role| role == "broker")
        || !list_items(&roles).any(|role| role == "controller")
    {
        let message = "this version is one node that is broker and controller in one; \
                       set broker,controller or leave it out";
        problems.push(("process.roles", message.into()));
    }
    let node_id = node_id(values);
    let voters = values.text("controller.quorum.voters");
    let foreign = |voter: &str| {
        voter
            .split('@')
            .next()
            .is_none_or(|id| id != node_id.to_string())
    };
    if list_items(&voters).any(foreign) {
        let message = "this version is one node and cannot join a quorum of others";
        problems.push(("controller.quorum.voters", message.into()));
    }
    if list_items(&values.text("controller.quorum.bootstrap.servers")).count() > 1 {
        let message = "this version is one node and cannot join a quorum of others";
        problems.push(("controller.quorum.bootstrap.servers", message.into()));
    }
    if values.boolean("remote.log.storage.system.enable") {
        let message = "tiered storage is not available yet in this version";
        problems.push(("remote.log.storage.system.enable", message.into()));
    }
    let (id, broker_id) = ((values.explicit)("node.id"), (values.explicit)("broker.id"));
    if let (Some(id), Some(broker_id)) = (id, broker_id)
        && broker_id.trim() != "-1"
        && id.trim() != broker_id.trim()
    {
        let message = format!("says {broker_id} while node.id says {id}; leave it out");
        problems.push(("broker.id", message));
    }
    problems
}

fn node_id(values: &Values<'_>) -> i32 {
    let explicit = (values.explicit)("node.id").or_else(|| (values.explicit)("broker.id"));
    let id = explicit
        .and_then(|text| text.trim().parse().ok())
        .filter(|id| *id >= 0);
    id.unwrap_or_else(|| values.int("node.id"))
}

fn node(values: &Values<'_>) -> NodeConfig {
    NodeConfig {
        id: node_id(values),
        rack: (values.explicit)("broker.rack").map(|rack| rack.trim().to_owned()),
        cluster_name: values.text("limpid.cluster.name").trim().to_owned(),
        controller: listeners::controller(
            &values.text("listeners"),
            &values.text("controller.listener.names"),
            values.hostname,
        ),
        has_configured_voters: list_items(&values.text("controller.quorum.voters")).count() > 0,
        drain_timeout_ms: values.unsigned("limpid.drain.timeout.ms"),
    }
}

fn network(values: &Values<'_>, connections: ConnectionsConfig) -> NetworkConfig {
    NetworkConfig {
        connections_max_idle_ms: u64::try_from(values.long("connections.max.idle.ms")).ok(),
        fetch_max_bytes: values.int("fetch.max.bytes"),
        fetch_session_slots: usize::try_from(
            values.int("max.incremental.fetch.session.cache.slots"),
        )
        .unwrap_or(0),
        body_timeout_ms: values.unsigned("limpid.connection.body.timeout.ms"),
        login_timeout_ms: values.unsigned("limpid.connection.login.timeout.ms"),
        connections,
        max_request_partition_size_limit: values.int("max.request.partition.size.limit"),
        socket_request_max_bytes: values.int("socket.request.max.bytes"),
        validate_compressed_records: values.text("limpid.validate.compressed").trim() == "full",
        client_metrics_by_default: values.boolean("limpid.client.metrics.default.enable"),
        client_metrics_bytes_max: values.size("telemetry.max.bytes"),
    }
}

fn storage(values: &Values<'_>) -> StorageConfig {
    let explicit = (values.explicit)("log.dirs").or_else(|| (values.explicit)("log.dir"));
    let log_dirs_is_default = explicit.is_none();
    let dirs = explicit.unwrap_or_else(|| values.text("log.dir"));
    StorageConfig {
        log_dirs: list_items(&dirs).map(PathBuf::from).collect(),
        log_dirs_is_default,
        auto_format: values.boolean("limpid.storage.auto.format"),
        metadata_log_dir: (values.explicit)("metadata.log.dir").map(|dir| dir.trim().into()),
        disk_min_free: units::parse_share_or_size(&values.text("limpid.disk.min.free"))
            .unwrap_or(ShareOrSize::Share(0.05)),
        disk_min_free_bytes: values.unsigned("limpid.disk.min.free.bytes"),
        recovery_point_checkpoint_interval_ms: values
            .unsigned("log.flush.offset.checkpoint.interval.ms"),
        retention_check_interval_ms: values.unsigned("log.retention.check.interval.ms"),
        recovery_threads_per_dir: values.size("num.recovery.threads.per.data.dir"),
        producer_id_expiration_ms: values.long("producer.id.expiration.ms"),
    }
}

/// The key that decides over the request memory: Kafka's own when only that is set.
fn request_memory_key(values: &Values<'_>) -> &'static str {
    let kafkas = (values.explicit)("queued.max.request.bytes")
        .and_then(|text| text.trim().parse::<i64>().ok())
        .is_some_and(|bytes| bytes > 0);
    match (values.explicit)("limpid.request.memory.bytes") {
        None if kafkas => "queued.max.request.bytes",
        _ => "limpid.request.memory.bytes",
    }
}

fn resources(values: &Values<'_>) -> ResourcesConfig {
    let threads = |key: &str| Some(values.size(key)).filter(|count| *count > 0);
    ResourcesConfig {
        request_memory_bytes: values.size(request_memory_key(values)),
        answer_memory_bytes: values.size("limpid.answer.memory.bytes"),
        tail_cache_bytes: values.size("limpid.tail.cache.bytes"),
        log_headroom_bytes: values.size("limpid.log.headroom.bytes") as u64,
        worker_threads: threads("limpid.worker.threads"),
        blocking_threads: threads("limpid.blocking.threads"),
    }
}
