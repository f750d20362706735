use crate::collectors::tests::dialect_alone;

const EXPECTED: &str = r#"
kafka_consumergroup_group_lag_seconds{cluster_name="test",group="reading",topic="orders",partition="0",member_host="/10.0.0.7",consumer_id="m-1",client_id="reader"} 2.5
kafka_consumergroup_group_lag_seconds{cluster_name="test",group="reading",topic="orders",partition="1",member_host="/10.0.0.7",consumer_id="m-1",client_id="reader"} 0
kafka_consumergroup_group_lag{cluster_name="test",group="reading",topic="orders",partition="0",member_host="/10.0.0.7",consumer_id="m-1",client_id="reader"} 5
kafka_consumergroup_group_lag{cluster_name="test",group="reading",topic="orders",partition="1",member_host="/10.0.0.7",consumer_id="m-1",client_id="reader"} 0
kafka_consumergroup_group_lag{cluster_name="test",group="stopped\"",topic="orders",partition="0"} 10
kafka_consumergroup_group_max_lag_seconds{cluster_name="test",group="reading"} 2.5
kafka_consumergroup_group_max_lag{cluster_name="test",group="reading"} 5
kafka_consumergroup_group_max_lag{cluster_name="test",group="stopped\""} 10
kafka_consumergroup_group_offset{cluster_name="test",group="reading",topic="orders",partition="0",member_host="/10.0.0.7",consumer_id="m-1",client_id="reader"} 20
kafka_consumergroup_group_offset{cluster_name="test",group="reading",topic="orders",partition="1",member_host="/10.0.0.7",consumer_id="m-1",client_id="reader"} 25
kafka_consumergroup_group_offset{cluster_name="test",group="reading",topic="orders",partition="3",member_host="/10.0.0.7",consumer_id="m-1",client_id="reader"} 7
kafka_consumergroup_group_offset{cluster_name="test",group="stopped\"",topic="orders",partition="0"} 15
kafka_consumergroup_group_sum_lag{cluster_name="test",group="reading"} 5
kafka_consumergroup_group_sum_lag{cluster_name="test",group="stopped\""} 10
kafka_consumergroup_group_topic_sum_lag{cluster_name="test",group="reading",topic="orders"} 5
kafka_consumergroup_group_topic_sum_lag{cluster_name="test",group="stopped\"",topic="orders"} 10
kafka_partition_earliest_offset{cluster_name="test",topic="a\\\"b\n",partition="0"} 10
kafka_partition_earliest_offset{cluster_name="test",topic="orders",partition="0"} 10
kafka_partition_latest_offset{cluster_name="test",topic="a\\\"b\n",partition="0"} 25
kafka_partition_latest_offset{cluster_name="test",topic="orders",partition="0"} 25
"#;

#[test]
fn names_labels_and_values() {
    assert_eq!(
        dialect_alone("kafka_lag_exporter"),
        EXPECTED.trim().lines().collect::<Vec<_>>()
    );
}
