//! Reading batches from a file, and the two small text files of a partition directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use limpid_platform::files::{File, Files, OpenMode, atomic_write};
use limpid_protocol::Uuid;
use limpid_protocol::records::{BATCH_HEADER_BYTES, BatchHeader, BatchView};

use super::error::MetadataError;

/// The topic id of `__cluster_metadata`.
const METADATA_TOPIC_ID: &str = "AAAAAAAAAAAAAAAAAAAAAQ";

const MAX_TEXT_BYTES: u64 = 16 << 20;

/// What comes next in a file of batches.
#[derive(Debug)]
pub(super) enum Next {
    /// A whole batch with a right checksum.
    Batch { position: u64, bytes: Vec<u8> },
    /// Nothing.
    End,
    /// Bytes that are no batch, or not all of one.
    Broken { position: u64, reason: String },
}

/// Walks the batches of a log segment or a snapshot.
#[derive(Debug)]
pub(super) struct BatchReader {
    file: Arc<dyn File>,
    path: PathBuf,
    position: u64,
    len: u64,
}

impl BatchReader {
    pub(super) fn open(files: &dyn Files, path: &Path) -> Result<Self, MetadataError> {
        let file = files
            .open(path, OpenMode::Read)
            .map_err(MetadataError::io("open", path))?;
        let len = file.len().map_err(MetadataError::io("read", path))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            position: 0,
            len,
        })
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The next batch. After [`Next::Broken`] the reader stays where it is.
    pub(super) fn next(&mut self) -> Result<Next, MetadataError> {
        let position = self.position;
        let left = self.len - position;
        if left == 0 {
            return Ok(Next::End);
        }
        let broken = |reason: String| Ok(Next::Broken { position, reason });
        if left < BATCH_HEADER_BYTES as u64 {
            return broken(format!("{left} bytes are too few for a batch"));
        }
        let mut header = [0; BATCH_HEADER_BYTES];
        self.read(&mut header, position)?;
        let size = match BatchHeader::parse(&header) {
            Ok(header) => header.size(),
            Err(e) => return broken(e.to_string()),
        };
        if size as u64 > left {
            return broken(format!("batch of {size} bytes, {left} bytes left"));
        }
        let mut bytes = vec![0; size];
        self.read(&mut bytes, position)?;
        if let Err(e) = BatchView::parse(&bytes).and_then(|batch| batch.verify_crc()) {
            return broken(e.to_string());
        }
        self.position += size as u64;
        Ok(Next::Batch { position, bytes })
    }

    /// Where, behind a broken place, another batch starts whose base offset is at least
    /// `expected`: the damage is then no torn end.
    pub(super) fn batch_behind(
        &self,
        broken_at: u64,
        expected: i64,
    ) -> Result<Option<u64>, MetadataError> {
        let Ok(len) = usize::try_from(self.len - broken_at) else {
            return Ok(None);
        };
        let mut rest = vec![0; len];
        self.read(&mut rest, broken_at)?;
        let found = (1..rest.len().saturating_sub(BATCH_HEADER_BYTES)).find(|at| {
            let candidate = &rest[*at..];
            let Ok(header) = BatchHeader::parse(candidate) else {
                return false;
            };
            header.base_offset >= expected
                && header.size() <= candidate.len()
                && BatchView::parse(candidate).is_ok_and(|batch| batch.verify_crc().is_ok())
        });
        Ok(found.map(|at| broken_at + at as u64))
    }

    fn read(&self, buffer: &mut [u8], position: u64) -> Result<(), MetadataError> {
        self.file
            .read_exact_at(buffer, position)
            .map_err(MetadataError::io("read", &self.path))
    }
}

