//! What is written of consumer groups, and what is read back.

use limpid_protocol::messages::GroupRecordKind;

use super::consumers::Reader;
use super::*;

/// The kinds of the records written, in their order; tombstones in brackets.
fn kinds(log: &[Record]) -> Vec<String> {
    let kind = |record: &Record| {
        let (key, value) = record.encode().expect("fits");
        let code = i16::from_be_bytes([key[0], key[1]]);
        let kind = GroupRecordKind::from_code(code).expect("known");
        match value {
            Some(_) => format!("{kind:?}"),
            None => format!("[{kind:?}]"),
        }
    };
    log.iter().map(kind).collect()
}

#[test]
fn records_come_in_kafkas_order() {
    let mut world = World::reading(&[("t", 1)]);
    let one = Reader::new("one");
    one.clone().beat(&mut world);
    let joined = [
        "ConsumerGroupMemberMetadata",
        "ConsumerGroupMetadata",
        "ConsumerGroupTargetAssignmentMember",
        "ConsumerGroupTargetAssignmentMetadata",
        "ConsumerGroupCurrentMemberAssignment",
    ];
    assert_eq!(kinds(&world.log), joined);
    world.log.clear();
    one.leave(&mut world, -1);
    let left = [
        "[ConsumerGroupCurrentMemberAssignment]",
        "[ConsumerGroupTargetAssignmentMember]",
        "[ConsumerGroupMemberMetadata]",
        "ConsumerGroupMetadata",
    ];
    assert_eq!(kinds(&world.log), left);
}

#[test]
fn a_group_is_after_a_restart_what_it_was() {
    let mut world = World::reading(&[("t", 5), ("u", 2)]);
    let mut readers = [Reader::new("one"), Reader::new("two"), Reader::new("three")];
    readers[0].regex = Some("[tu]".to_owned());
    readers[1].instance = Some("i".to_owned());
    world.converge(&mut readers);
    let mut late = Reader::new("late");
    late.beat(&mut world);
    world.beat_consumer(readers[0].request()).expect("fine");
    let before = world.described();
    world.restart();
    assert_eq!(world.described(), before);
    world.coordinator.check_invariants();
    let mut all = readers.to_vec();
    all.push(late);
    world.converge(&mut all);
    assert!(all.iter().all(|reader| reader.epoch == all[0].epoch));
}

#[test]
fn sessions_and_deadlines_count_again_after_a_restart() {
    let mut world = World::reading(&[("t", 2)]);
    let mut one = Reader::new("one");
    one.beat(&mut world);
    world.restart();
    world.pass(44_000);
    assert_eq!(world.state(), "Stable");
    world.pass(1_000);
    assert_eq!(world.state(), "Empty");
}

#[test]
fn any_single_record_can_be_read_alone() {
    let mut world = World::reading(&[("t", 2)]);
    let mut readers = [Reader::new("one"), Reader::new("two")];
    world.converge(&mut readers);
    readers[0].leave(&mut world, -1);
    for record in world.log.clone() {
        let mut alone = World::reading(&[("t", 2)]);
        alone.coordinator.replay(alone.now, record);
        let mut out = Out::default();
        alone.coordinator.loaded(alone.now, &mut out);
        alone.settle(out).expect("stored");
        alone.pass(50_000);
    }
}
