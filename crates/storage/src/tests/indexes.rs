//! Index entries wait in memory: nobody may notice, neither a reader nor the next start.

use std::collections::BTreeMap;

use super::*;

/// Three closed segments and an active one, the first two on the disk, with many entries in each.
fn filled(bench: &Bench) -> (Arc<LogManager>, Arc<PartitionLog>) {
    let (manager, log) = bench.start();
    for i in 0..200 {
        append(&log, &batch(1, 300, START_MS + i)).unwrap();
        if log.segment_count() == 3 && log.recovery_point() == 0 {
            log.flush().unwrap();
        }
    }
    assert_eq!(log.segment_count(), 4);
    (manager, log)
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 20_000;
    bench.tail_cache_bytes = 0;
    bench
}

fn index_files(bench: &Bench) -> BTreeMap<String, Vec<u8>> {
    let names = bench
        .names(".index")
        .into_iter()
        .chain(bench.names(".timeindex"));
    names
        .map(|name| {
            let bytes = std::fs::read(bench.log_path().join(&name)).unwrap();
            (name, bytes)
        })
        .collect()
}

#[test]
fn a_kill_costs_no_entry() {
    let clean = bench();
    let (manager, log) = filled(&clean);
    manager.shutdown().unwrap();
    drop((manager, log));
    let wanted = index_files(&clean);
    assert!(wanted.values().all(|bytes| bytes.len() > 8 * 30));

    let killed = bench();
    let (manager, log) = filled(&killed);
    let before = index_files(&killed);
    let active = killed.names(".index").pop().unwrap();
    assert!(before[&active].len() < wanted[&active].len(), "some waited");
    for (name, bytes) in before.iter().filter(|(name, _)| name[..20] < active[..20]) {
        assert!(*bytes == wanted[name], "{name} is whole once it is closed");
    }
    let (manager, log, report) = killed.crash(manager, log);
    assert_eq!((log.log_end_offset(), report.bytes_cut), (200, 0));
    manager.shutdown().unwrap();
    drop((manager, log));
    assert!(index_files(&killed) == wanted);
}

#[test]
fn readers_find_what_only_memory_knows() {
    let bench = bench();
    let (_manager, log) = filled(&bench);
    for offset in 0..200 {
        let read = log.read(offset, 1, i64::MAX, true).unwrap();
        let bytes = read.into_batches().unwrap().remove(0);
        let view = limpid_protocol::records::BatchView::parse(&bytes).unwrap();
        assert_eq!(view.header().base_offset, offset);
        let found = log.offset_for_timestamp(START_MS + offset).unwrap();
        assert_eq!(found.map(|found| found.offset), Some(offset));
    }
}
