use std::time::Duration;

use limpid_telemetry::collect::Number64;
use limpid_telemetry::mbeans::{Attributes, BeanSource, Beans};
use limpid_telemetry::{LabelEnum as _, Registry, Stage, Text, buckets};
use parking_lot::Mutex;

use super::*;
use crate::fixture::{cluster, lines, source};
use crate::{Exporter, Format};

type Name = Text<64>;

limpid_telemetry::metrics! {
    /// As the broker declares them.
    struct Requests {
        /// Time of requests.
        seconds: histogram[buckets::REQUEST_SECONDS] { api: Name } = "example_request_seconds",
            mbean "kafka.network:type=RequestMetrics,name=TotalTimeMs,request={api}" histogram_ms;
        /// Time of stages.
        stages: histogram[buckets::REQUEST_SECONDS] { api: Name, stage: Stage } = "example_stage_seconds",
            mbean "kafka.network:type=RequestMetrics,name={stage.mbean},request={api}" histogram_ms;
        /// Errors.
        errors: counter { api: Name } = "example_errors_total",
            mbean "kafka.network:type=RequestMetrics,name=ErrorsPerSec,request={api},error=NONE" meter;
        /// Rate.
        rate: float_gauge { user: Name, client_id: Name } = "example_rate",
            mbean "kafka.server:type=Produce,user={user},client-id={client_id}" attribute "byte-rate";
    }
}

/// The page of a broker in this dialect.
fn page(node_id: Option<i32>, dialect: &str) -> String {
    let exporter = Exporter::new(Registry::new()).unwrap();
    let mut snapshot = cluster();
    snapshot.node_id = node_id;
    snapshot.controller_id = node_id;
    let added = exporter.add_cluster_with(source(snapshot), &[dialect]);
    added.unwrap();
    exporter.render(Format::Text)
}

/// Beans that a test changes.
#[derive(Default)]
struct Shown(Mutex<Vec<(String, Attributes)>>);

impl BeanSource for Shown {
    fn add_to(&self, _now: Duration, beans: &mut Beans) {
        for (name, attributes) in self.0.lock().iter() {
            beans.add(name.clone(), attributes.clone());
        }
    }
}

/// What these rules make of these beans: `name{labels} value`, with the types.
fn series(yaml: &str, beans: &[(&str, Attributes)]) -> Vec<String> {
    series_of(collector(yaml), beans)
}

fn series_of(names: JmxNames, beans: &[(&str, Attributes)]) -> Vec<String> {
    let shown = Arc::new(Shown::default());
    *shown.0.lock() = beans
        .iter()
        .map(|(n, a)| ((*n).to_owned(), a.clone()))
        .collect();
    names.beans.add_source(shown);
    scrape(&names)
}

fn collector(yaml: &str) -> JmxNames {
    let beans = Arc::clone(Registry::new().mbeans());
    JmxNames::new(
        "test",
        beans,
        vec![RuleSet::new(Rules::read(yaml).unwrap())],
    )
}

fn scrape(names: &JmxNames) -> Vec<String> {
    let mut out = Samples::new();
    names.collect(&mut out).unwrap();
    let all = out.families().iter().flat_map(|family| {
        let head = family.head();
        let kind = head.kind.exposition();
        let one = move |(labels, value)| match value {
            Number64::Int(v) => format!("{kind} {}{labels} {v}", head.name),
            Number64::Float(v) => format!("{kind} {}{labels} {v:?}", head.name),
        };
        family.iter().map(one).collect::<Vec<_>>()
    });
    all.collect()
}

fn value(page: &str, name: &str) -> String {
    let found = lines(page, &format!("{name} "));
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0].rsplit_once(' ').unwrap().1.to_owned()
}

#[test]
fn topics_have_series_and_all_together_one_without_the_label() {
    let page = page(None, "strimzi");
    assert!(lines(&page, "kafka_brokers").is_empty(), "another dialect");
    let name = "kafka_server_brokertopicmetrics_bytesin_total";
    assert_eq!(lines(&page, name), [format!("{name} 1000")]);
    let counters: Vec<&str> = lines(&page, "# TYPE kafka_server_brokertopicmetrics_");
    assert_eq!(counters.len(), 7);
    assert!(counters.iter().all(|t| t.ends_with("_total counter")));
}

