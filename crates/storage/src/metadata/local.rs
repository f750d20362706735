//! The metadata log of a node that is a quorum of its own.
//!
//! Opening replays the newest snapshot and the log behind it, then takes office: the epoch goes up
//! by one in `quorum-state`, a `LeaderChange` record starts it in the log, and a log without
//! metadata gets the records of `bootstrap.checkpoint`. From then on one thread
//! ([`super::writer`]) appends.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use limpid_protocol::Uuid;
use parking_lot::Mutex;

use super::error::{AppendError, MetadataError};
use super::files::ensure_partition_metadata;
use super::image::Image;
use super::meta_properties::MetaProperties;
use super::quorum::{ControllerEndpoint, sole_voter};
use super::quorum_state::QuorumState;
use super::recovery::{OpenRequest, Recovered, recover};
use super::segments::{SegmentLimit, TornTail};
use super::shared::{MetadataLogStatus, Shared};
use super::ticket::{Answerer, AppendTicket, ticket};
use super::writer::{Command, Writer};
use super::{Change, METADATA_LOG_DIR, MetadataLog, Subscriber};

/// Most appends that may wait for the writer; more are refused.
const MAX_QUEUED_APPENDS: usize = 10_000;

/// What opening found.
#[derive(Debug, Clone)]
pub struct OpenReport {
    /// The directory's identity.
    pub meta: MetaProperties,
    /// The directory's id.
    pub directory_id: Uuid,
    /// The epoch that this process leads.
    pub epoch: i32,
    /// The snapshot that replay began with, as (offset, epoch).
    pub snapshot: Option<(i64, i32)>,
    /// Records replayed from the log behind the snapshot.
    pub replayed_records: u64,
    /// What was cut off the end of the log.
    pub torn_tail: Option<TornTail>,
    /// Whether an unfinished metadata transaction was aborted.
    pub aborted_transaction: bool,
    /// Whether the log was empty and got the bootstrap records.
    pub bootstrapped: bool,
}

/// The metadata log of a quorum of one. Dropping it closes it: appends that wait are done first.
#[derive(Debug)]
pub struct LocalMetadataLog {
    node_id: i32,
    directory_id: Uuid,
    shared: Arc<Shared>,
    queue: Mutex<Option<SyncSender<Command>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl LocalMetadataLog {
    /// Opens the log of a formatted directory and takes office. Blocking.
    ///
    /// # Errors
    /// [`MetadataError`], naming the file: not formatted, damaged, of another node, or of a quorum
    /// with other voters than this node.
    pub fn open(request: &OpenRequest) -> Result<(Self, OpenReport), MetadataError> {
        let files = &*request.files;
        let meta = MetaProperties::read(files, &request.dir)?;
        let directory_id = check_identity(request, &meta)?;
        let log_dir = request.dir.join(METADATA_LOG_DIR);
        files
            .create_dir_all(&log_dir)
            .map_err(MetadataError::io("create", &log_dir))?;
        files
            .sync_dir(&request.dir)
            .map_err(MetadataError::io("sync", &request.dir))?;
        ensure_partition_metadata(files, &log_dir)?;
        let state = QuorumState::read(files, &log_dir)?;
        let recovered = recover(request, &log_dir)?;
        check_voters(
            &log_dir,
            &recovered,
            state.as_ref(),
            meta.node_id,
            directory_id,
        )?;

        let mut report = OpenReport {
            directory_id,
            epoch: 0,
            snapshot: recovered
                .snapshots
                .last()
                .map(|(id, _)| (id.offset, id.epoch)),
            replayed_records: recovered.replayed_records,
            torn_tail: recovered.torn_tail.clone(),
            aborted_transaction: false,
            bootstrapped: false,
            meta,
        };
        let last_epoch = [
            state.map(|state| state.leader_epoch),
            recovered.epochs.latest(),
            recovered.snapshots.last().map(|(id, _)| id.epoch),
        ];
        let last_epoch = last_epoch.into_iter().flatten().max().unwrap_or(0);
        report.epoch = last_epoch.checked_add(1).ok_or_else(|| {
            MetadataError::corrupt(&log_dir, format!("no epoch can follow epoch {last_epoch}"))
        })?;
        let limit = SegmentLimit {
            bytes: request.segment_bytes,
            ms: request.segment_ms,
        };
        let mut writer = Writer::new(request, log_dir, recovered, report.epoch, limit);
        writer.take_office(report.meta.node_id)?;
        report.aborted_transaction = writer.abort_open_transaction()?;
        report.bootstrapped =
            writer.bootstrap_if_empty(&request.dir, request.min_insync_replicas)?;
        let shared = writer.publish_first();
        let (queue, commands) = sync_channel(MAX_QUEUED_APPENDS);
        let policy = request.policy();
        let thread = std::thread::Builder::new()
            .name("limpid-metadata".to_owned())
            .spawn(move || writer.run(&commands, policy))
            .map_err(MetadataError::io("start the writer of", &request.dir))?;
        let log = Self {
            node_id: report.meta.node_id,
            directory_id,
            shared,
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
        };
        Ok((log, report))
    }

    /// Offsets, sizes and health.
    #[must_use]
    pub fn status(&self) -> MetadataLogStatus {
        self.shared.status()
    }

    /// Writes a snapshot of the metadata now. The ticket resolves when it is durable.
    pub fn snapshot(&self) -> AppendTicket {
        self.send(Command::Snapshot)
    }

    /// Does the appends that wait and ends. Later appends are refused. Blocking.
    pub fn close(&self) {
        self.queue.lock().take();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the writer of the metadata log panicked");
        }
    }

