//! Files that fail where a test says so.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};
use rustix::io::Errno;

mod handles;

use self::handles::{Handle, Handles};
use super::{DirEntry, DiskSpace, File, FileSystem, Files, OpenMode};

/// A call that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// [`Files::open`]
    Open,
    /// [`File::read_at`] and [`File::read_to_room`]
    Read,
    /// [`File::write_at`]
    Write,
    /// [`File::sync_data`]
    Sync,
    /// [`File::truncate`]
    Truncate,
    /// [`Files::rename`] and [`Files::hard_link`], judged by the old name
    Rename,
    /// [`Files::remove_file`] and [`Files::remove_dir_all`]
    Remove,
    /// [`Files::sync_dir`]
    SyncDir,
    /// [`FileSystem::sync_all`], judged by the path it was opened with
    SyncAll,
}

/// What happens instead of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// EIO: the disk is broken.
    InputOutput,
    /// ENOSPC: the disk is full.
    NoSpace,
    /// EMFILE: no descriptor is left.
    NoDescriptor,
    /// A write of this many bytes succeeds, and the rest of that `write_at` is left to the caller.
    ShortWrite(usize),
    /// This many bytes are written, then the call fails with ENOSPC.
    TornWriteNoSpace(usize),
    /// This many bytes are written, then the call fails with EIO.
    TornWriteInputOutput(usize),
}

/// One rule: `kind` happens to `op` on paths containing `path_part`, after `skip` good calls,
/// `times` times.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Which call.
    pub op: Op,
    /// A part of the path; empty for every path.
    pub path_part: String,
    /// How many matching calls go well first.
    pub skip: usize,
    /// How many fail then; `usize::MAX` for ever.
    pub times: usize,
    /// What happens.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault that hits the next matching call and every one after it.
    #[must_use]
    pub fn always(op: Op, path_part: &str, kind: FaultKind) -> Self {
        Self {
            op,
            path_part: path_part.to_owned(),
            skip: 0,
            times: usize::MAX,
            kind,
        }
    }

    /// A fault that hits only the next matching call.
    #[must_use]
    pub fn once(op: Op, path_part: &str, kind: FaultKind) -> Self {
        Self {
            times: 1,
            ..Self::always(op, path_part, kind)
        }
    }

    /// The same, after `skip` good calls.
    #[must_use]
    pub fn after(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }
}

#[derive(Debug, Default)]
struct Rules {
    faults: Vec<Fault>,
    disk_space: Option<DiskSpace>,
    hits: usize,
}

impl Rules {
    fn check(&mut self, op: Op, path: &Path) -> Option<FaultKind> {
        let text = path.to_string_lossy();
        for fault in &mut self.faults {
            if fault.op != op || !text.contains(fault.path_part.as_str()) || fault.times == 0 {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if fault.times != usize::MAX {
                fault.times -= 1;
            }
            self.hits += 1;
            return Some(fault.kind);
        }
        None
    }
}

/// Wraps another [`Files`] and injects faults by rule.
#[derive(Debug, Clone)]
pub struct FaultyFiles {
    inner: Arc<dyn Files>,
    rules: Arc<Mutex<Rules>>,
    gate: Arc<Mutex<()>>,
    at_the_gate: Arc<AtomicUsize>,
    whole: Arc<AtomicBool>,
    whole_syncs: Arc<AtomicUsize>,
    handles: Arc<Handles>,
}

impl FaultyFiles {
    /// Passes everything on to `inner` until a fault is added.
    #[must_use]
    pub fn new(inner: Arc<dyn Files>) -> Self {
        Self {
            inner,
            rules: Arc::default(),
            gate: Arc::default(),
            at_the_gate: Arc::default(),
            whole: Arc::default(),
            whole_syncs: Arc::default(),
            handles: Arc::default(),
        }
    }

    /// From now on every file system is one that can be synced in one go.
    pub fn offer_whole(&self) {
        self.whole.store(true, Ordering::SeqCst);
    }

    /// How often [`FileSystem::sync_all`] was asked for.
    #[must_use]
    pub fn whole_syncs(&self) -> usize {
        self.whole_syncs.load(Ordering::SeqCst)
    }

    /// No [`File::sync_data`] is done as long as this is held.
    pub fn hold_syncs(&self) -> MutexGuard<'_, ()> {
        self.gate.lock()
    }

    /// How many syncs have begun so far, those included that are held.
    #[must_use]
    pub fn syncs_begun(&self) -> usize {
        self.at_the_gate.load(Ordering::SeqCst)
    }

    /// How many files were open at once, at most.
    #[must_use]
    pub fn most_open(&self) -> usize {
        self.handles.most()
    }

    /// The files that were closed by the last who had them open, with bytes written since the last sync.
    #[must_use]
    pub fn closed_unsynced(&self) -> Vec<PathBuf> {
        self.handles.closed_unsynced()
    }

    /// Adds a rule; rules are tried in the order they were added.
    pub fn inject(&self, fault: Fault) {
        self.rules.lock().faults.push(fault);
    }

    /// Forgets every rule and the pretended disk space.
    pub fn heal(&self) {
        let mut rules = self.rules.lock();
        rules.faults.clear();
        rules.disk_space = None;
    }

    /// Pretends this disk space.
    pub fn set_disk_space(&self, space: DiskSpace) {
        self.rules.lock().disk_space = Some(space);
    }

    /// How many calls were made to fail.
    #[must_use]
    pub fn hits(&self) -> usize {
        self.rules.lock().hits
    }

