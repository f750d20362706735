//! The one thread that appends to the metadata log.
//!
//! Appends that wait are taken together and written as one batch with one fdatasync. A change
//! larger than [`MAX_BATCH_BYTES`] is written as several batches inside a metadata transaction
//! (KIP-868), so that it still happens whole or not at all. Then the image is published, the
//! subscribers are told, the tickets are answered, in this order.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use bytes::Bytes;
use limpid_platform::clock::Clock;
use limpid_platform::files::Files;
use limpid_protocol::messages::{
    AbortTransactionRecord, BeginTransactionRecord, EndTransactionRecord, LeaderChangeMessage,
    leader_change_message,
};
mod snapshots;
mod voters;

use super::Change;
use super::changes::set_config;
use super::control::{BatchPlace, Control, control_batch, data_batch};
use super::delta::Changes;
use super::error::{AppendError, MetadataError};
use super::files::LeaderEpochs;
use super::format::{
    BOOTSTRAP_CHECKPOINT, KAFKA_4_3_FEATURES, METADATA_VERSION_4_3, feature_records,
};
use super::image::{ConfigResource, Image};
use super::quorum::Quorum;
use super::quorum_state::QuorumState;
use super::record::MetadataRecord;
use super::recovery::{OpenRequest, Recovered, SnapshotPolicy};
use super::replay::Replay;
use super::segments::{SegmentLimit, Segments};
use super::shared::{MetadataLogStatus, Shared};
use super::snapshot::{self, SnapshotId};
use super::ticket::{Answerer, Committed};

/// Most bytes of record values in one batch: below Kafka's limit of 8 MiB for a batch of the log.
const MAX_BATCH_BYTES: usize = 7 << 20;

/// Most appends that are written together.
const MAX_GROUP: usize = 1000;

/// How often an idle writer looks whether a snapshot is due.
const IDLE_CHECK: Duration = Duration::from_secs(10);

/// `metadata.version` 3.6-IV1: the log knows transactions.
const TRANSACTIONS_SINCE: i16 = 13;

/// What the writer is asked to do.
pub(super) enum Command {
    Update(Change, Answerer),
    Voters(Quorum, Answerer),
    Snapshot(Answerer),
}

impl Command {
    pub(super) fn answer(self, answer: Result<Committed, AppendError>) {
        match self {
            Self::Update(_, answerer) | Self::Voters(_, answerer) | Self::Snapshot(answerer) => {
                answerer.answer(answer);
            }
        }
    }
}

/// Appends that are about to be written together.
#[derive(Debug)]
struct Group {
    replay: Replay,
    values: Vec<Bytes>,
    bytes: usize,
    answerers: Vec<Answerer>,
}

impl Group {
    fn after(replay: &Replay) -> Self {
        Self {
            replay: replay.clone(),
            values: Vec::new(),
            bytes: 0,
            answerers: Vec::new(),
        }
    }
}

/// The state of the log while it is open.
#[derive(Debug)]
pub(super) struct Writer {
    files: Arc<dyn Files>,
    clock: Arc<dyn Clock>,
    dir: PathBuf,
    limit: SegmentLimit,
    epoch: i32,
    replay: Replay,
    quorum: Quorum,
    segments: Segments,
    epochs: LeaderEpochs,
    snapshots: Vec<(SnapshotId, u64)>,
    bytes_since_snapshot: u64,
    last_snapshot: Duration,
    status: MetadataLogStatus,
    shared: Arc<Shared>,
}

impl Writer {
    pub(super) fn new(
        request: &OpenRequest,
        dir: PathBuf,
        recovered: Recovered,
        epoch: i32,
        limit: SegmentLimit,
    ) -> Self {
        let status = MetadataLogStatus {
            epoch,
            snapshots_read: u64::from(!recovered.snapshots.is_empty()),
            ..MetadataLogStatus::default()
        };
        Self {
            files: Arc::clone(&request.files),
            clock: Arc::clone(&request.clock),
            dir,
            limit,
            epoch,
            replay: recovered.replay,
            quorum: recovered.quorum,
            segments: recovered.segments,
            epochs: recovered.epochs,
            snapshots: recovered.snapshots,
            bytes_since_snapshot: recovered.tail_bytes,
            last_snapshot: request.clock.monotonic(),
            shared: Arc::new(Shared::new(Image::default(), status.clone())),
            status,
        }
    }

