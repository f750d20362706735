//! Panics, for the reason that the next start tells.
//!
//! A panic of a thread that is caught ends nothing; one that is not, or that comes while another is under
//! way, ends the process before anybody can write why. So the hook writes it down at once, for every run of
//! this process, and takes the reason back when the process still lives a moment later. Who panicked last
//! stays in the file.

use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Once, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::RunFile;

/// Who lives for so long after a panic has survived it.
pub(super) const SURVIVED_AFTER: Duration = Duration::from_secs(1);
/// Characters of thread and message that are kept.
const TEXT_MAX: usize = 300;

/// Runs of this process; a panic is of the process.
static RUNS: Mutex<Vec<Weak<RunFile>>> = Mutex::new(Vec::new());

/// From now on panics are written into the files of runs, after what the hook before does with them.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            before(info);
            note(&text(info));
        }));
    });
}

/// A run begins. One that had the same file is over.
pub(super) fn add(file: &Arc<RunFile>) {
    let mut runs = RUNS.lock();
    runs.retain(|run| {
        let Some(run) = run.upgrade() else {
            return false;
        };
        let is_over = run.path == file.path;
        run.state.lock().has_ended |= is_over;
        !is_over
    });
    runs.push(Arc::downgrade(file));
}

fn note(text: &str) {
    // Who panics may hold any lock.
    let Some(runs) = RUNS.try_lock() else { return };
    let runs: Vec<Arc<RunFile>> = runs.iter().filter_map(Weak::upgrade).collect();
    for run in runs {
        if run.panicked(text) {
            await_survival(run);
        }
    }
}

/// Takes the reason back, unless the process ends first.
fn await_survival(run: Arc<RunFile>) {
    let watch = move || {
        let until = Instant::now() + SURVIVED_AFTER;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            std::thread::park_timeout(left);
        }
        run.survived();
    };
    let thread = std::thread::Builder::new().name("limpid-survival".to_owned());
    if let Err(error) = thread.spawn(watch) {
        tracing::warn!(%error, "the next start will take a panic for the end of this run");
    }
}

/// One line: which thread, and what it said.
fn text(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let said = payload.downcast_ref::<&str>().copied();
    let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let thread = std::thread::current();
    let (thread, said) = (thread.name().unwrap_or("(unnamed)"), said.unwrap_or(""));
    one_line(&format!("thread {thread}: {said}"))
}

fn one_line(text: &str) -> String {
    let shown = text.chars().take(TEXT_MAX);
    shown
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
