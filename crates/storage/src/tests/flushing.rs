//! The background flush of many logs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};

use super::*;
use limpid_platform::files::{Fault, FaultKind, Op};

/// More than are flushed one by one.
const MANY: i32 = 300;

fn create(bench: &Bench, manager: &Arc<LogManager>, partition: i32) -> Arc<PartitionLog> {
    let id = Uuid::from_bytes([7; 16]);
    let log = manager.create(TOPIC, id, partition, bench.config.clone());
    log.unwrap()
}

/// So many logs with a batch each that is on the disk, in a file system that can be synced in one go.
fn flushed(bench: &Bench, logs: i32) -> (Arc<LogManager>, Vec<Arc<PartitionLog>>) {
    bench.files.offer_whole();
    let (manager, _) = bench.open();
    let make = |partition| create(bench, &manager, partition);
    let logs: Vec<_> = (0..logs).map(make).collect();
    fill(&logs);
    manager.tick();
    assert_eq!(
        bench.files.whole_syncs(),
        0,
        "new files are synced one by one"
    );
    assert_eq!(on_disk(&logs), vec![1; logs.len()]);
    (manager, logs)
}

fn fill(logs: &[Arc<PartitionLog>]) {
    for log in logs {
        append(log, &batch(1, 300, START_MS)).unwrap();
    }
}

fn on_disk(logs: &[Arc<PartitionLog>]) -> Vec<i64> {
    logs.iter().map(|log| log.recovery_point()).collect()
}

fn fails(bench: &Bench, op: Op, path: &str) {
    let fault = Fault::once(op, path, FaultKind::InputOutput);
    bench.files.inject(fault);
}

#[test]
fn one_sync_does_for_many_logs() {
    let bench = Bench::new();
    let (manager, logs) = flushed(&bench, MANY);
    fill(&logs);
    // Whoever synced a file of theirs would know it.
    bench
        .files
        .inject(Fault::always(Op::Sync, "orders-", FaultKind::InputOutput));
    manager.tick();
    assert_eq!(bench.files.whole_syncs(), 1);
    assert_eq!(on_disk(&logs), vec![2; MANY as usize]);
    assert!(logs.iter().all(|log| log.unflushed().bytes == 0));
    manager.tick();
    assert_eq!(bench.files.whole_syncs(), 1, "there was nothing to do");
    bench.files.heal();
    manager.write_checkpoints_for_test();
    fill(&logs);
    drop((manager, logs));
    let (manager, report) = bench.open();
    assert_eq!(report.bytes_cut, 0);
    // What failed before this run is told to each file alone.
    manager.tick();
    assert_eq!(bench.files.whole_syncs(), 1);
    let logs = manager.logs();
    assert_eq!(on_disk(&logs), vec![3; MANY as usize]);
    fill(&logs);
    manager.tick();
    assert_eq!(bench.files.whole_syncs(), 2);
    assert_eq!(on_disk(&logs), vec![4; MANY as usize]);
}

#[test]
fn after_a_failed_sync_of_all_each_file_tells_what_became_of_it() {
    let bench = Bench::new();
    let (manager, logs) = flushed(&bench, MANY);
    // Somebody else's file: ours are all well.
    fill(&logs);
    fails(&bench, Op::SyncAll, "");
    manager.tick();
    assert_eq!(bench.files.whole_syncs(), 1);
    assert_eq!(on_disk(&logs), vec![2; MANY as usize]);
    assert!(logs[0].is_online());
    // One of ours.
    fill(&logs);
    fails(&bench, Op::SyncAll, "");
    fails(&bench, Op::Sync, "orders-77/");
    manager.tick();
    assert_eq!(logs[77].recovery_point(), 2, "it was not taken for good");
    assert!(!logs[0].is_online(), "the directory is offline");
    assert!(append(&logs[0], &batch(1, 10, START_MS)).is_err());
}

#[test]
fn a_log_that_rolled_is_flushed_by_itself() {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 1_000;
    let (manager, logs) = flushed(&bench, MANY);
    fill(&logs);
    for _ in 0..2 {
        fill(&logs[5..6]);
    }
    assert_eq!((logs[5].segment_count(), logs[6].segment_count()), (2, 1));
    let before = bench.files.syncs_begun();
    manager.tick();
    assert_eq!(bench.files.whole_syncs(), 1);
    assert!(
        bench.files.syncs_begun() >= before + 4,
        "two logs and two indexes"
    );
    assert_eq!((logs[5].recovery_point(), logs[6].recovery_point()), (4, 2));
}

#[test]
fn a_few_logs_and_those_somebody_waits_for_are_flushed_by_themselves() {
    let bench = Bench::new();
    let (manager, logs) = flushed(&bench, 200);
    fill(&logs);
    manager.tick();
    assert_eq!(
        (bench.files.whole_syncs(), on_disk(&logs)),
        (0, vec![2; 200])
    );
    drop((manager, logs));

    let mut bench = Bench::new();
    bench.config.flush_messages = 1;
    let (manager, logs) = flushed(&bench, MANY);
    fill(&logs);
    manager.tick();
    assert_eq!(bench.files.whole_syncs(), 0);
    assert_eq!(on_disk(&logs), vec![2; MANY as usize]);
}

/// Asks for a flush again and again, until somebody else was served or it has had `left` turns.
fn keep_busy(log: &Arc<PartitionLog>, served: &Arc<AtomicBool>, left: usize, done: Sender<usize>) {
    let end = append(log, &batch(1, 10, START_MS)).unwrap().last_offset + 1;
    let (again, served) = (Arc::clone(log), Arc::clone(served));
    let next = move |flushed: Result<(), String>| {
        flushed.unwrap();
        if left == 0 || served.load(Ordering::SeqCst) {
            return done.send(left).unwrap();
        }
        keep_busy(&again, &served, left - 1, done);
    };
    log.on_flushed(end, Box::new(next));
}

#[test]
fn a_busy_log_does_not_keep_the_only_thread() {
    let bench = Bench::new();
    let mut options = bench.options();
    options.flush_threads = 1;
    let (manager, _) = LogManager::open(options, &|_| {}).unwrap();
    let (busy, other) = (create(&bench, &manager, 0), create(&bench, &manager, 1));
    let served = Arc::new(AtomicBool::new(false));
    let (sender, done) = mpsc::channel();
    // On the flush thread, so that the busy log has its next turn before the other asks for its first.
    let begin = {
        let (busy, served) = (Arc::clone(&busy), Arc::clone(&served));
        move |_| {
            keep_busy(&busy, &served, 1_000, sender);
            append(&other, &batch(1, 10, START_MS)).unwrap();
            other.on_flushed(1, Box::new(move |_| served.store(true, Ordering::SeqCst)));
        }
    };
    append(&busy, &batch(1, 10, START_MS)).unwrap();
    busy.on_flushed(1, Box::new(begin));
    let left = done.recv().unwrap();
    assert!(left > 990, "the other waited for {} turns", 1_000 - left);
    manager.shutdown().unwrap();
}
