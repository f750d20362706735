//! What a scrape costs, and what producers feel of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::groups::{Groups, fill};
use super::load;
use super::node::Node;
use super::report::{Goal, Row, percentile};
use crate::peer::Kind;
use crate::process::pause;
use crate::statistics::median;
use crate::tools::Tools;

const LIMIT: Duration = Duration::from_secs(60);
/// A page is remembered until the next look at the broker: longer than its second.
const BETWEEN: Duration = Duration::from_millis(1_100);
/// Records per second of the producer that is watched.
const PACE: f64 = 200.0;
const SCRAPERS: usize = 20;
/// `limpid.cluster.name`.
const CLUSTER: &str = "local";
const DIALECT: &str = "/metrics?dialect=kafka_exporter";

/// A cluster to scrape.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Partitions of the node.
    pub partitions: i32,
    /// Groups.
    pub groups: usize,
    /// Partitions of each group.
    pub each: i32,
    /// How often everything is done.
    pub rounds: usize,
    /// How long one turn of the producer is.
    pub turn: Duration,
}

/// An answer.
struct Page {
    took: Duration,
    bytes: usize,
    series: usize,
}

/// At 2,000 partitions and 300 groups.
///
/// # Errors
/// When the broker refuses something or ends.
pub fn small(kind: &Kind, tools: &Tools, folder: &Path, size: Size) -> Result<Vec<Row>> {
    let (node, topic) = cluster(kind, tools, folder, size)?;
    let mut rows = Vec::new();
    let plain = cost(&node, DIALECT, false, size.rounds)?;
    let what = |what: &str| {
        let Size {
            partitions,
            groups,
            each,
            ..
        } = size;
        format!("kafka_exporter, {partitions} partitions, {groups} groups of {each}: {what}")
    };
    rows.push(Row::told(what("series"), plain.series));
    rows.push(Row::new(what("ms"), Goal::AtMost(20.0), plain.ms));
    rows.push(Row::new(
        what("broker CPU ms"),
        Goal::AtMost(10.0),
        plain.cpu_ms,
    ));
    let packed = cost(&node, DIALECT, true, size.rounds)?;
    rows.push(Row::told(what("ms with gzip"), packed.ms));
    rows.push(Row::told(what("broker CPU ms with gzip"), packed.cpu_ms));
    rows.push(Row::told("idle node: broker CPU s per s", plain.idle));
    rows.extend(pages(&node)?);
    rows.extend(beside(&node, &topic, size, SCRAPERS, "/metrics")?);
    Ok(rows)
}

/// How long the console's first pages take.
fn pages(node: &Node) -> Result<Vec<Row>> {
    let address = node.peer.http_address();
    let row = |page: &str| {
        let seen = scrape(&address, &format!("/c/{CLUSTER}/{page}"), false)?;
        let name = if page.is_empty() { "overview" } else { page };
        let ms = seen.took.as_secs_f64() * 1e3;
        Ok(Row::told(format!("console, {name}: ms"), ms))
    };
    ["", "topics", "groups"].into_iter().map(row).collect()
}

/// At 40,000 partitions and 10,000 groups: more partitions than descriptors, most likely.
///
/// # Errors
/// When the broker refuses something or ends.
pub fn large(kind: &Kind, tools: &Tools, folder: &Path, size: Size) -> Result<Vec<Row>> {
    let (node, topic) = cluster(kind, tools, folder, size)?;
    let what = |what: &str| {
        format!(
            "kafka_exporter, {} partitions, {} groups: {what}",
            size.partitions, size.groups
        )
    };
    let plain = cost(&node, DIALECT, false, size.rounds)?;
    let per = plain.ms / (plain.series / 1e5);
    let mut rows = vec![
        Row::told(what("series"), plain.series),
        Row::told(what("ms"), plain.ms),
        Row::new(what("ms per 100,000 series"), Goal::AtMost(250.0), per),
        Row::told(what("broker CPU ms"), plain.cpu_ms),
        Row::told(what("idle: broker CPU s per s"), plain.idle),
        Row::told(what("resident, MiB"), node.mib("VmRSS")?),
        Row::told(what("descriptors it may have"), node.descriptors_max()?),
        Row::told(what("descriptors when idle"), node.descriptors()?),
    ];
    rows.extend(beside(&node, &topic, size, 1, DIALECT)?);
    Ok(rows)
}

