//! The index files of a segment: sorted arrays of fixed-size big-endian entries.
//!
//! ```text
//! .index      relative offset u32 | position u32                       offsets and positions rise
//! .timeindex  timestamp i64 | relative offset u32                      timestamps and offsets rise
//! .txnindex   version i16 = 0 | producer id i64 | first offset i64 | last offset i64 |
//!             last stable offset i64                                   last offsets rise
//! ```
//! Relative offsets count from the segment's base. An entry of `.index` has the *last* offset of
//! a batch and the position where that batch starts. An entry of `.timeindex` has the largest
//! timestamp up to there and the last offset of the batch that carries it; the final entry is
//! written when the segment is closed. Indexes are sparse hints into the log: a missing entry
//! costs a longer scan, a wrong one is caught by the checks on reading.
//!
//! Entries are searched with `pread`, never mapped: 20 reads of cached pages find one in 10 MiB.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use limpid_platform::files::File;

use crate::api::AbortedTxn;
use crate::open_files::Slot;

/// Bytes of an entry of `.index`.
pub(crate) const OFFSET_ENTRY_BYTES: usize = 8;
/// Bytes of an entry of `.timeindex`.
pub(crate) const TIME_ENTRY_BYTES: usize = 12;
/// Bytes of an entry of `.txnindex`.
pub(crate) const TXN_ENTRY_BYTES: usize = 34;
/// A `.txnindex` that claims more than this many entries is read in several goes.
const TXN_READ_ENTRIES: usize = 1024;

/// A file of `N`-byte entries. Appends come from one thread at a time (the append lock); reads
/// may run beside them and see whole entries only.
#[derive(Debug)]
pub(crate) struct EntryFile<const N: usize> {
    pub(crate) slot: Arc<Slot>,
    entries: AtomicU32,
}

impl<const N: usize> EntryFile<N> {
    /// A file of `len` bytes; a torn last entry is not counted (and overwritten by the next).
    pub(crate) fn new(slot: Arc<Slot>, len: u64) -> Self {
        let entries = u32::try_from(len / N as u64).unwrap_or(u32::MAX);
        Self {
            slot,
            entries: AtomicU32::new(entries),
        }
    }

    pub(crate) fn entries(&self) -> u32 {
        self.entries.load(Ordering::Acquire)
    }

    pub(crate) fn bytes(&self) -> u64 {
        u64::from(self.entries()) * N as u64
    }

    pub(crate) fn append(&self, entry: &[u8; N]) -> io::Result<()> {
        let file = self.slot.open_or_create()?;
        file.write_all_at(entry, self.bytes())?;
        self.entries.fetch_add(1, Ordering::Release);
        Ok(())
    }

    pub(crate) fn clear(&self) -> io::Result<()> {
        self.entries.store(0, Ordering::Release);
        self.slot.open_or_create()?.truncate(0)
    }

    /// As [`EntryFile::clear`], without making a file that may not be there.
    pub(crate) fn clear_if_any(&self) -> io::Result<()> {
        if self.entries() > 0 {
            self.clear()
        } else {
            Ok(())
        }
    }

    /// Cuts what lies behind the last whole entry.
    pub(crate) fn trim(&self) -> io::Result<()> {
        let file = self.slot.open_or_create()?;
        if file.len()? != self.bytes() {
            file.truncate(self.bytes())
        } else {
            Ok(())
        }
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.slot.open_or_create()?.sync_data()
    }

    pub(crate) fn get(&self, i: u32) -> io::Result<[u8; N]> {
        assert!(
            i < self.entries(),
            "entry {i} is behind the end of the index"
        );
        read_entry(&*self.slot.get()?, i)
    }

