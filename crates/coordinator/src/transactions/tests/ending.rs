//! Ends, asked for once and again.

use super::*;

fn open(version: i16) -> (World, ProducerKey) {
    let mut world = World::new();
    let producer = world.init();
    assert_eq!(world.add(producer, 0, version), ErrorCode::None);
    (world, producer)
}

#[test]
fn the_first_protocol_tells_the_same_again() {
    for commit in [true, false] {
        let (mut world, producer) = open(FIRST);
        assert_eq!(world.end(producer, commit, FIRST), Ok(producer));
        assert_eq!(
            world.end(producer, commit, FIRST),
            Err(ErrorCode::ConcurrentTransactions)
        );
        assert_eq!(
            world.end(producer, !commit, FIRST),
            Err(ErrorCode::InvalidTxnState)
        );
        world.finish();
        assert_eq!(world.end(producer, commit, FIRST), Ok(producer));
        assert_eq!(
            world.end(producer, !commit, FIRST),
            Err(ErrorCode::InvalidTxnState)
        );
    }
    let mut world = World::new();
    let producer = world.init();
    for commit in [true, false] {
        assert_eq!(
            world.end(producer, commit, FIRST),
            Err(ErrorCode::InvalidTxnState)
        );
    }
}

#[test]
fn the_second_protocol_knows_an_end_that_is_asked_for_again_by_its_epoch() {
    for commit in [true, false] {
        let (mut world, producer) = open(SECOND);
        let next = world.end(producer, commit, SECOND).expect("open");
        assert_eq!(
            world.end(producer, commit, SECOND),
            Err(ErrorCode::ConcurrentTransactions)
        );
        assert_eq!(
            world.end(producer, !commit, SECOND),
            Err(ErrorCode::InvalidTxnState)
        );
        assert_eq!(
            world.end(next, commit, SECOND),
            Err(ErrorCode::ProducerFenced)
        );
        world.finish();
        assert_eq!(world.end(producer, commit, SECOND), Ok(next));
        assert_eq!(
            world.end(producer, !commit, SECOND),
            Err(ErrorCode::InvalidTxnState)
        );
        // With the new epoch it would be the next transaction, which has not begun.
        assert_eq!(
            world.end(next, true, SECOND),
            Err(ErrorCode::InvalidTxnState)
        );
    }
}

#[test]
fn the_second_protocol_aborts_what_may_not_have_begun() {
    let mut world = World::new();
    let mut producer = world.init();
    for _ in 0..3 {
        let next = world
            .end(producer, false, SECOND)
            .expect("an abort is allowed");
        assert_eq!(next.epoch, producer.epoch + 1);
        assert_eq!(world.txn().started_ms, world.now_ms);
        let markers = world.finish().expect("decided");
        assert!(markers.partitions.is_empty());
        producer = next;
    }
    let before = ProducerKey {
        epoch: producer.epoch - 2,
        ..producer
    };
    assert_eq!(
        world.end(before, false, SECOND),
        Err(ErrorCode::ProducerFenced)
    );
}

#[test]
fn the_producer_id_changes_with_an_end_when_the_epochs_are_used_up() {
    let mut world = World::new();
    let mut producer = world.init();
    while producer.epoch < i16::MAX - 1 {
        producer = world.init();
    }
    world.add(producer, 0, SECOND);
    let next = world.end(producer, true, SECOND).expect("open");
    assert_ne!(next.id, producer.id);
    assert_eq!(next.epoch, 0);
    assert_eq!(
        world.add(next, 0, SECOND),
        ErrorCode::InvalidProducerIdMapping,
        "not yet"
    );
    world.restart();
    let markers = world.finish().expect("decided");
    assert_eq!(
        markers.producer,
        ProducerKey {
            epoch: i16::MAX,
            ..producer
        }
    );
    assert_eq!(
        world.end(producer, true, SECOND),
        Ok(next),
        "the answer was lost"
    );
    assert_eq!(world.add(next, 0, SECOND), ErrorCode::None);
    assert_eq!(world.txn().partitions, partitions(&[("t", 0)]));
}

#[test]
fn a_client_may_go_from_one_protocol_to_the_other() {
    let (mut world, producer) = open(FIRST);
    world.end(producer, true, FIRST).expect("open");
    world.finish();
    let producer = world.init();
    world.add(producer, 1, SECOND);
    let next = world.end(producer, true, SECOND).expect("open");
    world.finish();
    world.add(next, 1, FIRST);
    assert_eq!(world.end(next, false, FIRST), Ok(next));
}
