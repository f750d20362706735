//! More logs that are written to than files may be open.

use std::time::Duration;

use super::*;
use limpid_platform::files::{Fault, FaultKind, Op};

const UNSYNCED: usize = 32;
const SHARED: usize = 8;
/// Beside those of segments: checkpoints that are just written, a log whose recovery is under way.
const OTHERS: usize = 12;
const LOGS: i32 = 300;

fn open(bench: &Bench) -> (Arc<LogManager>, RecoveryReport) {
    let mut options = bench.options();
    options.unsynced_segment_files = UNSYNCED;
    options.open_segment_files = SHARED;
    LogManager::open(options, &|_| {}).unwrap()
}

fn create(bench: &Bench, manager: &LogManager, logs: i32) -> Vec<Arc<PartitionLog>> {
    let id = Uuid::from_bytes([7; 16]);
    let make = |i| manager.create(TOPIC, id, i, bench.config.clone()).unwrap();
    (0..logs).map(make).collect()
}

/// Appends as the broker does: waits for room first.
fn append_with_room(log: &Arc<PartitionLog>, batch: &[u8]) -> Result<AppendInfo, AppendError> {
    let mut turns = 0;
    while !log.has_room() {
        turns += 1;
        assert!(turns < 10_000, "no room came");
        std::thread::park_timeout(Duration::from_millis(1));
    }
    append(log, batch)
}

fn unsynced_logs_closed(bench: &Bench) -> Vec<PathBuf> {
    let mut closed = bench.files.closed_unsynced();
    closed.retain(|path| path.extension().is_some_and(|end| end == "log"));
    closed
}

#[test]
fn more_logs_than_files_are_written_to_and_none_is_closed_unsynced() {
    let bench = Bench::new();
    let (manager, _) = open(&bench);
    let logs = create(&bench, &manager, LOGS);
    assert_eq!(
        manager.segment_files().unsynced,
        0,
        "new and empty ones need no file"
    );
    for round in 0..4 {
        for (i, log) in logs.iter().enumerate() {
            let info = append_with_room(log, &batch(1, 100, START_MS)).unwrap();
            assert_eq!(info.first_offset, round, "log {i}");
            let files = manager.segment_files();
            assert!(files.unsynced <= UNSYNCED, "{files:?}");
        }
    }
    let early = manager.metrics().early_flushes.get();
    assert!(early > u64::try_from(LOGS).unwrap(), "{early}");
    assert_eq!(manager.metrics().busy_refusals.get(), 0);
    assert!(bench.files.most_open() <= UNSYNCED + SHARED + OTHERS);
    assert_eq!(unsynced_logs_closed(&bench), Vec::<PathBuf>::new());
    // The files of a log that rolls count as well.
    manager.tick();
    assert_eq!(manager.segment_files().unsynced, 0);
    assert_eq!(manager.metrics().unsynced_files_max.get(), UNSYNCED as i64);
    manager.shutdown().unwrap();
    drop((manager, logs));
    let (manager, report) = open(&bench);
    assert!(report.clean);
    let ends = manager.logs().iter().all(|log| log.log_end_offset() == 4);
    assert!(ends && manager.segment_files().unsynced == 0);
}

#[test]
fn after_a_crash_so_many_logs_are_opened_with_few_files() {
    let bench = Bench::new();
    let (manager, _) = open(&bench);
    let logs = create(&bench, &manager, LOGS);
    for log in &logs[10..] {
        append_with_room(log, &batch(2, 100, START_MS)).unwrap();
    }
    drop(logs);
    // An early flush that is under way has the manager as well.
    while Arc::strong_count(&manager) > 1 {
        std::thread::park_timeout(Duration::from_millis(1));
    }
    drop(manager);
    let closed_before = unsynced_logs_closed(&bench).len();
    let (manager, report) = open(&bench);
    assert_eq!((report.clean, report.failed_dirs.len()), (false, 0));
    assert_eq!(report.logs, LOGS as usize);
    let files = manager.segment_files();
    assert!(files.unsynced <= UNSYNCED, "{files:?}");
    assert!(bench.files.most_open() <= UNSYNCED + SHARED + OTHERS);
    for log in manager.logs() {
        let written = if log.partition() < 10 { 0 } else { 2 };
        assert_eq!(log.log_end_offset(), written);
    }
    manager.tick();
    assert_eq!(manager.segment_files().unsynced, 0);
    assert_eq!(unsynced_logs_closed(&bench).len(), closed_before);
}

