//! Many groups that commit: what that costs, how long a commit takes, and whether lag is still right.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use limpid_protocol::messages::{FindCoordinatorRequest, OffsetCommitRequest};

use super::load::{self, Crowd, RECORDS};
use super::node::{EACH, Node};
use super::report::{Goal, Row, percentile};
use crate::http;
use crate::peer::Kind;
use crate::process::{pause, wait_for};
use crate::talk;
use crate::tools::Tools;

/// A version that names topics.
const COMMIT: i16 = 8;
const FIND: i16 = 3;
/// Threads that commit, with a connection each.
const THREADS: usize = 4;
const PARTITIONS: i32 = 2_000;
/// Each group commits this often.
const EVERY: Duration = Duration::from_secs(5);
/// Between a commit and a snapshot that knows it.
const SETTLED: Duration = Duration::from_secs(3);
const READY: Duration = Duration::from_secs(60);

/// Groups over topics with [`RECORDS`] records in each partition.
#[derive(Debug, Clone)]
pub struct Groups {
    /// The topics, of [`EACH`] partitions.
    pub topics: Vec<String>,
    /// How many groups.
    pub count: usize,
    /// Partitions of each, of one topic.
    pub partitions: i32,
}

impl Groups {
    fn name(group: usize) -> String {
        format!("group-{group:05}")
    }

    /// Which partitions a group reads.
    fn of(&self, group: usize) -> (&str, impl Iterator<Item = i32> + use<>) {
        let topic = &self.topics[group % self.topics.len()];
        let first = (group / self.topics.len()) as i32 * self.partitions;
        (
            topic,
            (0..self.partitions).map(move |at| (first + at) % EACH),
        )
    }

    /// Commits `offset` for all partitions of a group.
    ///
    /// # Errors
    /// When the coordinator refuses.
    pub fn commit(&self, to: &mut std::net::TcpStream, group: usize, offset: i64) -> Result<()> {
        let (topic, partitions) = self.of(group);
        let partition = |partition_index| OffsetCommitRequestPartition {
            partition_index,
            committed_offset: offset,
            ..OffsetCommitRequestPartition::default()
        };
        let topic = OffsetCommitRequestTopic {
            name: topic.to_owned(),
            partitions: partitions.map(partition).collect(),
            ..OffsetCommitRequestTopic::default()
        };
        let request = OffsetCommitRequest {
            group_id: Self::name(group),
            topics: vec![topic],
            ..OffsetCommitRequest::default()
        };
        let answer = talk::call(to, &request, COMMIT)?;
        let mut partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        let refused = partitions.find(|partition| partition.error_code != 0);
        ensure!(refused.is_none(), "a commit was refused: {refused:?}");
        Ok(())
    }

    /// Commits once for each, when the coordinator is there.
    ///
    /// # Errors
    /// When a commit is refused.
    pub fn begin(&self, address: &str, offset: i64) -> Result<()> {
        let mut to = talk::connect(address)?;
        wait_for("coordinator", READY, || {
            let request = FindCoordinatorRequest {
                key: Self::name(0),
                ..FindCoordinatorRequest::default()
            };
            let found = talk::call(&mut to, &request, FIND)?;
            Ok((found.error_code == 0 && self.commit(&mut to, 0, offset).is_ok()).then_some(()))
        })?;
        (0..self.count).try_for_each(|group| self.commit(&mut to, group, offset))
    }

    /// Partitions of groups whose lag is not what it must be after `offset` was committed.
    fn wrong(&self, page: &str, offset: impl Fn(usize) -> i64) -> Result<usize> {
        let mut told = HashMap::new();
        for line in page.lines() {
            let Some(rest) = line.strip_prefix("kafka_consumergroup_lag{") else {
                continue;
            };
            let (labels, value) = rest.split_once("} ").context("a cut line")?;
            let label = |name: &str| -> Option<String> {
                let found = labels.split(',').find_map(|label| label.strip_prefix(name));
                Some(found?.strip_prefix("=\"")?.strip_suffix('"')?.to_owned())
            };
            let key = (label("consumergroup"), label("topic"), label("partition"));
            told.insert(key, value.parse::<f64>()?);
        }
        let is_wrong = |group: usize| {
            let (topic, partitions) = self.of(group);
            let lag = RECORDS as f64 - offset(group) as f64;
            let wrong = partitions.filter(|partition| {
                let name = Some(Self::name(group));
                let key = (name, Some(topic.to_owned()), Some(partition.to_string()));
                told.get(&key).is_none_or(|told| (told - lag).abs() > 1e-6)
            });
            wrong.count()
        };
        Ok((0..self.count).map(is_wrong).sum())
    }
}

