//! A model of batches, a crash that cuts or garbles the tail at any byte, reopen, compare.

use super::*;
use limpid_protocol::records::{Batches, patch_base_offset, patch_leader_epoch};
use proptest::prelude::*;

/// What happened before the crash.
#[derive(Debug, Clone)]
enum Step {
    Append {
        count: i64,
        size: usize,
        later_ms: i64,
        codec: Codec,
        producer: bool,
    },
    Flush,
    Tick,
    CleanRestart,
}

fn step() -> impl Strategy<Value = Step> {
    let codec = prop::sample::select(vec![Codec::None, Codec::None, Codec::Lz4, Codec::Gzip]);
    prop_oneof![
        8 => (1i64..6, 0usize..400, 0i64..2_000, codec, any::<bool>()).prop_map(
            |(count, size, later_ms, codec, producer)| Step::Append {
                count, size, later_ms, codec, producer
            }
        ),
        1 => Just(Step::Flush),
        1 => Just(Step::Tick),
        1 => Just(Step::CleanRestart),
    ]
}

/// How the unsynced tail is hurt.
#[derive(Debug, Clone, Copy)]
enum Harm {
    Nothing,
    Cut(usize),
    Garble(usize, u8),
    AppendGarbage(usize),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        1 => Just(Harm::Nothing),
        4 => (0usize..3_000).prop_map(Harm::Cut),
        4 => (0usize..3_000, 1u8..=255).prop_map(|(at, xor)| Harm::Garble(at, xor)),
        2 => (1usize..300).prop_map(Harm::AppendGarbage),
    ]
}

struct Model {
    /// Bytes as they must lie in the log, with the offset behind each.
    batches: Vec<(Bytes, i64)>,
    timestamp: i64,
    sequence: i32,
}

impl Model {
    fn append(&mut self, log: &Arc<PartitionLog>, step: &Step) {
        let Step::Append {
            count,
            size,
            later_ms,
            codec,
            producer,
        } = step
        else {
            return;
        };
        self.timestamp += later_ms;
        let mut builder = BatchBuilder::new(*codec);
        if *producer {
            let base_sequence = self.sequence;
            builder = builder.producer(Producer {
                id: 5,
                epoch: 0,
                base_sequence,
            });
            self.sequence += i32::try_from(*count).unwrap();
        }
        let bytes = build(builder, *count, *size, self.timestamp);
        let info = append(log, &bytes).unwrap();
        let expected = self.batches.last().map_or(0, |(_, next)| *next);
        assert_eq!((info.first_offset, info.duplicate), (expected, false));
        let mut stored = bytes.to_vec();
        patch_base_offset(&mut stored, info.first_offset);
        patch_leader_epoch(&mut stored, 0);
        self.batches.push((stored.into(), info.last_offset + 1));
    }

    fn bytes(&self, batches: usize) -> Vec<u8> {
        self.batches[..batches]
            .iter()
            .flat_map(|(bytes, _)| bytes.to_vec())
            .collect()
    }
}

