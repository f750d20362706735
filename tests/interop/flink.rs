//! Flink's connector: a source and an exactly-once sink, over a failure of the job.

use std::time::Duration;

use anyhow::{Result, ensure};
use limpid_interop::java::Program;
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka::{produce, read_each};
use limpid_interop::peer::Peer;
use limpid_interop::process::run;
use limpid_interop::records::Record;
use limpid_interop::wire::create_topic;

const LIMIT: Duration = Duration::from_secs(300);
const PARTITIONS: i32 = 2;
const RECORDS: usize = 2_000;

/// Every record is copied once, as readers of what is committed see it.
pub fn copies_exactly_once(lab: &mut Lab) -> Result<()> {
    let folder = lab.folder("flink")?;
    let mut peer = Peer::start_new(lab.kind().clone(), &lab.tools, &folder, &[])?;
    let address = peer.address();
    for topic in ["from", "to"] {
        create_topic(&address, topic, PARTITIONS, &[])?;
    }
    let records: Vec<Record> = (0..RECORDS)
        .map(|n| Record::new(b"", format!("{n:05}").as_bytes()))
        .collect();
    let (first, second) = records.split_at(RECORDS / 2);
    produce(&address, &[], "from", Some(0), first)?;
    produce(&address, &[], "from", Some(1), second)?;
    let mut job = lab.tools.program(Program::Flink)?;
    job.args([&address, "from", "to"]);
    let text = run(&mut job, b"", LIMIT)?.success()?.text();
    let failed = text.lines().any(|line| line == "failed once true");
    ensure!(failed, "the job had no failure: {text}");
    // This reader, too, sees what is committed only.
    let mut copies = Vec::new();
    read_each(&address, "to", PARTITIONS, |_, _, record| {
        let value = record.value.unwrap_or_default();
        copies.push(String::from_utf8_lossy(&value).into_owned());
    })?;
    copies.sort_unstable();
    let wanted: Vec<String> = (0..RECORDS).map(|n| format!("copy-{n:05}")).collect();
    ensure!(
        copies == wanted,
        "{} copies of {RECORDS} records",
        copies.len()
    );
    peer.stop()
}