/// Runs it.
///
/// # Errors
/// When the broker refuses something or ends.
pub fn groups(
    kind: &Kind,
    tools: &Tools,
    folder: &Path,
    count: usize,
    rounds: usize,
) -> Result<Vec<Row>> {
    let node = Node::start(kind, tools, folder, &[])?;
    let address = node.peer.address();
    let topics = node.crowd(PARTITIONS)?;
    fill(&address, &topics)?;
    let groups = Groups {
        topics,
        count,
        partitions: 10,
    };
    groups.begin(&address, 0)?;
    pause(SETTLED);
    let before = node.cpu()?;
    pause(EVERY);
    let idle = (node.cpu()? - before) / EVERY.as_secs_f64();
    let before = node.cpu()?;
    let waits = rounds_of_commits(&groups, &address, rounds)?;
    let seconds = EVERY.as_secs_f64() * rounds as f64;
    let busy = (node.cpu()? - before) / seconds;
    pause(SETTLED);
    let page = http::get(&node.peer.http_address(), "/metrics?dialect=kafka_exporter")?;
    let wrong = groups.wrong(&page, |group| 1 + (group % 50) as i64 + rounds as i64)?;
    let name = format!("{count} groups of 10 partitions");
    let per_second = count as f64 / EVERY.as_secs_f64();
    Ok(vec![
        Row::told(format!("{name}, nobody commits: broker CPU s per s"), idle),
        Row::told(
            format!("{name}, {per_second} commits/s: broker CPU s per s"),
            busy,
        ),
        Row::told("commit p50, ms", percentile(waits.clone(), 500)),
        Row::told("commit p99, ms", percentile(waits, 990)),
        Row::new(
            "partitions whose lag is wrong after that",
            Goal::AtMost(0.0),
            wrong as f64,
        ),
        Row::told("resident at most, MiB", node.mib("VmHWM")?),
    ])
}

/// [`RECORDS`] into each partition.
pub(super) fn fill(address: &str, topics: &[String]) -> Result<()> {
    let of = |topic| (0..EACH).map(move |partition| (topic, partition));
    let all: Vec<_> = topics.iter().map(String::as_str).flat_map(of).collect();
    Crowd::connect(address, 8, &all)?.write(all.len())?;
    Ok(())
}

/// All groups commit, one after another, once every [`EVERY`]; how long each commit took.
fn rounds_of_commits(groups: &Groups, address: &str, rounds: usize) -> Result<Vec<f64>> {
    let per_second = groups.count as f64 / EVERY.as_secs_f64() / THREADS as f64;
    let commits = move |thread: usize| -> Result<Vec<f64>> {
        let mut to = talk::connect(address)?;
        let mine: Vec<usize> = (0..groups.count).skip(thread).step_by(THREADS).collect();
        let time = Duration::from_secs_f64((mine.len() * rounds) as f64 / per_second);
        load::paced(time, per_second, |turn| {
            let group = mine[turn % mine.len()];
            let round = 1 + (turn / mine.len()).min(rounds - 1) as i64;
            groups.commit(&mut to, group, 1 + (group % 50) as i64 + round)
        })
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..THREADS)
            .map(|i| scope.spawn(move || commits(i)))
            .collect();
        let mut all = Vec::new();
        for thread in running {
            let waits = thread
                .join()
                .map_err(|_| anyhow::anyhow!("a committer panicked"))?;
            all.extend(waits?);
        }
        Ok(all)
    })
}
