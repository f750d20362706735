use super::*;
use limpid_protocol::records::Attributes;
use proptest::prelude::*;

fn header(id: i64, epoch: i16, sequence: i32, count: i32, base_offset: i64) -> BatchHeader {
    BatchHeader {
        base_offset,
        last_offset_delta: count - 1,
        records_count: count,
        producer_id: id,
        producer_epoch: epoch,
        base_sequence: sequence,
        max_timestamp: 1_000,
        ..BatchHeader::default()
    }
}

fn append(
    producers: &mut Producers,
    header: &BatchHeader,
    marker: Option<Marker>,
) -> Result<(), AppendError> {
    let mut pending = Pending::default();
    producers.prepare(&mut pending, header, marker, Origin::Client)?;
    producers.commit(pending);
    Ok(())
}

#[test]
fn the_last_five_batches_are_known_again() {
    let mut producers = Producers::default();
    for i in 0..8 {
        append(
            &mut producers,
            &header(1, 0, i * 10, 10, i64::from(i) * 10),
            None,
        )
        .unwrap();
    }
    for i in 0..8 {
        let found = producers.duplicate_of(&header(1, 0, i * 10, 10, 999));
        let expected = (i >= 3).then_some(i64::from(i) * 10);
        assert_eq!(
            found.map(|batch| batch.first_offset()),
            expected,
            "batch {i}"
        );
    }
    assert_eq!(
        producers.duplicate_of(&header(1, 0, 70, 9, 0)),
        None,
        "another length"
    );
    assert_eq!(
        producers.duplicate_of(&header(1, 1, 70, 10, 0)),
        None,
        "another epoch"
    );
}

#[test]
fn sequences_wrap_and_gaps_are_refused() {
    let mut producers = Producers::default();
    append(&mut producers, &header(1, 0, i32::MAX - 1, 4, 0), None).unwrap();
    assert_eq!(producers.by_id[&1].last_sequence(), 1);
    let error = append(&mut producers, &header(1, 0, 3, 1, 4), None).unwrap_err();
    assert!(
        matches!(
            error,
            AppendError::OutOfOrderSequence {
                last: 1,
                got: 3,
                ..
            }
        ),
        "{error}"
    );
    append(&mut producers, &header(1, 0, 2, 1, 4), None).unwrap();
    assert!(
        producers
            .duplicate_of(&header(1, 0, i32::MAX - 1, 4, 0))
            .is_some()
    );
}

#[test]
fn a_new_epoch_starts_at_zero_and_fences_the_old_one() {
    let mut producers = Producers::default();
    append(&mut producers, &header(1, 3, 0, 5, 0), None).unwrap();
    assert!(append(&mut producers, &header(1, 4, 5, 1, 5), None).is_err());
    append(&mut producers, &header(1, 4, 0, 1, 5), None).unwrap();
    let error = append(&mut producers, &header(1, 3, 5, 1, 6), None).unwrap_err();
    assert_eq!(
        error,
        AppendError::InvalidProducerEpoch {
            producer_id: 1,
            current: 4,
            got: 3
        }
    );
}

#[test]
fn transactions_open_and_end_and_hold_the_stable_offset() {
    let mut producers = Producers::default();
    let transactional = |id, sequence, offset| BatchHeader {
        attributes: Attributes(0).with_transactional(true),
        ..header(id, 0, sequence, 1, offset)
    };
    let control = |id, offset| BatchHeader {
        attributes: Attributes(0).with_transactional(true).with_control(true),
        ..header(id, 0, NO_SEQUENCE, 1, offset)
    };
    append(&mut producers, &transactional(1, 0, 10), None).unwrap();
    append(&mut producers, &transactional(2, 0, 11), None).unwrap();
    append(&mut producers, &transactional(1, 1, 12), None).unwrap();
    assert_eq!(producers.first_undecided(), Some(10));
    let plain = append(&mut producers, &header(1, 0, 2, 1, 13), None);
    assert_eq!(plain, Err(AppendError::InvalidTxnState { producer_id: 1 }));
    let mut pending = Pending::default();
    let abort = Marker {
        commit: false,
        coordinator_epoch: 5,
    };
    producers
        .prepare(
            &mut pending,
            &control(1, 13),
            Some(abort),
            Origin::Coordinator,
        )
        .unwrap();
    let aborted = pending.aborted(&producers);
    producers.commit(pending);
    let expected = AbortedTxn {
        producer_id: 1,
        first_offset: 10,
        last_offset: 13,
        last_stable_offset: 11,
    };
    assert_eq!(aborted, [expected]);
    assert_eq!(producers.first_undecided(), Some(11));
    let zombie = Marker {
        commit: true,
        coordinator_epoch: 4,
    };
    let fenced = append(&mut producers, &control(1, 14), Some(zombie));
    assert!(matches!(
        fenced,
        Err(AppendError::CoordinatorFenced {
            current: 5,
            got: 4,
            ..
        })
    ));
    append(
        &mut producers,
        &control(2, 14),
        Some(Marker {
            commit: true,
            ..abort
        }),
    )
    .unwrap();
    assert_eq!(producers.first_undecided(), None);
}

