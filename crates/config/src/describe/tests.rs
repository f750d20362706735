//! Tests of DescribeConfigs, the largest against what Apache Kafka 4.3.0 answered.

use super::*;
use crate::load::{LoadOptions, Loaded};

/// The static entries with which Kafka gave the answers in `kafka-4.3.0.tsv`.
const ENTRIES: &str = "\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
advertised.listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:9093
log.dirs=/data
log.retention.hours=100
log.roll.hours= 24
offsets.topic.replication.factor=1
my.custom.key=abc
ssl.key.password=geheim
auto.create.topics.enable=TRUE
metric.reporters=
log.cleanup.policy=delete, compact
";

fn config() -> Config {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("server.properties");
    std::fs::write(&file, ENTRIES).unwrap();
    let Loaded { config, .. } = Config::load(LoadOptions {
        file: Some(file),
        ..LoadOptions::default()
    })
    .unwrap();
    config
}

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn source_word(source: Source) -> &'static str {
    match source {
        Source::DynamicTopic => "topic",
        Source::DynamicBroker => "broker",
        Source::DynamicDefaultBroker => "all",
        Source::StaticBroker => "static",
        Source::Default => "default",
        Source::DynamicBrokerLogger => "logger",
        Source::DynamicClientMetrics => "client metrics",
        Source::DynamicGroup => "group",
    }
}

fn line(resource: &str, entry: &ConfigEntry) -> String {
    let null = || "\\N".to_owned();
    let kinds = [
        "unknown", "boolean", "string", "int", "short", "long", "double", "list", "class",
    ];
    let kind = kinds
        .get(usize::try_from(entry.kind_code).unwrap())
        .unwrap_or(&"password");
    let synonym = |synonym: &Synonym| {
        let value = synonym.value.clone().unwrap_or_else(null);
        format!("{}={value}@{};", synonym.name, source_word(synonym.source))
    };
    [
        resource.to_owned(),
        entry.name.clone(),
        entry.value.clone().unwrap_or_else(null),
        source_word(entry.source).to_owned(),
        if entry.read_only { "ro" } else { "rw" }.to_owned(),
        if entry.sensitive { "hidden" } else { "shown" }.to_owned(),
        (*kind).to_owned(),
        entry.synonyms.iter().map(synonym).collect::<String>(),
    ]
    .join("\t")
}

/// Keys whose default differs on purpose, so that their default synonym does (see `broker.rs`),
/// and one that Kafka's storage tool sets for all brokers.
const DIFFERENT: &[&str] = &[
    "controller.listener.names",
    "listeners",
    "log.dir",
    "min.insync.replicas",
    "node.id",
    "process.roles",
];

