//! Kafka Streams with exactly-once processing, over a kill of the application.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use limpid_interop::dump_log::{dump, files};
use limpid_interop::java::Program;
use limpid_interop::lab::Lab;
use limpid_interop::peer::Peer;
use limpid_interop::process::{Daemon, run, wait_for};
use limpid_interop::tools::Kafka;
use limpid_interop::wire::create_topic;

const LIMIT: Duration = Duration::from_secs(300);
const TOPICS: [&str; 7] = [
    "lines", "orders", "payments", "clicks", "counts", "joined", "sums",
];
/// Inputs before the kill, and all.
const HALF: &str = "800";
const ALL: &str = "1200";
/// So many inputs were seen by the application when it is killed.
const SEEN: &str = "seen 150";

struct Application<'a> {
    lab: &'a Lab,
    address: String,
    /// The time of the first input, in milliseconds.
    base: String,
}

impl Application<'_> {
    fn start(&self) -> Result<Daemon> {
        let folder = self.lab.folder("streams-state")?;
        let mut java = self.lab.tools.program(Program::Streams)?;
        java.args(["run", &self.address]).arg(folder);
        let log = self.lab.folder("streams")?.join("application.out");
        Daemon::spawn("the application", &mut java, &log)
    }

    fn ask(&self, args: &[&str]) -> Result<String> {
        let mut java = self.lab.tools.program(Program::Streams)?;
        java.args([args[0], &self.address, &self.base])
            .args(&args[1..]);
        Ok(run(&mut java, b"", LIMIT)?.success()?.text())
    }
}

/// Word count, join and windowed sums are exact though the application dies in the middle; then
/// Kafka's tool takes everything back that the application did.
pub fn exactly_once(lab: &mut Lab) -> Result<()> {
    let folder = lab.folder("streams-broker")?;
    let quick = [("group.initial.rebalance.delay.ms", "0")];
    let mut peer = Peer::start_new(lab.kind().clone(), &lab.tools, &folder, &quick)?;
    let address = peer.address();
    for topic in TOPICS {
        create_topic(&address, topic, 2, &[])?;
    }
    let hour = Duration::from_secs(3_600);
    let base = SystemTime::now().duration_since(UNIX_EPOCH)? - hour;
    let base = base.as_millis().to_string();
    let application = Application { lab, address, base };
    let mut running = application.start()?;
    application.ask(&["feed", "0", HALF])?;
    wait_for("work of the application", LIMIT, || {
        running.check_alive()?;
        Ok(running.log().contains(SEEN).then_some(()))
    })?;
    running.kill();
    application.ask(&["feed", HALF, ALL])?;
    let mut running = application.start()?;
    let found = application.ask(&["check", ALL])?;
    running.check_alive()?;
    for topic in ["counts", "joined", "sums"] {
        let exact = format!("{topic} exact");
        ensure!(found.lines().any(|line| line == exact), "{found}");
    }
    running.terminate(LIMIT)?;
    reset(&application)?;
    peer.stop()?;
    coordinators_logs(lab, &peer)
}

/// `kafka-dump-log` decodes what the coordinators wrote for the application.
fn coordinators_logs(lab: &Lab, peer: &Peer) -> Result<()> {
    for (topic, decoder) in [
        ("__consumer_offsets", "--offsets-decoder"),
        ("__transaction_state", "--transaction-log-decoder"),
    ] {
        let mut logs = files(&peer.data(), "log")?;
        logs.retain(|log| log.to_string_lossy().contains(topic));
        ensure!(!logs.is_empty(), "{topic} has no log");
        let said = dump(&lab.tools, &logs, &[decoder])?;
        let known = said.values().any(|text| text.contains("counting"));
        ensure!(known, "{decoder} tells nothing of the application");
    }
    Ok(())
}

/// `kafka-streams-application-reset`: input offsets go back, internal topics go away.
fn reset(application: &Application<'_>) -> Result<()> {
    let tools = &application.lab.tools;
    // It gives up after ten seconds, and the members may not be gone yet.
    let text = wait_for("the reset", LIMIT, || {
        let mut java = tools.java(Kafka::V4_3)?;
        java.arg("org.apache.kafka.tools.StreamsResetter");
        java.args(["--bootstrap-server", &application.address, "--force"]);
        java.args(["--application-id", "counting", "--input-topics", "lines"]);
        let done = run(&mut java, b"", LIMIT)?;
        Ok(done.status.success().then(|| done.text()))
    })?;
    ensure!(
        text.contains("Topic: lines Partition: 0 Offset: 0"),
        "{text}"
    );
    let mut java = tools.java(Kafka::V4_3)?;
    java.arg("org.apache.kafka.tools.TopicCommand");
    java.args(["--bootstrap-server", &application.address, "--list"]);
    let topics = run(&mut java, b"", LIMIT)?.success()?.text();
    let left = topics.lines().find(|line| line.starts_with("counting-"));
    ensure!(left.is_none(), "still there: {left:?}");
    let lines = topics.lines().find(|line| *line == "lines");
    lines.context("an input topic is gone").map(drop)
}
