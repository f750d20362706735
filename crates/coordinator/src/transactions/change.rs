//! Changes, and the records of `__transaction_state` that they are written as.
//!
//! ```text
//! key:    record type i16 = 0 | transactional id
//! value:  schema version i16 | value; no value at all is a tombstone
//! ```

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use limpid_protocol::messages::TransactionRecordKind;
use limpid_protocol::messages::transaction_log_key::TransactionLogKey;
use limpid_protocol::messages::transaction_log_value::{PartitionsSchema, TransactionLogValue};
use limpid_protocol::{DecodeError, EncodeError, Message, Reader};

use super::NO_EPOCH;
use super::state::TxnState;
use super::transaction::{Partitions, ProducerKey, Transaction};

/// The only version of the key.
const KEY_VERSION: i16 = 0;
/// The value without tagged fields, for clusters at `transaction.version` 0.
const VALUE_VERSION_PLAIN: i16 = 0;
/// The value with tagged fields (KIP-890).
const VALUE_VERSION_TAGGED: i16 = 1;

/// Why a record can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TransactionRecordError {
    /// Its bytes are not what its type says.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A string is too long.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A state that no version of Kafka writes.
    #[error("no state of a transaction has the number {0}")]
    State(i8),
}

/// What a transactional id becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub(super) id: Arc<str>,
    /// `None` forgets the id.
    pub(super) next: Option<Box<Transaction>>,
}

impl Change {
    pub(super) fn to(next: Transaction) -> Self {
        Self {
            id: Arc::clone(&next.id),
            next: Some(Box::new(next)),
        }
    }

    pub(super) fn removal(id: &Arc<str>) -> Self {
        Self {
            id: Arc::clone(id),
            next: None,
        }
    }

    /// The transactional id.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// What it becomes; `None` if it is forgotten.
    pub fn next(&self) -> Option<&Transaction> {
        self.next.as_deref()
    }

    /// Key and value of the record, in the schema of the cluster's `transaction.version`.
    ///
    /// # Errors
    /// A string is too long.
    pub fn encode(&self, level: i16) -> Result<(Bytes, Option<Bytes>), TransactionRecordError> {
        let key = TransactionLogKey {
            transactional_id: self.id.to_string(),
        };
        let kind = TransactionRecordKind::TransactionLog.code();
        let key = with_prefix(kind, &key, KEY_VERSION)?;
        let Some(next) = &self.next else {
            return Ok((key, None));
        };
        let version = match level {
            ..1 => VALUE_VERSION_PLAIN,
            _ => VALUE_VERSION_TAGGED,
        };
        let value = with_prefix(version, &value_of(next, version), version)?;
        Ok((key, Some(value)))
    }

    /// What a record says.
    pub(super) fn of(record: StoredTransaction) -> Result<Self, TransactionRecordError> {
        let id: Arc<str> = record.id.into();
        match record.value {
            None => Ok(Self::removal(&id)),
            Some(value) => Ok(Self::to(transaction_of(id, value)?)),
        }
    }
}

/// A record as it was read, in Kafka's schema.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTransaction {
    id: String,
    /// `None` forgets the id.
    value: Option<TransactionLogValue>,
}

impl StoredTransaction {
    /// Reads a record; `None` for kinds that are not known.
    ///
    /// # Errors
    /// Key or value is damaged, or of a version that is not known.
    pub fn decode(
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<Option<Self>, TransactionRecordError> {
        let mut key = Reader::of_record_key(Bytes::copy_from_slice(key));
        let kind = key.i16()?;
        if kind != TransactionRecordKind::TransactionLog.code() {
            return Ok(None);
        }
        let id = TransactionLogKey::decode(&mut key, KEY_VERSION)?.transactional_id;
        let Some(value) = value else {
            return Ok(Some(Self { id, value: None }));
        };
        let mut value = Reader::of_record_value(Bytes::copy_from_slice(value));
        let version = value.i16()?;
        let value = Some(TransactionLogValue::decode(&mut value, version)?);
        Ok(Some(Self { id, value }))
    }
}

fn with_prefix<M: Message>(prefix: i16, message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let mut bytes = BytesMut::new();
    bytes.put_i16(prefix);
    message.encode(&mut bytes, version)?;
    Ok(bytes.freeze())
}

fn value_of(txn: &Transaction, version: i16) -> TransactionLogValue {
    let partitions = txn
        .partitions
        .iter()
        .map(|(topic, partitions)| PartitionsSchema {
            topic: topic.to_string(),
            partition_ids: partitions.iter().copied().collect(),
        });
    let mut value = TransactionLogValue {
        producer_id: txn.producer.id,
        producer_epoch: txn.producer.epoch,
        transaction_timeout_ms: txn.timeout_ms,
        transaction_status: txn.state.code(),
        transaction_partitions: (txn.state != TxnState::Empty).then(|| partitions.collect()),
        transaction_last_update_timestamp_ms: txn.updated_ms,
        transaction_start_timestamp_ms: txn.started_ms,
        ..TransactionLogValue::default()
    };
    if version >= VALUE_VERSION_TAGGED {
        value.previous_producer_id = txn.previous_producer_id;
        value.next_producer_id = txn.next_producer_id;
        value.client_transaction_version = txn.version;
    }
    value
}

fn transaction_of(
    id: Arc<str>,
    value: TransactionLogValue,
) -> Result<Transaction, TransactionRecordError> {
    let code = value.transaction_status;
    let state = TxnState::from_code(code).ok_or(TransactionRecordError::State(code))?;
    let mut partitions = Partitions::new();
    for topic in value.transaction_partitions.unwrap_or_default() {
        let known = partitions.entry(topic.topic.into()).or_default();
        known.extend(topic.partition_ids);
    }
    partitions.retain(|_, of_topic| !of_topic.is_empty());
    Ok(Transaction {
        id,
        producer: ProducerKey {
            id: value.producer_id,
            epoch: value.producer_epoch,
        },
        previous_producer_id: value.previous_producer_id,
        next_producer_id: value.next_producer_id,
        last_epoch: NO_EPOCH,
        timeout_ms: value.transaction_timeout_ms,
        state,
        partitions,
        started_ms: value.transaction_start_timestamp_ms,
        updated_ms: value.transaction_last_update_timestamp_ms,
        version: value.client_transaction_version,
    })
}
