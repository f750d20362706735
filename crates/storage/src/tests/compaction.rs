//! Compaction: what must stay, what must go, and that a crash at any moment loses nothing.

use super::*;
use crate::{CleanupPolicy, ReadError};

mod model;
mod swap;

use model::{Content, History, Now, Step, records_of};

/// A bench whose topic is compacted whenever anything is dirty, in small segments.
fn compacting() -> Bench {
    let mut bench = Bench::new();
    bench.config.cleanup_policy = CleanupPolicy {
        delete: false,
        compact: true,
    };
    bench.config.segment_bytes = 600;
    bench.config.min_cleanable_dirty_ratio = 0.0;
    bench.config.delete_retention_ms = 10_000;
    bench.config.file_delete_delay_ms = 0;
    bench
}

fn put(log: &Arc<PartitionLog>, key: &str, value: Option<&str>) -> i64 {
    let mut builder = BatchBuilder::new(Codec::None);
    let value = value.map(str::as_bytes);
    builder
        .append(START_MS, Some(key.as_bytes()), value, &[])
        .unwrap();
    append(log, &builder.build().unwrap()).unwrap().first_offset
}

/// Offset, key and value of everything that is left, as text.
fn left(log: &Arc<PartitionLog>) -> Vec<(i64, String, Option<String>)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let records = records_of(&read_all(log)).into_iter();
    records
        .map(|r| (r.offset, text(&r.key), r.value.as_deref().map(text)))
        .collect()
}

/// Fills the active segment, so that everything before is in closed ones.
fn roll(log: &Arc<PartitionLog>) {
    let segments = log.segment_count();
    while log.segment_count() == segments {
        put(log, "filler", Some(&"f".repeat(200)));
    }
}

#[test]
fn of_each_key_the_newest_record_stays_at_its_offset() {
    let bench = compacting();
    let (manager, log) = bench.start();
    for i in 0..30 {
        put(&log, &format!("k{}", i % 3), Some(&format!("v{i}")));
    }
    roll(&log);
    let end = log.log_end_offset();
    let before = log.size_bytes();
    assert_eq!(manager.compact_now(), 1);
    assert_eq!(manager.compact_now(), 0, "nothing is dirty any more");
    let small: Vec<_> = left(&log)
        .into_iter()
        .filter(|(_, key, _)| key != "filler")
        .collect();
    let newest = |i: i64| (i, format!("k{}", i % 3), Some(format!("v{i}")));
    assert_eq!(small, [newest(27), newest(28), newest(29)]);
    assert!(log.size_bytes() < before / 2);
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (0, end));
    let checkpoint = bench.dir.path().join("cleaner-offset-checkpoint");
    let clean_to = log.clean_to().unwrap();
    let text = format!("0\n1\norders 0 {clean_to}\n");
    assert_eq!(std::fs::read_to_string(checkpoint).unwrap(), text);
    assert!(bench.names(".cleaned").is_empty() && bench.names(".swap").is_empty());
    manager.tick();
    assert!(bench.names(".deleted").is_empty(), "{:?}", bench.names(""));
    let all = left(&log);
    let (manager, log, report) = bench.crash(manager, log);
    assert_eq!((left(&log), log.log_end_offset()), (all.clone(), end));
    assert_eq!((log.clean_to(), report.bytes_cut), (Some(clean_to), 0));
    manager.shutdown().unwrap();
    drop((manager, log));
    let (manager, report) = bench.open();
    assert!(report.clean && report.notes.is_empty(), "{report:?}");
    assert_eq!(left(&manager.get(TOPIC, 0).unwrap()), all);
}

#[test]
fn segments_that_shrank_become_one() {
    let mut bench = compacting();
    bench.config.segment_bytes = 2_000;
    let (manager, log) = bench.start();
    for i in 0..200 {
        put(
            &log,
            &format!("k{}", i % 7),
            Some("some value of some length"),
        );
    }
    let many = log.segment_count();
    assert!(many > 6);
    manager.compact_now();
    // What is left of each becomes one with its neighbours at the next round.
    for i in 0..60 {
        put(&log, &format!("k{}", i % 7), Some("another one"));
    }
    manager.compact_now();
    assert!(
        log.segment_count() <= many / 2,
        "{} of {many}",
        log.segment_count()
    );
    let snapshots = bench.names(".snapshot");
    manager.tick();
    assert!(bench.names(".snapshot").len() <= snapshots.len());
    for name in bench.names(".snapshot") {
        let log_of = bench.log_path().join(name.replace(".snapshot", ".log"));
        assert!(log_of.exists(), "{name} belongs to no segment");
    }
}

