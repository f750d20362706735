//! A share group (KIP-932): what was accepted, rejected and given back.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use limpid_protocol::Uuid;
use limpid_protocol::messages::describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestGroup;
use limpid_protocol::messages::share_acknowledge_request::{
    AcknowledgePartition, AcknowledgeTopic, AcknowledgementBatch, ShareAcknowledgeRequest,
};
use limpid_protocol::messages::share_fetch_request::{FetchPartition, FetchTopic};
use limpid_protocol::messages::share_fetch_response::AcquiredRecords;
use limpid_protocol::messages::{
    DescribeShareGroupOffsetsRequest, ListGroupsRequest, MetadataRequest, ShareFetchRequest,
    ShareGroupDescribeRequest, ShareGroupHeartbeatRequest,
};
use limpid_protocol::records::Codec;

use super::access::GROUP_CONFIG;
use super::dump::Facts;
use super::topics::{alter, create};
use super::{Wire, append, batch, produce, wait_for};

/// The group.
pub const GROUP: &str = "shares";
const TOPIC: &str = "shared";
const RECORDS: i64 = 10;
/// The first offsets that are given back, until a round takes one more.
const GIVEN_BACK: i64 = 5;
const ACCEPT: i8 = 1;
const RELEASE: i8 = 2;
const REJECT: i8 = 3;

/// First and last offset, and what becomes of them.
type Said = (i64, i64, i8);

/// A member takes all, and speaks of each.
pub fn write(wire: &mut impl Wire) -> Result<()> {
    create(wire, TOPIC, 1, &[])?;
    let count = usize::try_from(RECORDS)?;
    append(
        wire,
        &produce(TOPIC, 0, None, batch(Codec::None, 0, count, None)?),
    )?;
    alter(
        wire,
        GROUP_CONFIG,
        GROUP,
        "share.auto.offset.reset",
        "earliest",
    )?;
    let acquired = take(wire, "first")?;
    ensure!(
        counts(&acquired) == (0..RECORDS).map(|at| (at, 1)).collect(),
        "{acquired:?}"
    );
    let said = [
        (0, 3, ACCEPT),
        (4, 4, REJECT),
        (GIVEN_BACK, RECORDS - 1, RELEASE),
    ];
    speak(wire, "first", &said)
}

/// Offsets, and how often each was given to a member.
fn counts(acquired: &[AcquiredRecords]) -> BTreeMap<i64, i16> {
    let each = |batch: &AcquiredRecords| {
        let count = batch.delivery_count;
        (batch.first_offset..=batch.last_offset).map(move |offset| (offset, count))
    };
    acquired.iter().flat_map(each).collect()
}

fn beat(wire: &mut impl Wire, member: &str, epoch: i32) -> Result<(i32, usize)> {
    let topics = (epoch == 0).then(|| vec![TOPIC.to_owned()]);
    let request = ShareGroupHeartbeatRequest {
        group_id: GROUP.to_owned(),
        member_id: member.to_owned(),
        member_epoch: epoch,
        subscribed_topic_names: topics,
        ..ShareGroupHeartbeatRequest::default()
    };
    let answer = wire.ask(&request, 1)?;
    ensure!(answer.error_code == 0, "{answer:?}");
    let assigned = answer.assignment.map_or(0, |a| a.topic_partitions.len());
    Ok((answer.member_epoch, assigned))
}

/// A new member gets what there is.
fn take(wire: &mut impl Wire, member: &str) -> Result<Vec<AcquiredRecords>> {
    let mut epoch = 0;
    wait_for("partition of the share group", || {
        let (next, assigned) = beat(wire, member, epoch)?;
        epoch = next;
        Ok((assigned > 0).then_some(()))
    })?;
    let mut request = fetching(wire, member)?;
    wait_for("records of the share group", || {
        let answer = wire.ask(&request, 1)?;
        ensure!(answer.error_code == 0, "{answer:?}");
        request.share_session_epoch += 1;
        let topic = answer.responses.into_iter().next();
        let part = topic.and_then(|topic| topic.partitions.into_iter().next());
        let acquired = part.map(|part| part.acquired_records).unwrap_or_default();
        Ok((!acquired.is_empty()).then_some(acquired))
    })
}

