//! Kafka's MBeans of what only the broker itself knows of its states: replicas against
//! `min.insync.replicas`, the metadata log, features, groups by their kind.
//!
//! They are made when somebody looks. What is counted is bound where it is counted; what any cluster
//! tells of itself is made of its snapshot.

use std::sync::Arc;
use std::time::Duration;

use limpid_cluster::{ClusterSource as _, ReadinessState};
use limpid_storage::metadata::{Image, KRAFT_VERSION};
use limpid_telemetry::mbeans::{BeanSource, Beans, Value, quoted};
use limpid_telemetry::windowed::Windowed;
use parking_lot::Mutex;

use super::{EmbeddedCluster, Parts, coordinator_beans};
use crate::features::SUPPORTED;
use crate::topics::Topic;

/// The beans of an embedded cluster.
pub struct BrokerBeans {
    cluster: Arc<EmbeddedCluster>,
    /// Records of the metadata log, once it is there.
    appended: Mutex<Option<Windowed>>,
}

impl BrokerBeans {
    /// Of this broker; before its logs are open they are few.
    pub fn new(cluster: Arc<EmbeddedCluster>) -> Self {
        Self {
            cluster,
            appended: Mutex::default(),
        }
    }
}

impl BeanSource for BrokerBeans {
    fn add_to(&self, now: Duration, beans: &mut Beans) {
        let state = broker_state(self.cluster.readiness().state);
        let bean = "kafka.server:type=KafkaServer,name=BrokerState";
        beans.gauge(bean, Value::Long(state));
        let Some(parts) = self.cluster.parts.get() else {
            return;
        };
        let image = parts.metadata.image();
        let now_ms = self.cluster.clock.wall_ms();
        add_app_info(parts, beans);
        add_replicas(parts, &image, beans);
        add_raft(parts, &image, beans);
        self.add_append_rate(now, &image, beans);
        add_applied(parts, &image, now_ms, beans);
        add_controller(parts, &image, beans);
        add_features(&image, beans);
        add_snapshots(parts, now_ms, beans);
        add_cleaner(parts, self.cluster.clock.monotonic(), beans);
        coordinator_beans::add(parts, &self.cluster.snapshot(), beans);
    }

    fn step(&self, now: Duration) {
        if let Some(parts) = self.cluster.parts.get() {
            let end = parts.metadata.image().next_offset() as f64;
            let mut appended = self.appended.lock();
            appended
                .get_or_insert_with(|| Windowed::new(now, end))
                .step(now, end);
        }
    }
}

/// Kafka's numbers; it has none for a broker whose disks are gone but that one of its end.
fn broker_state(state: ReadinessState) -> i64 {
    match state {
        ReadinessState::Starting => 1,
        ReadinessState::Ready => 3,
        ReadinessState::Draining => 6,
        ReadinessState::Failed => 7,
    }
}

fn add_app_info(parts: &Parts, beans: &mut Beans) {
    let name = format!("kafka.server:type=app-info,id={}", parts.node_id);
    let version = Value::text(env!("CARGO_PKG_VERSION"));
    let commit = Value::text(option_env!("LIMPID_REVISION").unwrap_or("unknown"));
    let started = Value::Long(parts.started_ms);
    let same = vec![
        ("version", version.clone()),
        ("commit-id", commit.clone()),
        ("start-time-ms", started.clone()),
    ];
    beans.add("kafka.server:type=app-info", same);
    beans.add(
        name,
        vec![
            ("Version", version),
            ("CommitId", commit),
            ("StartTimeMs", started),
        ],
    );
}

/// Snapshots of the metadata. Before the first one their age is the broker's, as in Kafka.
fn add_snapshots(parts: &Parts, now_ms: i64, beans: &mut Beans) {
    let status = parts.metadata_log.status();
    let (written_ms, bytes) = status.snapshot_written.unwrap_or((parts.started_ms, 0));
    let age_ms = now_ms.saturating_sub(written_ms).max(0);
    let emitter = "kafka.server:type=SnapshotEmitter,name=LatestSnapshotGenerated";
    beans.gauge(format!("{emitter}Bytes"), Value::long(bytes));
    beans.gauge(format!("{emitter}AgeMs"), Value::Long(age_ms));
    let read = "kafka.server:type=MetadataLoader,name=HandleLoadSnapshotCount";
    beans.gauge(read, Value::long(status.snapshots_read));
}