#[test]
fn tombstones_go_after_their_time_and_nothing_comes_back() {
    let bench = compacting();
    let (manager, log) = bench.start();
    put(&log, "a", Some("1"));
    put(&log, "b", Some("1"));
    let gone = put(&log, "a", None);
    roll(&log);
    manager.compact_now();
    let of = |key: &str| -> Vec<_> {
        let all = left(&log).into_iter();
        all.filter(|(_, k, _)| k == key)
            .map(|(offset, _, value)| (offset, value))
            .collect()
    };
    assert_eq!(of("a"), [(gone, None)]);
    assert_eq!(of("b").len(), 1);
    // Its time runs from the first round that saw it.
    bench.advance(9_999);
    roll(&log);
    manager.compact_now();
    assert_eq!(of("a").len(), 1);
    bench.advance(1);
    roll(&log);
    manager.compact_now();
    assert_eq!(of("a"), []);
    assert_eq!(of("b").len(), 1);
    let (_manager, log, _) = bench.crash(manager, log);
    assert!(left(&log).iter().all(|(_, key, _)| key != "a"));
}

#[test]
fn the_sequence_of_a_producer_goes_on_where_its_records_are_gone() {
    let bench = compacting();
    let (manager, log) = bench.start();
    for i in 0..4 {
        append(&log, &idempotent(7, 0, i, 1)).unwrap();
    }
    // Somebody else replaces what it wrote.
    put(&log, "key", Some("other"));
    roll(&log);
    manager.compact_now();
    let kept = records_of(&read_all(&log));
    assert!(
        kept.iter().all(|record| record.producer != 7),
        "its records are replaced"
    );
    let (_manager, log, _) = bench.crash(manager, log);
    assert!(append(&log, &idempotent(7, 0, 3, 1)).unwrap().duplicate);
    assert!(append(&log, &idempotent(7, 0, 9, 1)).is_err());
    assert!(!append(&log, &idempotent(7, 0, 4, 1)).unwrap().duplicate);
}

#[test]
fn policies_lags_and_ratio_are_held() {
    let bench = compacting();
    let (manager, log) = bench.start();
    for _ in 0..20 {
        put(&log, "k", Some("some value"));
    }
    roll(&log);
    let config = |change: fn(&mut LogConfig)| {
        let mut config = bench.config.clone();
        change(&mut config);
        log.update_config(config);
        manager.compact_now()
    };
    assert_eq!(config(|c| c.cleanup_policy = CleanupPolicy::default()), 0);
    assert_eq!(config(|c| c.min_compaction_lag_ms = i64::MAX), 0);
    assert_eq!(config(|c| c.min_cleanable_dirty_ratio = 1.0), 0);
    bench.advance(5_000);
    let overdue = |c: &mut LogConfig| {
        (c.min_cleanable_dirty_ratio, c.max_compaction_lag_ms) = (1.0, 5_000);
    };
    assert_eq!(config(overdue), 0);
    bench.advance(1);
    assert_eq!(config(overdue), 1);
    assert_eq!(
        left(&log).iter().filter(|(_, key, _)| key == "k").count(),
        1
    );
}

#[test]
fn what_is_overdue_is_told_while_nobody_is_free() {
    let bench = compacting();
    let (manager, log) = bench.start();
    put(&log, "k", Some("some value"));
    roll(&log);
    log.update_config(LogConfig {
        max_compaction_lag_ms: 5_000,
        ..bench.config.clone()
    });
    manager.set_compaction(crate::CompactionSettings {
        threads: 0,
        ..crate::CompactionSettings::default()
    });
    bench.advance(3_605_000);
    manager.tick();
    assert_eq!(manager.metrics().compaction_overdue.get(), 3_600);
}

#[test]
fn compact_and_delete_do_both() {
    let mut bench = compacting();
    bench.config.cleanup_policy.delete = true;
    bench.config.retention_ms = 60_000;
    let (manager, log) = bench.start();
    for i in 0..20 {
        put(&log, &format!("k{}", i % 2), Some("some value"));
    }
    roll(&log);
    manager.compact_now();
    assert_eq!(
        left(&log)
            .iter()
            .filter(|(_, key, _)| key != "filler")
            .count(),
        2
    );
    bench.advance(60_001);
    manager.tick();
    assert_eq!(
        (log.log_start_offset(), left(&log).len()),
        (log.log_end_offset(), 0)
    );
}

