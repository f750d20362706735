//! One interleaved comparison of Limpid with Apache Kafka 4.3 on this machine, as a table for
//! BENCHMARKS.md. Run by hand, with nothing else running:
//!
//! `cargo run --release -p limpid-interop --bin bench -- [--pairs 5] [--records 5000000]`
//!
//! Each run is a new process on an empty directory; the order of the two brokers alternates from
//! pair to pair. The producer is Kafka's own ProducerPerformance, the reader librdkafka with an
//! assignment. Kafka has the heap and collector settings of its own start script.
#![allow(clippy::print_stdout, reason = "the table is this program's result")]
#![allow(clippy::print_stderr, reason = "progress for the person who waits")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use limpid_interop::librdkafka;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::process::{run, wait_for};
use limpid_interop::records::Record;
use limpid_interop::tools::{Kafka, Tools};
use limpid_interop::wire::create_topic;

const RECORD_BYTES: u32 = 100;
const PARTITIONS: i32 = 6;
const WARM_UP_RECORDS: u64 = 300_000;
const LIMIT: Duration = Duration::from_secs(900);

/// What is measured in each run, by name; the unit is part of the name.
type Numbers = BTreeMap<&'static str, f64>;

fn main() -> Result<()> {
    let (mut pairs, mut records) = (5_u32, 5_000_000_u64);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .with_context(|| format!("{name} needs a number"))?;
        match name.as_str() {
            "--pairs" => pairs = value.parse()?,
            "--records" => records = value.parse()?,
            other => bail!("unknown option {other}"),
        }
    }
    let tools = Tools::open()?;
    let kinds = [Kind::Kafka, Kind::limpid()?];
    let mut all: BTreeMap<&str, Vec<Numbers>> = BTreeMap::new();
    for pair in 0..pairs {
        for turn in 0..kinds.len() {
            let kind = &kinds[(turn + pair as usize) % kinds.len()];
            let folder = tempfile::Builder::new().prefix("limpid-bench-").tempdir()?;
            let numbers = measure(kind, &tools, folder.path(), records)?;
            eprintln!("pair {pair}, {}: {numbers:?}", kind.name());
            all.entry(kind.name()).or_default().push(numbers);
        }
    }
    print_table(&all, pairs, records);
    Ok(())
}

fn measure(kind: &Kind, tools: &Tools, folder: &Path, records: u64) -> Result<Numbers> {
    let mut numbers = Numbers::new();
    let mut peer = Peer::new(kind.clone(), tools, folder, &[])?;
    peer.full_speed = true;
    peer.format()?;
    let begun = Instant::now();
    peer.spawn()?;
    first_acknowledged(&mut peer)?;
    numbers.insert(
        "start to first acknowledged record, ms",
        millis(begun.elapsed()),
    );
    numbers.insert("resident after start, MiB", resident(&peer)?);
    let address = peer.address();
    create_topic(&address, "warm-up", PARTITIONS, &[])?;
    produce(tools, &address, "warm-up", WARM_UP_RECORDS, "1")?;
    read(&address, "warm-up", WARM_UP_RECORDS)?;
    let cases = [
        (
            "acks-1",
            "1",
            "produce acks=1, records/s",
            "produce acks=1, broker CPU s per M",
        ),
        (
            "acks-all",
            "all",
            "produce default (idempotent), records/s",
            "produce default, broker CPU s per M",
        ),
    ];
    for (topic, acks, rate, cost) in cases {
        create_topic(&address, topic, PARTITIONS, &[])?;
        let before = cpu_seconds(&peer)?;
        numbers.insert(rate, produce(tools, &address, topic, records, acks)?);
        numbers.insert(cost, (cpu_seconds(&peer)? - before) / millions(records));
    }
    let (before, begun) = (cpu_seconds(&peer)?, Instant::now());
    read(&address, "acks-1", records)?;
    let seconds = begun.elapsed().as_secs_f64();
    numbers.insert("read, records/s", records as f64 / seconds);
    numbers.insert(
        "read, broker CPU s per M",
        (cpu_seconds(&peer)? - before) / millions(records),
    );
    numbers.insert("resident after load, MiB", resident(&peer)?);
    peer.stop()?;
    Ok(numbers)
}

