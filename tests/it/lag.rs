//! How far behind a group is, from a commit on the wire to the snapshot that every face reads.
//!
//! What people complain of in other lag services, and the tests that it is not so here. Names without a path
//! are of this file.
//!
//! | complaint | classic groups | KIP-848 | share groups |
//! | --- | --- | --- | --- |
//! | negative lag | [`group_when`] asserts it in every look; `cluster::lag::tests::a_commit_beyond_the_end_is_no_negative_lag` | `a_group_of_the_next_protocol_counts_its_members` | `shares::what_is_acknowledged_is_done` |
//! | −1 or the full log where nothing was committed | `nothing_committed_is_absent`; `cluster::lag::tests::without_a_commit_there_is_no_lag_rather_than_zero_or_minus_one` | the same code, `a_group_of_the_next_protocol_counts_its_members` | `broker::source::groups::tests::a_share_group_is_behind_by_what_is_not_done` |
//! | lag disappears when all members stop | `who_stopped_keeps_its_lag_and_who_is_deleted_is_gone`, `findings::nobody_reads` | the same code | |
//! | lag of deleted topics and groups stays | `who_stopped_keeps_its_lag_and_who_is_deleted_is_gone`; `exporter::collectors::kafka_exporter::tests::a_deleted_topic_leaves_no_series` | the same code | `shares::what_is_acknowledged_is_done` |
//! | members of KIP-848 groups are 0 | | `a_group_of_the_next_protocol_counts_its_members` | `shares::what_is_acknowledged_is_done` |
//! | time lag: NaN when idle, huge after idle or in a replay, capped | `a_commit_becomes_a_lag_in_records_and_seconds`; `cluster::lag::tests::{who_has_read_all_is_zero_seconds_behind_however_long_ago_that_was, a_replay_is_young_by_arrival_and_old_by_event_time, seconds_grow_without_a_cap}` | the same code | the same code |
//! | read_committed never reaches 0; control records leave 1 | `a_committed_transaction_leaves_nothing_unread`, `findings::a_transaction_stays_open`; `broker::source::groups::tests::{a_marker_behind_the_commit_is_nothing_to_be_read, who_reads_committed_records_is_not_behind_an_open_transaction}` | the same code | |
//! | phantom lag: committed below the start of the log | `what_was_deleted_is_not_unread`; `cluster::lag::tests::what_retention_took_is_not_unread` | the same code | the same code |
//! | requests inside of the scrape, cost for each scraper | `exporter::http::tests::scrapes_at_once_share_a_rendering`; a collector has nothing but a snapshot to ask | | |
//! | too many series | `exporter::collectors::tests::too_many_groups_leave_room_for_those_that_were_active_last`; `cluster::watch::tests::what_is_gone_is_forgotten_and_there_is_a_limit` | | |
//! | duplicate series | `no_series_is_there_twice` with all dialects; `exporter::page::tests::no_series_and_no_family_is_written_twice` | | |
//! | catching up with the offsets topic | none: the coordinator is here; after a restart `groups::a_group_lives_through_a_restart` | | |
//! | configurations described in each scrape | none is: as above, there is only the snapshot | | |
//! | Burrow: lag only changes with a commit, slow topics STOP | `a_commit_becomes_a_lag_in_records_and_seconds` (between commits it grows older); Burrow's own rules as they are: `cluster::burrow::tests` | | |
//! | (ours) what nobody reads any more is flagged and stays in sums | `a_topic_that_is_left_alone_is_stale` | the same code | |

use std::collections::HashSet;

use limpid_cluster::{Group, GroupKind, GroupStatus};
use limpid_protocol::ErrorCode;
use limpid_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};

use limpid_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use limpid_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use limpid_protocol::messages::{
    ConsumerGroupHeartbeatRequest, DeleteGroupsRequest, EndTxnRequest,
};

use crate::home::{Client, Home, until};
use crate::scene::{GROUP, Scene, TOPIC, patiently};

