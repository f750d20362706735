//! Reading for a socket: the same bytes, whether they were in this process or not.

use std::io::Read;
use std::os::unix::net::UnixStream;

use limpid_platform::files::{Fault, FaultKind, Op};
use limpid_platform::pipes::{Piped, Pipes};
use limpid_protocol::records::offsets_of_run;
use proptest::prelude::*;

use super::*;
use crate::{ColdBytes, ColdRead, LogRead, ReadError};

/// What is in a pipe, as a socket gets it.
fn drained(mut piped: Piped) -> Vec<u8> {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let mut read = vec![0; piped.len()];
    let mut done = 0;
    while !piped.is_empty() {
        let moved = piped.send(&ours, false).unwrap();
        theirs.read_exact(&mut read[done..done + moved]).unwrap();
        done += moved;
    }
    read
}

fn joined(read: ColdBytes) -> Vec<u8> {
    let mut all = read.head.to_vec();
    all.extend(read.middle.map(drained).unwrap_or_default());
    all.extend(&read.tail);
    all
}

fn cold(log: &Arc<PartitionLog>, offset: i64, max_bytes: usize, end: i64) -> ColdRead {
    match log.read(offset, max_bytes, end, true).unwrap() {
        LogRead::FileRange(cold) => cold,
        LogRead::Memory(batches) => panic!("{} batches are in memory", batches.len()),
    }
}

/// A log of which nothing is in memory.
fn filled(sizes: &[usize]) -> (Bench, Arc<LogManager>, Arc<PartitionLog>) {
    let mut bench = Bench::new();
    bench.tail_cache_bytes = 0;
    bench.config.index_interval_bytes = 4_096;
    let (manager, log) = bench.start();
    for size in sizes {
        append(&log, &batch(2, size / 2, START_MS)).unwrap();
    }
    (bench, manager, log)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn pipes_and_memory_hold_the_same(
        sizes in prop::collection::vec(20usize..20_000, 60..100),
        reads in prop::collection::vec((0i64..100, 1usize..900_000, 100i64..220), 1..20),
    ) {
        let (_bench, _manager, log) = filled(&sizes);
        let pipes = Pipes::new();
        for (offset, max, end) in reads {
            let through_memory = cold(&log, offset, max, end).read().unwrap();
            let read = cold(&log, offset, max, end).read_for_socket(&pipes).unwrap();
            prop_assert_eq!(read.len(), through_memory.len());
            if read.middle.is_some() {
                let last = offsets_of_run(&read.tail).expect("whole batches");
                let all = offsets_of_run(&through_memory).expect("whole batches");
                prop_assert_eq!(last.end, all.end);
            }
            prop_assert!(joined(read) == through_memory[..]);
        }
    }
}

#[test]
fn what_is_large_never_is_in_memory() {
    let (_bench, _manager, log) = filled(&[8_000; 100]);
    let pipes = Pipes::new();
    let read = |offset, max| {
        cold(&log, offset, max, i64::MAX)
            .read_for_socket(&pipes)
            .unwrap()
    };
    let large = read(10, 600_000);
    let middle = large.middle.as_ref().map_or(0, Piped::len);
    assert!(middle > 550_000, "{middle} bytes of {}", large.len());
    assert!(read(10, 50_000).middle.is_none(), "copied as fast");
}

#[test]
fn an_index_that_is_wrong_is_not_believed() {
    let (bench, _manager, log) = filled(&[8_000; 100]);
    let sound = cold(&log, 0, 600_000, i64::MAX).read().unwrap();
    let pipes = Pipes::new();
    let piped = || cold(&log, 0, 600_000, i64::MAX).read_for_socket(&pipes);
    assert!(piped().unwrap().middle.is_some());
    let path = bench.log_path().join("00000000000000000000.index");
    let mut index = std::fs::read(&path).unwrap();
    // Each entry leads into the middle of its batch.
    for entry in index.chunks_exact_mut(8) {
        entry[7] ^= 0x20;
    }
    std::fs::write(&path, index).unwrap();
    let read = piped().unwrap();
    assert!(read.middle.is_none());
    assert!(joined(read) == sound[..]);
}

#[test]
fn a_disk_that_fails_is_told_as_by_any_read() {
    let (bench, _manager, log) = filled(&[8_000; 100]);
    let read = cold(&log, 0, 600_000, i64::MAX);
    bench
        .files
        .inject(Fault::always(Op::Read, ".log", FaultKind::InputOutput));
    let error = read.read_for_socket(&Pipes::new()).unwrap_err();
    assert!(matches!(error, ReadError::DirOffline { .. }), "{error}");
}
