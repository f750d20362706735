//! The snapshot structs. Plain data: counts are totals since the process started unless a name
//! says otherwise, sizes are bytes, times are milliseconds since the Unix epoch.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::client::Client;
use crate::group::Group;
use crate::producer_buffer::ProducerBuffer;
use crate::writers::TopicWriters;

/// What one look at a cluster saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ClusterSnapshot {
    /// When the look was taken, ms since the Unix epoch.
    pub taken_at_ms: i64,
    /// The cluster id of `meta.properties`.
    pub cluster_id: String,
    /// The broker that looked: it speaks for the partitions that it leads and the groups that it
    /// coordinates. `None` when somebody looked who speaks for all.
    pub node_id: Option<i32>,
    /// Id of the active controller, if one is known.
    pub controller_id: Option<i32>,
    /// Every registered broker, by ascending id.
    pub brokers: Vec<Broker>,
    /// Every topic, by name. A topic that did not change keeps its pointer between snapshots.
    pub topics: Vec<Arc<Topic>>,
    /// Every group that has members or offsets, by id. One that did not change keeps its pointer.
    pub groups: Vec<Arc<Group>>,
    /// Log directories of the brokers this source can look into.
    pub log_dirs: Vec<LogDir>,
    /// Traffic of all topics together, including topics that are gone.
    pub traffic: Traffic,
    /// Client connections that are open now.
    pub connections: u64,
    /// How many partitions of groups are watched for what their groups do over time.
    pub watched: WatchedPartitions,
    /// Clients of the broker that looked, by id; those of the last minutes, within a limit.
    pub clients: Vec<Client>,
    /// Buffers of producers that are short by what they tell, the worst first, within a limit.
    pub short_buffers: Vec<ProducerBuffer>,
    /// How the broker that looked came up, if it tells.
    pub start: Option<Arc<Start>>,
}

/// Partitions of groups that are watched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WatchedPartitions {
    /// So many.
    pub now: u64,
    /// At most so many.
    pub max: u64,
    /// Those beyond, of which speeds, times and changes are not known.
    pub left_out: u64,
}

impl ClusterSnapshot {
    /// Whether who looked speaks for what belongs to this broker: a partition to its leader, a
    /// group to its coordinator, the cluster as a whole (and a partition without leader) to the
    /// controller. When every broker tells only that, sums over all of them count nothing twice.
    pub fn speaks_for(&self, owner: Option<i32>) -> bool {
        let owner = owner.or(self.controller_id);
        self.node_id.is_none() || self.node_id == owner
    }

    /// Number of partitions of all topics.
    pub fn partition_count(&self) -> usize {
        self.topics.iter().map(|t| t.partitions.len()).sum()
    }

    /// A topic by its name.
    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        let found = self.topics.binary_search_by(|t| t.name.as_str().cmp(name));
        found.ok().and_then(|at| self.topics.get(at))
    }

    /// A group by its id.
    pub fn group(&self, id: &str) -> Option<&Arc<Group>> {
        let found = self.groups.binary_search_by(|g| g.id.as_str().cmp(id));
        found.ok().and_then(|at| self.groups.get(at))
    }

    /// Number of partitions without a leader.
    pub fn offline_partition_count(&self) -> usize {
        let partitions = self.topics.iter().flat_map(|t| &t.partitions);
        partitions.filter(|p| p.leader.is_none()).count()
    }
}

/// A registered broker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Broker {
    /// `node.id`.
    pub id: i32,
    /// Advertised host of the inter-broker listener.
    pub host: String,
    /// Advertised port of the inter-broker listener.
    pub port: u16,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// Registered, but not allowed to lead.
    pub fenced: bool,
}

/// A topic and what happens to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Topic {
    /// Name.
    pub name: String,
    /// Topic id as Kafka prints it (base64url).
    pub id: String,
    /// Kafka's own topics such as `__consumer_offsets`.
    pub internal: bool,
    /// What holds as its `cleanup.policy`: `delete`, `compact`, or both with a comma.
    pub cleanup_policy: String,
    /// Partitions by ascending index.
    pub partitions: Vec<Partition>,
    /// Traffic since the process started or the topic was created.
    pub traffic: Traffic,
    /// Who writes to it; `None` when nobody did lately.
    pub writers: Option<Arc<TopicWriters>>,
}

impl Topic {
    /// Bytes on disk of all partitions.
    pub fn size_bytes(&self) -> u64 {
        self.partitions.iter().map(|p| p.size_bytes).sum()
    }

