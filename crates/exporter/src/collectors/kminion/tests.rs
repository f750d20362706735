use std::sync::Arc;

use limpid_telemetry::Registry;

use crate::fixture::{cluster, source};
use crate::{Exporter, Format, Selection};

/// As a real KMinion shows such a cluster, but for the version and the order.
const EXPECTED: &str = r#"
kminion_exporter_up{version="0.1.0"} 1
kminion_kafka_broker_info{broker_id="1",address="one.example",port="9092",is_controller="true"} 1
kminion_kafka_broker_info{broker_id="2",address="2001:db8::2",port="9092",is_controller="false"} 1
kminion_kafka_broker_log_dir_size_total_bytes{broker_id="1",address="one.example",port="9092"} 4096
kminion_kafka_broker_log_dir_size_total_bytes{broker_id="2",address="2001:db8::2",port="9092"} 4096
kminion_kafka_cluster_info{cluster_version="v4.3",broker_count="2",controller_id="1",cluster_id="XkqzU7AeTCOBuefS4T8pUw"} 1
kminion_kafka_consumer_group_empty_members{group_id="new"} 1
kminion_kafka_consumer_group_empty_members{group_id="reading"} 1
kminion_kafka_consumer_group_info{group_id="new",state="Stable",coordinator_id="1"} 1
kminion_kafka_consumer_group_info{group_id="reading",state="Stable",coordinator_id="1"} 1
kminion_kafka_consumer_group_info{group_id="stopped\"",state="Empty",coordinator_id="2"} 0
kminion_kafka_consumer_group_members{group_id="new"} 1
kminion_kafka_consumer_group_members{group_id="reading"} 2
kminion_kafka_consumer_group_members{group_id="stopped\""} 0
kminion_kafka_consumer_group_offset_commits_total{group_id="new"} 0
kminion_kafka_consumer_group_offset_commits_total{group_id="reading"} 7
kminion_kafka_consumer_group_offset_commits_total{group_id="stopped\""} 0
kminion_kafka_consumer_group_topic_assigned_partitions{group_id="reading",topic_name="orders"} 3
kminion_kafka_consumer_group_topic_lag{group_id="reading",topic_name="orders"} 5
kminion_kafka_consumer_group_topic_lag{group_id="stopped\"",topic_name="orders"} 10
kminion_kafka_consumer_group_topic_members{group_id="reading",topic_name="orders"} 1
kminion_kafka_consumer_group_topic_offset_sum{group_id="reading",topic_name="orders"} 45
kminion_kafka_consumer_group_topic_offset_sum{group_id="stopped\"",topic_name="orders"} 15
kminion_kafka_consumer_group_topic_partition_lag{group_id="reading",topic_name="orders",partition_id="0"} 5
kminion_kafka_consumer_group_topic_partition_lag{group_id="reading",topic_name="orders",partition_id="1"} 0
kminion_kafka_consumer_group_topic_partition_lag{group_id="stopped\"",topic_name="orders",partition_id="0"} 10
kminion_kafka_topic_high_water_mark_sum{topic_name="a\\\"b\n"} 25
kminion_kafka_topic_info{topic_name="a\\\"b\n",partition_count="1",replication_factor="2",cleanup_policy="delete"} 1
kminion_kafka_topic_info{topic_name="orders",partition_count="2",replication_factor="2",cleanup_policy="delete"} 1
kminion_kafka_topic_log_dir_size_total_bytes{topic_name="a\\\"b\n"} 4096
kminion_kafka_topic_log_dir_size_total_bytes{topic_name="orders"} 4096
kminion_kafka_topic_low_water_mark_sum{topic_name="a\\\"b\n"} 10
kminion_kafka_topic_partition_high_water_mark{topic_name="a\\\"b\n",partition_id="0"} 25
kminion_kafka_topic_partition_high_water_mark{topic_name="orders",partition_id="0"} 25
kminion_kafka_topic_partition_low_water_mark{topic_name="a\\\"b\n",partition_id="0"} 10
kminion_kafka_topic_partition_low_water_mark{topic_name="orders",partition_id="0"} 10
"#;

#[test]
fn names_labels_and_values_are_those_of_kminion() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    let mut snapshot = cluster();
    snapshot.controller_id = Some(1);
    snapshot.cluster_id = "XkqzU7AeTCOBuefS4T8pUw".to_owned();
    let reading = Arc::make_mut(&mut snapshot.groups[1]);
    reading.members[0].assignment = vec![("orders".to_owned(), vec![0, 1, 2])];
    reading.activity.commits = 7;
    exporter
        .add_cluster_with(source(snapshot), &[] as &[&str])
        .unwrap();
    let asked = Selection::of([("dialect", "kminion")]).unwrap();
    let page = exporter.render_selected(Format::Text, &asked);
    let found = page.lines().filter(|l| !l.starts_with('#'));
    let mut found: Vec<&str> = found.collect();
    found.sort_unstable();
    assert_eq!(found, EXPECTED.trim().lines().collect::<Vec<_>>());
}
