//! `limpid check`: what is said of dashboards and rules, and how it ends.

use std::path::Path;

use crate::broker::{Ended, LIMPID, Process, command};

fn check(arguments: &[&str]) -> Ended {
    let mut command = command(LIMPID);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.arg("check").args(arguments);
    let ended = Process::spawn(command).end();
    ended.assert_calm();
    ended
}

fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn our_own_dashboards_and_rules_work() {
    for (kind, path) in [
        ("dashboards", "dashboards/limpid-overview.json"),
        ("rules", "alerts/limpid.rules.yml"),
    ] {
        let ended = check(&[kind, path]);
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        assert!(ended.output.contains(" work\n"), "{ended:?}");
        let json = check(&[kind, "--json", path]).output;
        for none in ["foreign", "empty", "unread", "dialects"] {
            assert!(json.contains(&format!("\"{none}\": []")), "{none}: {json}");
        }
    }
}

#[test]
fn what_stays_empty_is_told_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = "kafka_server_brokertopicmetrics_bytesinpersec";
    let rules = format!(
        "groups: [{{rules: [{{alert: In, expr: {bytes}}}, {{alert: No, expr: my_bytes}}]}}]"
    );
    let rules = file(dir.path(), "rules.yml", &rules);
    let ended = check(&["rules", &rules]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    for part in [
        "limpid.metrics.dialects=kafka_exporter,strimzi,confluent",
        "there is no my_bytes",
    ] {
        assert!(ended.output.contains(part), "{part} is not in {ended:?}");
    }
    let yaml = "rules: [{pattern: 'kafka.server<type=BrokerTopicMetrics, name=BytesInPerSec><>Count', name: my_bytes}]";
    let jmx = file(dir.path(), "jmx.yml", yaml);
    let ended = check(&["rules", &rules, "--jmx", &jmx, "--dialects", "confluent"]);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let ended = check(&["rules", &rules, "--dialects", "zabbix"]);
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert!(
        ended.output.contains("unknown dialect \"zabbix\""),
        "{ended:?}"
    );
    let ended = check(&["dashboards", &rules]);
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert!(ended.output.contains("rules.yml: no JSON"), "{ended:?}");
}
