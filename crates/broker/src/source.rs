//! The embedded cluster as faces see it.
//!
//! It exists before the logs are open, so that `/readyz` can tell how far recovery is; from
//! [`EmbeddedCluster::attach`] on, [`EmbeddedCluster::refresh`] publishes a new snapshot about once
//! a second. Topics and groups that did not change keep their pointers.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use limpid_cluster::events::Event;
use limpid_cluster::{
    Broker, ClusterSnapshot, ClusterSource, LogDir, Partition, Pushed, Readiness, ReadinessState,
    SlowRequest, Start, Topic, Traffic,
};
use limpid_platform::clock::Clock;
use limpid_protocol::Uuid;
use limpid_storage::LogManager;
use limpid_storage::metadata::{Image, LocalMetadataLog, NO_LEADER};
use parking_lot::Mutex;

use crate::clients::Clients;
use crate::connection_limits::ConnectionLimits;
use crate::endpoints;
use crate::groups::Groups;
use crate::metadata::Metadata;
use crate::metrics::BoundTopicMetrics;
use crate::readers::Readers;
use crate::recorder::Recorder;
use crate::share::Shares;
use crate::slow_requests::SlowRequests;
use crate::topics::{self, Topics};
use crate::transactions::Transactions;

use self::commits::CommitTimes;
use self::groups::GroupMemory;
use self::world::Embedded;

mod beans;
mod commits;
mod coordinator_beans;
mod derived;
mod groups;
mod of_clients;
mod world;

pub use self::beans::BrokerBeans;
pub use self::derived::DerivedBeans;

/// What snapshots are made of.
pub struct Parts {
    /// The cluster's metadata.
    pub metadata: Arc<Metadata>,
    /// What it is written to.
    pub metadata_log: Arc<LocalMetadataLog>,
    /// The topics of this broker.
    pub topics: Arc<Topics>,
    /// Their logs.
    pub logs: Arc<LogManager>,
    /// The groups that this broker coordinates.
    pub groups: Arc<Groups>,
    /// The share groups that this broker coordinates.
    pub shares: Arc<Shares>,
    /// The transactions that this broker coordinates.
    pub transactions: Arc<Transactions>,
    /// Who fetches how often.
    pub readers: Arc<Readers>,
    /// The open connections.
    pub connections: Arc<ConnectionLimits>,
    /// What happened.
    pub recorder: Arc<Recorder>,
    /// Requests that took long.
    pub slow: Arc<SlowRequests>,
    /// Who they belong to.
    pub clients: Arc<Clients>,
    /// What clients push of their own metrics.
    pub pushed: limpid_client_metrics::Pushed,
    /// `cluster.id`.
    pub cluster_id: String,
    /// The controller, and this broker.
    pub node_id: i32,
    /// When the broker started, milliseconds since 1970.
    pub started_ms: i64,
    /// The listener whose addresses are shown.
    pub listener: String,
}

/// The cluster that lives in this process.
pub struct EmbeddedCluster {
    name: String,
    clock: Arc<dyn Clock>,
    readiness: ArcSwap<Readiness>,
    snapshot: ArcSwap<ClusterSnapshot>,
    parts: OnceLock<Parts>,
    start: OnceLock<Arc<Start>>,
    memory: Mutex<Memory>,
}

/// What is kept from one snapshot to the next.
#[derive(Default)]
struct Memory {
    topics: HashMap<Uuid, Arc<Topic>>,
    groups: GroupMemory,
    commits: CommitTimes,
    /// Traffic of topics that are gone.
    gone: Traffic,
    /// When the last snapshot was made, by the clock that never goes back.
    looked: Option<Duration>,
}

impl EmbeddedCluster {
    /// Not ready yet.
    pub fn new(name: String, clock: Arc<dyn Clock>) -> Self {
        let starting = Readiness {
            state: ReadinessState::Starting,
            reasons: vec!["the broker is starting".to_owned()],
        };
        Self {
            name,
            clock,
            readiness: ArcSwap::from_pointee(starting),
            snapshot: ArcSwap::default(),
            parts: OnceLock::new(),
            start: OnceLock::new(),
            memory: Mutex::default(),
        }
    }

