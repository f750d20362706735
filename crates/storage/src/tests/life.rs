//! Creating, rolling, retention, deleting, restarting.

use super::*;
use crate::{CleanupPolicy, OpenError, StorageError};

#[test]
fn a_second_manager_is_told_who_holds_the_directory() {
    let bench = Bench::new();
    let (_manager, _log) = bench.start();
    let error = LogManager::open(bench.options(), &|_| {}).unwrap_err();
    let OpenError::Locked(_) = error else {
        panic!("{error}")
    };
    assert!(
        error.to_string().contains(&std::process::id().to_string()),
        "{error}"
    );
}

#[test]
fn the_files_are_kafkas() {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 2_000;
    let (manager, log) = bench.start();
    for i in 0..20 {
        append(&log, &batch(2, 100, START_MS + i)).unwrap();
    }
    manager.set_broker_epoch(11);
    manager.shutdown().unwrap();
    let text = |name: &str| std::fs::read_to_string(bench.dir.path().join(name)).unwrap();
    let marker: serde_json::Value = serde_json::from_str(&text(".kafka_cleanshutdown")).unwrap();
    assert_eq!(
        marker,
        serde_json::json!({"version": "0", "broker_epoch": "11"})
    );
    assert_eq!(
        text("recovery-point-offset-checkpoint"),
        "0\n1\norders 0 40\n"
    );
    assert_eq!(text("replication-offset-checkpoint"), "0\n1\norders 0 40\n");
    assert_eq!(text("log-start-offset-checkpoint"), "0\n0\n");
    assert_eq!(text("orders-0/leader-epoch-checkpoint"), "0\n1\n0 0\n");
    let metadata = text("orders-0/partition.metadata");
    assert_eq!(metadata, "version: 0\ntopic_id: BwcHBwcHBwcHBwcHBwcHBw");
    let bases: Vec<_> = bench
        .names(".log")
        .iter()
        .map(|name| name[..20].to_owned())
        .collect();
    assert!(bases.len() > 2);
    for base in &bases {
        let len = |suffix| {
            std::fs::metadata(bench.log_path().join(format!("{base}{suffix}")))
                .unwrap()
                .len()
        };
        assert!(len(".log") <= 2_000 && len(".index") % 8 == 0 && len(".timeindex") % 12 == 0);
        assert!(len(".index") > 0 && len(".timeindex") > 0);
    }
    let snapshots = bench.names(".snapshot");
    assert_eq!(
        snapshots.len(),
        bases.len(),
        "one for each roll, and one at the end"
    );
    assert_eq!(snapshots.last().unwrap(), "00000000000000000040.snapshot");
}

#[test]
fn segments_roll_by_size_time_index_and_offset() {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 1_000;
    let (manager, log) = bench.start();
    append(&log, &batch(1, 600, START_MS)).unwrap();
    append(&log, &batch(1, 600, START_MS)).unwrap();
    assert_eq!(log.segment_count(), 2);
    let error = append(&log, &batch(1, 1_000, START_MS)).unwrap_err();
    assert!(matches!(error, AppendError::TooLarge { limit: 1_000, .. }));
    let by_time = LogConfig {
        segment_ms: 1_000,
        ..LogConfig::default()
    };
    log.update_config(by_time);
    append(&log, &batch(1, 10, START_MS + 1_000)).unwrap();
    assert_eq!(log.segment_count(), 2, "not older than the limit");
    append(&log, &batch(1, 10, START_MS + 1_001)).unwrap();
    assert_eq!(log.segment_count(), 3);
    let tiny = LogConfig {
        segment_index_bytes: 24,
        index_interval_bytes: 0,
        ..bench.config.clone()
    };
    manager.update_config(
        TOPIC,
        &LogConfig {
            segment_bytes: 1 << 20,
            ..tiny
        },
    );
    for i in 0..10 {
        append(&log, &batch(1, 10, START_MS + 2_000 + i)).unwrap();
    }
    assert!(log.segment_count() > 5, "{}", log.segment_count());
    let far = AppendMeta {
        leader_epoch: 0,
        origin: Origin::Replica,
    };
    let builder = BatchBuilder::new(Codec::None)
        .base_offset(5_000_000_000)
        .leader_epoch(0);
    let before = log.segment_count();
    log.append(build(builder, 1, 10, START_MS), &far).unwrap();
    assert_eq!(
        (log.segment_count(), log.log_end_offset()),
        (before + 1, 5_000_000_001)
    );
    assert!(read_all(&log).len() > 1_000);
}

