use limpid_telemetry::Registry;

use crate::fixture::{cluster, lines, source};
use crate::{Exporter, Format};

/// Exactly what kafka_exporter serves for such a cluster, but for the order and the words of HELP.
const EXPECTED: &str = r#"
kafka_broker_info{id="1",address="one.example:9092"} 1
kafka_broker_info{id="2",address="[2001:db8::2]:9092"} 1
kafka_brokers 2
kafka_consumergroup_current_offset_sum{consumergroup="reading",topic="orders"} 52
kafka_consumergroup_current_offset_sum{consumergroup="stopped\"",topic="orders"} 15
kafka_consumergroup_current_offset{consumergroup="reading",topic="orders",partition="0"} 20
kafka_consumergroup_current_offset{consumergroup="reading",topic="orders",partition="1"} 25
kafka_consumergroup_current_offset{consumergroup="reading",topic="orders",partition="3"} 7
kafka_consumergroup_current_offset{consumergroup="stopped\"",topic="orders",partition="0"} 15
kafka_consumergroup_lag_sum{consumergroup="reading",topic="orders"} 5
kafka_consumergroup_lag_sum{consumergroup="stopped\"",topic="orders"} 10
kafka_consumergroup_lag{consumergroup="reading",topic="orders",partition="0"} 5
kafka_consumergroup_lag{consumergroup="reading",topic="orders",partition="1"} 0
kafka_consumergroup_lag{consumergroup="stopped\"",topic="orders",partition="0"} 10
kafka_consumergroup_members{consumergroup="new"} 1
kafka_consumergroup_members{consumergroup="reading"} 2
kafka_consumergroup_members{consumergroup="stopped\""} 0
kafka_topic_partition_current_offset{topic="a\\\"b\n",partition="0"} 25
kafka_topic_partition_current_offset{topic="orders",partition="0"} 25
kafka_topic_partition_in_sync_replica{topic="a\\\"b\n",partition="0"} 2
kafka_topic_partition_in_sync_replica{topic="orders",partition="0"} 1
kafka_topic_partition_in_sync_replica{topic="orders",partition="1"} 0
kafka_topic_partition_leader_is_preferred{topic="a\\\"b\n",partition="0"} 1
kafka_topic_partition_leader_is_preferred{topic="orders",partition="0"} 0
kafka_topic_partition_leader_is_preferred{topic="orders",partition="1"} 0
kafka_topic_partition_leader{topic="a\\\"b\n",partition="0"} 1
kafka_topic_partition_leader{topic="orders",partition="0"} 2
kafka_topic_partition_oldest_offset{topic="a\\\"b\n",partition="0"} 10
kafka_topic_partition_oldest_offset{topic="orders",partition="0"} 10
kafka_topic_partition_replicas{topic="a\\\"b\n",partition="0"} 2
kafka_topic_partition_replicas{topic="orders",partition="0"} 2
kafka_topic_partition_replicas{topic="orders",partition="1"} 2
kafka_topic_partition_under_replicated_partition{topic="a\\\"b\n",partition="0"} 0
kafka_topic_partition_under_replicated_partition{topic="orders",partition="0"} 1
kafka_topic_partition_under_replicated_partition{topic="orders",partition="1"} 1
kafka_topic_partitions{topic="a\\\"b\n"} 1
kafka_topic_partitions{topic="orders"} 2
"#;

#[test]
fn names_labels_and_values_are_those_of_kafka_exporter() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    exporter
        .add_cluster_with(source(cluster()), &["kafka_exporter"])
        .unwrap();
    for format in [Format::Text, Format::OpenMetrics] {
        let page = exporter.render(format);
        let mut found = lines(&page, "kafka_");
        found.sort_unstable();
        assert_eq!(
            found,
            EXPECTED.trim().lines().collect::<Vec<_>>(),
            "{format:?}"
        );
        let types = lines(&page, "# TYPE kafka_");
        assert_eq!(types.len(), super::families::ALL.len());
        assert!(types.iter().all(|t| t.ends_with(" gauge")), "{types:?}");
    }
}

#[test]
fn a_deleted_topic_leaves_no_series() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    let source = source(cluster());
    exporter.add_cluster(source.clone());
    assert!(exporter.render(Format::Text).contains("topic=\"orders\""));
    let mut without = cluster();
    without.topics.pop();
    without.groups.clear();
    *source.0.lock() = std::sync::Arc::new(without);
    assert!(!exporter.render(Format::Text).contains("topic=\"orders\""));
}

#[test]
fn before_the_first_snapshot_there_is_no_cluster_rather_than_an_empty_one() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    exporter.add_cluster(source(limpid_cluster::ClusterSnapshot::default()));
    let page = exporter.render(Format::Text);
    assert!(lines(&page, "kafka_").is_empty());
    assert!(page.contains("limpid_collector_up{collector=\"kafka_exporter\"} 0\n"));
    assert!(page.contains("limpid_collector_up{collector=\"pools\"} 1\n"));
}

#[test]
fn the_dialect_is_a_switch() {
    let silent = Exporter::new(Registry::new()).unwrap();
    silent
        .add_cluster_with(source(cluster()), &[] as &[&str])
        .unwrap();
    let page = silent.render(Format::Text);
    assert!(lines(&page, "kafka_").is_empty());
    assert!(!lines(&page, "limpid_log_dir_").is_empty());

    let twice = ["kafka_exporter", "kafka_exporter"];
    let exporter = Exporter::new(Registry::new()).unwrap();
    exporter
        .add_cluster_with(source(cluster()), &twice)
        .unwrap();
    let page = exporter.render(Format::Text);
    assert_eq!(
        lines(&page, "limpid_collector_up{collector=\"kafka_exporter\"}").len(),
        1
    );
    let dropped = lines(&page, "limpid_series_dropped_total{family=\"kafka_");
    assert!(dropped.is_empty(), "{dropped:?}");

    let error = exporter
        .add_cluster_with(source(cluster()), &["zabbix"])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("unknown metrics dialect `zabbix`, known are: ")
    );
}
