//! Silence.

use super::*;

#[test]
fn a_silent_member_is_out_after_its_session() {
    let mut world = World::quick();
    let ids = world.stable(2);
    for _ in 0..4 {
        world.pass(5_000);
        world.beat(&ids[1], 1);
    }
    assert_eq!(world.beat(&ids[0], 1), ErrorCode::UnknownMemberId);
    assert_eq!(world.state(), "PreparingRebalance");
    let token = world.send_join(join(&ids[1], &["range"]), 9);
    assert_eq!(world.joined(token).generation_id, 2);
    assert_eq!(world.view().rebalances[1].0.as_str(), "session_expired");
}

#[test]
fn heartbeats_keep_one_timer_per_member() {
    let mut world = World::quick();
    let ids = world.stable(3);
    for _ in 0..100 {
        world.pass(1_000);
        for id in &ids {
            assert_eq!(world.beat(id, 1), ErrorCode::None);
        }
        assert!(world.coordinator.timers_len() <= 4);
    }
}

#[test]
fn who_does_not_join_again_is_out_after_the_rebalance_timeout() {
    let mut world = World::quick();
    let ids = world.stable(2);
    let (_, token) = world.join_new(&["range"]);
    for _ in 0..12 {
        // It lives, but it never joins.
        world.pass(5_000);
        world.beat(&ids[0], 1);
        world.beat(&ids[1], 1);
    }
    assert_eq!(world.joined(token).generation_id, 2);
    assert_eq!(world.beat(&ids[0], 1), ErrorCode::UnknownMemberId);
    assert_eq!(world.view().members.len(), 1);
}

#[test]
fn who_waits_for_its_join_need_not_heartbeat() {
    let mut world = World::quick();
    let ids = world.stable(2);
    let waiting = world.send_join(join(&ids[0], &["range"]), 9);
    for _ in 0..6 {
        world.pass(5_000);
        world.beat(&ids[1], 1);
    }
    assert!(world.waits(waiting), "three sessions long");
    let last = world.send_join(join(&ids[1], &["range"]), 9);
    assert_eq!(world.joined(waiting).generation_id, 2);
    assert_eq!(world.joined(last).generation_id, 2);
}

#[test]
fn a_new_member_that_waits_too_long_is_dropped() {
    let mut world = World::quick();
    let slow = |id: &str| JoinGroupRequest {
        rebalance_timeout_ms: 900_000,
        ..join(id, &["range"])
    };
    let first = world.send_join(slow(""), 3);
    world.pass(0);
    let id = world.joined(first).member_id.clone();
    world.assign(std::slice::from_ref(&id), 1);
    let second = world.send_join(slow(""), 3);
    for _ in 0..60 {
        world.pass(5_000);
        world.beat(&id, 1);
    }
    assert_eq!(world.join_error(second), ErrorCode::UnknownMemberId);
}

#[test]
fn who_does_not_sync_is_out_after_the_rebalance_timeout() {
    let mut world = World::new();
    let (a, first) = world.join_new(&["range"]);
    let (b, _) = world.join_new(&["range"]);
    world.pass(10_000);
    let leader = world.joined(first).leader.clone();
    let lazy = if leader == a { b } else { a };
    let done = world.send_sync(&leader, 1, &[(&leader, &[0, 1])]);
    assert_eq!(world.sync_error(done), ErrorCode::None);
    for _ in 0..12 {
        world.pass(5_000);
        world.beat(&leader, 1);
        world.beat(&lazy, 1);
    }
    assert_eq!(world.beat(&lazy, 1), ErrorCode::UnknownMemberId);
    assert_eq!(world.beat(&leader, 1), ErrorCode::RebalanceInProgress);
}

#[test]
fn a_leader_that_does_not_sync_lets_the_others_go_on() {
    let mut world = World::new();
    let (a, first) = world.join_new(&["range"]);
    let (b, _) = world.join_new(&["range"]);
    world.pass(10_000);
    let leader = world.joined(first).leader.clone();
    let follower = if leader == a { b } else { a };
    let waiting = world.send_sync(&follower, 1, &[]);
    for _ in 0..12 {
        // It lives, but it never assigns.
        world.pass(5_000);
        world.beat(&leader, 1);
    }
    assert_eq!(world.sync_error(waiting), ErrorCode::RebalanceInProgress);
    let again = world.send_join(join(&follower, &["range"]), 9);
    assert_eq!(world.joined(again).leader, follower);
}

#[test]
fn rebalances_are_timed() {
    let mut world = World::new();
    let (id, _) = world.join_new(&["range"]);
    world.pass(4_000);
    world.assign(std::slice::from_ref(&id), 1);
    let last = world.view().last_rebalance.clone().expect("one");
    assert_eq!(last.took_ms, 4_000);
    assert_eq!(last.members, 1);
    assert_eq!(last.cause.as_str(), "member_joined");
}
