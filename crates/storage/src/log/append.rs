//! Appending: checks, offsets, the write, rolling.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use limpid_protocol::records::{BatchHeader, Batches, patch_base_offset, patch_leader_epoch};
use limpid_telemetry::SEEN;
use parking_lot::MutexGuard;

use super::transactions::Terms;
use super::{PartitionLog, State};
use crate::api::{AbortedTxn, AppendBytes, AppendInfo, AppendMeta, Origin};
use crate::config::{LogConfig, TimestampType};
use crate::error::AppendError;
use crate::producers::{Marker, Pending, snapshot};
use crate::scan::marker_of;
use crate::segment::headroom::Allowed;
use crate::segment::{FileLengths, Segment, bytes_limit};

/// Snapshots waiting for a flush that does not happen (the disk is full): the newest suffice.
const PENDING_SNAPSHOTS_MAX: usize = 4;

/// A batch of an append with the header it will have in the log.
struct Incoming {
    header: BatchHeader,
    marker: Option<Marker>,
}

impl PartitionLog {
    /// Appends whole batches that were validated before.
    ///
    /// The bytes are copied once, into memory that then serves readers, unless they come in such memory;
    /// base offsets and leader epoch are patched there (not for [`Origin::Replica`], whose batches keep theirs). When
    /// this returns the batches are in the page cache, not necessarily on the disk.
    ///
    /// # Errors
    /// [`AppendError`]; nothing of the append is in the log then. After
    /// [`AppendError::DirOffline`] it may be found there at the next start.
    pub fn append<'a>(
        self: &Arc<Self>,
        batches: impl Into<AppendBytes<'a>>,
        meta: &AppendMeta,
    ) -> Result<AppendInfo, AppendError> {
        self.append_on(batches.into(), meta, Terms::None)
    }

    pub(super) fn append_on(
        self: &Arc<Self>,
        batches: AppendBytes<'_>,
        meta: &AppendMeta,
        terms: Terms,
    ) -> Result<AppendInfo, AppendError> {
        let incoming = parse(&batches)?;
        let bytes = batches.len() as u64;
        let config = self.config();
        if bytes > bytes_limit(&config) {
            let limit = config.segment_bytes;
            return Err(AppendError::TooLarge {
                bytes: batches.len(),
                limit,
            });
        }
        let (mut state, lock_wait) = self.lock_timed();
        let done = self.append_locked(&mut state, (batches, incoming), (meta, terms), &config);
        let flush_due = state.unflushed_records >= config.flush_messages;
        drop(state);
        let metrics = &self.shared.metrics;
        match done {
            Ok(mut info) => {
                info.lock_wait = lock_wait;
                if info.duplicate {
                    metrics.duplicate_batches.inc();
                } else {
                    metrics.appended_bytes.inc_by(bytes);
                }
                // With 1 the caller waits for the disk and asks itself.
                if flush_due && config.flush_messages > 1 {
                    self.schedule_flush();
                }
                Ok(info)
            }
            Err(error) => {
                match error {
                    AppendError::DiskFull { .. } => metrics.disk_full_refusals.inc(),
                    AppendError::Busy(_) => metrics.busy_refusals.inc(),
                    AppendError::OutOfOrderSequence { .. }
                    | AppendError::InvalidProducerEpoch { .. } => metrics.sequence_errors.inc(),
                    _ => {}
                }
                Err(error)
            }
        }
    }

    /// The log's state, and how long others held it. The clock is read only if somebody did.
    fn lock_timed(&self) -> (MutexGuard<'_, State>, Duration) {
        if let Some(free) = self.state.try_lock() {
            return (free, Duration::ZERO);
        }
        let before = self.shared.clock.monotonic();
        let state = self.state.lock();
        (state, self.shared.clock.monotonic().saturating_sub(before))
    }

    fn append_locked(
        &self,
        state: &mut State,
        (batches, mut incoming): (AppendBytes<'_>, Vec<Incoming>),
        (meta, terms): (&AppendMeta, Terms),
        config: &LogConfig,
    ) -> Result<AppendInfo, AppendError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(AppendError::Closed);
        }
        if !self.dir.is_online() {
            return Err(self.dir.append_offline());
        }
        if meta.origin == Origin::Client {
            let duplicate = incoming
                .iter()
                .find_map(|b| state.producers.duplicate_of(&b.header));
            if let Some(old) = duplicate {
                let mut info = self.info(old.first_offset(), old.last_offset, config, &incoming);
                info.duplicate = true;
                return Ok(info);
            }
        }
        let end = self.log_end_offset();
        let pending = assign_and_check(state, &mut incoming, (meta, terms), end)?;
        if meta.origin == Origin::Client {
            self.dir.claim(batches.len())?;
        }
        let first = incoming[0].header.base_offset;
        let last = incoming[incoming.len() - 1].header.last_offset();
        let newest = incoming
            .iter()
            .map(|b| b.header.max_timestamp)
            .max()
            .unwrap_or(-1);
        let now_ms = self.shared.clock.wall_ms();
        let jitter = self.jitter_ms(config);
        if state
            .active
            .must_roll(batches.len(), last, newest, now_ms, config, jitter)
        {
            // Held until the new file has a place of its own.
            let _place = self.shared.open.place(meta.origin).ok_or_else(too_many)?;
            self.roll(state, first, config)?;
        }
        let aborted = pending.aborted(&state.producers);
        self.pin(state, meta.origin, !aborted.is_empty())?;
        self.write(state, batches, &incoming, (meta, config))?;
        self.publish(state, &incoming, (pending, aborted), now_ms, config)?;
        if SEEN {
            state.arrivals.note(first, now_ms);
        }
        assert_eq!(
            self.log_end_offset(),
            last + 1,
            "an append ends where its last record is"
        );
        Ok(self.info(first, last, config, &incoming))
    }

    /// Whether an append of a client would find room for the file that it keeps open until the next
    /// flush. Costs one load of a number while there is; when there is none, logs are being synced
    /// and it is worth asking again soon.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.shared.open.is_short() || self.state.lock().active.is_pinned()
    }

    /// An append waited so long until it [had room](Self::has_room).
    pub fn waited_for_room(&self, time: Duration) {
        self.shared.metrics.room_wait.inc_by(time.as_secs_f64());
    }

    /// The files that are about to be written stay open until they are on the disk.
    fn pin(&self, state: &State, origin: Origin, aborts: bool) -> Result<(), AppendError> {
        let active = &state.active;
        match self.dir.with_reserve(|| active.pin(origin, aborts)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(too_many()),
            Err(e) => Err(self.dir.append_error(&active.log.path(), &e)),
        }
    }

    /// Patches and writes the batches behind the active segment's end, and stages them
    /// for readers. On failure the file is cut back.
    fn write(
        &self,
        state: &mut State,
        batches: AppendBytes<'_>,
        incoming: &[Incoming],
        (meta, config): (&AppendMeta, &LogConfig),
    ) -> Result<(), AppendError> {
        let mut staged = self.tail.stage(batches);
        if meta.origin != Origin::Replica {
            let mut rest = &mut staged.bytes[..];
            for batch in incoming {
                let (bytes, tail) = rest.split_at_mut(batch.header.size());
                patch_base_offset(bytes, batch.header.base_offset);
                patch_leader_epoch(bytes, meta.leader_epoch);
                rest = tail;
            }
            assert!(rest.is_empty(), "the batches cover the append");
        }
        let active = &state.active;
        let headroom = Allowed {
            bytes: self.shared.headroom_bytes,
            limit: bytes_limit(config),
        };
        // Who waits for each sync never has much unflushed, but with headroom it has no metadata to commit.
        let appended = match config.flush_before_ack() {
            true => active.size(),
            false => state.unflushed_bytes,
        };
        if headroom.is_due(appended) {
            active.make_headroom(staged.bytes.len(), headroom);
        }
        let mut written = active.write(&staged.bytes);
        if meta.origin != Origin::Client && written.is_err() {
            // A coordinator's record goes on from the reserve when the disk is full.
            written = self.dir.with_reserve(|| active.write(&staged.bytes));
        }
        if let Err(e) = written {
            let path = active.log.path();
            let error = self.dir.append_error(&path, &e);
            if let Err(e) = active.cut_back() {
                self.dir.fail(&path, &e);
                return Err(self.dir.append_offline());
            }
            return Err(error);
        }
        let ends = incoming.iter().map(|b| {
            (
                b.header.base_offset,
                b.header.last_offset(),
                b.header.size(),
            )
        });
        self.tail.publish(staged, ends);
        Ok(())
    }

    /// Makes written batches part of the log: indexes, producers, epochs, then the end offset.
    fn publish(
        &self,
        state: &mut State,
        incoming: &[Incoming],
        (pending, aborted): (Pending, Vec<AbortedTxn>),
        now_ms: i64,
        config: &LogConfig,
    ) -> Result<(), AppendError> {
        let mut indexed = Ok(());
        for batch in incoming {
            let header = &batch.header;
            indexed = indexed.and(state.active.publish(header, now_ms, config));
            state
                .epochs
                .assign(header.partition_leader_epoch, header.base_offset);
            state.unflushed_bytes += header.size() as u64;
            state.unflushed_records += i64::from(header.last_offset_delta) + 1;
        }
        // Unlike the others this index is no hint: readers of committed data rely on it.
        for txn in &aborted {
            let push = || state.active.txns.push(txn);
            indexed = indexed.and(self.dir.with_reserve(push));
        }
        if let Err(e) = indexed {
            // The bytes are in the file but not acknowledged; a restart sorts them out.
            self.dir.fail(&state.active.log.path(), &e);
            self.tail.clear();
            return Err(self.dir.append_offline());
        }
        state.producers.commit(pending);
        let headers = incoming.iter().map(|batch| &batch.header);
        state.producers.settle_permits(headers);
        state
            .unflushed_since
            .get_or_insert_with(|| self.shared.clock.monotonic());
        self.shared
            .metrics
            .appended_batches
            .inc_by(incoming.len() as u64);
        let next = incoming
            .last()
            .map_or(0, |batch| batch.header.next_offset());
        self.log_end.store(next, Ordering::Release);
        self.advance_watermarks(state);
        Ok(())
    }

    /// Closes the active segment and starts one at `base_offset`. Only files are made here; the
    /// old one is synced by the next flush.
    pub(super) fn roll(
        &self,
        state: &mut State,
        base_offset: i64,
        config: &LogConfig,
    ) -> Result<(), AppendError> {
        assert!(
            base_offset > state.active.base_offset,
            "a new segment starts behind the old one"
        );
        let now_ms = self.shared.clock.wall_ms();
        let path = self.path();
        let lengths = FileLengths::default();
        let segment = Segment::new(&self.shared.open, &path, base_offset, lengths, now_ms);
        let made = state
            .active
            .finish_indexes()
            .and_then(|()| state.active.give_headroom_back())
            .and_then(|()| segment.create_files(config));
        if let Err(e) = made {
            segment.remove().ok();
            return Err(self.dir.append_error(&segment.log.path(), &e));
        }
        state
            .snapshots
            .push((base_offset, snapshot::encode(&state.producers)));
        if state.snapshots.len() > PENDING_SNAPSHOTS_MAX {
            state.snapshots.remove(0);
        }
        let old = std::mem::replace(&mut state.active, Arc::clone(&segment));
        state.dir_dirty = true;
        state
            .unflushed_since
            .get_or_insert_with(|| self.shared.clock.monotonic());
        self.segments.write().insert(base_offset, segment);
        self.shared.metrics.segments_rolled.inc();
        tracing::debug!(
            topic.name = %self.topic, topic.partition = self.partition, base_offset,
            closed_bytes = old.size(), "rolled segment"
        );
        Ok(())
    }

    fn info(
        &self,
        first_offset: i64,
        last_offset: i64,
        config: &LogConfig,
        incoming: &[Incoming],
    ) -> AppendInfo {
        let append_time = match config.timestamp_type {
            TimestampType::CreateTime => -1,
            TimestampType::LogAppendTime => incoming
                .iter()
                .map(|b| b.header.max_timestamp)
                .max()
                .unwrap_or(-1),
        };
        AppendInfo {
            first_offset,
            last_offset,
            log_append_time_ms: append_time,
            log_start_offset: self.log_start_offset(),
            duplicate: false,
            lock_wait: Duration::ZERO,
        }
    }
}

