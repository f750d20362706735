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
//! Entries are searched with `pread`, never mapped: one or two reads of a page find one near the last one, twelve one
//! in 10 MiB.
//!
//! Entries of `.index` and `.timeindex` wait in memory until there are [`WAITING_ENTRIES_MAX`] of them or
//! the segment is closed, so that an append opens and writes its log alone. A kill loses what waits, and
//! nothing needs it: the segment that holds the recovery point gets its indexes anew, and that point
//! passes a segment only when its indexes are on the disk ([`EntryFile::settle`]).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use limpid_platform::files::File;
use parking_lot::Mutex;

use crate::api::AbortedTxn;
use crate::open_files::{Slot, Wait};

/// Bytes of an entry of `.index`.
pub(crate) const OFFSET_ENTRY_BYTES: usize = 8;
/// Bytes of an entry of `.timeindex`.
pub(crate) const TIME_ENTRY_BYTES: usize = 12;
/// Bytes of an entry of `.txnindex`.
pub(crate) const TXN_ENTRY_BYTES: usize = 34;
/// Entries of one file that wait to be written in one go, at most: 640 bytes for both indexes of a
/// segment, and a write of each for every 128 KiB of small batches.
pub(crate) const WAITING_ENTRIES_MAX: usize = 32;
/// What is read at once of a file that is searched.
const BLOCK_BYTES: usize = 4096;
/// A `.txnindex` that claims more than this many entries is read in several goes.
const TXN_READ_ENTRIES: usize = 1024;

/// A file of `N`-byte entries, the newest perhaps only in memory. Appends come from one thread at a
/// time (the append lock); reads may run beside them and see whole entries only.
#[derive(Debug)]
pub(crate) struct EntryFile<const N: usize> {
    pub(crate) slot: Arc<Slot>,
    /// Those that wait are among them. Changes under the lock of these.
    entries: AtomicU32,
    waiting: Mutex<Vec<[u8; N]>>,
    /// The block in which an entry was found last.
    found_in: AtomicU32,
}

impl<const N: usize> EntryFile<N> {
    /// A file of `len` bytes; a torn last entry is not counted (and overwritten by the next).
    pub(crate) fn new(slot: Arc<Slot>, len: u64) -> Self {
        let entries = u32::try_from(len / N as u64).unwrap_or(u32::MAX);
        Self {
            slot,
            entries: AtomicU32::new(entries),
            waiting: Mutex::default(),
            found_in: AtomicU32::new(0),
        }
    }

    pub(crate) fn entries(&self) -> u32 {
        self.entries.load(Ordering::Acquire)
    }

    pub(crate) fn bytes(&self) -> u64 {
        u64::from(self.entries()) * N as u64
    }

