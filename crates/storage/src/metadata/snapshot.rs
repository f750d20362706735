//! Snapshots: an image as records, in a file of its own (KIP-630).
//!
//! `<20 digits>-<10 digits>.checkpoint` holds the metadata up to, not including, that offset; the
//! second number is the epoch of the last record. Inside are batches as in the log, their offsets
//! counted from 0:
//!
//! ```text
//! control batch   SnapshotHeader [, KRaftVersion, KRaftVoters]
//! data batches    features, brokers, controllers, topics, configs, quotas, producer ids, ACLs …
//! control batch   SnapshotFooter
//! ```
//!
//! The voters are there only when the quorum keeps them in the log (`kraft.version` 1, KIP-853).
//! A file without its footer is not a snapshot. It is written as `.checkpoint.part` and renamed.
//! `bootstrap.checkpoint` has the same form.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use limpid_platform::files::{File, Files, OpenMode};
use limpid_protocol::messages::{
    ConfigRecord, FeatureLevelRecord, ProducerIdsRecord, SnapshotFooterRecord, SnapshotHeaderRecord,
};
use limpid_protocol::records::BatchView;

use super::control::{BatchPlace, Control, Entry, control_batch, data_batch, entries};
use super::error::MetadataError;
use super::files::{BatchReader, Next};
use super::image::{Image, METADATA_VERSION, OtherKey};
use super::quorum::Quorum;
use super::record::MetadataRecord;

/// Most records in one batch of a snapshot, as in Kafka.
const MAX_BATCH_RECORDS: usize = 1024;

/// A batch of a snapshot is written once its records have this many bytes.
const MAX_BATCH_BYTES: usize = 1 << 20;

/// What a snapshot covers: all records before `offset`, the last of them of `epoch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SnapshotId {
    pub(super) offset: i64,
    pub(super) epoch: i32,
}

impl SnapshotId {
    pub(super) fn file_name(self) -> String {
        format!("{:020}-{:010}.checkpoint", self.offset, self.epoch)
    }

    fn parse(stem: &str) -> Option<Self> {
        let (offset, epoch) = stem.split_once('-')?;
        let digits = |text: &str, n| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(offset, 20) || !digits(epoch, 10) {
            return None;
        }
        Some(Self {
            offset: offset.parse().ok()?,
            epoch: epoch.parse().ok()?,
        })
    }
}

/// The content of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Snapshot {
    /// Append time of the last record that it covers, in milliseconds since 1970.
    pub(super) last_contained_ms: i64,
    pub(super) quorum: Quorum,
    pub(super) records: Vec<MetadataRecord>,
}

