//! Members of consumer groups commit and fetch.

use super::consumers::{Reader, id_of};
use super::*;

#[test]
fn members_commit_and_fetch_in_their_epoch() {
    let mut world = World::reading(&[("t", 1), ("u", 1)]);
    let mut one = Reader::new("one");
    one.beat(&mut world);
    let epoch_commit = |epoch| {
        let mut request = commit("one", epoch, 5);
        request.topics[0].topic_id = id_of("t");
        request
    };
    assert_eq!(world.send_commit(epoch_commit(2), 9), ErrorCode::None);
    assert_eq!(
        world.send_commit(epoch_commit(2), 8),
        ErrorCode::UnsupportedVersion
    );
    assert_eq!(
        world.send_commit(epoch_commit(3), 9),
        ErrorCode::StaleMemberEpoch
    );
    assert_eq!(
        world.send_commit(commit("", -1, 5), 9),
        ErrorCode::UnknownMemberId,
        "a tool can't commit while there are members"
    );
    one.topics.push("u".to_owned());
    world.converge(std::slice::from_mut(&mut one));
    assert_eq!(one.epoch, 3);
    assert_eq!(
        world.send_commit(epoch_commit(2), 9),
        ErrorCode::None,
        "it had the partition in that epoch already"
    );
    assert_eq!(
        world.send_commit(epoch_commit(1), 9),
        ErrorCode::StaleMemberEpoch
    );
    let fetch = |member, epoch| world.coordinator.check_fetch(GROUP, member, epoch);
    assert_eq!(fetch(Some("one"), 3), Ok(()));
    assert_eq!(fetch(None, -1), Ok(()));
    assert_eq!(fetch(Some("one"), 2), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(fetch(Some("two"), 1), Err(ErrorCode::UnknownMemberId));
}
