use crate::collectors::tests::dialect_alone;

const EXPECTED: &str = r#"
kafka_brokers 2
kafka_consumer_group_lag_ratio{group="reading",topic="orders",partition="0"} 5
kafka_consumer_group_lag_ratio{group="reading",topic="orders",partition="1"} 0
kafka_consumer_group_lag_ratio{group="stopped\"",topic="orders",partition="0"} 10
kafka_consumer_group_lag_sum_ratio{group="reading",topic="orders"} 5
kafka_consumer_group_lag_sum_ratio{group="stopped\"",topic="orders"} 10
kafka_consumer_group_members{group="new"} 1
kafka_consumer_group_members{group="reading"} 2
kafka_consumer_group_members{group="stopped\""} 0
kafka_consumer_group_offset_ratio{group="reading",topic="orders",partition="0"} 20
kafka_consumer_group_offset_ratio{group="reading",topic="orders",partition="1"} 25
kafka_consumer_group_offset_ratio{group="reading",topic="orders",partition="3"} 7
kafka_consumer_group_offset_ratio{group="stopped\"",topic="orders",partition="0"} 15
kafka_consumer_group_offset_sum_ratio{group="reading",topic="orders"} 52
kafka_consumer_group_offset_sum_ratio{group="stopped\"",topic="orders"} 15
kafka_partition_current_offset_ratio{topic="a\\\"b\n",partition="0"} 25
kafka_partition_current_offset_ratio{topic="orders",partition="0"} 25
kafka_partition_oldest_offset_ratio{topic="a\\\"b\n",partition="0"} 10
kafka_partition_oldest_offset_ratio{topic="orders",partition="0"} 10
kafka_partition_replicas_in_sync{topic="a\\\"b\n",partition="0"} 2
kafka_partition_replicas_in_sync{topic="orders",partition="0"} 1
kafka_partition_replicas_in_sync{topic="orders",partition="1"} 0
kafka_partition_replicas{topic="a\\\"b\n",partition="0"} 2
kafka_partition_replicas{topic="orders",partition="0"} 2
kafka_partition_replicas{topic="orders",partition="1"} 2
kafka_topic_partitions{topic="a\\\"b\n"} 1
kafka_topic_partitions{topic="orders"} 2
"#;

#[test]
fn names_labels_and_values() {
    assert_eq!(
        dialect_alone("otel"),
        EXPECTED.trim().lines().collect::<Vec<_>>()
    );
}