#[test]
fn the_same_beans_have_other_names_elsewhere() {
    let page = page(None, "confluent");
    let name = "kafka_server_brokertopicmetrics_bytesinpersec";
    assert_eq!(value(&page, name), "1000");
    assert!(page.contains(&format!("# TYPE {name} untyped\n")));
    assert!(!page.contains("bytesin_total"));
    assert_eq!(lines(&page, "kafka_log_log_size").len(), 2);
}

#[test]
fn the_metrics_reporter_has_suffixes_of_its_own() {
    let state = vec![
        ("current-state", Value::text("leader")),
        ("current-leader", Value::Double(1.0)),
    ];
    let listener = vec![
        ("connection-count", Value::Double(2.0)),
        ("request-total", Value::Double(7.0)),
    ];
    let beans = [
        ("kafka.server:type=raft-metrics", state),
        (
            "kafka.server:type=socket-server-metrics,listener=A,networkProcessor=0",
            listener,
        ),
        (
            "kafka.server:type=T,name=XPerSec,topic=t",
            vec![("Count", Value::Long(3))],
        ),
        (
            "kafka.server:type=T,name=TimeMs",
            vec![
                ("Count", Value::Long(4)),
                ("99thPercentile", Value::Double(5.0)),
            ],
        ),
    ];
    let names = JmxNames::new(
        "test",
        Arc::clone(Registry::new().mbeans()),
        vec![RuleSet::new(strimzi_reporter())],
    );
    let mut found = series_of(names, &beans);
    found.sort();
    let expected = [
        r#"counter kafka_server_t_xpersec_total{topic="t"} 3"#,
        "gauge kafka_server_raft_metrics_current_leader 1.0",
        r#"gauge kafka_server_raft_metrics_current_state_info{current_state="leader"} 1.0"#,
        r#"gauge kafka_server_socket_server_metrics_connection_count{listener="A",networkprocessor="0"} 2.0"#,
        r#"gauge kafka_server_socket_server_metrics_request{listener="A",networkprocessor="0"} 7.0"#,
        r#"gauge kafka_server_t_timems{quantile="0.99"} 5.0"#,
        "untyped kafka_server_t_timems_count 4",
    ];
    assert_eq!(found, expected);
}

#[test]
fn two_dialects_write_a_series_once() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    exporter.add_cluster(source(cluster()));
    exporter.render(Format::Text); // what is dropped is told on the next page
    let page = exporter.render(Format::Text);
    let start = "kafka_log_log_logendoffset{";
    let mut labels = lines(&page, start);
    let all = labels.len();
    labels.sort_unstable();
    labels.dedup();
    assert!(all > 0 && labels.len() == all, "{labels:?}");
    assert_eq!(lines(&page, "# TYPE kafka_log_log_logendoffset ").len(), 1);
    let dropped = lines(&page, "limpid_series_dropped_total{family=\"kafka_log");
    assert!(dropped.is_empty(), "{dropped:?}");
}