    fn check(&self, op: Op, path: &Path) -> io::Result<()> {
        match self.rules.lock().check(op, path) {
            None | Some(FaultKind::ShortWrite(_)) => Ok(()),
            Some(FaultKind::InputOutput | FaultKind::TornWriteInputOutput(_)) => {
                Err(Errno::IO.into())
            }
            Some(FaultKind::NoSpace | FaultKind::TornWriteNoSpace(_)) => Err(Errno::NOSPC.into()),
            Some(FaultKind::NoDescriptor) => Err(Errno::MFILE.into()),
        }
    }
}

#[derive(Debug)]
struct FaultyFile {
    inner: Arc<dyn File>,
    path: PathBuf,
    files: FaultyFiles,
    handle: Arc<Handle>,
}

impl File for FaultyFile {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        self.files.check(Op::Read, &self.path)?;
        self.inner.read_at(buf, position)
    }

    fn read_to_room(&self, buf: &mut Vec<u8>, position: u64) -> io::Result<usize> {
        self.files.check(Op::Read, &self.path)?;
        self.inner.read_to_room(buf, position)
    }

    fn splice_at(&self, pipe: BorrowedFd<'_>, len: usize, position: u64) -> io::Result<usize> {
        self.files.check(Op::Read, &self.path)?;
        self.inner.splice_at(pipe, len, position)
    }

    fn in_memory(self: Arc<Self>) -> Option<Arc<dyn File>> {
        let inner = Arc::clone(&self.inner).in_memory()?;
        let (path, files) = (self.path.clone(), self.files.clone());
        Some(Arc::new(Self {
            inner,
            path,
            files,
            handle: Arc::clone(&self.handle),
        }))
    }

    fn write_at(&self, buf: &[u8], position: u64) -> io::Result<usize> {
        self.handle.write();
        let hit = self.files.rules.lock().check(Op::Write, &self.path);
        match hit {
            None => self.inner.write_at(buf, position),
            Some(FaultKind::ShortWrite(n)) => {
                self.inner.write_at(&buf[..n.clamp(1, buf.len())], position)
            }
            Some(FaultKind::InputOutput) => Err(Errno::IO.into()),
            Some(FaultKind::NoSpace) => Err(Errno::NOSPC.into()),
            Some(FaultKind::NoDescriptor) => Err(Errno::MFILE.into()),
            Some(FaultKind::TornWriteNoSpace(n)) => {
                self.inner
                    .write_all_at(&buf[..n.min(buf.len())], position)?;
                Err(Errno::NOSPC.into())
            }
            Some(FaultKind::TornWriteInputOutput(n)) => {
                self.inner
                    .write_all_at(&buf[..n.min(buf.len())], position)?;
                Err(Errno::IO.into())
            }
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.files.check(Op::Sync, &self.path)?;
        self.files.at_the_gate.fetch_add(1, Ordering::SeqCst);
        let _passes = self.files.gate.lock();
        let writes = self.files.handles.writes();
        self.inner.sync_data()?;
        self.handle.synced(writes);
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.files.check(Op::Truncate, &self.path)?;
        self.inner.truncate(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn set_modified(&self, modified_ms: i64) -> io::Result<()> {
        self.files.check(Op::Write, &self.path)?;
        self.inner.set_modified(modified_ms)
    }

    fn allocate(&self, position: u64, len: u64) -> io::Result<()> {
        self.files.check(Op::Write, &self.path)?;
        self.inner.allocate(position, len)
    }
}

impl Files for FaultyFiles {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        self.check(Op::Open, path)?;
        let inner = self.inner.open(path, mode)?;
        Ok(Arc::new(FaultyFile {
            inner,
            handle: Arc::new(self.handles.open(path.to_owned())),
            path: path.to_owned(),
            files: self.clone(),
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Op::Rename, from)?;
        self.inner.rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Op::Rename, from)?;
        self.inner.hard_link(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.check(Op::Remove, path)?;
        self.inner.remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.check(Op::Remove, path)?;
        self.inner.remove_dir_all(path)
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.check(Op::SyncDir, path)?;
        self.inner.sync_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.inner.list(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.inner.exists(path)
    }

    fn disk_space(&self, path: &Path) -> io::Result<DiskSpace> {
        let pretended = self.rules.lock().disk_space;
        pretended.map_or_else(|| self.inner.disk_space(path), Ok)
    }

    fn whole(&self, path: &Path) -> io::Result<Option<Arc<dyn FileSystem>>> {
        let inner = self.inner.whole(path)?;
        let offered = inner.is_some() || self.whole.load(Ordering::SeqCst);
        Ok(offered.then(|| {
            Arc::new(FaultyFileSystem {
                inner,
                path: path.to_owned(),
                files: self.clone(),
            }) as Arc<dyn FileSystem>
        }))
    }
}

#[derive(Debug)]
struct FaultyFileSystem {
    /// `None` when it is pretended.
    inner: Option<Arc<dyn FileSystem>>,
    path: PathBuf,
    files: FaultyFiles,
}

impl FileSystem for FaultyFileSystem {
    fn sync_all(&self) -> io::Result<()> {
        self.files.whole_syncs.fetch_add(1, Ordering::SeqCst);
        self.files.check(Op::SyncAll, &self.path)?;
        let writes = self.files.handles.writes();
        self.inner
            .as_ref()
            .map_or(Ok(()), |inner| inner.sync_all())?;
        self.files.handles.all_synced(writes);
        Ok(())
    }

    fn holds(&self, path: &Path) -> io::Result<bool> {
        let inner = self.inner.as_ref();
        inner.map_or(Ok(true), |inner| inner.holds(path))
    }
}
