//! Restarts: a new coordinator reads what the old one wrote.

use std::sync::Arc;

use super::*;

impl World {
    /// The process dies; its log is read by the next.
    pub(super) fn restart(&mut self) {
        let limits = Limits::default();
        self.restart_with(limits);
    }

    pub(super) fn restart_with(&mut self, limits: Limits) {
        self.coordinator = Coordinator::new(limits);
        self.coordinator.see_topics(Arc::clone(&self.topics));
        for record in self.log.clone() {
            let (key, value) = record.encode().expect("fits");
            let record = Record::decode(key, value).expect("reads").expect("ours");
            self.coordinator.replay(self.now, record);
        }
        let mut out = Out::default();
        self.coordinator.loaded(self.now, &mut out);
        self.settle(out).expect("stored");
    }
}

#[test]
fn a_stable_group_goes_on_where_it_was() {
    let mut world = World::quick();
    let ids = world.stable(2);
    world.commit(&ids[1], 1, 9);
    let before = world.view();
    world.restart();
    let after = world.view();
    assert_eq!(after.members, before.members);
    assert_eq!(after.offsets, before.offsets);
    assert_eq!(
        (after.generation, after.leader.clone()),
        (1, before.leader.clone())
    );
    assert_eq!(world.beat(&ids[0], 1), ErrorCode::None);
    let sync = world.send_sync(&ids[1], 1, &[]);
    assert_eq!(world.synced(sync).assignment, assignment(&[1]));
    world.pass(10_000);
    assert_eq!(
        world.beat(&ids[0], 1),
        ErrorCode::UnknownMemberId,
        "sessions count again"
    );
}

#[test]
fn a_group_that_was_joining_is_what_it_was_before() {
    let mut world = World::quick();
    let ids = world.stable(1);
    let (_, _waiting) = world.join_new(&["range"]);
    assert_eq!(world.state(), "PreparingRebalance");
    world.restart();
    assert_eq!(world.state(), "Stable");
    assert_eq!(world.view().members.len(), 1);
    assert_eq!(world.beat(&ids[0], 1), ErrorCode::None);
}

#[test]
fn a_group_that_was_syncing_is_what_it_was_before() {
    let mut world = World::quick();
    let (id, _) = world.join_new(&["range"]);
    world.pass(0);
    assert_eq!(world.state(), "CompletingRebalance");
    world.restart();
    assert_eq!(world.state(), "Empty");
    assert_eq!(world.beat(&id, 1), ErrorCode::UnknownMemberId);
    let (_, again) = world.join_new(&["range"]);
    world.pass(3_000);
    assert_eq!(world.join_error(again), ErrorCode::None);
}

#[test]
fn an_empty_group_keeps_its_offsets_and_its_clock() {
    let mut world = World::quick();
    let ids = world.stable(1);
    world.commit(&ids[0], 1, 9);
    world.leave(&ids[0]);
    let before = world.view();
    world.now.wall_ms += 1_000_000;
    world.restart();
    let after = world.view();
    assert_eq!(after.offsets_expire_at_ms, before.offsets_expire_at_ms);
    assert_eq!(after.state_since_ms, before.state_since_ms);
    assert_eq!(after.generation, 2);
}

#[test]
fn a_deleted_group_stays_deleted() {
    let mut world = World::quick();
    world.commit("", -1, 5);
    let mut out = Out::default();
    world.coordinator.delete(GROUP, &mut out).expect("empty");
    world.settle(out).expect("stored");
    world.restart();
    assert_eq!(world.state(), "Dead");
}

#[test]
fn a_group_that_became_too_large_rebalances() {
    let mut world = World::quick();
    let ids = world.stable(3);
    world.restart_with(Limits {
        group_size_max: 2,
        ..Limits::default()
    });
    assert_eq!(world.beat(&ids[0], 1), ErrorCode::RebalanceInProgress);
    let tokens: Vec<Token> = ids
        .iter()
        .map(|id| world.send_join(join(id, &["range"]), 9))
        .collect();
    assert_eq!(world.join_error(tokens[2]), ErrorCode::GroupMaxSizeReached);
    assert_eq!(world.joined(tokens[0]).generation_id, 2);
}

#[test]
fn damaged_records_are_errors_and_strange_ones_are_left_alone() {
    let key = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    assert!(Record::decode(key(&[0]), None).is_err());
    assert!(Record::decode(key(&[0, 1, 0, 9, 1]), None).is_err());
    assert!(Record::decode(key(&[0, 3, 0]), None).is_err());
    assert_eq!(
        Record::decode(key(&[0, 17, 0]), None).expect("not ours"),
        None
    );
    assert_eq!(Record::decode(key(&[0, 99]), None).expect("not ours"), None);
}
