//! Reading for a socket: the same bytes, whether they were in this process or not.

use std::io::Read;
use std::os::unix::net::UnixStream;

use limpid_platform::files::{Fault, FaultKind, Op};
use limpid_platform::pipes::{Piped, Pipes};
use limpid_protocol::records::{BATCH_HEADER_BYTES, offsets_of_run};
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
    all.extend(
        read.unread
            .map(|rest| drained(rest.bytes))
            .unwrap_or_default(),
    );
    all
}

/// Bytes that never were in memory.
fn unread(read: &ColdBytes) -> usize {
    read.unread.as_ref().map_or(0, |rest| rest.bytes.len())
}

fn cold(log: &Arc<PartitionLog>, offset: i64, max_bytes: usize, end: i64) -> ColdRead {
    match log.read(offset, max_bytes, end, true).unwrap() {
        LogRead::FileRange(cold) => cold,
        LogRead::Memory(batches) => panic!("{} batches are in memory", batches.len()),
    }
}

/// A log of which nothing is in memory; each batch has two records, and so many bytes of values.
fn filled(sizes: &[usize]) -> (Bench, Arc<LogManager>, Arc<PartitionLog>) {
    filled_with(sizes, |_| {})
}

fn filled_with(
    sizes: &[usize],
    change: impl FnOnce(&mut LogConfig),
) -> (Bench, Arc<LogManager>, Arc<PartitionLog>) {
    let mut bench = Bench::new();
    bench.tail_cache_bytes = 0;
    bench.config.index_interval_bytes = 4_096;
    change(&mut bench.config);
    let (manager, log) = bench.start();
    for size in sizes {
        append(&log, &batch(2, size / 2, START_MS)).unwrap();
    }
    (bench, manager, log)
}

/// Reads for a socket what is read into memory too, and tells how much of it stayed out of memory.
fn compared(log: &Arc<PartitionLog>, (offset, max, end): (i64, usize, i64)) -> usize {
    let copied = cold(log, offset, max, end).read().unwrap();
    let read = cold(log, offset, max, end);
    let read = read.read_for_socket(&Pipes::new()).unwrap();
    assert_eq!(read.len(), copied.len());
    let unread = unread(&read);
    if let Some(rest) = &read.unread {
        let all = offsets_of_run(&copied).expect("whole batches");
        assert_eq!(rest.end_offset, all.end);
        assert!(read.head.len() >= BATCH_HEADER_BYTES);
    }
    assert!(joined(read) == copied[..]);
    let read = cold(log, offset, max, end);
    if let Some(at_once) = read.read_at_once(Some(&Pipes::new())).unwrap() {
        assert!(joined(at_once) == copied[..]);
    }
    unread
}

