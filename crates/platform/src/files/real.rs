//! The operating system's files.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use rustix::pipe::{SpliceFlags, splice};

use super::in_memory::InMemory;
use super::{DirEntry, DiskSpace, File, FileSystem, Files, OpenMode};
use super::{pieces, whole};
use crate::nice::{give_way_if_nicer, is_nicer};

/// The file system as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFiles;

/// An open file of it.
#[derive(Debug)]
struct RealFile {
    file: fs::File,
    /// The least position that was written to since the last sync, and where the last of what was written ends.
    written_from: AtomicU64,
    written_to: AtomicU64,
}

/// What a nice thread writes in one call: a kernel that is built for throughput takes the processor from nobody who
/// is in a call, however much somebody else needs it. For others that would only be dearer: a tenth more
/// for batches of 200 KiB, since the page cache takes what comes at once in larger pieces.
const WRITE_AT_ONCE_BYTES: usize = 32 * 1024;

impl AsFd for RealFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl File for RealFile {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        self.file.read_at(buf, position)
    }

    fn read_to_room(&self, buf: &mut Vec<u8>, position: u64) -> io::Result<usize> {
        let room = rustix::buffer::spare_capacity(buf);
        Ok(rustix::io::pread(&self.file, room, position)?)
    }

    fn splice_at(&self, pipe: BorrowedFd<'_>, len: usize, position: u64) -> io::Result<usize> {
        let (mut from, flags) = (position, SpliceFlags::NONBLOCK);
        Ok(splice(&self.file, Some(&mut from), pipe, None, len, flags)?)
    }

    fn in_memory(self: Arc<Self>) -> Option<Arc<dyn File>> {
        cfg!(target_os = "linux").then(|| Arc::new(InMemory(self)) as Arc<dyn File>)
    }

    fn write_at(&self, buf: &[u8], position: u64) -> io::Result<usize> {
        let piece = if is_nicer() {
            give_way_if_nicer();
            WRITE_AT_ONCE_BYTES
        } else {
            buf.len()
        };
        let piece = buf.len().min(piece);
        self.written_from.fetch_min(position, Ordering::Relaxed);
        let end = position.saturating_add(piece as u64);
        self.written_to.fetch_max(end, Ordering::Relaxed);
        self.file.write_at(&buf[..piece], position)
    }

    fn sync_data(&self) -> io::Result<()> {
        let from = self.written_from.swap(u64::MAX, Ordering::Relaxed);
        let to = self.written_to.swap(0, Ordering::Relaxed);
        pieces::send(&self.file, from..to);
        self.file.sync_data()
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_modified(&self, modified_ms: i64) -> io::Result<()> {
        let since_epoch = Duration::from_millis(u64::try_from(modified_ms).unwrap_or(0));
        self.file.set_modified(UNIX_EPOCH + since_epoch)
    }

    fn allocate(&self, position: u64, len: u64) -> io::Result<()> {
        let flags = rustix::fs::FallocateFlags::KEEP_SIZE;
        Ok(rustix::fs::fallocate(&self.file, flags, position, len)?)
    }
}

impl Files for RealFiles {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut options = fs::OpenOptions::new();
        options.read(true);
        match mode {
            OpenMode::Read => {}
            OpenMode::ReadWrite => {
                options.write(true);
            }
            OpenMode::Create => {
                options.write(true).create(true).truncate(false);
            }
            OpenMode::Truncate => {
                options.write(true).create(true).truncate(true);
            }
        }
        let file = options.open(path)?;
        Ok(Arc::new(RealFile {
            file,
            written_from: AtomicU64::new(u64::MAX),
            written_to: AtomicU64::new(0),
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut out = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // A file removed between listing and looking is simply gone.
            let Ok(metadata) = fs::metadata(entry.path()) else {
                continue;
            };
            if let Ok(name) = entry.file_name().into_string() {
                let is_dir = metadata.is_dir();
                let len = if is_dir { 0 } else { metadata.len() };
                let modified_ms = metadata.mtime().saturating_mul(1_000);
                out.push(DirEntry {
                    name,
                    is_dir,
                    len,
                    modified_ms,
                });
            }
        }
        out.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(out)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn disk_space(&self, path: &Path) -> io::Result<DiskSpace> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(DiskSpace {
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }

    fn whole(&self, path: &Path) -> io::Result<Option<Arc<dyn FileSystem>>> {
        Ok(whole::open(path)?.map(|whole| Arc::new(whole) as Arc<dyn FileSystem>))
    }
}
