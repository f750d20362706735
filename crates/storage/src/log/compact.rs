//! A round of compaction: see [`crate::compaction`] for what it does and why.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::PartitionLog;
use super::retention::Condemned;
use crate::compaction::batches::BatchReader;
use crate::compaction::filter::{LastOfProducer, Rules};
use crate::compaction::key_map::KeyMap;
use crate::compaction::plan::{self, Bounds, Extent, Piece};
use crate::compaction::rewrite::{Copier, Pace};
use crate::compaction::transactions::{Fate, Transactions};
use crate::compaction::{
    Compacted, CompactionError, CompactionSettings, DECOMPRESSED_BYTES_MAX, Trouble,
};
use crate::config::LogConfig;
use crate::error::{ReadError, StorageError};
use crate::open_files::Wait;
use crate::scan::ScanError;
use crate::segment::Segment;

/// The closed segments of a log and what of them may be compacted.
struct Survey {
    segments: Vec<Arc<Segment>>,
    pieces: Vec<Piece>,
    extent: Extent,
}

/// What a round works with.
struct Round<'a> {
    config: Arc<LogConfig>,
    settings: &'a CompactionSettings,
    pace: Pace<'a>,
    now_ms: i64,
    survey: Survey,
}

impl PartitionLog {
    /// How much of the log could be compacted now; `None` when that is not for compaction, or not
    /// possible (any more).
    pub(crate) fn dirty_extent(&self) -> Option<Extent> {
        let config = self.config();
        let wanted = config.cleanup_policy.compact && self.is_online() && self.unsound().is_none();
        let survey = wanted.then(|| self.survey(&config, self.shared.clock.wall_ms()))?;
        match survey {
            Ok(survey) => Some(survey.extent),
            Err((segment, trouble)) => {
                let error = self.compaction_error(&segment, trouble);
                tracing::warn!(%error, topic.name = %self.topic, topic.partition = self.partition,
                    "can't tell what has to be compacted");
                None
            }
        }
    }

    /// Runs one round if one is due and nobody else works at the log: (what it did, the segments
    /// that were replaced). `None` when there was nothing to do.
    pub(crate) fn compact(
        &self,
        settings: &CompactionSettings,
        pace: Pace<'_>,
        condemned: &mut Vec<Condemned>,
    ) -> Result<Option<Compacted>, CompactionError> {
        let Some(_nobody_else) = self.upkeep.try_lock() else {
            return Ok(None);
        };
        let config = self.config();
        if !config.cleanup_policy.compact || !self.is_online() {
            return Ok(None);
        }
        let now_ms = self.shared.clock.wall_ms();
        let surveyed = self.survey(&config, now_ms);
        let survey = surveyed.map_err(|(at, trouble)| self.compaction_error(&at, trouble))?;
        if !survey.extent.is_due(&config) {
            return Ok(None);
        }
        if survey.segments.iter().any(|segment| !segment.is_synced()) {
            // What is replaced must be on the disk already: nobody will sync it any more.
            self.flush()?;
        }
        let round = Round {
            config,
            settings,
            pace,
            now_ms,
            survey,
        };
        let done = self.run_round(&round, condemned);
        if let Err(CompactionError::Unsound(why)) = &done {
            tracing::error!(topic.name = %self.topic, topic.partition = self.partition,
                reason = %why, "this log can't be compacted and will grow");
            *self.unsound.lock() = Some(why.clone());
        }
        done.map(Some)
    }

    /// Why the log can't be compacted, once that was found out.
    pub(crate) fn unsound(&self) -> Option<String> {
        self.unsound.lock().clone()
    }

    /// Everything below this offset is clean, if the log was ever compacted.
    pub(crate) fn clean_to(&self) -> Option<i64> {
        let offset = self.clean_to.load(Ordering::Acquire);
        (offset >= 0).then_some(offset)
    }

    fn run_round(
        &self,
        round: &Round<'_>,
        condemned: &mut Vec<Condemned>,
    ) -> Result<Compacted, CompactionError> {
        let extent = round.survey.extent;
        let rules = self.learn_keys(round)?;
        let keys_share = rules.keys.share();
        let clean_to = rules.keys_end;
        assert!(
            (extent.first_dirty..=extent.end).contains(&clean_to),
            "a round ends within what it may compact"
        );
        let pieces = &round.survey.pieces;
        let below = pieces.partition_point(|piece| piece.base_offset < clean_to);
        let copied_to = round.end_of(below.saturating_sub(1));
        let mut done = Compacted {
            clean_to,
            keys_share,
            ..Compacted::default()
        };
        let mut transactions = Transactions::default();
        for group in plan::groups(&pieces[..below], copied_to, &round.config) {
            let copied = self.copy_group(round, &rules, group, &mut transactions, condemned)?;
            done.bytes_before += copied.bytes_before;
            done.bytes_after += copied.bytes_after;
            done.records_before += copied.records_before;
            done.records_after += copied.records_after;
            done.without_key += copied.without_key;
        }
        self.tail.forget_below(copied_to);
        self.clean_to.store(clean_to, Ordering::Release);
        Ok(done)
    }

