//! What opening a log has to find out: which bytes are good, which indexes, which producers.
//!
//! After a clean shutdown files are trusted; index ends are checked for plausibility, and only
//! the headers behind the last index entry of the last segment are read. Otherwise every segment
//! from the one that holds the recovery point on is scanned: the first batch that is torn, fails
//! its checksum or goes back in offsets is cut off with all that follows. Checksums are computed from
//! the recovery point on: what is below it was on the disk before the crash, and is walked by its
//! headers. Indexes of what was scanned are always rebuilt.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use limpid_platform::sabotage::Bug;
use limpid_protocol::records::BatchHeader;

use super::listing::{Listing, LoadParams, SegmentFiles, remove_if_there};
use super::outcome::Outcome;
use super::{PartitionLog, Shared};
use crate::api::Origin;
use crate::checkpoint;
use crate::epochs::Epochs;
use crate::names;
use crate::open_files::Wait;
use crate::producers::{Pending, Producers, snapshot};
use crate::scan::{Found, ScanError, Scanner, is_blank};
use crate::segment::{FileLengths, RELATIVE_OFFSET_MAX, Segment};

/// How far before a snapshot batches are looked at to refill the windows of its producers: five
/// requests in flight of a few producers fit.
const REFILL_BYTES: u64 = 8 << 20;
/// And in how many segments at most.
const REFILL_SEGMENTS: usize = 64;

/// The segments that are good, and where the log ends.
pub(super) struct Recovered {
    pub(super) segments: BTreeMap<i64, Arc<Segment>>,
    pub(super) end: i64,
    pub(super) recovery_point: i64,
    /// Bases of the segments whose derived state must be rebuilt from their batches.
    pub(super) scanned: BTreeSet<i64>,
}

pub(super) struct Recovery<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) path: &'a Path,
    pub(super) params: &'a LoadParams,
}

/// The end of one segment after looking at it.
struct Looked {
    end: i64,
    cut: bool,
    scanned: bool,
}

