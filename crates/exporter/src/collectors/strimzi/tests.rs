use limpid_telemetry::Registry;

use crate::fixture::{cluster, lines, source};
use crate::{Exporter, Format};

fn page(node_id: Option<i32>) -> String {
    let exporter = Exporter::new(Registry::new()).unwrap();
    let mut snapshot = cluster();
    snapshot.node_id = node_id;
    snapshot.controller_id = node_id;
    exporter
        .add_cluster_with(source(snapshot), &["strimzi"])
        .unwrap();
    exporter.render(Format::Text)
}

#[test]
fn topics_have_series_and_all_together_one_without_the_label() {
    let page = page(None);
    assert!(lines(&page, "kafka_brokers").is_empty(), "another dialect");
    let expected = [
        "kafka_server_brokertopicmetrics_bytesin_total 1000",
        r#"kafka_server_brokertopicmetrics_bytesin_total{topic="a\\\"b\n"} 100"#,
        r#"kafka_server_brokertopicmetrics_bytesin_total{topic="orders"} 200"#,
    ];
    assert_eq!(
        lines(&page, "kafka_server_brokertopicmetrics_bytesin_total"),
        expected
    );
    let counters: Vec<&str> = lines(&page, "# TYPE kafka_server_brokertopicmetrics_");
    assert_eq!(counters.len(), 7);
    assert!(counters.iter().all(|t| t.ends_with("_total counter")));
}

#[test]
fn logs_replicas_and_groups_are_those_of_the_broker() {
    let all = page(None);
    assert_eq!(
        lines(&all, "kafka_log_log_size").len(),
        2,
        "none is offline"
    );
    let one = page(Some(1));
    let expected = [
        r#"kafka_log_log_logendoffset{topic="a\\\"b\n",partition="0"} 25"#,
        r#"kafka_log_log_logstartoffset{topic="a\\\"b\n",partition="0"} 10"#,
        r#"kafka_log_log_size{topic="a\\\"b\n",partition="0"} 4096"#,
    ];
    let mut logs = lines(&one, "kafka_log_log_");
    logs.sort_unstable();
    assert_eq!(logs, expected);
    let value = |page: &str, name: &str| {
        let found = lines(page, &format!("{name} "));
        found[0].rsplit_once(' ').unwrap().1.to_owned()
    };
    let replicas = |name: &str| {
        let name = format!("kafka_server_replicamanager_{name}");
        [1, 2, 3].map(|id| value(&page(Some(id)), &name)).concat()
    };
    assert_eq!(replicas("leadercount"), "110");
    assert_eq!(replicas("partitioncount"), "330");
    assert_eq!(replicas("underreplicatedpartitions"), "010");
    let groups = |page: &str, state: &str| {
        let name = format!("kafka_coordinator_group_groupmetadatamanager_numgroups{state}");
        value(page, &name)
    };
    let states = ["", "stable", "empty", "dead", "preparingrebalance"];
    assert_eq!(states.map(|s| groups(&all, s)).concat(), "32100");
    assert_eq!(states.map(|s| groups(&one, s)).concat(), "22000");
    assert_eq!(groups(&all, "completingrebalance"), "0");
}