/// Sizes of batches beside each other: of a record, of a few, and of what librdkafka makes.
fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let size = prop_oneof![
        4 => 20usize..600,
        3 => 600usize..20_000,
        2 => 20_000usize..300_000,
        1 => 300_000usize..1_000_000,
    ];
    // Runs of a size, as a client makes them.
    let runs = prop::collection::vec((size, 1usize..250), 2..8);
    runs.prop_map(|runs| {
        let each = runs.into_iter().flat_map(|(size, count)| {
            let count = count.min(1 + 3_000_000 / size);
            std::iter::repeat_n(size, count)
        });
        each.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn pipes_and_memory_hold_the_same(
        sizes in sizes(),
        segment_bytes in prop_oneof![Just(1u32 << 30), 1u32 << 20..4 << 20],
        reads in prop::collection::vec(
            (0.0f64..1.0, 1usize..2_500_000, prop_oneof![Just(1.0f64), 0.0f64..1.0]),
            1..20,
        ),
    ) {
        let (_bench, _manager, log) = filled_with(&sizes, |config| {
            config.segment_bytes = segment_bytes;
        });
        let all = log.log_end_offset();
        for (from, max, part) in reads {
            let from = (from * all as f64) as i64;
            let end = from + 1 + (part * (all - from) as f64) as i64;
            compared(&log, (from, max, end));
        }
    }
}

#[test]
fn what_is_large_never_is_in_memory() {
    let (_bench, _manager, log) = filled(&[8_000; 100]);
    let read = |offset, max| compared(&log, (offset, max, i64::MAX));
    let unread = read(10, 600_000);
    assert!(unread > 550_000, "{unread} bytes");
    assert_eq!(read(10, 50_000), 0, "copied as fast");
}

/// librdkafka's producer makes batches of up to a megabyte, and its consumer asks for as much.
#[test]
fn a_batch_that_is_all_of_an_answer_is_not_read_either() {
    let (_bench, _manager, log) = filled(&[1_000_000; 4]);
    let size = |read: usize| read + BATCH_HEADER_BYTES;
    let one = size(compared(&log, (0, 1 << 20, i64::MAX)));
    assert!(one > 1_000_000);
    // Not a byte more, of the last one, from a record within, of one that is more than was asked for.
    for (offset, max) in [(0, one), (6, 1 << 20), (3, 1 << 20), (2, 10)] {
        assert_eq!(
            size(compared(&log, (offset, max, i64::MAX))),
            one,
            "{offset}, {max}"
        );
    }
    assert_eq!(size(compared(&log, (0, 2 * one - 1, i64::MAX))), one);
    assert_eq!(size(compared(&log, (0, 2 * one, i64::MAX))), 2 * one);
    assert_eq!(size(compared(&log, (0, 8 << 20, i64::MAX))), 4 * one);
    // What ends below an open transaction.
    assert_eq!(size(compared(&log, (0, 8 << 20, 5))), 2 * one);
    assert_eq!(size(compared(&log, (0, 8 << 20, 6))), 3 * one);
}

#[test]
fn an_end_among_large_and_small_batches_is_found() {
    // The index is asked, and what it knows does not fit.
    let small_then_large = [vec![300; 400], vec![900_000; 2]].concat();
    let (_bench, _manager, log) = filled(&small_then_large);
    assert!(compared(&log, (0, 1_000_000, i64::MAX)) > 64 << 10);
    assert!(compared(&log, (0, 1_200_000, i64::MAX)) > 900_000);
    // The size of the first one says nothing of the others.
    let large_then_small = [vec![300_000; 1], vec![300; 2_000]].concat();
    let (_bench, _manager, log) = filled(&large_then_small);
    assert!(compared(&log, (0, 700_000, i64::MAX)) > 600_000);
}

#[test]
fn a_header_that_was_damaged_ends_an_answer_of_large_batches() {
    let (bench, _manager, log) = filled(&[200_000; 5]);
    let one = compared(&log, (0, 1, i64::MAX)) + BATCH_HEADER_BYTES;
    let path = bench.log_path().join("00000000000000000000.log");
    let sound = std::fs::read(&path).unwrap();
    // The length, its sign, the magic byte and the last offset of the third one.
    for (at, byte) in [(9, 0x40), (8, 0xff), (16, 1), (23, 0x7f)] {
        let mut bytes = sound.clone();
        bytes[2 * one + at] = byte;
        std::fs::write(&path, bytes).unwrap();
        let unread = compared(&log, (0, 4 * one, 10));
        assert_eq!(unread + BATCH_HEADER_BYTES, 2 * one, "byte {at}");
    }
}

#[test]
fn headers_are_not_read_for_ever() {
    let (_bench, _manager, log) = filled_with(&[300; 2_000], |config| {
        config.index_interval_bytes = u32::MAX;
    });
    assert_eq!(
        compared(&log, (0, 600_000, i64::MAX)),
        0,
        "copied: the index knows nothing"
    );
}

#[test]
fn an_index_that_is_wrong_is_not_believed() {
    let (bench, _manager, log) = filled(&[8_000; 100]);
    let sound = cold(&log, 0, 600_000, i64::MAX).read().unwrap();
    let pipes = Pipes::new();
    let piped = || cold(&log, 0, 600_000, i64::MAX).read_for_socket(&pipes);
    assert!(piped().unwrap().unread.is_some());
    let path = bench.log_path().join("00000000000000000000.index");
    let right = std::fs::read(&path).unwrap();
    // Each entry leads into the middle of its batch; or to a batch whose offset it does not tell.
    for (byte, bit) in [(7, 0x20), (3, 1)] {
        let mut index = right.clone();
        for entry in index.chunks_exact_mut(8) {
            entry[byte] ^= bit;
        }
        std::fs::write(&path, index).unwrap();
        let read = piped().unwrap();
        assert!(read.unread.is_none());
        assert!(joined(read) == sound[..]);
    }
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

#[test]
fn what_is_in_memory_is_read_at_once() {
    let mut bench = Bench::new();
    // On a disk: what lies in memory for good can't be thrown out of it.
    bench.dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    bench.tail_cache_bytes = 0;
    bench.config.index_interval_bytes = 4_096;
    let (_manager, log) = bench.start();
    for _ in 0..100 {
        append(&log, &batch(2, 4_000, START_MS)).unwrap();
    }
    log.flush().unwrap();
    let pipes = Pipes::new();
    let at_once = |max: usize, pipes: Option<&Arc<Pipes>>| {
        cold(&log, 10, max, i64::MAX).read_at_once(pipes).unwrap()
    };
    if at_once(10_000, None).is_none() {
        return; // Such reads are not to be had here.
    }
    let copied = cold(&log, 10, 600_000, i64::MAX).read().unwrap();
    let read = at_once(600_000, Some(&pipes)).expect("all of it was just written");
    assert!(unread(&read) > 550_000);
    assert!(joined(read) == copied[..]);
    assert!(at_once(600_000, None).is_none(), "too much to be copied");
    let copied = cold(&log, 10, 100_000, i64::MAX).read().unwrap();
    assert!(at_once(100_000, None).unwrap().head == copied);

    let file = std::fs::File::open(bench.log_path().join("00000000000000000000.log")).unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    assert!(
        at_once(600_000, Some(&pipes)).is_none(),
        "it is on the disk"
    );
    assert!(at_once(100_000, None).is_none());
    cold(&log, 0, 2_000_000, i64::MAX).read().unwrap();
    let again = at_once(100_000, None).expect("it was read");
    assert!(again.head == copied);
}
