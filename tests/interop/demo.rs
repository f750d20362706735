//! `limpid demo` on a cluster that is not ours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_client::{Client, ClientConfig, LATEST, Tcp, TopicPartition, TopicSpec};
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::process::{Daemon, run, wait_for};
use limpid_interop::tools::limpid_binary;
use tokio::runtime::Runtime;

const LIMIT: Duration = Duration::from_secs(90);
const SLOW: &str = "demo.archiver";
const SLOW_TOPIC: &str = "demo.logs.search";
const HEALTHY: &str = "demo.indexer";
const CRASHING: &str = "demo.fraud-check";

/// What a person sees of the demo from outside.
struct View {
    runtime: Runtime,
    client: Client,
    program: PathBuf,
    address: String,
}

/// The slow group falls behind and catches up when it is told to, the others are what they are said
/// to be, and nothing is left but what was there before.
pub fn runs_on_apache_kafka(lab: &mut Lab) -> Result<()> {
    let folder = lab.folder("demo-kafka")?;
    let mut kafka = Peer::start_new(Kind::Kafka, &lab.tools, &folder, &[])?;
    let view = View::open(&kafka.address())?;
    view.runtime.block_on(view.client.create_topic(&TopicSpec {
        name: "demoted".to_owned(),
        partitions: 1,
        replication_factor: 1,
        configs: Vec::new(),
    }))?;
    let demo = view.start(&folder)?;
    view.wait("the slow group falls behind", |v| {
        Ok(v.lag(SLOW, SLOW_TOPIC)? > 300)
    })?;
    view.wait("the crashing member has joined", |v| {
        Ok(!v.members(CRASHING)?.is_empty())
    })?;
    ensure!(view.committed(CRASHING)?.is_empty(), "it never commits");
    ensure!(
        view.members(HEALTHY)?.len() == 2,
        "the healthy group has two members"
    );
    view.wait("the healthy group keeps up", |v| {
        let lags =
            ["checkout", "payments", "search"].map(|s| v.lag(HEALTHY, &format!("demo.logs.{s}")));
        let lags: i64 = lags.into_iter().sum::<Result<_>>()?;
        Ok(lags < 300)
    })?;
    let mut sizes = Vec::new();
    view.wait("members come and go", |v| {
        let size = v.members("demo.autoscaler")?.len();
        if sizes.last() != Some(&size) {
            sizes.push(size);
        }
        Ok(sizes.len() >= 3)
    })?;
    let said = view.demo(&["--speed-up"])?;
    ensure!(
        said.starts_with("demo.archiver reads as fast as it can"),
        "{said:?}"
    );
    view.wait("sped up, it catches up", |v| {
        Ok(v.lag(SLOW, SLOW_TOPIC)? < 300)
    })?;
    let refused = view.demo(&["--clean"]).err().context("it still runs")?;
    ensure!(
        format!("{refused:?}").contains("still has members"),
        "{refused:?}"
    );
    demo.terminate(LIMIT)?;

    view.wait("cleaned, once the crashed member is given up", |v| {
        Ok(v.demo(&["--clean"]).is_ok())
    })?;
    view.wait("only the topics of others are left", |v| {
        let left = v.runtime.block_on(v.client.topics(None))?;
        ensure!(left.iter().any(|topic| topic.name == "demoted"), "{left:?}");
        Ok(!left.iter().any(|topic| topic.name.starts_with("demo.")))
    })?;
    let groups = view.runtime.block_on(view.client.list_groups())?;
    ensure!(groups.is_empty(), "{groups:?}");
    kafka.stop()
}

impl View {
    fn open(address: &str) -> Result<Self> {
        let config = ClientConfig::with_bootstrap(address)?.named("demo-watcher");
        let runtime = tokio::runtime::Builder::new_multi_thread();
        Ok(Self {
            runtime: { runtime }.worker_threads(1).enable_all().build()?,
            client: Client::new(config, Arc::new(Tcp)),
            program: limpid_binary()?,
            address: address.to_owned(),
        })
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut limpid = Command::new(&self.program);
        limpid
            .args(["demo", "--bootstrap-server", &self.address])
            .args(options);
        limpid
    }

    /// Starts the demo.
    fn start(&self, folder: &Path) -> Result<Daemon> {
        let mut command = self.command(&["--slow-rate", "5"]);
        Daemon::spawn("limpid demo", &mut command, &folder.join("demo.log"))
    }

    /// Another call of the demo; what it printed.
    fn demo(&self, options: &[&str]) -> Result<String> {
        Ok(run(&mut self.command(options), b"", LIMIT)?
            .success()?
            .text())
    }

    /// Records between a group's commits and the ends of a topic.
    fn lag(&self, group: &str, topic: &str) -> Result<i64> {
        let committed = self.committed(group)?;
        let of_topic = committed.iter().filter(|(at, _)| at.topic == topic);
        let wanted: Vec<_> = of_topic
            .clone()
            .map(|(at, _)| (at.clone(), LATEST))
            .collect();
        let ends = self.runtime.block_on(self.client.list_offsets(&wanted))?;
        Ok(of_topic
            .map(|(at, offset)| ends.get(at).map_or(0, |end| end.offset - offset))
            .sum())
    }

    fn committed(&self, group: &str) -> Result<BTreeMap<TopicPartition, i64>> {
        let committed = self.runtime.block_on(self.client.offset_fetch(group))?;
        Ok(committed
            .into_iter()
            .map(|(at, committed)| (at, committed.offset))
            .collect())
    }

    /// Client ids of the members.
    fn members(&self, group: &str) -> Result<Vec<String>> {
        let listed = self.runtime.block_on(self.client.list_groups())?;
        if !listed.iter().any(|listed| listed.id == group) {
            return Ok(Vec::new());
        }
        let described = self
            .runtime
            .block_on(self.client.describe_groups(&[group]))?;
        let described = described.into_iter().next().context("no description")?;
        Ok(described
            .members
            .into_iter()
            .map(|member| member.client_id)
            .collect())
    }

    fn wait(&self, what: &str, mut done: impl FnMut(&Self) -> Result<bool>) -> Result<()> {
        wait_for(what, LIMIT, || Ok(done(self)?.then_some(())))
    }
}