fn cluster(kind: &Kind, tools: &Tools, folder: &Path, size: Size) -> Result<(Node, String)> {
    let node = Node::start(kind, tools, folder, &[])?;
    let topics = node.crowd(size.partitions)?;
    let address = node.peer.address();
    fill(&address, &topics)?;
    let watched = topics[0].clone();
    let groups = Groups {
        topics,
        count: size.groups,
        partitions: size.each,
    };
    groups.begin(&address, 10)?;
    pause(3 * BETWEEN);
    Ok((node, watched))
}

/// What a page costs beside what the node costs anyway.
struct Cost {
    ms: f64,
    cpu_ms: f64,
    series: f64,
    idle: f64,
}

fn cost(node: &Node, path: &str, gzip: bool, rounds: usize) -> Result<Cost> {
    let address = node.peer.http_address();
    for _ in 0..2 {
        scrape(&address, path, gzip)?;
        pause(BETWEEN);
    }
    let count = rounds.max(1) * 5;
    let window = |ask: bool| -> Result<(f64, Vec<Page>, f64)> {
        let (begun, before, mut pages) = (Instant::now(), node.cpu()?, Vec::new());
        for turn in 1..=count {
            if ask {
                pages.push(scrape(&address, path, gzip)?);
            }
            let due = BETWEEN * u32::try_from(turn)?;
            pause(due.saturating_sub(begun.elapsed()));
        }
        Ok((node.cpu()? - before, pages, begun.elapsed().as_secs_f64()))
    };
    let (idle, _, seconds) = window(false)?;
    let (busy, pages, busy_seconds) = window(true)?;
    let idle = idle / seconds;
    let cpu_ms = (busy - idle * busy_seconds) / count as f64 * 1e3;
    let last = pages.last().context("no page")?;
    ensure!(last.bytes > 1_000, "a page of {} bytes", last.bytes);
    let took_ms = pages.iter().map(|page| page.took.as_secs_f64() * 1e3);
    let took_ms: Vec<f64> = took_ms.collect();
    Ok(Cost {
        cpu_ms: cpu_ms.max(0.0),
        series: last.series as f64,
        idle,
        ms: median(&took_ms),
    })
}

/// A producer alone and beside scrapers, by turns.
fn beside(node: &Node, topic: &str, size: Size, count: usize, path: &str) -> Result<Vec<Row>> {
    let (address, http) = (node.peer.address(), node.peer.http_address());
    let p99 = || load::trickle(&address, topic, size.turn, PACE);
    let (mut alone, mut scraped, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        let calm = percentile(p99()?, 990);
        let busy = percentile(while_scraped(&http, path, count, p99)?, 990);
        ratios.push(busy / calm);
        alone.push(calm);
        scraped.push(busy);
    }
    let what = format!("{count} scrapers of {path} each second");
    Ok(vec![
        Row::told("produce p99 without scrapes, ms", median(&alone)),
        Row::told(format!("produce p99 with {what}, ms"), median(&scraped)),
        Row::new(
            "with ÷ without (median of the pairs)",
            Goal::AtMost(1.1),
            median(&ratios),
        ),
    ])
}

fn while_scraped<T>(
    http: &str,
    path: &str,
    count: usize,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let stop = AtomicBool::new(false);
    let asking = |first: Duration| -> Result<()> {
        pause(first);
        while !stop.load(Ordering::Relaxed) {
            let took = scrape(http, path, true)?.took;
            pause(Duration::from_secs(1).saturating_sub(took));
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let second = Duration::from_secs(1);
        let start = |i: usize| {
            let first = second * i as u32 / count as u32;
            scope.spawn(move || asking(first))
        };
        let running: Vec<_> = (0..count).map(start).collect();
        let done = work();
        stop.store(true, Ordering::Relaxed);
        for thread in running {
            let ended = thread
                .join()
                .map_err(|_| anyhow::anyhow!("a scraper panicked"))?;
            ended?;
        }
        done
    })
}

fn scrape(address: &str, path: &str, gzip: bool) -> Result<Page> {
    let begun = Instant::now();
    let accept = if gzip {
        "Accept-Encoding: gzip\r\n"
    } else {
        ""
    };
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let ask = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n{accept}\r\n");
    stream.write_all(ask.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    ensure!(answer.get(9..12) == Some(b"200"), "GET {path} was refused");
    let took = begun.elapsed();
    let lines = answer.split(|byte| *byte == b'\n');
    let series = lines
        .filter(|line| !line.is_empty() && line[0] != b'#')
        .count();
    Ok(Page {
        took,
        bytes: answer.len(),
        series,
    })
}