    /// Starts the epoch, first in `quorum-state`, then in the log.
    pub(super) fn take_office(&mut self, node_id: i32) -> Result<(), MetadataError> {
        let in_log = self.quorum.voters.is_some();
        let state = QuorumState {
            leader_id: node_id,
            leader_epoch: self.epoch,
            voters: (!in_log).then(|| vec![node_id]),
        };
        state.write(&*self.files, &self.dir)?;
        // Kafka writes version 0 with either kind of voters.
        let voter = leader_change_message::Voter {
            voter_id: node_id,
            ..Default::default()
        };
        let mut controls = vec![Control::LeaderChange(LeaderChangeMessage {
            version: 0,
            leader_id: node_id,
            voters: vec![voter.clone()],
            granting_voters: vec![voter],
        })];
        let start = self.segments.end_offset();
        if start == 0 {
            // The voters of the formatting go into the log with its first batch.
            controls.extend(self.quorum.controls());
        }
        self.append_controls(&controls)?;
        self.epochs.assign(self.epoch, start);
        self.epochs.write(&*self.files, &self.dir)
    }

    /// Appends a batch of control records. What they say is the caller's to take over.
    fn append_controls(&mut self, controls: &[Control]) -> Result<(), AppendError> {
        let start = self.segments.end_offset();
        let now_ms = self.clock.wall_ms();
        let place = BatchPlace {
            base_offset: start,
            epoch: self.epoch,
            timestamp_ms: now_ms,
        };
        let batch = control_batch(place, controls).map_err(invalid)?;
        self.append_batch(&batch, start + controls.len() as i64, now_ms)?;
        self.replay
            .advance(self.segments.end_offset() - 1, self.epoch, now_ms);
        Ok(())
    }

    /// Ends a transaction that an earlier leader left open; says whether there was one.
    pub(super) fn abort_open_transaction(&mut self) -> Result<bool, MetadataError> {
        let open = self.replay.in_transaction();
        if open {
            let reason = Some("the controller stopped inside the transaction".to_owned());
            let abort = MetadataRecord::AbortTransaction(AbortTransactionRecord { reason });
            self.append_now(vec![abort])?;
        }
        Ok(open)
    }

    /// Gives a log without metadata the records that a new cluster starts with.
    pub(super) fn bootstrap_if_empty(
        &mut self,
        log_dir: &Path,
        min_insync_replicas: i32,
    ) -> Result<bool, MetadataError> {
        let image = self.replay.image();
        if !image.features.is_empty() || image.topic_count() > 0 || !image.brokers.is_empty() {
            return Ok(false);
        }
        let path = log_dir.join(BOOTSTRAP_CHECKPOINT);
        let there = self
            .files
            .exists(&path)
            .map_err(MetadataError::io("look for", &path))?;
        let mut records = if there {
            snapshot::read(&*self.files, &path)?.records
        } else {
            let features = KAFKA_4_3_FEATURES.map(|(name, level)| (name.to_owned(), level));
            feature_records(METADATA_VERSION_4_3, &features)
        };
        let elr = records.iter().any(|record| {
            matches!(record, MetadataRecord::FeatureLevel(feature)
                if feature.name == "eligible.leader.replicas.version" && feature.feature_level > 0)
        });
        if elr {
            let value = min_insync_replicas.to_string();
            let resource = ConfigResource::broker_default();
            records.push(set_config(&resource, "min.insync.replicas", Some(&value)));
        }
        self.append_now(records)?;
        Ok(true)
    }

    /// Makes the image of the recovered log visible.
    pub(super) fn publish_first(&mut self) -> Arc<Shared> {
        self.replay.take_changes();
        self.note_status();
        self.shared
            .publish(&Arc::new(self.replay.image().clone()), &Changes::default());
        Arc::clone(&self.shared)
    }

