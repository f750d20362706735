use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use limpid_telemetry::Registry;

use super::panics::SURVIVED_AFTER;
use super::{Ended, Exit, RUN_FILE, Run, RunRecord, exit_of, parse, read, text_of, watch_panics};

fn begin_after(dir: &Path) -> (RunRecord, Option<Ended>) {
    RunRecord::begin(dir, 7, &Registry::new()).unwrap()
}

fn begin(dir: &Path) -> (RunRecord, Option<Exit>) {
    let (record, ended) = begin_after(dir);
    (record, ended.map(|ended| ended.exit))
}

/// A panic of another thread, which ends that thread alone.
fn panic_elsewhere() {
    let thread = std::thread::Builder::new().name("data-7".to_owned());
    let thread = thread.spawn(|| panic!("on\npurpose")).unwrap();
    thread.join().unwrap_err();
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
    assert_eq!(record.file.state.lock().run.restarts, [1, 1, 1, 0, 1, 0]);
    drop(record);
    a_panic_of_any_thread_is_told(dir.path());
}

/// The hook is of the process: no test of its own, so that it meets no other.
fn a_panic_of_any_thread_is_told(dir: &Path) {
    watch_panics();
    let said = Some("thread data-7: on purpose".to_owned());
    let (record, _) = begin(dir);
    panic_elsewhere();
    // As when that panic ended the process: nobody comes.
    std::mem::forget(record);
    let (record, ended) = begin_after(dir);
    let exit = Exit::Panic;
    assert_eq!(ended, Some(Ended { exit, panic: said }));

    panic_elsewhere();
    let file = dir.join(RUN_FILE);
    assert_eq!(read(&file).unwrap().end, Some(Exit::Panic));
    let began = Instant::now();
    while read(&file).unwrap().end.is_some() {
        assert!(began.elapsed() < 20 * SURVIVED_AFTER, "it lives");
        std::thread::park_timeout(SURVIVED_AFTER / 20);
    }
    std::mem::forget(record);
    let (mut record, ended) = begin_after(dir);
    // Its text may be another test's by now, if that fails.
    let ended = ended.unwrap();
    assert_eq!(ended.exit, Exit::Killed, "later, by something else");
    assert!(ended.panic.is_some(), "and the last panic is known");
    panic_elsewhere();
    record.end_clean();
    drop(record);
    assert_eq!(begin(dir).1, Some(Exit::Clean), "it was survived");
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
        panic: Some("thread a: x=y".to_owned()),
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
