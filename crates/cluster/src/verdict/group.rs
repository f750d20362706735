//! Why a group lags: its causes, the gravest first, each with the numbers that show it.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::{Finding, LAG_ATTENTION_SECONDS, Severity, Subject, finding};
use crate::group::{Group, GroupPartition, GroupState, GroupStatus};
use crate::words;

/// So many rebalances within the trend are a loop.
const REBALANCE_LOOP: u64 = 4;
/// A partition this many times worse than the median one is hot.
const HOT_FACTOR: u64 = 10;
/// Below this lag no partition is hot.
const HOT_RECORDS_MIN: u64 = 1_000;
/// Slopes below this many records a second are noise.
const SLOPE_MIN: f64 = 1.0;
/// Offsets that expire sooner than this are worth a word.
const EXPIRY_NEAR_MS: i64 = 24 * 3_600_000;
/// Event time this much older than arrival tells of a replay or a wrong clock.
const EVENT_AGE_APART_SECONDS: f64 = 300.0;

/// How a group did over the last minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GroupTrend {
    /// Seconds that it covers.
    pub seconds: f64,
    /// Unread records gained per second; negative while it catches up.
    pub lag_slope: Option<f64>,
    /// Rebalances that ended.
    pub rebalances: u64,
}

/// How bad a group is.
pub fn group_severity(group: &Group) -> Severity {
    let lags = group
        .lag_seconds()
        .is_some_and(|s| s >= LAG_ATTENTION_SECONDS);
    match group.status {
        GroupStatus::Ok | GroupStatus::Rebalancing if !lags => Severity::Ok,
        _ => Severity::Attention,
    }
}

/// What a group does, in a word or two.
pub fn group_word(group: &Group) -> &'static str {
    match group.status {
        GroupStatus::Ok if group_severity(group) > Severity::Ok => "lagging",
        GroupStatus::Ok if group.members.is_empty() => "empty",
        GroupStatus::Ok => "ok",
        GroupStatus::Rebalancing => "rebalancing",
        GroupStatus::NeverCommitted => "no commit yet",
        GroupStatus::Stalled => "stalled",
        GroupStatus::Stopped => "stopped",
    }
}

/// The gravest first: for lists.
pub fn worse_first(a: &Group, b: &Group) -> Ordering {
    let key = |g: &Group| (group_severity(g), g.lag_seconds().unwrap_or(0.0));
    let ((a_severity, a_seconds), (b_severity, b_seconds)) = (key(a), key(b));
    b_severity
        .cmp(&a_severity)
        .then(b_seconds.total_cmp(&a_seconds))
        .then(b.lag_records().cmp(&a.lag_records()))
        .then(a.id.cmp(&b.id))
}

/// A group in one sentence.
pub fn group_summary(group: &Group, now_ms: i64) -> String {
    let behind = behind(group);
    let members = words::counted(group.members.len() as u64, "member");
    let since = words::seconds((now_ms - group.state_since_ms).max(0) as f64 / 1000.0);
    match group.status {
        GroupStatus::Stopped => format!("it has no members for {since}, and is {behind}."),
        GroupStatus::Stalled => match group.last_commit_ms() {
            Some(at) => format!(
                "{members} and nothing committed for {}, while it is {behind}.",
                words::seconds((now_ms - at).max(0) as f64 / 1000.0)
            ),
            None => format!("{members} and nothing committed, while it is {behind}."),
        },
        GroupStatus::NeverCommitted => format!(
            "{members}, and it has not committed yet in {}: how far behind it is there can't be \
             known.",
            words::counted(group.uncommitted_partitions() as u64, "partition")
        ),
        GroupStatus::Rebalancing => {
            format!("{members} are being given their partitions since {since}; it is {behind}.")
        }
        GroupStatus::Ok if group.members.is_empty() => {
            format!("no members, and it is {behind}.")
        }
        GroupStatus::Ok => {
            let verb = if group.members.len() == 1 {
                "reads"
            } else {
                "read"
            };
            format!("{members} {verb}; it is {behind}.")
        }
    }
}

/// `120 records behind, the oldest of them for 4 s`.
fn behind(group: &Group) -> String {
    let records = group.lag_records();
    if records == 0 {
        let known = group.partitions().any(|(_, p)| p.lag.is_some());
        let text = if known { "up to date" } else { "nowhere yet" };
        return text.to_owned();
    }
    let text = format!("{} behind", words::counted(records, "record"));
    match group.lag_seconds() {
        Some(seconds) => format!("{text}, the oldest waiting for {}", words::seconds(seconds)),
        None => text,
    }
}

/// The causes of what a group does, the gravest first. `trend` is what was seen lately.
pub fn explain(group: &Group, trend: GroupTrend, now_ms: i64) -> Vec<Finding> {
    let about = About(group);
    let mut causes: Vec<Finding> = [
        about.no_members(now_ms),
        about.rebalance_loop(trend),
        about.never_committed(),
        about.stalled(now_ms),
        about.lost_records(),
        about.gone_partitions(),
        about.hot_partition(),
        about.direction(trend),
        about.idle_members(),
        about.expiry(now_ms),
        about.old_records(),
    ]
    .into_iter()
    .flatten()
    .collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.severity));
    causes
}