/// Commits for a group without members; the coordinator may still be opening its log.
pub fn commit(client: &mut Client, group: &str, topic: &str, offset: i64) {
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

#[test]
fn nothing_committed_is_absent() {
    let mut scene = Scene::new(1);
    let _reader = scene.reader("c", &[0]);
    scene.write(0, 10);
    let group = group_when(&scene.home, GROUP, |g| g.uncommitted_partitions() == 1);
    assert_eq!(
        (group.lag_seconds(), group.lately.eta_seconds),
        (None, None)
    );
    let page = scene.home.get("/metrics?dialect=all");
    for family in [
        "limpid_group_lag_records{",
        "kafka_consumergroup_lag{",
        "limpid_group_eta_seconds{",
    ] {
        assert!(!page.contains(family), "{family} in {page}");
    }
}

#[test]
fn who_stopped_keeps_its_lag_and_who_is_deleted_is_gone() {
    let mut scene = Scene::new(1);
    let mut reader = scene.reader("c", &[0]);
    reader.commit(&[(0, 4)]);
    scene.write(0, 10);
    reader.leave();
    group_when(&scene.home, GROUP, |g| g.status == GroupStatus::Stopped);
    let line = format!(
        "limpid_group_lag_records{{group=\"{GROUP}\",topic=\"{TOPIC}\",partition=\"0\"}} 6"
    );
    assert!(scene.home.scrape().contains(&line), "{line}");
    scene.client.delete(TOPIC);
    let lacks = |what: String| {
        until("end of the series", || {
            (!scene.home.get("/metrics?dialect=all").contains(&what)).then_some(())
        });
    };
    lacks(format!("{{group=\"{GROUP}\",topic"));
    lacks(format!("consumergroup=\"{GROUP}\",topic"));
    let request = DeleteGroupsRequest {
        groups_names: vec![GROUP.to_owned()],
    };
    let answer = scene.home.client().call(&request, 2);
    let code = answer.results[0].error_code;
    assert!(
        code == 0 || code == ErrorCode::GroupIdNotFound.code(),
        "{answer:?}"
    );
    lacks(format!("=\"{GROUP}\""));
}

#[test]
fn a_group_of_the_next_protocol_counts_its_members() {
    let mut scene = Scene::new(1);
    scene.write(0, 9);
    let mut beat = ConsumerGroupHeartbeatRequest {
        group_id: GROUP.to_owned(),
        member_id: "wTVcqRjJSgqLxQnmJ1yUbA".to_owned(),
        rebalance_timeout_ms: 60_000,
        subscribed_topic_names: Some(vec![TOPIC.to_owned()]),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    };
    let mut client = scene.home.client();
    let assigned = until("assignment", || {
        let answer = client.call(&beat, 1);
        if answer.error_code != 0 {
            return None;
        }
        beat.member_epoch = answer.member_epoch;
        answer.assignment.filter(|a| !a.topic_partitions.is_empty())
    });
    let owned = assigned.topic_partitions.into_iter();
    beat.topic_partitions = Some(
        owned
            .map(|t| TopicPartitions {
                topic_id: t.topic_id,
                partitions: t.partitions,
            })
            .collect(),
    );
    assert_eq!(client.call(&beat, 1).error_code, 0);
    let group = group_when(&scene.home, GROUP, |g| g.uncommitted_partitions() == 1);
    assert_eq!(group.lag_seconds(), None, "nothing is committed");
    let request = OffsetCommitRequest {
        group_id: GROUP.to_owned(),
        generation_id_or_member_epoch: beat.member_epoch,
        member_id: beat.member_id.clone(),
        topics: vec![OffsetCommitRequestTopic {
            name: TOPIC.to_owned(),
            partitions: vec![OffsetCommitRequestPartition {
                committed_offset: 5,
                ..OffsetCommitRequestPartition::default()
            }],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    };
    assert_eq!(
        client.call(&request, 9).topics[0].partitions[0].error_code,
        0
    );
    let group = group_when(&scene.home, GROUP, |g| g.lag_records() == 4);
    assert_eq!((group.kind, group.members.len()), (GroupKind::Consumer, 1));
    let page = scene.home.scrape();
    for line in [
        format!("limpid_group_members{{group=\"{GROUP}\"}} 1"),
        format!("kafka_consumergroup_members{{consumergroup=\"{GROUP}\"}} 1"),
    ] {
        assert!(page.contains(&line), "{line} in {page}");
    }
}

#[test]
fn a_committed_transaction_leaves_nothing_unread() {
    let mut scene = Scene::new(1);
    let producer = scene.begin("pay", 60_000);
    let end = EndTxnRequest {
        transactional_id: "pay".to_owned(),
        producer_id: producer.id,
        producer_epoch: producer.epoch,
        committed: true,
    };
    patiently(&mut scene.client, &end, 3, |answer| answer.error_code);
    let mut reader = scene.reader("c", &[0]);
    until("end of the transaction", || {
        let read = reader.fetch(0, true);
        let part = &read.responses[0].partitions[0];
        (part.last_stable_offset == 2).then_some(())
    });
    // Clients commit behind the last record; the marker at offset 1 is none.
    reader.commit(&[(0, 1)]);
    let group = group_when(&scene.home, GROUP, |g| g.lag_seconds() == Some(0.0));
    assert_eq!((group.lag_records(), group.lately.held), (0, None));
}

#[test]
fn what_was_deleted_is_not_unread() {
    let mut scene = Scene::new(1);
    let mut reader = scene.reader("c", &[0]);
    reader.commit(&[(0, 0)]);
    scene.write(0, 8);
    group_when(&scene.home, GROUP, |g| g.lag_records() == 8);
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: TOPIC.to_owned(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: 0,
                offset: 5,
            }],
        }],
        timeout_ms: 10_000,
    };
    let answer = scene.client.call(&request, 2);
    assert_eq!(answer.topics[0].partitions[0].error_code, 0, "{answer:?}");
    let group = group_when(&scene.home, GROUP, |g| g.lag_records() == 3);
    let found = limpid_cluster::findings::causes(&group, 0);
    assert!(
        found.contains(&limpid_cluster::findings::Cause::LostRecords),
        "{found:?}"
    );
}