/// Creates a topic and gets a record acknowledged as soon as the broker lets that happen.
fn first_acknowledged(peer: &mut Peer) -> Result<()> {
    let address = peer.address();
    wait_for("first topic", Duration::from_secs(60), || {
        peer.check_alive()?;
        Ok(create_topic(&address, "first", 1, &[]).ok())
    })?;
    let fast = [
        ("reconnect.backoff.ms", "5"),
        ("retry.backoff.ms", "5"),
        ("linger.ms", "0"),
    ];
    librdkafka::produce(
        &address,
        &fast,
        "first",
        Some(0),
        &[Record::unkeyed(b"first")],
    )
}

/// Runs Kafka's producer and returns the records per second it reports.
fn produce(tools: &Tools, address: &str, topic: &str, records: u64, acks: &str) -> Result<f64> {
    let mut java = tools.java_at_full_speed(Kafka::V4_3)?;
    java.args([
        "org.apache.kafka.tools.ProducerPerformance",
        "--topic",
        topic,
    ]);
    java.args(["--num-records", &records.to_string(), "--throughput", "-1"]);
    java.args([
        "--record-size",
        &RECORD_BYTES.to_string(),
        "--command-property",
    ]);
    java.args([
        &format!("bootstrap.servers={address}"),
        &format!("acks={acks}"),
    ]);
    let said = run(&mut java, b"", LIMIT)?.success()?.text();
    let total = said
        .lines()
        .rfind(|line| line.contains("records sent"))
        .context("no total")?;
    let rate = total
        .split(", ")
        .nth(1)
        .and_then(|part| part.split(' ').next());
    rate.context("no rate")?
        .parse()
        .with_context(|| format!("the total was {total:?}"))
}

fn read(address: &str, topic: &str, records: u64) -> Result<()> {
    let mut count = 0;
    librdkafka::read_each(address, topic, PARTITIONS, |_, _, _| count += 1)?;
    ensure!(count == records, "{count} of {records} records were read");
    Ok(())
}

/// User and system time of the broker so far.
fn cpu_seconds(peer: &Peer) -> Result<f64> {
    // Kernels since 2.6 report these in hundredths, whatever their own clock does.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", peer.pid()))?;
    let (_, rest) = stat.rsplit_once(')').context("no process name")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| -> Result<f64> { Ok(fields.get(at).context("no field")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

fn resident(peer: &Peer) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", peer.pid()))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS")?;
    let kib: f64 = line
        .split_whitespace()
        .next()
        .context("no number")?
        .parse()?;
    Ok(kib / 1024.0)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn millions(records: u64) -> f64 {
    records as f64 / 1_000_000.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        (values[middle - 1] + values[middle]) / 2.0
    }
}

fn print_table(all: &BTreeMap<&str, Vec<Numbers>>, pairs: u32, records: u64) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{pairs} interleaved pairs, {records} records of {RECORD_BYTES} bytes, {PARTITIONS} \
         partitions, {cores} cores shared with the client; medians, and the median of the \
         ratios within the pairs.\n"
    );
    println!("| | Apache Kafka 4.3 | Limpid | Limpid ÷ Kafka |\n|---|---:|---:|---:|");
    let (kafka, limpid) = (&all["kafka"], &all["limpid"]);
    for name in kafka[0].keys() {
        let column = |runs: &[Numbers]| median(runs.iter().map(|run| run[name]).collect());
        let ratios = kafka
            .iter()
            .zip(limpid)
            .map(|(kafka, limpid)| limpid[name] / kafka[name]);
        let show = |value: f64| match value {
            value if value >= 100.0 => format!("{value:.0}"),
            value => format!("{value:.2}"),
        };
        let (theirs, ours) = (show(column(kafka)), show(column(limpid)));
        println!(
            "| {name} | {theirs} | {ours} | {:.2} |",
            median(ratios.collect())
        );
    }
}
