//! Members with `group.instance.id`.

use super::*;

fn named(member: &str, instance: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_instance_id: Some(instance.to_owned()),
        ..join(member, &["range"])
    }
}

fn stable(world: &mut World) -> (String, String) {
    let a = world.send_join(named("", "a"), 9);
    let b = world.send_join(named("", "b"), 9);
    world.pass(10_000);
    let leader = world.joined(a).leader.clone();
    let mut ids = [a, b].map(|t| world.joined(t).member_id.clone());
    ids.sort_by_key(|id| *id != leader);
    world.assign(&ids, 1);
    let [one, two] = ids;
    (one, two)
}

#[test]
fn a_static_member_comes_back_without_a_rebalance() {
    let mut world = World::new();
    let (leader, follower) = stable(&mut world);
    assert!(follower.starts_with("a-") || follower.starts_with("b-"));
    let token = world.send_join(named("", &follower[..1]), 9);
    let back = world.joined(token);
    assert_eq!(back.error_code, 0);
    assert_ne!(back.member_id, follower);
    assert_eq!(back.generation_id, 1);
    assert!(!back.skip_assignment);
    let id = back.member_id.clone();
    assert_eq!(world.state(), "Stable");
    let sync = world.send_sync(&id, 1, &[]);
    assert_eq!(world.synced(sync).assignment, assignment(&[1]));
    assert_eq!(world.beat(&leader, 1), ErrorCode::None);
    let old = HeartbeatRequest {
        group_id: GROUP.to_owned(),
        generation_id: 1,
        member_id: follower.clone(),
        group_instance_id: Some(follower[..1].to_owned()),
    };
    let fenced = world.coordinator.heartbeat(world.now, &old);
    assert_eq!(fenced, Err(ErrorCode::FencedInstanceId));
}

#[test]
fn a_static_leader_that_comes_back_does_not_assign() {
    let mut world = World::new();
    let (leader, _) = stable(&mut world);
    let token = world.send_join(named("", &leader[..1]), 9);
    let back = world.joined(token).clone();
    assert!(back.skip_assignment);
    assert_eq!(back.leader, back.member_id);
    assert_eq!(back.members.len(), 2);
    // Older clients are shown the old leader, so that they don't assign.
    let token = world.send_join(named("", &leader[..1]), 8);
    let again = world.joined(token);
    assert!(!again.skip_assignment);
    assert_eq!(again.leader, back.member_id);
    assert_ne!(again.leader, again.member_id);
}

#[test]
fn the_old_id_is_fenced_while_it_waits() {
    let mut world = World::new();
    let first = world.send_join(named("", "a"), 9);
    let second = world.send_join(named("", "a"), 9);
    assert_eq!(world.join_error(first), ErrorCode::FencedInstanceId);
    world.pass(10_000);
    assert_eq!(world.joined(second).generation_id, 1);
}

#[test]
fn coming_back_while_syncing_begins_a_rebalance() {
    let mut world = World::new();
    let a = world.send_join(named("", "a"), 9);
    world.pass(10_000);
    assert_eq!(world.joined(a).generation_id, 1);
    let again = world.send_join(named("", "a"), 9);
    assert_eq!(world.joined(again).generation_id, 2);
}

#[test]
fn a_replacement_that_is_not_stored_is_undone() {
    let mut world = World::new();
    let (leader, follower) = stable(&mut world);
    world.fails = Some(ErrorCode::NotCoordinator);
    let token = world.send_join(named("", &follower[..1]), 9);
    assert_eq!(world.join_error(token), ErrorCode::NotCoordinator);
    assert_eq!(
        world.beat(&follower, 1),
        ErrorCode::None,
        "the old one lives on"
    );
    assert_eq!(world.beat(&leader, 1), ErrorCode::None);
}

#[test]
fn static_members_keep_their_place_while_they_are_away() {
    let mut world = World::new();
    let (leader, follower) = stable(&mut world);
    let leader_join = world.send_join(named(&leader, &leader[..1]), 9);
    for _ in 0..12 {
        world.pass(5_000);
        world.beat(&follower, 1);
    }
    assert_eq!(world.joined(leader_join).generation_id, 2);
    assert_eq!(
        world.joined(leader_join).members.len(),
        2,
        "both are assigned to"
    );
}

#[test]
fn an_administrator_removes_by_name() {
    let mut world = World::new();
    let (_, follower) = stable(&mut world);
    let member = MemberIdentity {
        group_instance_id: Some(follower[..1].to_owned()),
        ..MemberIdentity::default()
    };
    let mut out = Out::default();
    let left = world
        .coordinator
        .leave(world.now, GROUP, vec![member], &mut out);
    world.settle(out).expect("stored");
    assert_eq!(left.expect("named")[0].error_code, 0);
    assert_eq!(world.beat(&follower, 1), ErrorCode::UnknownMemberId);
}
