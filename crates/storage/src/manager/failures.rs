//! What failed for many logs at once becomes one line for each directory: when a disk goes, it goes
//! for all of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::StorageError;
use crate::log::PartitionLog;

/// Failures of one round.
#[derive(Debug, Default)]
pub(super) struct Failures {
    by_dir: BTreeMap<PathBuf, Failed>,
}

/// Of one directory.
#[derive(Debug, PartialEq, Eq)]
struct Failed {
    logs: usize,
    /// The first of them, and why.
    topic: String,
    partition: i32,
    error: String,
}

impl Failures {
    pub(super) fn add(&mut self, log: &PartitionLog, error: &StorageError) {
        let which = (log.topic(), log.partition());
        self.add_of(&log.log_dir().path, which, error);
    }

    fn add_of(&mut self, dir: &Path, (topic, partition): (&str, i32), error: &StorageError) {
        if let Some(known) = self.by_dir.get_mut(dir) {
            known.logs += 1;
            return;
        }
        let first = Failed {
            logs: 1,
            topic: topic.to_owned(),
            partition,
            error: error.to_string(),
        };
        self.by_dir.insert(dir.to_owned(), first);
    }

    /// Says what failed.
    pub(super) fn tell(&self, what: &'static str) {
        for (dir, failed) in &self.by_dir {
            tracing::warn!(
                dir = %dir.display(),
                logs = failed.logs,
                first.topic = failed.topic,
                first.partition = failed.partition,
                first.error = failed.error,
                "{what}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_one_line_with_a_count_and_the_first_reason() {
        let mut failures = Failures::default();
        let offline = |dir: &str, reason: &str| StorageError::DirOffline {
            dir: dir.into(),
            reason: reason.to_owned(),
        };
        for partition in 0..3 {
            let error = offline("/one", &format!("reason {partition}"));
            failures.add_of(Path::new("/one"), ("t", partition), &error);
        }
        failures.add_of(Path::new("/two"), ("u", 7), &offline("/two", "gone"));
        let found: Vec<_> = failures.by_dir.values().collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].logs, found[0].partition), (3, 0));
        assert_eq!(found[0].error, offline("/one", "reason 0").to_string());
        assert_eq!((found[1].logs, found[1].topic.as_str()), (1, "u"));
    }
}
