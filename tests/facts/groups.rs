//! Groups of the classic kind and of KIP-848, with members and without, and their offsets.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use limpid_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use limpid_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use limpid_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use limpid_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use limpid_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use limpid_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, DescribeGroupsRequest,
    HeartbeatRequest, JoinGroupRequest, ListGroupsRequest, OffsetCommitRequest, OffsetFetchRequest,
    SyncGroupRequest,
};

use super::access::GROUP_CONFIG;
use super::dump::Facts;
use super::topics::{alter, create};
use super::{Wire, wait_for};

/// Groups with settings of their own.
pub const CONFIGURED: [&str; 2] = [NEXT, super::shares::GROUP];
/// Has offsets and never had members.
const SIMPLE: &str = "batch-jobs";
/// Has a member of the classic protocol.
const CLASSIC: &str = "workers";
/// Has a member of KIP-848.
const NEXT: &str = "next";
const TOPIC: &str = "read-by-groups";
const MEMBER: &str = "member-one";
const MEMBER_ID_REQUIRED: i16 = 79;
/// Half an hour, the longest there is: the member is gone while brokers change.
const SESSION_MS: i32 = 1_800_000;

/// One group of each kind.
pub fn write(wire: &mut impl Wire) -> Result<()> {
    create(wire, TOPIC, 2, &[])?;
    super::await_coordinators(wire)?;
    commit(wire, SIMPLE, "", -1, 3)?;
    let (member, generation) = join(wire)?;
    commit(wire, CLASSIC, &member, generation, 5)?;
    alter(
        wire,
        GROUP_CONFIG,
        NEXT,
        "consumer.session.timeout.ms",
        "60000",
    )?;
    let mut coming = beating(0);
    coming.rebalance_timeout_ms = 60_000;
    coming.subscribed_topic_names = Some(vec![TOPIC.to_owned()]);
    coming.topic_partitions = Some(Vec::new());
    coming.instance_id = Some("instance".to_owned());
    let answer = wait_for("assignment", || {
        // Topics come to a coordinator a while after they were made.
        let answer = wire.ask(&coming, 1)?;
        ensure!(answer.error_code == 0, "{answer:?}");
        let assigned = answer
            .assignment
            .as_ref()
            .map_or(0, |a| a.topic_partitions.len());
        Ok((assigned == 1).then_some(answer))
    })?;
    let owned = answer.assignment.context("assigned")?.topic_partitions;
    let owned = owned.into_iter().map(|topic| TopicPartitions {
        topic_id: topic.topic_id,
        partitions: topic.partitions,
    });
    let mut beat = beating(answer.member_epoch);
    beat.topic_partitions = Some(owned.collect());
    let answer = wire.ask(&beat, 1)?;
    ensure!(answer.error_code == 0, "{answer:?}");
    commit(wire, NEXT, MEMBER, answer.member_epoch, 7)
}

fn beating(epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: NEXT.to_owned(),
        member_id: MEMBER.to_owned(),
        member_epoch: epoch,
        ..ConsumerGroupHeartbeatRequest::default()
    }
}