    /// Adds an entry to a file of which none ever waits, and writes it.
    pub(crate) fn append(&self, entry: &[u8; N]) -> io::Result<()> {
        let waiting = self.waiting.lock();
        assert!(
            waiting.is_empty(),
            "entries wait in none or in all of a file"
        );
        let file = self.slot.open_or_create()?;
        file.write_all_at(entry, self.bytes())?;
        self.entries.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Adds an entry, which is written when enough of them wait. After an error it was not added.
    pub(crate) fn append_later(&self, entry: &[u8; N]) -> io::Result<()> {
        let mut waiting = self.waiting.lock();
        if waiting.len() >= WAITING_ENTRIES_MAX {
            self.write(&mut waiting)?;
        }
        waiting.push(*entry);
        self.entries.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Writes the entries that wait. After an error they wait on.
    pub(crate) fn write_waiting(&self) -> io::Result<()> {
        self.write(&mut self.waiting.lock())
    }

    fn write(&self, waiting: &mut Vec<[u8; N]>) -> io::Result<()> {
        if waiting.is_empty() {
            return Ok(());
        }
        let position = u64::from(self.written(waiting)) * N as u64;
        let file = self.slot.open_or_create()?;
        file.write_all_at(waiting.as_flattened(), position)?;
        waiting.clear();
        Ok(())
    }

    /// How many entries are in the file.
    fn written(&self, waiting: &[[u8; N]]) -> u32 {
        let waiting = waiting.len() as u32;
        let entries = self.entries();
        assert!(waiting <= entries, "what waits is a part of the index");
        entries - waiting
    }

    pub(crate) fn clear(&self) -> io::Result<()> {
        let mut waiting = self.waiting.lock();
        waiting.clear();
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

    /// For a file to which nothing is added any more: writes what waits, and cuts what lies behind the
    /// last whole entry.
    pub(crate) fn settle(&self) -> io::Result<()> {
        let mut waiting = self.waiting.lock();
        self.write(&mut waiting)?;
        *waiting = Vec::new();
        drop(waiting);
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
        {
            let waiting = self.waiting.lock();
            let written = self.written(&waiting);
            assert!(
                i < self.entries(),
                "entry {i} is behind the end of the index"
            );
            if let Some(at) = i.checked_sub(written) {
                return Ok(waiting[at as usize]);
            }
        }
        read_entry(&*self.slot.get()?, i)
    }

    /// The last entry for which `before_or_at` holds (it holds for a prefix). Looked for a block at a time,
    /// first where the last one was found and behind it: a consumer that catches up goes on there.
    fn last_where(
        &self,
        wait: Wait,
        before_or_at: impl Fn(&[u8; N]) -> bool,
    ) -> io::Result<Option<[u8; N]>> {
        let written = {
            let waiting = self.waiting.lock();
            let at = waiting.partition_point(&before_or_at);
            if at > 0 {
                return Ok(Some(waiting[at - 1]));
            }
            self.written(&waiting)
        };
        if written == 0 {
            return Ok(None);
        }
        let file = self.slot.to_read(wait)?;
        let mut bytes = [0; BLOCK_BYTES];
        let entries_of_block = (BLOCK_BYTES / N) as u32;
        // Blocks that may have it, and the last entry of those before.
        let (mut low, mut high) = (0, written.div_ceil(entries_of_block));
        let mut best = None;
        let found_in = self.found_in.load(Ordering::Relaxed);
        let mut guesses = [found_in, found_in + 1].into_iter();
        while low < high {
            let guess = guesses.find(|block| (low..high).contains(block));
            let block = guess.unwrap_or(low + (high - low) / 2);
            let first = block * entries_of_block;
            let count = entries_of_block.min(written - first) as usize;
            let bytes = &mut bytes[..count * N];
            file.read_exact_at(bytes, u64::from(first) * N as u64)?;
            let (entries, _) = bytes.as_chunks::<N>();
            match entries.partition_point(&before_or_at) {
                0 => high = block,
                at => {
                    best = Some(entries[at - 1]);
                    self.found_in.store(block, Ordering::Relaxed);
                    low = block + 1;
                    if at < count {
                        break;
                    }
                }
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
        self.append_later(&entry)
    }

    /// Where to start scanning for `relative`: a position at or before its batch.
    pub(crate) fn position_before(&self, relative: u32, wait: Wait) -> io::Result<u32> {
        let found = self.last_where(wait, |entry| u32_at(entry, 0) <= relative)?;
        Ok(found.map_or(0, |entry| u32_at(&entry, 4)))
    }

    /// The start of a batch at or before `position`, as far as the index knows one.
    pub(crate) fn batch_start_before(&self, position: u64) -> io::Result<u32> {
        let found = self.entry_before_position(position, Wait::ForDisk)?;
        Ok(found.map_or(0, |(_, position)| position))
    }

    /// (relative last offset, position) of the last batch that the index knows at or before `position`.
    pub(crate) fn entry_before_position(
        &self,
        position: u64,
        wait: Wait,
    ) -> io::Result<Option<(u32, u32)>> {
        let found = self.last_where(wait, |entry| u64::from(u32_at(entry, 4)) <= position)?;
        Ok(found.map(|entry| (u32_at(&entry, 0), u32_at(&entry, 4))))
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
        self.append_later(&entry)
    }

    /// (timestamp, relative offset) of the last entry at or before `timestamp`.
    pub(crate) fn entry_before(&self, timestamp: i64) -> io::Result<Option<(i64, u32)>> {
        let found = self.last_where(Wait::ForDisk, |entry| i64_at(entry, 0) <= timestamp)?;
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
mod tests;
