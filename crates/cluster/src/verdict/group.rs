//! A group in a word and in a sentence. Why it is so, [`findings`](crate::findings) tell.

use std::cmp::Ordering;

use super::{LAG_ATTENTION_SECONDS, Severity};
use crate::group::{Group, GroupStatus};
use crate::words;

/// A group that loses records sooner than this is in danger.
pub(crate) const OVERTAKES_CRITICAL_SECONDS: f64 = 3_600.0;

/// How bad a group is.
pub fn group_severity(group: &Group) -> Severity {
    let lags = group
        .lag_seconds()
        .is_some_and(|s| s >= LAG_ATTENTION_SECONDS);
    let first = group.lately.first_overtaken();
    let has_lost = |topic: &str| {
        let mut partitions = group.partitions().filter(|(name, _)| *name == topic);
        partitions.any(|(_, p)| p.lost_records() > 0)
    };
    if first.is_some_and(|f| f.seconds < OVERTAKES_CRITICAL_SECONDS && !has_lost(&f.topic)) {
        return Severity::Critical;
    }
    let held = group.lately.held.as_ref();
    let is_held = held.is_some_and(|held| held.seconds >= LAG_ATTENTION_SECONDS);
    match group.status {
        GroupStatus::Ok | GroupStatus::Rebalancing if !lags && !is_held => Severity::Ok,
        _ => Severity::Attention,
    }
}

/// What a group does, in a word or two.
pub fn group_word(group: &Group) -> &'static str {
    match group.status {
        GroupStatus::Ok if group.lag_records() == 0 && group_severity(group) > Severity::Ok => {
            "held up"
        }
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