#[test]
fn a_topic_that_is_left_alone_is_stale() {
    let mut scene = Scene::with(1, &[], &[("retention.ms", "-1")]);
    commit(&mut scene.client, GROUP, TOPIC, 0);
    scene.write(0, 3);
    let line = format!("limpid_group_stale{{group=\"{GROUP}\",topic=\"{TOPIC}\"}} 1");
    scene.pass(86_000);
    assert!(!scene.home.scrape().contains(&line), "not for a day yet");
    scene.pass(1_000);
    until("flag", || scene.home.scrape().contains(&line).then_some(()));
    assert_eq!(scene.group().lag_records(), 3, "it is not left out of sums");
}

#[test]
fn no_series_is_there_twice() {
    let mut scene = Scene::new(3);
    let mut reader = scene.reader("c", &[0, 1, 2]);
    reader.commit(&[(0, 0), (1, 0), (2, 0)]);
    (0..3).for_each(|partition| scene.write(partition, 5));
    scene.pass(70);
    group_when(&scene.home, GROUP, |g| g.lag_records() == 15);
    let page = scene.home.get("/metrics?dialect=all");
    let mut seen = HashSet::new();
    let series = page
        .lines()
        .filter(|line| !line.starts_with('#') && line.contains('{'));
    for line in series {
        let (name, _) = line.rsplit_once(' ').unwrap();
        assert!(seen.insert(name), "{name} is there twice");
    }
    assert!(seen.len() > 500, "{}", seen.len());
}
