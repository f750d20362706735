//! What is ready behind the last batch is never taken for a part of the log, and does not stay.

use std::os::unix::fs::MetadataExt;

use super::*;
use crate::inspect::{Depth, inspect};
use limpid_platform::files::{Fault, FaultKind, Op};

const LOG: &str = "00000000000000000000.log";

fn length(bench: &Bench) -> u64 {
    std::fs::metadata(bench.log_path().join(LOG)).unwrap().len()
}

/// Appends until there is headroom, and what is in the log then.
fn fill(bench: &Bench, log: &Arc<PartitionLog>) -> Vec<u8> {
    for i in 0..10 {
        append(log, &batch(2, 100, START_MS + i)).unwrap();
    }
    assert!(length(bench) > log.size_bytes(), "{}", length(bench));
    assert_eq!(length(bench) % bench.headroom_bytes, 0);
    read_all(log)
}

#[test]
fn a_log_that_rests_has_none() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    let before = fill(&bench, &log);
    log.flush().unwrap();
    assert_eq!(length(&bench), log.size_bytes());
    append(&log, &batch(2, 100, START_MS)).unwrap();
    assert_eq!(
        length(&bench),
        log.size_bytes(),
        "one append is not worth it"
    );
    fill(&bench, &log);
    assert!(read_all(&log).starts_with(&before));
    manager.shutdown().unwrap();
    assert_eq!(length(&bench), log.size_bytes());
}

#[test]
fn a_log_whose_producers_wait_for_each_sync_keeps_it() {
    let mut bench = Bench::new();
    bench.config.flush_messages = 1;
    let (manager, log) = bench.start();
    for i in 0..10 {
        let info = append(&log, &batch(2, 100, START_MS + i)).unwrap();
        log.flush_until(info.last_offset + 1).unwrap();
    }
    assert_eq!(length(&bench) % bench.headroom_bytes, 0);
    let before = read_all(&log);
    let (manager, log, report) = bench.crash(manager, log);
    assert!(report.notes.is_empty(), "{report:?}");
    assert_eq!(read_all(&log), before);
    fill(&bench, &log);
    log.flush().unwrap();
    assert!(length(&bench) > log.size_bytes());
    manager.shutdown().unwrap();
    assert_eq!(length(&bench), log.size_bytes());
}

#[test]
fn a_closed_segment_has_none() {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 3_500;
    let (_manager, log) = bench.start();
    for i in 0..20 {
        append(&log, &batch(2, 100, START_MS + i)).unwrap();
        assert!(length(&bench) <= 3_500, "not longer than a segment");
    }
    assert!(log.segment_count() > 1);
    let files = bench.names(".log").into_iter().map(|name| {
        let path = bench.log_path().join(name);
        std::fs::metadata(path).unwrap().len()
    });
    let lengths: Vec<u64> = files.collect();
    let closed: u64 = lengths[..lengths.len() - 1].iter().sum();
    assert!(closed < log.size_bytes());
    let last = log.size_bytes() - closed;
    assert!(last <= lengths[lengths.len() - 1]);
    assert_eq!(read_all(&log).len() as u64, log.size_bytes());
}

#[test]
fn a_crash_leaves_nothing_to_tell_of_it() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    let before = fill(&bench, &log);
    let (manager, log, report) = bench.crash(manager, log);
    assert!(report.notes.is_empty(), "{report:?}");
    assert_eq!(report.bytes_cut, 0);
    assert_eq!(read_all(&log), before);
    assert_eq!(length(&bench), log.size_bytes());
    // What is no headroom is told as ever.
    fill(&bench, &log);
    let mut bytes = std::fs::read(bench.log_path().join(LOG)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] = 1;
    std::fs::write(bench.log_path().join(LOG), bytes).unwrap();
    let kept = read_all(&log);
    let (_manager, log, report) = bench.crash(manager, log);
    assert_eq!(report.notes.len(), 1, "{report:?}");
    assert!(report.bytes_cut > 0);
    assert_eq!(read_all(&log), kept);
}

#[test]
fn who_looks_from_outside_sees_no_fault() {
    let bench = Bench::new();
    let (_manager, log) = bench.start();
    fill(&bench, &log);
    let dirs = [bench.dir.path().to_owned()];
    for depth in [Depth::Names, Depth::Everything] {
        let reports = inspect(&RealFiles, &dirs, depth, &mut |_| {}).unwrap();
        let found = &reports[0].logs[0];
        let told = (&found.problems, &found.unfinished);
        assert!(told.0.is_empty() && told.1.is_empty(), "{told:?}");
        assert_eq!(found.end, log.log_end_offset());
    }
}

#[test]
fn without_disk_for_it_appends_go_on() {
    let bench = Bench::new();
    let (_manager, log) = bench.start();
    let before = fill(&bench, &log);
    let left = length(&bench) - log.size_bytes();
    for _ in 0..=left / batch(2, 100, START_MS).len() as u64 {
        // The first write is that of zeros, if there is one.
        let size = log.size_bytes();
        let more = size + batch(2, 100, START_MS).len() as u64 > length(&bench);
        bench.files.inject(Fault {
            op: Op::Write,
            path_part: LOG.to_owned(),
            skip: 0,
            times: usize::from(more),
            kind: FaultKind::TornWriteNoSpace(10),
        });
        append(&log, &batch(2, 100, START_MS)).unwrap();
        bench.files.heal();
    }
    assert!(read_all(&log).starts_with(&before));
    log.flush().unwrap();
    assert_eq!(length(&bench), log.size_bytes());
}

#[test]
fn a_failed_append_takes_it_along() {
    let bench = Bench::new();
    let (_manager, log) = bench.start();
    let before = fill(&bench, &log);
    bench.files.inject(Fault {
        op: Op::Write,
        path_part: LOG.to_owned(),
        skip: 0,
        times: usize::MAX,
        kind: FaultKind::NoSpace,
    });
    append(&log, &batch(2, 100, START_MS)).unwrap_err();
    bench.files.heal();
    assert_eq!(length(&bench), log.size_bytes());
    fill(&bench, &log);
    assert!(read_all(&log).starts_with(&before));
}

#[test]
fn reserved_blocks_are_given_back() {
    let mut bench = Bench::new();
    // Where programs are built there is a disk, while temporary files may be in memory.
    bench.dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    bench.headroom_bytes = 64 << 10;
    let (_manager, log) = bench.start();
    let blocks = || {
        let path = bench.log_path().join(LOG);
        std::fs::metadata(path).unwrap().blocks() * 512
    };
    let large = batch(1, 50_000, START_MS);
    for _ in 0..110 {
        append(&log, &large).unwrap();
    }
    // A file system that allocates late has none for what is not on the disk, but for what is reserved.
    std::fs::File::open(bench.log_path().join(LOG))
        .unwrap()
        .sync_all()
        .unwrap();
    let ready = blocks();
    assert!(
        ready >= log.size_bytes() + (1 << 19),
        "{ready} of {}",
        log.size_bytes()
    );
    log.flush().unwrap();
    let left = blocks();
    assert!(
        left < log.size_bytes() + (64 << 10),
        "{left} of {}",
        log.size_bytes()
    );
}
