//! Leaving, deleting, describing.

use std::collections::BTreeSet;

use super::*;

#[test]
fn who_leaves_makes_the_others_join_again() {
    let mut world = World::quick();
    let ids = world.stable(2);
    assert_eq!(world.leave(&ids[0]), ErrorCode::None);
    assert_eq!(world.beat(&ids[1], 1), ErrorCode::RebalanceInProgress);
    let token = world.send_join(join(&ids[1], &["range"]), 9);
    assert_eq!(world.joined(token).generation_id, 2);
    assert_eq!(world.joined(token).leader, ids[1]);
    assert_eq!(world.leave(&ids[0]), ErrorCode::UnknownMemberId);
}

#[test]
fn the_last_one_leaves_an_empty_group_with_its_offsets() {
    let mut world = World::quick();
    let ids = world.stable(1);
    assert_eq!(world.commit(&ids[0], 1, 7), ErrorCode::None);
    assert_eq!(world.leave(&ids[0]), ErrorCode::None);
    let view = world.view();
    assert_eq!(view.state.as_str(), "Empty");
    assert_eq!(view.generation, 2);
    assert_eq!(view.protocol_type, "consumer");
    assert_eq!(view.offsets["t"][&0].offset, 7);
    assert_eq!(
        world.coordinator.next_deadline_ms(),
        None,
        "no timer is left"
    );
}

#[test]
fn a_rebalance_that_leaves_nobody_gave_nobody_an_assignment() {
    let mut world = World::quick();
    let ids = world.stable(1);
    assert_eq!(world.leave(&ids[0]), ErrorCode::None);
    let ended = world.events.iter().filter_map(|event| match event {
        Event::RebalanceEnded {
            members, is_synced, ..
        } => Some((*members, *is_synced)),
        _ => None,
    });
    assert_eq!(ended.collect::<Vec<_>>(), [(1, true), (0, false)]);
}

#[test]
fn leaving_while_waiting_answers_what_waits() {
    let mut world = World::new();
    let (id, token) = world.join_new(&["range"]);
    assert_eq!(world.leave(&id), ErrorCode::None);
    assert_eq!(world.join_error(token), ErrorCode::UnknownMemberId);
    world.pass(10_000);
    assert_eq!(world.state(), "Empty");
    let pending = world.send_join(join("", &["range"]), 9);
    let id = world.joined(pending).member_id.clone();
    assert_eq!(world.leave(&id), ErrorCode::None);
    assert_eq!(world.coordinator.pending_members(), 0);
}

#[test]
fn leaving_between_join_and_sync_answers_the_syncs_of_the_others() {
    let mut world = World::new();
    let (a, first) = world.join_new(&["range"]);
    let (b, _) = world.join_new(&["range"]);
    world.pass(10_000);
    let leader = world.joined(first).leader.clone();
    let follower = if leader == a { b } else { a };
    let waiting = world.send_sync(&follower, 1, &[]);
    world.leave(&leader);
    assert_eq!(world.sync_error(waiting), ErrorCode::RebalanceInProgress);
    let token = world.send_join(join(&follower, &["range"]), 9);
    assert_eq!(world.joined(token).generation_id, 2);
}

#[test]
fn a_group_without_name_or_members_says_so() {
    let mut world = World::quick();
    let mut out = Out::default();
    let left = world.coordinator.leave(world.now, "", Vec::new(), &mut out);
    assert_eq!(left, Err(ErrorCode::InvalidGroupId));
    assert_eq!(world.leave("nobody"), ErrorCode::UnknownMemberId);
}

#[test]
fn only_empty_groups_can_be_deleted() {
    let mut world = World::quick();
    let ids = world.stable(1);
    world.commit(&ids[0], 1, 7);
    let mut out = Out::default();
    let refused = world.coordinator.delete(GROUP, &mut out);
    assert_eq!(refused, Err(ErrorCode::NonEmptyGroup));
    world.leave(&ids[0]);
    assert_eq!(world.coordinator.delete(GROUP, &mut out), Ok(()));
    world.settle(out).expect("stored");
    assert_eq!(world.state(), "Dead");
    let tombstones = world.log.iter().rev().take(2).all(|record| match record {
        Record::Offset { committed, .. } => committed.is_none(),
        Record::Group { value, .. } => value.is_none(),
        Record::Consumer { .. } | Record::Share { .. } => false,
    });
    assert!(tombstones, "offset and group are gone from the log too");
    let again = world.coordinator.delete(GROUP, &mut Out::default());
    assert_eq!(again, Err(ErrorCode::GroupIdNotFound));
}

#[test]
fn described_with_subscriptions_only_while_stable() {
    let mut world = World::quick();
    let ids = world.stable(1);
    let described = world.coordinator.describe(GROUP).expect("there");
    assert_eq!(described.protocol_data, "range");
    assert_eq!(described.members[0].member_metadata, subscription(&["t"]));
    assert_eq!(described.members[0].client_host, "/127.0.0.1");
    assert_eq!(
        world.view().members[0].assignment,
        [("t".to_owned(), vec![0])]
    );
    world.send_join(join("", &["range"]), 3);
    let described = world.coordinator.describe(GROUP).expect("there");
    assert_eq!(described.group_state, "PreparingRebalance");
    assert_eq!(described.protocol_data, "");
    assert_eq!(described.members[0].member_metadata, Bytes::new());
    let states = |name: &str| BTreeSet::from([name.to_owned()]);
    assert_eq!(
        world
            .coordinator
            .list(&states("stable"), &BTreeSet::new())
            .len(),
        0
    );
    assert_eq!(
        world
            .coordinator
            .list(&states("preparingrebalance"), &BTreeSet::new())
            .len(),
        1
    );
    assert_eq!(
        world
            .coordinator
            .list(&BTreeSet::new(), &BTreeSet::new())
            .len(),
        1
    );
    assert!(world.coordinator.describe("other").is_err());
    assert!(!ids.is_empty());
}

#[test]
fn resigning_answers_everybody() {
    let mut world = World::new();
    let (_, token) = world.join_new(&["range"]);
    let mut out = Out::default();
    let error = ErrorCode::NotCoordinator;
    world.coordinator.resign(world.now, error, &mut out);
    world.settle(out).expect("nothing to store");
    assert_eq!(world.join_error(token), error);
    assert_eq!(world.coordinator.next_deadline_ms(), None);
}