fn add_cleaner(parts: &Parts, now: Duration, beans: &mut Beans) {
    let since = now.saturating_sub(parts.logs.compaction_looked_at());
    let bean = "kafka.log:type=LogCleanerManager,name=time-since-last-run-ms";
    beans.gauge(bean, Value::long(since.as_millis()));
}

/// What the partitions that this broker leads have of what they need.
#[derive(Default)]
struct Replicas {
    offline: usize,
    under_min: usize,
    at_min: usize,
    reassigned: usize,
    producers: usize,
    late_transactions: usize,
    /// After that time a transaction is late.
    longest_transaction_ms: i64,
}

fn add_replicas(parts: &Parts, image: &Image, beans: &mut Beans) {
    let mut all = Replicas {
        longest_transaction_ms: parts.transactions.longest_ms(),
        ..Replicas::default()
    };
    for topic in parts.topics.table().iter() {
        add_topic(topic, image, &mut all, beans);
    }
    let assigned = image.topics().flat_map(|topic| {
        let here = topic.partitions.iter();
        here.filter(|(_, p)| p.replicas.contains(&parts.node_id))
            .map(|(index, _)| (&topic.name, *index))
    });
    all.offline = assigned
        .filter(|(topic, index)| {
            let log = parts.logs.get(topic, *index);
            log.is_none_or(|log| !log.is_online())
        })
        .count();
    beans.gauges(
        "kafka.server:type=ReplicaManager",
        [
            ("OfflineReplicaCount", all.offline),
            ("UnderMinIsrPartitionCount", all.under_min),
            ("AtMinIsrPartitionCount", all.at_min),
            ("ReassigningPartitions", all.reassigned),
            ("ProducerIdCount", all.producers),
            ("PartitionsWithLateTransactionsCount", all.late_transactions),
        ],
    );
}

fn add_topic(topic: &Topic, image: &Image, all: &mut Replicas, beans: &mut Beans) {
    let name = quoted(&topic.name);
    for partition in topic.partitions() {
        let needed = topic.config.min_insync_replicas;
        let under = partition.in_sync() < needed;
        let at = partition.in_sync() == needed;
        all.under_min += usize::from(under);
        all.at_min += usize::from(at);
        all.producers += partition.log.producer_count();
        // Most have none that is open, and are not asked further.
        let log = &partition.log;
        let is_open = log.last_stable_offset() < log.high_watermark();
        let is_late = is_open && log.has_late_transaction(all.longest_transaction_ms);
        all.late_transactions += usize::from(is_late);
        let state = image.partition(topic.id, partition.index);
        all.reassigned += usize::from(state.is_some_and(|state| {
            !(state.adding_replicas.is_empty() && state.removing_replicas.is_empty())
        }));
        let (size, limit) = (partition.log.size_bytes(), topic.config.retention_bytes);
        let share = u64::try_from(limit).map_or(0, |limit| size.saturating_mul(100) / limit.max(1));
        let place = format!("topic={name},partition={}", partition.index);
        let bean = format!("kafka.log:type=Log,name=RetentionSizeInPercent,{place}");
        beans.gauge(bean, Value::long(share));
        for (bean, value) in [("UnderMinIsr", under), ("AtMinIsr", at)] {
            let object = format!("kafka.cluster:type=Partition,name={bean},{place}");
            beans.gauge(object, Value::long(u8::from(value)));
        }
    }
}

/// The quorum of the metadata is this node alone: what is written is committed.
fn add_raft(parts: &Parts, image: &Image, beans: &mut Beans) {
    let (node, epoch) = (i64::from(parts.node_id), i64::from(image.epoch()));
    let end = image.next_offset();
    let numbers = [
        ("current-leader", node),
        ("current-vote", node),
        ("current-epoch", epoch),
        ("high-watermark", end),
        ("log-end-offset", end),
        ("log-end-epoch", epoch),
        ("number-of-voters", 1),
        ("number-of-observers", 0),
    ];
    let mut all: Vec<_> = numbers.map(|(name, n)| (name, Value::Long(n))).into();
    all.push(("current-state", Value::text("leader")));
    beans.add("kafka.server:type=raft-metrics", all);
}

