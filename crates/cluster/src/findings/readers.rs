//! What the members do. Fetches are joined with members by client id and address, which the evidence says.

use super::{Case, Draft};
use crate::group::GroupStatus;
use crate::words;

/// Whoever fetched within this time goes on fetching.
const FETCHING_SECONDS: f64 = 60.0;
/// So many fetches without a commit are not one that is being worked on.
const FETCHES_MIN: u64 = 3;
/// Whoever is held back for less of its time is slow for another reason.
const HELD_BACK_MIN: f64 = 0.1;
/// A longer time between two fetches keeps records waiting.
const GAP_SECONDS_MAX: f64 = 60.0;
/// How a fetch is known to be of the group.
const JOINED: &str = "told by client id and address: a fetch does not say its group";

pub(super) fn commits_stopped(case: &Case<'_>) -> Option<Draft> {
    let group = case.group;
    let readers = group.lately.readers.as_ref()?;
    let goes_on = readers.fetches_since_commit >= FETCHES_MIN
        && readers.silent_seconds <= FETCHING_SECONDS
        && readers.slowest.as_ref().is_none_or(|s| !s.is_away);
    // What a transaction holds can't be committed yet.
    if group.status != GroupStatus::Stalled || !goes_on || group.lately.held.is_some() {
        return None;
    }
    let seconds = case.since(group.last_commit_ms()?);
    Some(
        Draft::finding(format!(
            "Its members fetch, but nothing has been committed for {}.",
            words::seconds(seconds)
        ))
        .shown(format!(
            "{} fetches since the last commit",
            words::count(readers.fetches_since_commit)
        ))
        .shown(JOINED)
        .number("since_commit_seconds", seconds)
        .count("fetches_since_commit", readers.fetches_since_commit)
        .next("enable.auto.commit, or commits that fail: the log of its processes"),
    )
}

pub(super) fn throttled(case: &Case<'_>) -> Option<Draft> {
    let readers = case.group.lately.readers.as_ref()?;
    let held = readers.held_back.as_ref()?;
    if !case.lags || held.share < HELD_BACK_MIN {
        return None;
    }
    Some(
        Draft::finding(format!(
            "A quota holds {} back for {:.0} % of the time.",
            held.client_id,
            held.share * 100.0
        ))
        .shown(format!("over the last minute, from {}", held.host))
        .shown(JOINED)
        .number("held_back_share", held.share)
        .text("client_id", held.client_id.clone())
        .text("host", held.host.clone())
        .next("kafka-configs --describe --entity-type clients and users: consumer_byte_rate, request_percentage"),
    )
}

pub(super) fn slow_polls(case: &Case<'_>) -> Option<Draft> {
    let readers = case.group.lately.readers.as_ref()?;
    let slow = readers.slowest.as_ref()?;
    if !case.lags || slow.gap_seconds < GAP_SECONDS_MAX {
        return None;
    }
    let gap = words::seconds(slow.gap_seconds);
    let sentence = if slow.is_away {
        format!("{} has not asked for records for {gap}.", slow.client_id)
    } else {
        format!(
            "{} lets up to {gap} pass before it asks for more records.",
            slow.client_id
        )
    };
    Some(
        Draft::finding(sentence)
            .shown(format!("time between two fetches from {}", slow.host))
            .shown(JOINED)
            .number("gap_seconds", slow.gap_seconds)
            .text("client_id", slow.client_id.clone())
            .text("host", slow.host.clone())
            .next("time per record in that process, max.poll.records, max.poll.interval.ms"),
    )
}

pub(super) fn stalled(case: &Case<'_>) -> Option<Draft> {
    let group = case.group;
    if group.status != GroupStatus::Stalled {
        return None;
    }
    let mut draft = Draft::finding("Its members hold partitions, but do not get on.")
        .next("a record it can't process, a call that hangs, and the records at that offset");
    if let Some(at) = group.last_commit_ms() {
        let seconds = case.since(at);
        let ago = words::seconds(seconds);
        draft = draft
            .shown(format!("last commit {ago} ago"))
            .number("since_commit_seconds", seconds);
    }
    let records = |lag: Option<crate::Lag>| lag.map_or(0, |lag| lag.records);
    let worst = group.partitions().max_by_key(|(_, p)| records(p.lag));
    if let Some((topic, p)) = worst
        && let Some(committed) = &p.committed
    {
        let offset = committed.offset;
        draft = draft
            .shown(format!(
                "{topic}-{} stands at offset {}",
                p.partition,
                words::count(offset.unsigned_abs())
            ))
            .record(topic, p.partition, offset);
    }
    Some(draft)
}