#[test]
fn snapshots_round_trip_and_windows_are_refilled() {
    let mut producers = Producers::default();
    let headers: Vec<_> = (0..7)
        .map(|i| header(1, 0, i * 2, 2, i64::from(i) * 3))
        .collect();
    headers
        .iter()
        .for_each(|h| append(&mut producers, h, None).unwrap());
    let mut loaded = Producers::default();
    let bytes = snapshot::encode(&producers);
    snapshot::decode(&bytes)
        .unwrap()
        .into_iter()
        .for_each(|p| loaded.load(p));
    assert_eq!(loaded.by_id[&1].window.len(), 1);
    loaded.refill_windows(&headers);
    assert_eq!(loaded, producers);
}

#[test]
fn idle_producers_expire_unless_a_transaction_is_open() {
    let mut producers = Producers::default();
    append(&mut producers, &header(1, 0, 0, 1, 0), None).unwrap();
    let attributes = Attributes(0).with_transactional(true);
    append(
        &mut producers,
        &BatchHeader {
            attributes,
            ..header(2, 0, 0, 1, 1)
        },
        None,
    )
    .unwrap();
    assert_eq!(producers.expire(1_999, 1_000), 0);
    assert_eq!(producers.expire(2_000, 1_000), 1);
    assert_eq!(producers.len(), 1);
}

proptest! {
    #[test]
    fn garbage_is_no_snapshot(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(snapshot::decode(&bytes).is_err());
        // Even with the right version and checksum, counts must fit.
        if bytes.len() > 10 {
            bytes[..2].copy_from_slice(&1i16.to_be_bytes());
            let crc = crc32c::crc32c(&bytes[6..]);
            bytes[2..6].copy_from_slice(&crc.to_be_bytes());
            snapshot::decode(&bytes).ok();
        }
    }

    /// A producer with up to five requests in flight that re-sends any of them at any time: each
    /// batch lands exactly once and is answered with the same offset ever after.
    #[test]
    fn resends_are_exactly_once(
        counts in prop::collection::vec(1i32..5, 1..40),
        resends in prop::collection::vec((0usize..40, 0usize..WINDOW), 0..80),
        start in prop::sample::select(vec![0, i32::MAX - 20, 17]),
    ) {
        let mut producers = Producers::default();
        let (mut sequence, mut offset) = (start, 0i64);
        let mut sent: Vec<BatchHeader> = Vec::new();
        for (i, count) in counts.iter().enumerate() {
            let next = header(9, 1, sequence, *count, offset);
            prop_assert_eq!(producers.duplicate_of(&next), None);
            append(&mut producers, &next, None).unwrap();
            sent.push(next);
            sequence = add_sequence(sequence, *count);
            offset += i64::from(*count);
            for (_, back) in resends.iter().filter(|(at, _)| *at == i) {
                let Some(old) = sent.len().checked_sub(back + 1).map(|at| sent[at]) else {
                    continue;
                };
                let found = producers.duplicate_of(&BatchHeader { base_offset: 0, ..old });
                prop_assert_eq!(found.map(|batch| batch.first_offset()), Some(old.base_offset));
            }
            // One too far ahead is never taken.
            let gap = header(9, 1, add_sequence(sequence, 1), 1, offset);
            prop_assert!(append(&mut producers, &gap, None).is_err());
        }
    }
}
