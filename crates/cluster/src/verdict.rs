//! Judgement in words: what is wrong with a cluster or a group, and what shows it.
//!
//! Pages, JSON and the shell take their sentences from here, so that all of them say the same.
//! Whoever changes a limit below changes what counts as healthy everywhere.

mod group;
mod producers;

pub(crate) use group::OVERTAKES_CRITICAL_SECONDS;
pub use group::{group_severity, group_summary, group_word, worse_first};
pub use producers::of_client;

use schemars::JsonSchema;
use serde::Serialize;

use crate::snapshot::{ClusterSnapshot, Readiness, ReadinessState};
use crate::words;

/// From this age of the oldest unread record on, a group lags.
pub const LAG_ATTENTION_SECONDS: f64 = 60.0;
/// A disk with less than this share free is about to be full.
const DISK_FREE_ATTENTION: f64 = 0.10;
/// A buffer that makes work wait for more than this share of the time is too small.
const WAIT_ATTENTION: f64 = 0.05;
/// Numbers older than this are no longer those of now.
const SNAPSHOT_OLD_MS: i64 = 15_000;
/// Findings that are listed; the others are counted.
const FINDINGS_MAX: usize = 12;

/// How bad something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// All is well, or merely worth knowing.
    #[default]
    Ok,
    /// Someone should look today.
    Attention,
    /// Data can't be read or written.
    Critical,
}

impl Severity {
    /// One word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Attention => "attention",
            Self::Critical => "critical",
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Subject {
    /// The whole.
    Cluster,
    /// A log directory.
    LogDir(String),
    /// A pool of memory.
    Buffer(String),
    /// A topic.
    Topic(String),
    /// A group.
    Group(String),
    /// A client, by its `client.id`.
    Client(String),
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub about: Subject,
    /// What is the matter, in one sentence.
    pub sentence: String,
    /// The numbers that show it.
    pub evidence: Vec<String>,
    /// Where to look next; empty if the sentence says all.
    pub next: String,
}

/// A cluster judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verdict {
    /// The worst finding.
    pub severity: Severity,
    /// The whole in one sentence.
    pub sentence: String,
    /// Worst first.
    pub findings: Vec<Finding>,
    /// Findings beyond those listed.
    pub findings_left_out: usize,
}

/// How full a buffer is, and what it costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct BufferUse {
    /// Its name.
    pub pool: String,
    /// Bytes in use now.
    pub used_bytes: u64,
    /// Most bytes it gives out.
    pub limit_bytes: u64,
    /// Most bytes in use at once since the start.
    pub high_water_bytes: u64,
    /// Seconds that work stood still for it since the start.
    pub wait_seconds: f64,
    /// The same per second, lately; above 1 when several waited.
    pub waiting: Option<f64>,
}

/// Judges a cluster at a moment.
pub fn judge(
    snapshot: &ClusterSnapshot,
    readiness: &Readiness,
    buffers: &[BufferUse],
    now_ms: i64,
) -> Verdict {
    let mut findings = Vec::new();
    findings.extend(not_ready(readiness));
    findings.extend(old_numbers(snapshot, readiness, now_ms));
    findings.extend(offline_partitions(snapshot));
    findings.extend(under_replicated(snapshot));
    findings.extend(snapshot.log_dirs.iter().filter_map(log_dir));
    findings.extend(buffers.iter().filter_map(buffer));
    findings.extend(groups(snapshot));
    findings.extend(producers::producers(snapshot));
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    let severity = findings.first().map_or(Severity::Ok, |f| f.severity);
    let sentence = sentence(snapshot, readiness, &findings);
    let findings_left_out = findings.len().saturating_sub(FINDINGS_MAX);
    findings.truncate(FINDINGS_MAX);
    Verdict {
        severity,
        sentence,
        findings,
        findings_left_out,
    }
}

