//! One test per complaint of metrics.md d.2 that this crate can answer, then the states.

use super::*;
use crate::group::{Committed, GroupTopic, Member};

const NOW: i64 = 1_700_000_000_000;
const LOG: Readable = Readable {
    start: 100,
    end: 150,
};

fn known(arrived_ms: i64, stamped_ms: i64) -> FirstUnread {
    FirstUnread::Known {
        arrived_ms: Some(arrived_ms),
        stamped_ms: Some(stamped_ms),
    }
}

fn member(id: &str) -> Member {
    Member {
        id: id.to_owned(),
        ..Member::default()
    }
}

/// A partition with 50 unread records of this age, last committed so long ago.
fn behind(committed_ago_ms: i64, oldest_ago_ms: i64) -> GroupPartition {
    let lag = lag(
        Some(100),
        Some(LOG),
        known(NOW - oldest_ago_ms, NOW - oldest_ago_ms),
        NOW,
    );
    GroupPartition {
        partition: 0,
        owner: Some("m".to_owned()),
        committed: Some(Committed {
            offset: 100,
            at_ms: NOW - committed_ago_ms,
            ..Committed::default()
        }),
        log_start_offset: Some(LOG.start),
        end_offset: Some(LOG.end),
        lag,
    }
}

fn group(members: Vec<Member>, partitions: Vec<GroupPartition>) -> Group {
    Group {
        id: "g".to_owned(),
        state: match members.is_empty() {
            true => GroupState::Empty,
            false => GroupState::Stable,
        },
        protocol_type: "consumer".to_owned(),
        members,
        topics: vec![GroupTopic {
            name: "t".to_owned(),
            partitions,
        }],
        ..Group::default()
    }
}

/// Negative lag: the end was read before the commit.
#[test]
fn a_commit_beyond_the_end_is_no_negative_lag() {
    assert_eq!(records(151, LOG), 0);
    assert_eq!(records(i64::MAX, LOG), 0);
    let torn = Readable { start: 7, end: -1 };
    assert_eq!(records(i64::MIN, torn), 0);
    let lag = lag(Some(151), Some(LOG), known(NOW + 5_000, NOW + 5_000), NOW).unwrap();
    assert_eq!((lag.records, lag.seconds), (0, Some(0.0)));
}

/// "−1 or the full log as lag when nothing was committed."
#[test]
fn without_a_commit_there_is_no_lag_rather_than_zero_or_minus_one() {
    assert_eq!(lag(None, Some(LOG), FirstUnread::UNKNOWN, NOW), None);
    assert_eq!(lag(None, None, FirstUnread::UNKNOWN, NOW), None);
}

/// "Lag disappears when all members stop, just when it matters."
#[test]
fn a_group_without_members_keeps_its_lag_and_is_stopped() {
    let partition = GroupPartition {
        owner: None,
        ..behind(0, 0)
    };
    let stopped = group(Vec::new(), vec![partition]);
    assert_eq!(stopped.lag_records(), 50);
    assert_eq!(status(&stopped, NOW), GroupStatus::Stopped);
    let a_week_later = NOW + 7 * 86_400_000;
    assert_eq!(status(&stopped, a_week_later), GroupStatus::Stopped);
}

/// "Lag of abandoned topics stays or grows for ever."
#[test]
fn a_partition_that_is_gone_has_no_lag() {
    assert_eq!(lag(Some(5), None, known(NOW, NOW), NOW), None);
    let gone = GroupPartition {
        log_start_offset: None,
        end_offset: None,
        lag: None,
        ..behind(0, 0)
    };
    let group = group(Vec::new(), vec![gone]);
    assert_eq!((group.lag_records(), group.lag_seconds()), (0, None));
    assert_eq!(status(&group, NOW), GroupStatus::Ok);
}

/// "Time lag: NaN when idle, huge after idle."
#[test]
fn who_has_read_all_is_zero_seconds_behind_however_long_ago_that_was() {
    let lag = lag(Some(150), Some(LOG), FirstUnread::UNKNOWN, NOW).unwrap();
    assert_eq!((lag.seconds, lag.event_seconds), (Some(0.0), Some(0.0)));
}

/// "Huge in a replay": what arrives late carries old timestamps.
#[test]
fn a_replay_is_young_by_arrival_and_old_by_event_time() {
    let a_year = 365 * 86_400_000;
    let lag = lag(Some(100), Some(LOG), known(NOW - 2_500, NOW - a_year), NOW).unwrap();
    assert_eq!(lag.records, 50);
    assert_eq!(lag.seconds, Some(2.5));
    assert_eq!(lag.event_seconds, Some(31_536_000.0));
}

/// "Capped at the table's 30 min": there is no table, the age is the record's.
#[test]
fn seconds_grow_without_a_cap() {
    let lag = lag(Some(100), Some(LOG), known(NOW - 86_400_000, NOW), NOW).unwrap();
    assert_eq!(lag.seconds, Some(86_400.0));
}

