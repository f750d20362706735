//! A cut through all logs: what they held at one moment, for a backup of a running broker.
//!
//! Nothing is appended to any log while the ends of all are read, so that no log is ahead of another:
//! an offset that a group committed is in the cut only with the record before it, and the markers of
//! a transaction only with the decision. That takes microseconds for each log. The files then get
//! second names (hard links) in a directory beside the logs, while retention and compaction wait; what
//! they remove later lives on under these. The directory is named like that of a deleted log, so that
//! after a crash the next start, of Limpid or of Apache Kafka, removes it.
//!
//! ```text
//! <log dir>/limpid-backup-0.<32 hex>-delete/
//!     <topic>-<partition>/...             as in the log directory
//!     meta.properties, *-checkpoint       as they would have been after a clean stop
//!     cut.json                            [{"log": "t-0", "segment": 42, "bytes": 1017}, ...]
//! ```
//! `cut.json` says how much of each active segment belongs to the cut.

use std::path::PathBuf;
use std::sync::Arc;

use super::LogManager;
use crate::checkpoint::{self, Offsets};
use crate::cut_file::{self, ActiveEnd};
use crate::dir::LogDir;
use crate::error::StorageError;
use crate::log::PartitionLog;
use crate::log::cut::{Stand, link_if_there};
use crate::metadata::META_PROPERTIES;
use crate::names;

/// The first part of the directory's name.
const TOPIC: &str = "limpid-backup";

/// The directories of a cut; to be given back with [`LogManager::release_cut`].
#[derive(Debug)]
pub struct Cut {
    /// Each log directory, and where its part of the cut is.
    pub dirs: Vec<(PathBuf, PathBuf)>,
}

impl LogManager {
    /// Makes a cut through all logs. Blocks: compaction is asked to stop first, then every file
    /// gets a second name.
    ///
    /// # Errors
    /// I/O errors; nothing is left over then. A directory that is offline can't be cut.
    pub fn cut(&self) -> Result<Cut, StorageError> {
        let _one_at_a_time = self.changing.lock();
        self.check_running()?;
        if let Some(dir) = self.dirs.iter().find(|dir| !dir.is_online()) {
            return Err(dir.offline_error());
        }
        let _resumes = self.cleaners.pause();
        let mut logs = self.logs();
        logs.sort_by(|a, b| (a.topic(), a.partition()).cmp(&(b.topic(), b.partition())));
        for log in &logs {
            // Epochs and producer snapshots are in their files then.
            log.flush()?;
        }
        let _nothing_goes: Vec<_> = logs.iter().map(|log| log.hold_upkeep()).collect();
        let stands = stands(&logs);
        let mut cut = Cut { dirs: Vec::new() };
        for dir in &self.dirs {
            let unique = self.random.bytes16().map_err(|source| StorageError::Io {
                path: dir.path.clone(),
                source,
            })?;
            let part = dir.path.join(names::delete_dir(TOPIC, 0, unique));
            cut.dirs.push((dir.path.clone(), part.clone()));
            if let Err(error) = self.cut_dir(dir, &logs, &stands, &part) {
                self.release_cut(&cut);
                return Err(dir.storage_error(&part, error));
            }
        }
        Ok(cut)
    }

    /// Removes the second names. What can't be removed goes at the next start.
    pub fn release_cut(&self, cut: &Cut) {
        for (_, part) in &cut.dirs {
            if let Err(error) = self.shared.files.remove_dir_all(part)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(path = %part.display(), %error, "can't remove a cut");
            }
        }
    }

    fn cut_dir(
        &self,
        dir: &Arc<LogDir>,
        logs: &[Arc<PartitionLog>],
        stands: &[Stand],
        part: &std::path::Path,
    ) -> std::io::Result<()> {
        let files = &*self.shared.files;
        files.create_dir_all(part)?;
        let (mut points, mut starts, mut highs) = (Offsets::new(), Offsets::new(), Offsets::new());
        let (mut cleaned, mut ends) = (Offsets::new(), Vec::new());
        for (log, stand) in logs.iter().zip(stands) {
            if !Arc::ptr_eq(log.log_dir(), dir) {
                continue;
            }
            let name = names::log_dir(log.topic(), log.partition());
            log.link_files(stand, &part.join(&name))?;
            let key = (log.topic().to_owned(), log.partition());
            // The closed segments are copied whole; the active one is looked through.
            points.insert(key.clone(), stand.active_base);
            highs.insert(key.clone(), stand.end);
            starts.insert(key.clone(), stand.start);
            if let Some(offset) = log.clean_to() {
                cleaned.insert(key, offset);
            }
            ends.push(ActiveEnd {
                log: name,
                segment: stand.active_base,
                bytes: stand.active_bytes,
            });
        }
        for (name, offsets) in [
            (names::RECOVERY_POINTS, &points),
            (names::LOG_STARTS, &starts),
            (names::HIGH_WATERMARKS, &highs),
            (names::CLEANER_OFFSETS, &cleaned),
        ] {
            checkpoint::write_offsets(files, &part.join(name), offsets)?;
        }
        cut_file::write(files, &part.join(cut_file::NAME), &ends)?;
        link_if_there(
            files,
            &dir.path.join(META_PROPERTIES),
            &part.join(META_PROPERTIES),
        )
    }
}

/// Where all logs stood at one moment.
fn stands(logs: &[Arc<PartitionLog>]) -> Vec<Stand> {
    let still: Vec<_> = logs.iter().map(|log| log.stand_still()).collect();
    still.iter().map(|log| log.stand()).collect()
}
