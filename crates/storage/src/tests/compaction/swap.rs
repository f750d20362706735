//! A machine that dies at any step of a replacement: every call to the file system in turn is the
//! last one that works.

use limpid_platform::files::{Fault, FaultKind, Op};

use super::*;

/// A log that a round would turn into something else, with transactions in it.
fn filled(bench: &Bench) -> (Arc<LogManager>, Arc<PartitionLog>, History) {
    let (manager, log) = bench.start();
    let mut history = History::new();
    let now = START_MS;
    for i in 0..40u8 {
        let who = match i % 4 {
            0 => model::Who::Transactional(10),
            1 => model::Who::Idempotent(20),
            _ => model::Who::Nobody,
        };
        let value = (i % 9 != 8).then_some(30);
        let records = vec![(i % 5, value), (100 + i % 3, Some(10))];
        history.append(
            &log,
            &Step::Append {
                records,
                codec: Codec::None,
                who,
            },
            now,
        );
        if i % 8 == 7 {
            let end = Step::End {
                producer: 10,
                commit: i % 16 == 7,
            };
            history.append(&log, &end, now);
        }
    }
    manager.tick();
    (manager, log, history)
}

#[test]
fn a_crash_at_any_step_loses_and_revives_nothing() {
    let mut steps = 0;
    for op in [
        Op::Open,
        Op::Write,
        Op::Sync,
        Op::Rename,
        Op::SyncDir,
        Op::Truncate,
        Op::Remove,
    ] {
        for skip in 0.. {
            let bench = compacting();
            let (manager, log, history) = filled(&bench);
            bench
                .files
                .inject(Fault::always(op, "", FaultKind::InputOutput).after(skip));
            manager.compact_now();
            let hit = bench.files.hits() > 0;
            bench.files.heal();
            let (manager, log, report) = bench.crash(manager, log);
            assert_eq!(report.bytes_cut, 0, "{op:?} {skip}: {report:?}");
            history.check(&log, START_MS);
            let odd = |name: &&String| {
                [".cleaned", ".swap", ".deleted"]
                    .iter()
                    .any(|end| name.ends_with(end))
            };
            let names = bench.names("");
            assert_eq!(names.iter().find(odd), None, "{op:?} {skip}");
            // It goes on as if nothing had happened.
            manager.compact_now();
            history.check(&log, START_MS);
            assert!(log.unsound().is_none() && log.is_online());
            if !hit {
                break;
            }
            steps += 1;
        }
    }
    assert!(steps > 50, "{steps} steps");
}

#[test]
fn a_full_disk_puts_compaction_off() {
    for skip in 0..6 {
        let bench = compacting();
        let (manager, log, history) = filled(&bench);
        bench
            .files
            .inject(Fault::always(Op::Write, ".cleaned", FaultKind::NoSpace).after(skip));
        manager.compact_now();
        assert!(
            log.is_online() && log.unsound().is_none(),
            "a full disk is not a fault"
        );
        assert!(bench.names(".cleaned").is_empty());
        history.check(&log, START_MS);
        bench.files.heal();
        assert!(manager.compact_now() > 0);
        history.check(&log, START_MS);
    }
}

#[test]
fn indexes_of_the_original_are_not_taken_for_those_of_the_copy() {
    let bench = compacting();
    let (manager, log, history) = filled(&bench);
    let path = bench.log_path();
    let originals: Vec<String> = bench.names("index");
    manager.compact_now();
    drop((manager, log));
    // As after step 2: the copy under `.swap`, and indexes that belong to the original.
    for end in ["log", "index", "timeindex", "txnindex"] {
        let name = path.join(format!("00000000000000000000.{end}"));
        if name.exists() {
            let swap = path.join(format!("00000000000000000000.{end}.swap"));
            std::fs::rename(&name, swap).unwrap();
        }
    }
    for name in originals
        .iter()
        .filter(|name| name.starts_with("00000000000000000000."))
    {
        std::fs::write(path.join(name), [0xff; 340]).unwrap();
    }
    let (manager, report) = bench.open();
    let log = manager.get(TOPIC, 0).unwrap();
    assert!(
        report.notes.iter().any(|note| note.contains("replacement")),
        "{report:?}"
    );
    history.check(&log, START_MS);
}
