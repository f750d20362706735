//! Apache Kafka's console consumer with `--group`, and `kafka-consumer-groups`, of both releases.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::process::{Finished, run};
use limpid_interop::tools::Kafka;

use super::{Client, values, write};

const LIMIT: Duration = Duration::from_secs(90);
const PARTITIONS: usize = 2;
const EACH: usize = 10;

pub(super) fn console_consumer(lab: &mut Lab, kafka: Kafka, args: &[&str]) -> Result<Vec<String>> {
    let class = match kafka {
        Kafka::V3_7 => "kafka.tools.ConsoleConsumer",
        Kafka::V4_3 => "org.apache.kafka.tools.consumer.ConsoleConsumer",
    };
    let address = lab.address()?;
    let mut java = lab.tools.java(kafka)?;
    java.arg(class).args(["--bootstrap-server", &address]);
    let text = run(java.args(args), b"", LIMIT)?.success()?.text();
    Ok(text.lines().map(str::to_owned).collect())
}

fn groups(lab: &mut Lab, kafka: Kafka, args: &[&str]) -> Result<Finished> {
    let class = match kafka {
        Kafka::V3_7 => "kafka.admin.ConsumerGroupCommand",
        Kafka::V4_3 => "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    };
    let address = lab.address()?;
    let mut java = lab.tools.java(kafka)?;
    java.arg(class).args(["--bootstrap-server", &address]);
    run(java.args(args), b"", LIMIT)
}

pub(super) fn said(lab: &mut Lab, kafka: Kafka, args: &[&str]) -> Result<String> {
    Ok(groups(lab, kafka, args)?.success()?.text())
}

/// Rows of a table by the names in its head.
pub(super) fn rows(text: &str, names: &[&str]) -> Result<Vec<Vec<String>>> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("GROUP"));
    let head: Vec<&str> = lines
        .next()
        .context("no table")?
        .split_whitespace()
        .collect();
    let places = names
        .iter()
        .map(|name| {
            head.iter()
                .position(|h| h == name)
                .context("no such column")
        })
        .collect::<Result<Vec<_>>>()?;
    let cells = |line: &str| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let pick = |place: &usize| cells.get(*place).map(ToString::to_string);
        places.iter().map(pick).collect::<Option<Vec<_>>>()
    };
    Ok(lines.filter_map(cells).collect())
}

/// `--describe`'s partition, commit, end and lag for each partition.
pub(super) fn offsets(lab: &mut Lab, kafka: Kafka, group: &str) -> Result<Vec<Vec<String>>> {
    let text = said(lab, kafka, &["--describe", "--group", group])?;
    let columns = ["PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG"];
    let mut rows = rows(&text, &columns).with_context(|| format!("--describe said {text}"))?;
    rows.sort();
    Ok(rows)
}

pub(super) fn table(cells: &[[&str; 4]]) -> Vec<Vec<String>> {
    let row = |row: &[&str; 4]| row.iter().map(ToString::to_string).collect();
    cells.iter().map(row).collect()
}

/// The console consumer reads a part, commits, and another one of the same group reads the rest;
/// describing, listing, resetting and deleting tell and change exactly that.
pub fn consumer_groups(lab: &mut Lab) -> Result<()> {
    for kafka in Kafka::ALL {
        let topic = format!("java-{}", kafka.version());
        let group = format!("java-group-{}", kafka.version());
        one_release(lab, kafka, &topic, &group)
            .with_context(|| format!("with the tools of {}", kafka.version()))?;
    }
    Ok(())
}

