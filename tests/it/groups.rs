//! Consumer groups over a restart, at a stop, and beside others.

use bytes::Bytes;
use limpid_protocol::ErrorCode;
use limpid_protocol::messages::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use limpid_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use limpid_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use limpid_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use limpid_protocol::messages::{
    DescribeGroupsRequest, FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest,
    JoinGroupResponse, ListGroupsRequest, OffsetCommitRequest, OffsetFetchRequest,
    SyncGroupRequest,
};

use crate::home::{Client, Home, until};

const GROUP: &str = "readers";
/// Version of JoinGroup in which a new member needs one step only.
const ONE_STEP: i16 = 3;

fn home() -> Home {
    Home::with(&["group.initial.rebalance.delay.ms=0"])
}

fn join(member: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: GROUP.to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        member_id: member.to_owned(),
        protocol_type: "consumer".to_owned(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".to_owned(),
            metadata: Bytes::from_static(b"\0\0\0\0\0\0\0\0\0\0"),
        }],
        ..JoinGroupRequest::default()
    }
}

/// Becomes the only member.
fn enter(client: &mut Client) -> JoinGroupResponse {
    let joined = client.call(&join(""), ONE_STEP);
    assert_eq!(joined.error_code, 0, "{joined:?}");
    let sync = SyncGroupRequest {
        group_id: GROUP.to_owned(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        assignments: vec![SyncGroupRequestAssignment {
            member_id: joined.member_id.clone(),
            assignment: Bytes::from_static(b"\0\0\0\0\0\0\0\0\0\0"),
        }],
        ..SyncGroupRequest::default()
    };
    assert_eq!(client.call(&sync, 3).error_code, 0);
    joined
}

fn commit(client: &mut Client, joined: &JoinGroupResponse, topic: &str, offset: i64) {
    let request = OffsetCommitRequest {
        group_id: GROUP.to_owned(),
        generation_id_or_member_epoch: joined.generation_id,
        member_id: joined.member_id.clone(),
        topics: vec![OffsetCommitRequestTopic {
            name: topic.to_owned(),
            partitions: vec![OffsetCommitRequestPartition {
                committed_offset: offset,
                committed_metadata: Some("here".to_owned()),
                ..OffsetCommitRequestPartition::default()
            }],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    };
    let answer = client.call(&request, 7);
    assert_eq!(answer.topics[0].partitions[0].error_code, 0, "{answer:?}");
}

/// All offsets of the group; asked again while the groups are being read.
fn offsets(client: &mut Client) -> Vec<(String, i64)> {
    let request = OffsetFetchRequest {
        group_id: GROUP.to_owned(),
        topics: None,
        ..OffsetFetchRequest::default()
    };
    until("offsets", || {
        let answer = client.call(&request, 5);
        match ErrorCode::from_code(answer.error_code) {
            Some(ErrorCode::None) => {
                let topics = answer.topics.into_iter();
                let first = topics.map(|t| (t.name, t.partitions[0].committed_offset));
                Some(first.collect())
            }
            Some(ErrorCode::CoordinatorLoadInProgress) => None,
            other => panic!("{other:?}"),
        }
    })
}

#[test]
fn a_group_lives_through_a_restart() {
    let home = home();
    let mut client = home.client();
    client.create("t");
    let joined = enter(&mut client);
    commit(&mut client, &joined, "t", 7);
    commit(&mut client, &joined, "t", 8);
    let home = home.restart();
    let mut client = home.client();
    assert_eq!(offsets(&mut client), [("t".to_owned(), 8)]);
    let beat = HeartbeatRequest {
        group_id: GROUP.to_owned(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        group_instance_id: None,
    };
    assert_eq!(client.call(&beat, 2).error_code, 0, "it is still a member");
    let describe = DescribeGroupsRequest {
        groups: vec![GROUP.to_owned()],
        ..DescribeGroupsRequest::default()
    };
    let described = client.call(&describe, 5);
    assert_eq!(described.groups[0].group_state, "Stable");
    assert_eq!(described.groups[0].members[0].client_host, "/127.0.0.1");
}

#[test]
fn members_that_wait_are_answered_when_the_broker_stops() {
    let home = home();
    let mut first = home.client();
    enter(&mut first);
    let mut second = home.client();
    second.send(&join(""), ONE_STEP);
    // The first one hears of it once the second waits.
    let describe = DescribeGroupsRequest {
        groups: vec![GROUP.to_owned()],
        ..DescribeGroupsRequest::default()
    };
    while first.call(&describe, 5).groups[0].group_state != "PreparingRebalance" {
        std::thread::yield_now();
    }
    let answered = std::thread::spawn(move || second.receive::<JoinGroupRequest>(ONE_STEP));
    let stopped = home.stop();
    assert_eq!(stopped, limpid_server::Stopped::Clean);
    let answer = answered.join().unwrap();
    assert_eq!(answer.error_code, ErrorCode::NotCoordinator.code());
}

#[test]
fn members_that_wait_hold_nobody_up() {
    let home = home();
    let mut first = home.client();
    let joined = enter(&mut first);
    let mut waiting: Vec<Client> = (0..50).map(|_| home.client()).collect();
    for client in &mut waiting {
        client.send(&join(""), ONE_STEP);
    }
    first.create("t");
    for value in 0..20_i64 {
        assert_eq!(first.produce("t", b"x"), value);
    }
    first.send(&join(&joined.member_id), ONE_STEP);
    let generation = first.receive::<JoinGroupRequest>(ONE_STEP).generation_id;
    let mut leaders = 0;
    for client in &mut waiting {
        let answer = client.receive::<JoinGroupRequest>(ONE_STEP);
        // Those who came too late for this generation are waiting for the next one.
        assert!(answer.error_code == 0 && answer.generation_id >= generation);
        leaders += usize::from(answer.leader == answer.member_id);
    }
    assert!(leaders <= 1);
}

#[test]
fn a_deleted_topic_takes_its_offsets_along() {
    let home = home();
    let mut client = home.client();
    client.create("t");
    client.create("u");
    let joined = enter(&mut client);
    commit(&mut client, &joined, "t", 7);
    commit(&mut client, &joined, "u", 9);
    let delete = DeleteTopicsRequest {
        topics: vec![DeleteTopicState {
            name: Some("t".to_owned()),
            ..DeleteTopicState::default()
        }],
        ..DeleteTopicsRequest::default()
    };
    assert_eq!(client.call(&delete, 6).responses[0].error_code, 0);
    assert_eq!(offsets(&mut client), [("u".to_owned(), 9)]);
    let home = home.restart();
    assert_eq!(offsets(&mut home.client()), [("u".to_owned(), 9)]);
}

#[test]
fn a_coordinator_is_found_at_once_and_knows_no_groups() {
    let home = Home::start();
    let mut client = home.client();
    assert_eq!(client.call(&ListGroupsRequest::default(), 5).groups, []);
    let find = FindCoordinatorRequest {
        coordinator_keys: vec!["a".to_owned(), "b".to_owned()],
        ..FindCoordinatorRequest::default()
    };
    for found in client.call(&find, 4).coordinators {
        assert_eq!((found.error_code, found.node_id), (0, 1), "{found:?}");
        assert_eq!(i32::from(home.kafka().port()), found.port);
    }
}