/// Hurts the last segment that has bytes beyond the recovery point. Returns how many bytes of
/// the log, counted from its start, are certainly untouched.
fn hurt(bench: &Bench, harm: Harm, synced: usize, total: usize) -> usize {
    let logs: Vec<PathBuf> = bench
        .names(".log")
        .iter()
        .map(|name| bench.log_path().join(name))
        .collect();
    let mut lens: Vec<usize> = logs
        .iter()
        .map(|path| std::fs::metadata(path).unwrap().len() as usize)
        .collect();
    // The last one has headroom.
    let headroom = lens.iter().sum::<usize>() - total;
    *lens.last_mut().unwrap() -= headroom;
    let back = match harm {
        Harm::Nothing => return total,
        Harm::AppendGarbage(n) => {
            let last = logs.last().unwrap();
            let mut bytes = std::fs::read(last).unwrap();
            bytes.extend((0..n).map(|i| (i * 37 % 251) as u8));
            std::fs::write(last, bytes).unwrap();
            return total;
        }
        Harm::Cut(back) | Harm::Garble(back, _) => back.min(total - synced),
    };
    if back == 0 {
        return total;
    }
    // The byte `back` before the end: in which segment?
    let at = total - back;
    let (mut start, mut index) = (0, 0);
    while start + lens[index] <= at {
        start += lens[index];
        index += 1;
    }
    let mut bytes = std::fs::read(&logs[index]).unwrap();
    match harm {
        Harm::Garble(_, xor) => bytes[at - start] ^= xor,
        _ => {
            bytes.truncate(at - start);
            // A file system that lost this file's tail has lost the younger files' whole.
            logs[index + 1..]
                .iter()
                .for_each(|path| std::fs::write(path, b"").unwrap());
        }
    }
    std::fs::write(&logs[index], bytes).unwrap();
    at
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn what_is_before_the_harm_survives_and_nothing_else_appears(
        steps in prop::collection::vec(step(), 1..40),
        harm in harm(),
        segment_bytes in prop::sample::select(vec![3_000u32, 6_000, 1 << 20]),
        cache in prop::sample::select(vec![0usize, 1 << 20]),
        headroom in prop::sample::select(vec![0u64, 500, 4_096]),
    ) {
        let mut bench = Bench::new();
        bench.headroom_bytes = headroom;
        bench.config.segment_bytes = segment_bytes;
        bench.tail_cache_bytes = cache;
        let (mut manager, mut log) = bench.start();
        let mut model = Model { batches: Vec::new(), timestamp: START_MS, sequence: 0 };
        for step in &steps {
            match step {
                Step::Append { .. } => model.append(&log, step),
                Step::Flush => log.flush().unwrap(),
                Step::Tick => manager.tick(),
                Step::CleanRestart => {
                    manager.shutdown().unwrap();
                    drop((manager, log));
                    let (opened, report) = bench.open();
                    prop_assert!(report.clean && report.notes.is_empty(), "{report:?}");
                    log = opened.get(TOPIC, 0).unwrap();
                    manager = opened;
                }
            }
        }
        let total: usize = model.batches.iter().map(|(bytes, _)| bytes.len()).sum();
        prop_assert_eq!(read_all(&log), model.bytes(model.batches.len()));
        prop_assert_eq!(log.size_bytes() as usize, total);
        let point = log.recovery_point();
        let synced: usize =
            model.batches.iter().filter(|(_, next)| *next <= point).map(|(b, _)| b.len()).sum();
        // The manager checkpoints what it knows; then the machine dies.
        manager.write_checkpoints_for_test();
        drop((manager, log));
        let untouched = hurt(&bench, harm, synced, total);

        let (manager, report) = bench.open();
        let log = manager.get(TOPIC, 0).unwrap();
        let mut kept = 0;
        let mut bytes = 0;
        while kept < model.batches.len() && bytes + model.batches[kept].0.len() <= untouched {
            bytes += model.batches[kept].0.len();
            kept += 1;
        }
        let next = kept.checked_sub(1).map_or(0, |last| model.batches[last].1);
        let end = log.log_end_offset();
        let read = read_all(&log);
        if kept < model.batches.len() && end > next {
            // The one byte that was changed is not under the checksum: offset or epoch.
            prop_assert!(matches!(harm, Harm::Garble(..)), "{harm:?}");
        } else {
            prop_assert_eq!(end, next, "{:?}", report);
            prop_assert_eq!(&read, &model.bytes(kept));
        }
        prop_assert_eq!(log.high_watermark(), end);
        check_lookups(&log, &read)?;
        // And it goes on: the same producer continues, and its last batch is known.
        let info = append(&log, &batch(2, 10, START_MS)).unwrap();
        prop_assert_eq!(info.first_offset, end);
        prop_assert_eq!(read_all(&log).len(), read.len() + batch(2, 10, START_MS).len());
    }
}

