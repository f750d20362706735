use std::sync::Arc;
use std::time::Duration;

use limpid_cluster::Committed;
use limpid_telemetry::Registry;

use crate::fixture::{cluster, group, group_partition, now_ms, source};
use crate::{Exporter, Format, Selection};

/// `stalls` has a full window, `begins` a single commit.
const EXPECTED: &str = r#"
burrow_kafka_consumer_current_offset{cluster="test",consumer_group="stalls",topic="orders",partition="0"} 20
burrow_kafka_consumer_lag_total{cluster="test",consumer_group="begins"} 5
burrow_kafka_consumer_lag_total{cluster="test",consumer_group="stalls"} 5
burrow_kafka_consumer_partition_lag{cluster="test",consumer_group="begins",topic="orders",partition="0"} 5
burrow_kafka_consumer_partition_lag{cluster="test",consumer_group="begins",topic="orders",partition="1"} 0
burrow_kafka_consumer_partition_lag{cluster="test",consumer_group="stalls",topic="orders",partition="0"} 5
burrow_kafka_consumer_partition_lag{cluster="test",consumer_group="stalls",topic="orders",partition="1"} 0
burrow_kafka_consumer_status{cluster="test",consumer_group="begins"} 3
burrow_kafka_consumer_status{cluster="test",consumer_group="stalls"} 3
burrow_kafka_topic_partition_offset{cluster="test",topic="a\\\"b\n",partition="0"} 25
burrow_kafka_topic_partition_offset{cluster="test",topic="orders",partition="0"} 25
burrow_kafka_topic_partition_status{cluster="test",consumer_group="stalls",topic="orders",partition="0"} 5
kafka_burrow_partition_current_offset{cluster="test",group="begins",topic="orders",partition="0"} 20
kafka_burrow_partition_current_offset{cluster="test",group="stalls",topic="orders",partition="0"} 20
kafka_burrow_partition_lag{cluster="test",group="begins",topic="orders",partition="0"} 5
kafka_burrow_partition_lag{cluster="test",group="stalls",topic="orders",partition="0"} 5
kafka_burrow_partition_max_offset{cluster="test",group="begins",topic="orders",partition="0"} 25
kafka_burrow_partition_max_offset{cluster="test",group="stalls",topic="orders",partition="0"} 25
kafka_burrow_partition_status{cluster="test",group="begins",topic="orders",partition="0"} 5
kafka_burrow_partition_status{cluster="test",group="stalls",topic="orders",partition="0"} 6
kafka_burrow_status{cluster="test",group="begins"} 4
kafka_burrow_status{cluster="test",group="stalls"} 4
kafka_burrow_topic_lag{cluster="test",group="begins",topic="orders"} 5
kafka_burrow_topic_lag{cluster="test",group="stalls",topic="orders"} 5
kafka_burrow_topic_offset{cluster="test",topic="a\\\"b\n"} 25
kafka_burrow_topic_offset{cluster="test",topic="orders"} 25
kafka_burrow_topic_partition_offset{cluster="test",topic="a\\\"b\n",partition="0"} 25
kafka_burrow_topic_partition_offset{cluster="test",topic="orders",partition="0"} 25
kafka_burrow_total_lag{cluster="test",group="begins"} 5
kafka_burrow_total_lag{cluster="test",group="stalls"} 5
"#;

#[test]
fn names_labels_and_values() {
    let registry = Registry::new();
    let exporter = Exporter::new(registry.clone()).unwrap();
    let source = source(cluster());
    exporter
        .add_cluster_with(source.clone(), &[] as &[&str])
        .unwrap();
    let now_ms = now_ms();
    for second in (0..20_i64).rev() {
        let at = |at_ms| {
            let mut partition = group_partition(0, Some(20), Some((5, None)));
            let offset = 20;
            partition.committed = Some(Committed {
                offset,
                at_ms,
                ..Committed::default()
            });
            vec![partition]
        };
        let mut snapshot = cluster();
        snapshot.taken_at_ms = now_ms - second * 1_000;
        let begins = group("begins", 1, at(now_ms - 60_000));
        let stalls = group("stalls", 1, at(snapshot.taken_at_ms));
        snapshot.groups = vec![Arc::new(begins), Arc::new(stalls)];
        *source.0.lock() = Arc::new(snapshot);
        registry.tick(Duration::ZERO);
    }
    let asked = Selection::of([("dialect", "burrow")]).unwrap();
    let page = exporter.render_selected(Format::Text, &asked);
    let found = page.lines().filter(|line| !line.starts_with('#'));
    let mut found: Vec<&str> = found.collect();
    found.sort_unstable();
    assert_eq!(found, EXPECTED.trim().lines().collect::<Vec<_>>());
}
