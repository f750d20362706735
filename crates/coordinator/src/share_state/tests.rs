use super::*;
use crate::delivery::Fate;

fn key() -> StateKey {
    StateKey {
        group: "g".into(),
        topic: Uuid::from_bytes([7; 16]),
        partition: 3,
    }
}

fn write(start: i64, first: i64, last: i64) -> Write {
    Write {
        start,
        done: last - first + 1,
        batches: vec![Batch {
            first,
            last,
            fate: Fate::Acknowledged,
            count: 1,
        }],
    }
}

/// Through the bytes that lie on the disk.
fn put(states: &mut ShareStates, record: Option<StateRecord>) {
    let record = record.expect("there is something to write");
    let (key, value) = record.encode().expect("encodes");
    let read = StateRecord::decode(&key, value.as_deref()).expect("decodes");
    assert_eq!(read, Some(record.clone()));
    states.apply(record);
}

#[test]
fn updates_add_up_and_snapshots_say_the_same() {
    for updates_max in [0, 1, 500] {
        let mut states = ShareStates::default();
        assert_eq!(states.update(&key(), &write(0, 0, 4), 1, 500), None);
        let first = states.initialize(key(), 1, NO_START, 1);
        put(&mut states, Some(first));
        let led = states.lead(&key(), 2);
        put(&mut states, led);
        assert_eq!(states.lead(&key(), 2), None);
        for said in [write(10, 12, 14), write(10, 20, 24), write(10, 10, 11)] {
            let update = states.update(&key(), &said, 1, updates_max);
            put(&mut states, update);
        }
        let held = states.get(&key()).expect("is there");
        assert_eq!(
            (held.start, held.leader_epoch, held.state_epoch),
            (10, 2, 1)
        );
        let batches: Vec<(i64, i64)> = held.batches.iter().map(|b| (b.first, b.last)).collect();
        assert_eq!(batches, [(10, 14), (20, 24)]);
        assert_eq!(held.deliveries(held.start).start(), 15);
        let later = states.update(&key(), &write(22, 30, 30), 1, updates_max);
        put(&mut states, later);
        let held = states.get(&key()).expect("is there");
        let batches: Vec<(i64, i64)> = held.batches.iter().map(|b| (b.first, b.last)).collect();
        assert_eq!(
            batches,
            [(22, 24), (30, 30)],
            "nothing before the start matters"
        );
    }
}

#[test]
fn what_is_deleted_is_gone_and_can_be_set_up_anew() {
    let mut states = ShareStates::default();
    let first = states.initialize(key(), 1, 5, 1);
    put(&mut states, Some(first));
    assert_eq!(states.without_topic(|_| true), []);
    assert_eq!(states.without_topic(|_| false), [key()]);
    let again = states.initialize(key(), 2, 9, 1);
    assert!(matches!(&again.change, StateChange::Snapshot(Some(v)) if v.snapshot_epoch == 1));
    put(&mut states, Some(again));
    assert_eq!(states.get(&key()).map(|held| held.start), Some(9));
    let gone = states.delete(&key());
    put(&mut states, gone);
    assert!(states.is_empty());
    assert_eq!(states.delete(&key()), None);
}

#[test]
fn behind_a_start_that_was_chosen_nothing_is_done() {
    let mut states = ShareStates::default();
    for (start, done) in [(NO_START, NO_COUNT), (7, 0), (0, 0)] {
        let first = states.initialize(key(), 1, start, 1);
        put(&mut states, Some(first));
        let held = states.get(&key()).map(|held| (held.start, held.done));
        assert_eq!(held, Some((start, done)));
        assert_eq!(states.lead(&key(), 0), None, "it is the first leader");
        assert!(states.lead(&key(), 1).is_some());
    }
}

#[test]
fn cold_partitions_are_written_anew() {
    let mut states = ShareStates::default();
    let first = states.initialize(key(), 1, 0, 1_000);
    put(&mut states, Some(first));
    assert_eq!(
        states.refresh(9_000_000, 10),
        [],
        "it is a snapshot already"
    );
    let update = states.update(&key(), &write(0, 0, 4), 2_000, 500);
    put(&mut states, update);
    assert_eq!(states.refresh(1_005, 10), []);
    let fresh = states.refresh(5_000, 10);
    assert_eq!(fresh.len(), 1);
    let before = states.get(&key()).cloned();
    put(&mut states, fresh.into_iter().next());
    let batches = |held: &Held| held.batches.clone();
    assert_eq!(
        states.get(&key()).map(batches),
        before.as_ref().map(batches)
    );
}

#[test]
fn a_start_that_is_no_offset_is_the_first() {
    let mut states = ShareStates::default();
    let first = states.initialize(key(), 1, i64::MIN, 1);
    put(&mut states, Some(first));
    let more = states.update(&key(), &write(i64::MIN, 3, i64::MAX - 1), 2, 500);
    put(&mut states, more);
    let held = states.get(&key()).expect("initialized");
    assert_eq!(held.deliveries(held.start).start(), 0);
}
