//! Kafka's MBeans of what is a state, from the cluster's snapshot; what is counted is bound where it is
//! counted.
//!
//! What nobody knows here (a partition's `UnderMinIsr`, controllers' queues) has no bean.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use limpid_cluster::{ClusterSnapshot, ClusterSource, GroupState, Partition, Topic, Traffic};
use limpid_telemetry::mbeans::{BeanSource, Beans, Value, meter_attributes, quoted};
use limpid_telemetry::meter::Meter;
use parking_lot::Mutex;

type Count = fn(&Traffic) -> u64;

/// The meters of all topics together, by what is counted.
const METERS: [(&str, Count); 7] = [
    ("MessagesInPerSec", |t| t.messages_in),
    ("BytesInPerSec", |t| t.bytes_in),
    ("BytesOutPerSec", |t| t.bytes_out),
    ("TotalProduceRequestsPerSec", |t| t.produce_requests),
    ("TotalFetchRequestsPerSec", |t| t.fetch_requests),
    ("FailedProduceRequestsPerSec", |t| t.failed_produce_requests),
    ("FailedFetchRequestsPerSec", |t| t.failed_fetch_requests),
];

/// See the module.
pub struct KafkaBeans {
    source: Arc<dyn ClusterSource>,
    meters: Mutex<[Meter; METERS.len()]>,
}

impl KafkaBeans {
    /// Of this cluster.
    pub fn new(source: Arc<dyn ClusterSource>) -> Self {
        let meters = METERS.map(|_| Meter::new(Duration::ZERO, 0.0));
        KafkaBeans {
            source,
            meters: Mutex::new(meters),
        }
    }
}

impl BeanSource for KafkaBeans {
    fn add_to(&self, now: Duration, beans: &mut Beans) {
        let snapshot = self.source.snapshot();
        if snapshot.taken_at_ms <= 0 {
            return; // nobody has looked yet
        }
        for ((name, count), meter) in METERS.iter().zip(self.meters.lock().iter()) {
            let name = format!("kafka.server:type=BrokerTopicMetrics,name={name}");
            let count = count(&snapshot.traffic);
            let rates = meter.rates(now, count as f64);
            beans.add(name, meter_attributes(count, rates));
        }
        add_replicas(&snapshot, beans);
        add_controller(&snapshot, beans);
        add_groups(&snapshot, beans);
        add_log_dirs(&snapshot, beans);
        beans.gauge(
            "kafka.server:type=KafkaServer,name=ClusterId",
            Value::text(snapshot.cluster_id.clone()),
        );
        for topic in &snapshot.topics {
            add_partitions(&snapshot, topic, beans);
        }
    }

    fn step(&self, now: Duration) {
        let traffic = self.source.snapshot().traffic;
        for ((_, count), meter) in METERS.iter().zip(self.meters.lock().iter_mut()) {
            meter.step(now, count(&traffic) as f64);
        }
    }
}

fn add_replicas(snapshot: &ClusterSnapshot, beans: &mut Beans) {
    let all = || snapshot.topics.iter().flat_map(|topic| &topic.partitions);
    let has = |p: &&Partition| snapshot.node_id.is_none_or(|id| p.replicas.contains(&id));
    let led = || all().filter(|p| is_led(snapshot, p));
    let values = [
        ("LeaderCount", led().count()),
        ("PartitionCount", all().filter(has).count()),
        (
            "UnderReplicatedPartitions",
            led().filter(|p| p.under_replicated()).count(),
        ),
    ];
    beans.gauges("kafka.server:type=ReplicaManager", values);
}

fn is_led(snapshot: &ClusterSnapshot, partition: &Partition) -> bool {
    partition.leader.is_some() && snapshot.speaks_for(partition.leader)
}

/// The active controller alone tells of the whole cluster; the others that they are not it.
fn add_controller(snapshot: &ClusterSnapshot, beans: &mut Beans) {
    let bean = "kafka.controller:type=KafkaController";
    let is_active = snapshot.controller_id.is_some() && snapshot.speaks_for(snapshot.controller_id);
    beans.gauges(bean, [("ActiveControllerCount", usize::from(is_active))]);
    if !is_active {
        return;
    }
    let partitions = || snapshot.topics.iter().flat_map(|topic| &topic.partitions);
    let fenced = snapshot.brokers.iter().filter(|b| b.fenced).count();
    let values = [
        ("ActiveBrokerCount", snapshot.brokers.len() - fenced),
        ("FencedBrokerCount", fenced),
        ("GlobalTopicCount", snapshot.topics.len()),
        ("GlobalPartitionCount", snapshot.partition_count()),
        ("OfflinePartitionsCount", snapshot.offline_partition_count()),
        (
            "PreferredReplicaImbalanceCount",
            partitions().filter(|p| !p.leader_is_preferred()).count(),
        ),
    ];
    beans.gauges(bean, values);
}

fn add_groups(snapshot: &ClusterSnapshot, beans: &mut Beans) {
    let all = snapshot.groups.iter();
    let ours = || {
        let all = all.clone();
        all.filter(|group| snapshot.speaks_for(Some(group.coordinator)))
    };
    let in_state = |state| ours().filter(|group| group.state == state).count();
    let values = [
        ("NumGroups", ours().count()),
        ("NumGroupsEmpty", in_state(GroupState::Empty)),
        (
            "NumGroupsPreparingRebalance",
            in_state(GroupState::PreparingRebalance),
        ),
        (
            "NumGroupsCompletingRebalance",
            in_state(GroupState::CompletingRebalance),
        ),
        ("NumGroupsStable", in_state(GroupState::Stable)),
        ("NumGroupsDead", in_state(GroupState::Dead)),
    ];
    beans.gauges("kafka.coordinator.group:type=GroupMetadataManager", values);
}

