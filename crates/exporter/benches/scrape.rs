//! What a page costs: processor time, memory allocated beyond what was there before, bytes.
//!
//! ```sh
//! cargo bench -p limpid-exporter --bench scrape -- --partitions 4000 --groups 100
//! ```
//! The cluster is synthetic; what renders it is what `/metrics` calls. Linux alone tells these numbers
//! (`/proc`).
#![allow(clippy::print_stdout, reason = "a command talks to its terminal")]

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use limpid_exporter::synthetic::{Size, Synthetic, cluster};
use limpid_exporter::{Exporter, Format};
use limpid_telemetry::Registry;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const NOTHING: Size = Size {
    topics: 0,
    partitions: 0,
    groups: 0,
    partitions_per_group: 0,
};

struct Wanted {
    size: Size,
    dialects: Vec<String>,
    rounds: usize,
}

impl Wanted {
    /// Reads the command line; `cargo bench` adds a word of its own.
    fn read() -> Result<Self> {
        let mut wanted = Wanted {
            size: Size {
                topics: 200,
                partitions: 4_000,
                groups: 100,
                partitions_per_group: 50,
            },
            dialects: vec!["kafka_exporter".to_owned(), "strimzi".to_owned()],
            rounds: 15,
        };
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| format!("{word} of what?"))?;
            let number = || value.parse().with_context(|| format!("{word} {value}"));
            match word.as_str() {
                "--topics" => wanted.size.topics = number()?,
                "--partitions" => wanted.size.partitions = number()?,
                "--groups" => wanted.size.groups = number()?,
                "--partitions-per-group" => wanted.size.partitions_per_group = number()?,
                "--rounds" => wanted.rounds = number()?,
                "--dialects" => wanted.dialects = value.split(',').map(str::to_owned).collect(),
                _ => bail!("unknown: {word}"),
            }
        }
        Ok(wanted)
    }
}

fn main() -> Result<()> {
    let wanted = Wanted::read()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let now_ms = i64::try_from(now.as_millis())?;
    // What does not grow with the cluster is there before: the rules are read for the first page.
    let source = Synthetic::new(NOTHING, now_ms);
    let exporter = Exporter::new(Registry::new())?;
    exporter.add_cluster_with(source.clone(), &wanted.dialects)?;
    exporter.render(Format::Text);
    source.show(cluster(wanted.size, now_ms));
    println!("{:?}, dialects {}", wanted.size, wanted.dialects.join(","));
    let before = ALLOCATOR.current_usage();
    let (first, ()) = timed(|| drop(exporter.render(Format::Text)))?;
    let kept = ALLOCATOR.current_usage().saturating_sub(before);
    println!(
        "first page: CPU {first:.1} ms; {:.1} MiB are remembered for the next ones",
        mib(kept)
    );
    for format in [Format::Text, Format::OpenMetrics] {
        let (mut times, mut series, mut bytes) = (Vec::new(), 0, 0);
        ALLOCATOR.reset_peak_usage();
        for _ in 0..wanted.rounds.max(1) {
            let (time, page) = timed(|| exporter.render(format))?;
            times.push(time);
            series = page.lines().filter(|l| !l.starts_with('#')).count();
            bytes = page.len();
        }
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let most = ALLOCATOR.peak_usage().saturating_sub(before);
        let per_100_000 = 100_000.0 / series as f64;
        println!(
            "{format:?}: {series} series, {:.1} MiB; CPU {median:.1} ms median, {:.1} least; memory at \
             most {:.1} MiB above what was there before; per 100,000 series {:.1} ms and {:.1} MiB",
            mib(bytes),
            times[0],
            mib(most),
            median * per_100_000,
            mib(most) * per_100_000,
        );
    }
    Ok(())
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Milliseconds of processor time that this thread took.
fn timed<T>(work: impl FnOnce() -> T) -> Result<(f64, T)> {
    let before = thread_ns()?;
    let done = work();
    Ok(((thread_ns()? - before) as f64 / 1e6, done))
}

fn thread_ns() -> Result<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text
        .split_whitespace()
        .next()
        .context("schedstat is empty")?;
    Ok(first.parse()?)
}
