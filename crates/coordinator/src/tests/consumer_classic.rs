//! From classic to consumer groups and back (KIP-848, "migration").

use super::consumers::{Reader, eager};
use super::*;
use crate::view::GroupType;

impl World {
    /// A classic member of a consumer group joins and syncs: its generation, or why not.
    fn join_and_sync(&mut self, id: &str, owned: &[i32]) -> Result<(i32, Vec<i32>), ErrorCode> {
        let mut request = join(id, &["range"]);
        request.protocols[0].metadata = subscription_with(owned);
        let token = self.send_join_prepared(request);
        match self.join_error(token) {
            ErrorCode::None => {}
            error => return Err(error),
        }
        let generation = self.joined(token).generation_id;
        let sync = self.send_sync(id, generation, &[]);
        match self.sync_error(sync) {
            ErrorCode::None => Ok((generation, partitions(&self.synced(sync).assignment))),
            error => Err(error),
        }
    }

    fn send_join_prepared(&mut self, request: JoinGroupRequest) -> Token {
        let mut out = Out::default();
        self.coordinator
            .prepare_classic(&request.group_id, &mut out);
        self.settle(out).expect("stored");
        let token = self.send_join(request, 9);
        self.coordinator.check_invariants();
        token
    }

    fn group_type(&mut self) -> GroupType {
        self.view().group_type
    }
}

fn subscription_with(owned: &[i32]) -> Bytes {
    use limpid_protocol::messages::consumer_protocol_subscription::TopicPartition as OwnedTopic;
    let mut bytes = BytesMut::new();
    bytes.put_i16(1);
    let subscription = ConsumerProtocolSubscription {
        topics: vec!["t".to_owned()],
        owned_partitions: vec![OwnedTopic {
            topic: "t".to_owned(),
            partitions: owned.to_vec(),
        }],
        ..ConsumerProtocolSubscription::default()
    };
    subscription.encode(&mut bytes, 1).expect("encodes");
    bytes.freeze()
}

fn partitions(assignment: &Bytes) -> Vec<i32> {
    let mut reader = limpid_protocol::Reader::new(assignment.clone());
    let version = reader.i16().expect("has a version");
    let read = ConsumerProtocolAssignment::decode(&mut reader, version).expect("reads");
    let topics = read.assigned_partitions.into_iter();
    topics.flat_map(|topic| topic.partitions).collect()
}

fn upgradable() -> World {
    let mut world = World::with(Limits {
        initial_rebalance_delay_ms: 0,
        ..eager()
    });
    world.set_topics(&[("t", 2)]);
    world
}

#[test]
fn a_classic_group_becomes_a_consumer_group_and_its_members_stay() {
    let mut world = upgradable();
    let ids = world.stable(2);
    world.commit(&ids[0], 1, 5);
    let mut new = Reader::new("new");
    assert_eq!(new.beat(&mut world), ErrorCode::None);
    assert_eq!(world.group_type(), GroupType::Consumer);
    let group = world.described();
    assert_eq!(group.members.len(), 3);
    assert_eq!(group.group_epoch, 2);
    let classic = group.members.iter().filter(|m| m.member_type == 0);
    assert_eq!(classic.count(), 2);
    assert!(
        world.coordinator.offset(GROUP, "t", 0).is_some(),
        "offsets stay"
    );
    for (id, owned) in ids.iter().zip([[0], [1]]) {
        assert_eq!(world.beat(id, 1), ErrorCode::RebalanceInProgress);
        let (generation, _) = world.join_and_sync(id, &owned).expect("joins");
        assert_eq!(generation, 2);
        assert_eq!(world.beat(id, 2), ErrorCode::None);
    }
    new.beat(&mut world);
    assert_eq!(world.state(), "Stable");
    assert_eq!(world.view().members.len(), 3);
}

#[test]
fn a_classic_member_gives_up_by_joining_again() {
    let mut world = upgradable();
    let ids = world.stable(1);
    // It has partition 0; it is to have both, and then to give one up.
    let mut new = Reader::new("new");
    new.beat(&mut world);
    world.beat(&ids[0], 1);
    let first = world.join_and_sync(&ids[0], &[0]).expect("joins");
    let mut readers = [new];
    for _ in 0..3 {
        readers[0].beat(&mut world);
    }
    let [new] = readers;
    let mut all: Vec<i32> = new.of("t").into_iter().chain(first.1).collect();
    all.sort_unstable();
    assert_eq!(all, [0, 1], "each has one");
    assert_eq!(world.state(), "Stable");
}

