//! Producers that start.

use super::*;

#[test]
fn each_start_raises_the_epoch_and_fences_the_one_before() {
    let mut world = World::new();
    let first = world.init();
    let second = world.init();
    assert_eq!((second.id, second.epoch), (first.id, first.epoch + 1));
    assert_eq!(world.add(first, 0, SECOND), ErrorCode::ProducerFenced);
    assert_eq!(
        world.end(first, true, SECOND),
        Err(ErrorCode::ProducerFenced)
    );
    assert_eq!(world.add(second, 0, SECOND), ErrorCode::None);
}

#[test]
fn a_start_aborts_what_is_open() {
    for level in [FIRST, SECOND] {
        let mut world = World::new();
        world.level = level;
        let zombie = world.init();
        world.add(zombie, 0, level);
        assert_eq!(
            world.init_as(ID, None),
            Err(ErrorCode::ConcurrentTransactions)
        );
        assert_eq!(world.state_now(), TxnState::PrepareAbort);
        assert_eq!(
            world.init_as(ID, None),
            Err(ErrorCode::ConcurrentTransactions)
        );
        assert_eq!(
            world.end(zombie, true, level),
            Err(match level {
                // The end of the second protocol has raised the epoch by one, so that this looks like
                // its own end, asked for again; but that was no commit.
                SECOND => ErrorCode::InvalidTxnState,
                _ => ErrorCode::ProducerFenced,
            })
        );
        let markers = world.finish().expect("decided");
        assert!(!markers.commit && markers.producer.epoch > zombie.epoch);
        let next = world.init();
        assert!(
            next.epoch > markers.producer.epoch,
            "the epoch of the fence is nobody's"
        );
        assert_eq!(world.add(zombie, 0, level), ErrorCode::ProducerFenced);
    }
}

#[test]
fn a_producer_goes_on_after_an_error() {
    let mut world = World::new();
    let first = world.init();
    let second = world
        .init_as(ID, Some(first))
        .expect("it is the current one");
    assert_eq!(second.epoch, first.epoch + 1);
    let again = world
        .init_as(ID, Some(first))
        .expect("it did not hear the answer");
    assert_eq!(again, second);
    let other = world.init();
    let lost = world.init_as(ID, Some(second));
    assert_eq!(
        lost,
        Err(ErrorCode::ProducerFenced),
        "{other:?} has taken over"
    );
    let stranger = ProducerKey { id: 1, epoch: 0 };
    assert_eq!(
        world.init_as(ID, Some(stranger)),
        Err(ErrorCode::ProducerFenced)
    );
    // Of an id that nobody knows any more, it becomes a new producer.
    let new = world
        .init_as("new", Some(stranger))
        .expect("nobody is fenced");
    assert_eq!(new.epoch, 0);
    assert_ne!(new.id, stranger.id);
}

#[test]
fn a_new_producer_id_comes_when_the_epochs_are_used_up() {
    let mut world = World::new();
    let first = world.init();
    let mut last = first;
    while last.epoch < i16::MAX - 1 {
        last = world.init();
        assert_eq!(last.id, first.id);
    }
    let other = world
        .init_as(ID, Some(last))
        .expect("it is the current one");
    assert_ne!(other.id, first.id);
    assert_eq!(other.epoch, 0);
    // It did not hear that, and is known by its old id and last epoch.
    let again = world.init_as(ID, Some(last)).expect("once more");
    assert_eq!(again.id, other.id);
    let older = ProducerKey { epoch: 5, ..last };
    assert_eq!(
        world.init_as(ID, Some(older)),
        Err(ErrorCode::ProducerFenced)
    );
}

#[test]
fn what_cant_be_is_refused() {
    let mut world = World::new();
    assert_eq!(world.init_as("", None), Err(ErrorCode::InvalidRequest));
    let nobody = ProducerKey { id: 1, epoch: 0 };
    assert_eq!(
        world.add_as("", nobody, 0, SECOND),
        ErrorCode::InvalidRequest
    );
    assert_eq!(
        world.add(nobody, 0, SECOND),
        ErrorCode::InvalidProducerIdMapping
    );
    assert_eq!(
        world.end(nobody, true, SECOND),
        Err(ErrorCode::InvalidProducerIdMapping)
    );
    let producer = world.init();
    let other = ProducerKey { id: 7, ..producer };
    assert_eq!(
        world.add(other, 0, SECOND),
        ErrorCode::InvalidProducerIdMapping
    );
    let newer = ProducerKey {
        epoch: 9,
        ..producer
    };
    assert_eq!(world.add(newer, 0, SECOND), ErrorCode::ProducerFenced);
}
