//! Control records of the metadata log, and batches of either kind.
//!
//! A control record's key is `version i16 | type i16`, its value a message that starts with its
//! own version (KIP-595, KIP-630, KIP-853). They are about the quorum and the snapshot, not about
//! the cluster, so no image holds them.

use bytes::{Bytes, BytesMut};
use limpid_protocol::codec::{EncodeError, Message, Reader};
use limpid_protocol::messages::{
    KRaftVersionRecord, LeaderChangeMessage, SnapshotFooterRecord, SnapshotHeaderRecord,
    VotersRecord,
};
use limpid_protocol::records::{BatchBuilder, BatchView, BuildError, Codec, ControlType};

use super::record::{MetadataRecord, RecordError};

/// Most bytes that one batch of the metadata log may decompress to.
const MAX_PAYLOAD_BYTES: usize = 64 << 20;

/// A control record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Control {
    LeaderChange(LeaderChangeMessage),
    SnapshotHeader(SnapshotHeaderRecord),
    SnapshotFooter(SnapshotFooterRecord),
    KRaftVersion(KRaftVersionRecord),
    Voters(VotersRecord),
}

/// Why a batch can't be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum WriteError {
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl Control {
    fn decode(kind: ControlType, value: &[u8]) -> Result<Self, RecordError> {
        fn message<M: Message>(value: &[u8]) -> Result<M, RecordError> {
            let version = match value {
                [high, low, ..] => i16::from_be_bytes([*high, *low]),
                _ => 0,
            };
            let mut reader = Reader::new(Bytes::copy_from_slice(value));
            Ok(M::decode(&mut reader, version)?)
        }
        Ok(match kind {
            ControlType::LeaderChange => Self::LeaderChange(message(value)?),
            ControlType::SnapshotHeader => Self::SnapshotHeader(message(value)?),
            ControlType::SnapshotFooter => Self::SnapshotFooter(message(value)?),
            ControlType::KRaftVersion => Self::KRaftVersion(message(value)?),
            ControlType::KRaftVoters => Self::Voters(message(value)?),
            ControlType::Abort | ControlType::Commit => {
                return Err(RecordError::UnknownType(kind as i16 as u32));
            }
        })
    }

    fn encode(&self) -> Result<(ControlType, Bytes), EncodeError> {
        let mut out = BytesMut::new();
        let kind = match self {
            Self::LeaderChange(m) => m
                .encode(&mut out, m.version)
                .map(|()| ControlType::LeaderChange),
            Self::SnapshotHeader(m) => m.encode(&mut out, 0).map(|()| ControlType::SnapshotHeader),
            Self::SnapshotFooter(m) => m.encode(&mut out, 0).map(|()| ControlType::SnapshotFooter),
            Self::KRaftVersion(m) => m.encode(&mut out, 0).map(|()| ControlType::KRaftVersion),
            Self::Voters(m) => m.encode(&mut out, 0).map(|()| ControlType::KRaftVoters),
        }?;
        Ok((kind, out.freeze()))
    }
}

/// Where a batch goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchPlace {
    pub(super) base_offset: i64,
    pub(super) epoch: i32,
    pub(super) timestamp_ms: i64,
}

/// A batch of control records.
pub(super) fn control_batch(place: BatchPlace, controls: &[Control]) -> Result<Bytes, WriteError> {
    let mut builder = BatchBuilder::new(Codec::None)
        .base_offset(place.base_offset)
        .leader_epoch(place.epoch)
        .control(true);
    for control in controls {
        let (kind, value) = control.encode()?;
        builder.append(place.timestamp_ms, Some(&kind.key()), Some(&value), &[])?;
    }
    Ok(builder.build()?)
}

/// A batch of encoded metadata records.
pub(super) fn data_batch(place: BatchPlace, values: &[Bytes]) -> Result<Bytes, BuildError> {
    let mut builder = BatchBuilder::new(Codec::None)
        .base_offset(place.base_offset)
        .leader_epoch(place.epoch);
    for value in values {
        builder.append(place.timestamp_ms, None, Some(value), &[])?;
    }
    builder.build()
}

/// A record of a batch, of either kind, with its offset.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    Data(i64, MetadataRecord),
    Control(i64, Control),
}

/// All records of a batch whose checksum is right.
pub(super) fn entries(batch: &BatchView<'_>) -> Result<Vec<Entry>, String> {
    let mut scratch = Vec::new();
    let records = batch
        .records_with(MAX_PAYLOAD_BYTES, &mut scratch)
        .map_err(|e| e.to_string())?;
    let control = batch.header().attributes.is_control();
    let mut out = Vec::new();
    for record in records {
        let record = record.map_err(|e| e.to_string())?;
        let at = |e: &dyn std::fmt::Display| format!("offset {}: {e}", record.offset);
        let value = record
            .value
            .ok_or_else(|| at(&"metadata record without a value"))?;
        if !control {
            let decoded = MetadataRecord::decode(Bytes::copy_from_slice(value));
            out.push(Entry::Data(record.offset, decoded.map_err(|e| at(&e))?));
            continue;
        }
        let kind = ControlType::from_key(record.key.unwrap_or_default())
            .ok_or_else(|| at(&"control record of a type that is not known"))?;
        let decoded = Control::decode(kind, value).map_err(|e| at(&e))?;
        out.push(Entry::Control(record.offset, decoded));
    }
    Ok(out)
}
