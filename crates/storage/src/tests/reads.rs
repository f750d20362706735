//! Reading: bounds, whole batches, transactions written by Kafka.

use super::*;
use crate::{LogRead, ReadError};
use limpid_protocol::records::{Batches, ControlBatch, end_transaction_marker};
use proptest::prelude::*;

fn firsts(read: LogRead) -> Vec<i64> {
    let mut out = Vec::new();
    for bytes in read.into_batches().unwrap() {
        out.extend(Batches::new(&bytes).map(|view| view.unwrap().header().base_offset));
    }
    out
}

#[test]
fn bounds_hold_from_memory_and_from_files() {
    for cache in [0, 1 << 20] {
        let mut bench = Bench::new();
        bench.tail_cache_bytes = cache;
        bench.config.segment_bytes = 700;
        let (_manager, log) = bench.start();
        let size = batch(2, 50, START_MS).len();
        for i in 0..10 {
            append(&log, &batch(2, 50, START_MS + i)).unwrap();
        }
        let read = |offset, max, end, one| firsts(log.read(offset, max, end, one).unwrap());
        assert_eq!(
            read(3, size, i64::MAX, false),
            [2],
            "the batch around the offset"
        );
        assert_eq!(read(2, size - 1, i64::MAX, false), [] as [i64; 0]);
        assert_eq!(
            read(2, 1, i64::MAX, true),
            [2],
            "the first one even if larger"
        );
        assert_eq!(
            read(0, size * 2, 3, true),
            [0],
            "nothing that reaches the bound"
        );
        assert_eq!(read(0, size * 2, 1, true), [] as [i64; 0]);
        assert_eq!(read(20, size, i64::MAX, true), [] as [i64; 0], "the end");
        for offset in [-1, 21] {
            let error = log.read(offset, size, i64::MAX, true).unwrap_err();
            assert_eq!(
                error,
                ReadError::OffsetOutOfRange {
                    offset,
                    start: 0,
                    end: 20
                }
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn memory_and_files_answer_alike(
        sizes in prop::collection::vec((1i64..4, 0usize..600), 1..40),
        reads in prop::collection::vec((0i64..80, 0usize..3_000, 0i64..80, any::<bool>()), 1..30),
    ) {
        let mut bench = Bench::new();
        bench.config.segment_bytes = 1 << 20;
        let (_manager, warm) = bench.start();
        let mut other = Bench::new();
        other.tail_cache_bytes = 0;
        let (_other_manager, cold) = other.start();
        for (count, size) in sizes {
            append(&warm, &batch(count, size, START_MS)).unwrap();
            append(&cold, &batch(count, size, START_MS)).unwrap();
        }
        for (offset, max, end, one) in reads {
            let (warm, cold) = (warm.read(offset, max, end, one), cold.read(offset, max, end, one));
            match (warm, cold) {
                (Ok(warm), Ok(cold)) => {
                    let join = |read: LogRead| read.into_batches().unwrap().concat();
                    prop_assert_eq!(join(warm), join(cold));
                }
                (warm, cold) => prop_assert_eq!(warm.unwrap_err(), cold.unwrap_err()),
            }
        }
    }
}

#[test]
fn transactions_hold_the_stable_offset_and_aborts_are_indexed() {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 600;
    let (manager, log) = bench.start();
    let in_txn = |id, base_sequence| {
        let builder = BatchBuilder::new(Codec::None)
            .producer(Producer {
                id,
                epoch: 0,
                base_sequence,
            })
            .transactional(true);
        build(builder, 2, 50, START_MS)
    };
    let marker = |id, commit| {
        let batch = ControlBatch {
            transaction: Some((id, 0)),
            timestamp: START_MS,
            ..Default::default()
        };
        end_transaction_marker(commit, 3, &batch).unwrap()
    };
    let coordinator = AppendMeta {
        leader_epoch: 0,
        origin: Origin::Coordinator,
    };
    append(&log, &in_txn(1, 0)).unwrap();
    append(&log, &in_txn(2, 0)).unwrap();
    append(&log, &batch(2, 50, START_MS)).unwrap();
    assert_eq!((log.last_stable_offset(), log.high_watermark()), (0, 6));
    log.append(marker(1, false), &coordinator).unwrap();
    assert_eq!(log.last_stable_offset(), 2);
    log.append(marker(2, true), &coordinator).unwrap();
    assert_eq!((log.last_stable_offset(), log.log_end_offset()), (8, 8));
    append(&log, &in_txn(1, 2)).unwrap();
    log.append(marker(1, false), &coordinator).unwrap();
    append(&log, &in_txn(2, 2)).unwrap();
    let check = |log: &Arc<PartitionLog>| {
        assert_eq!((log.last_stable_offset(), log.high_watermark()), (11, 13));
        let aborted = log.aborted_transactions(0, 11).unwrap();
        let found: Vec<_> = aborted
            .iter()
            .map(|t| (t.producer_id, t.first_offset))
            .collect();
        assert_eq!(found, [(1, 0), (1, 8)]);
        assert_eq!(
            (aborted[0].last_offset, aborted[0].last_stable_offset),
            (6, 2)
        );
        assert_eq!(log.aborted_transactions(7, 9).unwrap().len(), 1);
        let open = log
            .producers()
            .into_iter()
            .find(|p| p.producer_id == 2)
            .unwrap();
        assert_eq!(
            (open.current_txn_start_offset, open.coordinator_epoch),
            (11, 3)
        );
    };
    check(&log);
    let (manager, log, _) = bench.crash(manager, log);
    check(&log);
    manager.shutdown().unwrap();
    drop((manager, log));
    let (manager, report) = bench.open();
    assert!(report.clean);
    check(&manager.get(TOPIC, 0).unwrap());
}

#[test]
fn old_segments_share_a_bounded_number_of_open_files() {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 300;
    bench.tail_cache_bytes = 0;
    let mut options = bench.options();
    options.open_segment_files = 8;
    let (manager, _) = LogManager::open(options, &|_| {}).unwrap();
    let log = bench.create(&manager);
    for i in 0..60 {
        append(&log, &batch(1, 150, START_MS + i)).unwrap();
    }
    assert!(log.segment_count() >= 60);
    manager.tick();
    assert_eq!(read_all(&log).len() as u64, log.size_bytes());
    let files = manager.segment_files();
    assert!(files.shared <= files.shared_max + 1, "{files:?}");
    assert_eq!(files.unsynced, 0);
}
