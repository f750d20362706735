//! Share groups (KIP-932): Apache Kafka's console consumer for them, `kafka-share-groups`, and its
//! Java client that says of each record what becomes of it.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::http;
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::process::run;
use limpid_interop::tools::{Kafka, Tools, helpers};
use limpid_interop::wire::create_topic;

use super::tools::rows;
use super::{values, write};

const LIMIT: Duration = Duration::from_secs(180);
const PARTITIONS: usize = 2;
const EACH: usize = 10;

fn java(tools: &Tools, class: &str, address: &str, args: &[&str]) -> Result<String> {
    let mut java = tools.java(Kafka::V4_3)?;
    java.arg(class).args(["--bootstrap-server", address]);
    Ok(run(java.args(args), b"", LIMIT)?.success()?.text())
}

fn shares(tools: &Tools, address: &str, args: &[&str]) -> Result<String> {
    let class = "org.apache.kafka.tools.consumer.group.ShareGroupCommand";
    java(tools, class, address, args)
}

/// The group begins at the first record.
fn from_the_beginning(tools: &Tools, address: &str, group: &str) -> Result<()> {
    let setting = "share.auto.offset.reset=earliest";
    let args = ["--alter", "--group", group, "--add-config", setting];
    java(tools, "kafka.admin.ConfigCommand", address, &args)?;
    Ok(())
}

/// As many messages as the console consumer gets, sorted.
fn consume(
    tools: &Tools,
    address: &str,
    topic: &str,
    group: &str,
    most: usize,
) -> Result<Vec<String>> {
    let class = "org.apache.kafka.tools.consumer.ConsoleShareConsumer";
    let most = most.to_string();
    let args = [
        "--topic",
        topic,
        "--group",
        group,
        "--max-messages",
        &most,
        "--timeout-ms",
        "60000",
    ];
    let mut lines: Vec<String> = java(tools, class, address, &args)?
        .lines()
        .map(str::to_owned)
        .collect();
    lines.sort();
    Ok(lines)
}

/// Partition and lag, as `--describe` tells them.
fn lags(tools: &Tools, address: &str, group: &str) -> Result<Vec<Vec<String>>> {
    let text = shares(tools, address, &["--describe", "--group", group])?;
    let rows = rows(&text, &["PARTITION", "LAG"]);
    let mut rows = rows.with_context(|| format!("--describe said {text}"))?;
    rows.sort();
    Ok(rows)
}

fn all(written: &[Vec<String>]) -> Vec<String> {
    let mut all = written.concat();
    all.sort();
    all
}

/// The console consumer reads everything once, and again after a reset; listing, describing,
/// resetting and deleting tell and change exactly that.
pub fn console_and_tools(lab: &mut Lab) -> Result<()> {
    let (topic, group) = ("shared-out", "share-console");
    lab.create_topic(topic, i32::try_from(PARTITIONS)?)?;
    let written = values("s", PARTITIONS, EACH);
    write(lab, topic, &written)?;
    let (address, tools) = (lab.address()?, lab.tools.clone());
    from_the_beginning(&tools, &address, group)?;
    let total = PARTITIONS * EACH;
    let read = consume(&tools, &address, topic, group, total)?;
    ensure!(read == all(&written), "the consumer read {read:?}");
    let listed = shares(&tools, &address, &["--list"])?;
    ensure!(listed.lines().any(|line| line == group), "listed: {listed}");
    let done = [["0", "0"], ["1", "0"]].map(|row| row.map(str::to_owned).to_vec());
    let told = lags(&tools, &address, group)?;
    ensure!(told == done, "described: {told:?}");
    let state = shares(
        &tools,
        &address,
        &["--describe", "--group", group, "--state"],
    )?;
    let states = rows(&state, &["STATE", "#MEMBERS"])?;
    ensure!(states == [["Empty", "0"]], "{state}");
    let reset = ["--reset-offsets", "--group", group, "--topic", topic];
    let reset: Vec<&str> = reset
        .into_iter()
        .chain(["--to-earliest", "--execute"])
        .collect();
    shares(&tools, &address, &reset)?;
    let again = consume(&tools, &address, topic, group, total)?;
    ensure!(again == all(&written), "after the reset it read {again:?}");
    let args = ["--delete-offsets", "--group", group, "--topic", topic];
    let deleted = shares(&tools, &address, &args)?;
    ensure!(deleted.contains(topic), "deleting offsets said {deleted}");
    shares(&tools, &address, &["--delete", "--group", group])?;
    let listed = shares(&tools, &address, &["--list"])?;
    ensure!(
        !listed.lines().any(|line| line == group),
        "listed: {listed}"
    );
    Ok(())
}

