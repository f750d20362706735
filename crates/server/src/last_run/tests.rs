use std::panic::{AssertUnwindSafe, catch_unwind};

use limpid_telemetry::Registry;

use super::{Exit, RUN_FILE, Run, RunRecord, exit_of, parse, text_of};

fn begin(dir: &std::path::Path) -> (RunRecord, Option<Exit>) {
    RunRecord::begin(dir, 7, &Registry::new()).unwrap()
}

#[test]
fn each_end_is_told_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (mut record, exit) = begin(dir.path());
    assert_eq!(exit, None, "nothing ran here before");
    record.end_clean();
    drop(record);
    let (record, exit) = begin(dir.path());
    assert_eq!(exit, Some(Exit::Clean));
    // As after a kill: nobody comes to write the end.
    std::mem::forget(record);
    let (record, exit) = begin(dir.path());
    assert_eq!(exit, Some(Exit::Killed));
    drop(record);
    let (record, exit) = begin(dir.path());
    assert_eq!(exit, Some(Exit::Failed), "a start that came to nothing");
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _record = record;
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    let (record, exit) = begin(dir.path());
    assert_eq!(exit, Some(Exit::Panic));
    assert_eq!(record.run.restarts, [1, 1, 1, 0, 1, 0]);
}

#[test]
fn the_machine_and_the_memory_are_to_blame_where_they_are() {
    let run = |boot: &str, oom_kills| Run {
        boot: boot.to_owned(),
        oom_kills,
        ..Run::default()
    };
    let last = run("a", 3);
    assert_eq!(exit_of(&last, &run("b", 4)), Exit::Machine);
    assert_eq!(exit_of(&last, &run("a", 4)), Exit::OutOfMemory);
    assert_eq!(exit_of(&last, &run("a", 3)), Exit::Killed);
    assert_eq!(exit_of(&last, &run("a", 0)), Exit::Killed, "a new group");
}

#[test]
fn a_file_comes_back_as_it_was_and_others_are_not_read() {
    let run = Run {
        boot: "6f1f".to_owned(),
        started_ms: -5,
        oom_kills: 2,
        restarts: [1, 2, 3, 4, 5, 6],
        end: Some(Exit::Panic),
    };
    assert_eq!(parse(&text_of(&run)), Some(run.clone()));
    let text = text_of(&run);
    assert_eq!(parse(&text.replace("limpid-run 1", "limpid-run 2")), None);
    assert_eq!(parse(&text.replace("end=panic", "end=bored")), None);
    assert_eq!(parse(&text.replace("oom_kills=2", "oom_kills=two")), None);
    assert_eq!(parse(""), None);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(RUN_FILE), "limpid-run 1\n".repeat(1_000)).unwrap();
    assert_eq!(begin(dir.path()).1, None, "too long to be ours");
}
