use std::sync::Arc;

use super::*;
use crate::group::{
    Committed, Group, GroupPartition, GroupState, GroupStatus, GroupTopic, Member, Rebalance,
};
use crate::snapshot::{Partition, Topic};

fn topic() -> Topic {
    let partition = |index| Partition {
        index,
        leader: Some(1),
        leader_epoch: 3,
        replicas: vec![1],
        isr: vec![1],
        log_start_offset: 10,
        high_watermark: 100,
        segments: 2,
        ..Partition::default()
    };
    Topic {
        name: "orders".to_owned(),
        id: "a".to_owned(),
        partitions: vec![partition(0), partition(1)],
        ..Topic::default()
    }
}

fn group() -> Group {
    Group {
        id: "billing".to_owned(),
        state: GroupState::Stable,
        members: vec![Member {
            id: "m1".to_owned(),
            client_id: "worker".to_owned(),
            host: "10.0.0.1".to_owned(),
            ..Member::default()
        }],
        topics: vec![GroupTopic {
            name: "orders".to_owned(),
            partitions: vec![GroupPartition {
                partition: 1,
                committed: Some(Committed {
                    offset: 50,
                    ..Committed::default()
                }),
                ..GroupPartition::default()
            }],
        }],
        ..Group::default()
    }
}

fn snapshot(topics: Vec<Topic>, groups: Vec<Group>) -> ClusterSnapshot {
    ClusterSnapshot {
        taken_at_ms: 1_000,
        topics: topics.into_iter().map(Arc::new).collect(),
        groups: groups.into_iter().map(Arc::new).collect(),
        ..ClusterSnapshot::default()
    }
}

fn of_topic(change: impl FnOnce(&mut Topic)) -> Vec<(EventKind, Option<i32>)> {
    let mut now = topic();
    change(&mut now);
    let all = between(
        &snapshot(vec![topic()], vec![]),
        &snapshot(vec![now], vec![]),
    );
    assert!(
        all.iter()
            .all(|(of, _)| *of == Subject::Topic("orders".to_owned()))
    );
    all.into_iter()
        .map(|(_, event)| (event.kind, event.partition))
        .collect()
}

fn of_group(change: impl FnOnce(&mut Group)) -> Vec<(EventKind, String)> {
    let mut now = group();
    change(&mut now);
    let all = between(
        &snapshot(vec![], vec![group()]),
        &snapshot(vec![], vec![now]),
    );
    assert!(
        all.iter()
            .all(|(of, _)| *of == Subject::Group("billing".to_owned()))
    );
    all.into_iter()
        .map(|(_, event)| (event.kind, event.what))
        .collect()
}

#[test]
fn each_thing_that_happens_to_a_topic_is_told() {
    use EventKind as K;
    assert_eq!(of_topic(|_| {}), []);
    assert_eq!(
        of_topic(|t| t.partitions[0].high_watermark = 200),
        [],
        "records came"
    );
    assert_eq!(of_topic(|t| t.id = "b".to_owned()), [(K::Created, None)]);
    assert_eq!(
        of_topic(|t| t.partitions.push(Partition::default())),
        [(K::PartitionsAdded, None)]
    );
    let one = Some(1);
    assert_eq!(
        of_topic(|t| t.partitions[1].leader = Some(2)),
        [(K::LeaderChanged, one)]
    );
    assert_eq!(
        of_topic(|t| t.partitions[1].leader_epoch = 4),
        [(K::EpochChanged, one)]
    );
    assert_eq!(
        of_topic(|t| t.partitions[1].isr.push(2)),
        [(K::IsrChanged, one)]
    );
    assert_eq!(
        of_topic(|t| t.partitions[1].segments = 3),
        [(K::SegmentRolled, one)]
    );
    assert_eq!(
        of_topic(|t| t.partitions[1].log_start_offset = 20),
        [(K::RecordsDeleted, one)]
    );
    assert_eq!(
        of_topic(|t| t.partitions[1].high_watermark = 90),
        [(K::Truncated, one)]
    );
    assert_eq!(
        of_topic(|t| t.traffic.failed_produce_requests = 2),
        [(K::ProduceRefused, None)]
    );
    assert_eq!(
        of_topic(|t| t.traffic.failed_fetch_requests = 2),
        [(K::FetchRefused, None)]
    );
    // Offline, it has no log that could be told of.
    let offline = of_topic(|t| {
        t.partitions[1] = Partition {
            index: 1,
            ..topic().partitions[1].clone()
        };
        t.partitions[1].leader = None;
        t.partitions[1].high_watermark = 0;
    });
    assert_eq!(offline, [(K::LeaderChanged, one)]);
}