fn commit(wire: &mut impl Wire, group: &str, member: &str, epoch: i32, offset: i64) -> Result<()> {
    let partition = |index: i32| OffsetCommitRequestPartition {
        partition_index: index,
        committed_offset: offset + i64::from(index),
        committed_leader_epoch: 0,
        committed_metadata: Some(format!("a note of {group}")),
    };
    let request = OffsetCommitRequest {
        group_id: group.to_owned(),
        member_id: member.to_owned(),
        generation_id_or_member_epoch: epoch,
        topics: vec![OffsetCommitRequestTopic {
            name: TOPIC.to_owned(),
            partitions: vec![partition(0), partition(1)],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    };
    let answer = wire.ask(&request, 9)?;
    let mut parts = answer.topics.iter().flat_map(|topic| &topic.partitions);
    ensure!(
        parts.all(|part| part.error_code == 0),
        "{group}: {answer:?}"
    );
    Ok(())
}

/// A classic group of one member; its id and generation.
fn join(wire: &mut impl Wire) -> Result<(String, i32)> {
    let mut request = JoinGroupRequest {
        group_id: CLASSIC.to_owned(),
        session_timeout_ms: SESSION_MS,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".to_owned(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".to_owned(),
            // Version 0, no topics, no user data.
            metadata: Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        }],
        ..JoinGroupRequest::default()
    };
    let mut joined = wire.ask(&request, 7)?;
    if joined.error_code == MEMBER_ID_REQUIRED {
        request.member_id = joined.member_id;
        joined = wire.ask(&request, 7)?;
    }
    ensure!(joined.error_code == 0, "{joined:?}");
    let sync = SyncGroupRequest {
        group_id: CLASSIC.to_owned(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        protocol_type: Some("consumer".to_owned()),
        protocol_name: Some("range".to_owned()),
        assignments: vec![SyncGroupRequestAssignment {
            member_id: joined.member_id.clone(),
            assignment: Bytes::from_static(b"\0\0an assignment"),
        }],
        ..SyncGroupRequest::default()
    };
    let synced = wire.ask(&sync, 5)?;
    ensure!(synced.error_code == 0, "{synced:?}");
    Ok((joined.member_id, joined.generation_id))
}

/// Groups, members and offsets.
pub fn dump(wire: &mut impl Wire, facts: &mut Facts) -> Result<()> {
    let mut names = Vec::new();
    for group in wire.ask(&ListGroupsRequest::default(), 5)?.groups {
        let told = format!(
            "{} {:?} {}",
            group.group_type, group.protocol_type, group.group_state
        );
        facts.insert(format!("group {}", group.group_id), told);
        match group.group_type.as_str() {
            "classic" => classic(wire, &group.group_id, facts)?,
            "consumer" => next(wire, &group.group_id, facts)?,
            _ => continue,
        }
        names.push(group.group_id);
    }
    let group = |name: String| OffsetFetchRequestGroup {
        group_id: name,
        member_epoch: -1,
        topics: None,
        ..OffsetFetchRequestGroup::default()
    };
    let request = OffsetFetchRequest {
        groups: names.into_iter().map(group).collect(),
        ..OffsetFetchRequest::default()
    };
    for group in wire.ask(&request, 8)?.groups {
        ensure!(group.error_code == 0, "{group:?}");
        for topic in &group.topics {
            for part in &topic.partitions {
                let name = format!("{} {}/{}", group.group_id, topic.name, part.partition_index);
                let (offset, epoch) = (part.committed_offset, part.committed_leader_epoch);
                let told = format!("{offset}, leader epoch {epoch}, {:?}", part.metadata);
                facts.insert(format!("offset {name}"), told);
            }
        }
    }
    Ok(())
}

fn classic(wire: &mut impl Wire, name: &str, facts: &mut Facts) -> Result<()> {
    let request = DescribeGroupsRequest {
        groups: vec![name.to_owned()],
        ..DescribeGroupsRequest::default()
    };
    let mut answer = wire.ask(&request, 5)?;
    let group = answer.groups.pop().context("no answer")?;
    ensure!(group.error_code == 0, "{group:?}");
    let protocol = format!("{} {}", group.protocol_type, group.protocol_data);
    facts.insert(format!("classic-group {name}"), protocol);
    for member in group.members {
        let told = format!(
            "client {} at {}, instance {:?}, {:?} has {:?}",
            member.client_id,
            member.client_host,
            member.group_instance_id,
            member.member_metadata,
            member.member_assignment
        );
        facts.insert(format!("member {name} {}", member.member_id), told);
    }
    Ok(())
}

fn next(wire: &mut impl Wire, name: &str, facts: &mut Facts) -> Result<()> {
    let request = ConsumerGroupDescribeRequest {
        group_ids: vec![name.to_owned()],
        include_authorized_operations: false,
    };
    let mut answer = wire.ask(&request, 1)?;
    let group = answer.groups.pop().context("no answer")?;
    ensure!(group.error_code == 0, "{group:?}");
    let told = format!(
        "{}, epochs {} and {}, by {}",
        group.group_state, group.group_epoch, group.assignment_epoch, group.assignor_name
    );
    facts.insert(format!("consumer-group {name}"), told);
    for member in group.members {
        let mut parts = Vec::new();
        let assigned = [
            ("has", &member.assignment),
            ("shall have", &member.target_assignment),
        ];
        for (word, assignment) in assigned {
            for topic in &assignment.topic_partitions {
                let mut partitions = topic.partitions.clone();
                partitions.sort_unstable();
                parts.push(format!("{word} {} {partitions:?}", topic.topic_name));
            }
        }
        let told = format!(
            "client {} at {}, instance {:?}, epoch {}, topics {:?}, {}",
            member.client_id,
            member.client_host,
            member.instance_id,
            member.member_epoch,
            member.subscribed_topic_names,
            parts.join(", ")
        );
        facts.insert(format!("member {name} {}", member.member_id), told);
    }
    Ok(())
}

/// Members go on with what they have, and commit further.
pub fn act(wire: &mut impl Wire, round: i16) -> Result<()> {
    let offset = 100 + i64::from(round);
    commit(wire, SIMPLE, "", -1, offset)?;
    let request = DescribeGroupsRequest {
        groups: vec![CLASSIC.to_owned()],
        ..DescribeGroupsRequest::default()
    };
    let mut answer = wire.ask(&request, 5)?;
    let group = answer.groups.pop().context("no answer")?;
    let member = group.members.first().context("the member is gone")?;
    let beat = HeartbeatRequest {
        group_id: CLASSIC.to_owned(),
        generation_id: 1,
        member_id: member.member_id.clone(),
        ..HeartbeatRequest::default()
    };
    let beaten = wire.ask(&beat, 4)?;
    ensure!(beaten.error_code == 0, "{beaten:?}");
    commit(wire, CLASSIC, &member.member_id, 1, offset)?;

    let request = ConsumerGroupDescribeRequest {
        group_ids: vec![NEXT.to_owned()],
        include_authorized_operations: false,
    };
    let mut answer = wire.ask(&request, 1)?;
    let group = answer.groups.pop().context("no answer")?;
    let epoch = group
        .members
        .first()
        .context("the member is gone")?
        .member_epoch;
    let beaten = wire.ask(&beating(epoch), 1)?;
    ensure!(
        beaten.error_code == 0 && beaten.member_epoch == epoch,
        "{beaten:?}"
    );
    commit(wire, NEXT, MEMBER, epoch, offset)
}
