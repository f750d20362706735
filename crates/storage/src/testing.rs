//! Everything that is read from disk, over bytes instead of files: for the fuzzers.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use limpid_platform::files::{DirEntry, DiskSpace, File, FileSystem, Files, OpenMode};

use crate::index::{OffsetIndex, TimeIndex, TxnIndex};
use crate::metadata::{Image, MetadataRecord, Replay};
use crate::open_files::{Limits, OpenFiles, Slot, Wait};
use crate::scan::Scanner;
use crate::{arrivals, backup, checkpoint, cut_file, metadata, producers};

/// Where the checksum of a producer snapshot begins, and what it covers.
const SNAPSHOT_CRC: (usize, usize) = (2, 6);
/// The same of a file of arrivals.
const ARRIVALS_CRC: (usize, usize) = (6, 10);
/// Number of kinds that [`read`] knows.
pub const KINDS: u8 = 15;

/// Reads `bytes` as the file of one kind; what it says about them is dropped. With `make_good` the
/// checksum of those that have one is put right first: no fuzzer guesses it.
pub fn read(kind: u8, make_good: bool, bytes: &[u8]) {
    let mut owned = bytes.to_vec();
    match (make_good, kind % KINDS) {
        (true, 6) => seal(&mut owned, SNAPSHOT_CRC),
        (true, 7) => seal(&mut owned, ARRIVALS_CRC),
        _ => {}
    }
    let files = OneFile(owned.into());
    let path = Path::new("/fuzz");
    match kind % KINDS {
        0 => drop(checkpoint::read_offsets(&files, path)),
        1 => drop(checkpoint::read_epochs(&files, path)),
        2 => drop(checkpoint::read_topic_id(&files, path)),
        3 => drop(checkpoint::read_clean_marker(&files, path)),
        4 => drop(metadata::MetaProperties::read(&files, path)),
        5 => drop(metadata::QuorumState::read(&files, path)),
        6 => drop(producers::snapshot::decode(&files.0)),
        7 => drop(arrivals::file::read(&files, path)),
        8 => drop(cut_file::read(&files, path)),
        9 => drop(backup::read_manifest(&files, path)),
        10..=12 => drop(index(kind % KINDS, files)),
        13 => segment(files),
        _ => drop(metadata::read_snapshot(&files, path)),
    }
}

/// Reads the value of a record of the metadata log and takes it over into an empty image.
pub fn metadata_record(bytes: Bytes) {
    let Ok(record) = MetadataRecord::decode(bytes) else {
        return;
    };
    let mut replay = Replay::new(Image::default());
    drop(replay.apply(&record));
}

fn seal(bytes: &mut [u8], (at, covers_from): (usize, usize)) {
    if bytes.len() > covers_from {
        let crc = crc32c::crc32c(&bytes[covers_from..]);
        bytes[at..at + 4].copy_from_slice(&crc.to_be_bytes());
    }
}

/// Checks an index and looks something up in it, as a start and a fetch do.
fn index(kind: u8, files: OneFile) -> io::Result<()> {
    let len = files.0.len() as u64;
    let probe = files.0.first_chunk().map_or(0, |b| i64::from_be_bytes(*b));
    let limits = Limits {
        shared: 1,
        pinned: 1,
    };
    let open = OpenFiles::new(Arc::new(files), limits);
    let slot = Slot::new(&open, "/fuzz".into(), true);
    match kind {
        10 => {
            let index = OffsetIndex::new(slot, len);
            drop(index.check(len, len)?);
            index.position_before(probe as u32, Wait::ForDisk)?;
            index.batch_start_before(probe as u64)?;
        }
        11 => {
            let index = TimeIndex::new(slot, len);
            drop(index.check(len)?);
            index.entry_before(probe)?;
        }
        _ => {
            let index = TxnIndex::new(slot, len);
            drop(index.check(len, 0)?);
            index.collect(probe, i64::MAX, &mut Vec::new())?;
        }
    }
    Ok(())
}

/// Walks a segment by its headers, and once more with checksums.
fn segment(files: OneFile) {
    let end = files.0.len() as u64;
    let file: Arc<dyn File> = Arc::new(files);
    for mut scanner in [
        Scanner::headers(Arc::clone(&file), 0, end),
        Scanner::trusting(file, 0, end, i64::MIN),
    ] {
        while let Ok(Some(_)) = scanner.next() {}
    }
}

/// A file system in which every path is the same file.
#[derive(Debug, Clone)]
struct OneFile(Arc<[u8]>);

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

impl File for OneFile {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        let at = usize::try_from(position).unwrap_or(usize::MAX);
        let rest = self.0.get(at..).unwrap_or_default();
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn read_to_room(&self, buf: &mut Vec<u8>, position: u64) -> io::Result<usize> {
        let at = usize::try_from(position).unwrap_or(usize::MAX);
        let rest = self.0.get(at..).unwrap_or_default();
        let count = rest.len().min(buf.capacity() - buf.len());
        buf.extend_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        refused()
    }

    fn sync_data(&self) -> io::Result<()> {
        refused()
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        refused()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn set_modified(&self, _: i64) -> io::Result<()> {
        refused()
    }

    fn allocate(&self, _: u64, _: u64) -> io::Result<()> {
        refused()
    }
}

impl Files for OneFile {
    fn open(&self, _: &Path, _: OpenMode) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(self.clone()))
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }

    fn hard_link(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }

    fn remove_file(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn remove_dir_all(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn create_dir_all(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn list(&self, _: &Path) -> io::Result<Vec<DirEntry>> {
        Ok(Vec::new())
    }

    fn exists(&self, _: &Path) -> io::Result<bool> {
        Ok(true)
    }

    fn disk_space(&self, _: &Path) -> io::Result<DiskSpace> {
        refused()
    }

    fn whole(&self, _: &Path) -> io::Result<Option<Arc<dyn FileSystem>>> {
        Ok(None)
    }
}