fn add_log_dirs(snapshot: &ClusterSnapshot, beans: &mut Beans) {
    let bean = "kafka.log:type=LogManager";
    let offline = snapshot.log_dirs.iter().filter(|dir| !dir.online).count();
    beans.gauges(bean, [("OfflineLogDirectoryCount", offline)]);
    for dir in &snapshot.log_dirs {
        let name = format!(
            "{bean},name=LogDirectoryOffline,logDirectory={}",
            quoted(&dir.path)
        );
        beans.gauge(name, Value::long(u8::from(!dir.online)));
    }
}

fn add_partitions(snapshot: &ClusterSnapshot, topic: &Topic, beans: &mut Beans) {
    let led = topic.partitions.iter().filter(|p| is_led(snapshot, p));
    let name = quoted(&topic.name);
    let (mut place, mut bean) = (String::new(), String::new());
    for partition in led {
        place.clear();
        write!(place, "topic={name},partition={}", partition.index).expect("writing to a string");
        let mut gauge = |kind: &str, name: &str, value| {
            bean.clear();
            for part in [kind, ",name=", name, ",", &place] {
                bean.push_str(part);
            }
            beans.gauge(&bean, value);
        };
        let end = partition.high_watermark;
        let under_replicated = u8::from(partition.under_replicated());
        for (name, value) in [
            ("UnderReplicated", Value::long(under_replicated)),
            ("InSyncReplicasCount", Value::long(partition.isr.len())),
            ("ReplicasCount", Value::long(partition.replicas.len())),
            (
                "LastStableOffsetLag",
                Value::long(end - partition.last_stable_offset),
            ),
        ] {
            gauge("kafka.cluster:type=Partition", name, value);
        }
        for (name, value) in [
            ("Size", Value::long(partition.size_bytes)),
            ("NumLogSegments", Value::long(partition.segments)),
            ("LogStartOffset", Value::long(partition.log_start_offset)),
            ("LogEndOffset", Value::long(end)),
        ] {
            gauge("kafka.log:type=Log", name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use limpid_telemetry::Registry;

    use super::*;
    use crate::fixture;

    #[test]
    fn a_brokers_states_are_beans() {
        let registry = Registry::new();
        let snapshot = fixture::cluster();
        let (topics, traffic) = (snapshot.topics.len(), snapshot.traffic);
        let led: Vec<_> = snapshot
            .topics
            .iter()
            .flat_map(|t| t.partitions.iter().map(|p| (t.name.clone(), p.clone())))
            .filter(|(_, p)| is_led(&snapshot, p))
            .collect();
        let active =
            snapshot.controller_id.is_some() && snapshot.speaks_for(snapshot.controller_id);
        let source = fixture::source(snapshot);
        registry
            .mbeans()
            .add_source(Arc::new(KafkaBeans::new(source)));
        let beans = registry.mbeans().view();
        let of = |name: &str| beans.get(name).map(|all| all[0].1.clone());
        let leaders = of("kafka.server:type=ReplicaManager,name=LeaderCount");
        assert_eq!(leaders, Some(Value::long(led.len())));
        assert!(!led.is_empty());
        for (topic, partition) in led {
            let topic = quoted(&topic);
            let name = format!(
                "kafka.log:type=Log,name=LogEndOffset,topic={topic},partition={}",
                partition.index
            );
            assert_eq!(
                of(&name),
                Some(Value::Long(partition.high_watermark)),
                "{name}"
            );
        }
        let all_topics = of("kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec");
        assert_eq!(all_topics, Some(Value::long(traffic.bytes_in)));
        let global = of("kafka.controller:type=KafkaController,name=GlobalTopicCount");
        assert_eq!(global, active.then(|| Value::long(topics)));
        let controller = of("kafka.controller:type=KafkaController,name=ActiveControllerCount");
        assert_eq!(controller, Some(Value::long(u8::from(active))));
    }

    #[test]
    fn meters_of_all_topics_move() {
        let registry = Registry::new();
        let mut snapshot = fixture::cluster();
        snapshot.traffic.bytes_in = 1_000;
        let source = fixture::source(snapshot.clone());
        let beans = Arc::clone(registry.mbeans());
        beans.add_source(Arc::new(KafkaBeans::new(source.clone())));
        registry.tick(Duration::from_secs(5));
        snapshot.traffic.bytes_in += 500;
        *source.0.lock() = Arc::new(snapshot);
        registry.tick(Duration::from_secs(10));
        let view = beans.view();
        let name = "kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec";
        let attributes = view.get(name).expect("it is there");
        let of = |wanted| {
            attributes
                .iter()
                .find(|(n, _)| *n == wanted)
                .map(|(_, v)| v.clone())
        };
        assert_eq!(of("Count"), Some(Value::Long(1_500)));
        assert_eq!(of("MeanRate"), Some(Value::Double(150.0)));
        let Some(Value::Double(rate)) = of("OneMinuteRate") else {
            panic!("a rate");
        };
        assert!((100.0..200.0).contains(&rate), "{rate}");
    }
}