fn topic_id(wire: &mut impl Wire) -> Result<Uuid> {
    let request = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    let mut topics = wire.ask(&request, 12)?.topics.into_iter();
    let topic = topics.find(|topic| topic.name.as_deref() == Some(TOPIC));
    Ok(topic.context("the topic is gone")?.topic_id)
}

fn fetching(wire: &mut impl Wire, member: &str) -> Result<ShareFetchRequest> {
    Ok(ShareFetchRequest {
        group_id: Some(GROUP.to_owned()),
        member_id: Some(member.to_owned()),
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: 1 << 20,
        max_records: 500,
        batch_size: 500,
        topics: vec![FetchTopic {
            topic_id: topic_id(wire)?,
            partitions: vec![FetchPartition::default()],
        }],
        ..ShareFetchRequest::default()
    })
}

/// Says what becomes of records, ends the session, and leaves.
fn speak(wire: &mut impl Wire, member: &str, said: &[Said]) -> Result<()> {
    let batches = said.iter().map(|(first, last, code)| AcknowledgementBatch {
        first_offset: *first,
        last_offset: *last,
        acknowledge_types: vec![*code],
    });
    let request = ShareAcknowledgeRequest {
        group_id: Some(GROUP.to_owned()),
        member_id: Some(member.to_owned()),
        // The last word in the session.
        share_session_epoch: -1,
        topics: vec![AcknowledgeTopic {
            topic_id: topic_id(wire)?,
            partitions: vec![AcknowledgePartition {
                partition_index: 0,
                acknowledgement_batches: batches.collect(),
            }],
        }],
        ..ShareAcknowledgeRequest::default()
    };
    let answer = wire.ask(&request, 1)?;
    let mut parts = answer.responses.iter().flat_map(|topic| &topic.partitions);
    let accepted = answer.error_code == 0 && parts.all(|part| part.error_code == 0);
    ensure!(accepted, "{answer:?}");
    beat(wire, member, -1)?;
    Ok(())
}

/// Share groups and where they begin.
pub fn dump(wire: &mut impl Wire, facts: &mut Facts) -> Result<()> {
    let groups = wire
        .ask(&ListGroupsRequest::default(), 5)?
        .groups
        .into_iter();
    let names: Vec<String> = groups
        .filter(|group| group.group_type == "share")
        .map(|group| group.group_id)
        .collect();
    let request = ShareGroupDescribeRequest {
        group_ids: names.clone(),
        include_authorized_operations: false,
    };
    for group in wire.ask(&request, 1)?.groups {
        ensure!(group.error_code == 0, "{group:?}");
        let told = format!("{}, epoch {}", group.group_state, group.group_epoch);
        facts.insert(format!("share-group {}", group.group_id), told);
    }
    let group = |name| DescribeShareGroupOffsetsRequestGroup {
        group_id: name,
        topics: None,
    };
    let request = DescribeShareGroupOffsetsRequest {
        groups: names.into_iter().map(group).collect(),
    };
    for group in wire.ask(&request, 1)?.groups {
        ensure!(group.error_code == 0, "{group:?}");
        for topic in &group.topics {
            for part in &topic.partitions {
                let place = format!("{}/{}", topic.topic_name, part.partition_index);
                let told = format!("starts at {}, lag {}", part.start_offset, part.lag);
                facts.insert(format!("share-offset {} {place}", group.group_id), told);
            }
        }
    }
    Ok(())
}

/// The next member gets what was given back, once more, and accepts one of them.
pub fn act(wire: &mut impl Wire, round: i16) -> Result<()> {
    let member = format!("member-{round}");
    let first = GIVEN_BACK + i64::from(round) - 1;
    let acquired = take(wire, &member)?;
    let wanted: BTreeMap<i64, i16> = (first..RECORDS).map(|at| (at, round + 1)).collect();
    ensure!(
        counts(&acquired) == wanted,
        "given {acquired:?}, not {wanted:?}"
    );
    let said = [(first, first, ACCEPT), (first + 1, RECORDS - 1, RELEASE)];
    speak(wire, &member, &said)
}
