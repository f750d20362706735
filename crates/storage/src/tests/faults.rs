//! A disk that is full, broken, or lies.

use std::sync::mpsc;

use super::*;
use crate::StorageError;
use limpid_platform::files::{DiskSpace, Fault, FaultKind, Op};

#[test]
fn a_torn_write_on_a_full_disk_is_taken_back_and_it_goes_on() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    append(&log, &idempotent(1, 0, 0, 2)).unwrap();
    let before = read_all(&log);
    bench.files.inject(Fault::once(
        Op::Write,
        ".log",
        FaultKind::TornWriteNoSpace(70),
    ));
    let error = append(&log, &idempotent(1, 0, 2, 2)).unwrap_err();
    assert!(matches!(error, AppendError::DiskFull { .. }), "{error}");
    assert_eq!(read_all(&log), before);
    let path = bench.log_path().join("00000000000000000000.log");
    assert_eq!(std::fs::read(path).unwrap(), before, "the file is cut back");
    // The same batch again, as a client would: the sequence was not consumed.
    let info = append(&log, &idempotent(1, 0, 2, 2)).unwrap();
    assert_eq!((info.first_offset, info.duplicate), (2, false));
    let (_manager, log, report) = bench.crash(manager, log);
    assert_eq!((log.log_end_offset(), report.bytes_cut), (4, 0));
}

#[test]
fn short_writes_are_finished() {
    let bench = Bench::new();
    let (_manager, log) = bench.start();
    bench
        .files
        .inject(Fault::always(Op::Write, ".log", FaultKind::ShortWrite(7)));
    append(&log, &batch(3, 100, START_MS)).unwrap();
    assert!(bench.files.hits() > 10);
    assert_eq!(read_all(&log).len(), batch(3, 100, START_MS).len());
}

#[test]
fn below_min_free_clients_are_refused_before_the_file_is_touched() {
    let bench = Bench::new();
    let mut options = bench.options();
    options.min_free = MinFree {
        percent: 10,
        at_least_bytes: 0,
    };
    let (manager, _) = LogManager::open(options, &|_| {}).unwrap();
    let log = bench.create(&manager);
    let space = |free_bytes| DiskSpace {
        total_bytes: 1_000_000,
        free_bytes,
    };
    bench.files.set_disk_space(space(500_000));
    manager.tick();
    let first = idempotent(1, 0, 0, 1);
    append(&log, &first).unwrap();
    bench.files.set_disk_space(space(100_010));
    bench.advance(1_000);
    manager.tick();
    assert!(manager.dirs()[0].online);
    let error = append(&log, &batch(1, 50, START_MS)).unwrap_err();
    assert!(
        matches!(
            error,
            AppendError::DiskFull {
                free_bytes: 100_010,
                ..
            }
        ),
        "{error}"
    );
    assert!(manager.dirs()[0].full);
    assert!(
        append(&log, &first).unwrap().duplicate,
        "a re-send needs no room"
    );
    assert_eq!(read_all(&log).len(), first.len(), "reads go on");
    let coordinator = AppendMeta {
        leader_epoch: 0,
        origin: Origin::Coordinator,
    };
    log.append(batch(1, 50, START_MS), &coordinator).unwrap();
    // Room again: it goes on by itself, without a tick.
    bench.files.set_disk_space(space(500_000));
    bench.advance(100);
    append(&log, &batch(1, 50, START_MS)).unwrap();
    assert!(!manager.dirs()[0].full);
}

#[test]
fn a_write_error_takes_the_directory_offline_for_good() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    append(&log, &batch(1, 10, START_MS)).unwrap();
    bench.files.inject(Fault::once(
        Op::Write,
        ".log",
        FaultKind::TornWriteInputOutput(30),
    ));
    for _ in 0..2 {
        let error = append(&log, &batch(1, 10, START_MS)).unwrap_err();
        assert!(matches!(error, AppendError::DirOffline { .. }), "{error}");
    }
    assert!(!log.is_online());
    let dir = &manager.dirs()[0];
    assert!(!dir.online && dir.reason.contains("os error 5"), "{dir:?}");
    assert!(matches!(
        log.read(0, 1, 1, true),
        Err(crate::ReadError::DirOffline { .. })
    ));
    let id = Uuid::from_bytes([1; 16]);
    let refused = manager.create("other", id, 0, LogConfig::default());
    assert!(matches!(refused, Err(StorageError::NoDir)));
    // Offline before the stop is not a stop that fails.
    manager.shutdown().unwrap();
    assert!(!bench.dir.path().join(".kafka_cleanshutdown").exists());
}

#[test]
fn a_stop_that_can_not_write_says_so_and_leaves_no_marker() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    append(&log, &batch(1, 10, START_MS)).unwrap();
    bench
        .files
        .inject(Fault::once(Op::Sync, ".log", FaultKind::InputOutput));
    manager.shutdown().unwrap_err();
    assert!(!bench.dir.path().join(".kafka_cleanshutdown").exists());
}

