//! Backups: copies of a node's directories that can be restored somewhere else.
//!
//! ```text
//! <backup>/manifest.json     what was copied, with lengths and checksums; written last, so that a
//!                            backup without it was not finished
//!         /0/...             the first directory of the node, in the layout of the node
//!         /1/...             the second ...
//! ```
//! A restored node was not stopped cleanly as far as it can tell: its first start looks through the
//! active segments.

use std::io;
use std::path::{Path, PathBuf};

use limpid_platform::files::{Files, OpenMode, atomic_write};
use serde::{Deserialize, Serialize};

use crate::cut_file;
use crate::metadata::{META_PROPERTIES, MetaProperties, MetadataError};
use crate::names::{self, DirKind};

/// The manifest's name.
pub const MANIFEST: &str = "manifest.json";
/// The version of the layout.
const FORMAT: u32 = 1;
/// Longer manifests are garbage: a million files fit.
const MANIFEST_BYTES_MAX: u64 = 512 << 20;
/// Read and written at once.
const PIECE_BYTES: usize = 1 << 20;
/// A copy of the metadata of a running node is begun anew so often when its files change.
const METADATA_TRIES: usize = 8;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the layout.
    pub format: u32,
    /// The version of Limpid that made it.
    pub limpid: String,
    /// The cluster.
    pub cluster_id: String,
    /// The node.
    pub node_id: i32,
    /// When it was taken, milliseconds since the epoch.
    pub taken_ms: i64,
    /// Where the directories were, in order.
    pub dirs: Vec<String>,
    /// The files, by path within the backup.
    pub files: Vec<BackedUp>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// Its path within the backup.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its checksum.
    pub crc32c: u32,
}

impl Manifest {
    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Where a directory of the node is copied from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The directory.
    pub dir: PathBuf,
    /// Its part of a [`Cut`](crate::Cut), if the node runs.
    pub cut: Option<PathBuf>,
}

/// Why a backup could not be made or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// An I/O error.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// Something is where nothing may be.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// The backup is not whole, or not one.
    #[error("{}: {reason}", path.display())]
    Unsound {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The node has another number of directories.
    #[error("the backup has {backup} directories, the configuration {configured}")]
    OtherDirs {
        /// In the backup.
        backup: usize,
        /// In the configuration.
        configured: usize,
    },
    /// A directory of the node can't be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> BackupError + '_ {
    move |source| BackupError::Io {
        path: path.to_owned(),
        source,
    }
}

/// Copies the directories of a node to `to`, which must be empty or not there.
///
/// # Errors
/// See [`BackupError`]. What was copied stays, without a manifest.
pub fn back_up(
    files: &dyn Files,
    sources: &[Source],
    to: &Path,
    limpid: &str,
    taken_ms: i64,
) -> Result<Manifest, BackupError> {
    make_empty(files, to)?;
    let meta = MetaProperties::read(files, &sources[0].dir)?;
    let mut manifest = Manifest {
        format: FORMAT,
        limpid: limpid.to_owned(),
        cluster_id: meta.cluster_id,
        node_id: meta.node_id,
        taken_ms,
        dirs: sources
            .iter()
            .map(|source| source.dir.display().to_string())
            .collect(),
        files: Vec::new(),
    };
    for (i, source) in sources.iter().enumerate() {
        let mut copy = Copy {
            files,
            root: to,
            done: Vec::new(),
        };
        let part = i.to_string();
        files.create_dir_all(&to.join(&part)).map_err(failed(to))?;
        match &source.cut {
            Some(cut) => copy.cut(cut, &part)?,
            None => copy.logs(&source.dir, &part)?,
        }
        copy.own_files(&source.dir, &part)?;
        manifest.files.append(&mut copy.done);
    }
    sync_tree(files, to)?;
    let path = to.join(MANIFEST);
    let text = serde_json::to_vec_pretty(&manifest).map_err(|e| failed(&path)(e.into()))?;
    atomic_write(files, &path, &text).map_err(failed(&path))?;
    Ok(manifest)
}

/// Reads the manifest of a backup.
///
/// # Errors
/// When there is none, or one of a later version.
pub fn read_manifest(files: &dyn Files, backup: &Path) -> Result<Manifest, BackupError> {
    let path = backup.join(MANIFEST);
    let unsound = |reason: String| BackupError::Unsound {
        path: path.clone(),
        reason,
    };
    let bytes = match files.read_small(&path, MANIFEST_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(unsound(
                "this is no backup, or one that was not finished".to_owned(),
            ));
        }
        Err(e) => return Err(failed(&path)(e)),
    };
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|e| unsound(e.to_string()))?;
    if manifest.format != FORMAT {
        let found = manifest.format;
        return Err(unsound(format!(
            "format {found} is not known, only {FORMAT} is"
        )));
    }
    // What a manifest names must lie within the backup, and go within the node.
    let strange = |file: &&BackedUp| {
        let parts = Path::new(&file.path).components();
        let plain = |part| matches!(part, std::path::Component::Normal(_));
        !parts.into_iter().all(plain) || file.path.is_empty()
    };
    if let Some(file) = manifest.files.iter().find(strange) {
        return Err(unsound(format!(
            "{:?} is not the path of a file",
            file.path
        )));
    }
    Ok(manifest)
}