/// Index lookups against a linear scan.
fn check_lookups(log: &Arc<PartitionLog>, bytes: &[u8]) -> Result<(), TestCaseError> {
    let views: Vec<_> = Batches::new(bytes).map(Result::unwrap).collect();
    let mut scratch = Vec::new();
    let mut records = Vec::new();
    for view in &views {
        for record in view.records_with(1 << 20, &mut scratch).unwrap() {
            let record = record.unwrap();
            records.push((record.timestamp, record.offset));
        }
    }
    for (timestamp, _) in records.iter().step_by(7) {
        for probe in [*timestamp, timestamp + 1, timestamp - 1] {
            let expected = records.iter().find(|(at, _)| *at >= probe).copied();
            let found = log.offset_for_timestamp(probe).unwrap();
            prop_assert_eq!(found.map(|found| (found.timestamp, found.offset)), expected);
        }
    }
    for (timestamp, offset) in records.iter().step_by(5) {
        prop_assert_eq!(log.timestamp_at(*offset).unwrap(), Some(*timestamp));
        // The clock stands still in these tests, whatever the records say.
        prop_assert_eq!(log.arrival_ms(*offset).unwrap_or(START_MS), START_MS);
    }
    prop_assert_eq!(log.timestamp_at(log.log_end_offset()).unwrap(), None);
    prop_assert_eq!(log.arrival_ms(log.log_end_offset()), None);
    let newest = records.iter().map(|(at, _)| *at).max();
    let expected = newest.and_then(|max| records.iter().find(|(at, _)| *at == max).copied());
    let found = log.max_timestamp_offset().unwrap();
    prop_assert_eq!(found.map(|found| (found.timestamp, found.offset)), expected);
    Ok(())
}

#[test]
fn every_cut_of_the_last_batch_gives_the_log_before_it() {
    let bench = Bench::new();
    let (mut manager, mut log) = bench.start();
    append(&log, &batch(3, 30, START_MS)).unwrap();
    append(&log, &batch(2, 30, START_MS)).unwrap();
    let path = bench.log_path().join("00000000000000000000.log");
    let whole = std::fs::read(&path).unwrap();
    let first = batch(3, 30, START_MS).len();
    for cut in first..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let report;
        (manager, log, report) = bench.crash(manager, log);
        assert_eq!(log.log_end_offset(), 3, "cut at {cut}");
        // A piece of the offset that is only zeros looks like headroom, and is as little a batch.
        let is_blank = whole[first..cut].iter().all(|byte| *byte == 0);
        let told = if is_blank { 0 } else { cut - first };
        assert_eq!(report.bytes_cut, told as u64);
        std::fs::write(&path, &whole).unwrap();
    }
    let (_manager, log, report) = bench.crash(manager, log);
    assert_eq!((log.log_end_offset(), report.bytes_cut), (5, 0));
}

#[test]
fn duplicates_are_known_after_a_crash_even_across_a_roll() {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 600;
    let (manager, log) = bench.start();
    let sent: Vec<Bytes> = (0..9).map(|i| idempotent(9, 0, i * 3, 3)).collect();
    let infos: Vec<_> = sent.iter().map(|b| append(&log, b).unwrap()).collect();
    assert!(log.segment_count() > 2);
    manager.tick();
    let (manager, log, _) = bench.crash(manager, log);
    for (bytes, info) in sent.iter().zip(&infos).skip(4) {
        let again = append(&log, bytes).unwrap();
        assert!(again.duplicate);
        assert_eq!(
            (again.first_offset, again.last_offset),
            (info.first_offset, info.last_offset)
        );
    }
    let gap = append(&log, &idempotent(9, 0, 28, 1));
    assert!(matches!(
        gap,
        Err(AppendError::OutOfOrderSequence {
            last: 26,
            got: 28,
            ..
        })
    ));
    // And after a clean shutdown, whose snapshot knows one batch only.
    manager.shutdown().unwrap();
    drop((manager, log));
    let (manager, report) = bench.open();
    assert!(report.clean);
    let log = manager.get(TOPIC, 0).unwrap();
    for bytes in &sent[4..] {
        assert!(append(&log, bytes).unwrap().duplicate);
    }
    append(&log, &idempotent(9, 0, 27, 1)).unwrap();
}

