//! What "behind" means: the one place where lag and the state of a group are computed.
//!
//! Pure functions over plain numbers. Whoever fills a snapshot reads the commit first and the end
//! of the log after it, so that a lag can't come out negative; it is clamped all the same.
//!
//! * Lag in records = end − max(commit, start of the log): what retention took is not unread.
//! * No commit or no log: no lag, rather than 0 or −1.
//! * Lag in seconds = age of the first unread *data* record. Nothing unread is 0 however old the
//!   last record is; not known is absent. Markers of transactions are nothing to be read.
//! * A group that stopped keeps its lag for as long as it has offsets.

use crate::group::{Group, GroupPartition, GroupState, GroupStatus, Lag};

/// Members that have unread records are expected to commit within this time: Kafka's default
/// `max.poll.interval.ms`, after which a member that does not come back is thrown out anyway.
pub const STALLED_AFTER_MS: i64 = 300_000;

/// What can be read of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readable {
    /// First offset that is still there.
    pub start: i64,
    /// Offset after the last record that the group can read: the high watermark, or the last
    /// stable offset for a group that is known to read committed records only.
    pub end: i64,
}

/// What is known of the first data record at or after the first unread offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstUnread {
    /// There is none: behind the commit are only markers of transactions, or nothing.
    None,
    /// There may be one.
    Known {
        /// When it came to the broker.
        arrived_ms: Option<i64>,
        /// What it says itself, if it has been looked up and says anything.
        stamped_ms: Option<i64>,
    },
}

impl FirstUnread {
    /// Nothing was looked up.
    pub const UNKNOWN: Self = Self::Known {
        arrived_ms: None,
        stamped_ms: None,
    };
}

/// The offset that a group reads next: its commit, or the start of the log if that is later.
pub fn next_offset(committed: i64, log: Readable) -> i64 {
    committed.max(log.start)
}

/// Offsets between a commit and the end of the log.
pub fn records(committed: i64, log: Readable) -> u64 {
    let unread = log.end.saturating_sub(next_offset(committed, log));
    u64::try_from(unread).unwrap_or(0)
}

/// How far behind a commit is; `None` without a commit, and when the partition is gone.
pub fn lag(
    committed: Option<i64>,
    log: Option<Readable>,
    first: FirstUnread,
    now_ms: i64,
) -> Option<Lag> {
    let (committed, log) = (committed?, log?);
    let records = records(committed, log);
    let caught_up = Lag {
        records: 0,
        seconds: Some(0.0),
        event_seconds: Some(0.0),
    };
    match first {
        _ if records == 0 => Some(caught_up),
        FirstUnread::None => Some(caught_up),
        FirstUnread::Known {
            arrived_ms,
            stamped_ms,
        } => Some(Lag {
            records,
            seconds: arrived_ms.map(|at| age_seconds(at, now_ms)),
            event_seconds: stamped_ms.map(|at| age_seconds(at, now_ms)),
        }),
    }
}

/// Of a share group: records behind the first that is not done may be done already.
pub fn without(lag: Lag, done: u64) -> Lag {
    let records = lag.records.saturating_sub(done);
    if records == 0 {
        return Lag {
            records,
            seconds: lag.seconds.map(|_| 0.0),
            event_seconds: lag.event_seconds.map(|_| 0.0),
        };
    }
    Lag { records, ..lag }
}

/// Seconds since a moment; 0 for one that is still to come (a clock that runs ahead).
fn age_seconds(at_ms: i64, now_ms: i64) -> f64 {
    now_ms.saturating_sub(at_ms).max(0) as f64 / 1_000.0
}

/// What a group does about its topics: the worst that holds.
///
/// * [`GroupStatus::Stopped`]: unread records and no members. A group that never has any (its
///   readers assign themselves) is stopped once it is overdue.
/// * [`GroupStatus::Stalled`]: a member's partition has a record that has been unread, and no
///   commit, for [`STALLED_AFTER_MS`].
/// * [`GroupStatus::NeverCommitted`]: a member's partition has records and no commit.
/// * [`GroupStatus::Rebalancing`]: the members are being given their partitions.
pub fn status(group: &Group, now_ms: i64) -> GroupStatus {
    if group.members.is_empty() {
        let assigns_itself = group.protocol_type.is_empty();
        let stopped = |p: &GroupPartition| is_behind(p) && (!assigns_itself || overdue(p, now_ms));
        return match group.partitions().any(|(_, p)| stopped(p)) {
            true => GroupStatus::Stopped,
            false => GroupStatus::Ok,
        };
    }
    let owned = || {
        let all = group.partitions().map(|(_, p)| p);
        all.filter(|p| p.owner.is_some())
    };
    // Whoever got a partition just now has not had the time to commit.
    let settled = now_ms.saturating_sub(group.state_since_ms) >= STALLED_AFTER_MS;
    if settled && owned().any(|p| is_behind(p) && overdue(p, now_ms)) {
        GroupStatus::Stalled
    } else if group.uncommitted_partitions() > 0 {
        GroupStatus::NeverCommitted
    } else if matches!(
        group.state,
        GroupState::PreparingRebalance
            | GroupState::CompletingRebalance
            | GroupState::Assigning
            | GroupState::Reconciling
    ) {
        GroupStatus::Rebalancing
    } else {
        GroupStatus::Ok
    }
}

fn is_behind(partition: &GroupPartition) -> bool {
    partition.lag.is_some_and(|lag| lag.records > 0)
}

/// The newest commit is old, and so is the first unread record: one that just came to a topic that
/// was silent for a day makes nobody overdue.
fn overdue(partition: &GroupPartition, now_ms: i64) -> bool {
    let committed_ms = partition.committed.as_ref().map(|c| c.at_ms);
    let silent = committed_ms.is_some_and(|at| now_ms.saturating_sub(at) >= STALLED_AFTER_MS);
    let waiting = partition.lag.and_then(|lag| lag.seconds);
    silent && waiting.is_none_or(|seconds| seconds * 1_000.0 >= STALLED_AFTER_MS as f64)
}

#[cfg(test)]
mod tests;
