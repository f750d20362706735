//! Files: an object-safe trait over what the log needs of a file system.
//!
//! [`RealFiles`] is the operating system; [`FaultyFiles`] wraps another implementation and makes
//! chosen calls fail (EIO, ENOSPC, a short write, a failed fsync). Writes are positioned and may
//! be short: callers use [`File::write_all_at`] unless they handle that themselves.

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

mod faulty;
mod in_memory;
mod pages;
mod pieces;
mod real;
mod whole;

pub use faulty::{Fault, FaultKind, FaultyFiles, Op};
pub use real::RealFiles;
pub use whole::FileSystem;

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Reading only; the file must exist.
    Read,
    /// Reading and writing; the file must exist.
    ReadWrite,
    /// Reading and writing; created when missing, kept when there.
    Create,
    /// Reading and writing; created, or emptied when there.
    Truncate,
}

/// An open file. Positions are bytes from the start.
pub trait File: Send + Sync + fmt::Debug {
    /// Reads at most `buf.len()` bytes at `position`; 0 means end of file.
    ///
    /// # Errors
    /// The operating system's.
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize>;

    /// Reads behind what `buf` holds, at most as much as its capacity has room for; 0 means end of
    /// file, or no room. The room is not cleared first.
    ///
    /// # Errors
    /// The operating system's; `buf` is as it was.
    fn read_to_room(&self, buf: &mut Vec<u8>, position: u64) -> io::Result<usize>;

