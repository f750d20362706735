//! Partitions that fare differently from the others.

use super::{Case, Draft};
use crate::group::{Group, GroupPartition};
use crate::words;

/// A partition this many times worse than the median one is hot.
const HOT_FACTOR: u64 = 10;
/// Below this lag no partition is hot.
const HOT_RECORDS_MIN: u64 = 1_000;
/// Partitions that are named.
const NAMED_MAX: usize = 5;

pub(super) fn hot(case: &Case<'_>) -> Option<Draft> {
    let group = case.group;
    let records = |p: &GroupPartition| p.lag.map_or(0, |lag| lag.records);
    let mut lags: Vec<u64> = group.partitions().map(|(_, p)| records(p)).collect();
    if lags.len() < 3 || !case.lags || group.members.is_empty() {
        return None;
    }
    lags.sort_unstable();
    let median = lags[lags.len() / 2];
    let (topic, worst) = group.partitions().max_by_key(|(_, p)| records(p))?;
    let most = records(worst);
    if most < HOT_RECORDS_MIN || most / HOT_FACTOR < median.max(1) {
        return None;
    }
    let here = |topic_: &str, partition: i32| topic_ == topic && partition == worst.partition;
    let lately = &group.lately;
    // What stands still has a cause of its own.
    let stands = lately.frozen.as_ref().map(|f| here(&f.topic, f.partition));
    let held = lately.held.as_ref().map(|h| here(&h.topic, h.partition));
    if stands == Some(true) || held == Some(true) {
        return None;
    }
    let offset = worst.committed.as_ref()?.offset;
    let mut draft = Draft::finding(format!(
        "One partition is far behind the others: {topic}-{} by {}, the median by {}.",
        worst.partition,
        words::counted(most, "record"),
        words::count(median)
    ))
    .record(topic, worst.partition, offset)
    .count("max_records", most)
    .count("median_records", median);
    if let Some(owner) = owner(group, worst) {
        draft = draft
            .shown(format!("owned by {owner}"))
            .text("client_id", owner);
    }
    Some(draft.next("a key that most records share, or a slow member"))
}

pub(super) fn frozen(case: &Case<'_>) -> Option<Draft> {
    let group = case.group;
    let frozen = group.lately.frozen.as_ref().filter(|_| case.lags)?;
    let place = format!("{}-{}", frozen.topic, frozen.partition);
    let offset = words::count(frozen.offset.unsigned_abs());
    let mut draft = Draft::finding(format!(
        "{place} has stood at offset {offset} for {} while others move: it may hold a record that can't \
         be processed.",
        words::seconds(frozen.seconds)
    ))
    .record(&frozen.topic, frozen.partition, frozen.offset)
    .number("frozen_seconds", frozen.seconds)
    .count("others_moved", frozen.others_moved.into())
    .shown(format!(
        "{} moved meanwhile",
        words::counted(frozen.others_moved.into(), "other partition")
    ));
    let stuck = group
        .partitions()
        .find(|(topic, p)| *topic == frozen.topic && p.partition == frozen.partition);
    if let Some(owner) = stuck.and_then(|(_, p)| owner(group, p)) {
        draft = draft
            .shown(format!("owned by {owner}"))
            .text("client_id", owner);
    }
    Some(draft.next("the record at that offset, and what its member logs about it"))
}

pub(super) fn lost(case: &Case<'_>) -> Option<Draft> {
    let each = case.group.partitions();
    let each: Vec<(&str, i32, u64)> = each
        .map(|(topic, p)| (topic, p.partition, p.lost_records()))
        .filter(|(_, _, gone)| *gone > 0)
        .collect();
    let all: u64 = each.iter().map(|(_, _, gone)| gone).sum();
    let (topic, partition, _) = each.iter().max_by_key(|(_, _, gone)| *gone)?;
    Some(
        Draft::finding(format!(
            "{} were deleted by retention before it read them.",
            words::counted(all, "record")
        ))
        .shown(format!(
            "commits lie before the start of the log, most of all in {topic}-{partition}"
        ))
        .count("lost_records", all)
        .topic(topic)
        .next("retention.ms and retention.bytes of the topic"),
    )
}

pub(super) fn gone(case: &Case<'_>) -> Option<Draft> {
    let all = case.group.partitions();
    let gone: Vec<String> = all
        .filter(|(_, p)| p.end_offset.is_none())
        .map(|(topic, p)| format!("{topic}-{}", p.partition))
        .collect();
    (!gone.is_empty()).then(|| {
        Draft::finding(format!(
            "{} that it reads can't be reached, or do not exist any more.",
            words::counted(gone.len() as u64, "partition")
        ))
        .shown(gone[..gone.len().min(NAMED_MAX)].join(", "))
        .count("partitions", gone.len() as u64)
    })
}

/// The client id of who owns a partition.
fn owner<'a>(group: &'a Group, partition: &'a GroupPartition) -> Option<&'a str> {
    let owner = partition.owner.as_deref()?;
    let member = group.members.iter().find(|m| m.id == owner);
    Some(member.map_or(owner, |m| m.client_id.as_str()))
}
