//! The records of the metadata log and their frame.
//!
//! The value of each data record is
//!
//! ```text
//! uvarint frame version (1) | uvarint record type | uvarint record version | record
//! ```
//!
//! (KIP-631); its key is null. Every type of Kafka 4.3 is known here, those that Limpid has no use
//! for too: they are carried from log to snapshot so that nothing is lost on the way back to Kafka.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use limpid_protocol::codec::{
    DecodeError, EncodeError, Message, MetadataRecordMessage, Reader, put_uvarint,
};
use limpid_protocol::messages::*;

/// The only frame version there is.
const FRAME_VERSION: u32 = 1;

/// `metadata.version` levels that changed a record's layout, by the release that brought them.
mod level {
    pub(super) const V3_4_IV0: i16 = 8;
    pub(super) const V3_7_IV2: i16 = 17;
    pub(super) const V4_0_IV1: i16 = 23;
    pub(super) const V4_3_IV0: i16 = 30;
}

/// Why a metadata record can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A frame of another version than 1.
    #[error("metadata record frame of version {0} is not known")]
    Frame(u32),
    /// A record type of a later Kafka: dropping it would lose metadata.
    #[error("metadata record of type {0} is not known (written by a later Kafka than 4.3?)")]
    UnknownType(u32),
    /// The record's bytes aren't a record of that type and version.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Bytes follow the record.
    #[error("{0} bytes follow the metadata record")]
    Trailing(usize),
}

macro_rules! metadata_records {
    ($($variant:ident($message:ident)),+ $(,)?) => {
        /// A record of the `__cluster_metadata` log.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, reason = "each variant is the record it is named after")]
        pub enum MetadataRecord {
            $($variant($message)),+
        }

        $(impl From<$message> for MetadataRecord {
            fn from(record: $message) -> Self {
                Self::$variant(record)
            }
        })+

        impl MetadataRecord {
            /// The number that stands for the type on disk.
            #[must_use]
            pub fn api_key(&self) -> i16 {
                match self {
                    $(Self::$variant(_) => $message::API_KEY),+
                }
            }

            /// Kafka's name of the type.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $message::NAME),+
                }
            }

            fn encode_message(&self, out: &mut BytesMut, version: i16) -> Result<(), EncodeError> {
                match self {
                    $(Self::$variant(record) => record.encode(out, version)),+
                }
            }

            fn decode_message(r: &mut Reader, key: u32, version: i16) -> Result<Self, RecordError> {
                let Ok(narrow) = i16::try_from(key) else {
                    return Err(RecordError::UnknownType(key));
                };
                $(if narrow == $message::API_KEY {
                    return Ok(Self::$variant($message::decode(r, version)?));
                })+
                Err(RecordError::UnknownType(key))
            }
        }
    };
}

metadata_records! {
    RegisterBroker(RegisterBrokerRecord),
    UnregisterBroker(UnregisterBrokerRecord),
    Topic(TopicRecord),
    Partition(PartitionRecord),
    Config(ConfigRecord),
    PartitionChange(PartitionChangeRecord),
    FenceBroker(FenceBrokerRecord),
    UnfenceBroker(UnfenceBrokerRecord),
    RemoveTopic(RemoveTopicRecord),
    DelegationToken(DelegationTokenRecord),
    UserScramCredential(UserScramCredentialRecord),
    FeatureLevel(FeatureLevelRecord),
    ClientQuota(ClientQuotaRecord),
    ProducerIds(ProducerIdsRecord),
    BrokerRegistrationChange(BrokerRegistrationChangeRecord),
    AccessControlEntry(AccessControlEntryRecord),
    RemoveAccessControlEntry(RemoveAccessControlEntryRecord),
    NoOp(NoOpRecord),
    ZkMigrationState(ZkMigrationStateRecord),
    RemoveUserScramCredential(RemoveUserScramCredentialRecord),
    BeginTransaction(BeginTransactionRecord),
    EndTransaction(EndTransactionRecord),
    AbortTransaction(AbortTransactionRecord),
    RemoveDelegationToken(RemoveDelegationTokenRecord),
    RegisterController(RegisterControllerRecord),
    ClearElr(ClearElrRecord),
}

