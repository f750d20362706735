use crate::collectors::tests::dialect_alone;

const EXPECTED: &str = r#"
kafka_consumer_lag_millis{consumergroup="reading",topic="orders",partition="0"} 2500
kafka_consumer_lag_millis{consumergroup="reading",topic="orders",partition="1"} 0
kafka_consumergroup_uncommitted_offsets_sum{consumergroup="reading",topic="orders"} 5
kafka_consumergroup_uncommitted_offsets_sum{consumergroup="stopped\"",topic="orders"} 10
kafka_consumergroup_uncommitted_offsets{consumergroup="reading",topic="orders",partition="0"} 5
kafka_consumergroup_uncommitted_offsets{consumergroup="reading",topic="orders",partition="1"} 0
kafka_consumergroup_uncommitted_offsets{consumergroup="stopped\"",topic="orders",partition="0"} 10
"#;

#[test]
fn names_labels_and_values() {
    assert_eq!(
        dialect_alone("grafana_fork"),
        EXPECTED.trim().lines().collect::<Vec<_>>()
    );
}
