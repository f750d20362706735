//! Kafka Connect with its connectors for files: a worker alone, and two that share the work.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka::read_each;
use limpid_interop::peer::Peer;
use limpid_interop::process::{Daemon, wait_for};
use limpid_interop::wire::create_topic;
use limpid_interop::{http, ports};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(300);
const TOPIC: &str = "connected";
/// Lines at first, and after more were written.
const FIRST: usize = 100;
const ALL: usize = 150;

/// What every worker is told.
const WORKER: &str = "key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
plugin.discovery=service_load
offset.flush.interval.ms=500
";
/// What the workers of a group are told besides.
const SHARED: &str = "group.id=connect-workers
config.storage.topic=connect-configs
config.storage.replication.factor=1
offset.storage.topic=connect-offsets
offset.storage.replication.factor=1
offset.storage.partitions=2
status.storage.topic=connect-status
status.storage.replication.factor=1
status.storage.partitions=2
exactly.once.source.support=enabled
scheduled.rebalance.max.delay.ms=500
session.timeout.ms=6000
heartbeat.interval.ms=500
";

struct Bench<'a> {
    lab: &'a Lab,
    peer: Peer,
    folder: PathBuf,
}

impl<'a> Bench<'a> {
    fn new(lab: &'a Lab, name: &str) -> Result<Self> {
        let folder = lab.folder(name)?;
        let quick = [("group.initial.rebalance.delay.ms", "0")];
        let peer = Peer::start_new(
            lab.kind().clone(),
            &lab.tools,
            &folder.join("broker"),
            &quick,
        )?;
        create_topic(&peer.address(), TOPIC, 2, &[])?;
        Ok(Self { lab, peer, folder })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn properties(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.file(name);
        std::fs::write(&file, text)?;
        Ok(file)
    }

    fn worker(&self, name: &str, class: &str, args: &[PathBuf]) -> Result<Daemon> {
        let mut java = self.lab.tools.connect()?;
        java.arg(format!("org.apache.kafka.connect.cli.{class}"));
        java.args(args);
        Daemon::spawn(name, &mut java, &self.file(&format!("{name}.out")))
    }

    /// Lets the file that is read have the first `count` lines.
    fn write(&self, count: usize) -> Result<()> {
        let mut text = String::new();
        for n in 0..count {
            writeln!(text, "line-{n:04}")?;
        }
        Ok(std::fs::write(self.file("in.txt"), text)?)
    }

    /// Waits until as many different lines came out.
    fn await_lines(&self, count: usize, workers: &mut [&mut Daemon]) -> Result<Vec<String>> {
        wait_for(&format!("{count} lines"), LIMIT, || {
            for worker in &mut *workers {
                worker.check_alive()?;
            }
            let lines = lines_of(&self.file("out.txt"));
            let different: BTreeSet<&String> = lines.iter().collect();
            Ok((different.len() >= count).then_some(lines))
        })
    }
}

fn lines_of(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn wanted(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("line-{n:04}")).collect()
}

/// One worker copies a file through a topic, and goes on where it was when it is started again.
pub fn standalone(lab: &mut Lab) -> Result<()> {
    let mut bench = Bench::new(lab, "connect-alone")?;
    let address = bench.peer.address();
    let path = |name: &str| bench.file(name).display().to_string();
    let worker = format!(
        "bootstrap.servers={address}\nlisteners=http://127.0.0.1:{}\n\
         offset.storage.file.filename={}\n{WORKER}",
        ports::next()?,
        path("offsets"),
    );
    let source = format!(
        "name=source\nconnector.class=FileStreamSource\nfile={}\ntopic={TOPIC}\n",
        path("in.txt")
    );
    let sink = format!(
        "name=sink\nconnector.class=FileStreamSink\nfile={}\ntopics={TOPIC}\n",
        path("out.txt")
    );
    let args = [
        bench.properties("worker.properties", &worker)?,
        bench.properties("source.properties", &source)?,
        bench.properties("sink.properties", &sink)?,
    ];
    for count in [FIRST, ALL] {
        bench.write(count)?;
        let mut worker = bench.worker("worker", "ConnectStandalone", &args)?;
        let mut lines = bench.await_lines(count, &mut [&mut worker])?;
        // Stopped in good order it has committed what it did: nothing comes twice.
        worker.terminate(LIMIT)?;
        lines.sort();
        ensure!(lines == wanted(count), "{} of {count} lines", lines.len());
    }
    bench.peer.stop()
}

/// Two workers share a source with exactly-once support and a sink; one is killed.
pub fn two_workers(lab: &mut Lab) -> Result<()> {
    let mut bench = Bench::new(lab, "connect-shared")?;
    let address = bench.peer.address();
    let mut rests = Vec::new();
    let mut workers = Vec::new();
    for name in ["one", "two"] {
        let rest = format!("127.0.0.1:{}", ports::next()?);
        let text =
            format!("bootstrap.servers={address}\nlisteners=http://{rest}\n{WORKER}{SHARED}");
        let args = [bench.properties(&format!("{name}.properties"), &text)?];
        workers.push(bench.worker(name, "ConnectDistributed", &args)?);
        rests.push(rest);
    }
    bench.write(FIRST)?;
    let source = json!({
        "connector.class": "FileStreamSource", "tasks.max": "1", "topic": TOPIC,
        "file": bench.file("in.txt"),
    });
    let sink = json!({
        "connector.class": "FileStreamSink", "tasks.max": "2", "topics": TOPIC,
        "file": bench.file("out.txt"), "consumer.override.isolation.level": "read_committed",
    });
    deploy(&rests[0], "source", &source)?;
    deploy(&rests[1], "sink", &sink)?;
    let mut two = workers.pop().context("two workers")?;
    let mut one = workers.pop().context("two workers")?;
    bench.await_lines(FIRST, &mut [&mut one, &mut two])?;
    one.kill();
    bench.write(ALL)?;
    bench.await_lines(ALL, &mut [&mut two])?;
    let status: Value = serde_json::from_str(&http::get(&rests[1], "/connectors/source/status")?)?;
    ensure!(
        status["tasks"][0]["worker_id"] == rests[1].as_str(),
        "the task was not taken over: {status}"
    );
    two.terminate(LIMIT)?;
    // This reader, too, sees what is committed only.
    let mut copied = Vec::new();
    read_each(&address, TOPIC, 2, |_, _, record| {
        let value = record.value.unwrap_or_default();
        copied.push(String::from_utf8_lossy(&value).into_owned());
    })?;
    copied.sort();
    ensure!(copied == wanted(ALL), "{} of {ALL} lines", copied.len());
    bench.peer.stop()
}

/// Asks until the workers have found together.
fn deploy(rest: &str, name: &str, config: &Value) -> Result<()> {
    let path = format!("/connectors/{name}/config");
    let mut said = String::new();
    let done = wait_for("a connector", LIMIT, || {
        match http::put(rest, &path, config) {
            Ok((200 | 201, _)) => return Ok(Some(())),
            Ok((status, body)) => said = format!("{status}: {body}"),
            Err(error) => said = error.to_string(),
        }
        Ok(None)
    });
    done.with_context(|| format!("deploying {name}: {said}"))
}