impl Recovery<'_> {
    pub(super) fn run(&self, listing: &Listing, outcome: &mut Outcome) -> io::Result<Recovered> {
        let point = self.params.recovery_point;
        let bases = &listing.segments;
        let scan_from = match self.params.clean {
            true => i64::MAX,
            false => bases
                .range(..=point)
                .next_back()
                .map_or(i64::MIN, |(base, _)| *base),
        };
        let last_base = bases.last_key_value().map(|(base, _)| *base);
        let mut out = Recovered {
            segments: BTreeMap::new(),
            end: self.params.log_start,
            recovery_point: point,
            scanned: BTreeSet::new(),
        };
        let mut cut = false;
        for (base, files) in bases {
            let segment = self.segment(*base, files);
            cut |= *base >= scan_from && self.is_lost_tail(listing, *base, &out);
            if cut {
                outcome.segments_removed += 1;
                outcome.bytes_cut += files.log.unwrap_or(0);
                outcome.note(&segment.log.path(), "removed, it follows a cut");
                segment.remove()?;
                let file = names::segment_file(self.path, *base, names::SNAPSHOT);
                remove_if_there(self.shared, &file)?;
                continue;
            }
            let is_last = Some(*base) == last_base;
            let looked = self.look(&segment, files, *base >= scan_from, is_last, outcome)?;
            if looked.scanned {
                out.scanned.insert(*base);
                out.recovery_point = out.recovery_point.min(*base);
            }
            out.end = looked.end;
            cut = looked.cut;
            out.segments.insert(*base, segment);
        }
        if self.params.clean && out.scanned.is_empty() {
            out.recovery_point = out.end;
        }
        Ok(out)
    }

    /// True when `base` and all later segments are empty and the one before ends short of it: a
    /// power cut took their content and, just between two batches, its tail. Kept, they would
    /// leave a gap that nobody can read. (Compaction leaves such gaps too; those stay.)
    fn is_lost_tail(&self, listing: &Listing, base: i64, so_far: &Recovered) -> bool {
        let before_is_short = so_far.scanned.last().is_some() && so_far.end < base;
        before_is_short
            && !self.params.config.cleanup_policy.compact
            && listing
                .segments
                .range(base..)
                .all(|(_, files)| files.log.unwrap_or(0) == 0)
    }

    fn segment(&self, base: i64, files: &SegmentFiles) -> Arc<Segment> {
        let lengths = FileLengths {
            log: files.log.unwrap_or(0),
            index: files.index.unwrap_or(0),
            time_index: files.time_index.unwrap_or(0),
            txn_index: files.txn_index.unwrap_or(0),
        };
        Segment::new(
            &self.shared.open,
            self.path,
            base,
            lengths,
            files.modified_ms,
        )
    }

    fn look(
        &self,
        segment: &Segment,
        files: &SegmentFiles,
        suspect: bool,
        is_last: bool,
        outcome: &mut Outcome,
    ) -> io::Result<Looked> {
        if suspect {
            let from = self.params.recovery_point;
            return self.scan(segment, files, (from, true), is_last, outcome);
        }
        if let Some(why) = self.wrong_index(segment, files)? {
            outcome.note(
                &segment.offsets.slot.path(),
                &format!("index rebuilt: {why}"),
            );
            outcome.indexes_rebuilt += 1;
            // A closed segment that was on the disk is not cut: what follows a bad place in it
            // may be good, and was acknowledged.
            return self.scan(segment, files, (i64::MIN, is_last), is_last, outcome);
        }
        if !is_last && segment.restore_times()? {
            segment.mark_synced();
            return Ok(Looked {
                end: segment.base_offset,
                cut: false,
                scanned: false,
            });
        }
        match segment.restore_progress() {
            Ok(end) => {
                if !is_last {
                    segment.mark_synced();
                }
                Ok(Looked {
                    end,
                    cut: false,
                    scanned: false,
                })
            }
            Err(ScanError::Io(e)) if e.kind() != io::ErrorKind::UnexpectedEof => Err(e),
            Err(_) => self.scan(segment, files, (i64::MIN, is_last), is_last, outcome),
        }
    }

    /// What is wrong with the indexes of a trusted segment.
    fn wrong_index(&self, segment: &Segment, files: &SegmentFiles) -> io::Result<Option<String>> {
        let Some(size) = files.log.filter(|size| *size > 0) else {
            // Nothing to index: whatever an index claims is wrong.
            let claims = segment.offsets.entries() + segment.times.entries() > 0;
            return Ok(claims.then(|| "the log is empty".to_owned()));
        };
        let (Some(index), Some(times)) = (files.index, files.time_index) else {
            return Ok(Some("it is missing".to_owned()));
        };
        if let Err(why) = segment.offsets.check(index, size)? {
            return Ok(Some(why));
        }
        if let Err(why) = segment.times.check(times)? {
            return Ok(Some(why));
        }
        let txns = segment
            .txns
            .check(files.txn_index.unwrap_or(0), segment.base_offset)?;
        if let Err(why) = txns {
            return Ok(Some(why));
        }
        Ok(None)
    }

    /// Reads every batch of a segment, those that end below `trusted_below` by their headers, and
    /// rebuilds its indexes.
    fn scan(
        &self,
        segment: &Segment,
        files: &SegmentFiles,
        (trusted_below, may_cut): (i64, bool),
        is_last: bool,
        outcome: &mut Outcome,
    ) -> io::Result<Looked> {
        let size = files.log.unwrap_or(0);
        segment.reset()?;
        segment.txns.clear_if_any()?;
        outcome.scanned = true;
        outcome.segments_scanned += 1;
        outcome.bytes_scanned += size;
        let mut scanner = Scanner::trusting(segment.log.get()?, 0, size, trusted_below);
        let mut end = segment.base_offset;
        let mut bad = loop {
            match scanner.next() {
                Ok(Some(found)) if is_cut_on_purpose(segment, &found, size)? => {
                    break Some("sabotage".to_owned());
                }
                Ok(Some(found)) => match follows(segment, &found, end) {
                    Ok(()) => {
                        let config = &self.params.config;
                        segment.publish(&found.header, files.modified_ms, config)?;
                        end = found.header.next_offset();
                    }
                    Err(why) => break Some(why),
                },
                Ok(None) => break None,
                Err(ScanError::Corrupt { reason, .. }) => break Some(reason),
                Err(ScanError::Io(e)) if e.kind() == io::ErrorKind::UnexpectedEof => {
                    break Some("the file ends early".to_owned());
                }
                Err(ScanError::Io(e)) => return Err(e),
            }
        };
        let good = segment.size();
        if is_last && may_cut {
            // Headroom, zeros or blocks that are only reserved: neither was ever a batch.
            let file = segment.log.get()?;
            if bad.is_none() || is_blank(&*file, good, size)? {
                if size > 0 {
                    segment.cut_back()?;
                }
                bad = None;
            }
        }
        let cut = bad.is_some() && may_cut;
        if let Some(why) = bad {
            let verb = if may_cut { "cut" } else { "unreadable" };
            let what = format!(
                "{} bytes from position {good} on {verb}: {why}",
                size - good
            );
            outcome.note(&segment.log.path(), &what);
            if may_cut {
                outcome.bytes_cut += size - good;
                segment.cut_back()?;
            } else {
                segment.keep_size(size);
            }
        }
        if !is_last {
            segment.finish_indexes()?;
        }
        Ok(Looked {
            end,
            cut,
            scanned: true,
        })
    }
}

