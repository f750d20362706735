//! The consumer protocol (KIP-848), with Java's consumer and librdkafka's.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka::config;
use limpid_interop::tools::Kafka;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::tools::{console_consumer, offsets, rows, said, table};
use super::{values, write};

const PARTITIONS: usize = 4;
const EACH: usize = 5;
const LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// A librdkafka consumer of the new protocol.
fn consumer(lab: &mut Lab, group: &str, more: &[(&str, &str)]) -> Result<BaseConsumer> {
    let mut config = config(&lab.address()?, more);
    config.set("group.id", group);
    config.set("group.protocol", "consumer");
    config.set("auto.offset.reset", "earliest");
    Ok(config.create()?)
}

/// Polls all of them until they have these numbers of partitions; what they read meanwhile.
fn settled(consumers: &[&BaseConsumer], wanted: &[usize]) -> Result<Vec<String>> {
    let began = Instant::now();
    let mut read = Vec::new();
    loop {
        let mut sizes = Vec::new();
        for consumer in consumers {
            if let Some(message) = consumer.poll(POLL) {
                let message = message?;
                let value = message.payload().unwrap_or_default();
                read.push(String::from_utf8_lossy(value).into_owned());
            }
            sizes.push(consumer.assignment()?.count());
        }
        if sizes == wanted {
            return Ok(read);
        }
        ensure!(
            began.elapsed() < LIMIT,
            "they own {sizes:?}, not {wanted:?}"
        );
    }
}

/// Polls until as many values came.
fn read(consumer: &BaseConsumer, count: usize) -> Result<Vec<String>> {
    let began = Instant::now();
    let mut read = Vec::new();
    while read.len() < count {
        ensure!(began.elapsed() < LIMIT, "only {} values came", read.len());
        if let Some(message) = consumer.poll(POLL) {
            let message = message?;
            let value = message.payload().unwrap_or_default();
            read.push(String::from_utf8_lossy(value).into_owned());
        }
    }
    Ok(read)
}

/// Two members of librdkafka share, the first one takes over when the second leaves, and a third
/// that subscribes by pattern gets the topics that match.
pub fn librdkafka_members_share(lab: &mut Lab) -> Result<()> {
    let topic = "next-shared";
    lab.create_topic(topic, i32::try_from(PARTITIONS)?)?;
    let written = values("n", PARTITIONS, EACH);
    write(lab, topic, &written)?;
    let one = consumer(lab, "next-group", &[])?;
    one.subscribe(&[topic])?;
    let mut got = settled(&[&one], &[PARTITIONS])?;
    got.extend(read(&one, PARTITIONS * EACH - got.len())?);
    got.sort();
    let mut all: Vec<String> = written.concat();
    all.sort();
    ensure!(got == all, "read {got:?}");
    let two = consumer(lab, "next-group", &[])?;
    two.subscribe(&[topic])?;
    settled(&[&one, &two], &[PARTITIONS / 2, PARTITIONS / 2])?;
    drop(two);
    settled(&[&one], &[PARTITIONS])?;
    let three = consumer(lab, "next-pattern", &[])?;
    three.subscribe(&["^next-sha.*"])?;
    settled(&[&three], &[PARTITIONS])?;
    Ok(())
}

/// The first column of a list.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter_map(|line| line.split_whitespace().next())
}

/// Java's consumer resumes where it committed, and Kafka's tools tell what such a group is.
pub fn java_members_and_tools(lab: &mut Lab) -> Result<()> {
    let (topic, group) = ("next-java", "next-java-group");
    lab.create_topic(topic, i32::try_from(PARTITIONS)?)?;
    let written = values("j", PARTITIONS, EACH);
    write(lab, topic, &written)?;
    let read = ["--topic", topic, "--group", group, "--from-beginning"];
    let protocol = ["--command-property", "group.protocol=consumer"];
    let mut got = Vec::new();
    for part in ["8", "12"] {
        let args = [&read[..], &protocol[..], &["--max-messages", part]].concat();
        got.extend(console_consumer(lab, Kafka::V4_3, &args)?);
    }
    got.sort();
    let mut all: Vec<String> = written.concat();
    all.sort();
    ensure!(got == all, "read {got:?}");
    let done = ["0", "1", "2", "3"].map(|partition| [partition, "5", "5", "0"]);
    ensure!(offsets(lab, Kafka::V4_3, group)? == table(&done));
    with_a_member(lab, topic, group)?;
    let deleted = said(lab, Kafka::V4_3, &["--delete", "--group", group])?;
    ensure!(deleted.contains("was successful"), "{deleted}");
    Ok(())
}

fn with_a_member(lab: &mut Lab, topic: &str, group: &str) -> Result<()> {
    let member = consumer(lab, group, &[("client.id", "watched")])?;
    member.subscribe(&[topic])?;
    settled(&[&member], &[PARTITIONS])?;
    let describe = ["--describe", "--group", group];
    let state = said(lab, Kafka::V4_3, &[&describe[..], &["--state"]].concat())?;
    let found = rows(&state, &["STATE", "#MEMBERS"]);
    // The first columns are wider than their heads: the last ones count.
    ensure!(
        state.contains("uniform") && state.contains("Stable"),
        "--state said {state} ({found:?})"
    );
    let members = [&describe[..], &["--members", "--verbose"]].concat();
    let members = said(lab, Kafka::V4_3, &members)?;
    let found = rows(&members, &["CLIENT-ID", "#PARTITIONS"]);
    let found = found.with_context(|| format!("--members said {members}"))?;
    ensure!(found == [["watched", "4"]], "--members said {members}");
    let listed = said(lab, Kafka::V4_3, &["--list", "--type", "consumer"])?;
    ensure!(names(&listed).any(|name| name == group), "{listed}");
    let none = said(lab, Kafka::V4_3, &["--list", "--type", "classic"])?;
    ensure!(names(&none).all(|name| name != group), "{none}");
    drop(member);
    Ok(())
}

/// A rolling upgrade: a member of the new protocol joins classic ones, and leaves again.
pub fn a_group_migrates_and_comes_back(lab: &mut Lab) -> Result<()> {
    let (topic, group) = ("next-migration", "next-migration-group");
    lab.create_topic(topic, i32::try_from(PARTITIONS)?)?;
    write(lab, topic, &values("m", PARTITIONS, EACH))?;
    let mut classic = config(&lab.address()?, &[("auto.offset.reset", "earliest")]);
    classic.set("group.id", group);
    classic.set("partition.assignment.strategy", "cooperative-sticky");
    let classic: BaseConsumer = classic.create()?;
    classic.subscribe(&[topic])?;
    settled(&[&classic], &[PARTITIONS])?;
    let new = consumer(lab, group, &[])?;
    new.subscribe(&[topic])?;
    settled(&[&classic, &new], &[PARTITIONS / 2, PARTITIONS / 2])?;
    let listed = said(lab, Kafka::V4_3, &["--list", "--type", "consumer"])?;
    ensure!(names(&listed).any(|name| name == group), "{listed}");
    drop(new);
    settled(&[&classic], &[PARTITIONS])?;
    let listed = said(lab, Kafka::V4_3, &["--list", "--type", "classic"])?;
    ensure!(names(&listed).any(|name| name == group), "{listed}");
    Ok(())
}
