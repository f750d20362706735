//! One segment, seen from outside.

use std::io;
use std::path::Path;
use std::sync::Arc;

use limpid_platform::files::{File, Files, OpenMode};
use limpid_protocol::records::BatchView;

use super::{Depth, LogReport};
use crate::compaction::DECOMPRESSED_BYTES_MAX;
use crate::compaction::batches::BatchReader;
use crate::index::{OFFSET_ENTRY_BYTES, TIME_ENTRY_BYTES};
use crate::names;
use crate::scan::{ScanError, Scanner, is_blank};
use crate::segment::RELATIVE_OFFSET_MAX;

/// Read at once.
const WINDOW_BYTES: usize = 1 << 20;
/// A log with more problems than this has its further ones left out.
const PROBLEMS_MAX: usize = 20;
/// Index entries are read in pieces of so many.
const ENTRIES_AT_ONCE: usize = 4_096;

/// Goes through the segments of one log, in order.
pub(super) struct Looker<'a> {
    files: &'a dyn Files,
    report: &'a mut LogReport,
    /// Where the segment before ended.
    end: i64,
    payload: Vec<u8>,
}

impl<'a> Looker<'a> {
    pub(super) fn new(files: &'a dyn Files, report: &'a mut LogReport) -> Self {
        let end = 0;
        Self {
            files,
            report,
            end,
            payload: Vec::new(),
        }
    }