    /// Moves at most `len` bytes at `position` into a pipe that doesn't block, without copying them; 0 means
    /// end of file. See [`crate::pipes`].
    ///
    /// # Errors
    /// `WouldBlock` when the pipe is full; `Unsupported` or `InvalidInput` where this file can't do that; the
    /// operating system's.
    fn splice_at(&self, pipe: BorrowedFd<'_>, len: usize, position: u64) -> io::Result<usize> {
        let _ = (pipe, len, position);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The same file for one who may not wait for the disk: what is not in memory can't be read, and is
    /// `WouldBlock`. `None` where that can't be told.
    fn in_memory(self: Arc<Self>) -> Option<Arc<dyn File>> {
        None
    }

    /// Writes at least one byte of `buf` at `position`, perhaps fewer than all.
    ///
    /// # Errors
    /// The operating system's; ENOSPC and EIO are the ones callers tell apart.
    fn write_at(&self, buf: &[u8], position: u64) -> io::Result<usize>;

    /// `fdatasync(2)`. After an error the state on disk is unknown; a retry proves nothing.
    ///
    /// # Errors
    /// The operating system's.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts or extends the file to `len` bytes.
    ///
    /// # Errors
    /// The operating system's.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// The file's length in bytes.
    ///
    /// # Errors
    /// The operating system's.
    fn len(&self) -> io::Result<u64>;

    /// True when the file has no bytes.
    ///
    /// # Errors
    /// As [`File::len`].
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Sets when the content last changed, milliseconds since the epoch.
    ///
    /// # Errors
    /// The operating system's.
    fn set_modified(&self, modified_ms: i64) -> io::Result<()>;

    /// Reserves space for the `len` bytes at `position` without changing the length.
    ///
    /// # Errors
    /// The operating system's; some file systems do not support it.
    fn allocate(&self, position: u64, len: u64) -> io::Result<()>;

    /// Fills `buf` or fails with `UnexpectedEof`.
    ///
    /// # Errors
    /// As [`File::read_at`].
    fn read_exact_at(&self, buf: &mut [u8], position: u64) -> io::Result<()> {
        let got = self.read_up_to_at(buf, position)?;
        if got == buf.len() {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    /// Fills `buf` as far as the file goes; fewer bytes only at the end of the file.
    ///
    /// # Errors
    /// As [`File::read_at`].
    fn read_up_to_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.read_at(&mut buf[done..], position + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    /// Makes `buf` hold the `len` bytes at `position`, or as many as the file has there. Nobody clears
    /// the memory first, which for a large read costs as much as the read.
    ///
    /// # Errors
    /// As [`File::read_at`]; `buf` is empty then.
    fn read_into(&self, buf: &mut Vec<u8>, len: usize, position: u64) -> io::Result<()> {
        buf.clear();
        buf.reserve_exact(len);
        while buf.len() < len {
            match self.read_to_room(buf, position + buf.len() as u64) {
                Ok(0) => break,
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    buf.clear();
                    return Err(e);
                }
            }
        }
        // There may have been more room than was asked for.
        buf.truncate(len);
        Ok(())
    }

    /// Writes all of `buf` at `position`, looping over short writes.
    ///
    /// # Errors
    /// As [`File::write_at`]; some bytes may have been written then.
    fn write_all_at(&self, buf: &[u8], position: u64) -> io::Result<()> {
        let mut done = 0;
        while done < buf.len() {
            match self.write_at(&buf[done..], position + done as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// The file name; names that are not UTF-8 are left out of listings.
    pub name: String,
    /// True for a directory.
    pub is_dir: bool,
    /// Length in bytes (0 for a directory).
    pub len: u64,
    /// When its content last changed, milliseconds since the epoch (0 if unknown).
    pub modified_ms: i64,
}

/// Space of the file system that holds a path, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// The size of the file system.
    pub total_bytes: u64,
    /// What an unprivileged process can still write.
    pub free_bytes: u64,
}

/// What the log needs of a file system.
pub trait Files: Send + Sync + fmt::Debug {
    /// Opens a file.
    ///
    /// # Errors
    /// The operating system's.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>>;

    /// Renames a file or directory, replacing a file of the new name.
    ///
    /// # Errors
    /// The operating system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name in the same file system.
    ///
    /// # Errors
    /// The operating system's.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The operating system's; `NotFound` is the caller's to judge.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory with all it holds.
    ///
    /// # Errors
    /// The operating system's.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Creates a directory and its parents; an existing one is fine.
    ///
    /// # Errors
    /// The operating system's.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Makes renames, creations and removals in a directory durable.
    ///
    /// # Errors
    /// The operating system's.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory, sorted.
    ///
    /// # Errors
    /// The operating system's.
    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>>;

    /// True when something of that name is there.
    ///
    /// # Errors
    /// When that can't be told (no permission, I/O error).
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Space of the file system that holds `path`.
    ///
    /// # Errors
    /// The operating system's.
    fn disk_space(&self, path: &Path) -> io::Result<DiskSpace>;

    /// The file system that holds `path`, if it can be synced in one go and tells whether that went
    /// well. To be opened before what is to be synced is written.
    ///
    /// # Errors
    /// When `path` can't be opened.
    fn whole(&self, path: &Path) -> io::Result<Option<Arc<dyn FileSystem>>>;

    /// The whole content of a small file; longer ones than `max_bytes` are refused.
    ///
    /// # Errors
    /// `InvalidData` when the file is longer than `max_bytes`; the operating system's.
    fn read_small(&self, path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
        let file = self.open(path, OpenMode::Read)?;
        let len = file.len()?;
        if len > max_bytes {
            let why = format!("file of {len} bytes is longer than the limit of {max_bytes}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let mut out = Vec::new();
        file.read_into(&mut out, usize::try_from(len).map_err(io::Error::other)?, 0)?;
        Ok(out)
    }
}

/// Replaces `path` by `content` so that after a crash either the old or the new content is there,
/// whole: written beside it as `<name>.tmp`, synced, renamed over, directory synced.
///
/// # Errors
/// The operating system's; the old content is then still in place.
pub fn atomic_write(files: &dyn Files, path: &Path, content: &[u8]) -> io::Result<()> {
    let Some(parent) = path.parent() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "path without a parent",
        ));
    };
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = Path::new(&temporary);
    let written = (|| {
        let file = files.open(temporary, OpenMode::Truncate)?;
        file.write_all_at(content, 0)?;
        file.sync_data()?;
        files.rename(temporary, path)
    })();
    if let Err(e) = written {
        // Best effort: a leftover .tmp is overwritten by the next attempt.
        files.remove_file(temporary).ok();
        return Err(e);
    }
    files.sync_dir(parent)
}

/// True for the errors of a full disk or an exhausted quota.
#[must_use]
pub fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// True when there is no room or no descriptor: what can wait waits until there is again.
#[must_use]
pub fn is_shortage(error: &io::Error) -> bool {
    is_disk_full(error) || is_out_of_descriptors(error)
}

/// True when the process or the system ran out of file descriptors: a shortage, not a broken disk.
#[must_use]
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code == Some(rustix::io::Errno::MFILE.raw_os_error())
        || code == Some(rustix::io::Errno::NFILE.raw_os_error())
}

#[cfg(test)]
mod tests;
