//! Kafka's MBeans: the same traffic through Apache Kafka with Jolokia's agent and through Limpid, and
//! the same beans with the same attributes after it.
//!
//! Beans are compared by their shape: domain, type, name and the keys of the others. What Kafka has
//! and Limpid has not is listed in `beans/absent`, with reasons; the list must be exact, so a bean that
//! is new here or there fails the test. With `LIMPID_BLESS` the run leaves what it found in its folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::http;
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::ports;
use limpid_interop::process::{Daemon, run, wait_for};
use limpid_interop::tools::{Kafka, Tools};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);
/// A bean, or a bean and an attribute of it, in each line; groups of them under a reason.
pub const ABSENT: &str = include_str!("beans/absent");
/// Properties that tell beans of one kind apart by what they are about.
const VALUES: [&str; 6] = [
    "type",
    "name",
    "delayedOperation",
    "fetcherType",
    "protocol",
    "state",
];
/// How the bean of a kind of client begins.
const SOFTWARE: &str = "kafka.server:type=socket-server-metrics,clientSoftwareName";
/// Leaves what is absent in the folder of the run.
const BLESS: &str = "LIMPID_BLESS";

/// Attributes by the shape of their beans.
type Shapes = BTreeMap<String, BTreeSet<String>>;

/// Every bean of Kafka is here with its attributes, but for those that are listed.
pub fn are_those_of_kafka(lab: &mut Lab) -> Result<()> {
    let folder = lab.folder("beans")?;
    let kafka = of_kafka(&lab.tools, &folder.join("kafka"))?;
    let subject = match lab.kind() {
        // What this compares is the same from run to run.
        Kind::Kafka => {
            let again = of_kafka(&lab.tools, &folder.join("again"))?;
            return ensure_none(&lacks(&kafka, &again));
        }
        limpid @ Kind::Limpid(_) => of_limpid(&lab.tools, limpid.clone(), &folder.join("limpid"))?,
    };
    let found = lacks(&kafka, &subject);
    if std::env::var_os(BLESS).is_some() {
        let text: String = found.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(folder.join("absent"), text)?;
    }
    let listed = listed(ABSENT);
    let new: Vec<_> = found.difference(&listed).collect();
    let old: Vec<_> = listed.difference(&found).collect();
    ensure!(
        new.is_empty() && old.is_empty(),
        "absent here, and not listed: {new:#?}\nlisted, and not absent: {old:#?}"
    );
    Ok(())
}

fn ensure_none(lacks: &BTreeSet<String>) -> Result<()> {
    ensure!(lacks.is_empty(), "{lacks:?}");
    Ok(())
}

/// The lines of the list that are no reasons.
pub fn listed(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// What `kafka` has and `subject` has not: whole beans, or attributes of a bean.
pub fn lacks(kafka: &Shapes, subject: &Shapes) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (bean, attributes) in kafka {
        match subject.get(bean) {
            None => {
                out.insert(bean.clone());
            }
            Some(here) => {
                let absent = attributes.difference(here);
                out.extend(absent.map(|attribute| format!("{bean} {attribute}")));
            }
        }
    }
    out
}

fn of_kafka(tools: &Tools, folder: &Path) -> Result<Shapes> {
    let (_peer, address) = kafka_with_agent(tools, folder)?;
    beans(&address)
}

/// Apache Kafka that has seen some traffic, and where Jolokia's agent in it answers.
pub fn kafka_with_agent(tools: &Tools, folder: &Path) -> Result<(Peer, String)> {
    let port = ports::next()?;
    let mut peer = Peer::new(Kind::Kafka, tools, folder, &[])?;
    peer.format()?;
    let agent = tools.jolokia()?;
    let options = format!("-javaagent:{}=port={port},host=127.0.0.1", agent.display());
    peer.environment = vec![("JAVA_TOOL_OPTIONS".to_owned(), options)];
    peer.start()?;
    traffic(tools, &peer)?;
    Ok((peer, format!("127.0.0.1:{port}")))
}

/// Limpid that has seen the same.
pub fn limpid_with_traffic(
    tools: &Tools,
    kind: Kind,
    folder: &Path,
    settings: &[(&str, &str)],
) -> Result<Peer> {
    let peer = Peer::start_new(kind, tools, folder, settings)?;
    traffic(tools, &peer)?;
    Ok(peer)
}

