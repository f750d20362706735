//! How far behind a group is, from a commit on the wire to the snapshot that every face reads.

use limpid_cluster::{Group, GroupStatus};
use limpid_protocol::ErrorCode;
use limpid_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};

use crate::home::{Client, Home, until};

/// Commits for a group without members; the coordinator may still be opening its log.
fn commit(client: &mut Client, group: &str, topic: &str, offset: i64) {
    let request = OffsetCommitRequest {
        group_id: group.to_owned(),
        topics: vec![OffsetCommitRequestTopic {
            name: topic.to_owned(),
            partitions: vec![OffsetCommitRequestPartition {
                committed_offset: offset,
                ..OffsetCommitRequestPartition::default()
            }],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    };
    until("commit", || {
        let response = client.call(&request, 8);
        let code = response.topics[0].partitions[0].error_code;
        let wait = [
            ErrorCode::CoordinatorNotAvailable,
            ErrorCode::CoordinatorLoadInProgress,
            ErrorCode::NotCoordinator,
        ];
        let is_early = wait.iter().any(|e| e.code() == code);
        assert!(code == 0 || is_early, "error {code}");
        (code == 0).then_some(())
    });
}

/// The group once it is as wanted. Nobody is ever ahead of a log on the way there.
fn group_when(home: &Home, id: &str, wanted: impl Fn(&Group) -> bool) -> Group {
    until(&format!("group {id} as wanted"), || {
        let snapshot = home.server().cluster().snapshot();
        let group = snapshot.groups.iter().find(|g| g.id == id)?;
        for (_, p) in group.partitions() {
            let committed = p.committed.as_ref().map(|c| c.offset);
            assert!(committed <= p.end_offset || p.end_offset.is_none(), "{p:?}");
        }
        wanted(group).then(|| (**group).clone())
    })
}

#[test]
fn a_commit_becomes_a_lag_in_records_and_seconds() {
    let home = Home::start();
    let mut client = home.client();
    client.create("lagging");
    // Stamped with the first millisecond of 1970: old by event time, new by arrival.
    for n in 0..5 {
        assert_eq!(client.produce("lagging", b"v"), n);
    }
    commit(&mut client, "batch", "lagging", 2);
    let behind = group_when(&home, "batch", |g| g.event_lag_seconds().is_some());
    assert_eq!(behind.lag_records(), 3);
    let seconds = behind.lag_seconds().unwrap();
    assert!((0.0..30.0).contains(&seconds), "{seconds}");
    assert!(behind.event_lag_seconds().unwrap() > 1e9);
    assert_eq!(behind.status, GroupStatus::Ok, "it committed just now");
    let older = group_when(&home, "batch", |g| g.lag_seconds() > Some(seconds));
    assert_eq!(older.lag_records(), 3);

    for n in 0..200 {
        let offset = client.produce("lagging", b"v");
        assert_eq!(offset, 5 + n);
        commit(&mut client, "batch", "lagging", offset + 1);
    }
    let caught_up = group_when(&home, "batch", |g| g.lag_records() == 0);
    assert_eq!(caught_up.lag_seconds(), Some(0.0));
    assert_eq!(caught_up.event_lag_seconds(), Some(0.0));
}
