//! Child processes with deadlines: every wait polls a condition until a limit, every child is
//! ended by its own process id, and what it printed is kept for the report of a failed test.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// How often a condition is looked at while waiting for it.
const POLL: Duration = Duration::from_millis(10);
/// How much of a log a failure shows, in bytes.
const TAIL_BYTES: usize = 6_000;

/// Looks at `ready` until it yields a value or `limit` has passed; `what` names the condition.
///
/// # Errors
/// When the limit passes, or when `ready` itself fails for good.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut ready: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = ready().with_context(|| format!("while waiting for {what}"))? {
            return Ok(value);
        }
        ensure!(start.elapsed() < limit, "no {what} within {limit:?}");
        pause(POLL);
    }
}

/// Lets time pass; nothing may depend on how much was enough.
#[expect(
    clippy::disallowed_methods,
    reason = "other processes are polled, and killed at random"
)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// What a finished command left behind.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard output, byte for byte.
    pub stdout: Vec<u8>,
    /// Its standard error, as text.
    pub stderr: String,
}

impl Finished {
    /// Standard output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Fails unless the command ended with status 0.
    ///
    /// # Errors
    /// With both outputs in the message when it did not.
    pub fn success(self) -> Result<Self> {
        ensure!(
            self.status.success(),
            "the command ended with {}\n--- stdout\n{}\n--- stderr\n{}",
            self.status,
            tail(&self.text()),
            tail(&self.stderr)
        );
        Ok(self)
    }
}

/// Runs a command to its end with `input` on its standard input.
///
/// Input and outputs go through unnamed files, so no pipe can fill up and block either side.
///
/// # Errors
/// When it can't be started or isn't done within `limit` (it is killed then).
pub fn run(command: &mut Command, input: &[u8], limit: Duration) -> Result<Finished> {
    let mut stdin = tempfile::tempfile()?;
    stdin.write_all(input)?;
    stdin.seek(SeekFrom::Start(0))?;
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let name = command.get_program().to_string_lossy().into_owned();
    let child = command
        .stdin(stdin)
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?)
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let mut child = Owned(child);
    let waited = wait_for(&format!("end of {command:?}"), limit, || {
        Ok(child.0.try_wait()?)
    });
    if waited.is_err() {
        child.end();
    }
    let stderr = String::from_utf8_lossy(&read_all(&mut stderr)?).into_owned();
    let stdout = read_all(&mut stdout)?;
    let status = waited.with_context(|| {
        format!(
            "--- stdout\n{}\n--- stderr\n{}",
            tail(&String::from_utf8_lossy(&stdout)),
            tail(&stderr)
        )
    })?;
    Ok(Finished {
        status,
        stdout,
        stderr,
    })
}

fn read_all(file: &mut File) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The last part of a text, cut at a line where possible.
#[must_use]
pub fn tail(text: &str) -> &str {
    let mut from = text.len().saturating_sub(TAIL_BYTES);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let cut = &text[from..];
    match (from, cut.find('\n')) {
        (0, _) | (_, None) => cut,
        (_, Some(line_end)) => &cut[line_end + 1..],
    }
}

/// A child that is killed and reaped when it is forgotten.
#[derive(Debug)]
struct Owned(Child);

impl Owned {
    fn end(&mut self) {
        // Both fail only when the child is gone already, which is what is wanted.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.end();
    }
}

/// A long-running child (a broker, a Prometheus) whose output goes to a file.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    child: Owned,
    log: PathBuf,
}

impl Daemon {
    /// Starts `command` with both outputs appended to the file `log`.
    ///
    /// # Errors
    /// When the log can't be opened or the program can't be started.
    pub fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {name}: {command:?}"))?;
        Ok(Self {
            name: name.to_owned(),
            child: Owned(child),
            log: log.to_owned(),
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.0.id()
    }

    /// Everything it printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Fails with its log if it has ended by itself.
    ///
    /// # Errors
    /// When it is no longer running.
    pub fn check_alive(&mut self) -> Result<()> {
        if let Some(status) = self.child.0.try_wait()? {
            bail!(
                "{} ended with {status}; its log:\n{}",
                self.name,
                tail(&self.log())
            );
        }
        Ok(())
    }

    /// Sends SIGTERM and waits until it has ended.
    ///
    /// # Errors
    /// When it doesn't end within `limit`.
    pub fn terminate(mut self, limit: Duration) -> Result<ExitStatus> {
        let pid = Pid::from_child(&self.child.0);
        kill_process(pid, Signal::TERM).with_context(|| format!("no SIGTERM to {}", self.name))?;
        wait_for(&format!("end of {}", self.name), limit, || {
            Ok(self.child.0.try_wait()?)
        })
        .with_context(|| format!("its log:\n{}", tail(&self.log())))
    }

    /// Ends it with SIGKILL: no handler runs, nothing is flushed by it.
    pub fn kill(mut self) {
        self.child.end();
    }
}