/// Compares every file of a backup with its checksum.
///
/// # Errors
/// The first file that is missing or differs.
pub fn verify_backup(files: &dyn Files, backup: &Path) -> Result<Manifest, BackupError> {
    let manifest = read_manifest(files, backup)?;
    let mut buffer = vec![0; PIECE_BYTES];
    for file in &manifest.files {
        let path = backup.join(&file.path);
        let found = checksum(files, &path, &mut buffer).map_err(failed(&path))?;
        compare(&path, found, file)?;
    }
    Ok(manifest)
}

/// Copies a backup to the directories of a node, which must be empty or not there.
///
/// # Errors
/// See [`BackupError`]. A directory that was not finished has no `meta.properties`, so that no
/// broker takes it for its own.
pub fn restore(
    files: &dyn Files,
    backup: &Path,
    dirs: &[PathBuf],
) -> Result<Manifest, BackupError> {
    let manifest = read_manifest(files, backup)?;
    if manifest.dirs.len() != dirs.len() {
        let (backup, configured) = (manifest.dirs.len(), dirs.len());
        return Err(BackupError::OtherDirs { backup, configured });
    }
    for dir in dirs {
        make_empty(files, dir)?;
    }
    // Last, because they say that a directory is complete.
    let is_meta = |file: &&BackedUp| file.path.ends_with(META_PROPERTIES);
    let (last, first): (Vec<_>, Vec<_>) = manifest.files.iter().partition(is_meta);
    for group in [first, last] {
        for file in group {
            let from = backup.join(&file.path);
            let to = place(&file.path, dirs).ok_or_else(|| BackupError::Unsound {
                path: from.clone(),
                reason: "it belongs to none of the directories".to_owned(),
            })?;
            if let Some(parent) = to.parent() {
                files.create_dir_all(parent).map_err(failed(parent))?;
            }
            let copied = copy_file(files, &from, &to, u64::MAX).map_err(failed(&from))?;
            compare(&from, copied, file)?;
        }
        for dir in dirs {
            sync_tree(files, dir)?;
        }
    }
    Ok(manifest)
}

/// `1/topic-0/file` is `topic-0/file` in the second directory.
fn place(path: &str, dirs: &[PathBuf]) -> Option<PathBuf> {
    let (number, rest) = path.split_once('/')?;
    Some(dirs.get(number.parse::<usize>().ok()?)?.join(rest))
}

fn compare(path: &Path, found: (u64, u32), file: &BackedUp) -> Result<(), BackupError> {
    if found == (file.bytes, file.crc32c) {
        return Ok(());
    }
    let reason = format!(
        "it has {} bytes and checksum {:08x}, the manifest says {} and {:08x}",
        found.0, found.1, file.bytes, file.crc32c
    );
    Err(BackupError::Unsound {
        path: path.to_owned(),
        reason,
    })
}

/// Copying into a backup.
struct Copy<'a> {
    files: &'a dyn Files,
    root: &'a Path,
    done: Vec<BackedUp>,
}

