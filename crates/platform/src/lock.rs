//! Locking a directory against a second process, whichever program that is.
//!
//! Two locks are taken on the same file. Java's `FileChannel.tryLock` is a POSIX record lock, so
//! that one keeps Apache Kafka out (and us out of its directory); but POSIX locks do not exclude
//! within one process, so a `flock` is taken too. Both vanish with the process, however it dies.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

/// Why a directory could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process (or another broker in this one) holds the lock.
    #[error("{path} is locked by {holder}")]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, as text for a person: `process 123 (java)`.
        holder: String,
    },
    /// The lock file can't be opened or written.
    #[error("can't lock {path}: {source}")]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

/// A held lock; released on drop.
#[derive(Debug)]
pub struct DirLock {
    _file: fs::File,
}

impl DirLock {
    /// Locks through the file `path`, which is created when missing and then holds our pid.
    ///
    /// # Errors
    /// [`LockError::Held`] names the other process.
    pub fn acquire(path: &Path) -> Result<Self, LockError> {
        let io = |source| LockError::Io {
            path: path.to_owned(),
            source,
        };
        let mut file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io)?;
        let operation = FlockOperation::NonBlockingLockExclusive;
        let locked = rustix::fs::flock(&file, operation)
            .and_then(|()| rustix::fs::fcntl_lock(&file, operation));
        match locked {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK | Errno::ACCESS) => {
                return Err(LockError::Held {
                    path: path.to_owned(),
                    holder: holder(path, &file),
                });
            }
            Err(e) => return Err(io(e.into())),
        }
        file.set_len(0).map_err(io)?;
        // The pid is for people and for the error of the next one; the lock itself is the kernel's.
        match file.write_all(format!("{}\n", std::process::id()).as_bytes()) {
            Ok(()) => {}
            Err(e) if super::files::is_disk_full(&e) => {}
            Err(e) => return Err(io(e)),
        }
        Ok(Self { _file: file })
    }
}

/// The holder of a lock: the kernel's list knows it even when the file does not say.
fn holder(path: &Path, file: &fs::File) -> String {
    let inode = file.metadata().map(|m| m.ino()).unwrap_or(0);
    let pid = fs::read_to_string("/proc/locks")
        .ok()
        .and_then(|table| pid_in_lock_table(&table, inode))
        .or_else(|| {
            fs::read_to_string(path)
                .ok()
                .and_then(|text| text.trim().parse().ok())
        });
    let Some(pid) = pid else {
        return "another process".to_owned();
    };
    if pid == std::process::id() {
        return format!("this process ({pid})");
    }
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    match name.trim() {
        "" => format!("process {pid}"),
        name => format!("process {pid} ({name})"),
    }
}

/// Finds `inode` in the text of `/proc/locks`:
/// `1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF`.
fn pid_in_lock_table(table: &str, inode: u64) -> Option<u32> {
    let suffix = format!(":{inode}");
    table.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let place = words.iter().position(|word| word.ends_with(&suffix))?;
        words.get(place.checked_sub(1)?)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_lock_names_the_first_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".lock");
        let held = DirLock::acquire(&path).unwrap();
        let error = DirLock::acquire(&path).unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(held);
        DirLock::acquire(&path).unwrap();
    }

    #[test]
    fn lock_table_is_read() {
        let table = "1: POSIX  ADVISORY  WRITE 4242 fe:00:77 0 EOF\n2: FLOCK ADVISORY WRITE 9 0:1:7 0 EOF\n";
        assert_eq!(pid_in_lock_table(table, 77), Some(4242));
        assert_eq!(pid_in_lock_table(table, 7), Some(9));
        assert_eq!(pid_in_lock_table(table, 8), None);
    }
}