#[test]
fn retention_by_time_size_and_deleted_records() {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 1_000;
    bench.config.retention_ms = 10_000;
    bench.config.file_delete_delay_ms = 5_000;
    let (manager, log) = bench.start();
    for i in 0..10 {
        append(&log, &idempotent(1, 0, i, 1)).unwrap();
        append(&log, &batch(1, 700, START_MS + i64::from(i) * 1_000)).unwrap();
    }
    manager.tick();
    assert_eq!((log.log_start_offset(), log.segment_count()), (0, 10));
    let old = log.read(0, 100, i64::MAX, true).unwrap();
    bench.advance(13_500);
    manager.tick();
    let start = log.log_start_offset();
    assert!((6..=10).contains(&start), "{start}");
    assert!(!bench.names(".log.deleted").is_empty());
    assert!(
        old.into_batches().is_ok()
            && matches!(
                log.read(0, 100, i64::MAX, true),
                Err(crate::ReadError::OffsetOutOfRange { offset: 0, .. })
            )
    );
    log.update_config(LogConfig {
        retention_ms: -1,
        ..bench.config.clone()
    });
    bench.advance(5_000);
    manager.tick();
    assert!(bench.names(".deleted").is_empty(), "{:?}", bench.names(""));
    // By size, down to what fits.
    log.update_config(LogConfig {
        retention_ms: -1,
        retention_bytes: 2_000,
        ..bench.config.clone()
    });
    manager.tick();
    assert!(
        log.size_bytes() < 3_000 && log.size_bytes() >= 1_000,
        "{}",
        log.size_bytes()
    );
    // By the records deleted.
    assert_eq!(log.delete_records_before(19).unwrap(), 19);
    assert_eq!(
        log.delete_records_before(3).unwrap(),
        19,
        "it never goes back"
    );
    assert!(matches!(
        log.delete_records_before(21),
        Err(StorageError::OffsetOutOfRange { .. })
    ));
    manager.tick();
    assert_eq!((log.segment_count(), log.log_start_offset()), (1, 19));
    assert_eq!(log.delete_records_before(-1).unwrap(), 20);
    manager.tick();
    let text = std::fs::read_to_string(bench.dir.path().join("log-start-offset-checkpoint"));
    assert_eq!(text.unwrap(), "0\n1\norders 0 20\n");
    let (_manager, log, _) = bench.crash(manager, log);
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (20, 20));
}

#[test]
fn everything_may_expire_and_offsets_go_on() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    append(&log, &batch(3, 10, START_MS)).unwrap();
    log.update_config(LogConfig {
        retention_ms: 1_000,
        ..bench.config.clone()
    });
    bench.advance(5_000);
    manager.tick();
    assert_eq!(
        (
            log.log_start_offset(),
            log.log_end_offset(),
            log.size_bytes()
        ),
        (3, 3, 0)
    );
    assert_eq!(
        append(&log, &batch(1, 10, START_MS)).unwrap().first_offset,
        3
    );
    let compact = CleanupPolicy {
        delete: false,
        compact: true,
    };
    let config = LogConfig {
        retention_ms: 1_000,
        cleanup_policy: compact,
        ..bench.config.clone()
    };
    log.update_config(config);
    bench.advance(5_000);
    manager.tick();
    assert_eq!(
        log.log_start_offset(),
        3,
        "compacted topics keep their segments"
    );
    let (_manager, log, _) = bench.crash(manager, log);
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (3, 4));
}

