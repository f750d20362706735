//! Reading a metadata log: the newest snapshot, then the segments behind it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use limpid_platform::clock::{Clock, SystemClock};
use limpid_platform::files::{Files, RealFiles};

use super::control::{Control, Entry, entries};
use super::error::MetadataError;
use super::files::LeaderEpochs;
use super::image::Image;
use super::quorum::Quorum;
use super::replay::Replay;
use super::segments::{Segments, TornTail};
use super::snapshot::{self, SnapshotId};

/// No log gets this long; a file name that says so is not believed.
const MAX_OFFSET: i64 = 1 << 60;

/// How to open a metadata log. The defaults are those of Kafka's configs.
#[derive(Debug, Clone)]
pub struct OpenRequest {
    /// The log directory: the one that holds `meta.properties` and the metadata log.
    pub dir: PathBuf,
    /// `node.id` if the config says one: the directory must agree.
    pub node_id: Option<i32>,
    /// `metadata.log.segment.bytes`.
    pub segment_bytes: u64,
    /// `metadata.log.segment.ms`.
    pub segment_ms: i64,
    /// `metadata.log.max.record.bytes.between.snapshots`.
    pub snapshot_bytes: u64,
    /// `metadata.log.max.snapshot.interval.ms`; 0 turns snapshots by time off.
    pub snapshot_interval_ms: i64,
    /// `metadata.max.retention.bytes` of log and snapshots together; −1 for no limit.
    pub retention_bytes: i64,
    /// `metadata.max.retention.ms`; −1 for no limit.
    pub retention_ms: i64,
    /// `min.insync.replicas` that a new cluster gets as its default, as in Kafka, where eligible
    /// leader replicas need it in the metadata.
    pub min_insync_replicas: i32,
    /// Files.
    pub files: Arc<dyn Files>,
    /// Clock.
    pub clock: Arc<dyn Clock>,
}

impl OpenRequest {
    /// Kafka's defaults for a log directory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        Self {
            dir: dir.into(),
            node_id: None,
            segment_bytes: 1 << 30,
            segment_ms: 7 * DAY_MS,
            snapshot_bytes: 20 << 20,
            snapshot_interval_ms: 60 * 60 * 1000,
            retention_bytes: 100 << 20,
            retention_ms: 7 * DAY_MS,
            min_insync_replicas: 1,
            files: Arc::new(RealFiles),
            clock: Arc::new(SystemClock::new()),
        }
    }

    pub(super) fn policy(&self) -> SnapshotPolicy {
        SnapshotPolicy {
            bytes: self.snapshot_bytes,
            interval_ms: self.snapshot_interval_ms,
            retention_bytes: self.retention_bytes,
            retention_ms: self.retention_ms,
        }
    }
}

/// When snapshots are made and how long they stay.
#[derive(Debug, Clone, Copy)]
pub(super) struct SnapshotPolicy {
    pub(super) bytes: u64,
    pub(super) interval_ms: i64,
    pub(super) retention_bytes: i64,
    pub(super) retention_ms: i64,
}

/// The state of a log as its files say it, before anybody appends.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) replay: Replay,
    pub(super) quorum: Quorum,
    /// The voters of the last `LeaderChange` record.
    pub(super) leader_change_voters: Option<Vec<i32>>,
    pub(super) segments: Segments,
    pub(super) epochs: LeaderEpochs,
    /// Snapshots, oldest first, with their length in bytes.
    pub(super) snapshots: Vec<(SnapshotId, u64)>,
    /// Bytes of the batches behind the newest snapshot.
    pub(super) tail_bytes: u64,
    pub(super) replayed_records: u64,
    pub(super) torn_tail: Option<TornTail>,
}

/// Replays the newest snapshot and the log behind it.
pub(super) fn recover(request: &OpenRequest, log_dir: &Path) -> Result<Recovered, MetadataError> {
    let files = &*request.files;
    let snapshots = snapshot::list(files, log_dir)?;
    let mut replay = Replay::new(Image::default());
    let mut quorum = Quorum::default();
    let from = match snapshots.last() {
        Some((id, _)) if id.offset > MAX_OFFSET => {
            let path = log_dir.join(id.file_name());
            return Err(MetadataError::corrupt(&path, "no log can be that long"));
        }
        Some((id, _)) => {
            load_snapshot(files, log_dir, *id, &mut replay, &mut quorum)?;
            id.offset
        }
        None => 0,
    };
    let mut epochs = LeaderEpochs::read(files, log_dir)?;
    let mut leader_change_voters = None;
    let (mut replayed_records, mut tail_bytes) = (0, 0);
    let visit = |batch: &limpid_protocol::records::BatchView<'_>| {
        let header = batch.header();
        let epoch = header.partition_leader_epoch;
        epochs.assign(epoch, header.base_offset);
        if header.next_offset() <= from {
            return Ok(());
        }
        tail_bytes += batch.size() as u64;
        for entry in entries(batch)? {
            match entry {
                Entry::Data(offset, _) | Entry::Control(offset, _) if offset < from => {}
                Entry::Control(_, control) => {
                    if let Control::LeaderChange(change) = &control {
                        let ids = change.voters.iter().map(|voter| voter.voter_id);
                        leader_change_voters = Some(ids.collect());
                    }
                    quorum.apply(&control);
                }
                Entry::Data(offset, record) => {
                    replay
                        .apply(&record)
                        .map_err(|e| format!("offset {offset}: {e}"))?;
                    replayed_records += 1;
                }
            }
        }
        replay.advance(header.last_offset(), epoch, header.max_timestamp);
        Ok(())
    };
    let opened = Segments::open(Arc::clone(&request.files), log_dir, from, visit)?;
    let (mut segments, torn_tail) = opened;
    if segments.end_offset() < from {
        // As Kafka does: the snapshot holds all that the log lost, and more.
        tracing::warn!(
            end = segments.end_offset(),
            snapshot = from,
            "log ends before its snapshot"
        );
        segments.restart_at(from)?;
    }
    epochs.truncate_to(segments.end_offset());
    replay.set_quorum(&quorum);
    // What led here is history; a subscriber begins with the image as it is.
    replay.take_changes();
    Ok(Recovered {
        replay,
        quorum,
        leader_change_voters,
        segments,
        epochs,
        snapshots,
        tail_bytes,
        replayed_records,
        torn_tail,
    })
}

fn load_snapshot(
    files: &dyn Files,
    log_dir: &Path,
    id: SnapshotId,
    replay: &mut Replay,
    quorum: &mut Quorum,
) -> Result<(), MetadataError> {
    let path = log_dir.join(id.file_name());
    let content = snapshot::read(files, &path)?;
    for record in &content.records {
        replay
            .apply(record)
            .map_err(|e| MetadataError::corrupt(&path, e.to_string()))?;
    }
    if replay.in_transaction() {
        let reason = "a metadata transaction is open at its end";
        return Err(MetadataError::corrupt(&path, reason));
    }
    *quorum = content.quorum;
    replay.advance(id.offset - 1, id.epoch, content.last_contained_ms);
    Ok(())
}
