//! Why the last run on a data directory ended: `.limpid_run`, written at the start, completed at the
//! end, and read by the next start.
//!
//! ```text
//! limpid-run 1
//! boot=6f1f…            the machine has not been restarted since, if it is the same
//! started_ms=1795271585000
//! oom_kills=0           of the control group, at the start
//! restarts.killed=2     earlier ends, by their reason
//! panic=thread a: …     the last panic of any thread, whether the process survived it or not
//! end=clean             absent when nobody came to write it
//! ```

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use limpid_platform::{limits, process};
use limpid_storage::RUN_FILE;
use limpid_telemetry::{LabelEnum, RegisterError, Registry, label_enum, metrics};
use parking_lot::Mutex;

mod panics;

pub use panics::watch as watch_panics;

const NEW_FILE: &str = ".limpid_run.tmp";
const HEAD: &str = "limpid-run 1";
/// Nobody writes more than that.
const BYTES_MAX: u64 = 4_096;

label_enum! {
    /// How a run ended.
    pub enum Exit {
        /// Stopped, with everything written.
        Clean = "clean",
        /// By an error of its own: the start failed, or logs could not be closed.
        Failed = "failed",
        /// By a panic.
        Panic = "panic",
        /// Killed by the kernel, since the control group had no memory left.
        OutOfMemory = "out_of_memory",
        /// Killed by somebody, or crashed without a word.
        Killed = "killed",
        /// With the machine: a power cut, or a restart that did not wait.
        Machine = "machine_restarted",
    }
}

metrics! {
    /// How runs ended.
    pub struct RestartMetrics {
        /// Starts of the broker on this data directory, by how the run before ended; counted over
        /// restarts.
        pub restarts: counter { reason: Exit } = "limpid_restarts_total";
        /// 1, labelled with how the last run on this data directory ended.
        pub last_exit: gauge { reason: Exit } = "limpid_last_exit_info";
    }
}

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Default)]
struct Run {
    boot: String,
    started_ms: i64,
    oom_kills: u64,
    restarts: [u64; Exit::ALL.len()],
    panic: Option<String>,
    end: Option<Exit>,
}

/// This run, until it ends.
pub(crate) struct RunRecord {
    file: Arc<RunFile>,
}

/// How the last run ended.
#[derive(Debug, PartialEq)]
pub(crate) struct Ended {
    pub(crate) exit: Exit,
    /// The last panic in it, whether that ended it or not.
    pub(crate) panic: Option<String>,
}

/// The file of a run.
struct RunFile {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    run: Run,
    has_ended: bool,
}

impl RunRecord {
    /// Reads how the last run ended and begins another. `dir` must be locked by now.
    pub(crate) fn begin(
        dir: &Path,
        now_ms: i64,
        registry: &Registry,
    ) -> Result<(Self, Option<Ended>), RegisterError> {
        let metrics = RestartMetrics::register(registry)?;
        let events = limits::memory_events().unwrap_or_default();
        let mut run = Run {
            boot: process::boot_id().unwrap_or_default(),
            started_ms: now_ms,
            oom_kills: events.oom_kill,
            ..Run::default()
        };
        let path = dir.join(RUN_FILE);
        let last = read(&path);
        let exit = last.as_ref().map(|last| exit_of(last, &run));
        let panic = last.as_ref().and_then(|last| last.panic.clone());
        run.restarts = last.map_or(run.restarts, |last| last.restarts);
        if let Some(exit) = exit {
            run.restarts[exit.index()] += 1;
            metrics.last_exit.bind(exit).set(1);
        }
        for reason in Exit::ALL {
            let so_far = run.restarts[reason.index()];
            metrics.restarts.bind(*reason).inc_by(so_far);
        }
        let state = State {
            run,
            has_ended: false,
        };
        let file = Arc::new(RunFile {
            path,
            state: Mutex::new(state),
        });
        panics::add(&file);
        file.write(&file.state.lock().run);
        Ok((Self { file }, exit.map(|exit| Ended { exit, panic })))
    }