#[test]
fn a_failed_fsync_is_never_retried_as_if_nothing_had_happened() {
    let bench = Bench::new();
    let (_manager, log) = bench.start();
    append(&log, &batch(1, 10, START_MS)).unwrap();
    log.flush().unwrap();
    append(&log, &batch(1, 10, START_MS)).unwrap();
    bench
        .files
        .inject(Fault::once(Op::Sync, ".log", FaultKind::InputOutput));
    let (sender, receiver) = mpsc::channel();
    log.on_flushed(2, Box::new(move |result| sender.send(result).unwrap()));
    let answer = receiver.recv().unwrap();
    assert!(answer.is_err(), "the waiter is told");
    assert!(log.flush().is_err(), "though the next fsync would succeed");
    assert_eq!(log.recovery_point(), 1);
    assert!(append(&log, &batch(1, 10, START_MS)).is_err());
}

#[test]
fn a_full_disk_spares_checkpoints_through_the_reserve() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    manager.tick();
    assert!(bench.dir.path().join(".limpid_reserve").exists());
    append(&log, &batch(1, 10, START_MS)).unwrap();
    bench.files.inject(Fault::once(
        Op::Write,
        "epoch-checkpoint",
        FaultKind::NoSpace,
    ));
    log.flush().unwrap();
    assert!(!bench.dir.path().join(".limpid_reserve").exists());
    assert_eq!(log.recovery_point(), 1);
    bench.files.inject(Fault::always(
        Op::Write,
        "epoch-checkpoint",
        FaultKind::NoSpace,
    ));
    log.append(
        batch(1, 10, START_MS),
        &AppendMeta {
            leader_epoch: 1,
            ..META
        },
    )
    .unwrap();
    assert!(log.flush().is_err());
    assert_eq!(
        (log.recovery_point(), log.is_online()),
        (1, true),
        "not moved, not offline"
    );
    bench.files.heal();
    log.flush().unwrap();
    assert_eq!(log.recovery_point(), 2);
}

#[test]
fn group_commit_serves_many_waiters_with_few_syncs() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    let (sender, receiver) = mpsc::channel();
    for i in 0..200 {
        let info = append(&log, &batch(1, 10, START_MS)).unwrap();
        let sender = sender.clone();
        log.on_flushed(
            info.last_offset + 1,
            Box::new(move |r| sender.send((i, r)).unwrap()),
        );
    }
    let answers: Vec<_> = (0..200).map(|_| receiver.recv().unwrap()).collect();
    assert!(answers.iter().all(|(_, result)| result.is_ok()));
    assert_eq!(log.recovery_point(), 200);
    log.flush_until(200).unwrap();
    assert!(log.flush_until(201).is_err());
    manager.shutdown().unwrap();
}

#[test]
fn a_directory_that_can_not_be_read_is_offline_and_the_other_goes_on() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    append(&log, &batch(1, 10, START_MS)).unwrap();
    drop((manager, log));
    let second = tempfile::tempdir().unwrap();
    bench.files.inject(Fault::always(
        Op::Read,
        &format!("{TOPIC}-0"),
        FaultKind::InputOutput,
    ));
    let mut options = bench.options();
    options.dirs.push(second.path().to_owned());
    let (manager, report) = LogManager::open(options, &|_| {}).unwrap();
    assert_eq!(report.failed_dirs.len(), 1, "{report:?}");
    assert!(manager.get(TOPIC, 0).is_none());
    let log = manager
        .create("b", Uuid::from_bytes([2; 16]), 0, LogConfig::default())
        .unwrap();
    assert_eq!(log.dir(), second.path());
    drop((manager, log));
    bench
        .files
        .inject(Fault::always(Op::Read, "", FaultKind::InputOutput));
    assert!(LogManager::open(bench.options(), &|_| {}).is_err());
}

#[test]
fn without_descriptors_appends_wait_and_nothing_is_offline() {
    let bench = Bench::new();
    let mut options = bench.options();
    options.open_segment_files = 1;
    let (manager, _) = LogManager::open(options, &|_| {}).unwrap();
    let log = bench.create(&manager);
    let id = Uuid::from_bytes([8; 16]);
    let other = manager.create("other", id, 0, bench.config.clone());
    let other = other.unwrap();
    // What is on the disk may be closed, and is when others are opened.
    for written in [&log, &other, &other] {
        append(written, &batch(1, 300, START_MS)).unwrap();
        written.flush().unwrap();
    }
    let none_for = |path| Fault::always(Op::Open, path, FaultKind::NoDescriptor);
    bench.files.inject(none_for(".log"));
    let refused = append(&log, &batch(1, 300, START_MS)).unwrap_err();
    assert!(matches!(refused, AppendError::Busy(_)), "{refused}");
    assert!(log.is_online());
    bench.files.heal();
    append(&log, &batch(1, 300, START_MS)).unwrap();
    // Entries of an index that can't be opened wait.
    let before = bench.files.hits();
    bench.files.inject(none_for("index"));
    for _ in 0..200 {
        append(&log, &batch(1, 300, START_MS)).unwrap();
    }
    assert!(bench.files.hits() > before, "no index had to be opened");
    assert!(log.is_online());
    bench.files.heal();
    append(&log, &batch(1, 300, START_MS)).unwrap();
    assert_eq!(log.log_end_offset(), 203);
    manager.shutdown().unwrap();
}