#[test]
fn unknown_times_are_absent_and_clocks_ahead_are_zero() {
    let unknown = lag(Some(100), Some(LOG), FirstUnread::UNKNOWN, NOW).unwrap();
    assert_eq!((unknown.seconds, unknown.event_seconds), (None, None));
    let ahead = lag(Some(100), Some(LOG), known(NOW + 1, i64::MAX), NOW).unwrap();
    assert_eq!((ahead.seconds, ahead.event_seconds), (Some(0.0), Some(0.0)));
    let hostile = lag(Some(100), Some(LOG), known(i64::MIN, i64::MIN), NOW).unwrap();
    assert!(hostile.seconds.unwrap().is_finite());
}

/// "read_committed: lag against the high watermark never reaches 0; control records leave 1."
#[test]
fn markers_of_transactions_are_nothing_to_be_read() {
    let marker_left = Readable { start: 0, end: 150 };
    let lag_of = |first| lag(Some(149), Some(marker_left), first, NOW).unwrap();
    assert_eq!(lag_of(FirstUnread::None).records, 0);
    assert_eq!(lag_of(FirstUnread::None).seconds, Some(0.0));
    assert_eq!(lag_of(known(NOW, NOW)).records, 1);
    // An open transaction: whoever reads committed records has read up to the last stable offset.
    let stable = Readable { start: 0, end: 120 };
    assert_eq!(records(120, stable), 0);
}

/// "Phantom lag: committed below log start after retention."
#[test]
fn what_retention_took_is_not_unread() {
    assert_eq!(records(3, LOG), 50);
    assert_eq!(next_offset(3, LOG), 100);
    let emptied = Readable {
        start: 150,
        end: 150,
    };
    assert_eq!(
        lag(Some(3), Some(emptied), known(0, 0), NOW)
            .unwrap()
            .records,
        0
    );
}

#[test]
fn a_group_is_stalled_once_commit_and_record_are_both_old() {
    let members = || vec![member("m")];
    let old = STALLED_AFTER_MS;
    let status_of = |partition| status(&group(members(), vec![partition]), NOW);
    assert_eq!(status_of(behind(old, old)), GroupStatus::Stalled);
    assert_eq!(status_of(behind(old - 1, old)), GroupStatus::Ok, "slow");
    assert_eq!(
        status_of(behind(86_400_000, 1_000)),
        GroupStatus::Ok,
        "a record came to a topic that was silent"
    );
    let unknown_age = GroupPartition {
        lag: lag(Some(100), Some(LOG), FirstUnread::UNKNOWN, NOW),
        ..behind(old, old)
    };
    assert_eq!(status_of(unknown_age), GroupStatus::Stalled);
    let nobodys = GroupPartition {
        owner: None,
        ..behind(old, old)
    };
    assert_eq!(status_of(nobodys), GroupStatus::Ok, "a topic of before");
    let mut fresh = group(members(), vec![behind(old, old)]);
    fresh.state_since_ms = NOW - 1_000;
    assert_eq!(status(&fresh, NOW), GroupStatus::Ok, "it has just begun");
}

#[test]
fn a_group_that_assigns_itself_is_stopped_once_it_is_overdue() {
    let mut simple = group(Vec::new(), vec![behind(1_000, 86_400_000)]);
    simple.protocol_type.clear();
    assert_eq!(status(&simple, NOW), GroupStatus::Ok, "it commits");
    assert_eq!(
        status(&simple, NOW + STALLED_AFTER_MS),
        GroupStatus::Stopped
    );
}

#[test]
fn never_committed_needs_a_member_and_records() {
    let uncommitted = GroupPartition {
        committed: None,
        lag: None,
        ..behind(0, 0)
    };
    let with_member = group(vec![member("m")], vec![uncommitted.clone()]);
    assert_eq!(status(&with_member, NOW), GroupStatus::NeverCommitted);
    let empty = GroupPartition {
        log_start_offset: Some(150),
        ..uncommitted.clone()
    };
    let nothing_there = group(vec![member("m")], vec![empty]);
    assert_eq!(status(&nothing_there, NOW), GroupStatus::Ok);
    let nobodys = GroupPartition {
        owner: None,
        ..uncommitted
    };
    assert_eq!(
        status(&group(vec![member("m")], vec![nobodys]), NOW),
        GroupStatus::Ok
    );
}

#[test]
fn the_worst_that_holds_is_said() {
    let idle = GroupPartition {
        lag: lag(Some(150), Some(LOG), FirstUnread::UNKNOWN, NOW),
        ..behind(STALLED_AFTER_MS, 0)
    };
    let mut rebalancing = group(vec![member("m")], vec![idle]);
    for state in [
        GroupState::PreparingRebalance,
        GroupState::CompletingRebalance,
    ] {
        rebalancing.state = state;
        assert_eq!(status(&rebalancing, NOW), GroupStatus::Rebalancing);
    }
    let old = behind(STALLED_AFTER_MS, STALLED_AFTER_MS);
    rebalancing.topics[0].partitions.push(old);
    assert_eq!(status(&rebalancing, NOW), GroupStatus::Stalled);
    let mut empty = group(Vec::new(), Vec::new());
    empty.state = GroupState::Dead;
    assert_eq!(status(&empty, NOW), GroupStatus::Ok);
}