    /// Records between the start and the end of all partitions (compaction leaves gaps, so this is
    /// an upper bound).
    pub fn offset_span(&self) -> u64 {
        self.partitions.iter().map(Partition::offset_span).sum()
    }
}

/// A partition as its leader sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Partition {
    /// Partition number, from 0.
    pub index: i32,
    /// Leading broker, or `None` when the partition is offline.
    pub leader: Option<i32>,
    /// Leader epoch.
    pub leader_epoch: i32,
    /// Assigned brokers; the first is the preferred leader.
    pub replicas: Vec<i32>,
    /// In-sync replicas.
    pub isr: Vec<i32>,
    /// First offset that can be read.
    pub log_start_offset: i64,
    /// Offset after the last readable record: the high watermark.
    pub high_watermark: i64,
    /// Offset up to which `read_committed` readers may read.
    pub last_stable_offset: i64,
    /// Bytes on disk.
    pub size_bytes: u64,
    /// Number of segments.
    pub segments: u64,
}

impl Partition {
    /// The leader is the first assigned replica.
    pub fn leader_is_preferred(&self) -> bool {
        self.leader.is_some() && self.leader == self.replicas.first().copied()
    }

    /// Fewer replicas are in sync than assigned.
    pub fn under_replicated(&self) -> bool {
        self.isr.len() < self.replicas.len()
    }

    /// Offsets between start and end.
    pub fn offset_span(&self) -> u64 {
        u64::try_from(self.high_watermark - self.log_start_offset).unwrap_or(0)
    }
}

/// Totals of what went in and out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Traffic {
    /// Records appended by producers.
    pub messages_in: u64,
    /// Bytes of record batches appended by producers.
    pub bytes_in: u64,
    /// Bytes of record batches sent to consumers.
    pub bytes_out: u64,
    /// Produce requests (counted once per topic in the request).
    pub produce_requests: u64,
    /// Fetch requests (counted once per topic in the request).
    pub fetch_requests: u64,
    /// Produce requests that failed.
    pub failed_produce_requests: u64,
    /// Fetch requests that failed.
    pub failed_fetch_requests: u64,
}

/// A log directory and the disk below it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct LogDir {
    /// Path as configured.
    pub path: String,
    /// Bytes of the file system.
    pub total_bytes: u64,
    /// Bytes that are still free on it.
    pub free_bytes: u64,
    /// Whether the broker still uses it.
    pub online: bool,
    /// Acknowledged bytes that a power cut now would cost.
    pub unflushed_bytes: u64,
    /// Age of the oldest of them, seconds.
    pub unflushed_seconds: f64,
}

/// How a broker came up, and how the run before ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Start {
    /// When its logs were open.
    pub at_ms: i64,
    /// How the last run on its data directory ended, in one word; `None` when there was none, or
    /// nothing is known of it.
    pub last_exit: Option<&'static str>,
    /// Bytes of logs that were read again, since they may not have been whole.
    pub scanned_bytes: u64,
    /// Bytes that were cut off since they were not whole.
    pub cut_bytes: u64,
}

impl Start {
    /// Whether the last run ended as it should, as far as is known.
    pub fn after_clean_exit(&self) -> bool {
        matches!(self.last_exit, None | Some("clean"))
    }

    /// How the last run ended, and what that cost.
    pub fn sentence(&self) -> String {
        let how = match self.last_exit {
            None => "nothing is known of a run before",
            Some("clean") => "the run before ended cleanly",
            Some("failed") => "the run before ended with an error of its own",
            Some("panic") => "the run before ended by a panic",
            Some("out_of_memory") => "the run before was killed for want of memory",
            Some("killed") => "the run before was killed or crashed",
            Some("machine_restarted") => "the machine went down under the run before",
            Some(_) => "the run before ended in another way",
        };
        if self.scanned_bytes == 0 && self.cut_bytes == 0 {
            return how.to_owned();
        }
        let (scanned, cut) = (self.scanned_bytes, self.cut_bytes);
        let (scanned, cut) = (crate::words::bytes(scanned), crate::words::bytes(cut));
        format!("{how}; recovery read {scanned} and cut off {cut}")
    }
}

/// Whether a source is ready, with the reasons when it isn't.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Readiness {
    /// The state in one word.
    pub state: ReadinessState,
    /// Sentences for people; empty when ready.
    pub reasons: Vec<String>,
}

/// The life of a broker in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReadinessState {
    /// Logs are being opened or recovered.
    Starting,
    /// Requests are served.
    Ready,
    /// The last requests are answered, no new connection is taken.
    Draining,
    /// No log directory is left.
    Failed,
}