fn of_limpid(tools: &Tools, kind: Kind, folder: &Path) -> Result<Shapes> {
    let peer = limpid_with_traffic(tools, kind, folder, &[])?;
    // Unlike Kafka's, our bean of a kind of client goes with the last of them.
    let mut reader = tools.kcat()?;
    reader.args(["-q", "-C", "-t", "orders", "-b", &peer.address()]);
    let _reader = Daemon::spawn("kcat", &mut reader, &folder.join("kcat.log"))?;
    // States are those of a snapshot that is made once a second.
    let wanted = ["kafka.log:type=Log,name=Size", SOFTWARE];
    wait_for("the beans of a log and of a client", LIMIT, || {
        let seen = beans(&peer.http_address())?;
        let is_there = |start: &&str| seen.keys().any(|bean| bean.starts_with(start));
        Ok(wanted.iter().all(is_there).then_some(seen))
    })
}

/// A producer, a consumer of a group, and a topic that is compacted.
fn traffic(tools: &Tools, peer: &Peer) -> Result<()> {
    let address = peer.address();
    let mut topic = tools.java(Kafka::V4_3)?;
    topic.args(["org.apache.kafka.tools.TopicCommand", "--create"]);
    topic.args(["--topic", "orders", "--partitions", "2"]);
    run(topic.args(["--bootstrap-server", &address]), b"", LIMIT)?.success()?;
    let mut producer = tools.kcat()?;
    producer.args(["-b", &address, "-P", "-t", "orders"]);
    run(&mut producer, b"one\ntwo\nthree\n", LIMIT)?.success()?;
    let mut consumer = tools.java(Kafka::V4_3)?;
    consumer.arg("org.apache.kafka.tools.consumer.ConsoleConsumer");
    consumer.args([
        "--topic",
        "orders",
        "--group",
        "readers",
        "--from-beginning",
    ]);
    consumer.args(["--max-messages", "3", "--timeout-ms", "30000"]);
    run(consumer.args(["--bootstrap-server", &address]), b"", LIMIT)?.success()?;
    Ok(())
}

/// The beans of Kafka's domains.
fn beans(address: &str) -> Result<Shapes> {
    let answer: Value = serde_json::from_str(&http::get(address, "/jolokia/list")?)?;
    let domains = answer["value"].as_object().context("no domains")?;
    let mut shapes = Shapes::new();
    for (domain, beans) in domains {
        if !domain.starts_with("kafka.") {
            continue;
        }
        for (properties, bean) in beans.as_object().context("no beans")? {
            let attributes = bean["attr"].as_object().map(|all| all.keys().cloned());
            let known = shapes.entry(shape(domain, properties)).or_default();
            known.extend(attributes.into_iter().flatten());
        }
    }
    Ok(shapes)
}

/// `domain:type=…,name=…` and the other properties by their keys, those of [`VALUES`] with their values.
fn shape(domain: &str, properties: &str) -> String {
    let mut all: Vec<(String, String)> = Vec::new();
    for (key, value) in split(properties) {
        let is_own = VALUES.contains(&key) || (key == "clientId");
        let value = if is_own { value } else { "*" };
        all.push((key.to_owned(), value.to_owned()));
    }
    let rank = |key: &str| match key {
        "type" => 0,
        "name" => 1,
        _ => 2,
    };
    all.sort_by(|(one, _), (other, _)| (rank(one), one).cmp(&(rank(other), other)));
    let all: Vec<String> = all.iter().map(|(k, v)| format!("{k}={v}")).collect();
    format!("{domain}:{}", all.join(","))
}

/// Keys and values; a value in quotes may have commas in it.
fn split(properties: &str) -> Vec<(&str, &str)> {
    let mut out = Vec::new();
    let mut rest = properties;
    while let Some((key, after)) = rest.split_once('=') {
        let end = match after.strip_prefix('"') {
            Some(quoted) => quoted.find('"').map_or(after.len(), |at| at + 2),
            None => after.find(',').unwrap_or(after.len()),
        };
        let (value, next) = after.split_at(end);
        out.push((key, value));
        rest = next.strip_prefix(',').unwrap_or("");
    }
    out
}