impl Copy<'_> {
    /// The logs of a running node.
    fn cut(&mut self, cut: &Path, part: &str) -> Result<(), BackupError> {
        let path = cut.join(cut_file::NAME);
        let ends = cut_file::read(self.files, &path).map_err(failed(&path))?;
        for end in ends {
            let active = names::segment_file(Path::new(""), end.segment, names::LOG);
            let limit = |name: &str| {
                if Path::new(name) == active {
                    end.bytes
                } else {
                    u64::MAX
                }
            };
            let to = format!("{part}/{}", end.log);
            self.dir(&cut.join(&end.log), &to, &|_| true, &limit)?;
        }
        self.dir(cut, part, &|name| name.ends_with("-checkpoint"), &|_| {
            u64::MAX
        })
    }

    /// The logs of a node that does not run.
    fn logs(&mut self, dir: &Path, part: &str) -> Result<(), BackupError> {
        for entry in self.files.list(dir).map_err(failed(dir))? {
            let is_log = matches!(names::dir_kind(&entry.name), DirKind::Log { .. });
            if entry.is_dir && is_log {
                let to = format!("{part}/{}", entry.name);
                let wanted = |name: &str| !is_leftover(name);
                self.dir(&dir.join(&entry.name), &to, &wanted, &|_| u64::MAX)?;
            }
        }
        self.dir(dir, part, &|name| name.ends_with("-checkpoint"), &|_| {
            u64::MAX
        })
    }

    /// What a directory has beside the logs: the cluster's metadata, and whose it is. After the
    /// logs, so that the metadata know every producer id that a log has.
    fn own_files(&mut self, dir: &Path, part: &str) -> Result<(), BackupError> {
        let metadata = dir.join(names::CLUSTER_METADATA);
        if self.files.exists(&metadata).map_err(failed(&metadata))? {
            let to = format!("{part}/{}", names::CLUSTER_METADATA);
            let before = self.done.len();
            let mut tries_left = METADATA_TRIES;
            loop {
                let wanted = |name: &str| !is_leftover(name);
                tries_left -= 1;
                match self.dir(&metadata, &to, &wanted, &|_| u64::MAX) {
                    // A snapshot has just replaced older files.
                    Err(BackupError::Io { source, .. })
                        if source.kind() == io::ErrorKind::NotFound && tries_left > 0 =>
                    {
                        self.done.truncate(before);
                        let there = self.root.join(&to);
                        self.files.remove_dir_all(&there).map_err(failed(&there))?;
                    }
                    done => break done?,
                }
            }
        }
        let own = [META_PROPERTIES, "bootstrap.checkpoint"];
        self.dir(dir, part, &|name| own.contains(&name), &|_| u64::MAX)
    }

    /// Copies the wanted files of one directory, of each at most as many bytes as `limit` says.
    fn dir(
        &mut self,
        from: &Path,
        to: &str,
        wanted: &dyn Fn(&str) -> bool,
        limit: &dyn Fn(&str) -> u64,
    ) -> Result<(), BackupError> {
        let target = self.root.join(to);
        self.files
            .create_dir_all(&target)
            .map_err(failed(&target))?;
        for entry in self.files.list(from).map_err(failed(from))? {
            if entry.is_dir || !wanted(&entry.name) {
                continue;
            }
            let path = from.join(&entry.name);
            let copied = copy_file(
                self.files,
                &path,
                &target.join(&entry.name),
                limit(&entry.name),
            );
            let (bytes, crc32c) = copied.map_err(failed(&path))?;
            self.done.push(BackedUp {
                path: format!("{to}/{}", entry.name),
                bytes,
                crc32c,
            });
        }
        Ok(())
    }
}

fn is_leftover(name: &str) -> bool {
    [
        names::DELETED,
        names::CLEANED,
        ".tmp",
        ".part",
        ".lock",
        names::RUN,
    ]
    .iter()
    .any(|end| name.ends_with(end))
}

/// Copies a file and syncs the copy; its length and checksum.
fn copy_file(files: &dyn Files, from: &Path, to: &Path, limit: u64) -> io::Result<(u64, u32)> {
    let source = files.open(from, OpenMode::Read)?;
    let target = files.open(to, OpenMode::Truncate)?;
    let mut buffer = vec![0; PIECE_BYTES];
    let (mut position, mut crc) = (0, 0);
    loop {
        let piece = (limit - position).min(PIECE_BYTES as u64) as usize;
        let got = source.read_up_to_at(&mut buffer[..piece], position)?;
        if got == 0 {
            break;
        }
        target.write_all_at(&buffer[..got], position)?;
        crc = crc32c::crc32c_append(crc, &buffer[..got]);
        position += got as u64;
    }
    target.sync_data()?;
    Ok((position, crc))
}

fn checksum(files: &dyn Files, path: &Path, buffer: &mut [u8]) -> io::Result<(u64, u32)> {
    let file = files.open(path, OpenMode::Read)?;
    let (mut position, mut crc) = (0, 0);
    loop {
        let got = file.read_up_to_at(buffer, position)?;
        if got == 0 {
            return Ok((position, crc));
        }
        crc = crc32c::crc32c_append(crc, &buffer[..got]);
        position += got as u64;
    }
}

fn make_empty(files: &dyn Files, dir: &Path) -> Result<(), BackupError> {
    if files.exists(dir).map_err(failed(dir))? {
        let mut entries = files.list(dir).map_err(failed(dir))?;
        // The root of a file system of its own.
        entries.retain(|entry| entry.name != "lost+found");
        if !entries.is_empty() {
            return Err(BackupError::NotEmpty(dir.to_owned()));
        }
    }
    files.create_dir_all(dir).map_err(failed(dir))
}

/// Makes the names in a directory and in those below it durable.
fn sync_tree(files: &dyn Files, dir: &Path) -> Result<(), BackupError> {
    for entry in files.list(dir).map_err(failed(dir))? {
        if entry.is_dir {
            sync_tree(files, &dir.join(&entry.name))?;
        }
    }
    files.sync_dir(dir).map_err(failed(dir))
}
