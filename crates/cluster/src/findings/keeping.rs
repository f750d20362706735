//! What is about to be deleted: records that were not read, and offsets.

use super::{Case, Draft};
use crate::verdict::{OVERTAKES_CRITICAL_SECONDS, Severity};
use crate::words;

/// Retention that comes later than this is not worth a word yet.
const OVERTAKES_NEAR_SECONDS: f64 = 86_400.0;
/// Offsets that expire sooner than this are worth one.
const EXPIRY_NEAR_MS: i64 = 24 * 3_600_000;

pub(super) fn retention_overtakes(case: &Case<'_>) -> Option<Draft> {
    let group = case.group;
    let first = group.lately.first_overtaken()?;
    if first.seconds > OVERTAKES_NEAR_SECONDS {
        return None;
    }
    let left = words::seconds(first.seconds);
    let place = format!("{}-{}", first.topic, first.partition);
    let sentence = if first.seconds < 1.0 {
        format!("It loses records of {place} with the next run of retention.")
    } else {
        format!("It loses records of {place} in ~{left}: retention comes nearer than it gets away.")
    };
    // Where records are lost already, that is said, and no countdown can help.
    let mut partitions = group.partitions();
    let lost = partitions.any(|(topic, p)| topic == first.topic && p.lost_records() > 0);
    let severity = match first.seconds < OVERTAKES_CRITICAL_SECONDS && !lost {
        true => Severity::Critical,
        false => Severity::Attention,
    };
    Some(
        Draft::new(severity, sentence)
            .shown(format!("by {}", first.by))
            .number("overtakes_seconds", first.seconds)
            .text("limit", first.by)
            .text("partition", first.partition.to_string())
            .topic(&first.topic)
            .text("topic", first.topic.clone())
            .next(format!(
                "a longer {} of {} until it has caught up",
                first.by, first.topic
            )),
    )
}

pub(super) fn offsets_expire(case: &Case<'_>) -> Option<Draft> {
    let group = case.group;
    let left = group.offsets_expire_at_ms?.saturating_sub(case.now_ms);
    if !group.members.is_empty() || left >= EXPIRY_NEAR_MS {
        return None;
    }
    let seconds = left.max(0) as f64 / 1_000.0;
    Some(
        Draft::finding(format!(
            "Its commits begin to expire in {} unless a member comes back.",
            words::seconds(seconds)
        ))
        .number("offsets_expire_seconds", seconds)
        .next("offsets.retention.minutes"),
    )
}