    /// Copies one group and puts the copy in its place.
    fn copy_group(
        &self,
        round: &Round<'_>,
        rules: &Rules,
        group: Range<usize>,
        transactions: &mut Transactions,
        condemned: &mut Vec<Condemned>,
    ) -> Result<Compacted, CompactionError> {
        let originals = &round.survey.segments[group.clone()];
        let (first, last) = (&originals[0], &originals[originals.len() - 1]);
        let bytes: u64 = originals.iter().map(|segment| segment.size()).sum();
        self.check_room(bytes)?;
        let (open, path) = (&self.shared.open, self.path());
        let modified_ms = last.progress().modified_ms;
        let target = Segment::cleaned(open, &path, first.base_offset, modified_ms)
            .map_err(|e| self.compaction_error(first, e.into()))?;
        let window = round.settings.window_bytes();
        let mut copier = Copier::new(
            rules,
            &round.config,
            round.pace,
            window,
            Arc::clone(&target),
        );
        let copied = (|| {
            for (i, segment) in group.zip(originals) {
                let aborted = self.aborted_transactions(segment.base_offset, round.end_of(i));
                transactions.expect(aborted.map_err(|e| self.lookup_error(e))?);
                let copied = copier.copy(segment, transactions);
                copied.map_err(|trouble| self.compaction_error(segment, trouble))?;
            }
            copier
                .finish()
                .map_err(|trouble| self.compaction_error(first, trouble))
        })();
        let replaced = copied.and_then(|(done, copy)| {
            let Some(copy) = copy else {
                // Nothing is left out: the originals stay.
                return Ok((done, false));
            };
            condemned.extend(self.replace(&copy, originals)?);
            Ok((done, true))
        });
        if !matches!(replaced, Ok((_, true))) && self.is_online() {
            // What is left over is removed at the next attempt or start.
            target.remove().ok();
        }
        replaced.map(|(done, _)| done)
    }

    /// Reads the dirty part: the newest offset of each key, of as many keys as fit.
    fn learn_keys(&self, round: &Round<'_>) -> Result<Rules, CompactionError> {
        let Extent {
            first_dirty, end, ..
        } = round.survey.extent;
        let pieces = &round.survey.pieces;
        let first = pieces.partition_point(|piece| piece.base_offset <= first_dirty);
        let dirty = first.saturating_sub(1)..pieces.len();
        let settings = round.settings;
        let most = self.records_at_most(&round.survey.segments[dirty.clone()], round)?;
        let mut rules = Rules {
            keys: KeyMap::new(
                most,
                settings.keys_bytes_per_thread(),
                settings.keys_load_max,
            ),
            keys_end: first_dirty,
            round_end: end,
            now_ms: round.now_ms,
            delete_retention_ms: round.config.delete_retention_ms,
            producers: self.last_of_producers(),
        };
        let mut transactions = Transactions::default();
        let aborted = self.aborted_transactions(first_dirty, end);
        transactions.expect(aborted.map_err(|e| self.lookup_error(e))?);
        for i in dirty {
            let segment = &round.survey.segments[i];
            if segment.base_offset >= end {
                break;
            }
            let learned = learn_segment(segment, round, &mut rules, &mut transactions);
            let whole = learned.map_err(|trouble| self.compaction_error(segment, trouble))?;
            if !whole {
                break;
            }
            // Nothing is in the gap that an earlier round left.
            rules.keys_end = rules.keys_end.max(round.end_of(i));
        }
        Ok(rules)
    }

    /// A bound on the keys of these segments.
    fn records_at_most(
        &self,
        segments: &[Arc<Segment>],
        round: &Round<'_>,
    ) -> Result<u64, CompactionError> {
        let Extent {
            first_dirty, end, ..
        } = round.survey.extent;
        let mut records = 0;
        for segment in segments
            .iter()
            .take_while(|segment| segment.base_offset < end)
        {
            let counted = self.each_header(segment, first_dirty, |found| {
                records += u64::from(found.header.records_count.unsigned_abs());
                Ok(())
            });
            counted.map_err(|e| self.compaction_error(segment, e.into()))?;
        }
        Ok(records)
    }

    fn last_of_producers(&self) -> std::collections::HashMap<i64, LastOfProducer> {
        let state = self.state.lock();
        let last = |producer: &crate::producers::Producer| LastOfProducer {
            data_offset: producer.window.back().map(|batch| batch.last_offset),
            epoch: producer.epoch,
        };
        state
            .producers
            .iter()
            .map(|producer| (producer.id, last(producer)))
            .collect()
    }