#[test]
fn records_deleted_by_offset_stay_deleted() {
    let bench = compacting();
    let (manager, log) = bench.start();
    for i in 0..40 {
        put(&log, &format!("k{i}"), Some("some value"));
    }
    roll(&log);
    log.delete_records_before(33).unwrap();
    manager.compact_now();
    manager.tick();
    assert_eq!(left(&log)[0].0, 33);
    assert!(matches!(
        log.read(32, 1, 99, true),
        Err(ReadError::OffsetOutOfRange { .. })
    ));
    let (_manager, log, _) = bench.crash(manager, log);
    assert_eq!((log.log_start_offset(), left(&log)[0].0), (33, 33));
}

#[test]
fn a_corrupt_batch_is_not_laundered() {
    let bench = compacting();
    let (manager, log) = bench.start();
    for _ in 0..20 {
        put(&log, "k", Some("some value"));
    }
    roll(&log);
    manager.tick();
    let path = bench.log_path().join("00000000000000000000.log");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[70] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(manager.compact_now(), 0);
    assert!(
        log.unsound().unwrap().contains("checksum"),
        "{:?}",
        log.unsound()
    );
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert!(log.is_online(), "one bad batch is no bad disk");
    assert!(bench.names(".cleaned").is_empty());
}

#[test]
fn a_deleted_log_ends_its_compaction() {
    let bench = compacting();
    let (manager, log) = bench.start();
    for _ in 0..20 {
        put(&log, "k", Some("some value"));
    }
    roll(&log);
    manager.delete(TOPIC, 0).unwrap();
    assert_eq!(manager.compact_now(), 0);
    let mut condemned = Vec::new();
    let again = log.compact(
        &crate::CompactionSettings::default(),
        &|_| true,
        &mut condemned,
    );
    assert!(matches!(again, Ok(None)));
    assert!(manager.dirs()[0].online);
}

#[test]
fn readers_in_the_middle_of_a_replaced_segment_go_on() {
    let mut bench = compacting();
    bench.tail_cache_bytes = 0;
    let (manager, log) = bench.start();
    for i in 0..60 {
        put(&log, &format!("k{}", i % 5), Some("some value"));
    }
    roll(&log);
    // Cold reads that were begun before the replacement and are finished after it.
    let cold: Vec<_> = (0..60)
        .map(|offset| (offset, log.read(offset, 1, i64::MAX, true).unwrap()))
        .collect();
    manager.compact_now();
    manager.tick();
    for (offset, read) in cold {
        for bytes in read.into_batches().unwrap() {
            let first = &records_of(&bytes)[0];
            assert!(first.offset >= offset);
        }
    }
    assert_eq!(
        left(&log)
            .iter()
            .filter(|(_, key, _)| key != "filler")
            .count(),
        5
    );
}

fn config_strategy() -> impl proptest::strategy::Strategy<Value = (usize, u32, usize)> {
    use proptest::prelude::*;
    (
        prop::sample::select(vec![24 * 64, 1 << 20]),
        prop::sample::select(vec![400u32, 1_500]),
        prop::sample::select(vec![0usize, 1 << 20]),
    )
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 200, ..Default::default()
    })]
    #[test]
    fn a_compacted_log_says_what_the_whole_log_said(
        steps in proptest::collection::vec(model::step(), 1..60),
        (keys_bytes, segment_bytes, cache) in config_strategy(),
    ) {
        let mut bench = compacting();
        bench.keys_bytes = keys_bytes;
        bench.config.segment_bytes = segment_bytes;
        bench.tail_cache_bytes = cache;
        let (mut manager, mut log) = bench.start();
        let mut history = History::new();
        for step in &steps {
            match step {
                Step::Compact => {
                    manager.compact_now();
                    history.check(&log, bench.clock.now_ms());
                }
                Step::Tick => manager.tick(),
                Step::Advance(ms) => bench.advance(*ms),
                Step::Crash => {
                    let (opened, again, report) = bench.crash(manager, log);
                    proptest::prop_assert_eq!(report.bytes_cut, 0);
                    (manager, log) = (opened, again);
                    history.check(&log, bench.clock.now_ms());
                }
                Step::CleanRestart => {
                    manager.shutdown().unwrap();
                    drop((manager, log));
                    let (opened, report) = bench.open();
                    proptest::prop_assert!(report.notes.is_empty(), "{:?}", report);
                    log = opened.get(TOPIC, 0).unwrap();
                    manager = opened;
                }
                step => history.append(&log, step, bench.clock.now_ms()),
            }
        }
        manager.compact_now();
        let content = history.check(&log, bench.clock.now_ms());
        let (_manager, log, _) = bench.crash(manager, log);
        proptest::prop_assert_eq!(Content::of(&log), content);
    }
}