#[test]
fn the_last_consumer_member_leaves_a_classic_group_behind() {
    let mut world = upgradable();
    let ids = world.stable(1);
    let mut new = Reader::new("new");
    new.beat(&mut world);
    world.beat(&ids[0], 1);
    world.join_and_sync(&ids[0], &[0]).expect("joins");
    assert_eq!(new.leave(&mut world, -1), ErrorCode::None);
    assert_eq!(world.group_type(), GroupType::Classic);
    assert_eq!(world.state(), "PreparingRebalance");
    assert_eq!(
        world
            .coordinator
            .describe_consumer(GROUP)
            .err()
            .map(|r| r.error),
        Some(ErrorCode::GroupIdNotFound)
    );
    let again = world.send_join(join(&ids[0], &["range"]), 9);
    assert_eq!(world.join_error(again), ErrorCode::None);
    let before = world.view();
    world.restart();
    assert_eq!(world.group_type(), GroupType::Classic);
    assert_eq!(world.view().members.len(), before.members.len());
}

#[test]
fn a_classic_member_that_does_not_join_in_time_is_removed() {
    let mut world = upgradable();
    let ids = world.stable(1);
    let mut new = Reader::new("new");
    new.beat(&mut world);
    for _ in 0..12 {
        let error = world.beat(&ids[0], 1);
        assert_eq!(error, ErrorCode::RebalanceInProgress);
        new.beat(&mut world);
        world.pass(5_000);
    }
    assert_eq!(world.beat(&ids[0], 1), ErrorCode::UnknownMemberId);
    new.beat(&mut world);
    assert_eq!(new.of("t"), [0, 1].into());
}

#[test]
fn a_classic_member_that_does_not_sync_in_time_is_removed() {
    let mut world = upgradable();
    let ids = world.stable(1);
    Reader::new("new").beat(&mut world);
    let token = world.send_join_prepared(join(&ids[0], &["range"]));
    let generation = world.joined(token).generation_id;
    for _ in 0..12 {
        world.beat(&ids[0], generation);
        world.pass(5_000);
    }
    let error = world.beat(&ids[0], generation);
    assert_eq!(error, ErrorCode::UnknownMemberId);
}

#[test]
fn migration_can_be_forbidden() {
    let mut world = World::with(Limits {
        initial_rebalance_delay_ms: 0,
        upgrades: false,
        downgrades: false,
        ..eager()
    });
    world.set_topics(&[("t", 1)]);
    world.stable(1);
    let mut new = Reader::new("new");
    assert_eq!(new.beat(&mut world), ErrorCode::GroupIdNotFound);
    assert_eq!(world.group_type(), GroupType::Classic);
}

#[test]
fn empty_groups_change_their_type_freely() {
    let mut world = upgradable();
    let ids = world.stable(1);
    world.commit(&ids[0], 1, 5);
    world.leave(&ids[0]);
    assert_eq!(world.state(), "Empty");
    let mut new = Reader::new("new");
    assert_eq!(new.beat(&mut world), ErrorCode::None);
    assert_eq!(world.group_type(), GroupType::Consumer);
    assert_eq!(new.of("t"), [0, 1].into());
    new.leave(&mut world, -1);
    let token = world.send_join_prepared(join("", &["range"]));
    assert_eq!(world.join_error(token), ErrorCode::MemberIdRequired);
    assert_eq!(world.group_type(), GroupType::Classic);
    assert!(
        world.coordinator.offset(GROUP, "t", 0).is_some(),
        "offsets stay"
    );
    world.restart();
    assert_eq!(world.group_type(), GroupType::Classic);
}

#[test]
fn others_than_consumers_cannot_join() {
    let mut world = upgradable();
    Reader::new("new").beat(&mut world);
    let mut request = join("", &["range"]);
    request.protocol_type = "connect".to_owned();
    let token = world.send_join_prepared(request);
    assert_eq!(
        world.join_error(token),
        ErrorCode::InconsistentGroupProtocol
    );
    let token = world.send_join_prepared(join("", &["range"]));
    assert_eq!(world.join_error(token), ErrorCode::MemberIdRequired);
    let id = world.joined(token).member_id.clone();
    let joined = world.join_and_sync(&id, &[]).expect("a consumer can");
    assert_eq!(joined.0, 3);
}