    pub(super) fn look(
        &mut self,
        base: i64,
        len: u64,
        is_last: bool,
        depth: Depth,
    ) -> io::Result<()> {
        let path = names::segment_file(&self.report.path, base, names::LOG);
        let file = match self.files.open(&path, OpenMode::Read) {
            Ok(file) => file,
            // Retention or compaction of a running broker took it.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        };
        let walked = match depth {
            Depth::Names => self.walk_headers(base, Arc::clone(&file), len),
            Depth::Everything => self.walk_batches(base, Arc::clone(&file), len),
        };
        match walked {
            Ok(()) => {}
            // Headroom of a running broker, or of one that was killed.
            Err(ScanError::Corrupt { position, .. })
                if is_last && is_blank(&*file, position, len)? => {}
            Err(ScanError::Io(e)) if e.kind() != io::ErrorKind::UnexpectedEof => return Err(e),
            Err(error) => {
                let what = match error {
                    ScanError::Corrupt { position, reason } => {
                        format!("{}: at position {position}: {reason}", shown(&path))
                    }
                    ScanError::Io(_) => format!("{}: the file ends early", shown(&path)),
                };
                if is_last {
                    self.report.unfinished.push(what);
                } else {
                    self.problem(what);
                }
            }
        }
        self.report.end = self.report.end.max(self.end);
        Ok(())
    }

    fn walk_headers(&mut self, base: i64, file: Arc<dyn File>, len: u64) -> Result<(), ScanError> {
        self.end = self.end.max(base);
        let mut scanner = Scanner::headers(file, 0, len);
        while let Some(found) = scanner.next()? {
            self.end = found.header.next_offset();
        }
        Ok(())
    }

    fn walk_batches(&mut self, base: i64, file: Arc<dyn File>, len: u64) -> Result<(), ScanError> {
        if base < self.end {
            let end = self.end;
            self.problem(format!(
                "the segment at {base} starts before the one before ends ({end})"
            ));
        }
        self.end = self.end.max(base);
        let mut offsets = self.index::<OFFSET_ENTRY_BYTES>(base, names::INDEX)?;
        let mut batches = BatchReader::new(file, 0, len, WINDOW_BYTES);
        let mut position = 0;
        while let Some(batch) = batches.next()? {
            if let Some(why) = self.wrong(base, &batch) {
                self.problem(format!(
                    "the segment at {base}: at position {position}: {why}"
                ));
            }
            self.report.batches += 1;
            let header = batch.header();
            while let Some(entry) = offsets.next_if(|entry| u64::from(number(entry, 4)) <= position)
            {
                let relative = i64::from(number(&entry, 0));
                let fits = u64::from(number(&entry, 4)) == position
                    && header.last_offset() - base == relative;
                if !fits {
                    self.problem(format!(
                        "the index of the segment at {base} has no batch at its entry for offset {}",
                        base + relative
                    ));
                }
            }
            self.end = header.next_offset();
            position += batch.size() as u64;
        }
        if offsets.peek().is_some() {
            let what = format!("the index of the segment at {base} goes on behind its log");
            self.report.unfinished.push(what);
        }
        self.check_times(base)
    }

    /// What is wrong with a batch whose checksum is right.
    fn wrong(&mut self, base: i64, batch: &BatchView<'_>) -> Option<String> {
        let header = batch.header();
        if header.base_offset < self.end {
            let (at, end) = (header.base_offset, self.end);
            return Some(format!("offset {at} goes back behind {end}"));
        }
        if header.last_offset() - base > RELATIVE_OFFSET_MAX {
            return Some(format!(
                "offset {} is too far from the base",
                header.last_offset()
            ));
        }
        let records = match batch.records_with(DECOMPRESSED_BYTES_MAX, &mut self.payload) {
            Ok(records) => records,
            Err(error) => return Some(error.to_string()),
        };
        let mut last = header.base_offset - 1;
        for record in records {
            let record = match record {
                Ok(record) => record,
                Err(error) => return Some(error.to_string()),
            };
            if record.offset <= last || record.offset > header.last_offset() {
                return Some(format!("record offset {} is out of order", record.offset));
            }
            last = record.offset;
            self.report.records += 1;
        }
        None
    }

    /// Times and offsets of the time index rise.
    fn check_times(&mut self, base: i64) -> Result<(), ScanError> {
        let mut entries = self.index::<TIME_ENTRY_BYTES>(base, names::TIME_INDEX)?;
        let mut before = (i64::MIN, 0);
        while let Some(entry) = entries.next() {
            let time = i64::from(number(&entry, 0)) << 32 | i64::from(number(&entry, 4));
            let relative = number(&entry, 8);
            if time < before.0 || relative < before.1 {
                self.problem(format!(
                    "the time index of the segment at {base} does not rise"
                ));
                break;
            }
            before = (time, relative);
        }
        Ok(())
    }

    fn index<const N: usize>(&self, base: i64, suffix: &str) -> io::Result<Entries<N>> {
        let path = names::segment_file(&self.report.path, base, suffix);
        let file = match self.files.open(&path, OpenMode::Read) {
            Ok(file) => Some(file),
            // It is made anew at the next start.
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        Ok(Entries {
            file,
            position: 0,
            read: Vec::new(),
            at: 0,
        })
    }

    fn problem(&mut self, what: String) {
        match self.report.problems.len() {
            ..PROBLEMS_MAX => self.report.problems.push(what),
            PROBLEMS_MAX => self.report.problems.push("and more".to_owned()),
            _ => {}
        }
    }
}

/// The entries of an index file, in order. A torn last one is left out.
struct Entries<const N: usize> {
    file: Option<Arc<dyn File>>,
    position: u64,
    read: Vec<u8>,
    at: usize,
}

impl<const N: usize> Entries<N> {
    fn peek(&mut self) -> Option<[u8; N]> {
        if self.at + N > self.read.len() {
            let file = self.file.as_ref()?;
            self.read.resize(ENTRIES_AT_ONCE * N, 0);
            // An index is a hint; one that can't be read is made anew.
            let got = file
                .read_up_to_at(&mut self.read, self.position)
                .unwrap_or(0);
            self.read.truncate(got - got % N);
            self.position += self.read.len() as u64;
            self.at = 0;
        }
        self.read.get(self.at..self.at + N)?.try_into().ok()
    }

    fn next(&mut self) -> Option<[u8; N]> {
        let entry = self.peek()?;
        self.at += N;
        Some(entry)
    }

    fn next_if(&mut self, wanted: impl Fn(&[u8; N]) -> bool) -> Option<[u8; N]> {
        let entry = self.peek().filter(wanted)?;
        self.at += N;
        Some(entry)
    }
}

fn number(entry: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
}

fn shown(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