/// Makes sure that `partition.metadata` is there and means this log.
pub(super) fn ensure_partition_metadata(
    files: &dyn Files,
    log_dir: &Path,
) -> Result<(), MetadataError> {
    let path = log_dir.join("partition.metadata");
    let Some(text) = read_text(files, &path)? else {
        let text = format!("version: 0\ntopic_id: {METADATA_TOPIC_ID}");
        return atomic_write(files, &path, text.as_bytes())
            .map_err(MetadataError::io("write", &path));
    };
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim_start_matches(':').trim())
    };
    if field("version") != Some("0") {
        return Err(MetadataError::corrupt(&path, "it does not say version: 0"));
    }
    let id = field("topic_id").and_then(|id| id.parse::<Uuid>().ok());
    if id.map(|id| id.to_string()).as_deref() != Some(METADATA_TOPIC_ID) {
        let reason = format!("its topic_id is not {METADATA_TOPIC_ID}");
        return Err(MetadataError::corrupt(&path, reason));
    }
    Ok(())
}

/// `leader-epoch-checkpoint`: at which offset each epoch of the log starts.
///
/// ```text
/// 0            version
/// 2            number of lines that follow
/// 1 0          epoch and start offset
/// 2 64
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LeaderEpochs {
    /// (epoch, start offset), both rising.
    entries: Vec<(i32, i64)>,
}

impl LeaderEpochs {
    fn path(log_dir: &Path) -> PathBuf {
        log_dir.join("leader-epoch-checkpoint")
    }

    pub(super) fn read(files: &dyn Files, log_dir: &Path) -> Result<Self, MetadataError> {
        let path = Self::path(log_dir);
        let Some(text) = read_text(files, &path)? else {
            return Ok(Self::default());
        };
        Self::parse(&text).map_err(|reason| MetadataError::corrupt(&path, reason))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        if lines.next().map(str::trim) != Some("0") {
            return Err("line 1 is not the version 0".to_owned());
        }
        let count: usize = lines
            .next()
            .and_then(|line| line.trim().parse().ok())
            .ok_or("line 2 is not a number of lines")?;
        let mut entries: Vec<(i32, i64)> = Vec::new();
        for (index, line) in lines.enumerate() {
            let entry = line.split_once(' ').and_then(|(epoch, offset)| {
                Some((epoch.trim().parse().ok()?, offset.trim().parse().ok()?))
            });
            let (epoch, offset) =
                entry.ok_or_else(|| format!("line {} is not `epoch offset`", index + 3))?;
            if entries
                .last()
                .is_some_and(|last| epoch <= last.0 || offset < last.1)
            {
                return Err(format!("line {} goes back", index + 3));
            }
            entries.push((epoch, offset));
        }
        if entries.len() != count {
            return Err(format!("it says {count} lines and has {}", entries.len()));
        }
        Ok(Self { entries })
    }

    /// Notes that the records from `offset` on are of `epoch`; what contradicts that is dropped.
    pub(super) fn assign(&mut self, epoch: i32, offset: i64) {
        if self
            .entries
            .last()
            .is_some_and(|last| last.0 == epoch && last.1 <= offset)
        {
            return;
        }
        self.entries
            .retain(|entry| entry.0 < epoch && entry.1 < offset);
        self.entries.push((epoch, offset));
    }

    /// Forgets the epochs that start at or behind the end of the log.
    pub(super) fn truncate_to(&mut self, end_offset: i64) {
        self.entries.retain(|entry| entry.1 < end_offset);
    }

    pub(super) fn latest(&self) -> Option<i32> {
        self.entries.last().map(|entry| entry.0)
    }

    pub(super) fn write(&self, files: &dyn Files, log_dir: &Path) -> Result<(), MetadataError> {
        use std::fmt::Write as _;
        let path = Self::path(log_dir);
        let mut text = format!("0\n{}\n", self.entries.len());
        for (epoch, offset) in &self.entries {
            // Writing to a String does not fail.
            writeln!(text, "{epoch} {offset}").ok();
        }
        atomic_write(files, &path, text.as_bytes()).map_err(MetadataError::io("write", &path))
    }
}

fn read_text(files: &dyn Files, path: &Path) -> Result<Option<String>, MetadataError> {
    if !files
        .exists(path)
        .map_err(MetadataError::io("look for", path))?
    {
        return Ok(None);
    }
    let bytes = files
        .read_small(path, MAX_TEXT_BYTES)
        .map_err(MetadataError::io("read", path))?;
    let text = String::from_utf8(bytes);
    text.map(Some)
        .map_err(|e| MetadataError::corrupt(path, format!("not text: {e}")))
}
