//! Offsets.

use super::*;

#[test]
fn members_commit_in_their_generation_only() {
    let mut world = World::quick();
    let ids = world.stable(1);
    assert_eq!(world.commit(&ids[0], 1, 5), ErrorCode::None);
    assert_eq!(world.commit(&ids[0], 0, 6), ErrorCode::IllegalGeneration);
    assert_eq!(world.commit("nobody", 1, 6), ErrorCode::UnknownMemberId);
    assert_eq!(world.commit("", -1, 6), ErrorCode::UnknownMemberId);
    let committed = world.coordinator.offset(GROUP, "t", 0).expect("there");
    assert_eq!((committed.offset, &*committed.metadata), (5, "note"));
    assert_eq!(world.view().commits, 1);
}

#[test]
fn between_join_and_sync_nobody_commits() {
    let mut world = World::quick();
    let (id, _) = world.join_new(&["range"]);
    world.pass(0);
    assert_eq!(world.commit(&id, 1, 5), ErrorCode::RebalanceInProgress);
    world.assign(std::slice::from_ref(&id), 1);
    world.send_join(join("", &["range"]), 3);
    assert_eq!(
        world.commit(&id, 1, 5),
        ErrorCode::None,
        "while others join it may"
    );
}

#[test]
fn a_group_without_members_takes_simple_commits() {
    let mut world = World::quick();
    assert_eq!(world.commit("", 3, 5), ErrorCode::IllegalGeneration);
    let newer = world.send_commit(commit("", 3, 5), 9);
    assert_eq!(newer, ErrorCode::GroupIdNotFound);
    assert_eq!(world.commit("", -1, 5), ErrorCode::None);
    let view = world.view();
    assert_eq!((view.state.as_str(), &*view.protocol_type), ("Empty", ""));
    assert_eq!(world.commit("", -1, 6), ErrorCode::None);
    assert_eq!(
        world.coordinator.offset(GROUP, "t", 0).map(|c| c.offset),
        Some(6)
    );
}

#[test]
fn what_is_not_stored_is_not_committed() {
    let mut world = World::quick();
    world.commit("", -1, 5);
    world.fails = Some(ErrorCode::NotCoordinator);
    assert_eq!(world.commit("", -1, 6), ErrorCode::NotCoordinator);
    assert_eq!(
        world.coordinator.offset(GROUP, "t", 0).map(|c| c.offset),
        Some(5)
    );
    assert_eq!(world.view().commits, 1);
}

#[test]
fn long_notes_are_refused_by_themselves() {
    let mut world = World::quick();
    let mut request = commit("", -1, 5);
    let mut fits = request.topics[0].partitions[0].clone();
    fits.partition_index = 1;
    fits.committed_metadata = Some("ä".repeat(4_096));
    request.topics[0].partitions[0].committed_metadata = Some("x".repeat(4_097));
    request.topics[0].partitions.push(fits);
    let mut out = Out::default();
    let answer = world.coordinator.commit(world.now, request, 8, &mut out);
    world.settle(out).expect("stored");
    let codes = answer.expect("taken")[0].partitions.clone();
    let codes: Vec<i16> = codes.iter().map(|p| p.error_code).collect();
    assert_eq!(codes, [ErrorCode::OffsetMetadataTooLarge.code(), 0]);
}

#[test]
fn commits_keep_a_session_alive() {
    let mut world = World::quick();
    let ids = world.stable(1);
    for offset in 0..5 {
        world.pass(9_000);
        assert_eq!(world.commit(&ids[0], 1, offset), ErrorCode::None);
    }
}

fn expire(world: &mut World) -> bool {
    let mut out = Out::default();
    let did = world.coordinator.expire(world.now, &GROUP.into(), &mut out);
    world.settle(out).expect("stored");
    did
}

const WEEK_MS: u64 = 7 * 24 * 3_600_000;

#[test]
fn offsets_of_an_empty_group_expire_a_week_after_the_last_member() {
    let mut world = World::quick();
    let ids = world.stable(1);
    world.commit(&ids[0], 1, 5);
    for _ in 0..200 {
        world.pass(9_000);
        world.beat(&ids[0], 1);
    }
    world.leave(&ids[0]);
    let expires = world.view().offsets_expire_at_ms.expect("known");
    assert_eq!(
        expires,
        world.now.wall_ms + i64::try_from(WEEK_MS).expect("small")
    );
    world.pass(WEEK_MS - 1);
    assert!(!expire(&mut world));
    world.pass(1);
    assert!(expire(&mut world));
    assert_eq!(world.state(), "Dead", "nothing is left of it");
}

#[test]
fn a_group_that_reads_a_topic_keeps_its_offsets_there() {
    let mut world = World::quick();
    let ids = world.stable(1);
    world.commit(&ids[0], 1, 5);
    let mut other = commit(&ids[0], 1, 5);
    other.topics[0].name = "left".to_owned();
    world.send_commit(other, 8);
    world.now.wall_ms += i64::try_from(WEEK_MS).expect("small");
    assert!(
        expire(&mut world),
        "that of a topic nobody reads any more goes"
    );
    assert!(world.coordinator.offset(GROUP, "t", 0).is_some());
    assert!(world.coordinator.offset(GROUP, "left", 0).is_none());
    assert_eq!(world.state(), "Stable");
}

#[test]
fn simple_commits_expire_one_by_one_and_may_say_when() {
    let mut world = World::quick();
    let mut short = commit("", -1, 5);
    short.retention_time_ms = 1_000;
    short.topics[0].partitions[0].partition_index = 1;
    world.send_commit(short, 4);
    world.commit("", -1, 5);
    world.pass(1_000);
    assert!(expire(&mut world));
    assert!(world.coordinator.offset(GROUP, "t", 1).is_none());
    assert!(world.coordinator.offset(GROUP, "t", 0).is_some());
}

#[test]
fn offsets_of_read_topics_cannot_be_deleted() {
    let mut world = World::quick();
    let ids = world.stable(1);
    world.commit(&ids[0], 1, 5);
    let wanted = [("t".to_owned(), vec![0]), ("u".to_owned(), vec![0])];
    let mut out = Out::default();
    let answers = world.coordinator.delete_offsets(GROUP, &wanted, &mut out);
    let read = ErrorCode::GroupSubscribedToTopic;
    assert_eq!(answers, Ok(vec![read, ErrorCode::None]));
    assert!(out.records.is_empty());
    world.leave(&ids[0]);
    let answers = world.coordinator.delete_offsets(GROUP, &wanted, &mut out);
    assert_eq!(answers, Ok(vec![ErrorCode::None; 2]));
    world.settle(out).expect("stored");
    assert!(world.coordinator.offset(GROUP, "t", 0).is_none());
    let nobody = world
        .coordinator
        .delete_offsets("x", &wanted, &mut Out::default());
    assert_eq!(nobody, Err(ErrorCode::GroupIdNotFound));
}

#[test]
fn a_deleted_topic_takes_its_offsets_along() {
    let mut world = World::quick();
    world.commit("", -1, 5);
    let mut out = Out::default();
    assert!(
        world
            .coordinator
            .forget_topics(Now::default(), GROUP, |t, _| t == "t", &mut out)
    );
    world.settle(out).expect("stored");
    assert!(world.coordinator.offset(GROUP, "t", 0).is_none());
}