    /// Serves the queue until the log is closed.
    pub(super) fn run(mut self, commands: &Receiver<Command>, policy: SnapshotPolicy) {
        loop {
            match commands.recv_timeout(IDLE_CHECK) {
                Ok(first) => {
                    let more = commands.try_iter().take(MAX_GROUP - 1);
                    let commands: Vec<_> = std::iter::once(first).chain(more).collect();
                    self.serve(commands);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.snapshot_if_due(policy);
        }
    }

    fn serve(&mut self, commands: Vec<Command>) {
        let mut group = Group::after(&self.replay);
        let mut snapshots = Vec::new();
        for command in commands {
            let (change, answerer) = match command {
                Command::Update(change, answerer) => (change, answerer),
                Command::Voters(quorum, answerer) => {
                    self.commit(std::mem::replace(&mut group, Group::after(&self.replay)));
                    answerer.answer(self.name_voters(quorum));
                    group = Group::after(&self.replay);
                    continue;
                }
                Command::Snapshot(answerer) => {
                    snapshots.push(answerer);
                    continue;
                }
            };
            if group.bytes >= MAX_BATCH_BYTES {
                self.commit(group);
                group = Group::after(&self.replay);
            }
            match self.stage(&mut group, change) {
                Ok(()) => group.answerers.push(answerer),
                Err(e) => answerer.answer(Err(e)),
            }
        }
        self.commit(group);
        for answerer in snapshots {
            let written = self
                .snapshot()
                .map_err(|e| AppendError::Invalid(e.to_string().into()));
            answerer.answer(written.map(|()| Committed {
                image: self.shared.image(),
            }));
        }
    }

    /// Adds a change to the group, or leaves the group as it was.
    fn stage(&self, group: &mut Group, change: Change) -> Result<(), AppendError> {
        if let Some(reason) = &self.status.offline {
            return Err(AppendError::Offline(Arc::clone(reason)));
        }
        let records = change(group.replay.image())?;
        let (replay, count, bytes) = (group.replay.clone(), group.values.len(), group.bytes);
        for record in &records {
            if let Err(e) = self.stage_record(group, record) {
                group.replay = replay;
                group.values.truncate(count);
                group.bytes = bytes;
                return Err(e);
            }
        }
        Ok(())
    }

    fn stage_record(&self, group: &mut Group, record: &MetadataRecord) -> Result<(), AppendError> {
        if matches!(
            record,
            MetadataRecord::BeginTransaction(_) | MetadataRecord::EndTransaction(_)
        ) {
            return Err(invalid("transactions of the log are its own business"));
        }
        let version = group.replay.image().metadata_version();
        let value = record.encode(version).map_err(invalid)?;
        // What an older metadata.version drops on the way to the disk is not shown either.
        group
            .replay
            .apply(&record.as_written_at(version))
            .map_err(invalid)?;
        group.bytes += value.len();
        group.values.push(value);
        let offset = self.segments.end_offset() + group.values.len() as i64 - 1;
        group
            .replay
            .advance(offset, self.epoch, self.clock.wall_ms());
        Ok(())
    }

    /// Writes the group and answers it.
    fn commit(&mut self, mut group: Group) {
        if group.values.is_empty() {
            let image = self.shared.image();
            for answerer in group.answerers {
                answerer.answer(Ok(Committed {
                    image: Arc::clone(&image),
                }));
            }
            return;
        }
        if let Err(e) = self.write(&group.values) {
            if let AppendError::Offline(reason) = &e {
                tracing::error!(%reason, "the metadata log is offline");
                self.status.offline = Some(Arc::clone(reason));
            }
            self.note_status();
            for answerer in group.answerers {
                answerer.answer(Err(e.clone()));
            }
            return;
        }
        let (epoch, timestamp_ms) = (self.epoch, group.replay.image().timestamp_ms());
        group
            .replay
            .advance(self.segments.end_offset() - 1, epoch, timestamp_ms);
        self.status.appended_records += group.values.len() as u64;
        self.replay = group.replay;
        self.note_status();
        let changes = self.replay.take_changes();
        let image = Arc::new(self.replay.image().clone());
        self.shared.publish(&image, &changes);
        for answerer in group.answerers {
            answerer.answer(Ok(Committed {
                image: Arc::clone(&image),
            }));
        }
    }

    /// Appends before the writer's thread runs.
    fn append_now(&mut self, records: Vec<MetadataRecord>) -> Result<(), MetadataError> {
        let mut group = Group::after(&self.replay);
        for record in &records {
            self.stage_record(&mut group, record)?;
        }
        self.write(&group.values)?;
        self.replay = group.replay;
        Ok(())
    }

    /// Writes record values: as one batch, or as several inside a transaction.
    fn write(&mut self, values: &[Bytes]) -> Result<(), AppendError> {
        let total: usize = values.iter().map(Bytes::len).sum();
        if total <= MAX_BATCH_BYTES {
            return self.write_batch(values);
        }
        let version = self.replay.image().metadata_version();
        if version < TRANSACTIONS_SINCE {
            let why = format!("{total} bytes of records need metadata.version 3.6 or later");
            return Err(invalid(why));
        }
        let name = Some("large change".to_owned());
        let begin = MetadataRecord::BeginTransaction(BeginTransactionRecord { name });
        let end = MetadataRecord::EndTransaction(EndTransactionRecord {});
        let begin = begin.encode(version).map_err(invalid)?;
        let end = end.encode(version).map_err(invalid)?;
        self.write_batch(&[begin])?;
        let written = runs(values).try_for_each(|run| self.write_batch(run));
        match written.and_then(|()| self.write_batch(&[end])) {
            Err(full @ AppendError::DiskFull { .. }) => {
                let abort = MetadataRecord::AbortTransaction(AbortTransactionRecord::default());
                let abort = abort.encode(version).map_err(invalid)?;
                // Without it the next record would look like a part of the transaction.
                match self.write_batch(&[abort]) {
                    Ok(()) => Err(full),
                    Err(e) => Err(AppendError::Offline(
                        format!("{e}; a metadata transaction is left open").into(),
                    )),
                }
            }
            other => other,
        }
    }

    fn write_batch(&mut self, values: &[Bytes]) -> Result<(), AppendError> {
        let now_ms = self.clock.wall_ms();
        let base_offset = self.segments.end_offset();
        let place = BatchPlace {
            base_offset,
            epoch: self.epoch,
            timestamp_ms: now_ms,
        };
        let batch = data_batch(place, values).map_err(invalid)?;
        self.append_batch(&batch, base_offset + values.len() as i64, now_ms)
    }

    fn append_batch(
        &mut self,
        batch: &[u8],
        next_offset: i64,
        now_ms: i64,
    ) -> Result<(), AppendError> {
        self.segments.roll_if_due(batch.len(), self.limit, now_ms)?;
        self.segments.append(batch, next_offset)?;
        self.bytes_since_snapshot += batch.len() as u64;
        self.status.appended_batches += 1;
        Ok(())
    }

    fn note_status(&mut self) {
        self.status.log_start_offset = self.segments.start_offset();
        self.status.log_end_offset = self.segments.end_offset();
        self.status.log_bytes = self.segments.size_bytes();
        self.status.segments = self.segments.segment_count();
        self.status.snapshots = self.snapshots.len();
        self.status.snapshot_end_offset = self.snapshots.last().map(|(id, _)| id.offset);
        self.shared.note(&self.status);
    }
}

fn invalid(reason: impl std::fmt::Display) -> AppendError {
    AppendError::Invalid(reason.to_string().into())
}

/// The values in runs that each fit a batch.
fn runs(values: &[Bytes]) -> impl Iterator<Item = &[Bytes]> {
    let mut rest = values;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|value| {
            bytes += value.len();
            bytes <= MAX_BATCH_BYTES
        });
        let len = fits.count().max(usize::from(!rest.is_empty()));
        let (run, behind) = rest.split_at(len);
        rest = behind;
        (!run.is_empty()).then_some(run)
    })
}