#[test]
fn a_deleted_log_goes_and_its_name_is_free() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    for _ in 0..5 {
        append(&log, &batch(1, 10, START_MS)).unwrap();
    }
    manager.tick();
    manager.delete(TOPIC, 0).unwrap();
    assert!(manager.get(TOPIC, 0).is_none());
    assert_eq!(
        append(&log, &batch(1, 10, START_MS)),
        Err(AppendError::Closed)
    );
    assert!(matches!(
        log.read(0, 10, 5, true),
        Err(crate::ReadError::Closed)
    ));
    assert_eq!(names_in(bench.dir.path(), "-delete").len(), 1);
    drop(log);
    let log = bench.create(&manager);
    assert_eq!((log.log_end_offset(), log.recovery_point()), (0, 0));
    let again = manager.create(TOPIC, log.topic_id(), 0, LogConfig::default());
    assert!(matches!(again, Err(StorageError::Exists { .. })));
    for _ in 0..9 {
        append(&log, &batch(1, 10, START_MS)).unwrap();
    }
    bench.advance(60_000);
    manager.tick();
    assert!(names_in(bench.dir.path(), "-delete").is_empty());
    manager.delete(TOPIC, 0).unwrap();
    assert!(matches!(
        manager.delete(TOPIC, 0),
        Err(StorageError::NotFound { .. })
    ));
    drop((log, manager));
    // What waited to be removed is removed after the next start.
    let (manager, report) = bench.open();
    assert_eq!(report.logs, 0);
    manager.tick();
    assert!(names_in(bench.dir.path(), "-delete").is_empty());
    drop(bench.create(&manager));
    manager.mark_stray(TOPIC, 0).unwrap();
    drop(manager);
    let (manager, report) = bench.open();
    assert_eq!((report.strays.len(), manager.logs().len()), (1, 0));
    for bad in ["", "..", "a/b", "ü"] {
        assert!(
            manager
                .create(bad, Uuid::from_bytes([1; 16]), 0, LogConfig::default())
                .is_err()
        );
    }
}

#[test]
fn leader_epochs_survive_a_crash_without_their_checkpoint() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    for (epoch, count) in [(0, 2), (3, 4), (4, 1)] {
        let meta = AppendMeta {
            leader_epoch: epoch,
            origin: Origin::Client,
        };
        log.append(batch(count, 10, START_MS), &meta).unwrap();
    }
    let check = |log: &PartitionLog| {
        assert_eq!(log.latest_epoch(), Some(4));
        assert_eq!(log.epoch_end_offset(0), (0, 2));
        assert_eq!(log.epoch_end_offset(2), (0, 2));
        assert_eq!(log.epoch_end_offset(3), (3, 6));
        assert_eq!(log.epoch_end_offset(4), (4, 7));
        assert_eq!(log.epoch_end_offset(5), (-1, -1));
        assert_eq!(log.epoch_at(2), Some(3));
    };
    check(&log);
    let (_manager, log, _) = bench.crash(manager, log);
    check(&log);
}

#[test]
fn unflushed_bytes_are_told_and_synced_by_the_tick() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    manager.tick();
    assert_eq!(log.unflushed().bytes, 0);
    append(&log, &batch(1, 100, START_MS)).unwrap();
    bench.advance(1_000);
    let dir = &manager.dirs()[0];
    assert_eq!(dir.unflushed_bytes, batch(1, 100, START_MS).len() as u64);
    assert!((dir.unflushed_seconds - 1.0).abs() < 1e-6);
    assert_eq!((dir.partitions, log.recovery_point()), (1, 0));
    log.update_config(LogConfig {
        flush_ms: 3_000,
        ..bench.config.clone()
    });
    manager.tick();
    assert_eq!(log.recovery_point(), 0, "the operator wants it later");
    bench.advance(2_000);
    manager.tick();
    assert_eq!((log.recovery_point(), log.unflushed().bytes), (1, 0));
}

/// Files below `dir` that this process has open.
fn held(dir: &std::path::Path) -> Vec<String> {
    let dir = dir.canonicalize().unwrap();
    let links = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let links = links.filter_map(|link| std::fs::read_link(link.path()).ok());
    let ours = links.filter(|path| path.starts_with(&dir));
    ours.map(|path| path.display().to_string())
        .filter(|path| !path.ends_with(".lock"))
        .collect()
}

