//! Backups of running and of stopped nodes.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use limpid_platform::random::OsRandom;

use super::*;
use crate::backup::{self, BackupError, Source};
use crate::metadata::{FormatEnv, FormatOptions, format, random_cluster_id};

fn formatted(bench: &Bench) {
    let options = FormatOptions::new(random_cluster_id(&OsRandom).unwrap(), 1);
    format(
        &[bench.dir.path().to_owned()],
        &options,
        &FormatEnv::default(),
    )
    .unwrap();
}

fn back_up(source: Source, to: &Path) -> Result<backup::Manifest, BackupError> {
    backup::back_up(&RealFiles, &[source], to, "test", START_MS)
}

fn of(bench: &Bench) -> Source {
    Source {
        dir: bench.dir.path().to_owned(),
        cut: None,
    }
}

/// Opens what was restored.
fn restored(from: &Path) -> (Bench, Arc<LogManager>) {
    let bench = Bench::new();
    backup::restore(&RealFiles, from, &[bench.dir.path().to_owned()]).unwrap();
    let (manager, report) = bench.open();
    assert_eq!(report.bytes_cut, 0, "{report:?}");
    (bench, manager)
}

#[test]
fn a_cut_of_running_logs_has_no_log_ahead_of_another() {
    let mut bench = Bench::new();
    formatted(&bench);
    bench.config.segment_bytes = 4_000;
    let (manager, first) = bench.start();
    let id = Uuid::from_bytes([8; 16]);
    let second = manager
        .create("second", id, 0, bench.config.clone())
        .unwrap();
    let (stop, allowed) = (AtomicBool::new(false), AtomicI64::new(0));
    let folder = memory_dir();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // What is in the second log is in the first one already.
            while !stop.load(Ordering::Relaxed) {
                if first.log_end_offset() >= allowed.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                    continue;
                }
                append(&first, &batch(1, 50, START_MS)).unwrap();
                append(&second, &batch(1, 50, START_MS)).unwrap();
            }
        });
        for i in 0..10 {
            // It is still at it when the cut is made, but does not run away.
            allowed.store(40 * (i + 1) + 500, Ordering::Relaxed);
            while first.log_end_offset() < 40 * (i + 1) {
                std::thread::yield_now();
            }
            let cut = manager.cut().unwrap();
            let (_, part) = &cut.dirs[0];
            let source = Source {
                cut: Some(part.clone()),
                ..of(&bench)
            };
            let to = folder.path().join(i.to_string());
            let manifest = back_up(source, &to).unwrap();
            manager.release_cut(&cut);
            assert_eq!(backup::verify_backup(&RealFiles, &to).unwrap(), manifest);
            let (_bench, copy) = restored(&to);
            let (one, two) = (copy.get(TOPIC, 0).unwrap(), copy.get("second", 0).unwrap());
            let (one_end, two_end) = (one.log_end_offset(), two.log_end_offset());
            assert!(one_end >= 40 * (i + 1) && (one_end - 1..=one_end).contains(&two_end));
            let all = read_all(&one);
            assert_eq!(all[..], read_all(&first)[..all.len()]);
            assert_eq!(one.topic_id(), first.topic_id());
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(
        names_in(bench.dir.path(), "-delete").is_empty(),
        "cuts were released"
    );
}

#[test]
fn a_cut_outlives_what_retention_and_compaction_remove() {
    let mut bench = Bench::new();
    formatted(&bench);
    bench.config.segment_bytes = 1_000;
    bench.config.file_delete_delay_ms = 0;
    let (manager, log) = bench.start();
    for i in 0..40 {
        append(&log, &idempotent(3, 0, i, 1)).unwrap();
    }
    let cut = manager.cut().unwrap();
    let before = read_all(&log);
    log.delete_records_before(-1).unwrap();
    manager.tick();
    assert_eq!(log.segment_count(), 1);
    let source = Source {
        cut: Some(cut.dirs[0].1.clone()),
        ..of(&bench)
    };
    let folder = memory_dir();
    let to = folder.path().join("b");
    back_up(source, &to).unwrap();
    let (_bench, copy) = restored(&to);
    let copy = copy.get(TOPIC, 0).unwrap();
    assert_eq!(read_all(&copy), before);
    // Its producer goes on as well.
    assert!(append(&copy, &idempotent(3, 0, 39, 1)).unwrap().duplicate);
    assert!(!append(&copy, &idempotent(3, 0, 40, 1)).unwrap().duplicate);
    // A cut that nobody released goes at the next start.
    drop((log, manager));
    assert_eq!(names_in(bench.dir.path(), "-delete").len(), 1);
    let (manager, _) = bench.open();
    manager.tick();
    assert!(names_in(bench.dir.path(), "-delete").is_empty());
}

#[test]
fn a_stopped_node_is_copied_and_nothing_is_overwritten() {
    let bench = Bench::new();
    formatted(&bench);
    let (manager, log) = bench.start();
    append(&log, &batch(5, 50, START_MS)).unwrap();
    let before = read_all(&log);
    manager.shutdown().unwrap();
    drop((log, manager));
    let folder = memory_dir();
    let to = folder.path().join("b");
    let manifest = back_up(of(&bench), &to).unwrap();
    assert!(
        manifest
            .files
            .iter()
            .any(|file| file.path == "0/meta.properties")
    );
    assert!(matches!(
        back_up(of(&bench), &to),
        Err(BackupError::NotEmpty(_))
    ));
    let (there, copy) = restored(&to);
    assert_eq!(read_all(&copy.get(TOPIC, 0).unwrap()), before);
    let again = backup::restore(&RealFiles, &to, &[there.dir.path().to_owned()]);
    assert!(matches!(again, Err(BackupError::NotEmpty(_))));
    let two = [folder.path().join("x"), folder.path().join("y")];
    let other = backup::restore(&RealFiles, &to, &two);
    assert!(matches!(
        other,
        Err(BackupError::OtherDirs {
            backup: 1,
            configured: 2
        })
    ));
}

#[test]
fn damaged_and_hostile_backups_are_refused() {
    let bench = Bench::new();
    formatted(&bench);
    let (manager, log) = bench.start();
    append(&log, &batch(5, 50, START_MS)).unwrap();
    manager.shutdown().unwrap();
    let folder = memory_dir();
    let to = folder.path().join("b");
    back_up(of(&bench), &to).unwrap();
    let path = to.join("0/orders-0/00000000000000000000.log");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[9] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let target = || folder.path().join("target");
    let unsound = |done: Result<backup::Manifest, BackupError>| {
        assert!(matches!(done, Err(BackupError::Unsound { .. })), "{done:?}");
    };
    unsound(backup::verify_backup(&RealFiles, &to));
    unsound(backup::restore(&RealFiles, &to, &[target()]));
    assert!(
        !target().join("meta.properties").exists(),
        "no broker takes it for its own"
    );
    let manifest = to.join(backup::MANIFEST);
    let text = std::fs::read_to_string(&manifest).unwrap();
    for bad in ["../../evil", "/evil", ""] {
        std::fs::write(&manifest, text.replacen("0/meta.properties", bad, 1)).unwrap();
        unsound(backup::read_manifest(&RealFiles, &to));
    }
    std::fs::write(
        &manifest,
        text.replacen("\"format\": 1", "\"format\": 2", 1),
    )
    .unwrap();
    unsound(backup::read_manifest(&RealFiles, &to));
    std::fs::remove_file(&manifest).unwrap();
    unsound(backup::read_manifest(&RealFiles, &to));
}
