//! Transactions with Kafka's own clients and tools.

pub mod kill;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::peer::Peer;
use limpid_interop::process::{run, wait_for};
use limpid_interop::tools::{Kafka, helpers};
use limpid_interop::wire::create_topic;

const LIMIT: Duration = Duration::from_secs(120);
const TOOL: &str = "org.apache.kafka.tools.TransactionsCommand";

/// A broker that looks for late transactions often.
fn start(lab: &Lab, name: &str) -> Result<Peer> {
    let folder = lab.folder(name)?;
    let every = "transaction.abort.timed.out.transaction.cleanup.interval.ms";
    Peer::start_new(lab.kind().clone(), &lab.tools, &folder, &[(every, "200")])
}

fn client(lab: &Lab, kafka: Kafka, args: &[&str]) -> Result<String> {
    let mut java = lab.tools.java(kafka)?;
    java.arg(helpers().join("java/Transactions.java"))
        .args(args);
    Ok(run(&mut java, b"", LIMIT)?.success()?.text())
}

fn tool(lab: &Lab, address: &str, args: &[&str]) -> Result<String> {
    let mut java = lab.tools.java(Kafka::V4_3)?;
    java.args([TOOL, "--bootstrap-server", address]).args(args);
    Ok(run(&mut java, b"", LIMIT)?.success()?.text())
}

fn says(output: &str, wanted: &str) -> Result<()> {
    let found = output.lines().any(|line| line.trim_end() == wanted);
    ensure!(found, "expected a line {wanted:?} in\n{output}");
    Ok(())
}

fn values(names: &[&str]) -> String {
    let values: Vec<String> = names
        .iter()
        .flat_map(|name| (0..5).map(move |i| format!("{name}{i}")))
        .collect();
    values.join(",")
}

/// Commits and aborts, as both kinds of readers see them; both releases, so that both versions of
/// transactions are spoken.
pub fn commit_and_abort(lab: &mut Lab) -> Result<()> {
    let peer = start(lab, "transactions")?;
    let address = peer.address();
    for kafka in Kafka::ALL {
        let version = kafka.version();
        let topic = format!("outcomes-{version}");
        create_topic(&address, &topic, 3, &[])?;
        let output = client(lab, kafka, &["outcomes", &address, &topic])?;
        says(&output, &format!("committed {}", values(&["a", "c"])))?;
        says(&output, &format!("all {}", values(&["a", "b", "c", "d"])))?;

        let topic = format!("open-{version}");
        create_topic(&address, &topic, 1, &[])?;
        let output = client(lab, kafka, &["open", &address, &topic])?;
        says(&output, "open committed:")?;
        says(&output, "open all:first")?;
        says(&output, "ended committed:first")?;
    }
    Ok(())
}

/// A producer that another one replaced can't commit.
pub fn zombies_are_fenced(lab: &mut Lab) -> Result<()> {
    let peer = start(lab, "fencing")?;
    let address = peer.address();
    for kafka in Kafka::ALL {
        let topic = format!("fencing-{}", kafka.version());
        create_topic(&address, &topic, 1, &[])?;
        let output = client(lab, kafka, &["fencing", &address, &topic])?;
        let fenced = output.contains("fenced ProducerFencedException")
            || output.contains("fenced InvalidProducerEpochException");
        ensure!(fenced, "the zombie was not fenced:\n{output}");
        says(&output, "committed again,owner")?;
    }
    Ok(())
}

/// Reads, transforms, writes: each input record counts exactly once.
pub fn read_process_write(lab: &mut Lab) -> Result<()> {
    let peer = start(lab, "process")?;
    let address = peer.address();
    for kafka in Kafka::ALL {
        let version = kafka.version();
        let (from, to) = (format!("in-{version}"), format!("out-{version}"));
        create_topic(&address, &from, 2, &[])?;
        create_topic(&address, &to, 2, &[])?;
        let output = client(lab, kafka, &["process", &address, &from, &to])?;
        let all: Vec<String> = (0..30).map(|i| format!("done-{i:02}")).collect();
        says(&output, "aborts 2")?;
        says(&output, &format!("processed {}", all.join(",")))?;
        let offsets = output
            .lines()
            .find_map(|line| line.strip_prefix("offsets "));
        let offsets: i64 = offsets.context("no offsets")?.trim().parse()?;
        // Markers come after the records, and a reader's position may be behind them.
        ensure!(offsets >= 30, "{offsets} is not behind all records");
    }
    Ok(())
}

/// The broker aborts what takes too long.
pub fn late_transactions_are_aborted(lab: &mut Lab) -> Result<()> {
    let peer = start(lab, "timeout")?;
    let address = peer.address();
    for kafka in Kafka::ALL {
        let topic = format!("late-{}", kafka.version());
        create_topic(&address, &topic, 1, &[])?;
        let output = client(lab, kafka, &["timeout", &address, &topic])?;
        ensure!(output.contains("aborted "), "not aborted:\n{output}");
        says(&output, "committed in time")?;
    }
    Ok(())
}

/// `kafka-transactions.sh`: list, describe, describe-producers, find-hanging and abort.
pub fn tools(lab: &mut Lab) -> Result<()> {
    let peer = start(lab, "transaction-tools")?;
    let address = peer.address();
    create_topic(&address, "hanging", 1, &[])?;
    client(lab, Kafka::V4_3, &["hang", &address, "hanging"])?;

    let listed = tool(lab, &address, &["list"])?;
    let line = listed.lines().find(|line| line.starts_with("hanging-id"));
    let line = line.with_context(|| format!("not listed:\n{listed}"))?;
    ensure!(line.contains("Ongoing"), "listed as {line}");
    let filtered = tool(lab, &address, &["list", "--duration-filter", "1000000000"])?;
    ensure!(
        !filtered.contains("hanging-id"),
        "it does not run for that long:\n{filtered}"
    );
    let filtered = tool(
        lab,
        &address,
        &["list", "--transactional-id-pattern", "hang.*"],
    )?;
    ensure!(
        filtered.contains("hanging-id"),
        "the pattern fits:\n{filtered}"
    );

    let described = tool(
        lab,
        &address,
        &["describe", "--transactional-id", "hanging-id"],
    )?;
    ensure!(
        described.contains("Ongoing") && described.contains("hanging-0"),
        "described as\n{described}"
    );
    let producers = [
        "describe-producers",
        "--topic",
        "hanging",
        "--partition",
        "0",
    ];
    let described = tool(lab, &address, &producers)?;
    let start = current_start(&described)?;
    ensure!(start == "0", "begins at {start}:\n{described}");
    let hanging = tool(lab, &address, &["find-hanging", "--broker-id", "1"])?;
    ensure!(
        !hanging.contains("hanging-id"),
        "its coordinator knows it:\n{hanging}"
    );

    // The marker of an administrator ends it in the partition, whatever its coordinator says.
    let abort = [
        "abort",
        "--topic",
        "hanging",
        "--partition",
        "0",
        "--start-offset",
        "0",
    ];
    tool(lab, &address, &abort)?;
    wait_for("the abort", LIMIT, || {
        let described = tool(lab, &address, &producers)?;
        Ok((current_start(&described)? == "None").then_some(()))
    })
}

/// The last column of the first producer of a table.
fn current_start(table: &str) -> Result<String> {
    let row = table.lines().nth(1).context("no producer")?;
    let last = row.split_whitespace().last().context("an empty row")?;
    Ok(last.to_owned())
}
