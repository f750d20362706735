//! When records came, over restarts, crashes, retention and garbage; timestamps of records.

use super::*;
use limpid_protocol::records::{ControlBatch, end_transaction_marker};

const FILE: &str = ".limpid_arrivals";

/// Ten batches of two records, ten seconds apart, stamped a day before they come.
fn ten_batches(bench: &Bench, log: &Arc<PartitionLog>) {
    for i in 0..10 {
        append(log, &batch(2, 50, START_MS - 86_400_000 + i)).unwrap();
        bench.advance(10_000);
    }
}

fn arrivals(log: &PartitionLog) -> Vec<Option<i64>> {
    let seconds = |ms: i64| (ms - START_MS) / 1_000;
    let all = (0..=log.log_end_offset()).step_by(2);
    all.map(|offset| log.arrival_ms(offset).map(seconds))
        .collect()
}

const TEN: [Option<i64>; 11] = [
    Some(0),
    Some(10),
    Some(20),
    Some(30),
    Some(40),
    Some(50),
    Some(60),
    Some(70),
    Some(80),
    Some(90),
    None,
];

#[test]
fn arrivals_survive_a_clean_restart() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    assert_eq!(log.arrival_ms(0), None);
    ten_batches(&bench, &log);
    assert_eq!(arrivals(&log), TEN);
    assert_eq!(log.arrival_ms(-5), Some(START_MS));
    manager.shutdown().unwrap();
    let (_manager, log, report) = bench.crash(manager, log);
    assert!(report.clean);
    assert_eq!(arrivals(&log), TEN);
    append(&log, &batch(2, 50, START_MS)).unwrap();
    assert_eq!(log.arrival_ms(20), Some(START_MS + 100_000));
}

#[test]
fn after_a_crash_what_no_checkpoint_covers_is_estimated_by_the_batches() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    ten_batches(&bench, &log);
    manager.tick();
    // After an hour of silence: what comes now is an hour younger than the last point.
    bench.advance(3_600_000);
    let now = START_MS + 3_700_000;
    append(&log, &batch(2, 50, now - 86_400_000)).unwrap();
    append(&log, &batch(2, 50, now - 3_000)).unwrap();
    append(&log, &batch(2, 50, now + 86_400_000)).unwrap();
    let (_manager, log, report) = bench.crash(manager, log);
    assert!(!report.clean);
    assert_eq!(arrivals(&log)[..10], TEN[..10], "covered: exact");
    let checkpoint = START_MS + 100_000;
    assert_eq!(log.arrival_ms(20), Some(checkpoint), "not before it");
    assert_eq!(log.arrival_ms(22), Some(now - 2_999));
    assert_eq!(log.arrival_ms(24), Some(now), "not in the future");
}

#[test]
fn garbage_costs_precision_and_nothing_else() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    ten_batches(&bench, &log);
    manager.shutdown().unwrap();
    drop((manager, log));
    let path = bench.dir.path().join(FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let (manager, report) = bench.open();
    assert!(report.clean);
    let log = manager.get(TOPIC, 0).unwrap();
    assert_eq!((log.log_end_offset(), log.arrival_ms(4)), (20, None));
    append(&log, &batch(2, 50, START_MS)).unwrap();
    assert_eq!(log.arrival_ms(4), None, "still not known");
    assert_eq!(log.arrival_ms(20), Some(START_MS + 100_000));
    // Another topic of the same name has its own story.
    manager.delete(TOPIC, 0).unwrap();
    let id = Uuid::from_bytes([8; 16]);
    drop(log);
    let log = manager.create(TOPIC, id, 0, bench.config.clone()).unwrap();
    append(&log, &batch(1, 50, START_MS)).unwrap();
    let (_manager, log, _) = bench.crash(manager, log);
    assert_eq!(log.topic_id(), id);
    assert_eq!(log.arrival_ms(0), Some(START_MS), "by its timestamp");
}

#[test]
fn deleted_records_and_a_cut_tail_take_their_arrivals_along() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    ten_batches(&bench, &log);
    log.delete_records_before(7).unwrap();
    assert_eq!(log.arrival_ms(0), Some(START_MS + 30_000));
    manager.tick();
    drop((manager, log));
    // The last batch is torn.
    let path = bench.log_path().join("00000000000000000000.log");
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - 3).unwrap();
    let (manager, _) = bench.open();
    let log = manager.get(TOPIC, 0).unwrap();
    assert_eq!(log.log_end_offset(), 18);
    assert_eq!(log.arrival_ms(18), None);
    append(&log, &batch(2, 50, START_MS)).unwrap();
    assert_eq!(log.arrival_ms(18), Some(START_MS + 100_000));
    assert_eq!(log.arrival_ms(0), Some(START_MS + 30_000));
}

#[test]
fn the_timestamp_at_an_offset_is_that_of_the_next_data_record() {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 1_000;
    let (_manager, log) = bench.start();
    assert_eq!(log.timestamp_at(0).unwrap(), None);
    for i in 0..10 {
        let builder = BatchBuilder::new([Codec::None, Codec::Lz4][i as usize % 2]);
        append(&log, &build(builder, 3, 200, START_MS + i * 100)).unwrap();
    }
    assert!(log.segment_count() > 3);
    for offset in 0..30 {
        let expected = START_MS + offset / 3 * 100 + offset % 3;
        assert_eq!(log.timestamp_at(offset).unwrap(), Some(expected));
    }
    assert_eq!(log.timestamp_at(-1).unwrap(), Some(START_MS));
    assert_eq!(log.timestamp_at(30).unwrap(), None);
    assert_eq!(log.timestamp_at(i64::MAX).unwrap(), None);
    let batch = ControlBatch {
        timestamp: START_MS,
        transaction: Some((9, 0)),
        ..ControlBatch::default()
    };
    let marker = end_transaction_marker(true, 0, &batch).unwrap();
    let coordinator = AppendMeta {
        leader_epoch: 0,
        origin: Origin::Coordinator,
    };
    log.append(&marker, &coordinator).unwrap();
    assert_eq!(log.timestamp_at(30).unwrap(), None, "only a marker");
    let builder = BatchBuilder::new(Codec::None).append_time(START_MS + 5);
    append(&log, &build(builder, 2, 10, START_MS)).unwrap();
    assert_eq!(log.timestamp_at(30).unwrap(), Some(START_MS + 5));
    assert_eq!(log.timestamp_at(32).unwrap(), Some(START_MS + 5));
    log.delete_records_before(16).unwrap();
    assert_eq!(log.timestamp_at(0).unwrap(), Some(START_MS + 501));
}
