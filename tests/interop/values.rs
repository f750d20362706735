//! `/metrics` beside Apache Kafka: jmx_exporter's agent shows Kafka's beans by our own rules, Limpid shows
//! its own by the same ones, after the same traffic. Families, types, label names and series are the same,
//! and so are values, counters above all.
//!
//! What differs is listed in `values/`, each with its cause. The list is exact: a difference that
//! is new fails the test, and so does one that is gone. Times are not compared, since they are those of two
//! programs; sizes are: a percentile of ours is wrong by the width of a cell at most. Both under a script that
//! is there for them: `percentiles`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::http;
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::ports;
use limpid_interop::process::{run, wait_for};
use limpid_interop::tools::{Kafka, Tools};

const LIMIT: Duration = Duration::from_secs(60);
/// What is compared: a dialect's rules, and what differs: causes, each a line after a `#`, and below each
/// the differences that it makes, with `*` for anything; after a `?` one that need not be there.
struct Dialect {
    name: &'static str,
    rules: &'static str,
    differences: &'static str,
    /// Counters that the traffic moves, and that must be equal.
    moved: [&'static str; 6],
    /// Families that have a series for each topic and one for all of them.
    sums: [&'static str; 2],
}

const STRIMZI: Dialect = Dialect {
    name: "strimzi",
    rules: include_str!("../../crates/exporter/src/jmx/strimzi.yml"),
    differences: include_str!("values/strimzi"),
    moved: [
        "kafka_server_brokertopicmetrics_bytesin_total{topic=\"orders\"}",
        "kafka_server_brokertopicmetrics_bytesout_total{topic=\"orders\"}",
        "kafka_server_brokertopicmetrics_messagesin_total{topic=\"orders\"}",
        "kafka_server_brokertopicmetrics_totalproducerequests_total{topic=\"orders\"}",
        "kafka_log_log_logendoffset{partition=\"0\",topic=\"orders\"}",
        "kafka_log_log_size{partition=\"1\",topic=\"orders\"}",
    ],
    sums: [
        "kafka_server_brokertopicmetrics_messagesin_total",
        "kafka_server_brokertopicmetrics_bytesout_total",
    ],
};
const CONFLUENT: Dialect = Dialect {
    name: "confluent",
    rules: include_str!("../../crates/exporter/src/jmx/confluent.yml"),
    differences: include_str!("values/confluent"),
    moved: [
        "kafka_server_brokertopicmetrics_bytesinpersec{topic=\"orders\"}",
        "kafka_server_brokertopicmetrics_bytesoutpersec{topic=\"orders\"}",
        "kafka_server_brokertopicmetrics_messagesinpersec{topic=\"orders\"}",
        "kafka_server_brokertopicmetrics_totalproducerequestspersec{topic=\"orders\"}",
        "kafka_log_log_logendoffset{partition=\"0\",topic=\"orders\"}",
        "kafka_log_log_size{partition=\"1\",topic=\"orders\"}",
    ],
    sums: [
        "kafka_server_brokertopicmetrics_messagesinpersec",
        "kafka_server_brokertopicmetrics_bytesoutpersec",
    ],
};
/// Most causes that the list may have.
const CAUSES_MAX: usize = 20;
/// Leaves what differs in the folder of the run.
const BLESS: &str = "LIMPID_BLESS";
/// Percentiles of sizes, and how wrong ours may be: by a cell, see `telemetry::scale`.
const SIZES: &str = "kafka_network_requestmetrics_requestbytes{";
const CELL: f64 = 1.0 / 16.0;
/// A page: types of families, and values of series.
#[derive(Default)]
pub struct Page {
    types: BTreeMap<String, String>,
    /// Labels are in order.
    pub series: BTreeMap<String, f64>,
}

/// See the module; by Strimzi's rules.
pub fn are_those_of_kafka_by_strimzis_rules(lab: &mut Lab) -> Result<()> {
    compare(lab, &STRIMZI)
}

/// See the module; by Confluent's rules.
pub fn are_those_of_kafka_by_confluents_rules(lab: &mut Lab) -> Result<()> {
    compare(lab, &CONFLUENT)
}

fn compare(lab: &mut Lab, dialect: &Dialect) -> Result<()> {
    let Kind::Limpid(program) = lab.kind().clone() else {
        return Ok(());
    };
    let folder = lab.folder("values")?.join(dialect.name);
    std::fs::create_dir_all(&folder)?;
    let kafka = of_kafka(&lab.tools, dialect, &folder.join("kafka"))?;
    let limpid = Kind::Limpid(program);
    let limpid = of_limpid(&lab.tools, dialect, limpid, &folder.join("limpid"))?;
    let found = differences(&kafka, &limpid);
    if std::env::var_os(BLESS).is_some() {
        let text: String = found.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(folder.join("found"), text)?;
        for (name, page) in [("kafka.txt", &kafka), ("limpid.txt", &limpid)] {
            let series = page.series.iter();
            let lines = series.map(|(series, value)| format!("{series} {value}\n"));
            std::fs::write(folder.join(name), lines.collect::<String>())?;
        }
    }
    for series in dialect.moved {
        let value = limpid.series.get(series).context(series)?;
        ensure!(*value > 0.0, "{series} did not move");
        ensure!(kafka.series.get(series) == Some(value), "{series}: {value}");
    }
    all_is_listed(dialect.differences, &found)
}

/// What was found is listed, and what is listed was found.
fn all_is_listed(list: &'static str, found: &BTreeSet<String>) -> Result<()> {
    let causes = list.lines().filter(|line| line.starts_with("# ")).count();
    ensure!(causes <= CAUSES_MAX, "{causes} causes");
    let listed = list.lines();
    let listed = listed.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let listed: Vec<&str> = listed.collect();
    // What is a matter of time may be alike by chance.
    let pattern = |line: &'static str| line.strip_prefix("? ").unwrap_or(line);
    let is_listed = |line: &&String| listed.iter().any(|p| matches(pattern(p), line));
    let new: Vec<&String> = found.iter().filter(|line| !is_listed(line)).collect();
    let is_gone = |pattern: &&&str| {
        !pattern.starts_with("? ") && !found.iter().any(|line| matches(pattern, line))
    };
    let gone: Vec<_> = listed.iter().filter(is_gone).collect();
    ensure!(
        new.is_empty() && gone.is_empty(),
        "{} differences are not listed: {new:#?}\nlisted, and gone: {gone:#?}",
        new.len()
    );
    Ok(())
}

fn of_kafka(tools: &Tools, dialect: &Dialect, folder: &Path) -> Result<Page> {
    let (peer, address) = kafka_with_agent(tools, dialect.rules, folder)?;
    traffic(tools, &peer)?;
    settled(dialect, &address, "/metrics")
}

/// Apache Kafka with jmx_exporter's agent in it and these rules, and where that answers.
pub fn kafka_with_agent(tools: &Tools, text: &str, folder: &Path) -> Result<(Peer, String)> {
    let port = ports::next()?;
    let mut peer = Peer::new(Kind::Kafka, tools, folder, &[])?;
    peer.format()?;
    let rules = folder.join("rules.yml");
    std::fs::write(&rules, text)?;
    let agent = tools.jmx_exporter()?;
    let options = format!(
        "-javaagent:{}=127.0.0.1:{port}:{}",
        agent.display(),
        rules.display()
    );
    peer.environment = vec![("JAVA_TOOL_OPTIONS".to_owned(), options)];
    peer.start()?;
    Ok((peer, format!("127.0.0.1:{port}")))
}

fn of_limpid(tools: &Tools, dialect: &Dialect, kind: Kind, folder: &Path) -> Result<Page> {
    let peer = Peer::start_new(kind, tools, folder, &[])?;
    traffic(tools, &peer)?;
    let path = format!("/metrics?dialect={}", dialect.name);
    settled(dialect, &peer.http_address(), &path)
}

/// The page once it shows all that was written and read: sums over topics are those of a snapshot, once a
/// second.
fn settled(dialect: &Dialect, address: &str, path: &str) -> Result<Page> {
    wait_for("the end of the log on the page", LIMIT, || {
        let page = Page::read(&http::get(address, path)?);
        let adds_up = dialect.sums.iter().all(|family| {
            let topics = page.series.iter();
            let topics = topics.filter(|(series, _)| series.starts_with(&format!("{family}{{")));
            let sum: f64 = topics.map(|(_, value)| value).sum();
            sum >= 1_500.0 && page.series.get(*family) == Some(&sum)
        });
        Ok(adds_up.then_some(page))
    })
}

/// A topic, a batch in each of its partitions, and a reader of both.
fn traffic(tools: &Tools, peer: &Peer) -> Result<()> {
    let address = peer.address();
    let mut topic = tools.java(Kafka::V4_3)?;
    topic.args(["org.apache.kafka.tools.TopicCommand", "--create"]);
    topic.args(["--topic", "orders", "--partitions", "2"]);
    run(topic.args(["--bootstrap-server", &address]), b"", LIMIT)?.success()?;
    for (partition, records) in [("0", 1_000), ("1", 500)] {
        let lines: String = (0..records).map(|n| format!("record {n}\n")).collect();
        let mut producer = tools.kcat()?;
        producer.args(["-b", &address, "-P", "-t", "orders", "-p", partition]);
        // One batch, however busy the machine is.
        producer.args(["-X", "linger.ms=2000", "-X", "batch.num.messages=1000"]);
        run(&mut producer, lines.as_bytes(), LIMIT)?.success()?;
    }
    let mut consumer = tools.java(Kafka::V4_3)?;
    consumer.arg("org.apache.kafka.tools.consumer.ConsoleConsumer");
    consumer.args([
        "--topic",
        "orders",
        "--group",
        "readers",
        "--from-beginning",
    ]);
    consumer.args(["--max-messages", "1500", "--timeout-ms", "30000"]);
    // It commits once, at its end.
    consumer.args(["--command-property", "auto.commit.interval.ms=600000"]);
    run(consumer.args(["--bootstrap-server", &address]), b"", LIMIT)?.success()?;
    Ok(())
}

impl Page {
    /// Of the text that a scraper gets.
    pub fn read(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|l| l.split_once(' '))
            {
                page.types.insert(name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#')
                && line.starts_with("kafka_")
                && let Some((series, value)) = line.rsplit_once(' ')
                && let Ok(value) = value.parse()
            {
                page.series.insert(sorted(series), value);
            }
        }
        page.types.retain(|name, _| name.starts_with("kafka_"));
        page
    }

    /// The names of labels that the series of a family have.
    fn labels(&self, family: &str) -> BTreeSet<Vec<String>> {
        let of = self
            .series
            .keys()
            .filter(|series| name_of(series) == family);
        of.map(|series| labels(series).map(|(name, _)| name.to_owned()).collect())
            .collect()
    }
}

fn name_of(series: &str) -> &str {
    series.split('{').next().unwrap_or_default()
}

/// Labels of a series. The values of this test have no quotes inside but those of a path, which come as `\"`.
fn labels(series: &str) -> impl Iterator<Item = (&str, &str)> {
    let block = series.split_once('{').map_or("", |(_, block)| block);
    let block = block.trim_end_matches('}').trim_end_matches(',');
    block.split("\",").filter_map(|label| {
        let (name, value) = label.split_once("=\"")?;
        Some((name, value.strip_suffix('"').unwrap_or(value)))
    })
}

/// A series with its labels in order.
fn sorted(series: &str) -> String {
    let mut all: Vec<_> = labels(series).collect();
    all.sort_unstable();
    let all: Vec<String> = all.iter().map(|(k, v)| format!("{k}=\"{v}\"")).collect();
    match all.is_empty() {
        true => name_of(series).to_owned(),
        false => format!("{}{{{}}}", name_of(series), all.join(",")),
    }
}

/// Everything in which two pages differ, a line each.
fn differences(kafka: &Page, limpid: &Page) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (family, kind) in &kafka.types {
        match limpid.types.get(family) {
            None => _ = out.insert(format!("absent {family}")),
            Some(here) if here != kind => _ = out.insert(format!("type {family} {kind} {here}")),
            Some(_) if kafka.labels(family) != limpid.labels(family) => {
                out.insert(format!("labels {family}"));
            }
            Some(_) => {}
        }
    }
    let only_here = limpid
        .types
        .keys()
        .filter(|name| !kafka.types.contains_key(*name));
    out.extend(only_here.map(|family| format!("extra {family}")));
    let shared = |series: &str| {
        let family = name_of(series);
        kafka.types.contains_key(family) && limpid.types.contains_key(family)
    };
    for (series, value) in kafka.series.iter().filter(|(series, _)| shared(series)) {
        match limpid.series.get(series) {
            None => _ = out.insert(format!("absent {series}")),
            Some(here) if !is_same(series, *value, *here) => {
                out.insert(format!("value {series}"));
            }
            Some(_) => {}
        }
    }
    let extra = limpid.series.keys().filter(|series| shared(series));
    let extra = extra.filter(|series| !kafka.series.contains_key(*series));
    out.extend(extra.map(|series| format!("extra {series}")));
    out
}

fn is_same(series: &str, kafka: f64, limpid: f64) -> bool {
    match series.starts_with(SIZES) {
        true => (limpid - kafka).abs() <= kafka * CELL,
        false => kafka == limpid || (kafka.is_nan() && limpid.is_nan()),
    }
}

/// Whether a pattern with `*` stands for a text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let at = if last {
            rest.ends_with(part).then(|| rest.len() - part.len())
        } else {
            rest.find(part)
        };
        let Some(at) = at else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    true
}
