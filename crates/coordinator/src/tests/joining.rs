//! Joining, electing, syncing.

use super::*;

#[test]
fn the_first_members_are_gathered_and_share_a_generation() {
    let mut world = World::new();
    let (a, first) = world.join_new(&["range"]);
    world.pass(2_999);
    assert!(world.waits(first), "the delay is not over");
    let (b, second) = world.join_new(&["range"]);
    world.pass(1);
    assert!(world.waits(first), "a new member prolongs it");
    world.pass(3_000);
    assert_eq!(world.joined(first).generation_id, 1);
    assert_eq!(world.joined(second).generation_id, 1);
    let leader = world.joined(first).leader.clone();
    assert_eq!(leader, world.joined(second).leader);
    let seen = [&a, &b].map(|id| {
        let token = if *id == a { first } else { second };
        (leader == *id, world.joined(token).members.len())
    });
    for (leads, members) in seen {
        assert_eq!(
            members,
            if leads { 2 } else { 0 },
            "only the leader sees all"
        );
    }
    assert_eq!(world.state(), "CompletingRebalance");
}

#[test]
fn gathering_ends_with_the_rebalance_timeout() {
    let mut world = World::new();
    let (_, first) = world.join_new(&["range"]);
    for _ in 0..40 {
        world.pass(2_000);
        world.join_new(&["range"]);
        if !world.waits(first) {
            break;
        }
    }
    assert!(
        world.now.mono_ms <= 1_000 + 60_000 + 3_000,
        "{:?}",
        world.now
    );
    assert_eq!(world.joined(first).generation_id, 1);
}

#[test]
fn old_clients_get_their_id_with_the_first_answer() {
    let mut world = World::quick();
    let token = world.send_join(join("", &["range"]), 3);
    world.pass(0);
    assert_eq!(world.join_error(token), ErrorCode::None);
    let id = &world.joined(token).member_id;
    assert!(id.starts_with("client-"), "{id}");
    assert_eq!(id.len(), "client-".len() + 36);
}

#[test]
fn a_pending_member_that_does_not_come_back_is_forgotten() {
    let mut world = World::quick();
    let first = world.send_join(join("", &["range"]), 9);
    let id = world.joined(first).member_id.clone();
    world.pass(10_000);
    let late = world.send_join(join(&id, &["range"]), 9);
    assert_eq!(world.join_error(late), ErrorCode::UnknownMemberId);
    assert_eq!(world.coordinator.pending_members(), 0);
}

#[test]
fn a_rebalance_waits_for_pending_members() {
    let mut world = World::quick();
    let ids = world.stable(1);
    let pending = world.send_join(join("", &["range"]), 9);
    let id = world.joined(pending).member_id.clone();
    let again = world.send_join(join(&ids[0], &["range"]), 9);
    assert!(world.waits(again));
    let second = world.send_join(join(&id, &["range"]), 9);
    assert_eq!(world.joined(again).generation_id, 2);
    assert_eq!(world.joined(second).generation_id, 2);
}

#[test]
fn unknown_members_and_sessions_out_of_bounds_are_refused() {
    let mut world = World::quick();
    let stranger = world.send_join(join("nobody", &["range"]), 9);
    assert_eq!(world.join_error(stranger), ErrorCode::UnknownMemberId);
    assert_eq!(world.state(), "Dead", "no group is made for that");
    for session in [5_999, 1_800_001] {
        let request = JoinGroupRequest {
            session_timeout_ms: session,
            ..join("", &["range"])
        };
        let token = world.send_join(request, 9);
        assert_eq!(world.join_error(token), ErrorCode::InvalidSessionTimeout);
    }
    world.stable(1);
    let stranger = world.send_join(join("nobody", &["range"]), 9);
    assert_eq!(world.join_error(stranger), ErrorCode::UnknownMemberId);
    let nameless = JoinGroupRequest {
        group_id: String::new(),
        ..join("", &["range"])
    };
    let token = world.send_join(nameless, 9);
    assert_eq!(world.join_error(token), ErrorCode::InvalidGroupId);
}

#[test]
fn members_vote_on_the_protocol() {
    let mut world = World::new();
    let (_, a) = world.join_new(&["range", "sticky"]);
    world.join_new(&["sticky", "range"]);
    world.join_new(&["sticky", "range", "own"]);
    world.pass(10_000);
    assert_eq!(world.joined(a).protocol_name.as_deref(), Some("sticky"));
}

#[test]
fn a_member_that_shares_no_protocol_is_refused() {
    let mut world = World::quick();
    world.stable(1);
    let token = world.send_join(join("", &["other"]), 9);
    assert_eq!(
        world.join_error(token),
        ErrorCode::InconsistentGroupProtocol
    );
    let connect = JoinGroupRequest {
        protocol_type: "connect".to_owned(),
        ..join("", &["range"])
    };
    let token = world.send_join(connect, 9);
    assert_eq!(
        world.join_error(token),
        ErrorCode::InconsistentGroupProtocol
    );
    assert_eq!(world.state(), "Stable");
}

