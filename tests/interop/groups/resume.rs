//! Groups go on where they committed, also after the broker was killed.

use std::time::Duration;

use anyhow::{Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka;
use limpid_interop::peer::Peer;
use limpid_interop::process::wait_for;
use limpid_interop::records::Record;
use limpid_interop::wire::create_topic;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};

const LIMIT: Duration = Duration::from_secs(60);
const ROUNDS: i64 = 5;
const EACH_ROUND: i64 = 40;

fn consumer(address: &str) -> Result<BaseConsumer> {
    let settings = [
        ("group.id", "resumes"),
        ("auto.offset.reset", "earliest"),
        ("enable.auto.commit", "false"),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "500"),
        ("reconnect.backoff.max.ms", "500"),
    ];
    let consumer: BaseConsumer = librdkafka::config(address, &settings).create()?;
    consumer.subscribe(&["resumed"])?;
    Ok(consumer)
}

/// Reads half of what was written, commits, kills the broker with signal 9: the next member begins
/// exactly behind the commit, round after round.
pub fn a_group_resumes_at_its_commit_after_kill_9(lab: &mut Lab) -> Result<()> {
    let folder = lab.folder("resume")?;
    let mut peer = Peer::start_new(lab.kind().clone(), &lab.tools, &folder, &[])?;
    let address = peer.address();
    create_topic(&address, "resumed", 1, &[])?;
    let mut next = 0;
    for round in 0..ROUNDS {
        let records: Vec<Record> = (0..EACH_ROUND)
            .map(|n| Record::new(b"", format!("{round}-{n}").as_bytes()))
            .collect();
        librdkafka::produce(&address, &[("acks", "all")], "resumed", Some(0), &records)?;
        let reader = consumer(&address)?;
        let until = (round + 1) * EACH_ROUND - EACH_ROUND / 2;
        while next < until {
            let message = wait_for("next record", LIMIT, || {
                let message = reader.poll(Duration::from_millis(100));
                Ok(message.and_then(Result::ok).map(|m| m.detach()))
            })?;
            ensure!(
                message.offset() == next,
                "round {round}: expected offset {next}, got {}",
                message.offset()
            );
            next += 1;
        }
        let mut position = rdkafka::TopicPartitionList::new();
        position.add_partition_offset("resumed", 0, rdkafka::Offset::Offset(next))?;
        reader.commit(&position, CommitMode::Sync)?;
        peer.kill();
        drop(reader);
        peer.start()?;
    }
    peer.stop()
}
