//! A consumer group (KIP-848) of one broker's is the same group when the other one opens the
//! directory: members, epochs, assignments, and the hash of the topics, without which the group
//! would begin a rebalance.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::process::wait_for;
use limpid_interop::wire::create_topic;
use limpid_protocol::messages::consumer_group_describe_response::DescribedGroup;
use limpid_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};

use crate::differential::groups::await_coordinator;
use crate::differential::side::Side;

const GROUP: &str = "handed-over";
const TOPIC: &str = "handed-over-topic";
const LIMIT: Duration = Duration::from_secs(30);
const VERSION: i16 = 1;

/// Ours to Kafka, and Kafka's to us.
pub fn a_group_is_handed_over(lab: &mut Lab) -> Result<()> {
    let ours = lab.kind().clone();
    for (first, second) in [(ours.clone(), Kind::Kafka), (Kind::Kafka, ours)] {
        let way = format!("{}-then-{}", first.name(), second.name());
        hand_over(lab, &way, first, second).with_context(|| way.clone())?;
    }
    Ok(())
}

fn hand_over(lab: &mut Lab, way: &str, first: Kind, second: Kind) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix(&format!("{way}-"))
        .tempdir_in(lab.folder("handover")?)?
        .keep();
    let mut peer = Peer::start_new(first, &lab.tools, &folder, &[])?;
    create_topic(&peer.address(), TOPIC, 4, &[])?;
    let mut side = Side::new("the first", &peer);
    await_coordinator(&mut side)?;
    let epoch = form(&mut side)?;
    let before = described(&mut side)?;
    ensure!(before.members.len() == 2, "{before:?}");
    drop(side);
    peer.kill();
    peer.replace_kind(second);
    peer.start()?;
    let mut side = Side::new("the second", &peer);
    await_coordinator(&mut side)?;
    let after = described(&mut side)?;
    ensure!(after == before, "{after:?} was {before:?}");
    for member in ["one", "two"] {
        let beat = side.must(&beating(member, epoch), VERSION)?;
        ensure!(
            beat.error_code == 0 && beat.member_epoch == epoch,
            "{beat:?}"
        );
    }
    let later = described(&mut side)?;
    ensure!(later == before, "{later:?} was {before:?}");
    peer.stop()
}

/// Two members, one of them static and with a pattern, share the topic.
fn form(side: &mut Side) -> Result<i32> {
    let mut one = coming("one");
    one.instance_id = Some("instance".to_owned());
    one.subscribed_topic_names = Some(Vec::new());
    one.subscribed_topic_regex = Some("handed-.*-topic".to_owned());
    accepted(&side.must(&one, VERSION)?)?;
    accepted(&side.must(&coming("two"), VERSION)?)?;
    // One gives up what it is asked to, as often as it is asked.
    let mut epochs = [0, 0];
    wait_for("a stable group", LIMIT, || {
        for (at, member) in ["one", "two"].into_iter().enumerate() {
            let group = described(side)?;
            let known = group.members.iter().find(|m| m.member_id == member);
            let known = known.context("it left")?;
            let mut beat = beating(member, known.member_epoch);
            let assigned = known.assignment.topic_partitions.iter();
            let assigned = assigned.map(|topic| {
                limpid_protocol::messages::consumer_group_heartbeat_request::TopicPartitions {
                    topic_id: topic.topic_id,
                    partitions: topic.partitions.clone(),
                }
            });
            beat.topic_partitions = Some(assigned.collect());
            let answer = side.must(&beat, VERSION)?;
            accepted(&answer)?;
            epochs[at] = answer.member_epoch;
        }
        let group = described(side)?;
        let shared = group.members.iter().all(|member| {
            let topics = &member.assignment.topic_partitions;
            topics
                .first()
                .is_some_and(|topic| topic.partitions.len() == 2)
        });
        let settled = group.group_state == "Stable" && shared && epochs[0] == epochs[1];
        Ok(settled.then_some(epochs[0]))
    })
}

fn accepted(answer: &ConsumerGroupHeartbeatResponse) -> Result<()> {
    ensure!(answer.error_code == 0, "{answer:?}");
    Ok(())
}

fn coming(member: &str) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        rebalance_timeout_ms: 60_000,
        subscribed_topic_names: Some(vec![TOPIC.to_owned()]),
        topic_partitions: Some(Vec::new()),
        ..beating(member, 0)
    }
}

fn beating(member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: GROUP.to_owned(),
        member_id: member.to_owned(),
        member_epoch: epoch,
        ..ConsumerGroupHeartbeatRequest::default()
    }
}

/// The group, with members in the order of their ids and partitions in theirs.
fn described(side: &mut Side) -> Result<DescribedGroup> {
    let request = ConsumerGroupDescribeRequest {
        group_ids: vec![GROUP.to_owned()],
        include_authorized_operations: false,
    };
    let answer = side.must(&request, VERSION)?;
    let mut group = answer.groups.into_iter().next().context("no answer")?;
    group.members.sort_by(|a, b| a.member_id.cmp(&b.member_id));
    for member in &mut group.members {
        let topics = member.assignment.topic_partitions.iter_mut();
        for topic in topics.chain(&mut member.target_assignment.topic_partitions) {
            topic.partitions.sort_unstable();
        }
    }
    Ok(group)
}