/// How far this broker has acted on the metadata. A follower that has acted on all there is does not
/// lag, however old the last record is: unlike Kafka's, our log does not grow while nothing changes.
fn add_applied(parts: &Parts, image: &Image, now_ms: i64, beans: &mut Beans) {
    let (offset, timestamp_ms) = parts.metadata.applied();
    let lag_ms = if offset < image.offset() {
        (now_ms - timestamp_ms).max(0)
    } else {
        0
    };
    beans.add(
        "kafka.server:type=broker-metadata-metrics",
        vec![
            ("last-applied-record-offset", Value::Long(offset)),
            ("last-applied-record-timestamp", Value::Long(timestamp_ms)),
            ("last-applied-record-lag-ms", Value::Long(lag_ms)),
        ],
    );
}

/// The controller, which is this node: what it has committed it has acted on.
fn add_controller(parts: &Parts, image: &Image, beans: &mut Beans) {
    let shutting_down = image.brokers().filter(|b| b.in_controlled_shutdown);
    let bean = "kafka.controller:type=KafkaController";
    beans.gauges(
        bean,
        [
            ("LastAppliedRecordOffset", image.offset()),
            ("LastCommittedRecordOffset", image.offset()),
            ("LastAppliedRecordTimestamp", image.timestamp_ms()),
            ("LastAppliedRecordLagMs", 0),
            // It took office when it started, and nobody takes it away.
            ("NewActiveControllersCount", 1),
        ],
    );
    let leaving = [("ControlledShutdownBrokerCount", shutting_down.count())];
    beans.gauges(bean, leaving);
    for broker in image.brokers() {
        let state = match broker {
            b if b.in_controlled_shutdown => 20,
            b if b.fenced => 10,
            _ => 30,
        };
        let name = format!(
            "{bean},name=BrokerRegistrationState,broker={}",
            broker.broker_id
        );
        beans.gauge(name, Value::Long(state));
    }
    let bean = "kafka.server:type=MetadataLoader,name=CurrentControllerId";
    beans.gauge(bean, Value::long(parts.node_id));
}

fn add_features(image: &Image, beans: &mut Beans) {
    let loader = "kafka.server:type=MetadataLoader";
    let version = i64::from(image.metadata_version());
    let current = format!("{loader},name=CurrentMetadataVersion");
    beans.gauge(current, Value::Long(version));
    for feature in SUPPORTED {
        let level = match feature.name {
            crate::features::METADATA_VERSION => version,
            name => i64::from(image.feature(name)),
        };
        let object = format!(
            "{loader},name=FinalizedLevel,featureName={}",
            camel(feature.name)
        );
        // Kafka hears of this one by a control record, which level 0 has not.
        if level > 0 || feature.name != KRAFT_VERSION {
            beans.gauge(object, Value::Long(level));
        }
        let object = format!(
            "kafka.server:type=node-metrics,feature-name={}",
            feature.name.replace('.', "-")
        );
        let level = |level: i16| Value::Long(i64::from(level));
        beans.add(
            object,
            vec![
                ("maximum-supported-level", level(feature.max)),
                ("minimum-supported-level", level(feature.min)),
            ],
        );
    }
}

/// `metadata.version` as `metadataVersion`.
fn camel(name: &str) -> String {
    let mut words = name.split('.');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

impl BrokerBeans {
    fn add_append_rate(&self, now: Duration, image: &Image, beans: &mut Beans) {
        let appended = self.appended.lock();
        let rate = appended.as_ref().map(|appended| {
            let end = image.next_offset() as f64;
            appended.rate(now, end)
        });
        let rate = Value::Double(rate.unwrap_or_default());
        let bean = "kafka.server:type=raft-metrics";
        beans.add(bean, vec![("append-records-rate", rate)]);
    }
}

#[cfg(test)]
mod tests {
    use super::camel;

    #[test]
    fn features_are_named_as_in_kafkas_beans() {
        assert_eq!(camel("metadata.version"), "metadataVersion");
        assert_eq!(camel("share.version"), "shareVersion");
        assert_eq!(camel("one"), "one");
    }
}