/// See [`Bug::CutTail`].
fn is_cut_on_purpose(segment: &Segment, found: &Found, size: u64) -> io::Result<bool> {
    let end = segment.size() + found.header.size() as u64;
    Ok(Bug::CutTail.is_planted() && is_blank(&*segment.log.get()?, end, size)?)
}

/// Whether a batch may stand where it stands.
fn follows(segment: &Segment, found: &Found, end: i64) -> Result<(), String> {
    let header = &found.header;
    if header.base_offset < end {
        return Err(format!(
            "offset {} goes back behind {end}",
            header.base_offset
        ));
    }
    let relative = header.last_offset().checked_sub(segment.base_offset);
    match relative {
        Some(relative) if relative <= RELATIVE_OFFSET_MAX => Ok(()),
        _ => Err(format!(
            "offset {} is too far from the base",
            header.last_offset()
        )),
    }
}

impl PartitionLog {
    /// Leader epochs, producers and watermarks of a log whose segments are settled.
    pub(super) fn restore_state(
        &self,
        listing: &Listing,
        scanned: &BTreeSet<i64>,
        outcome: &mut Outcome,
    ) -> io::Result<()> {
        let end = self.log_end_offset();
        let first_scanned = scanned.first().copied();
        let (mut epochs, epochs_from) = self.load_epochs(first_scanned, outcome);
        let (mut producers, producers_from) =
            self.load_snapshot(listing, first_scanned.unwrap_or(end), outcome)?;
        if producers.len() > 0 {
            self.refill_windows(&mut producers, producers_from)?;
        }
        let from = epochs_from.unwrap_or(end).min(producers_from);
        let mut segment = self.segment_at(from).filter(|_| from < end);
        while let Some(current) = segment {
            let rebuild_txns = scanned.contains(&current.base_offset);
            self.each_header(&current, from, |found| {
                let header = &found.header;
                if epochs_from.is_some_and(|from| header.last_offset() >= from) {
                    epochs.assign(header.partition_leader_epoch, header.base_offset);
                }
                if header.base_offset < producers_from {
                    return Ok(());
                }
                let mut pending = Pending::default();
                let fits = producers.prepare(&mut pending, header, found.marker, Origin::Replica);
                if fits.is_ok() {
                    if rebuild_txns {
                        for txn in pending.aborted(&producers) {
                            current.txns.push(&txn)?;
                        }
                    }
                    producers.commit(pending);
                }
                Ok(())
            })?;
            segment = self.segment_after(&current);
        }
        let now_ms = self.shared.clock.wall_ms();
        producers.expire(now_ms, self.shared.producer_expiration_ms);
        if Bug::ForgetProducers.is_planted() {
            producers = Producers::default();
        }
        epochs.truncate_end(end);
        epochs.truncate_start(self.log_start_offset());
        self.remove_stray_snapshots(listing)?;
        let mut state = self.state.lock();
        state.producers = producers;
        state.epochs = epochs;
        self.advance_watermarks(&state);
        Ok(())
    }

