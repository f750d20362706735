//! A file that is read again when it changes. One that can't be read leaves in force what it said
//! before.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use limpid_telemetry::Counter;
use parking_lot::Mutex;

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Why a file of credentials can't be used. Never carries what is in it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It can't be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A line of it is wrong.
    #[error("{}:{line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// It is too large, or not text.
    #[error("{}: {reason}", path.display())]
    Whole {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// What can be read from a file's text; an error is the line and what is wrong with it.
pub(crate) trait FromText: Sized {
    fn from_text(text: &str) -> Result<Self, (usize, String)>;
}

/// Reads a file.
pub(crate) fn read<T: FromText>(path: &Path) -> Result<T, FileError> {
    T::from_text(&text(path)?).map_err(|(line, reason)| FileError::Line {
        path: path.to_owned(),
        line,
        reason,
    })
}

/// The text of a file.
pub(crate) fn text(path: &Path) -> Result<String, FileError> {
    let io = |source| FileError::Io {
        path: path.to_owned(),
        source,
    };
    let whole = |reason: &str| FileError::Whole {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(io)?;
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    if read.map_err(io)? as u64 > FILE_BYTES_MAX {
        return Err(whole(&format!("larger than {FILE_BYTES_MAX} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| whole("not UTF-8"))
}

/// The lines of a text that say something, each with its number: `name:secret`.
pub(crate) fn entries(text: &str) -> impl Iterator<Item = (usize, Result<(&str, &str), String>)> {
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(at, line)| {
        let entry = line
            .rsplit_once(':')
            .map(|(name, secret)| (name.trim(), secret.trim()));
        let entry = entry.ok_or_else(|| "not of the form name:…".to_owned());
        let entry = entry.and_then(|(name, secret)| Ok((checked_name(name)?, secret)));
        (at + 1, entry)
    })
}

/// Longest name of a user or token.
const NAME_BYTES_MAX: usize = 128;

/// A name that fits a line, a header and a page.
pub(crate) fn checked_name(name: &str) -> Result<&str, String> {
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
    if !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(fine) {
        return Ok(name);
    }
    Err(format!(
        "a name has 1 to {NAME_BYTES_MAX} letters, digits, dots, dashes, underscores, @ or +"
    ))
}

/// What changes when a file is written or replaced.
type Stamp = Option<(SystemTime, u64, u64)>;

/// A file and what it says.
pub(crate) struct Watched<T> {
    path: PathBuf,
    seen: Mutex<Stamp>,
    current: Mutex<Arc<T>>,
    loaded: Counter,
    failed: Counter,
}

impl<T: FromText> Watched<T> {
    /// Reads it for the first time.
    pub(crate) fn open(path: &Path, loaded: Counter, failed: Counter) -> Result<Self, FileError> {
        // Before it is read, so that a change in between is seen next time.
        let seen = stamp(path);
        Ok(Self {
            path: path.to_owned(),
            current: Mutex::new(Arc::new(read(path)?)),
            seen: Mutex::new(seen),
            loaded,
            failed,
        })
    }

    /// What it says.
    pub(crate) fn current(&self) -> Arc<T> {
        Arc::clone(&self.current.lock())
    }

    /// Reads it again if it changed, or anyway. Blocks on the file.
    pub(crate) fn refresh(&self, anyway: bool) {
        let now = stamp(&self.path);
        if std::mem::replace(&mut *self.seen.lock(), now) == now && !anyway {
            return;
        }
        let file = self.path.display();
        match read(&self.path) {
            Ok(new) => {
                *self.current.lock() = Arc::new(new);
                self.loaded.inc();
                tracing::info!(%file, "credentials read again");
            }
            Err(error) => {
                self.failed.inc();
                tracing::error!(%error, "credentials not read, the old ones hold");
            }
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len(), file.ino()))
}

/// Replaces a file by one that only its owner may read.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), FileError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let io = |source| FileError::Io {
        path: path.to_owned(),
        source,
    };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let write = || {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    };
    write().map_err(|source| {
        std::fs::remove_file(&new).ok();
        io(source)
    })
}

/// The text with a line for `name`, in place of the one it had.
pub(crate) fn with_entry(text: &str, name: &str, secret: &str) -> String {
    let mut out = without_entry(text, name);
    out.push_str(&format!("{name}:{secret}\n"));
    out
}

/// The text without the line for `name`.
pub(crate) fn without_entry(text: &str, name: &str) -> String {
    let others = text.lines().filter(|line| {
        let entry = line.trim().rsplit_once(':');
        line.trim().starts_with('#') || entry.is_none_or(|(other, _)| other.trim() != name)
    });
    others.map(|line| format!("{line}\n")).collect()
}
