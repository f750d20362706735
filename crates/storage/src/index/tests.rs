use super::*;
use crate::open_files::{Limits, OpenFiles, Wait};
use limpid_platform::files::{Fault, FaultKind, FaultyFiles, Op, RealFiles};
use proptest::prelude::*;

const TEN: Limits = Limits {
    shared: 10,
    pinned: 10,
};

fn slot(dir: &std::path::Path) -> Arc<Slot> {
    Slot::new(
        &OpenFiles::new(Arc::new(RealFiles), TEN),
        dir.join("i"),
        true,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn lookups_agree_with_a_linear_scan(
        // Within a block of what is read, and over several.
        steps in prop_oneof![
            3 => prop::collection::vec((1u32..50, 1u32..5000, 0i64..9), 0..60),
            1 => prop::collection::vec((1u32..50, 1u32..5000, 0i64..9), 500..2_500),
        ],
        probes in prop::collection::vec((-0.01f64..1.1, -0.01f64..1.1), 1..20),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let offsets = OffsetIndex::new(slot(dir.path()), 0);
        let times_dir = tempfile::tempdir().unwrap();
        let times = TimeIndex::new(slot(times_dir.path()), 0);
        let (mut offset, mut position, mut time) = (0, 0, 0);
        let mut model = Vec::new();
        for (by, size, later) in steps {
            offset += by;
            time += later;
            offsets.push(offset, position).unwrap();
            times.push(time, offset).unwrap();
            model.push((offset, position, time));
            position += size;
        }
        let len = |dir: &std::path::Path| std::fs::metadata(dir.join("i")).map_or(0, |m| m.len());
        let waiting = offsets.bytes() - len(dir.path());
        prop_assert!(waiting <= (WAITING_ENTRIES_MAX * OFFSET_ENTRY_BYTES) as u64);
        for round in 0..2 {
        for (relative, timestamp) in &probes {
            let relative = (relative * f64::from(offset)) as u32;
            let timestamp = (timestamp * time as f64) as i64;
            let expected = model.iter().rev().find(|e| e.0 <= relative).map_or(0, |e| e.1);
            prop_assert_eq!(offsets.position_before(relative, Wait::ForDisk).unwrap(), expected);
            let expected = model.iter().rev().find(|e| e.2 <= timestamp).map(|e| (e.2, e.0));
            prop_assert_eq!(times.entry_before(timestamp).unwrap(), expected);
            let at = (u64::from(relative) * u64::from(position)).checked_div(u64::from(offset));
            let at = at.unwrap_or(0);
            let expected = model.iter().rev().find(|e| u64::from(e.1) <= at);
            let found = offsets.entry_before_position(at, Wait::ForDisk).unwrap();
            prop_assert_eq!(found, expected.map(|e| (e.0, e.1)));
        }
        prop_assert_eq!(offsets.last_entry().unwrap(), model.last().map(|e| (e.0, e.1)));
        for (i, entry) in model.iter().enumerate() {
            let found = offsets.get(i as u32).unwrap();
            prop_assert_eq!((u32_at(&found, 0), u32_at(&found, 4)), (entry.0, entry.1));
        }
        // The same from the files alone.
        offsets.settle().unwrap();
        times.settle().unwrap();
        prop_assert_eq!(len(dir.path()), offsets.bytes(), "round {}", round);
        }
    }
}

#[test]
fn a_torn_entry_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("i"), [0; 13]).unwrap();
    let index = OffsetIndex::new(slot(dir.path()), 13);
    assert!(index.check(13, 100).unwrap().is_err());
    index.push(7, 9).unwrap();
    assert_eq!(index.last_entry().unwrap(), Some((7, 9)));
    index.settle().unwrap();
    assert_eq!(std::fs::metadata(dir.path().join("i")).unwrap().len(), 16);
}

#[test]
fn what_a_full_disk_refuses_waits_on_and_is_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let files = FaultyFiles::new(Arc::new(RealFiles));
    let open = OpenFiles::new(Arc::new(files.clone()), TEN);
    let index = OffsetIndex::new(Slot::new(&open, dir.path().join("i"), true), 0);
    files.inject(Fault::always(
        Op::Write,
        "i",
        FaultKind::TornWriteNoSpace(11),
    ));
    for i in 0..WAITING_ENTRIES_MAX as u32 {
        index.push(i, i).unwrap();
    }
    assert!(index.push(99, 99).is_err(), "left out, and nothing else");
    assert!(index.settle().is_err());
    assert_eq!(index.entries(), WAITING_ENTRIES_MAX as u32);
    assert_eq!(index.position_before(7, Wait::ForDisk).unwrap(), 7);
    files.heal();
    index.push(100, 100).unwrap();
    index.settle().unwrap();
    assert_eq!(index.position_before(7, Wait::ForDisk).unwrap(), 7);
    assert_eq!(index.last_entry().unwrap(), Some((100, 100)));
    let len = std::fs::metadata(dir.path().join("i")).unwrap().len();
    assert_eq!(len, 8 * (WAITING_ENTRIES_MAX as u64 + 1));
}

#[test]
fn an_aborted_transaction_that_could_not_be_written_is_not_counted() {
    let dir = tempfile::tempdir().unwrap();
    let files = FaultyFiles::new(Arc::new(RealFiles));
    let open = OpenFiles::new(Arc::new(files.clone()), TEN);
    let index = TxnIndex::new(Slot::new(&open, dir.path().join("i"), true), 0);
    let txn = AbortedTxn {
        producer_id: 1,
        first_offset: 2,
        last_offset: 3,
        last_stable_offset: 4,
    };
    files.inject(Fault::once(Op::Write, "i", FaultKind::NoSpace));
    assert!(index.push(&txn).is_err());
    assert_eq!(index.entries(), 0);
    index.push(&txn).unwrap();
    assert_eq!(std::fs::metadata(dir.path().join("i")).unwrap().len(), 34);
}

#[test]
fn aborted_transactions_are_collected_by_overlap() {
    let dir = tempfile::tempdir().unwrap();
    let index = TxnIndex::new(slot(dir.path()), 0);
    let txn = |producer_id, first_offset, last_offset, last_stable_offset| AbortedTxn {
        producer_id,
        first_offset,
        last_offset,
        last_stable_offset,
    };
    let all = [txn(1, 0, 10, 11), txn(2, 5, 20, 21), txn(3, 25, 30, 31)];
    all.iter().for_each(|t| index.push(t).unwrap());
    let mut out = Vec::new();
    assert!(index.collect(11, 21, &mut out).unwrap());
    assert_eq!(out, all[1..2]);
    assert_eq!(index.check(102, 0).unwrap(), Ok(()));
    assert!(index.check(102, 15).unwrap().is_err());
    assert!(!index.collect(11, 100, &mut out).unwrap());
}