/// Runs `Shares.java`: value, delivery count and verdict of each record, sorted.
fn speak(tools: &Tools, args: &[&str]) -> Result<Vec<[String; 3]>> {
    let mut java = tools.java(Kafka::V4_3)?;
    java.arg(helpers().join("java/Shares.java")).args(args);
    let text = run(&mut java, b"", LIMIT)?.success()?.text();
    let lines = text.lines().map(|line| {
        let mut words = line.split_whitespace().map(str::to_owned);
        let mut word = || words.next().context("a word is missing");
        Ok([word()?, word()?, word()?])
    });
    let mut lines: Vec<[String; 3]> = lines.collect::<Result<_>>()?;
    lines.sort();
    Ok(lines)
}

/// How often members said what, as Limpid counts it; Kafka has no page of metrics.
fn counted(lab: &mut Lab) -> Result<Vec<(&'static str, u64)>> {
    if *lab.kind() == Kind::Kafka {
        return Ok(Vec::new());
    }
    let page = http::get(&lab.subject()?.http_address(), "/metrics")?;
    let count = |verdict: &'static str| {
        let series = format!("limpid_share_acknowledged_records_total{{ack=\"{verdict}\"}} ");
        let value = page.lines().find_map(|line| line.strip_prefix(&series));
        let value = value.with_context(|| format!("no {series}"))?;
        Ok((verdict, value.parse()?))
    };
    let verdicts = ["Accept", "Release", "Reject", "Renew"];
    verdicts.into_iter().map(count).collect()
}

/// What `Shares.java` says of a value, in order.
fn expected(value: &str) -> Vec<[String; 3]> {
    let number: usize = value
        .rsplit('-')
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let said =
        |count: i32, verdict: &str| [value.to_owned(), count.to_string(), verdict.to_owned()];
    let end = if number.is_multiple_of(5) {
        "reject"
    } else {
        "accept"
    };
    match number {
        2 => vec![said(1, "accept"), said(1, "renew")],
        odd if odd % 2 == 1 => vec![said(1, "release"), said(2, end)],
        _ => vec![said(1, end)],
    }
}

/// A member accepts, releases, rejects and asks for more time, each record as it was told to.
pub fn a_java_member_says_what_becomes_of_records(lab: &mut Lab) -> Result<()> {
    let (topic, group) = ("spoken-of", "share-explicit");
    lab.create_topic(topic, i32::try_from(PARTITIONS)?)?;
    let written = values("e", PARTITIONS, EACH);
    write(lab, topic, &written)?;
    let (address, tools) = (lab.address()?, lab.tools.clone());
    from_the_beginning(&tools, &address, group)?;
    let count = (PARTITIONS * EACH).to_string();
    let before = counted(lab)?;
    let said = speak(&tools, &["verdicts", &address, topic, group, &count])?;
    let mut wanted: Vec<[String; 3]> = all(&written).iter().flat_map(|v| expected(v)).collect();
    wanted.sort();
    ensure!(said == wanted, "said {said:?}, not {wanted:?}");
    for ((verdict, before), (_, after)) in before.iter().zip(counted(lab)?) {
        let same = |[_, _, one]: &&[String; 3]| one.eq_ignore_ascii_case(verdict);
        let times = said.iter().filter(same).count() as u64;
        let more = after - before;
        ensure!(more == times, "{verdict}: {more} counted, {times} said");
    }
    let told = lags(&tools, &address, group)?;
    ensure!(told.iter().all(|row| row[1] == "0"), "described: {told:?}");
    Ok(())
}

/// What was accepted before the broker was killed does not come again, and all the rest does.
pub fn what_was_accepted_stays_so_after_kill_9(lab: &mut Lab) -> Result<()> {
    let folder = lab.folder("shares")?;
    let tools = lab.tools.clone();
    let mut peer = Peer::start_new(lab.kind().clone(), &tools, &folder, &[])?;
    let (address, topic, group) = (peer.address(), "kept", "share-kept");
    create_topic(&address, topic, 1, &[])?;
    let written = values("k", 1, 3 * EACH);
    let records: Vec<_> = written[0]
        .iter()
        .map(|value| limpid_interop::records::Record::new(b"", value.as_bytes()))
        .collect();
    limpid_interop::librdkafka::produce(&address, &[("acks", "all")], topic, Some(0), &records)?;
    from_the_beginning(&tools, &address, group)?;
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let count = EACH.to_string();
        for [value, _, verdict] in speak(&tools, &["take", &address, topic, group, &count])? {
            if verdict == "accept" {
                ensure!(seen.insert(value.clone()), "{value} was accepted twice");
            }
        }
        peer.kill();
        peer.start()?;
    }
    let all: BTreeSet<String> = written.concat().into_iter().collect();
    ensure!(seen == all, "{} of {} came", seen.len(), all.len());
    let told = lags(&tools, &address, group)?;
    ensure!(told.iter().all(|row| row[1] == "0"), "described: {told:?}");
    peer.stop()
}
