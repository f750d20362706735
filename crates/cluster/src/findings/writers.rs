//! What comes into the topics that the group reads.

use super::{Case, Draft};
use crate::verdict::Severity;
use crate::words;

/// A transaction that is open for less is at work.
const HELD_SECONDS_MIN: f64 = 60.0;
/// So many times more than usual is a spike …
const SPIKE_FACTOR: f64 = 3.0;
/// … unless it is no more than this.
const SPIKE_PER_SECOND_MIN: f64 = 5.0;
/// Slower changes are noise.
const SLOPE_MIN: f64 = 1.0;
/// Event time this much older than arrival tells of a replay or a wrong clock.
const EVENT_AGE_APART_SECONDS: f64 = 300.0;

pub(super) fn open_transaction(case: &Case<'_>) -> Option<Draft> {
    let held = case.group.lately.held.as_ref()?;
    if held.seconds < HELD_SECONDS_MIN || case.group.members.is_empty() {
        return None;
    }
    let who = match (&held.transactional_id, held.producer_id) {
        (Some(id), Some(producer)) => format!("{id} (producer {producer})"),
        (Some(id), None) => id.clone(),
        (None, Some(producer)) => format!("producer {producer}"),
        (None, None) => "a producer that is not known".to_owned(),
    };
    let place = format!("{}-{}", held.topic, held.partition);
    let mut draft = Draft::finding(format!(
        "A transaction of {who} has been open for {}; {} of {place} can't be read before it ends.",
        words::seconds(held.seconds),
        words::counted(held.records, "record")
    ))
    .record(&held.topic, held.partition, held.offset)
    .number("open_seconds", held.seconds)
    .count("held_records", held.records)
    .shown(if held.is_known {
        "its members read committed records only, as their fetches say"
    } else {
        "it stands at the last stable offset, as readers of committed records do"
    });
    if let Some(id) = &held.transactional_id {
        draft = draft.text("transactional_id", id.clone());
    }
    if let Some(id) = held.producer_id {
        draft = draft.text("producer_id", id.to_string());
    }
    Some(draft.next(
        "that producer; kafka-transactions.sh find-hanging and abort, or transaction.timeout.ms",
    ))
}

pub(super) fn leader_moved(case: &Case<'_>) -> Option<Draft> {
    let moved = case.group.lately.leader_move.as_ref()?;
    if !case.lags {
        return None;
    }
    let broker =
        |id: Option<i32>| id.map_or_else(|| "nobody".to_owned(), |id| format!("broker {id}"));
    let seconds = case.since(moved.at_ms);
    Some(
        Draft::finding(format!(
            "The leader of {} moved within 10 min, of {}-{} last, {} ago.",
            words::counted(moved.partitions.into(), "partition"),
            moved.topic,
            moved.partition,
            words::seconds(seconds)
        ))
        .shown(format!(
            "from {} to {}",
            broker(moved.from),
            broker(moved.to)
        ))
        .number("since_move_seconds", seconds)
        .count("partitions", moved.partitions.into())
        .topic(&moved.topic)
        .next("why that broker lost its partitions, and whether clients found the new one"),
    )
}

pub(super) fn produce_spike(case: &Case<'_>) -> Option<Draft> {
    let lately = &case.group.lately;
    let now = lately.written_per_second?;
    let usual = lately.usually_written_per_second?;
    let read = lately.read_per_second.unwrap_or(0.0);
    let spike = now >= SPIKE_PER_SECOND_MIN && now >= SPIKE_FACTOR * usual;
    // An old lag is not of this spike.
    if !case.lags || !spike || now - read < SLOPE_MIN || case.group.members.is_empty() {
        return None;
    }
    let topics = case.group.topics.iter();
    let behind = |t: &crate::GroupTopic| -> u64 {
        let lags = t.partitions.iter().filter_map(|p| p.lag);
        lags.map(|lag| lag.records).sum()
    };
    let worst = topics.max_by_key(|topic| behind(topic));
    let mut draft = Draft::finding(format!(
        "Far more is written than usual: {} in the last minute, {} before.",
        words::per_second(now),
        words::per_second(usual)
    ))
    .shown(format!("it reads {}", words::per_second(read)))
    .number("written_per_second", now)
    .number("usually_written_per_second", usual)
    .number("read_per_second", read)
    .next("who writes; it comes back by itself if the spike ends");
    if let Some(topic) = worst {
        draft = draft.topic(&topic.name);
    }
    Some(draft)
}

pub(super) fn falls_behind(case: &Case<'_>) -> Option<Draft> {
    let lately = &case.group.lately;
    let (read, written) = (lately.read_per_second?, lately.written_per_second?);
    let lag = case.group.lag_records();
    if written - read < SLOPE_MIN || lag == 0 || case.group.members.is_empty() {
        return None;
    }
    let severity = if case.lags {
        Severity::Attention
    } else {
        Severity::Ok
    };
    if severity == Severity::Ok
        && !case
            .group
            .partitions()
            .any(|(_, p)| crate::watch::is_behind(p))
    {
        return None;
    }
    Some(
        Draft::new(
            severity,
            format!(
                "It falls behind: {} is written and {} read.",
                words::per_second(written),
                words::per_second(read)
            ),
        )
        .number("written_per_second", written)
        .number("read_per_second", read)
        .next("time per record in its members; more members help up to the number of partitions"),
    )
}

pub(super) fn catching_up(case: &Case<'_>) -> Option<Draft> {
    let lately = &case.group.lately;
    let eta = lately.eta_seconds.filter(|eta| *eta > 0.0)?;
    let mut draft = Draft::note(format!(
        "It is catching up; at this speed it is done in {}.",
        words::seconds(eta)
    ))
    .number("eta_seconds", eta);
    if let (Some(read), Some(written)) = (lately.read_per_second, lately.written_per_second) {
        draft = draft
            .shown(format!(
                "{} read, {} written in the last minute",
                words::per_second(read),
                words::per_second(written)
            ))
            .number("read_per_second", read)
            .number("written_per_second", written);
    }
    Some(draft)
}

pub(super) fn old_records(case: &Case<'_>) -> Option<Draft> {
    let group = case.group;
    let (arrival, event) = (group.lag_seconds()?, group.event_lag_seconds()?);
    (event - arrival > EVENT_AGE_APART_SECONDS).then(|| {
        Draft::note(
            "The records it reads carry timestamps much older than their arrival: a replay, a late \
             producer, or a wrong clock.",
        )
        .shown(format!(
            "{} behind by the records' timestamps, {} by their arrival",
            words::seconds(event),
            words::seconds(arrival)
        ))
        .number("event_lag_seconds", event)
        .number("lag_seconds", arrival)
    })
}
