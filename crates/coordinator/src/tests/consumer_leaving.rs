//! Members of consumer groups that go: by themselves, silently, or because they are too slow.

use super::consumers::{Reader, eager, id_of};
use super::*;
use crate::Cause;
use crate::view::GroupType;

impl Reader {
    pub(super) fn leave(&self, world: &mut World, epoch: i32) -> ErrorCode {
        let mut request = self.request();
        request.member_epoch = epoch;
        world
            .beat_consumer(request)
            .err()
            .unwrap_or(ErrorCode::None)
    }
}

fn causes(world: &World) -> Vec<Cause> {
    let began = world.events.iter().filter_map(|event| match event {
        Event::RebalanceBegan {
            cause,
            group_type: GroupType::Consumer,
            ..
        } => Some(*cause),
        _ => None,
    });
    began.collect()
}

#[test]
fn what_a_member_had_is_free_when_it_left() {
    let mut world = World::reading(&[("t", 4)]);
    let (mut one, mut two) = (Reader::new("one"), Reader::new("two"));
    world.converge(&mut [one.clone(), two.clone()]);
    let mut readers = [one, two];
    for reader in &mut readers {
        reader.forget();
        reader.beat(&mut world);
    }
    world.converge(&mut readers);
    [one, two] = readers;
    assert_eq!(one.leave(&mut world, -1), ErrorCode::None);
    two.beat(&mut world);
    assert_eq!(two.of("t").len(), 4);
    assert_eq!(world.state(), "Stable");
    assert_eq!(two.leave(&mut world, -1), ErrorCode::None);
    assert_eq!(world.state(), "Empty");
    assert_eq!(world.coordinator.timers_len(), 0);
    assert_eq!(two.leave(&mut world, -1), ErrorCode::UnknownMemberId);
    assert_eq!(
        causes(&world).last(),
        Some(&Cause::MemberLeft),
        "{:?}",
        causes(&world)
    );
}

#[test]
fn a_silent_member_is_removed_after_its_session() {
    let mut world = World::reading(&[("t", 2)]);
    let (mut one, mut two) = (Reader::new("one"), Reader::new("two"));
    one.beat(&mut world);
    two.beat(&mut world);
    for _ in 0..9 {
        world.pass(5_000);
        assert_eq!(one.beat(&mut world), ErrorCode::None);
    }
    one.beat(&mut world);
    assert_eq!(one.of("t"), [0, 1].into());
    assert_eq!(two.beat(&mut world), ErrorCode::UnknownMemberId);
    assert_eq!(causes(&world).last(), Some(&Cause::SessionExpired));
}

#[test]
fn a_member_that_does_not_give_up_in_time_is_removed() {
    let mut world = World::reading(&[("t", 2)]);
    let one = Reader::new("one");
    let mut slow = one.clone();
    slow.beat(&mut world);
    let mut two = Reader::new("two");
    two.beat(&mut world);
    // It beats, but never says that it let go.
    for _ in 0..5 {
        world.pass(11_000);
        world.beat_consumer(slow.request()).expect("still there");
        two.beat(&mut world);
        assert_eq!(two.of("t"), [].into());
    }
    world.pass(20_000);
    assert_eq!(causes(&world).last(), Some(&Cause::RebalanceTimeout));
    two.beat(&mut world);
    assert_eq!(two.of("t"), [0, 1].into());
    assert_eq!(slow.beat(&mut world), ErrorCode::UnknownMemberId);
}

#[test]
fn giving_up_in_time_ends_the_deadline() {
    let mut world = World::reading(&[("t", 2)]);
    let mut readers = [Reader::new("one"), Reader::new("two")];
    world.converge(&mut readers);
    for _ in 0..20 {
        world.pass(10_000);
        for reader in &mut readers {
            assert_eq!(reader.beat(&mut world), ErrorCode::None);
        }
    }
}

#[test]
fn a_removal_that_is_not_written_is_tried_again() {
    let mut world = World::reading(&[("t", 2)]);
    Reader::new("one").beat(&mut world);
    world.fails = Some(ErrorCode::NotCoordinator);
    world.pass(45_000);
    assert_eq!(world.state(), "Stable");
    world.fails = None;
    world.pass(45_000);
    assert_eq!(world.state(), "Empty");
}

#[test]
fn an_empty_group_goes_when_its_offsets_have_expired() {
    let mut world = World::with(Limits {
        offsets_retention_ms: 1_000,
        ..eager()
    });
    world.set_topics(&[("t", 1)]);
    let mut one = Reader::new("one");
    one.beat(&mut world);
    let mut request = commit("one", 2, 5);
    request.topics[0].topic_id = id_of("t");
    assert_eq!(world.send_commit(request, 9), ErrorCode::None);
    let expire = |world: &mut World| {
        let mut out = Out::default();
        let id = GROUP.into();
        world.coordinator.expire(world.now, &id, &mut out);
        world.settle(out).expect("stored");
    };
    world.pass(2_000);
    expire(&mut world);
    assert!(
        world.coordinator.offset(GROUP, "t", 0).is_some(),
        "it is read"
    );
    one.leave(&mut world, -1);
    expire(&mut world);
    assert_eq!(world.state(), "Dead");
    world.restart();
    assert_eq!(world.state(), "Dead", "nothing of it is left in the log");
}

#[test]
fn only_an_empty_group_can_be_deleted() {
    let mut world = World::reading(&[("t", 1)]);
    let mut one = Reader::new("one");
    one.beat(&mut world);
    let delete = |world: &mut World| {
        let mut out = Out::default();
        let done = world.coordinator.delete(GROUP, &mut out);
        world.settle(out).expect("stored");
        done
    };
    assert_eq!(delete(&mut world), Err(ErrorCode::NonEmptyGroup));
    one.leave(&mut world, -1);
    assert_eq!(delete(&mut world), Ok(()));
    assert_eq!(world.state(), "Dead");
    world.restart();
    assert_eq!(world.state(), "Dead");
}

#[test]
fn offsets_of_topics_that_are_read_are_not_deleted() {
    let mut world = World::reading(&[("t", 1)]);
    let mut one = Reader::new("one");
    one.beat(&mut world);
    let mut out = Out::default();
    let wanted = [("t".to_owned(), vec![0]), ("u".to_owned(), vec![0])];
    let errors = world.coordinator.delete_offsets(GROUP, &wanted, &mut out);
    let expected = vec![ErrorCode::GroupSubscribedToTopic, ErrorCode::None];
    assert_eq!(errors, Ok(expected));
}

#[test]
fn an_administrator_removes_members_by_id_and_by_instance() {
    let mut world = World::reading(&[("t", 2)]);
    let mut fixed = Reader::new("fixed");
    fixed.instance = Some("i".to_owned());
    let mut readers = [fixed, Reader::new("free")];
    world.converge(&mut readers);
    assert_eq!(world.leave("free"), ErrorCode::None);
    assert_eq!(world.leave("free"), ErrorCode::UnknownMemberId);
    assert_eq!(world.leave_as("", Some("j")), ErrorCode::UnknownMemberId);
    let fenced = ErrorCode::FencedInstanceId;
    assert_eq!(world.leave_as("other", Some("i")), fenced);
    assert_eq!(world.leave_as("", Some("i")), ErrorCode::None);
    assert_eq!(world.state(), "Empty");
    let [mut fixed, _] = readers;
    assert_eq!(fixed.beat(&mut world), ErrorCode::UnknownMemberId);
}
