//! Apache Kafka 4.3's dump-log reads every file the broker wrote.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use limpid_interop::dump_log::{dump, files};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka::produce;
use limpid_interop::records::Record;
use limpid_interop::wire::create_topic;

const MANY: &str = "many-segments";
const METADATA: &str = "__cluster_metadata-0";

/// Makes every kind of file there is: rolled segments with indexes of both kinds and snapshots of
/// an idempotent producer.
pub fn writes_many_segments(lab: &mut Lab) -> Result<()> {
    let topic = MANY;
    let address = lab.address()?;
    let configs = [
        ("segment.bytes", "1048576"),
        ("index.interval.bytes", "512"),
    ];
    create_topic(&address, topic, 2, &configs)?;
    let mut written = Vec::new();
    for partition in 0..2 {
        let records: Vec<Record> = (0..4_000_u32)
            .map(|n| {
                let value: Vec<u8> = (0..1_000).map(|i| (n * 7 + i) as u8).collect();
                Record::new(format!("{partition}-{n}").as_bytes(), &value)
            })
            .collect();
        let settings = [("enable.idempotence", "true"), ("batch.num.messages", "10")];
        produce(&address, &settings, topic, Some(partition), &records)?;
        written.push(records);
    }
    lab.wrote(topic, written)
}

/// The test proper; the broker is stopped, so that its last files are in place.
pub fn reads_every_file(lab: &mut Lab) -> Result<()> {
    let tools = lab.tools.clone();
    let data = lab.pause_subject()?;
    let topics = |ext: &str| -> Result<Vec<PathBuf>> {
        let mut found = files(&data, ext)?;
        found.retain(|file| !file.starts_with(data.join(METADATA)) && is_in_a_log(&data, file));
        Ok(found)
    };
    let logs = topics("log")?;
    ensure!(logs.len() > 5, "only {} segments: {logs:?}", logs.len());
    let dumped = dump(&tools, &logs, &["--deep-iteration"])?;
    // Of the topics that somebody keeps the books of: those of groups have others.
    let topic_of = |file: &Path| {
        let folder = file.parent()?.file_name()?.to_str()?;
        Some(folder.rsplit_once('-')?.0.to_owned())
    };
    let counted = |(file, said): (&PathBuf, &String)| {
        let is_known = lab.ledger().contains_key(&topic_of(file)?);
        is_known.then(|| said.matches("| offset: ").count())
    };
    let records: usize = dumped.iter().filter_map(counted).sum();
    let written: usize = lab.ledger().values().flatten().map(Vec::len).sum();
    ensure!(
        records == written,
        "dump-log sees {records} records, {written} were written"
    );
    // Each segment's indexes are checked against the segment, and by themselves.
    for ext in ["index", "timeindex"] {
        let indexes = topics(ext)?;
        ensure!(
            indexes.len() >= logs.len(),
            "{} .{ext} for {} .log",
            indexes.len(),
            logs.len()
        );
        dump(&tools, &indexes, &["--verify-index-only"])?;
        dump(&tools, &indexes, &["--index-sanity-check"])?;
    }
    let snapshots = topics("snapshot")?;
    let dumped = dump(&tools, &snapshots, &[])?;
    let producers = dumped
        .values()
        .map(|said| said.matches("producerId: ").count())
        .max();
    ensure!(
        producers > Some(0),
        "no snapshot knows a producer: {snapshots:?}"
    );
    let transactions = topics("txnindex")?;
    if !transactions.is_empty() {
        dump(&tools, &transactions, &[])?;
    }
    metadata_files(lab, &data)?;
    let long = logs
        .iter()
        .find(|log| log.starts_with(data.join(format!("{MANY}-0"))));
    damage_is_noticed(lab, long.context("no segment of many records")?)?;
    lab.resume_subject()
}

/// The metadata log, its snapshots and the bootstrap file.
fn metadata_files(lab: &Lab, data: &Path) -> Result<()> {
    let decoder = ["--cluster-metadata-decoder"];
    let logs = files(&data.join(METADATA), "log")?;
    ensure!(!logs.is_empty(), "no metadata log");
    let dumped = dump(&lab.tools, &logs, &decoder)?;
    let text: String = dumped.into_values().collect();
    for kind in [
        "REGISTER_BROKER_RECORD",
        "TOPIC_RECORD",
        "PARTITION_RECORD",
        "FEATURE_LEVEL",
    ] {
        ensure!(
            text.contains(kind),
            "no {kind} in the metadata log:\n{text}"
        );
    }
    let mut snapshots = files(&data.join(METADATA), "checkpoint")?;
    snapshots.push(data.join("bootstrap.checkpoint"));
    dump(&lab.tools, &snapshots, &decoder)?;
    let indexes = files(&data.join(METADATA), "index")?;
    if !indexes.is_empty() {
        dump(&lab.tools, &indexes, &["--index-sanity-check"])?;
    }
    Ok(())
}

/// The judge itself is judged: a segment or an index with a byte changed must not pass.
fn damage_is_noticed(lab: &Lab, log: &Path) -> Result<()> {
    let folder = lab.folder("damaged")?;
    let copy = |ext: &str| -> Result<PathBuf> {
        let from = log.with_extension(ext);
        let to = folder.join(from.file_name().context("a file has a name")?);
        std::fs::copy(&from, &to)?;
        Ok(to)
    };
    let (log, index) = (copy("log")?, copy("index")?);
    dump(
        &lab.tools,
        std::slice::from_ref(&log),
        &["--deep-iteration"],
    )
    .context("the copy as it is")?;
    // An entry is a relative offset and a position, four bytes each.
    let mut entries = std::fs::read(&index)?;
    *entries
        .get_mut(7)
        .context("the last segment has no index entry")? ^= 0x10;
    std::fs::write(&index, entries)?;
    let judged = dump(&lab.tools, &[index], &["--verify-index-only"]);
    ensure!(judged.is_err(), "a wrong index passed: {judged:?}");
    let mut records = std::fs::read(&log)?;
    let middle = records.len() / 2;
    records[middle] ^= 1;
    std::fs::write(&log, records)?;
    let judged = dump(&lab.tools, &[log], &["--deep-iteration"]);
    ensure!(judged.is_err(), "a segment with a changed byte passed");
    Ok(())
}

/// A file of a partition's folder, and not of the log directory itself.
fn is_in_a_log(data: &Path, file: &Path) -> bool {
    file.parent().is_some_and(|folder| folder != data)
}