    /// Says how the broker is.
    pub fn set_readiness(&self, state: ReadinessState, reasons: Vec<String>) {
        self.readiness.store(Arc::new(Readiness { state, reasons }));
    }

    /// Says how the broker came up; only the first word counts.
    pub fn set_start(&self, start: Start) {
        self.start.get_or_init(|| Arc::new(start));
    }

    /// The logs are open: snapshots can be made.
    ///
    /// # Panics
    /// When called twice.
    pub fn attach(&self, parts: Parts) {
        assert!(self.parts.set(parts).is_ok(), "a cluster is attached once");
        self.refresh();
    }

    /// Publishes a new snapshot.
    pub fn refresh(&self) {
        let Some(parts) = self.parts.get() else {
            return;
        };
        let mut memory = self.memory.lock();
        // Commits before the ends of the logs: nobody is ahead of a log then.
        let views = parts.groups.views();
        let image = parts.metadata.image();
        let now = self.clock.monotonic();
        let passed = now.saturating_sub(memory.looked.replace(now).unwrap_or(now));
        let topics = refresh_topics(parts, &image, &mut memory, passed);
        let mut traffic = memory.gone;
        for topic in &topics {
            add(&mut traffic, &topic.traffic);
        }
        parts.readers.tick();
        let world = Embedded::new(parts, self.clock.wall_ms());
        let groups = memory
            .groups
            .refresh(views, parts.node_id, &world, &*self.clock);
        let watched = memory.groups.watched();
        let table = parts.topics.table();
        let log = |topic: &str, partition| {
            let partition = table.named(topic)?.partition(partition)?;
            Some(Arc::clone(&partition.log))
        };
        let counted = parts.groups.metrics();
        let now_ms = self.clock.wall_ms();
        memory.commits.look(&groups, &log, counted, now_ms);
        let dirs = parts.logs.dirs().into_iter().map(|dir| LogDir {
            path: dir.path.display().to_string(),
            total_bytes: dir.total_bytes,
            free_bytes: dir.free_bytes,
            online: dir.online,
            unflushed_bytes: dir.unflushed_bytes,
            unflushed_seconds: dir.unflushed_seconds,
        });
        let brokers = endpoints::all_brokers(&image, &parts.listener).map(|b| Broker {
            id: b.id,
            host: b.host,
            port: b.port,
            rack: b.rack,
            fenced: b.fenced,
        });
        let fresh = Arc::new(ClusterSnapshot {
            taken_at_ms: self.clock.wall_ms(),
            cluster_id: parts.cluster_id.clone(),
            node_id: Some(parts.node_id),
            controller_id: Some(parts.node_id),
            brokers: brokers.collect(),
            topics,
            groups,
            log_dirs: dirs.collect(),
            traffic,
            connections: parts.connections.open() as u64,
            watched,
            clients: parts.clients.look(passed),
            short_buffers: of_clients::short_buffers(&parts.pushed),
            start: self.start.get().cloned(),
        });
        parts.recorder.follow(&self.snapshot.load(), &fresh);
        self.snapshot.store(fresh);
    }
}

impl ClusterSource for EmbeddedCluster {
    fn name(&self) -> &str {
        &self.name
    }

    fn snapshot(&self) -> Arc<ClusterSnapshot> {
        self.snapshot.load_full()
    }

    fn pushed(&self, client_id: &str) -> Vec<Pushed> {
        let mut pushed = Vec::new();
        if let Some(parts) = self.parts.get() {
            parts.pushed.of_client(client_id, |client, series, value| {
                pushed.push(of_clients::pushed(client, series, value));
            });
        }
        pushed
    }

    fn readiness(&self) -> Readiness {
        (**self.readiness.load()).clone()
    }

    fn topic_events(&self, topic: &str) -> Vec<Arc<Event>> {
        let parts = self.parts.get();
        parts.map_or_else(Vec::new, |parts| parts.recorder.topic(topic))
    }