#[test]
fn answers_are_those_of_kafka() {
    let config = config();
    let mut ours = BTreeMap::new();
    for entry in topic(
        &config,
        &map(&[("retention.ms", "5000"), ("cleanup.policy", "delete")]),
    ) {
        ours.insert(("topic", entry.name.clone()), line("topic", &entry));
    }
    for entry in broker(&config) {
        if !entry.name.starts_with(broker::LIMPID_PREFIX) {
            ours.insert(("broker", entry.name.clone()), line("broker", &entry));
        }
    }
    let mut seen = 0;
    let kafkas = include_str!("kafka-4.3.0.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'));
    for expected in kafkas {
        let mut columns = expected.split('\t');
        let resource = columns.next().unwrap();
        let key = columns.next().unwrap();
        let our = ours.remove(&(resource, key.to_owned()));
        seen += 1;
        if DIFFERENT.contains(&key) {
            assert!(our.is_some(), "{key} is missing");
            continue;
        }
        assert_eq!(our.as_deref(), Some(expected), "{key}");
    }
    ours.retain(|(_, key), _| !DIFFERENT.contains(&key.as_str()));
    assert!(ours.is_empty(), "Kafka does not list {ours:?}");
    assert!(
        seen > 370,
        "the list of Kafka's answers is cut short: {seen}"
    );
}

#[test]
fn dynamic_entries_win_and_list_what_stands_behind_them() {
    let config = config()
        .with_dynamic(
            map(&[("max.connections", "7")]),
            map(&[("log.retention.ms", "700000")]),
        )
        .unwrap();
    let entries = broker(&config);
    let find = |name: &str| entries.iter().find(|entry| entry.name == name).unwrap();
    assert_eq!(
        line("broker", find("log.retention.ms")),
        "broker\tlog.retention.ms\t700000\tall\trw\tshown\tlong\tlog.retention.ms=700000@all;\
         log.retention.hours=100@static;log.retention.hours=168@default;"
    );
    assert_eq!(
        line("broker", find("max.connections")),
        "broker\tmax.connections\t7\tbroker\trw\tshown\tint\tmax.connections=7@broker;\
         max.connections=2147483647@default;"
    );
    assert_eq!(config.broker().network.connections.max, 7);
    assert_eq!(config.topic(&BTreeMap::new()).retention_ms, 700_000);
    let retention = topic(&config, &BTreeMap::new());
    let retention = retention
        .iter()
        .find(|entry| entry.name == "retention.ms")
        .unwrap();
    assert_eq!(retention.source, Source::DynamicDefaultBroker);
    assert_eq!(retention.value.as_deref(), Some("700000"));

    let defaults = broker_defaults(&config);
    assert_eq!(defaults.len(), 1);
    assert_eq!(
        line("default", &defaults[0]),
        "default\tlog.retention.ms\t700000\tall\trw\tshown\tlong\tlog.retention.ms=700000@all;"
    );
}

#[test]
fn secrets_and_strangers_show_no_value() {
    let for_one = map(&[
        ("listener.name.plaintext.ssl.keystore.password", "geheim"),
        ("my.other", "geheim"),
        ("follower.replication.throttled.rate", "100"),
    ]);
    let config = config()
        .with_dynamic(for_one, map(&[("my.def", "geheim")]))
        .unwrap();
    let entries = broker(&config);
    for entry in &entries {
        assert!(!format!("{entry:?}").contains("geheim"), "{}", entry.name);
    }
    let find = |name: &str| entries.iter().find(|entry| entry.name == name).unwrap();
    assert_eq!(
        line(
            "broker",
            find("listener.name.plaintext.ssl.keystore.password")
        ),
        "broker\tlistener.name.plaintext.ssl.keystore.password\t\\N\tbroker\tro\thidden\tpassword\t\
         listener.name.plaintext.ssl.keystore.password=\\N@broker;"
    );
    assert_eq!(
        line("broker", find("follower.replication.throttled.rate")),
        "broker\tfollower.replication.throttled.rate\t100\tbroker\trw\tshown\tlong\t\
         follower.replication.throttled.rate=100@broker;"
    );
    assert_eq!(
        line("broker", find("my.other")),
        "broker\tmy.other\t\\N\tbroker\tro\thidden\tunknown\tmy.other=\\N@broker;"
    );
    assert!(!format!("{:?}", broker_defaults(&config)).contains("geheim"));
}

#[test]
fn every_entry_is_documented_in_a_sentence() {
    let rows = broker::DEFINITIONS.iter().chain(topic::DEFINITIONS);
    for row in rows.chain(broker::DYNAMIC_ONLY) {
        assert!(
            row.doc.ends_with('.') && row.doc.len() > 10,
            "{}: {:?}",
            row.key,
            row.doc
        );
    }
}

#[test]
fn doubles_are_printed_as_java_does() {
    for (number, text) in [
        (0.5, "0.5"),
        (1.0, "1.0"),
        (0.0, "0.0"),
        (1e7, "1.0E7"),
        (f64::MAX, "1.7976931348623157E308"),
        (0.0001, "1.0E-4"),
    ] {
        assert_eq!(java_double(number), text);
    }
}