    /// The last entry for which `before_or_at` holds (it holds for a prefix).
    fn last_where(&self, before_or_at: impl Fn(&[u8; N]) -> bool) -> io::Result<Option<[u8; N]>> {
        let (mut low, mut high) = (0, self.entries());
        if high == 0 {
            return Ok(None);
        }
        let file = self.slot.get()?;
        let mut best = None;
        while low < high {
            let middle = low + (high - low) / 2;
            let entry = read_entry(&*file, middle)?;
            if before_or_at(&entry) {
                best = Some(entry);
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(best)
    }

    fn last(&self) -> io::Result<Option<[u8; N]>> {
        match self.entries() {
            0 => Ok(None),
            n => self.get(n - 1).map(Some),
        }
    }
}

fn read_entry<const N: usize>(file: &dyn File, i: u32) -> io::Result<[u8; N]> {
    let mut entry = [0; N];
    file.read_exact_at(&mut entry, u64::from(i) * N as u64)?;
    Ok(entry)
}

/// `.index`
pub(crate) type OffsetIndex = EntryFile<OFFSET_ENTRY_BYTES>;
/// `.timeindex`
pub(crate) type TimeIndex = EntryFile<TIME_ENTRY_BYTES>;
/// `.txnindex`
pub(crate) type TxnIndex = EntryFile<TXN_ENTRY_BYTES>;

impl OffsetIndex {
    pub(crate) fn push(&self, relative: u32, position: u32) -> io::Result<()> {
        let mut entry = [0; OFFSET_ENTRY_BYTES];
        entry[..4].copy_from_slice(&relative.to_be_bytes());
        entry[4..].copy_from_slice(&position.to_be_bytes());
        self.append(&entry)
    }

    /// Where to start scanning for `relative`: a position at or before its batch.
    pub(crate) fn position_before(&self, relative: u32) -> io::Result<u32> {
        let found = self.last_where(|entry| u32_at(entry, 0) <= relative)?;
        Ok(found.map_or(0, |entry| u32_at(&entry, 4)))
    }

    /// The start of a batch at or before `position`, as far as the index knows one.
    pub(crate) fn batch_start_before(&self, position: u64) -> io::Result<u32> {
        let found = self.last_where(|entry| u64::from(u32_at(entry, 4)) <= position)?;
        Ok(found.map_or(0, |entry| u32_at(&entry, 4)))
    }

    /// (relative offset, position) of the last entry.
    pub(crate) fn last_entry(&self) -> io::Result<Option<(u32, u32)>> {
        Ok(self
            .last()?
            .map(|entry| (u32_at(&entry, 0), u32_at(&entry, 4))))
    }

    /// A cheap plausibility check of a file that a clean shutdown left: rising ends, inside of
    /// the log. The error says what is wrong.
    pub(crate) fn check(&self, file_len: u64, log_len: u64) -> io::Result<Result<(), String>> {
        let entries = self.entries();
        if !file_len.is_multiple_of(OFFSET_ENTRY_BYTES as u64) {
            return Ok(Err(format!("length {file_len} is not a multiple of 8")));
        }
        let Some((last, position)) = self.last_entry()? else {
            return Ok(Ok(()));
        };
        let first = self.get(0)?;
        let (first, first_position) = (u32_at(&first, 0), u32_at(&first, 4));
        let rises = entries == 1 || (first < last && first_position < position);
        if !rises || u64::from(position) >= log_len || last > i32::MAX as u32 {
            return Ok(Err(format!(
                "first entry ({first}, {first_position}) and last ({last}, {position}) do not fit \
                 a log of {log_len} bytes"
            )));
        }
        Ok(Ok(()))
    }
}

impl TimeIndex {
    pub(crate) fn push(&self, timestamp: i64, relative: u32) -> io::Result<()> {
        let mut entry = [0; TIME_ENTRY_BYTES];
        entry[..8].copy_from_slice(&timestamp.to_be_bytes());
        entry[8..].copy_from_slice(&relative.to_be_bytes());
        self.append(&entry)
    }

    /// (timestamp, relative offset) of the last entry at or before `timestamp`.
    pub(crate) fn entry_before(&self, timestamp: i64) -> io::Result<Option<(i64, u32)>> {
        let found = self.last_where(|entry| i64_at(entry, 0) <= timestamp)?;
        Ok(found.map(|entry| (i64_at(&entry, 0), u32_at(&entry, 8))))
    }

    /// (timestamp, relative offset) of the last entry.
    pub(crate) fn last_entry(&self) -> io::Result<Option<(i64, u32)>> {
        Ok(self
            .last()?
            .map(|entry| (i64_at(&entry, 0), u32_at(&entry, 8))))
    }

    /// As [`OffsetIndex::check`].
    pub(crate) fn check(&self, file_len: u64) -> io::Result<Result<(), String>> {
        if !file_len.is_multiple_of(TIME_ENTRY_BYTES as u64) {
            return Ok(Err(format!("length {file_len} is not a multiple of 12")));
        }
        let Some((last, offset)) = self.last_entry()? else {
            return Ok(Ok(()));
        };
        let first = self.get(0)?;
        if i64_at(&first, 0) > last || u32_at(&first, 8) > offset || offset > i32::MAX as u32 {
            return Ok(Err(format!(
                "first entry is after the last ({last}, {offset})"
            )));
        }
        Ok(Ok(()))
    }
}

impl TxnIndex {
    pub(crate) fn push(&self, txn: &AbortedTxn) -> io::Result<()> {
        let mut entry = [0; TXN_ENTRY_BYTES];
        entry[2..10].copy_from_slice(&txn.producer_id.to_be_bytes());
        entry[10..18].copy_from_slice(&txn.first_offset.to_be_bytes());
        entry[18..26].copy_from_slice(&txn.last_offset.to_be_bytes());
        entry[26..34].copy_from_slice(&txn.last_stable_offset.to_be_bytes());
        self.append(&entry)
    }

    /// Adds the aborted transactions that overlap `from..to`. True when no later segment can
    /// have another: a transaction here ends at a last stable offset at or beyond `to`.
    pub(crate) fn collect(
        &self,
        from: i64,
        to: i64,
        out: &mut Vec<AbortedTxn>,
    ) -> io::Result<bool> {
        let total = self.entries();
        if total == 0 {
            return Ok(false);
        }
        let file = self.slot.get()?;
        let mut buffer = vec![0; TXN_READ_ENTRIES.min(total as usize) * TXN_ENTRY_BYTES];
        let mut position = 0;
        while position < self.bytes() {
            let got = file.read_up_to_at(&mut buffer, position)?;
            let whole = got - got % TXN_ENTRY_BYTES;
            if whole == 0 {
                break;
            }
            for entry in buffer[..whole].chunks_exact(TXN_ENTRY_BYTES) {
                let txn = AbortedTxn {
                    producer_id: i64_at(entry, 2),
                    first_offset: i64_at(entry, 10),
                    last_offset: i64_at(entry, 18),
                    last_stable_offset: i64_at(entry, 26),
                };
                if txn.last_offset >= from && txn.first_offset < to {
                    out.push(txn);
                }
                if txn.last_stable_offset >= to {
                    return Ok(true);
                }
            }
            position += whole as u64;
        }
        Ok(false)
    }

    /// Checks versions and that every entry lies in a segment starting at `base`.
    pub(crate) fn check(&self, file_len: u64, base: i64) -> io::Result<Result<(), String>> {
        if !file_len.is_multiple_of(TXN_ENTRY_BYTES as u64) {
            return Ok(Err(format!("length {file_len} is not a multiple of 34")));
        }
        for i in 0..self.entries() {
            let entry = self.get(i)?;
            let version = i16::from_be_bytes([entry[0], entry[1]]);
            let (first, last) = (i64_at(&entry, 10), i64_at(&entry, 18));
            if version != 0 || last < base || first > last || first < 0 {
                return Ok(Err(format!(
                    "entry {i} (version {version}, {first}..{last})"
                )));
            }
        }
        Ok(Ok(()))
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    i64::from(u32_at(bytes, at)) << 32 | i64::from(u32_at(bytes, at + 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open_files::OpenFiles;
    use limpid_platform::files::RealFiles;
    use proptest::prelude::*;

    fn slot(dir: &std::path::Path) -> Arc<Slot> {
        Slot::new(
            &OpenFiles::new(Arc::new(RealFiles), 10),
            dir.join("i"),
            true,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn lookups_agree_with_a_linear_scan(
            steps in prop::collection::vec((1u32..50, 1u32..5000, 0i64..9), 0..60),
            probes in prop::collection::vec((0u32..4000, -3i64..600), 1..20),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let offsets = OffsetIndex::new(slot(dir.path()), 0);
            let times_dir = tempfile::tempdir().unwrap();
            let times = TimeIndex::new(slot(times_dir.path()), 0);
            let (mut offset, mut position, mut time) = (0, 0, 0);
            let mut model = Vec::new();
            for (by, size, later) in steps {
                offset += by;
                time += later;
                offsets.push(offset, position).unwrap();
                times.push(time, offset).unwrap();
                model.push((offset, position, time));
                position += size;
            }
            for (relative, timestamp) in probes {
                let expected = model.iter().rev().find(|e| e.0 <= relative).map_or(0, |e| e.1);
                prop_assert_eq!(offsets.position_before(relative).unwrap(), expected);
                let expected = model.iter().rev().find(|e| e.2 <= timestamp).map(|e| (e.2, e.0));
                prop_assert_eq!(times.entry_before(timestamp).unwrap(), expected);
            }
        }
    }

    #[test]
    fn a_torn_entry_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("i"), [0; 13]).unwrap();
        let index = OffsetIndex::new(slot(dir.path()), 13);
        assert!(index.check(13, 100).unwrap().is_err());
        index.push(7, 9).unwrap();
        assert_eq!(index.last_entry().unwrap(), Some((7, 9)));
        index.trim().unwrap();
        assert_eq!(std::fs::metadata(dir.path().join("i")).unwrap().len(), 16);
    }

    #[test]
    fn aborted_transactions_are_collected_by_overlap() {
        let dir = tempfile::tempdir().unwrap();
        let index = TxnIndex::new(slot(dir.path()), 0);
        let txn = |producer_id, first_offset, last_offset, last_stable_offset| AbortedTxn {
            producer_id,
            first_offset,
            last_offset,
            last_stable_offset,
        };
        let all = [txn(1, 0, 10, 11), txn(2, 5, 20, 21), txn(3, 25, 30, 31)];
        all.iter().for_each(|t| index.push(t).unwrap());
        let mut out = Vec::new();
        assert!(index.collect(11, 21, &mut out).unwrap());
        assert_eq!(out, all[1..2]);
        assert_eq!(index.check(102, 0).unwrap(), Ok(()));
        assert!(index.check(102, 15).unwrap().is_err());
        assert!(!index.collect(11, 100, &mut out).unwrap());
    }
}