    fn send(&self, command: impl FnOnce(Answerer) -> Command) -> AppendTicket {
        let (ticket, answerer) = ticket();
        let queue = self.queue.lock();
        let Some(sender) = &*queue else { return ticket };
        match sender.try_send(command(answerer)) {
            Ok(()) => {}
            Err(TrySendError::Full(command)) => {
                command.answer(Err(AppendError::QueueFull {
                    limit: MAX_QUEUED_APPENDS,
                }));
            }
            // The dropped command answers that the log is closed.
            Err(TrySendError::Disconnected(_)) => {}
        }
        ticket
    }
}

impl MetadataLog for LocalMetadataLog {
    fn update(&self, change: Change) -> AppendTicket {
        self.send(|answerer| Command::Update(change, answerer))
    }

    fn name_voters(&self, controller: &ControllerEndpoint) -> AppendTicket {
        let quorum = sole_voter(self.node_id, self.directory_id, controller);
        self.send(|answerer| Command::Voters(quorum, answerer))
    }

    fn image(&self) -> Arc<Image> {
        self.shared.image()
    }

    fn subscribe(&self, subscriber: Subscriber) {
        self.shared.subscribe(subscriber);
    }
}

impl Drop for LocalMetadataLog {
    fn drop(&mut self) {
        self.close();
    }
}

/// The directory's id, if the directory belongs to this node.
fn check_identity(request: &OpenRequest, meta: &MetaProperties) -> Result<Uuid, MetadataError> {
    let path = MetaProperties::path_in(&request.dir);
    if let Some(wanted) = request.node_id.filter(|id| *id != meta.node_id) {
        let reason = format!(
            "the directory is of node {}, not of node.id={wanted}",
            meta.node_id
        );
        return Err(MetadataError::unsuitable(&path, reason));
    }
    meta.directory_id.ok_or_else(|| {
        let reason = "no directory.id in it: let Kafka 3.7 or later open the directory once";
        MetadataError::unsuitable(&path, reason)
    })
}

/// Only a quorum of this node alone may be led without asking anybody.
fn check_voters(
    log_dir: &Path,
    recovered: &Recovered,
    state: Option<&QuorumState>,
    node_id: i32,
    directory_id: Uuid,
) -> Result<(), MetadataError> {
    let alone = |ids: &[i32]| ids == [node_id];
    let refuse = |ids: &[i32]| {
        let reason = format!(
            "the voters of the metadata quorum are {ids:?}; Limpid can lead only a quorum of \
             node {node_id} alone"
        );
        Err(MetadataError::unsuitable(log_dir, reason))
    };
    if let Some(record) = &recovered.quorum.voters {
        let ids: Vec<i32> = record.voters.iter().map(|voter| voter.voter_id).collect();
        if !alone(&ids) {
            return refuse(&ids);
        }
        let voted = record.voters.iter().map(|voter| voter.voter_directory_id);
        if let Some(other) = voted.into_iter().find(|id| *id != directory_id) {
            let reason = format!(
                "the voter's directory is {other}, but directory.id in meta.properties is \
                 {directory_id}"
            );
            return Err(MetadataError::unsuitable(log_dir, reason));
        }
        return Ok(());
    }
    let known = [
        &recovered.leader_change_voters,
        &state.and_then(|state| state.voters.clone()),
    ];
    for ids in known.into_iter().flatten() {
        if !alone(ids) {
            return refuse(ids);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
