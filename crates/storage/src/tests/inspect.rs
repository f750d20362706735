//! Looking at directories from outside.

use limpid_platform::files::RealFiles;

use super::*;
use crate::inspect::{Depth, LogReport, inspect};

fn look(bench: &Bench, depth: Depth) -> LogReport {
    let dirs = [bench.dir.path().to_owned()];
    let reports = inspect(&RealFiles, &dirs, depth, &mut |_| {}).unwrap();
    assert!(reports[0].problems.is_empty(), "{:?}", reports[0]);
    reports[0].logs[0].clone()
}

fn filled() -> Bench {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 1_000;
    let (manager, log) = bench.start();
    for i in 0..30 {
        append(&log, &batch(2, 50, START_MS + i)).unwrap();
    }
    manager.shutdown().unwrap();
    bench
}

#[test]
fn a_sound_log_is_told_as_it_is() {
    let bench = filled();
    for depth in [Depth::Names, Depth::Everything] {
        let log = look(&bench, depth);
        assert_eq!((log.topic.as_str(), log.partition), (TOPIC, 0));
        assert_eq!((log.start, log.end), (0, 60));
        assert!(log.segments > 3 && log.topic_id.is_some());
        assert!(
            log.problems.is_empty() && log.unfinished.is_empty(),
            "{log:?}"
        );
        let seen = if depth == Depth::Names {
            (0, 0)
        } else {
            (30, 60)
        };
        assert_eq!((log.batches, log.records), seen);
    }
}

#[test]
fn damage_is_named_with_its_place() {
    let damaged = |file: &str, at: usize| {
        let bench = filled();
        let path = bench.log_path().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at.min(bytes.len() - 1);
        bytes[at] ^= 0x10;
        std::fs::write(&path, bytes).unwrap();
        look(&bench, Depth::Everything)
    };
    let bases = filled().names(".log");
    let log = damaged(&bases[1], 100);
    assert!(log.problems[0].contains("at position 0: ") && log.problems[0].contains(&bases[1]));
    let index = bases[0].replace(".log", ".index");
    assert!(damaged(&index, 3).problems[0].contains("index of the segment at 0"));
    let times = bases[0].replace(".log", ".timeindex");
    assert!(damaged(&times, 0).problems[0].contains("time index"));
    // The end of the last segment is recovery's matter.
    let log = damaged(bases.last().unwrap(), usize::MAX);
    assert!(
        log.problems.is_empty() && log.unfinished.len() == 1,
        "{log:?}"
    );
}