    fn survey(&self, config: &LogConfig, now_ms: i64) -> Result<Survey, (Arc<Segment>, Trouble)> {
        let mut segments: Vec<Arc<Segment>> = self.segments.read().values().cloned().collect();
        let active_base = segments.pop().map_or(0, |active| active.base_offset);
        // Costs reading the first header of a segment after a restart.
        let with_first = config.max_compaction_lag_ms < i64::MAX;
        let mut pieces = Vec::with_capacity(segments.len());
        for segment in &segments {
            let first_timestamp = match with_first {
                true => segment
                    .first_timestamp()
                    .map_err(|e| (Arc::clone(segment), e.into()))?,
                false => None,
            };
            pieces.push(Piece {
                base_offset: segment.base_offset,
                bytes: segment.size(),
                index_bytes: segment.offsets.bytes(),
                time_index_bytes: segment.times.bytes(),
                largest_timestamp: segment.largest_timestamp(),
                first_timestamp,
            });
        }
        let bounds = Bounds {
            log_start: self.log_start_offset(),
            log_end: self.log_end_offset(),
            last_stable: self.last_stable_offset(),
            active_base,
            clean_to: self.clean_to(),
        };
        let extent = Extent::of(&pieces, &bounds, config, now_ms);
        segments.truncate(pieces.len());
        Ok(Survey {
            segments,
            pieces,
            extent,
        })
    }

    /// The copy lies beside its originals for a while.
    fn check_room(&self, bytes: u64) -> Result<(), CompactionError> {
        if self.dir.space().free_bytes >= bytes {
            return Ok(());
        }
        Err(CompactionError::Storage(StorageError::Io {
            path: self.path(),
            source: io::ErrorKind::StorageFull.into(),
        }))
    }

    fn compaction_error(&self, at: &Segment, trouble: Trouble) -> CompactionError {
        let path = at.log.path();
        let unsound = |why: String| CompactionError::Unsound(format!("{}: {why}", path.display()));
        match trouble {
            Trouble::Stopped => CompactionError::Stopped,
            // Its files were renamed or removed under us.
            Trouble::Scan(ScanError::Io(_)) if !self.is_online() => CompactionError::Closed,
            Trouble::Scan(ScanError::Io(e)) if e.kind() == io::ErrorKind::UnexpectedEof => {
                unsound("the file ends before its batches do".to_owned())
            }
            Trouble::Scan(ScanError::Io(e)) => self.dir.storage_error(&path, e).into(),
            Trouble::Scan(ScanError::Corrupt { position, reason }) => {
                unsound(format!("at position {position}: {reason}"))
            }
            Trouble::Records(e) => unsound(e.to_string()),
            Trouble::Build(e) => unsound(e.to_string()),
            Trouble::TooLarge => unsound("its copy would be too large for a segment".to_owned()),
        }
    }

    fn lookup_error(&self, error: ReadError) -> CompactionError {
        match error {
            ReadError::Closed | ReadError::DirOffline { .. } => CompactionError::Closed,
            ReadError::Busy(why) => CompactionError::Storage(StorageError::Io {
                path: self.path(),
                source: io::Error::other(why),
            }),
            error => CompactionError::Unsound(error.to_string()),
        }
    }
}

impl Round<'_> {
    /// One past the last offset of a segment.
    fn end_of(&self, i: usize) -> i64 {
        let next = self.survey.pieces.get(i + 1).map(|piece| piece.base_offset);
        // Behind the last closed segment there is the active one, and no round goes beyond it.
        next.unwrap_or(self.survey.extent.end)
    }
}

/// Adds the keys of one segment. False when there was no room for one of them; then what is below
/// `keys_end` is in.
fn learn_segment(
    segment: &Segment,
    round: &Round<'_>,
    rules: &mut Rules,
    transactions: &mut Transactions,
) -> Result<bool, Trouble> {
    let first_dirty = round.survey.extent.first_dirty;
    let relative = u32::try_from((first_dirty - segment.base_offset).max(0)).unwrap_or(u32::MAX);
    let position = u64::from(segment.offsets.position_before(relative, Wait::ForDisk)?);
    let window = round.settings.window_bytes();
    let mut batches = BatchReader::new(segment.log.get()?, position, segment.size(), window);
    let mut payload = Vec::new();
    while let Some(batch) = batches.next()? {
        let is_data = !batch.header().attributes.is_control();
        let next_offset = batch.header().next_offset();
        if transactions.read(&batch) == Fate::Counts && is_data && next_offset > first_dirty {
            for record in batch.records_with(DECOMPRESSED_BYTES_MAX, &mut payload)? {
                let record = record?;
                if record.offset < first_dirty {
                    continue;
                }
                if let Some(key) = record.key
                    && !rules.keys.note(key, record.offset)
                {
                    rules.keys_end = rules.keys_end.max(record.offset);
                    return Ok(false);
                }
            }
        }
        rules.keys_end = rules.keys_end.max(next_offset);
        let read = batches.take_read();
        if read > 0 && !(round.pace)(read) {
            return Err(Trouble::Stopped);
        }
    }
    Ok(true)
}
