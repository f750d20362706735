//! A file as far as the page cache has it.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::io::{ReadWriteFlags, preadv2};

use super::File;
use super::pages::are_in_memory;

/// What is asked about before it goes into a pipe: as much as a pipe holds.
const SPLICED_AT_ONCE_BYTES: usize = 1 << 20;

/// Reads what is in memory; all else is `WouldBlock`. A page may leave between the question and the splice that
/// follows it: that splice waits, as a write may that finds no memory.
#[derive(Debug)]
pub(super) struct InMemory<F>(pub(super) Arc<F>);

impl<F: File + AsFd> File for InMemory<F> {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        let into = &mut [IoSliceMut::new(buf)];
        let flags = ReadWriteFlags::NOWAIT;
        preadv2(&*self.0, into, position, flags).map_err(|e| match e {
            // A file system without such reads.
            rustix::io::Errno::OPNOTSUPP => io::ErrorKind::WouldBlock.into(),
            e => e.into(),
        })
    }

    fn read_to_room(&self, buf: &mut Vec<u8>, position: u64) -> io::Result<usize> {
        let before = buf.len();
        buf.resize(buf.capacity(), 0);
        let read = self.read_at(&mut buf[before..], position);
        buf.truncate(before + read.as_ref().unwrap_or(&0));
        read
    }

    fn splice_at(&self, pipe: BorrowedFd<'_>, len: usize, position: u64) -> io::Result<usize> {
        let len = len.min(SPLICED_AT_ONCE_BYTES);
        if !are_in_memory(&*self.0, position..position + len as u64) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.0.splice_at(pipe, len, position)
    }

    fn write_at(&self, buf: &[u8], position: u64) -> io::Result<usize> {
        self.0.write_at(buf, position)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.truncate(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn set_modified(&self, modified_ms: i64) -> io::Result<()> {
        self.0.set_modified(modified_ms)
    }

    fn allocate(&self, position: u64, len: u64) -> io::Result<()> {
        self.0.allocate(position, len)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;
    use crate::files::{Files, OpenMode, RealFiles};

    const LEN: usize = 3 << 20;

    /// A file on a disk (temporary files may be in memory), all of it in memory, or none.
    fn file(in_memory: bool) -> (tempfile::NamedTempFile, Arc<dyn File>) {
        let named = tempfile::NamedTempFile::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let file = RealFiles.open(named.path(), OpenMode::ReadWrite).unwrap();
        file.write_all_at(&vec![7; LEN], 0).unwrap();
        file.sync_data().unwrap();
        if !in_memory {
            let all = rustix::fs::Advice::DontNeed;
            rustix::fs::fadvise(named.as_file(), 0, None, all).unwrap();
        }
        (named, file)
    }

    fn would_block<T: std::fmt::Debug>(done: io::Result<T>) -> bool {
        done.is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock)
    }

    #[test]
    fn what_is_there_is_read_and_spliced() {
        let (_named, file) = file(true);
        let Some(view) = Arc::clone(&file).in_memory() else {
            return;
        };
        let mut read = Vec::new();
        view.read_into(&mut read, 100_000, 5_000).unwrap();
        assert_eq!(read, vec![7; 100_000]);
        view.read_into(&mut read, 100, LEN as u64 - 40).unwrap();
        assert_eq!(read, [7; 40], "as far as the file goes");
        let (reader, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        let moved = view.splice_at(writer.as_fd(), 8_192, 123).unwrap();
        assert!((1..=8_192).contains(&moved));
        let mut spliced = vec![0; moved];
        std::fs::File::from(reader)
            .read_exact(&mut spliced)
            .unwrap();
        assert_eq!(spliced, vec![7; moved]);
    }

    #[test]
    fn what_is_not_there_would_block_until_somebody_reads_it() {
        let (_named, file) = file(false);
        let Some(view) = Arc::clone(&file).in_memory() else {
            return;
        };
        let (_reader, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        let splice = || view.splice_at(writer.as_fd(), 4_096, LEN as u64 / 2);
        assert!(would_block(splice()));
        let mut read = Vec::with_capacity(100);
        let at = LEN as u64 / 2;
        assert!(would_block(view.read_to_room(&mut read, at)));
        assert!(read.is_empty(), "nothing was read");
        assert!(would_block(view.read_at(&mut [0; 10], at)));
        file.read_exact_at(&mut [0; 4_096], at).unwrap();
        assert_eq!(splice().unwrap(), 4_096);
    }
}