fn one_release(lab: &mut Lab, kafka: Kafka, topic: &str, group: &str) -> Result<()> {
    lab.create_topic(topic, i32::try_from(PARTITIONS)?)?;
    let written = values("j", PARTITIONS, EACH);
    write(lab, topic, &written)?;
    let read = ["--topic", topic, "--group", group, "--from-beginning"];
    let mut got = Vec::new();
    for part in ["8", "12"] {
        let args = [&read[..], &["--max-messages", part]].concat();
        got.extend(console_consumer(lab, kafka, &args)?);
    }
    got.sort();
    let mut all: Vec<String> = written.concat();
    all.sort();
    ensure!(got == all, "read {got:?}");

    let done = [["0", "10", "10", "0"], ["1", "10", "10", "0"]];
    ensure!(offsets(lab, kafka, group)? == table(&done));
    let listed = said(lab, kafka, &["--list"])?;
    ensure!(listed.lines().any(|line| line.trim() == group), "{listed}");
    let state = said(lab, kafka, &["--describe", "--state", "--group", group])?;
    ensure!(state.contains("Empty"), "{state}");

    reset(lab, kafka, (topic, group), "--to-earliest")?;
    let undone = [["0", "0", "10", "10"], ["1", "0", "10", "10"]];
    ensure!(offsets(lab, kafka, group)? == table(&undone));
    reset(lab, kafka, (topic, group), "--shift-by=3")?;
    let shifted = [["0", "3", "10", "7"], ["1", "3", "10", "7"]];
    ensure!(offsets(lab, kafka, group)? == table(&shifted));

    members(lab, kafka, (topic, group))?;
    let deleted = said(lab, kafka, &["--delete", "--group", group])?;
    ensure!(deleted.contains("was successful"), "{deleted}");
    let listed = said(lab, kafka, &["--list"])?;
    ensure!(listed.lines().all(|line| line.trim() != group), "{listed}");
    Ok(())
}

fn reset(lab: &mut Lab, kafka: Kafka, (topic, group): (&str, &str), to: &str) -> Result<()> {
    let mut args = vec!["--reset-offsets", "--execute", "--group", group];
    args.extend(["--topic", topic]);
    args.extend(to.split('='));
    said(lab, kafka, &args)?;
    Ok(())
}

/// With a live member `--members` names it, and neither resetting nor deleting is allowed.
fn members(lab: &mut Lab, kafka: Kafka, (topic, group): (&str, &str)) -> Result<()> {
    let mut live = vec![Client::Kcat.member(lab, topic, group, 0)?];
    limpid_interop::member::settled(&mut live, i32::try_from(PARTITIONS)?)?;
    let text = said(lab, kafka, &["--describe", "--members", "--group", group])?;
    let found = rows(&text, &["CLIENT-ID", "#PARTITIONS"])
        .with_context(|| format!("--members said {text}"))?;
    ensure!(found == [["rdkafka", "2"]], "--members said {text}");
    let refused = groups(lab, kafka, &["--delete", "--group", group])?;
    let text = refused.text() + &refused.stderr;
    ensure!(text.contains("not empty"), "--delete said {text}");
    live.into_iter().try_for_each(|member| member.leave())
}

/// Kafka's console consumer reads `__consumer_offsets` and prints our records in words.
pub fn the_offsets_topic_is_readable(lab: &mut Lab) -> Result<()> {
    let (topic, group) = ("offsets-read", "offsets-readers");
    lab.create_topic(topic, 1)?;
    write(lab, topic, &values("o", 1, 4))?;
    let args = ["--topic", topic, "--group", group, "--from-beginning"];
    console_consumer(
        lab,
        Kafka::V4_3,
        &[&args[..], &["--max-messages", "4"]].concat(),
    )?;
    for (formatter, wanted) in [
        (
            "OffsetsMessageFormatter",
            ["\"group\":\"offsets-readers\"", "\"offset\":4"],
        ),
        (
            "GroupMetadataMessageFormatter",
            [
                "\"group\":\"offsets-readers\"",
                "\"protocolType\":\"consumer\"",
            ],
        ),
    ] {
        let class = format!("org.apache.kafka.tools.consumer.{formatter}");
        let from = ["--topic", "__consumer_offsets", "--from-beginning"];
        // It ends when nothing comes for so long, on a busy machine also before the first record.
        let (mut lines, mut found) = (Vec::new(), false);
        for quiet_ms in ["5000", "30000"] {
            let further = ["--timeout-ms", quiet_ms, "--formatter", class.as_str()];
            lines = console_consumer(lab, Kafka::V4_3, &[&from[..], &further].concat())?;
            let has_all = |line: &String| wanted.iter().all(|w| line.contains(w));
            found = lines.iter().any(has_all);
            if found {
                break;
            }
        }
        ensure!(found, "{formatter}: no {wanted:?} in {lines:?}");
    }
    Ok(())
}
