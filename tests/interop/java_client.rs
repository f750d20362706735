//! Kafka's own Java client, of both releases: its producer is idempotent with `acks=all` unless
//! told otherwise.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::process::{Finished, run};
use limpid_interop::records::{
    CODECS, Record, awkward, by_key, compare, from_lines, to_lines_unassigned,
};
use limpid_interop::tools::{Kafka, helpers};

const LIMIT: Duration = Duration::from_secs(90);

fn client(lab: &mut Lab, kafka: Kafka, args: &[&str], input: &str) -> Result<Finished> {
    let address = lab.address()?;
    let mut java = lab.tools.java(kafka)?;
    java.arg(helpers().join("java/Client.java"))
        .arg(args[0])
        .arg(address)
        .args(&args[1..]);
    run(&mut java, input.as_bytes(), LIMIT)?.success()
}

/// Its default producer, with every codec; keys land where its default partitioner says.
pub fn writes_with_every_codec(lab: &mut Lab) -> Result<()> {
    for kafka in Kafka::ALL {
        let topics = CODECS.map(|codec| format!("java-{}-{codec}", kafka.version()));
        for topic in &topics {
            lab.create_topic(topic, 3)?;
        }
        let records = awkward("j");
        let codecs = format!("codecs={}", CODECS.join(","));
        let args = ["produce", &topics.join(","), &codecs];
        client(lab, kafka, &args, &to_lines_unassigned(&records))?;
        for topic in &topics {
            lab.wrote(topic, by_key(&records, 3))?;
        }
    }
    Ok(())
}

/// Tiny batches, five in flight: the sequence numbers are what keeps their order.
pub fn idempotent_writes(lab: &mut Lab) -> Result<()> {
    let topic = "java-idempotent";
    lab.create_topic(topic, 1)?;
    let records: Vec<Record> = (0..3_000)
        .map(|n| Record::new(format!("{n}").as_bytes(), format!("{n:0>100}").as_bytes()))
        .collect();
    let args = ["produce", topic, "batch.size=500", "linger.ms=0"];
    client(lab, Kafka::V4_3, &args, &to_lines_unassigned(&records))?;
    lab.wrote(topic, vec![records])
}

/// Both releases read what every client wrote.
pub fn reads_everything(lab: &mut Lab) -> Result<()> {
    let ledger = lab.ledger().clone();
    ensure!(!ledger.is_empty(), "nothing was written before");
    let topics: Vec<&str> = ledger.keys().map(String::as_str).collect();
    for kafka in Kafka::ALL {
        let output = client(lab, kafka, &["read", &topics.join(",")], "")?.text();
        let mut read = 0;
        for part in output.split("{\"topic\":\"").skip(1) {
            let (topic, lines) = part
                .split_once("\"}\n")
                .context("a topic line is cut off")?;
            let received = from_lines(lines).with_context(|| format!("reading {topic}"))?;
            compare(topic, &ledger[topic], &received)?;
            read += 1;
        }
        ensure!(
            read == ledger.len(),
            "{read} of {} topics were read",
            ledger.len()
        );
    }
    Ok(())
}