    fn group_events(&self, group: &str) -> Vec<Arc<Event>> {
        let parts = self.parts.get();
        parts.map_or_else(Vec::new, |parts| parts.recorder.group(group))
    }

    fn slow_requests(&self) -> Vec<Arc<SlowRequest>> {
        let parts = self.parts.get();
        parts.map_or_else(Vec::new, |parts| parts.slow.newest())
    }
}

/// The topics in the order of their names. One that equals its last snapshot is that snapshot.
fn refresh_topics(
    parts: &Parts,
    image: &Image,
    memory: &mut Memory,
    passed: Duration,
) -> Vec<Arc<Topic>> {
    let table = parts.topics.table();
    let mut next = HashMap::with_capacity(memory.topics.len());
    let mut listed = Vec::with_capacity(image.topic_count());
    for state in image.topics() {
        let served = table.with_id(state.id);
        let partitions = state
            .partitions
            .iter()
            .map(|(index, p)| partition(*index, p, served))
            .collect();
        let fresh = Topic {
            name: state.name.to_string(),
            id: state.id.to_string(),
            internal: topics::INTERNAL_TOPICS.contains(&state.name.as_ref()),
            cleanup_policy: served.map_or_else(String::new, |t| t.cleanup_policy().to_owned()),
            partitions,
            traffic: served.map_or_else(Traffic::default, |t| traffic(&t.metrics)),
            writers: served.and_then(|topic| topic.writers.look(passed)),
        };
        let topic = match memory.topics.remove(&state.id) {
            Some(last) if *last == fresh => last,
            _ => Arc::new(fresh),
        };
        next.insert(state.id, Arc::clone(&topic));
        listed.push(topic);
    }
    for gone in memory.topics.values() {
        add(&mut memory.gone, &gone.traffic);
    }
    memory.topics = next;
    listed
}

/// Whose log is offline, or could not be opened, has no leader: nobody can write to it or read it. The
/// metadata do not say so, since nobody else could take over.
fn partition(
    index: i32,
    state: &limpid_storage::metadata::Partition,
    served: Option<&Arc<topics::Topic>>,
) -> Partition {
    let is_dead = served.is_some_and(|topic| {
        let led = topic.partition(index);
        led.is_none_or(|led| !led.log.is_online())
    });
    let mut partition = Partition {
        index,
        leader: (state.leader != NO_LEADER && !is_dead).then_some(state.leader),
        leader_epoch: state.leader_epoch,
        replicas: state.replicas.clone(),
        isr: state.isr.clone(),
        ..Partition::default()
    };
    if let Some(led) = served.and_then(|topic| topic.partition(index)) {
        // The start first: it never passes the high watermark read after it.
        partition.log_start_offset = led.log.log_start_offset();
        partition.last_stable_offset = led.log.last_stable_offset();
        partition.high_watermark = led.log.high_watermark();
        partition.size_bytes = led.log.size_bytes();
        partition.segments = led.log.segment_count() as u64;
    }
    partition
}

fn traffic(metrics: &BoundTopicMetrics) -> Traffic {
    Traffic {
        messages_in: metrics.messages_in.get(),
        bytes_in: metrics.bytes_in.get(),
        bytes_out: metrics.bytes_out.get(),
        produce_requests: metrics.produce_requests.get(),
        fetch_requests: metrics.fetch_requests.get(),
        failed_produce_requests: metrics.failed_produce_requests.get(),
        failed_fetch_requests: metrics.failed_fetch_requests.get(),
    }
}

fn add(sum: &mut Traffic, other: &Traffic) {
    sum.messages_in += other.messages_in;
    sum.bytes_in += other.bytes_in;
    sum.bytes_out += other.bytes_out;
    sum.produce_requests += other.produce_requests;
    sum.fetch_requests += other.fetch_requests;
    sum.failed_produce_requests += other.failed_produce_requests;
    sum.failed_fetch_requests += other.failed_fetch_requests;
}