#[test]
fn idle_partitions_cost_no_descriptor_and_busy_ones_one() {
    const LOGS: i32 = 60;
    const LIMIT: usize = 8;
    let bench = Bench::new();
    let open = || {
        let mut options = bench.options();
        options.open_segment_files = LIMIT;
        LogManager::open(options, &|_| {}).unwrap().0
    };
    let manager = open();
    let id = Uuid::from_bytes([7; 16]);
    let make = |i| manager.create("many", id, i, bench.config.clone()).unwrap();
    let logs: Vec<_> = (0..LOGS).map(make).collect();
    logs.iter().for_each(|log| log.begin_epoch(0));
    for log in &logs {
        append(log, &batch(3, 100, START_MS)).unwrap();
    }
    let busy = held(bench.dir.path());
    let pinned = busy.iter().filter(|path| path.ends_with(".log")).count();
    assert!(pinned >= LOGS as usize, "unsynced and closed: {busy:?}");
    assert!(busy.len() <= LOGS as usize + LIMIT + 1, "{}", busy.len());
    logs.iter().for_each(|log| log.flush().unwrap());
    assert!(held(bench.dir.path()).len() <= LIMIT + 1);
    // Whoever writes again has his file, and what was there is still read.
    append(&logs[7], &batch(1, 100, START_MS)).unwrap();
    assert_eq!(logs[7].log_end_offset(), 4);
    assert_eq!(read_all(&logs[7]).len() as u64, logs[7].size_bytes());
    manager.shutdown().unwrap();
    drop((logs, manager));

    let manager = open();
    assert!(held(bench.dir.path()).len() <= LIMIT + 1);
    manager.tick();
    assert!(held(bench.dir.path()).len() <= LIMIT + 1);
    assert_eq!(manager.get("many", 7).unwrap().log_end_offset(), 4);
}

#[test]
fn a_clean_stop_writes_nothing_for_logs_that_nobody_wrote_to() {
    use std::os::unix::fs::MetadataExt as _;
    let bench = Bench::new();
    let (manager, log) = bench.start();
    log.begin_epoch(0);
    append(&log, &batch(3, 100, START_MS)).unwrap();
    manager.shutdown().unwrap();
    drop((manager, log));
    let files = || {
        let entries = std::fs::read_dir(bench.log_path()).unwrap().flatten();
        let of = |entry: std::fs::DirEntry| {
            let found = entry.metadata().unwrap();
            let times = (found.mtime(), found.mtime_nsec());
            (entry.file_name(), found.ino(), times, found.len())
        };
        let mut files: Vec<_> = entries.map(of).collect();
        files.sort();
        files
    };
    let before = files();
    let (manager, report) = bench.open();
    assert!(report.clean);
    let log = manager.get(TOPIC, 0).unwrap();
    log.begin_epoch(1);
    manager.tick();
    manager.shutdown().unwrap();
    drop((manager, log));
    assert_eq!(files(), before, "an idle log was written");

    // What was written after all is closed as ever.
    let (manager, _) = bench.open();
    let log = manager.get(TOPIC, 0).unwrap();
    log.begin_epoch(2);
    append(&log, &batch(1, 100, START_MS)).unwrap();
    manager.shutdown().unwrap();
    drop((manager, log));
    let text = std::fs::read_to_string(bench.log_path().join("leader-epoch-checkpoint")).unwrap();
    assert!(text.ends_with("2 3\n"), "{text:?}");
    let (manager, report) = bench.open();
    assert!(report.clean && report.logs_recovered == 0);
    assert_eq!(manager.get(TOPIC, 0).unwrap().log_end_offset(), 4);
}

#[test]
fn what_a_slow_disk_is_still_writing_is_unflushed() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    manager.tick();
    append(&log, &batch(1, 100, START_MS)).unwrap();
    let bytes = batch(1, 100, START_MS).len() as u64;
    let held = bench.files.hold_syncs();
    let begun = bench.files.syncs_begun();
    std::thread::scope(|threads| {
        threads.spawn(|| log.flush().unwrap());
        while bench.files.syncs_begun() == begun {
            std::thread::yield_now();
        }
        bench.advance(7_000);
        let dir = &manager.dirs()[0];
        assert_eq!(dir.unflushed_bytes, bytes);
        assert!((dir.unflushed_seconds - 7.0).abs() < 1e-6);
        drop(held);
    });
    assert_eq!((log.recovery_point(), log.unflushed().bytes), (1, 0));
}

#[test]
fn a_log_that_was_never_written_to_leaves_no_snapshot() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    manager.shutdown().unwrap();
    drop((manager, log));
    assert_eq!(
        names_in(&bench.log_path(), ".snapshot"),
        Vec::<String>::new()
    );
    let (manager, report) = bench.open();
    assert!(report.clean);
    let log = manager.get(TOPIC, 0).unwrap();
    append(&log, &batch(2, 100, START_MS)).unwrap();
    manager.shutdown().unwrap();
    drop((manager, log));
    let written = names_in(&bench.log_path(), ".snapshot");
    assert_eq!(written, ["00000000000000000002.snapshot"]);
}