#[test]
fn a_log_that_rolls_keeps_to_the_limit() {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 300;
    let (manager, _) = open(&bench);
    let logs = create(&bench, &manager, 2);
    for i in 0..200 {
        let log = &logs[i % 2];
        // It is asked for one file and may need two.
        while let Err(refused) = append_with_room(log, &batch(1, 150, START_MS)) {
            assert!(matches!(refused, AppendError::Busy(_)), "{refused}");
            std::thread::park_timeout(Duration::from_millis(1));
        }
        assert!(manager.segment_files().unsynced <= UNSYNCED);
    }
    assert_eq!(logs[0].segment_count(), 100);
    assert_eq!(logs[0].log_end_offset(), 100);
    assert_eq!(unsynced_logs_closed(&bench), Vec::<PathBuf>::new());
}

#[test]
fn at_the_limit_appends_are_refused_until_the_disk_goes_on() {
    let bench = Bench::new();
    let (manager, _) = open(&bench);
    let logs = create(&bench, &manager, LOGS);
    manager.tick();
    let stuck = bench.files.hold_syncs();
    let mut written = 0;
    let refused = loop {
        match append(&logs[written], &batch(1, 100, START_MS)) {
            Ok(_) => written += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, AppendError::Busy(_)), "{refused}");
    assert_eq!(manager.metrics().busy_refusals.get(), 1);
    assert!((UNSYNCED - 2..UNSYNCED).contains(&written), "{written}");
    // Who has his file goes on, and so does a coordinator.
    assert!(logs[0].has_room() && !logs[written].has_room());
    append(&logs[0], &batch(1, 100, START_MS)).unwrap();
    let coordinator = AppendMeta {
        origin: Origin::Coordinator,
        ..META
    };
    logs[200]
        .append(batch(1, 100, START_MS), &coordinator)
        .unwrap();
    assert!(manager.dirs()[0].online);
    drop(stuck);
    append_with_room(&logs[written], &batch(1, 100, START_MS)).unwrap();
    assert_eq!(unsynced_logs_closed(&bench), Vec::<PathBuf>::new());
    manager.shutdown().unwrap();
}

#[test]
fn an_early_flush_that_fails_is_told_and_its_files_are_let_go() {
    let bench = Bench::new();
    let (manager, _) = open(&bench);
    let logs = create(&bench, &manager, LOGS);
    manager.tick();
    let broken = Fault::once(Op::Sync, "orders-3/", FaultKind::InputOutput);
    bench.files.inject(broken);
    let appends = logs
        .iter()
        .map(|log| append_with_room(log, &batch(1, 100, START_MS)));
    let failed = appends.into_iter().find_map(Result::err).unwrap();
    assert!(matches!(failed, AppendError::DirOffline { .. }), "{failed}");
    assert_eq!((logs[3].recovery_point(), logs[3].is_online()), (0, false));
    assert_eq!(manager.metrics().busy_refusals.get(), 0);
}

#[test]
fn an_early_flush_of_very_many_is_one_sync() {
    let bench = Bench::new();
    bench.files.offer_whole();
    let mut options = bench.options();
    options.unsynced_segment_files = 320;
    let (manager, _) = LogManager::open(options, &|_| {}).unwrap();
    let logs = create(&bench, &manager, 600);
    for round in 0..3 {
        for log in &logs {
            append_with_room(log, &batch(1, 100, START_MS)).unwrap();
        }
        if round == 0 {
            // New files are synced one by one.
            manager.tick();
        }
    }
    assert!(bench.files.whole_syncs() > 1);
    assert!(manager.segment_files().unsynced <= 320);
    assert_eq!(unsynced_logs_closed(&bench), Vec::<PathBuf>::new());
    manager.shutdown().unwrap();
}