    /// The run ended as it should.
    pub(crate) fn end_clean(&mut self) {
        self.file.end(Exit::Clean);
    }
}

impl RunFile {
    /// The first end counts.
    fn end(&self, exit: Exit) {
        let mut state = self.state.lock();
        if !state.has_ended {
            state.has_ended = true;
            state.run.end = Some(exit);
            self.write(&state.run);
        }
    }

    /// A thread panics, which may be the end. Whether it is the first that is waited for.
    fn panicked(&self, text: &str) -> bool {
        // It may be who holds the lock that panics.
        let Some(mut state) = self.state.try_lock() else {
            return false;
        };
        if state.has_ended {
            return false;
        }
        state.run.panic = Some(text.to_owned());
        let first = state.run.end.replace(Exit::Panic).is_none();
        self.write(&state.run);
        first
    }

    /// It was not the end.
    fn survived(&self) {
        let mut state = self.state.lock();
        if !state.has_ended && state.run.end.take().is_some() {
            self.write(&state.run);
        }
    }

    fn write(&self, run: &Run) {
        let new = self.path.with_file_name(NEW_FILE);
        let written = write_to(&new, &text_of(run)).and_then(|()| fs::rename(&new, &self.path));
        if let Err(error) = written {
            // What is there tells of an earlier run; nothing is better than that.
            fs::remove_file(&self.path).ok();
            let path = self.path.display();
            tracing::warn!(%path, %error, "the next start will not know how this run ended");
        }
    }
}

impl Drop for RunRecord {
    fn drop(&mut self) {
        self.file.end(match std::thread::panicking() {
            true => Exit::Panic,
            false => Exit::Failed,
        });
    }
}

/// How a run ended, as the next one sees it.
fn exit_of(last: &Run, now: &Run) -> Exit {
    match last.end {
        Some(exit) => exit,
        None if last.boot != now.boot => Exit::Machine,
        // The count begins anew with each control group: less than before says nothing.
        None if now.oom_kills > last.oom_kills => Exit::OutOfMemory,
        None => Exit::Killed,
    }
}

fn write_to(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

fn read(path: &Path) -> Option<Run> {
    let length = fs::metadata(path).ok()?.len();
    let text = (length <= BYTES_MAX).then(|| fs::read_to_string(path).ok());
    parse(&text??)
}

fn text_of(run: &Run) -> String {
    let mut lines = vec![
        HEAD.to_owned(),
        format!("boot={}", run.boot),
        format!("started_ms={}", run.started_ms),
        format!("oom_kills={}", run.oom_kills),
    ];
    for exit in Exit::ALL {
        let count = run.restarts[exit.index()];
        lines.push(format!("restarts.{}={count}", exit.as_str()));
    }
    lines.extend(run.panic.iter().map(|text| format!("panic={text}")));
    lines.extend(run.end.map(|exit| format!("end={}", exit.as_str())));
    lines.push(String::new());
    lines.join("\n")
}

/// `None` when it is another version's, or broken.
fn parse(text: &str) -> Option<Run> {
    let mut lines = text.lines();
    if lines.next()? != HEAD {
        return None;
    }
    let mut run = Run::default();
    for line in lines {
        let (key, value) = line.split_once('=')?;
        match key {
            "boot" => value.clone_into(&mut run.boot),
            "started_ms" => run.started_ms = value.parse().ok()?,
            "oom_kills" => run.oom_kills = value.parse().ok()?,
            "panic" => run.panic = Some(value.to_owned()),
            "end" => run.end = Some(named(value)?),
            _ => {
                let exit = named(key.strip_prefix("restarts.")?)?;
                run.restarts[exit.index()] = value.parse().ok()?;
            }
        }
    }
    Some(run)
}

fn named(name: &str) -> Option<Exit> {
    Exit::ALL.iter().copied().find(|exit| exit.as_str() == name)
}

#[cfg(test)]
mod tests;