/// The snapshots of a log directory, oldest first. Unfinished ones are removed.
pub(super) fn list(files: &dyn Files, dir: &Path) -> Result<Vec<(SnapshotId, u64)>, MetadataError> {
    let mut found = Vec::new();
    for entry in files.list(dir).map_err(MetadataError::io("list", dir))? {
        let stem = entry.name.strip_suffix(".checkpoint");
        if let Some(id) = stem.and_then(SnapshotId::parse) {
            found.push((id, entry.len));
        } else if [".checkpoint.part", ".checkpoint.deleted"]
            .iter()
            .any(|suffix| entry.name.ends_with(suffix))
        {
            let path = dir.join(&entry.name);
            files
                .remove_file(&path)
                .map_err(MetadataError::io("remove", &path))?;
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a snapshot whole.
pub(super) fn read(files: &dyn Files, path: &Path) -> Result<Snapshot, MetadataError> {
    let corrupt = |reason: String| MetadataError::corrupt(path, reason);
    let mut reader = BatchReader::open(files, path)?;
    let mut header = None;
    let mut quorum = Quorum::default();
    let mut records = Vec::new();
    let mut footer = false;
    loop {
        let at = reader.position();
        let bytes = match reader.next()? {
            Next::Batch { bytes, .. } => bytes,
            Next::Broken { reason, .. } => return Err(corrupt(format!("byte {at}: {reason}"))),
            Next::End => break,
        };
        if footer {
            return Err(corrupt(format!(
                "byte {at}: a batch behind the snapshot's footer"
            )));
        }
        let batch = BatchView::parse(&bytes).map_err(|e| corrupt(format!("byte {at}: {e}")))?;
        for entry in entries(&batch).map_err(|e| corrupt(format!("byte {at}: {e}")))? {
            match entry {
                Entry::Control(_, Control::SnapshotHeader(h)) if header.is_none() => {
                    header = Some(h);
                }
                _ if header.is_none() => {
                    return Err(corrupt(
                        "it does not begin with a snapshot header".to_owned(),
                    ));
                }
                Entry::Control(_, Control::SnapshotFooter(_)) => footer = true,
                Entry::Control(_, control) => quorum.apply(&control),
                Entry::Data(_, record) => records.push(record),
            }
        }
    }
    match header {
        Some(header) if footer => {
            let last_contained_ms = header.last_contained_log_timestamp;
            Ok(Snapshot {
                last_contained_ms,
                quorum,
                records,
            })
        }
        _ => Err(corrupt(
            "it has no snapshot header and footer: it is not whole".to_owned(),
        )),
    }
}

/// The append time of the last record that a snapshot covers, from its first batch.
pub(super) fn last_contained_ms(files: &dyn Files, path: &Path) -> Result<i64, MetadataError> {
    let mut reader = BatchReader::open(files, path)?;
    let Next::Batch { bytes, .. } = reader.next()? else {
        return Err(MetadataError::corrupt(
            path,
            "it does not begin with a batch",
        ));
    };
    let entries = BatchView::parse(&bytes)
        .map_err(|e| e.to_string())
        .and_then(|b| entries(&b));
    match entries
        .map_err(|reason| MetadataError::corrupt(path, reason))?
        .first()
    {
        Some(Entry::Control(_, Control::SnapshotHeader(h))) => Ok(h.last_contained_log_timestamp),
        _ => Err(MetadataError::corrupt(
            path,
            "it does not begin with a snapshot header",
        )),
    }
}

/// What goes into a snapshot file.
#[derive(Debug)]
pub(super) struct Content<'a, I> {
    /// The epoch in the batches.
    pub(super) epoch: i32,
    /// Append time of the last record covered.
    pub(super) last_contained_ms: i64,
    /// The time to put on the batches.
    pub(super) now_ms: i64,
    pub(super) quorum: &'a Quorum,
    /// The level that the records are written at.
    pub(super) metadata_version: i16,
    pub(super) records: I,
}

/// Writes a snapshot file: whole and durable, or not at all. Returns its length in bytes.
pub(super) fn write<I>(
    files: &dyn Files,
    path: &Path,
    content: Content<'_, I>,
) -> Result<u64, MetadataError>
where
    I: Iterator<Item = MetadataRecord>,
{
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let dir = path.parent().unwrap_or(Path::new("."));
    let written = (|| {
        let file = files
            .open(&part, OpenMode::Truncate)
            .map_err(MetadataError::io("create", &part))?;
        let len = write_batches(&*file, &part, content)?;
        file.sync_data().map_err(MetadataError::io("sync", &part))?;
        files
            .rename(&part, path)
            .map_err(MetadataError::io("rename", &part))?;
        Ok(len)
    })();
    match written {
        Ok(len) => {
            files
                .sync_dir(dir)
                .map_err(MetadataError::io("sync", dir))?;
            Ok(len)
        }
        Err(e) => {
            // Best effort: what stays is removed at the next start.
            files.remove_file(&part).ok();
            Err(e)
        }
    }
}

fn write_batches<I>(
    file: &dyn File,
    path: &Path,
    content: Content<'_, I>,
) -> Result<u64, MetadataError>
where
    I: Iterator<Item = MetadataRecord>,
{
    let unfit = |e: &dyn std::fmt::Display| MetadataError::unsuitable(path, e.to_string());
    let mut place = BatchPlace {
        base_offset: 0,
        epoch: content.epoch,
        timestamp_ms: content.now_ms,
    };
    let mut position = 0;
    let mut put = |batch: Bytes| {
        file.write_all_at(&batch, position)
            .map_err(MetadataError::io("write", path))?;
        position += batch.len() as u64;
        Ok::<_, MetadataError>(position)
    };
    let header = SnapshotHeaderRecord {
        version: 0,
        last_contained_log_timestamp: content.last_contained_ms,
    };
    let mut controls = vec![Control::SnapshotHeader(header)];
    controls.extend(content.quorum.controls());
    put(control_batch(place, &controls).map_err(|e| unfit(&e))?)?;
    place.base_offset += controls.len() as i64;

    let mut values = Vec::new();
    let mut bytes = 0;
    let mut records = content.records.peekable();
    while let Some(record) = records.next() {
        let value = record
            .encode(content.metadata_version)
            .map_err(|e| unfit(&e))?;
        bytes += value.len();
        values.push(value);
        let full = values.len() == MAX_BATCH_RECORDS || bytes >= MAX_BATCH_BYTES;
        if full || records.peek().is_none() {
            put(data_batch(place, &values).map_err(|e| unfit(&e))?)?;
            place.base_offset += values.len() as i64;
            values.clear();
            bytes = 0;
        }
    }
    let footer = Control::SnapshotFooter(SnapshotFooterRecord { version: 0 });
    put(control_batch(place, &[footer]).map_err(|e| unfit(&e))?)
}

/// The records that make an image out of nothing.
pub(super) fn image_records(image: &Image) -> impl Iterator<Item = MetadataRecord> + '_ {
    let level = |name: &str, level: i16| {
        let record = FeatureLevelRecord {
            name: name.to_owned(),
            feature_level: level,
        };
        MetadataRecord::FeatureLevel(record)
    };
    // First of all the level that says how to read the rest.
    let version = image
        .features
        .get(METADATA_VERSION)
        .map(|v| level(METADATA_VERSION, *v));
    let features = image
        .features
        .iter()
        .filter(|(name, _)| *name != METADATA_VERSION);
    let features = features.map(move |(name, v)| level(name, *v));
    let brokers = image
        .brokers()
        .map(|r| MetadataRecord::RegisterBroker((**r).clone()));
    let controllers = image
        .controllers()
        .map(|r| MetadataRecord::RegisterController((**r).clone()));
    let topics = image.topics().flat_map(|topic| {
        let partitions = topic.partitions.iter().map(|(number, partition)| {
            MetadataRecord::Partition(partition.to_record(topic.id, *number))
        });
        std::iter::once(MetadataRecord::Topic(topic.to_record())).chain(partitions)
    });
    let configs = image.config_resources().flat_map(|(resource, configs)| {
        configs.iter().map(|(name, value)| {
            MetadataRecord::Config(ConfigRecord {
                resource_type: resource.kind.code(),
                resource_name: resource.name.clone(),
                name: name.clone(),
                value: Some(value.clone()),
            })
        })
    });
    let next = ProducerIdsRecord {
        broker_id: -1,
        broker_epoch: -1,
        next_producer_id: image.next_producer_id,
    };
    let producer_ids = (next.next_producer_id > 0).then_some(MetadataRecord::ProducerIds(next));
    // Kafka writes quotas before the producer ids; nothing depends on the order.
    let quota = |key: &OtherKey| matches!(key, OtherKey::ClientQuota(..));
    let quotas = image.others.iter().filter(move |(key, _)| quota(key));
    let others = image.others.iter().filter(move |(key, _)| !quota(key));
    let kept = |(_, record): (_, &std::sync::Arc<MetadataRecord>)| (**record).clone();
    version
        .into_iter()
        .chain(features)
        .chain(brokers)
        .chain(controllers)
        .chain(topics)
        .chain(configs)
        .chain(quotas.map(kept))
        .chain(producer_ids)
        .chain(others.map(kept))
}