#[test]
fn logs_replicas_and_groups_are_those_of_the_broker() {
    let all = page(None, "strimzi");
    assert_eq!(
        lines(&all, "kafka_log_log_size").len(),
        2,
        "none is offline"
    );
    let one = page(Some(1), "strimzi");
    let expected = [
        r#"kafka_log_log_logendoffset{topic="a\\\"b\n",partition="0"} 25"#,
        r#"kafka_log_log_logstartoffset{topic="a\\\"b\n",partition="0"} 10"#,
        r#"kafka_log_log_size{topic="a\\\"b\n",partition="0"} 4096"#,
    ];
    let mut logs = lines(&one, "kafka_log_log_");
    logs.retain(|line| !line.contains("numlogsegments"));
    logs.sort_unstable();
    assert_eq!(logs, expected);
    let replicas = |name: &str| {
        let name = format!("kafka_server_replicamanager_{name}");
        [1, 2, 3]
            .map(|id| value(&page(Some(id), "strimzi"), &name))
            .concat()
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

#[test]
fn percentiles_are_gauges_with_the_quantiles_that_panels_ask_for() {
    let registry = Registry::new();
    let exporter = Exporter::new(registry.clone()).unwrap();
    exporter.add_cluster(source(cluster()));
    let requests = Requests::register(&registry).unwrap();
    requests.errors.bind("Produce").inc();
    for api in ["Produce", "Fetch"] {
        requests.seconds.bind(api).observe(0.0015);
        for stage in Stage::ALL {
            assert!(!stage.as_str().is_empty());
            requests.stages.bind((api, *stage)).observe(0.0);
        }
    }
    let page = exporter.render(Format::Text);
    let quantiles = ["0.50", "0.75", "0.95", "0.98", "0.99", "0.999"];
    let expected = quantiles.map(|q| format!("{{request=\"Produce\",quantile=\"{q}\"}}"));
    let all = lines(&page, "kafka_network_requestmetrics_totaltimems{");
    let labels = all.iter().filter(|line| line.contains("Produce"));
    let labels: Vec<&str> = labels
        .map(|line| {
            line.split_once(' ')
                .unwrap()
                .0
                .split_at("kafka_network_requestmetrics_totaltimems".len())
                .1
        })
        .collect();
    assert_eq!(labels, expected);
    let median = "kafka_network_requestmetrics_totaltimems{request=\"Fetch\",quantile=\"0.50\"}";
    let median: f64 = value(&page, median).parse().unwrap();
    assert!((1.0..=2.5).contains(&median), "milliseconds: {median}");
    let types = lines(&page, "# TYPE kafka_network_requestmetrics_totaltimems ");
    assert!(
        types.len() == 1 && types[0].ends_with(" gauge"),
        "{types:?}"
    );
    let errors = "kafka_network_requestmetrics_errors_total{request=\"Produce\",error=\"NONE\"}";
    assert_eq!(value(&page, errors), "1");
    let errors = "kafka_network_requestmetrics_errorspersec{request=\"Produce\",error=\"NONE\"}";
    assert_eq!(value(&page, errors), "1");
    assert!(!page.contains("NaN"));
}

#[test]
fn parts_of_a_quota_that_do_not_matter_have_no_label() {
    let registry = Registry::new();
    let requests = Requests::register(&registry).unwrap();
    for (user, client_id) in [("", "app"), ("alice", ""), ("a,client-id=\"b\\", "c=d")] {
        requests.rate.bind((user, client_id)).set(12.5);
    }
    for rules in [strimzi(), confluent()] {
        let names = JmxNames::new(
            "test",
            Arc::clone(registry.mbeans()),
            vec![RuleSet::new(rules)],
        );
        let mut found = scrape(&names);
        found.sort();
        let name = "gauge kafka_server_produce_byte_rate";
        let expected = [
            format!("{name}{{client_id=\"app\"}} 12.5"),
            format!(r#"{name}{{client_id="c=d",user="a,client-id=\"b\\"}} 12.5"#),
            format!("{name}{{user=\"alice\"}} 12.5"),
        ];
        assert_eq!(found, expected);
    }
}

#[test]
fn without_rules_names_are_jmx_exporters_own() {
    let memory = vec![(
        "HeapMemoryUsage",
        Value::Composite(vec![("used", Value::Long(7)), ("max", Value::Long(9))]),
    )];
    let quoted = r#"kafka.server:type=Produce,client-id="a*b",x-y=1"#;
    let beans = [
        ("java.lang:type=Memory", memory),
        (
            quoted,
            vec![
                ("byte-rate", Value::Double(1.5)),
                ("Name", Value::text("no number")),
            ],
        ),
    ];
    let expected = [
        "untyped java_lang_Memory_HeapMemoryUsage_max 9",
        "untyped java_lang_Memory_HeapMemoryUsage_used 7",
        r#"untyped kafka_server_Produce_byte_rate{client_id="\"a*b\"",x_y="1"} 1.5"#,
    ];
    assert_eq!(series("", &beans), expected);
    let lower = "lowercaseOutputName: true\nlowercaseOutputLabelNames: true\nexcludeObjectNames: ['java.lang:*']";
    let labels = [
        ("a:type=T,Key=v", vec![("Attr", Value::Bool(true))]),
        beans[0].clone(),
    ];
    assert_eq!(series(lower, &labels), [r#"untyped a_t_attr{key="v"} 1.0"#]);
}

#[test]
fn the_first_rule_that_matches_names_the_series() {
    let yaml = r#"
includeObjectNames: ["kafka.server:*", "kafka.raft:*"]
excludeObjectNameAttributes:
  "kafka.server:type=Topics,*": [Hidden]
rules:
  - pattern: 'kafka.raft<type=(\w+)><>current-state: ([a-z]+)'
    name: state_$1
    value: 1
    labels: {state: "$2", "none$9": "x"}
  - pattern: 'kafka\.server<type=(.+), name=(?!Secret)(.+)PerSec><>Count'
    name: $1_$2_total
    type: COUNTER
    help: "How many $2"
  - pattern: 'kafka\.server<type=(.+), name=(.+)><>twoWords'
    attrNameSnakeCase: true
    name: never
  - pattern: 'kafka\.server<type=(.+), name=(.+)><>two_words: (.+)'
    attrNameSnakeCase: true
    name: $1_$2_seconds_total
    valueFactor: 0.001
    type: GAUGE
"#;
    let two = |v| {
        vec![
            ("Count", Value::Long(v)),
            ("Hidden", Value::Long(9)),
            ("twoWords", Value::Long(1500)),
        ]
    };
    let beans = [
        (
            "kafka.raft:type=Raft",
            vec![("current-state", Value::text("leader"))],
        ),
        ("kafka.server:type=Topics,name=BytesPerSec", two(3)),
        ("kafka.server:type=Topics,name=SecretPerSec", two(4)),
        ("other:type=Topics,name=BytesPerSec", two(5)),
    ];
    let expected = [
        "counter Topics_Bytes_total 3",
        "gauge Topics_BytesPerSec_seconds 1.5",
        "gauge Topics_SecretPerSec_seconds 1.5",
        r#"untyped state_Raft{_="x",state="leader"} 1.0"#,
    ];
    let mut found = series(yaml, &beans);
    found.sort();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for line in expected.iter().take(3) {
        assert!(found.contains(&(*line).to_owned()), "{line} in {found:?}");
    }
    assert!(found[3].contains(r#"state="leader""#), "{found:?}");
}

#[test]
fn what_is_remembered_follows_the_beans() {
    let names = collector(
        "rules: [{pattern: 'a<b=(.+)><>(state|n): ([a-z]*)', name: $2, value: 1, labels: {is: $3, of: $1}}]",
    );
    let shown = Arc::new(Shown::default());
    names.beans.add_source(shown.clone());
    let show = |beans: &[(&str, &'static str)]| {
        let bean = |(name, state): &(&str, &'static str)| {
            ((*name).to_owned(), vec![("state", Value::text(*state))])
        };
        *shown.0.lock() = beans.iter().map(bean).collect();
        scrape(&names)
    };
    let leader = r#"untyped state{is="leader",of="x"} 1.0"#;
    assert_eq!(show(&[("a:b=x", "leader")]), [leader]);
    assert_eq!(show(&[("a:b=x", "leader")]), [leader]);
    let voter = r#"untyped state{is="voter",of="x"} 1.0"#;
    assert_eq!(show(&[("a:b=x", "voter"), ("no name", "x")]), [voter]);
    assert!(show(&[]).is_empty());
    assert_eq!(names.sets[0].remembered(), 0, "forgotten");
}

#[test]
fn unsound_rules_are_told_by_their_number() {
    let told = |yaml: &str| Rules::read(yaml).unwrap_err().to_string();
    let text = told("rules: [{pattern: a}, {pattern: '(', name: x}]");
    assert!(text.starts_with("rule 2: pattern \"(\": "), "{text}");
    assert!(told("rules: [{name: x}]").starts_with("rule 1: a name without a pattern"));
    let text = told("rules: [{pattern: a, name: b, type: RATE}]");
    assert_eq!(
        text,
        "rule 1: type \"RATE\", known are COUNTER, GAUGE, UNTYPED"
    );
    assert!(told("rules: [{pattern: a, name: b, valueFactor: x}]").contains("no number"));
    assert!(told("includeObjectNames: [nothing]").starts_with("includeObjectNames: "));
    assert!(!told("rules: {").is_empty());
    assert!(Rules::read("ssl: false\nstartDelaySeconds: 5\nhostPort: x:1").is_ok());
}