struct About<'a>(&'a Group);

impl About<'_> {
    fn cause(&self, severity: Severity, sentence: String) -> Finding {
        finding(severity, Subject::Group(self.0.id.clone()), sentence)
    }

    fn no_members(&self, now_ms: i64) -> Option<Finding> {
        let group = self.0;
        if !group.members.is_empty() || group.state != GroupState::Empty {
            return None;
        }
        let unread = group.lag_records() > 0;
        let severity = if unread {
            Severity::Attention
        } else {
            Severity::Ok
        };
        let sentence = if unread {
            "Nobody reads: the group has no members, and records wait."
        } else {
            "The group has no members; nothing waits for it."
        };
        let mut cause = self.cause(severity, sentence.to_owned());
        let since = words::seconds((now_ms - group.state_since_ms).max(0) as f64 / 1000.0);
        cause.evidence.push(format!("without members for {since}"));
        if let Some(last) = &group.activity.last_rebalance {
            cause.evidence.push(format!(
                "the last rebalance began with {}",
                last.cause.replace('_', " ")
            ));
        }
        if unread {
            cause.next = "whether its processes run, and what they logged last".to_owned();
        }
        Some(cause)
    }

    fn rebalance_loop(&self, trend: GroupTrend) -> Option<Finding> {
        if trend.rebalances < REBALANCE_LOOP {
            return None;
        }
        let sentence = "It rebalances again and again; each time its members stop reading.";
        let mut cause = self.cause(Severity::Attention, sentence.to_owned());
        cause.evidence.push(format!(
            "{} in {}",
            words::counted(trend.rebalances, "rebalance"),
            words::seconds(trend.seconds)
        ));
        let counted = self.0.activity.rebalances.iter().filter(|(_, n)| *n > 0);
        let by_cause: Vec<String> = counted
            .map(|(cause, n)| format!("{} {}", cause.replace('_', " "), words::count(*n)))
            .collect();
        if !by_cause.is_empty() {
            let text = format!("since the start: {}", by_cause.join(", "));
            cause.evidence.push(text);
        }
        cause.next =
            "members that crash or restart, max.poll.interval.ms, session.timeout.ms".to_owned();
        Some(cause)
    }

    fn never_committed(&self) -> Option<Finding> {
        let owned = self.0.uncommitted_partitions();
        if self.0.members.is_empty() || owned == 0 {
            return None;
        }
        let any = self.0.last_commit_ms().is_some();
        let sentence = if any {
            "Some of its partitions have not been committed yet; their lag is not known, and not 0."
        } else {
            "It has not committed yet: a crash before its first commit makes it start anew by \
             auto.offset.reset, and its lag is not known."
        };
        let serious = self.0.status == GroupStatus::NeverCommitted;
        let severity = if serious {
            Severity::Attention
        } else {
            Severity::Ok
        };
        let mut cause = self.cause(severity, sentence.to_owned());
        cause.evidence.push(format!(
            "{} owned by a member, without a commit",
            words::counted(owned as u64, "partition")
        ));
        cause.next = "enable.auto.commit, or the place where the application commits".to_owned();
        Some(cause)
    }

    fn stalled(&self, now_ms: i64) -> Option<Finding> {
        if self.0.status != GroupStatus::Stalled {
            return None;
        }
        let sentence = "Its members hold partitions, but do not get on.";
        let mut cause = self.cause(Severity::Attention, sentence.to_owned());
        if let Some(at) = self.0.last_commit_ms() {
            let ago = words::seconds((now_ms - at).max(0) as f64 / 1000.0);
            cause.evidence.push(format!("last commit {ago} ago"));
        }
        let frozen = self.worst(|p| p.lag.map_or(0, |lag| lag.records));
        if let Some((topic, p)) = frozen
            && let Some(committed) = &p.committed
        {
            cause.evidence.push(format!(
                "{topic}-{} stands at offset {}",
                p.partition,
                words::count(committed.offset.unsigned_abs())
            ));
        }
        cause.next = "a record it can't process, a call that hangs, and the records at that offset"
            .to_owned();
        Some(cause)
    }

    fn lost_records(&self) -> Option<Finding> {
        let lost = |p: &GroupPartition| {
            let committed = p.committed.as_ref()?.offset;
            let gone = p.log_start_offset? - committed;
            u64::try_from(gone).ok().filter(|gone| *gone > 0)
        };
        let all: u64 = self.0.partitions().filter_map(|(_, p)| lost(p)).sum();
        (all > 0).then(|| {
            let sentence = format!(
                "{} were deleted by retention before it read them.",
                words::counted(all, "record")
            );
            let mut cause = self.cause(Severity::Attention, sentence);
            cause
                .evidence
                .push("commits lie before the start of the log".to_owned());
            cause.next = "retention.ms and retention.bytes of the topic".to_owned();
            cause
        })
    }

    fn gone_partitions(&self) -> Option<Finding> {
        let all = self.0.partitions();
        let gone: Vec<String> = all
            .filter(|(_, p)| p.end_offset.is_none())
            .map(|(topic, p)| format!("{topic}-{}", p.partition))
            .collect();
        (!gone.is_empty()).then(|| {
            let sentence = format!(
                "{} that it reads can't be reached, or do not exist any more.",
                words::counted(gone.len() as u64, "partition")
            );
            let mut cause = self.cause(Severity::Attention, sentence);
            cause.evidence.push(gone[..gone.len().min(5)].join(", "));
            cause
        })
    }

    fn hot_partition(&self) -> Option<Finding> {
        let records = |p: &GroupPartition| p.lag.map_or(0, |lag| lag.records);
        let mut lags: Vec<u64> = self.0.partitions().map(|(_, p)| records(p)).collect();
        if lags.len() < 3 {
            return None;
        }
        lags.sort_unstable();
        let median = lags[lags.len() / 2];
        let (topic, worst) = self.worst(records)?;
        let most = records(worst);
        if most < HOT_RECORDS_MIN || most / HOT_FACTOR < median.max(1) {
            return None;
        }
        let sentence = format!(
            "One partition is far behind the others: {topic}-{}.",
            worst.partition
        );
        let mut cause = self.cause(Severity::Attention, sentence);
        cause.evidence.push(format!(
            "{} behind; the median partition {}",
            words::counted(most, "record"),
            words::count(median)
        ));
        if let Some(owner) = &worst.owner {
            let named = self.0.members.iter().find(|m| &m.id == owner);
            let name = named.map_or(owner.as_str(), |m| m.client_id.as_str());
            cause.evidence.push(format!("owned by {name}"));
        }
        cause.next = "a key that most records share, or a slow member".to_owned();
        Some(cause)
    }

    fn direction(&self, trend: GroupTrend) -> Option<Finding> {
        let slope = trend.lag_slope?;
        let lag = self.0.lag_records();
        if slope.abs() < SLOPE_MIN || lag == 0 || self.0.members.is_empty() {
            return None;
        }
        let lags = self.0.lag_seconds().unwrap_or(0.0) >= LAG_ATTENTION_SECONDS;
        let over = format!("over the last {}", words::seconds(trend.seconds));
        if slope < 0.0 {
            let left = words::seconds(lag as f64 / -slope);
            let sentence = format!("It is catching up; at this speed it is done in {left}.");
            let mut cause = self.cause(Severity::Ok, sentence);
            let speed = words::per_second(-slope);
            cause
                .evidence
                .push(format!("lag shrinks by {speed} {over}"));
            return Some(cause);
        }
        let severity = if lags {
            Severity::Attention
        } else {
            Severity::Ok
        };
        let sentence = "It falls behind: more is produced than its members get done.";
        let mut cause = self.cause(severity, sentence.to_owned());
        let speed = words::per_second(slope);
        cause.evidence.push(format!("lag grows by {speed} {over}"));
        cause.next = "time per record in its members; more members help up to the number of \
                      partitions"
            .to_owned();
        Some(cause)
    }

    fn idle_members(&self) -> Option<Finding> {
        if self.0.state != GroupState::Stable {
            return None;
        }
        let owners: HashSet<&str> = self
            .0
            .partitions()
            .filter_map(|(_, p)| p.owner.as_deref())
            .collect();
        let idle = self.0.members.iter().filter(|m| {
            !owners.contains(m.id.as_str()) && m.assignment.iter().all(|(_, p)| p.is_empty())
        });
        let idle = idle.count();
        (idle > 0).then(|| {
            let sentence = format!(
                "{} without a partition: there are more members than partitions.",
                words::counted(idle as u64, "member")
            );
            self.cause(Severity::Ok, sentence)
        })
    }

    fn expiry(&self, now_ms: i64) -> Option<Finding> {
        let left = self.0.offsets_expire_at_ms? - now_ms;
        (self.0.members.is_empty() && left < EXPIRY_NEAR_MS).then(|| {
            let sentence = format!(
                "Its commits begin to expire in {} unless a member comes back.",
                words::seconds(left.max(0) as f64 / 1000.0)
            );
            let mut cause = self.cause(Severity::Attention, sentence);
            cause.next = "offsets.retention.minutes".to_owned();
            cause
        })
    }

    fn old_records(&self) -> Option<Finding> {
        let (arrival, event) = (self.0.lag_seconds()?, self.0.event_lag_seconds()?);
        (event - arrival > EVENT_AGE_APART_SECONDS).then(|| {
            let sentence = "The records it reads carry timestamps much older than their arrival: a \
                            replay, a late producer, or a wrong clock.";
            let mut cause = self.cause(Severity::Ok, sentence.to_owned());
            cause.evidence.push(format!(
                "{} behind by the records' timestamps, {} by their arrival",
                words::seconds(event),
                words::seconds(arrival)
            ));
            cause
        })
    }

    fn worst(&self, of: impl Fn(&GroupPartition) -> u64) -> Option<(&str, &GroupPartition)> {
        self.0.partitions().max_by_key(|(_, p)| of(p))
    }
}