fn too_many() -> AppendError {
    AppendError::Busy("too many files wait for the disk".to_owned())
}

/// Cuts the bytes into batches; they must be whole and of the current format.
fn parse(batches: &[u8]) -> Result<Vec<Incoming>, AppendError> {
    let mut out = Vec::with_capacity(1);
    for view in Batches::new(batches) {
        let view = view.map_err(|_| AppendError::Malformed("not a whole batch of format 2"))?;
        let header = *view.header();
        if header.last_offset_delta < 0 || header.records_count < 0 {
            return Err(AppendError::Malformed("negative offset delta or count"));
        }
        out.push(Incoming {
            header,
            marker: marker_of(&view),
        });
    }
    if out.is_empty() {
        Err(AppendError::Malformed("no batch"))
    } else {
        Ok(out)
    }
}

/// Gives the batches their offsets and checks them against the producers' state.
fn assign_and_check(
    state: &State,
    incoming: &mut [Incoming],
    (meta, terms): (&AppendMeta, Terms),
    end: i64,
) -> Result<Pending, AppendError> {
    let mut next = end;
    let mut pending = Pending::default();
    for batch in incoming {
        let header = &mut batch.header;
        if meta.origin == Origin::Replica {
            if header.base_offset < next {
                return Err(AppendError::Malformed(
                    "offsets of a replica must not go back",
                ));
            }
        } else {
            header.base_offset = next;
            header.partition_leader_epoch = meta.leader_epoch;
        }
        terms.check(state, header)?;
        state
            .producers
            .prepare(&mut pending, header, batch.marker, meta.origin)?;
        next = header.next_offset();
    }
    Ok(pending)
}
