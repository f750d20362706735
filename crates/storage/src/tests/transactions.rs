//! Beginning and ending transactions: permits, markers, and what a crash leaves of them.

use limpid_protocol::records::{ControlBatch, end_transaction_marker};

use super::*;
use crate::TxnPermit;

const COORDINATOR: AppendMeta = AppendMeta {
    leader_epoch: 0,
    origin: Origin::Coordinator,
};

fn transactional(id: i64, epoch: i16, base_sequence: i32, count: i64) -> Bytes {
    let producer = Producer {
        id,
        epoch,
        base_sequence,
    };
    let builder = BatchBuilder::new(Codec::None)
        .producer(producer)
        .transactional(true);
    build(builder, count, 20, START_MS)
}

fn marker(id: i64, epoch: i16, commit: bool) -> Bytes {
    let batch = ControlBatch {
        timestamp: START_MS,
        transaction: Some((id, epoch)),
        ..ControlBatch::default()
    };
    end_transaction_marker(commit, 3, &batch).unwrap()
}

fn begin(
    log: &Arc<PartitionLog>,
    batch: &[u8],
    permit: Option<TxnPermit>,
) -> Result<AppendInfo, AppendError> {
    log.append_in_transaction(batch, &META, permit)
}

fn end(
    log: &Arc<PartitionLog>,
    (id, epoch): (i64, i16),
    commit: bool,
    version: i16,
) -> Result<AppendInfo, AppendError> {
    log.append_marker(&marker(id, epoch, commit), &COORDINATOR, version)
}

fn is_not_in_transaction<T>(result: &Result<T, AppendError>) -> bool {
    matches!(result, Err(AppendError::NotInTransaction { .. }))
}

#[test]
fn a_transaction_begins_with_a_permit_and_goes_on_without() {
    let bench = Bench::new();
    let (_manager, log) = bench.start();
    let first = transactional(1, 0, 0, 2);
    assert!(is_not_in_transaction(&begin(&log, &first, None)));
    let permit = log.permit_transaction((1, 0), 0, true).unwrap();
    assert!(permit.is_some());
    begin(&log, &first, permit).unwrap();
    assert_eq!(
        log.permit_transaction((1, 0), 2, true).unwrap(),
        None,
        "it is open"
    );
    begin(&log, &transactional(1, 0, 2, 1), None).unwrap();
    assert_eq!((log.last_stable_offset(), log.log_end_offset()), (0, 3));
    end(&log, (1, 1), true, 2).unwrap();
    assert_eq!(log.last_stable_offset(), 4);
    // The next one has the raised epoch, and begins with sequence 0.
    let late = begin(&log, &transactional(1, 0, 3, 1), permit);
    assert!(
        matches!(late, Err(AppendError::InvalidProducerEpoch { .. })),
        "{late:?}"
    );
    let permit = log.permit_transaction((1, 1), 0, true).unwrap();
    begin(&log, &transactional(1, 1, 0, 1), permit).unwrap();
}

#[test]
fn a_marker_makes_permits_void() {
    let bench = Bench::new();
    let (_manager, log) = bench.start();
    let permit = log.permit_transaction((1, 0), 0, false).unwrap();
    // The coordinator said yes, and then the transaction was ended.
    end(&log, (1, 0), false, 0).unwrap();
    assert!(is_not_in_transaction(&begin(
        &log,
        &transactional(1, 0, 0, 1),
        permit
    )));
    // So does a new permit not serve as the old one.
    let other = log.permit_transaction((1, 0), 0, false).unwrap();
    assert_ne!(other, permit);
    assert!(is_not_in_transaction(&begin(
        &log,
        &transactional(1, 0, 0, 1),
        permit
    )));
    begin(&log, &transactional(1, 0, 0, 1), other).unwrap();
}

#[test]
fn a_late_marker_does_not_take_the_permit_of_the_next_transaction() {
    let bench = Bench::new();
    let (_manager, log) = bench.start();
    let permit = log.permit_transaction((1, 0), 0, true).unwrap();
    begin(&log, &transactional(1, 0, 0, 1), permit).unwrap();
    // The producer was told its new epoch before the marker came.
    let next = log.permit_transaction((1, 1), 0, true).unwrap();
    end(&log, (1, 1), true, 2).unwrap();
    begin(&log, &transactional(1, 1, 0, 1), next).unwrap();
}

