//! `limpid storage info | verify | backup | restore`: looking after directories.

use std::path::{Path, PathBuf};

use limpid_config::Config;
use limpid_platform::clock::{Clock, SystemClock};
use limpid_platform::files::RealFiles;
use limpid_platform::lock::{DirLock, LockError};
use limpid_storage::backup::{self, BackupError, Source};
use limpid_storage::inspect;

use crate::control;
use crate::data_dir::all_dirs;

pub use limpid_storage::backup::Manifest;
pub use limpid_storage::inspect::{Depth, DirReport, LogReport};

/// The lock file of a log directory.
const LOCK: &str = ".lock";

/// Why a chore was not done.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The directory is in use.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The broker that has the directories does not answer.
    #[error(
        "{} is in use, and its broker does not make a cut: {source}", dir.display()
    )]
    NoCut {
        /// The directory.
        dir: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// A directory can't be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
}

/// The directories of a configuration, as they are; `each` hears of every log.
///
/// # Errors
/// When one can't be read.
pub fn look(
    config: &Config,
    depth: Depth,
    each: &mut dyn FnMut(&LogReport),
) -> Result<Vec<DirReport>, UpkeepError> {
    let mut out = Vec::new();
    for dir in all_dirs(config.broker()) {
        let found = inspect::inspect(&RealFiles, std::slice::from_ref(&dir), depth, each);
        out.extend(found.map_err(|source| UpkeepError::Io { path: dir, source })?);
    }
    Ok(out)
}

/// Copies everything to `to`. A running broker is asked for a cut, so that the copy is consistent.
///
/// # Errors
/// See [`UpkeepError`].
pub fn back_up(config: &Config, to: &Path) -> Result<Manifest, UpkeepError> {
    let dirs = all_dirs(config.broker());
    let mut locks = Vec::new();
    let mut held = None;
    for dir in &dirs {
        match DirLock::acquire(&dir.join(LOCK)) {
            Ok(lock) => locks.push(lock),
            Err(LockError::Held { .. }) => held = Some(dir.clone()),
            Err(error) => return Err(error.into()),
        }
    }
    let cut = match held {
        None => None,
        Some(dir) => {
            // Not while we hold some of its directories.
            locks.clear();
            let cut = control::ask_for_cut(&dirs[0]);
            Some(cut.map_err(|source| UpkeepError::NoCut { dir, source })?)
        }
    };
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let source = |dir: &PathBuf| {
        let parts = cut.iter().flat_map(|cut| &cut.dirs);
        let mut part = parts.filter(|(log_dir, _)| absolute(log_dir) == absolute(dir));
        Source {
            dir: dir.clone(),
            cut: part.next().map(|(_, part)| part.clone()),
        }
    };
    let sources: Vec<Source> = dirs.iter().map(source).collect();
    let now_ms = SystemClock::new().wall_ms();
    let version = env!("CARGO_PKG_VERSION");
    Ok(backup::back_up(&RealFiles, &sources, to, version, now_ms)?)
}

/// Copies a backup to the directories of a configuration, which must be empty.
///
/// # Errors
/// See [`UpkeepError`].
pub fn restore(config: &Config, from: &Path) -> Result<Manifest, UpkeepError> {
    Ok(backup::restore(
        &RealFiles,
        from,
        &all_dirs(config.broker()),
    )?)
}

/// Compares the files of a backup with its manifest.
///
/// # Errors
/// See [`BackupError`].
pub fn verify_backup(backup: &Path) -> Result<Manifest, UpkeepError> {
    Ok(backup::verify_backup(&RealFiles, backup)?)
}