fn sentence(snapshot: &ClusterSnapshot, readiness: &Readiness, findings: &[Finding]) -> String {
    if readiness.state == ReadinessState::Starting {
        return "The broker is starting; its numbers come when its logs are open.".to_owned();
    }
    let bad: Vec<&Finding> = findings
        .iter()
        .filter(|f| f.severity > Severity::Ok)
        .collect();
    if bad.is_empty() {
        let online = words::counted(snapshot.partition_count() as u64, "partition");
        let readers = match snapshot.groups.len() as u64 {
            0 => "no group reads yet".to_owned(),
            n => format!("{} keeping up", words::counted(n, "group")),
        };
        return format!("Nothing needs attention: {online} online, {readers}.");
    }
    let of = |wanted: fn(&Subject) -> bool, noun: &str| {
        let n = bad.iter().filter(|f| wanted(&f.about)).count() as u64;
        (n > 0).then(|| words::counted(n, noun))
    };
    let subjects: Vec<String> = [
        of(|s| matches!(s, Subject::Cluster), "thing about the cluster"),
        of(|s| matches!(s, Subject::LogDir(_)), "disk"),
        of(|s| matches!(s, Subject::Buffer(_)), "buffer"),
        of(|s| matches!(s, Subject::Topic(_)), "topic"),
        of(|s| matches!(s, Subject::Group(_)), "group"),
        of(|s| matches!(s, Subject::Client(_)), "client"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let verb = if bad.len() == 1 { "needs" } else { "need" };
    format!("{} {verb} a look.", subjects.join(", "))
}

fn finding(severity: Severity, about: Subject, sentence: String) -> Finding {
    Finding {
        severity,
        about,
        sentence,
        evidence: Vec::new(),
        next: String::new(),
    }
}

fn not_ready(readiness: &Readiness) -> Option<Finding> {
    let (severity, sentence) = match readiness.state {
        ReadinessState::Ready => return None,
        ReadinessState::Starting => (Severity::Attention, "The broker is starting."),
        ReadinessState::Draining => (
            Severity::Attention,
            "The broker is shutting down and takes no new connection.",
        ),
        ReadinessState::Failed => (Severity::Critical, "The broker can't serve requests."),
    };
    let mut found = finding(severity, Subject::Cluster, sentence.to_owned());
    found.evidence.clone_from(&readiness.reasons);
    Some(found)
}

fn old_numbers(snapshot: &ClusterSnapshot, readiness: &Readiness, now_ms: i64) -> Option<Finding> {
    let age = now_ms - snapshot.taken_at_ms;
    if readiness.state == ReadinessState::Starting || age < SNAPSHOT_OLD_MS {
        return None;
    }
    let sentence = format!(
        "The numbers are {} old: what they show may be over.",
        words::seconds(age as f64 / 1000.0)
    );
    Some(finding(Severity::Attention, Subject::Cluster, sentence))
}

fn offline_partitions(snapshot: &ClusterSnapshot) -> Vec<Finding> {
    let offline = |topic: &crate::Topic| {
        let gone = topic.partitions.iter().filter(|p| p.leader.is_none());
        let gone: Vec<String> = gone.map(|p| p.index.to_string()).collect();
        (!gone.is_empty()).then(|| Finding {
            evidence: vec![format!("without a leader: partition {}", gone.join(", "))],
            next: "the log directories and brokers that hold its replicas".to_owned(),
            ..finding(
                Severity::Critical,
                Subject::Topic(topic.name.clone()),
                format!(
                    "{} of {} of {} can neither be written nor read.",
                    gone.len(),
                    words::counted(topic.partitions.len() as u64, "partition"),
                    topic.name
                ),
            )
        })
    };
    snapshot.topics.iter().filter_map(|t| offline(t)).collect()
}

fn under_replicated(snapshot: &ClusterSnapshot) -> Option<Finding> {
    let partitions = snapshot.topics.iter().flat_map(|t| &t.partitions);
    let short = partitions
        .filter(|p| p.leader.is_some() && p.under_replicated())
        .count() as u64;
    (short > 0).then(|| {
        let sentence = format!(
            "{} with fewer replicas in sync than assigned.",
            words::counted(short, "partition")
        );
        finding(Severity::Attention, Subject::Cluster, sentence)
    })
}

fn log_dir(dir: &crate::LogDir) -> Option<Finding> {
    let about = Subject::LogDir(dir.path.clone());
    if !dir.online {
        let sentence = format!("The log directory {} is offline.", dir.path);
        return Some(finding(Severity::Critical, about, sentence));
    }
    let free = dir.free_bytes as f64 / (dir.total_bytes as f64).max(1.0);
    (dir.total_bytes > 0 && free < DISK_FREE_ATTENTION).then(|| {
        let sentence = format!(
            "The disk of {} is almost full: {} of {} free.",
            dir.path,
            words::bytes(dir.free_bytes),
            words::bytes(dir.total_bytes)
        );
        finding(Severity::Attention, about, sentence)
    })
}

fn buffer(buffer: &BufferUse) -> Option<Finding> {
    let waiting = buffer.waiting.filter(|w| *w > WAIT_ATTENTION)?;
    let sentence = format!(
        "Requests wait for the buffer {}: {:.0} % of the time lately.",
        buffer.pool,
        (waiting * 100.0).min(100.0)
    );
    Some(Finding {
        evidence: vec![format!(
            "{} of {} in use, {} at most so far",
            words::bytes(buffer.used_bytes),
            words::bytes(buffer.limit_bytes),
            words::bytes(buffer.high_water_bytes)
        )],
        ..finding(
            Severity::Attention,
            Subject::Buffer(buffer.pool.clone()),
            sentence,
        )
    })
}

fn groups(snapshot: &ClusterSnapshot) -> Vec<Finding> {
    let now_ms = snapshot.taken_at_ms;
    let mut bad: Vec<_> = snapshot.groups.iter().collect();
    bad.retain(|g| group_severity(g) > Severity::Ok);
    bad.sort_by(|a, b| worse_first(a, b));
    let judged = bad.into_iter().map(|g| {
        let sentence = format!("Group {}: {}", shown(&g.id), group_summary(g, now_ms));
        finding(group_severity(g), Subject::Group(g.id.clone()), sentence)
    });
    judged.collect()
}

/// An id where a sentence needs a word.
fn shown(id: &str) -> &str {
    if id.is_empty() { "(empty id)" } else { id }
}

#[cfg(test)]
mod tests;