#[test]
fn garbage_in_any_file_is_repaired_or_named() {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 2_000;
    let (manager, log) = bench.start();
    for i in 0..30 {
        append(&log, &idempotent(1, 0, i * 2, 2)).unwrap();
        append(&log, &batch(2, 100, START_MS + i64::from(i))).unwrap();
    }
    let whole = read_all(&log);
    manager.shutdown().unwrap();
    drop((manager, log));
    let saved = tempfile::tempdir().unwrap();
    copy_tree(bench.dir.path(), saved.path());
    let garbage: [&[u8]; 4] = [b"", b"\0", &[0xff; 777], &[0; 5_000]];
    for clean in [true, false] {
        let mut files = names_in(&bench.log_path(), "");
        files.retain(|name| !name.ends_with(".log"));
        let in_log = files.into_iter().map(|name| format!("{TOPIC}-0/{name}"));
        let tops = names_in(bench.dir.path(), "checkpoint").into_iter();
        for name in in_log.chain(tops) {
            for bytes in garbage {
                if !clean {
                    std::fs::remove_file(bench.dir.path().join(".kafka_cleanshutdown")).unwrap();
                }
                std::fs::write(bench.dir.path().join(&name), bytes).unwrap();
                let (manager, report) = bench.open();
                let log = manager.get(TOPIC, 0).unwrap();
                assert_eq!(read_all(&log), whole, "{name} with {} bytes", bytes.len());
                assert_eq!(report.bytes_cut, 0);
                let sequence = append(&log, &idempotent(1, 0, 60, 1));
                assert!(sequence.is_ok(), "{name}: {sequence:?} {report:?}");
                drop((manager, log));
                copy_tree(saved.path(), bench.dir.path());
            }
        }
    }
}

#[test]
fn garbage_in_a_segment_of_a_clean_log_costs_only_itself() {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 2_000;
    bench.tail_cache_bytes = 0;
    let (manager, log) = bench.start();
    for i in 0..30 {
        append(&log, &batch(2, 100, START_MS + i)).unwrap();
    }
    let segments = bench.names(".log");
    manager.shutdown().unwrap();
    drop((manager, log));
    let second = bench.log_path().join(&segments[1]);
    let mut bytes = std::fs::read(&second).unwrap();
    bytes[..200].fill(0xee);
    std::fs::write(&second, bytes).unwrap();
    let (manager, _) = bench.open();
    let log = manager.get(TOPIC, 0).unwrap();
    assert_eq!(log.log_end_offset(), 60);
    let base: i64 = segments[1][..20].parse().unwrap();
    let error = log
        .read(base, 1_000, i64::MAX, true)
        .unwrap()
        .into_batches()
        .unwrap_err();
    assert!(
        matches!(error, crate::ReadError::Corrupt { position: 0, .. }),
        "{error}"
    );
    let last: i64 = segments[2][..20].parse().unwrap();
    assert!(
        !log.read(last, 1_000, i64::MAX, true)
            .unwrap()
            .into_batches()
            .unwrap()
            .is_empty()
    );
    assert!(log.is_online());
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(to).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn what_was_on_the_disk_before_a_crash_is_walked_by_its_headers() {
    let bench = Bench::new();
    let (manager, log) = bench.start();
    for i in 0..40 {
        append(&log, &batch(1, 2_000, START_MS + i)).unwrap();
    }
    log.flush().unwrap();
    manager.write_checkpoints_for_test();
    for i in 40..50 {
        append(&log, &batch(1, 2_000, START_MS + i)).unwrap();
    }
    let file = bench.log_path().join("00000000000000000000.log");
    let size = log.size_bytes() / 50;
    let flip = |batch: u64| {
        use std::os::unix::fs::FileExt as _;
        let file = std::fs::File::options().read(true).write(true).open(&file);
        let (file, at) = (file.unwrap(), batch * size + 1_000);
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[!byte[0]], at).unwrap();
    };
    // Harm to acknowledged records that were synced must not cost those behind it; harm to what
    // was not synced does.
    flip(3);
    flip(45);
    let (manager, log, report) = bench.crash(manager, log);
    assert_eq!(log.log_end_offset(), 45, "{:?}", report.notes);
    assert_eq!(report.bytes_cut, 5 * size);
    assert_eq!(log.size_bytes(), 45 * size);
    // The index was made anew all the same, over what was only walked too.
    assert!(bench.names(".index").len() == 1);
    manager.shutdown().unwrap();
    let index = bench.log_path().join("00000000000000000000.index");
    assert!(std::fs::metadata(index).unwrap().len() >= 8 * 40);
    drop((manager, log));
}
