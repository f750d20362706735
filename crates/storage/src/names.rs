//! Names of files and directories, as Kafka spells them.

use std::path::{Path, PathBuf};

/// Record batches.
pub(crate) const LOG: &str = ".log";
/// Sparse offset → position.
pub(crate) const INDEX: &str = ".index";
/// Sparse timestamp → offset.
pub(crate) const TIME_INDEX: &str = ".timeindex";
/// Aborted transactions.
pub(crate) const TXN_INDEX: &str = ".txnindex";
/// Producer state up to the offset in the name.
pub(crate) const SNAPSHOT: &str = ".snapshot";
/// On its way out.
pub(crate) const DELETED: &str = ".deleted";
/// Half-written output of compaction: worthless after a crash.
pub(crate) const CLEANED: &str = ".cleaned";
/// Complete output of compaction, not yet in place: to be finished after a crash.
pub(crate) const SWAP: &str = ".swap";

/// The marker of a clean shutdown.
pub(crate) const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";
/// The lock file of a log directory.
pub(crate) const LOCK: &str = ".lock";
/// How the last run ended, as the server keeps it. Kafka ignores it, and a backup leaves it out.
pub const RUN: &str = ".limpid_run";
/// Our preallocated reserve against a full disk. Kafka looks at directories only and ignores it.
pub(crate) const RESERVE: &str = ".limpid_reserve";
/// When records came; Kafka ignores it, too.
pub(crate) const ARRIVALS: &str = ".limpid_arrivals";
/// Offsets up to which logs are on the disk.
pub(crate) const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
/// First offsets of logs that differ from their first segment's.
pub(crate) const LOG_STARTS: &str = "log-start-offset-checkpoint";
/// High watermarks.
pub(crate) const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";
/// Offsets up to which logs are compacted.
pub(crate) const CLEANER_OFFSETS: &str = "cleaner-offset-checkpoint";
/// Epoch → first offset, in each log.
pub(crate) const EPOCHS: &str = "leader-epoch-checkpoint";
/// The topic id, in each log.
pub(crate) const PARTITION_METADATA: &str = "partition.metadata";
/// The directory of the KRaft log: not a partition of ours to open.
pub(crate) const CLUSTER_METADATA: &str = "__cluster_metadata-0";

const DELETE_DIR: &str = "-delete";
const STRAY_DIR: &str = "-stray";
const FUTURE_DIR: &str = "-future";
/// The longest file name of the usual file systems.
const NAME_MAX: usize = 255;
/// The longest topic name Kafka allows.
const TOPIC_MAX: usize = 249;

/// `00000000000000000042.log` and its siblings.
pub(crate) fn segment_file(dir: &Path, base_offset: i64, suffix: &str) -> PathBuf {
    assert!(base_offset >= 0, "a segment starts at an offset of the log");
    dir.join(format!("{base_offset:020}{suffix}"))
}

/// The offset in the name of a segment's file with that suffix.
pub(crate) fn parse_segment_file(name: &str, suffix: &str) -> Option<i64> {
    let digits = name.strip_suffix(suffix)?;
    if digits.len() != 20 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// What a directory inside a log directory is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DirKind<'a> {
    /// A partition's log.
    Log { topic: &'a str, partition: i32 },
    /// Deleted, waiting for its files to go.
    Delete,
    /// Unknown to the metadata.
    Stray,
    /// A copy being moved between log directories.
    Future,
    /// The KRaft log.
    Metadata,
    /// Not ours.
    Other,
}

/// Judges a directory by its name.
pub(crate) fn dir_kind(name: &str) -> DirKind<'_> {
    if name == CLUSTER_METADATA {
        return DirKind::Metadata;
    }
    for (suffix, kind) in [
        (DELETE_DIR, DirKind::Delete),
        (STRAY_DIR, DirKind::Stray),
        (FUTURE_DIR, DirKind::Future),
    ] {
        // `topic-0.<32 hex>-delete`; a topic may itself be called `x.y-delete`.
        if let Some(stem) = name.strip_suffix(suffix)
            && let Some((log, unique)) = stem.rsplit_once('.')
            && unique.len() == 32
            && unique.bytes().all(|b| b.is_ascii_hexdigit())
            && split_log_dir(log).is_some()
        {
            return kind;
        }
    }
    match split_log_dir(name) {
        Some((topic, partition)) if is_topic_name(topic) => DirKind::Log { topic, partition },
        _ => DirKind::Other,
    }
}

fn split_log_dir(name: &str) -> Option<(&str, i32)> {
    let (topic, partition) = name.rsplit_once('-')?;
    if topic.is_empty() || !partition.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((topic, partition.parse().ok()?))
}

/// Kafka's rule for topic names. A name that passes can't leave its directory.
pub(crate) fn is_topic_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= TOPIC_MAX
        && name != "."
        && name != ".."
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// The directory name of a partition's log.
pub(crate) fn log_dir(topic: &str, partition: i32) -> String {
    format!("{topic}-{partition}")
}

/// The name under which a deleted log waits: unique, and cut to what a file system allows.
pub(crate) fn delete_dir(topic: &str, partition: i32, unique: [u8; 16]) -> String {
    capped(topic, partition, unique, DELETE_DIR)
}

/// The name of a log that the metadata does not know.
pub(crate) fn stray_dir(topic: &str, partition: i32, unique: [u8; 16]) -> String {
    capped(topic, partition, unique, STRAY_DIR)
}

fn capped(topic: &str, partition: i32, unique: [u8; 16], suffix: &str) -> String {
    let hex = u128::from_be_bytes(unique);
    let tail = format!("-{partition}.{hex:032x}{suffix}");
    let head = &topic[..topic.len().min(NAME_MAX - tail.len())];
    format!("{head}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_told_apart() {
        assert_eq!(
            dir_kind("a-b-12"),
            DirKind::Log {
                topic: "a-b",
                partition: 12
            }
        );
        assert_eq!(
            dir_kind("x-0.0123456789abcdef0123456789abcdef-delete"),
            DirKind::Delete
        );
        assert_eq!(
            dir_kind("x-0.0123456789abcdef0123456789abcdef-stray"),
            DirKind::Stray
        );
        assert_eq!(dir_kind("__cluster_metadata-0"), DirKind::Metadata);
        for other in [
            "lost+found",
            "-3",
            "x-",
            "x-+1",
            "x-99999999999",
            "a/b-1",
            "x-delete",
        ] {
            assert_eq!(dir_kind(other), DirKind::Other, "{other}");
        }
        assert_eq!(
            dir_kind("x.y-delete-1"),
            DirKind::Log {
                topic: "x.y-delete",
                partition: 1
            }
        );
    }

    #[test]
    fn long_topics_are_cut_in_the_names_of_deleted_logs() {
        let name = delete_dir(&"t".repeat(249), 2_147_483_647, [0xab; 16]);
        assert_eq!(name.len(), 255);
        assert_eq!(dir_kind(&name), DirKind::Delete);
        assert_eq!(dir_kind(&stray_dir("t", 0, [0; 16])), DirKind::Stray);
    }

    #[test]
    fn segment_names_round_trip() {
        let path = segment_file(Path::new("d"), 42, LOG);
        assert_eq!(path, Path::new("d/00000000000000000042.log"));
        assert_eq!(
            parse_segment_file("00000000000000000042.log", LOG),
            Some(42)
        );
        assert_eq!(parse_segment_file("99999999999999999999.log", LOG), None);
        assert_eq!(parse_segment_file("+0000000000000000042.log", LOG), None);
        assert_eq!(parse_segment_file("42.log", LOG), None);
    }
}