#[test]
fn a_batch_does_not_overtake_one_that_is_tried_again() {
    let bench = Bench::new();
    let (_manager, log) = bench.start();
    log.permit_transaction((1, 0), 0, false).unwrap();
    let permit = log.permit_transaction((1, 0), 5, false).unwrap();
    let second = begin(&log, &transactional(1, 0, 5, 1), permit);
    assert!(
        matches!(second, Err(AppendError::OutOfOrderSequence { .. })),
        "{second:?}"
    );
    begin(&log, &transactional(1, 0, 0, 5), permit).unwrap();
    begin(&log, &transactional(1, 0, 5, 1), None).unwrap();
    // Of a producer that raises its epoch, the log must know the beginning.
    let permit = log.permit_transaction((2, 0), 7, true).unwrap();
    assert!(begin(&log, &transactional(2, 0, 7, 1), permit).is_err());
    // One that keeps its epoch may be older than what the log remembers.
    let permit = log.permit_transaction((3, 0), 7, false).unwrap();
    begin(&log, &transactional(3, 0, 7, 1), permit).unwrap();
}

#[test]
fn markers_of_the_second_version_have_an_epoch_of_their_own() {
    let bench = Bench::new();
    let (_manager, log) = bench.start();
    let permit = log.permit_transaction((1, 0), 0, true).unwrap();
    begin(&log, &transactional(1, 0, 0, 1), permit).unwrap();
    let same = end(&log, (1, 0), true, 2);
    assert!(
        matches!(same, Err(AppendError::InvalidProducerEpoch { .. })),
        "{same:?}"
    );
    end(&log, (1, 1), true, 2).unwrap();
    // The coordinator may not have heard that.
    end(&log, (1, 1), true, 2).unwrap();
    // Once the next transaction is open, the marker would end that one.
    let permit = log.permit_transaction((1, 1), 0, true).unwrap();
    begin(&log, &transactional(1, 1, 0, 1), permit).unwrap();
    let late = end(&log, (1, 1), true, 2);
    assert!(
        matches!(late, Err(AppendError::InvalidProducerEpoch { .. })),
        "{late:?}"
    );
    // Markers of the first version can't be told apart.
    end(&log, (1, 1), true, 1).unwrap();
    assert_eq!(log.last_stable_offset(), log.log_end_offset());
}

#[test]
fn what_is_open_stays_open_over_a_crash() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    for id in [1, 2, 3] {
        let permit = log.permit_transaction((id, 0), 0, true).unwrap();
        begin(&log, &transactional(id, 0, 0, 2), permit).unwrap();
    }
    end(&log, (2, 1), false, 2).unwrap();
    let (stable, aborted) = (
        log.last_stable_offset(),
        log.aborted_transactions(0, 100).unwrap(),
    );
    assert_eq!((stable, aborted.len()), (0, 1));
    let (_manager, log, _) = bench.crash(manager, log);
    assert_eq!(log.last_stable_offset(), stable);
    assert_eq!(log.aborted_transactions(0, 100).unwrap(), aborted);
    assert_eq!(
        log.permit_transaction((1, 0), 2, true).unwrap(),
        None,
        "still open"
    );
    // The coordinator may ask a second time.
    end(&log, (2, 1), false, 2).unwrap();
    end(&log, (1, 1), true, 2).unwrap();
    assert_eq!(
        log.last_stable_offset(),
        4,
        "the next open one begins there"
    );
    end(&log, (3, 1), true, 2).unwrap();
    assert_eq!(log.last_stable_offset(), log.log_end_offset());
}

#[test]
fn a_transaction_that_nobody_ends_is_late() {
    let bench = Bench::new();
    let (_manager, log) = bench.start();
    let permit = log.permit_transaction((1, 0), 0, true).unwrap();
    begin(&log, &transactional(1, 0, 0, 1), permit).unwrap();
    assert!(!log.has_late_transaction(1_000));
    bench.advance(5_000);
    assert!(log.has_late_transaction(1_000));
    end(&log, (1, 1), false, 2).unwrap();
    assert!(!log.has_late_transaction(1_000));
}

#[test]
fn coordinators_begin_transactions_without_sequences() {
    let bench = Bench::new();
    let (_manager, log) = bench.start();
    for _ in 0..2 {
        let permit = log.permit_transaction((1, 0), -1, true).unwrap();
        let batch = transactional(1, 0, -1, 1);
        let done = log.append_in_transaction(&batch, &COORDINATOR, permit);
        done.unwrap();
    }
    end(&log, (1, 1), true, 2).unwrap();
    assert_eq!(log.last_stable_offset(), 3);
}
