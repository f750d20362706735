//! Static members of consumer groups.

use super::consumers::Reader;
use super::*;

fn fixed(id: &str) -> Reader {
    let mut reader = Reader::new(id);
    reader.instance = Some("i".to_owned());
    reader
}

#[test]
fn a_static_member_finds_its_partitions_when_it_comes_back() {
    let mut world = World::reading(&[("t", 4)]);
    let mut readers = [fixed("one"), Reader::new("two")];
    world.converge(&mut readers);
    let [one, mut two] = readers;
    let had = one.of("t");
    let epoch = one.epoch;
    assert_eq!(one.leave(&mut world, -2), ErrorCode::None);
    two.beat(&mut world);
    assert!(two.of("t").is_disjoint(&had), "they are kept for it");
    let mut again = fixed("one-again");
    assert_eq!(again.beat(&mut world), ErrorCode::None);
    assert_eq!((again.of("t"), again.epoch), (had, epoch));
    assert_eq!(world.described().group_epoch, epoch, "no rebalance");
    assert_eq!(one.clone().beat(&mut world), ErrorCode::FencedInstanceId);
}

#[test]
fn a_static_member_that_stays_away_loses_its_partitions() {
    let mut world = World::reading(&[("t", 2)]);
    let mut readers = [fixed("one"), Reader::new("two")];
    world.converge(&mut readers);
    let [one, mut two] = readers;
    one.leave(&mut world, -2);
    for _ in 0..5 {
        world.pass(10_000);
        two.beat(&mut world);
    }
    assert_eq!(two.of("t").len(), 2);
    assert_eq!(world.view().members.len(), 1);
}

#[test]
fn a_name_that_is_in_use_is_not_given_away() {
    let mut world = World::reading(&[("t", 1)]);
    let mut one = fixed("one");
    one.beat(&mut world);
    let unreleased = ErrorCode::UnreleasedInstanceId;
    assert_eq!(fixed("two").beat(&mut world), unreleased);
    assert_eq!(one.beat(&mut world), ErrorCode::None);
    assert_eq!(
        fixed("two").leave(&mut world, -1),
        ErrorCode::FencedInstanceId
    );
    let mut nobody = fixed("one");
    nobody.instance = Some("j".to_owned());
    nobody.epoch = 1;
    assert_eq!(nobody.beat(&mut world), ErrorCode::UnknownMemberId);
    assert_eq!(one.leave(&mut world, -1), ErrorCode::None);
    assert_eq!(fixed("two").beat(&mut world), ErrorCode::None);
}

#[test]
fn a_static_member_survives_a_restart_of_the_coordinator() {
    let mut world = World::reading(&[("t", 2)]);
    let mut one = fixed("one");
    one.beat(&mut world);
    one.leave(&mut world, -2);
    world.restart();
    let mut again = fixed("two");
    again.beat(&mut world);
    assert_eq!(again.of("t"), [0, 1].into());
    world.coordinator.check_invariants();
}
