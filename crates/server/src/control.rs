//! The control socket: what `limpid storage backup` asks of a running broker.
//!
//! `.limpid_control` in the directory of the metadata is a Unix socket that only the broker's own
//! user can open. Whoever connects and sends the line `cut` gets one line of JSON back:
//! `{"dirs": [[log directory, its part of the cut], ...]}` or `{"error": "..."}`. The cut lives as
//! long as the connection. One connection is served at a time.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use limpid_storage::LogManager;

/// The socket's name.
const NAME: &str = ".limpid_control";
/// The one command.
const CUT: &str = "cut\n";
/// How often a connection that is waited for looks whether the server stops.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// An answer of the broker is shorter.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// The thread that serves the socket; dropping it ends it.
pub(crate) struct Control {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// Makes the socket and the thread. A path too long for a socket is told in the log; backups
    /// of the running node are not possible then.
    pub(crate) fn start(dir: &Path, logs: Arc<LogManager>) -> io::Result<Option<Self>> {
        let path = dir.join(NAME);
        // Left over from a crash: the lock of the directory says that nobody serves it.
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let listener = match UnixListener::bind(&path) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error,
                    "no control socket: a backup will need the broker stopped");
                return Ok(None);
            }
        };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let run = move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                let served = stream.and_then(|stream| serve(&stream, &logs, &stopped));
                if let Err(error) = served {
                    tracing::warn!(%error, "the control socket");
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("limpid-control".to_owned())
            .spawn(run)?;
        Ok(Some(Self {
            path,
            stop,
            thread: Some(thread),
        }))
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the thread.
        let woken = UnixStream::connect(&self.path).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken)
            && thread.join().is_err()
        {
            tracing::error!("the thread of the control socket panicked");
        }
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the control socket was gone already");
        }
    }
}

fn serve(mut stream: &UnixStream, logs: &LogManager, stop: &AtomicBool) -> io::Result<()> {
    stream.set_read_timeout(Some(LOOK_EVERY))?;
    stream.set_write_timeout(Some(LOOK_EVERY))?;
    let mut command = [0; CUT.len()];
    let mut have = 0;
    while have < command.len() {
        match wait(&mut stream, &mut command[have..], stop)? {
            0 => return Ok(()),
            got => have += got,
        }
    }
    if command != *CUT.as_bytes() {
        return answer(
            stream,
            &serde_json::json!({"error": "the only command is `cut`"}),
        );
    }
    let cut = match logs.cut() {
        Ok(cut) => cut,
        Err(error) => {
            return answer(stream, &serde_json::json!({"error": error.to_string()}));
        }
    };
    tracing::info!("made a cut through all logs for a backup");
    let told = answer(stream, &serde_json::json!({"dirs": cut.dirs}));
    // Until the other end is done with it.
    let waited = told.and_then(|()| wait(&mut stream, &mut [0], stop));
    logs.release_cut(&cut);
    waited.map(drop)
}

/// Reads as soon as there is something; 0 at the end of the connection or of the server.
fn wait(stream: &mut &UnixStream, buffer: &mut [u8], stop: &AtomicBool) -> io::Result<usize> {
    loop {
        match stream.read(buffer) {
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                if stop.load(Ordering::Acquire) {
                    return Ok(0);
                }
            }
            done => return done,
        }
    }
}

fn answer(mut stream: &UnixStream, value: &serde_json::Value) -> io::Result<()> {
    stream.write_all(format!("{value}\n").as_bytes())
}

/// A cut of a running broker, as seen by who asked for it.
pub(crate) struct RemoteCut {
    /// Log directory, and its part of the cut.
    pub(crate) dirs: Vec<(PathBuf, PathBuf)>,
    /// The cut lives as long as this.
    _connection: UnixStream,
}

/// Asks the broker that has `dir` for a cut.
pub(crate) fn ask_for_cut(dir: &Path) -> io::Result<RemoteCut> {
    let stream = UnixStream::connect(dir.join(NAME))?;
    (&stream).write_all(CUT.as_bytes())?;
    let mut line = String::new();
    BufReader::new((&stream).take(ANSWER_BYTES_MAX)).read_line(&mut line)?;
    let value: serde_json::Value = serde_json::from_str(&line)?;
    if let Some(error) = value.get("error").and_then(|error| error.as_str()) {
        return Err(io::Error::other(error.to_owned()));
    }
    let dirs = value.get("dirs").cloned().unwrap_or_default();
    Ok(RemoteCut {
        dirs: serde_json::from_value(dirs)?,
        _connection: stream,
    })
}
