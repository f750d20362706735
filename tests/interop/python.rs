//! kafka-python, a client written without any of Kafka's or librdkafka's code.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::process::{Finished, run};
use limpid_interop::records::{
    CODECS, Record, awkward, by_key, compare, from_lines, to_lines, to_lines_unassigned,
};
use limpid_interop::tools::helpers;

const LIMIT: Duration = Duration::from_secs(60);

fn client(
    lab: &mut Lab,
    action: &str,
    topic: &str,
    rest: &[&str],
    input: &str,
) -> Result<Finished> {
    let address = lab.address()?;
    let mut python = lab.tools.python()?;
    python
        .arg(helpers().join("python/client.py"))
        .args([action, &address, topic])
        .args(rest);
    run(&mut python, input.as_bytes(), LIMIT)?.success()
}

/// The client refuses to send a header whose value is null; it can read one.
fn sendable(seed: &str) -> Vec<Record> {
    let mut records = awkward(seed);
    for record in &mut records {
        record.headers.retain(|(_, value)| value.is_some());
    }
    records
}

/// Records with a partition given come back as they were, whatever the codec.
pub fn writes_with_every_codec(lab: &mut Lab) -> Result<()> {
    for codec in CODECS {
        let topic = format!("python-{codec}");
        lab.create_topic(&topic, 2)?;
        let written = vec![sendable("a"), sendable("b")];
        let codec = if codec == "none" { "null" } else { codec };
        let settings = [&format!("compression_type={codec}"), "acks=\"all\""];
        client(lab, "produce", &topic, &settings, &to_lines(&written))?;
        lab.wrote(&topic, written)?;
    }
    Ok(())
}

/// With the default partitioner keys land where murmur2 says; also without idempotence.
pub fn keys_land_where_murmur2_says(lab: &mut Lab) -> Result<()> {
    let topic = "python-keys";
    lab.create_topic(topic, 3)?;
    let records: Vec<Record> = sendable("k");
    let settings = ["acks=1", "enable_idempotence=false"];
    client(
        lab,
        "produce",
        topic,
        &settings,
        &to_lines_unassigned(&records),
    )?;
    lab.wrote(topic, by_key(&records, 3))
}

/// kafka-python reads what every client wrote.
pub fn reads_everything(lab: &mut Lab) -> Result<()> {
    let ledger = lab.ledger().clone();
    ensure!(!ledger.is_empty(), "nothing was written before");
    for (topic, written) in &ledger {
        let output = client(lab, "read", topic, &[&written.len().to_string()], "")?.text();
        let received = from_lines(&output).with_context(|| format!("reading {topic}"))?;
        compare(topic, written, &received)?;
    }
    Ok(())
}