impl MetadataRecord {
    /// Reads the value of a data record: frame and record, with nothing behind them.
    ///
    /// # Errors
    /// [`RecordError`]; types and versions that are not known are errors, never skipped.
    pub fn decode(value: Bytes) -> Result<Self, RecordError> {
        let mut reader = Reader::of_record_value(value);
        let frame = reader.uvarint()?;
        if frame != FRAME_VERSION {
            return Err(RecordError::Frame(frame));
        }
        let key = reader.uvarint()?;
        let version = i16::try_from(reader.uvarint()?).unwrap_or(i16::MAX);
        let record = Self::decode_message(&mut reader, key, version)?;
        match reader.remaining() {
            0 => Ok(record),
            trailing => Err(RecordError::Trailing(trailing)),
        }
    }

    /// The value of the data record that a cluster at this `metadata.version` writes.
    ///
    /// What an older `metadata.version` can't express (directories before 3.7, eligible leader
    /// replicas before 4.0) is left out, as Kafka's controller does.
    ///
    /// # Errors
    /// When a string or an array is longer than the format can say.
    pub fn encode(&self, metadata_version: i16) -> Result<Bytes, EncodeError> {
        let version = self.version_at(metadata_version);
        let fitted = self.fitted(version);
        let mut out = BytesMut::with_capacity(64);
        put_uvarint(&mut out, FRAME_VERSION);
        put_uvarint(&mut out, u32::from(self.api_key().unsigned_abs()));
        put_uvarint(&mut out, u32::from(version.unsigned_abs()));
        fitted
            .as_ref()
            .unwrap_or(self)
            .encode_message(&mut out, version)?;
        Ok(out.freeze())
    }

    /// The version of the record that Kafka writes at this `metadata.version`.
    fn version_at(&self, metadata_version: i16) -> i16 {
        match self {
            Self::RegisterBroker(_) => match metadata_version {
                level::V4_3_IV0.. => 4,
                level::V3_7_IV2.. => 3,
                level::V3_4_IV0.. => 2,
                _ => 1,
            },
            Self::Partition(_) | Self::PartitionChange(_) => match metadata_version {
                level::V4_0_IV1.. => 2,
                level::V3_7_IV2.. => 1,
                _ => 0,
            },
            Self::BrokerRegistrationChange(change) => {
                if change.cordoned_log_dirs.is_some() && metadata_version >= level::V4_3_IV0 {
                    3
                } else if !change.log_dirs.is_empty() && metadata_version >= level::V3_7_IV2 {
                    2
                } else {
                    i16::from(change.in_controlled_shutdown != 0)
                }
            }
            _ => 0,
        }
    }

    /// The record as a reader at this `metadata.version` will see it once it is written.
    pub(super) fn as_written_at(&self, metadata_version: i16) -> Cow<'_, Self> {
        let fitted = self.fitted(self.version_at(metadata_version));
        fitted.map_or(Cow::Borrowed(self), Cow::Owned)
    }

    /// A copy without the fields that `version` lacks, or `None` when it has them all.
    fn fitted(&self, version: i16) -> Option<Self> {
        let mut copy = match self {
            Self::RegisterBroker(_) if version < 4 => self.clone(),
            Self::Partition(_) | Self::PartitionChange(_) if version < 2 => self.clone(),
            Self::BrokerRegistrationChange(_) if version < 3 => self.clone(),
            _ => return None,
        };
        match &mut copy {
            Self::RegisterBroker(r) => {
                r.cordoned_log_dirs = None;
                if version < 3 {
                    r.log_dirs.clear();
                }
            }
            Self::Partition(r) => {
                r.eligible_leader_replicas = None;
                r.last_known_elr = None;
                if version < 1 {
                    r.directories.clear();
                }
            }
            Self::PartitionChange(r) => {
                r.eligible_leader_replicas = None;
                r.last_known_elr = None;
                if version < 1 {
                    r.directories = None;
                }
            }
            Self::BrokerRegistrationChange(r) => {
                r.cordoned_log_dirs = None;
                if version < 2 {
                    r.log_dirs.clear();
                }
            }
            _ => {}
        }
        Some(copy)
    }
}

#[cfg(test)]
mod tests;