#[test]
fn a_full_group_takes_nobody_else() {
    let mut world = World::with(Limits {
        group_size_max: 2,
        ..Limits::default()
    });
    let ids = world.stable(2);
    let token = world.send_join(join("", &["range"]), 9);
    assert_eq!(world.join_error(token), ErrorCode::GroupMaxSizeReached);
    assert_eq!(
        world.beat(&ids[0], 1),
        ErrorCode::None,
        "it goes on undisturbed"
    );
}

#[test]
fn a_follower_that_lost_its_answer_gets_it_again() {
    let mut world = World::quick();
    let ids = world.stable(2);
    let token = world.send_join(join(&ids[1], &["range"]), 9);
    assert_eq!(world.joined(token).generation_id, 1);
    assert_eq!(world.state(), "Stable");
    let token = world.send_sync(&ids[1], 1, &[]);
    assert_eq!(world.synced(token).assignment, assignment(&[1]));
}

#[test]
fn the_leader_or_another_subscription_begin_a_rebalance() {
    let mut world = World::quick();
    let ids = world.stable(2);
    let leader = world.send_join(join(&ids[0], &["range"]), 9);
    assert!(world.waits(leader));
    assert_eq!(world.beat(&ids[1], 1), ErrorCode::RebalanceInProgress);
    let follower = world.send_join(join(&ids[1], &["range"]), 9);
    assert_eq!(world.joined(leader).generation_id, 2);
    world.assign(&ids, 2);
    let mut other = join(&ids[1], &["range"]);
    other.protocols[0].metadata = subscription(&["t", "u"]);
    let token = world.send_join(other, 9);
    assert!(world.waits(token));
    let causes: Vec<(&str, u64)> = world
        .view()
        .rebalances
        .iter()
        .map(|(c, n)| (c.as_str(), *n))
        .collect();
    let expected = [
        ("member_joined", 1),
        ("subscription_changed", 1),
        ("leader_rejoined", 1),
    ];
    assert_eq!(causes, expected);
    assert!(!world.waits(follower));
}

#[test]
fn asking_twice_answers_the_first_request_at_once() {
    let mut world = World::new();
    let (id, first) = world.join_new(&["range"]);
    let second = world.send_join(join(&id, &["range"]), 9);
    assert_eq!(world.join_error(first), ErrorCode::RebalanceInProgress);
    world.pass(10_000);
    assert_eq!(world.joined(second).generation_id, 1);
}

#[test]
fn syncs_wait_for_the_leader() {
    let mut world = World::new();
    let (a, first) = world.join_new(&["range"]);
    let (b, _) = world.join_new(&["range"]);
    world.pass(10_000);
    let leader = world.joined(first).leader.clone();
    let follower = if leader == a { &b } else { &a };
    let early = world.send_sync(follower, 1, &[]);
    assert!(world.waits(early));
    assert_eq!(world.beat(follower, 1), ErrorCode::None);
    let done = world.send_sync(&leader, 1, &[(&leader, &[0])]);
    assert_eq!(world.synced(done).assignment, assignment(&[0]));
    assert_eq!(
        world.synced(early).assignment,
        Bytes::new(),
        "left out by the leader"
    );
    assert_eq!(world.state(), "Stable");
}

#[test]
fn a_sync_must_know_its_generation_member_and_protocol() {
    let mut world = World::quick();
    let ids = world.stable(1);
    let token = world.send_sync(&ids[0], 7, &[]);
    assert_eq!(world.sync_error(token), ErrorCode::IllegalGeneration);
    let token = world.send_sync("nobody", 1, &[]);
    assert_eq!(world.sync_error(token), ErrorCode::UnknownMemberId);
    let request = SyncGroupRequest {
        group_id: GROUP.to_owned(),
        generation_id: 1,
        member_id: ids[0].clone(),
        protocol_name: Some("other".to_owned()),
        ..SyncGroupRequest::default()
    };
    let mut out = Out::default();
    let token = world.token();
    world.coordinator.sync(world.now, request, token, &mut out);
    world.settle(out).expect("nothing to store");
    assert_eq!(
        world.sync_error(token),
        ErrorCode::InconsistentGroupProtocol
    );
}

#[test]
fn an_assignment_that_is_not_stored_is_not_given_out() {
    let mut world = World::quick();
    let (id, token) = world.join_new(&["range"]);
    world.pass(0);
    assert_eq!(world.joined(token).generation_id, 1);
    world.fails = Some(ErrorCode::NotCoordinator);
    let sync = world.send_sync(&id, 1, &[(&id, &[0])]);
    assert_eq!(world.sync_error(sync), ErrorCode::NotCoordinator);
    assert_eq!(world.state(), "PreparingRebalance");
    world.fails = None;
    let again = world.send_join(join(&id, &["range"]), 9);
    assert_eq!(world.joined(again).generation_id, 2);
}

#[test]
fn a_group_that_is_not_stored_is_not_there() {
    let mut world = World::quick();
    world.fails = Some(ErrorCode::CoordinatorNotAvailable);
    let token = world.send_join(join("", &["range"]), 3);
    assert_eq!(world.join_error(token), ErrorCode::CoordinatorNotAvailable);
    assert_eq!(world.state(), "Dead");
    assert_eq!(world.coordinator.next_deadline_ms(), None);
}
