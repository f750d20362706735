//! Records of `__consumer_offsets`, in Kafka's schemas.
//!
//! ```text
//! key:    record type i16 (1 offset, 2 classic group, 3 to 8 and 16 consumer
//!         group, 10 to 15 share group) | key
//! value:  schema version i16 | value; no value at all is a tombstone
//! ```

mod consumer;
mod share;

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use limpid_protocol::messages::GroupRecordKind;
use limpid_protocol::messages::group_metadata_key::GroupMetadataKey;
use limpid_protocol::messages::group_metadata_value::GroupMetadataValue;
use limpid_protocol::messages::offset_commit_key::OffsetCommitKey;
use limpid_protocol::messages::offset_commit_value::OffsetCommitValue;
use limpid_protocol::{DecodeError, EncodeError, Message, Reader};

pub use self::consumer::ConsumerChange;
pub use self::share::ShareChange;
use crate::offsets::Committed;

/// The version in which groups are written.
const GROUP_VALUE_VERSION: i16 = 3;
/// The version in which offsets are written.
const OFFSET_VALUE_VERSION: i16 = 4;
/// The only version that knows when an offset expires.
const OFFSET_VALUE_VERSION_EXPIRING: i16 = 1;
/// "None" for times in records.
const NO_TIME: i64 = -1;
/// The version of everything that belongs to the newer groups.
const VALUE_VERSION: i16 = 0;

/// Key and value.
type Encoded = (Bytes, Option<Bytes>);

/// Why a record can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Its bytes are not what its type says.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A string is too long.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// An offset, or that there is none any more.
    Offset {
        /// `group.id`.
        group: Arc<str>,
        /// The topic.
        topic: Arc<str>,
        /// The partition.
        partition: i32,
        /// The offset.
        committed: Option<Committed>,
    },
    /// A group, or that there is none any more.
    Group {
        /// `group.id`.
        group: Arc<str>,
        /// The group.
        value: Option<GroupMetadataValue>,
    },
    /// Something of a consumer group.
    Consumer {
        /// `group.id`.
        group: Arc<str>,
        /// What is new.
        change: ConsumerChange,
    },
    /// Something of a share group.
    Share {
        /// `group.id`.
        group: Arc<str>,
        /// What is new.
        change: ShareChange,
    },
}

impl Record {
    /// Key and value as they are written.
    ///
    /// # Errors
    /// A string is longer than the schema can say.
    pub fn encode(&self) -> Result<Encoded, RecordError> {
        match self {
            Self::Offset {
                group,
                topic,
                partition,
                committed,
            } => {
                let key = OffsetCommitKey {
                    group: group.to_string(),
                    topic: topic.to_string(),
                    partition: *partition,
                };
                let key = with_prefix(GroupRecordKind::OffsetCommit.code(), &key, 0)?;
                let value = committed.as_ref().map(|c| {
                    let version = match c.expire_ms {
                        Some(_) => OFFSET_VALUE_VERSION_EXPIRING,
                        None => OFFSET_VALUE_VERSION,
                    };
                    with_prefix(version, &offset_value(c, version), version)
                });
                Ok((key, value.transpose()?))
            }
            Self::Group { group, value } => {
                let key = GroupMetadataKey {
                    group: group.to_string(),
                };
                let key = with_prefix(GroupRecordKind::GroupMetadata.code(), &key, 0)?;
                let value = value
                    .as_ref()
                    .map(|v| with_prefix(GROUP_VALUE_VERSION, v, GROUP_VALUE_VERSION));
                Ok((key, value.transpose()?))
            }
            Self::Consumer { group, change } => change.encode(group),
            Self::Share { group, change } => change.encode(group),
        }
    }

    /// Reads a record; `None` for the kinds that belong to other protocols.
    ///
    /// # Errors
    /// Key or value is damaged, or of a version that is not known.
    pub fn decode(key: Bytes, value: Option<Bytes>) -> Result<Option<Self>, RecordError> {
        let mut key = Reader::of_record_key(key);
        let Some(kind) = GroupRecordKind::from_code(key.i16()?) else {
            return Ok(None);
        };
        let record = match kind {
            GroupRecordKind::OffsetCommit | GroupRecordKind::LegacyOffsetCommit => {
                let key = OffsetCommitKey::decode(&mut key, 0)?;
                Self::Offset {
                    group: key.group.into(),
                    topic: key.topic.into(),
                    partition: key.partition,
                    committed: versioned(value)?.map(offset_of),
                }
            }
            GroupRecordKind::GroupMetadata => Self::Group {
                group: GroupMetadataKey::decode(&mut key, 0)?.group.into(),
                value: versioned(value)?,
            },
            kind => {
                if let Some(of) = ShareChange::decode(kind, &mut key, value.clone())? {
                    let (group, change) = of;
                    return Ok(Some(Self::Share { group, change }));
                }
                match ConsumerChange::decode(kind, &mut key, value)? {
                    Some((group, change)) => Self::Consumer { group, change },
                    None => return Ok(None),
                }
            }
        };
        Ok(Some(record))
    }
}

fn with_prefix<M: Message>(prefix: i16, message: &M, version: i16) -> Result<Bytes, RecordError> {
    let mut bytes = BytesMut::new();
    bytes.put_i16(prefix);
    message.encode(&mut bytes, version)?;
    Ok(bytes.freeze())
}

/// Key and value of the newer groups.
fn keyed<K: Message, V: Message>(
    kind: GroupRecordKind,
    key: &K,
    value: Option<&V>,
) -> Result<Encoded, RecordError> {
    let key = with_prefix(kind.code(), key, 0)?;
    let value = value.map(|value| with_prefix(VALUE_VERSION, value, VALUE_VERSION));
    Ok((key, value.transpose()?))
}

fn versioned<M: Message>(value: Option<Bytes>) -> Result<Option<M>, RecordError> {
    let Some(value) = value else {
        return Ok(None);
    };
    let mut value = Reader::of_record_value(value);
    let version = value.i16()?;
    Ok(Some(M::decode(&mut value, version)?))
}

fn offset_value(committed: &Committed, version: i16) -> OffsetCommitValue {
    let mut value = OffsetCommitValue {
        offset: committed.offset,
        leader_epoch: committed.leader_epoch,
        metadata: committed.metadata.to_string(),
        commit_timestamp: committed.commit_ms,
        ..OffsetCommitValue::default()
    };
    if version == OFFSET_VALUE_VERSION_EXPIRING {
        // That version has neither epoch nor id.
        value.leader_epoch = OffsetCommitValue::default().leader_epoch;
        value.expire_timestamp = committed.expire_ms.unwrap_or(NO_TIME);
    } else {
        value.topic_id = committed.topic_id;
    }
    value
}

fn offset_of(value: OffsetCommitValue) -> Committed {
    Committed {
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: value.metadata.into(),
        commit_ms: value.commit_timestamp,
        expire_ms: (value.expire_timestamp != NO_TIME).then_some(value.expire_timestamp),
        topic_id: value.topic_id,
    }
}
