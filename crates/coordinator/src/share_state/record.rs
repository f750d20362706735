//! The records.

use bytes::{BufMut, Bytes, BytesMut};
use limpid_protocol::messages::ShareRecordKind;
use limpid_protocol::messages::share_snapshot_key::ShareSnapshotKey;
use limpid_protocol::messages::share_snapshot_value::{
    ShareSnapshotValue, StateBatch as SnapshotBatch,
};
use limpid_protocol::messages::share_update_key::ShareUpdateKey;
use limpid_protocol::messages::share_update_value::{ShareUpdateValue, StateBatch as UpdateBatch};
use limpid_protocol::{Message, Reader};

use super::StateKey;
use crate::delivery::{Batch, Fate};
use crate::record::RecordError;

/// The only version of both.
const VERSION: i16 = 0;

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub struct StateRecord {
    /// Of which partition.
    pub key: StateKey,
    /// What is new.
    pub change: StateChange,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub enum StateChange {
    /// Everything, or that there is nothing any more.
    Snapshot(Option<ShareSnapshotValue>),
    /// What changed.
    Update(ShareUpdateValue),
}

impl StateRecord {
    /// Key and value as they are written.
    ///
    /// # Errors
    /// A string is longer than the schema can say.
    pub fn encode(&self) -> Result<(Bytes, Option<Bytes>), RecordError> {
        let group_id = self.key.group.to_string();
        let (topic_id, partition) = (self.key.topic, self.key.partition);
        match &self.change {
            StateChange::Snapshot(value) => {
                let key = ShareSnapshotKey {
                    group_id,
                    topic_id,
                    partition,
                };
                let key = prefixed(ShareRecordKind::ShareSnapshot.code(), &key)?;
                let value = value.as_ref().map(|value| prefixed(VERSION, value));
                Ok((key, value.transpose()?))
            }
            StateChange::Update(value) => {
                let key = ShareUpdateKey {
                    group_id,
                    topic_id,
                    partition,
                };
                let key = prefixed(ShareRecordKind::ShareUpdate.code(), &key)?;
                Ok((key, Some(prefixed(VERSION, value)?)))
            }
        }
    }

    /// Reads a record; `None` for kinds that are not known.
    ///
    /// # Errors
    /// Key or value is damaged, or of a version that is not known.
    pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<Self>, RecordError> {
        let mut key = Reader::of_record_key(Bytes::copy_from_slice(key));
        let value = value.map(Bytes::copy_from_slice);
        match ShareRecordKind::from_code(key.i16()?) {
            Some(ShareRecordKind::ShareSnapshot) => {
                let key = ShareSnapshotKey::decode(&mut key, VERSION)?;
                let key = StateKey {
                    group: key.group_id.into(),
                    topic: key.topic_id,
                    partition: key.partition,
                };
                let change = StateChange::Snapshot(value.map(versioned).transpose()?);
                Ok(Some(Self { key, change }))
            }
            Some(ShareRecordKind::ShareUpdate) => {
                let key = ShareUpdateKey::decode(&mut key, VERSION)?;
                let key = StateKey {
                    group: key.group_id.into(),
                    topic: key.topic_id,
                    partition: key.partition,
                };
                let change = match value {
                    Some(value) => StateChange::Update(versioned(value)?),
                    // Nobody writes these.
                    None => return Ok(None),
                };
                Ok(Some(Self { key, change }))
            }
            _ => Ok(None),
        }
    }
}

fn prefixed<M: Message>(prefix: i16, message: &M) -> Result<Bytes, RecordError> {
    let mut bytes = BytesMut::new();
    bytes.put_i16(prefix);
    message.encode(&mut bytes, VERSION)?;
    Ok(bytes.freeze())
}

fn versioned<M: Message>(value: Bytes) -> Result<M, RecordError> {
    let mut value = Reader::of_record_value(value);
    let version = value.i16()?;
    Ok(M::decode(&mut value, version)?)
}

pub(super) fn snapshot_batch(batch: Batch) -> SnapshotBatch {
    SnapshotBatch {
        first_offset: batch.first,
        last_offset: batch.last,
        delivery_state: batch.fate.code(),
        delivery_count: batch.count,
    }
}

pub(super) fn update_batch(batch: Batch) -> UpdateBatch {
    UpdateBatch {
        first_offset: batch.first,
        last_offset: batch.last,
        delivery_state: batch.fate.code(),
        delivery_count: batch.count,
    }
}

pub(super) fn batch_of_snapshot(batch: &SnapshotBatch) -> Option<Batch> {
    Some(Batch {
        first: batch.first_offset,
        last: batch.last_offset,
        fate: Fate::from_code(batch.delivery_state)?,
        count: batch.delivery_count,
    })
}

pub(super) fn batch_of_update(batch: &UpdateBatch) -> Option<Batch> {
    Some(Batch {
        first: batch.first_offset,
        last: batch.last_offset,
        fate: Fate::from_code(batch.delivery_state)?,
        count: batch.delivery_count,
    })
}