    /// The epochs of the checkpoint, and the offset from which batches must be asked.
    fn load_epochs(
        &self,
        first_scanned: Option<i64>,
        outcome: &mut Outcome,
    ) -> (Epochs, Option<i64>) {
        let path = self.path().join(names::EPOCHS);
        match checkpoint::read_epochs(&*self.shared.files, &path) {
            Ok(Some(entries)) => (Epochs::from_entries(entries), first_scanned),
            Ok(None) => (Epochs::default(), Some(self.log_start_offset())),
            Err(why) => {
                outcome.note(&path, &format!("rebuilt from the batches: {why}"));
                (Epochs::default(), Some(self.log_start_offset()))
            }
        }
    }

    /// The newest good snapshot at or below `limit`, and the offset it stands at (the start of
    /// the log if there is none). Corrupt ones and ones beyond the end are removed.
    fn load_snapshot(
        &self,
        listing: &Listing,
        limit: i64,
        outcome: &mut Outcome,
    ) -> io::Result<(Producers, i64)> {
        let path = self.path();
        let files = &self.shared.files;
        for offset in listing.snapshots.iter().rev() {
            let file = names::segment_file(&path, *offset, names::SNAPSHOT);
            if *offset > self.log_end_offset() {
                remove_if_there(&self.shared, &file)?;
                continue;
            }
            if *offset > limit || !files.exists(&file)? {
                continue;
            }
            let read = files.read_small(&file, snapshot::SNAPSHOT_BYTES_MAX);
            let decoded = match read {
                Ok(bytes) => snapshot::decode(&bytes),
                Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(e.to_string()),
                Err(e) => return Err(e),
            };
            match decoded {
                Ok(loaded) => {
                    let mut producers = Producers::default();
                    loaded
                        .into_iter()
                        .for_each(|producer| producers.load(producer));
                    return Ok((producers, *offset));
                }
                Err(why) => {
                    outcome.note(&file, &format!("removed: {why}"));
                    outcome.snapshots_discarded += 1;
                    remove_if_there(&self.shared, &file)?;
                }
            }
        }
        Ok((Producers::default(), self.log_start_offset()))
    }

    /// A snapshot knows one batch per producer, a client may re-send five: the others are taken
    /// from the log before it.
    fn refill_windows(&self, producers: &mut Producers, before: i64) -> io::Result<()> {
        let earlier: Vec<Arc<Segment>> = self
            .segments
            .read()
            .range(..before)
            .rev()
            .map(|(_, s)| s)
            .cloned()
            .collect();
        let mut left = REFILL_BYTES;
        for segment in earlier.into_iter().take(REFILL_SEGMENTS) {
            let start = segment
                .offsets
                .batch_start_before(segment.size().saturating_sub(left))?;
            let mut headers: Vec<BatchHeader> = Vec::new();
            let start = u64::from(start);
            let mut scanner = Scanner::headers(segment.log.get()?, start, segment.size());
            while let Ok(Some(found)) = scanner.next() {
                if found.header.base_offset >= before {
                    break;
                }
                headers.push(found.header);
            }
            producers.refill_windows(&headers);
            left = left.saturating_sub(segment.size() - start);
            if left == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Walks the headers of a segment from `from` on. A corrupt place ends the walk: what is
    /// behind it can't be read by anybody.
    pub(super) fn each_header(
        &self,
        segment: &Segment,
        from: i64,
        mut visit: impl FnMut(&Found) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut scanner = match segment.scan_headers(from, Wait::ForDisk) {
            Ok(scanner) => scanner,
            Err(ScanError::Io(e)) => return Err(e),
            Err(ScanError::Corrupt { .. }) => return Ok(()),
        };
        loop {
            match scanner.next() {
                Ok(Some(found)) if found.header.last_offset() < from => {}
                Ok(Some(found)) => visit(&found)?,
                Ok(None) | Err(ScanError::Corrupt { .. }) => return Ok(()),
                Err(ScanError::Io(e)) => return Err(e),
            }
        }
    }

    /// Snapshots belong to segments; of the others only the newest (of a shutdown) is of use.
    fn remove_stray_snapshots(&self, listing: &Listing) -> io::Result<()> {
        let segments = self.segments.read();
        let newest = listing.snapshots.last();
        for offset in &listing.snapshots {
            if !segments.contains_key(offset) && Some(offset) != newest {
                let file = names::segment_file(&self.path(), *offset, names::SNAPSHOT);
                remove_if_there(&self.shared, &file)?;
            }
        }
        Ok(())
    }
}