#[test]
fn each_thing_that_happens_to_a_group_is_told() {
    use EventKind as K;
    assert_eq!(of_group(|_| {}), []);
    let state = of_group(|g| g.state = GroupState::PreparingRebalance);
    assert_eq!(
        state,
        [(
            K::StateChanged,
            "Stable became PreparingRebalance".to_owned()
        )]
    );
    let left = of_group(|g| g.members.clear());
    assert_eq!(left, [(K::MembersLeft, "worker from 10.0.0.1".to_owned())]);
    let joined = of_group(|g| {
        for n in 0..6 {
            let mut new = g.members[0].clone();
            new.id = format!("new{n}");
            new.client_id = format!("w{n}");
            g.members.push(new);
        }
    });
    assert_eq!(joined[0].0, K::MembersJoined);
    assert!(
        joined[0].1.ends_with("w3 from 10.0.0.1 and 2 more"),
        "{joined:?}"
    );
    let rebalanced = of_group(|g| {
        g.generation = 7;
        g.activity.last_rebalance = Some(Rebalance {
            took_ms: 3_200,
            cause: "member_joined".to_owned(),
            members: 3,
            ..Rebalance::default()
        });
    });
    let words = "generation 7 after 3200 ms, begun by member_joined, with 3 members";
    assert_eq!(rebalanced, [(K::Rebalanced, words.to_owned())]);
    let commit = |offset| {
        move |g: &mut Group| {
            g.topics[0].partitions[0].committed = Some(Committed {
                offset,
                ..Committed::default()
            });
        }
    };
    assert_eq!(of_group(commit(60)), [], "it went on");
    let reset = of_group(commit(20));
    assert_eq!(
        reset,
        [(K::OffsetReset, "orders-1 from 50 back to 20".to_owned())]
    );
    let gone = of_group(|g| g.topics.clear());
    assert_eq!(
        gone,
        [(
            K::OffsetsGone,
            "the commit of orders-1 at 50 is gone".to_owned()
        )]
    );
    let status = of_group(|g| g.status = GroupStatus::Stalled);
    assert_eq!(status, [(K::StatusChanged, "ok became stalled".to_owned())]);
}

#[test]
fn a_commit_that_moves_on_without_members_was_moved() {
    let mut before = group();
    before.members.clear();
    let mut now = before.clone();
    now.topics[0].partitions[0].committed = Some(Committed {
        offset: 90,
        ..Committed::default()
    });
    let all = between(
        &snapshot(vec![], vec![before]),
        &snapshot(vec![], vec![now]),
    );
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].1.kind, EventKind::OffsetReset);
}

#[test]
fn the_first_look_tells_nothing_and_one_look_tells_so_much() {
    let nothing = ClusterSnapshot::default();
    assert_eq!(
        between(&nothing, &snapshot(vec![topic()], vec![group()])),
        []
    );
    let empty = snapshot(vec![], vec![]);
    let kinds = between(&empty, &snapshot(vec![topic()], vec![group()]));
    let kinds: Vec<EventKind> = kinds.into_iter().map(|(_, event)| event.kind).collect();
    assert_eq!(kinds, [EventKind::Created, EventKind::Created]);
    let mut many = topic();
    many.partitions = (0..500)
        .map(|index| Partition {
            index,
            ..many.partitions[0].clone()
        })
        .collect();
    let mut rolled = many.clone();
    rolled.partitions.iter_mut().for_each(|p| p.segments += 1);
    let all = between(
        &snapshot(vec![many], vec![]),
        &snapshot(vec![rolled], vec![]),
    );
    assert_eq!(all.len(), EVENTS_PER_LOOK_MAX);
}
