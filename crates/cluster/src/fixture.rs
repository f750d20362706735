//! Groups for tests.

use crate::group::{Committed, Group, GroupPartition, GroupState, GroupTopic, Lag, Member};

/// When everything is looked at.
pub(crate) const NOW: i64 = 1_000_000_000;

/// A group whose partitions have these lags (records, seconds).
pub(crate) fn group(id: &str, lags: &[(u64, f64)]) -> Group {
    let partitions = (0..).zip(lags).map(|(partition, (records, seconds))| {
        let end = 5_000_000;
        GroupPartition {
            partition,
            owner: Some("m-1".to_owned()),
            committed: Some(Committed {
                offset: end - *records as i64,
                at_ms: NOW - 4_000,
                ..Committed::default()
            }),
            log_start_offset: Some(0),
            end_offset: Some(end),
            lag: Some(Lag {
                records: *records,
                seconds: Some(*seconds),
                event_seconds: Some(*seconds),
            }),
        }
    });
    Group {
        id: id.to_owned(),
        state: GroupState::Stable,
        state_since_ms: NOW - 90_000,
        members: vec![Member {
            id: "m-1".to_owned(),
            client_id: "worker".to_owned(),
            ..Member::default()
        }],
        topics: vec![GroupTopic {
            name: "orders".to_owned(),
            partitions: partitions.collect(),
        }],
        ..Group::default()
    }
}
