//! `FetchResponse`, versions 4-18, written by hand: records are ropes of slices.
//!
//! [`FetchResponse::encode_to`] hands record bytes over as they are, to be written with `writev`.
//! Kafka answers without records as empty rather than null; so do we, and null is read as empty.

use bytes::{BufMut, Bytes, BytesMut};

use crate::codec::{self, DecodeError, Element, EncodeError, Message, Reader};
use crate::{Chunks, Gap, Uuid};

/// First version with tagged fields.
const FLEXIBLE: i16 = 12;

/// `FetchResponse`, versions 4-18.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchResponse {
    /// `ThrottleTimeMs`, versions 4+.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, versions 7+.
    pub error_code: i16,
    /// `SessionId`, versions 7+.
    pub session_id: i32,
    /// `Responses`, versions 4+.
    pub responses: Vec<FetchableTopicResponse>,
    /// `NodeEndpoints`, versions 16+, tag 0.
    pub node_endpoints: Vec<NodeEndpoint>,
}

/// `FetchableTopicResponse` of `FetchResponse`, versions 4-18.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchableTopicResponse {
    /// `Topic`, versions 4-12.
    pub topic: String,
    /// `TopicId`, versions 13+.
    pub topic_id: Uuid,
    /// `Partitions`, versions 4+.
    pub partitions: Vec<PartitionData>,
}

/// `PartitionData` of `FetchResponse`, versions 4-18.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionData {
    /// `PartitionIndex`, versions 4+.
    pub partition_index: i32,
    /// `ErrorCode`, versions 4+.
    pub error_code: i16,
    /// `HighWatermark`, versions 4+.
    pub high_watermark: i64,
    /// `LastStableOffset`, versions 4+, default -1.
    pub last_stable_offset: i64,
    /// `LogStartOffset`, versions 5+, default -1.
    pub log_start_offset: i64,
    /// `DivergingEpoch`, versions 12+, tag 0.
    pub diverging_epoch: EpochEndOffset,
    /// `CurrentLeader`, versions 12+, tag 1.
    pub current_leader: LeaderIdAndEpoch,
    /// `SnapshotId`, versions 12+, tag 2.
    pub snapshot_id: SnapshotId,
    /// `AbortedTransactions`, versions 4+, nullable.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// `PreferredReadReplica`, versions 11+, default -1.
    pub preferred_read_replica: i32,
    /// `Records`, versions 4+: runs of whole batches, but for what a gap lies between.
    pub records: Vec<Bytes>,
    /// Bytes of records that lie behind the first of the runs and are not in memory.
    /// [`FetchResponse::encode_to`] leaves room for them; nothing else can encode them.
    pub gap: Option<Gap>,
}

/// `EpochEndOffset` of `FetchResponse`, versions 12-18.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochEndOffset {
    /// `Epoch`, versions 12+, default -1.
    pub epoch: i32,
    /// `EndOffset`, versions 12+, default -1.
    pub end_offset: i64,
}

/// `LeaderIdAndEpoch` of `FetchResponse`, versions 12-18.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// `LeaderId`, versions 12+, default -1.
    pub leader_id: i32,
    /// `LeaderEpoch`, versions 12+, default -1.
    pub leader_epoch: i32,
}

/// `SnapshotId` of `FetchResponse`, versions 12-18.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SnapshotId {
    /// `EndOffset`, versions 12+, default -1.
    pub end_offset: i64,
    /// `Epoch`, versions 12+, default -1.
    pub epoch: i32,
}

/// `AbortedTransaction` of `FetchResponse`, versions 4-18.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AbortedTransaction {
    /// `ProducerId`, versions 4+.
    pub producer_id: i64,
    /// `FirstOffset`, versions 4+.
    pub first_offset: i64,
}

/// `NodeEndpoint` of `FetchResponse`, versions 16-18.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeEndpoint {
    /// `NodeId`, versions 16+.
    pub node_id: i32,
    /// `Host`, versions 16+.
    pub host: String,
    /// `Port`, versions 16+.
    pub port: i32,
    /// `Rack`, versions 16+, nullable, default null.
    pub rack: Option<String>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            high_watermark: 0,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: EpochEndOffset::default(),
            current_leader: LeaderIdAndEpoch::default(),
            snapshot_id: SnapshotId::default(),
            aborted_transactions: Some(Vec::new()),
            preferred_read_replica: -1,
            records: Vec::new(),
            gap: None,
        }
    }
}

impl PartitionData {
    /// Bytes of the records, the gap included.
    pub fn records_bytes(&self) -> usize {
        let runs: usize = self.records.iter().map(Bytes::len).sum();
        runs + self.gap.map_or(0, Gap::bytes)
    }
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self {
            epoch: -1,
            end_offset: -1,
        }
    }
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self {
            leader_id: -1,
            leader_epoch: -1,
        }
    }
}

impl Default for SnapshotId {
    fn default() -> Self {
        Self {
            end_offset: -1,
            epoch: -1,
        }
    }
}

impl Message for FetchResponse {
    const NAME: &'static str = "FetchResponse";
    const MIN_VERSION: i16 = 4;
    const MAX_VERSION: i16 = 18;
}

impl crate::codec::Response for FetchResponse {
    const THROTTLES: bool = true;

    fn set_throttle_time_ms(&mut self, ms: i32) {
        self.throttle_time_ms = ms;
    }
}

/// Where a response goes: bytes, and records that may be kept as they are.
trait Sink {
    fn inline(&mut self) -> &mut BytesMut;
    fn records(&mut self, run: &Bytes);
    fn gap(&mut self, gap: Gap) -> Result<(), EncodeError>;
}

impl Sink for BytesMut {
    fn inline(&mut self) -> &mut BytesMut {
        self
    }

    fn records(&mut self, run: &Bytes) {
        self.put_slice(run);
    }

    fn gap(&mut self, _: Gap) -> Result<(), EncodeError> {
        let message = FetchResponse::NAME;
        Err(EncodeError::NotInMemory { message })
    }
}

impl Sink for Chunks {
    fn inline(&mut self) -> &mut BytesMut {
        Self::inline(self)
    }

    fn records(&mut self, run: &Bytes) {
        self.push(run.clone());
    }

    fn gap(&mut self, gap: Gap) -> Result<(), EncodeError> {
        self.leave(gap);
        Ok(())
    }
}

impl FetchResponse {
    /// Appends the response; record bytes are shared, not copied.
    pub fn encode_to(&self, out: &mut Chunks, version: i16) -> Result<(), EncodeError> {
        if !(Self::MIN_VERSION..=Self::MAX_VERSION).contains(&version) {
            return Err(EncodeError::InvalidVersion {
                message: Self::NAME,
                version,
            });
        }
        self.write_to(out, version)
    }

    fn write_to(&self, out: &mut impl Sink, version: i16) -> Result<(), EncodeError> {
        let flex = version >= FLEXIBLE;
        let w = out.inline();
        w.put_i32(self.throttle_time_ms);
        if version >= 7 {
            w.put_i16(self.error_code);
            w.put_i32(self.session_id);
        } else if self.session_id != 0 {
            return Err(codec::absent(Self::NAME, "SessionId", version));
        }
        codec::put_array_len(w, self.responses.len(), flex)?;
        for topic in &self.responses {
            topic.write_to(out, version)?;
        }
        let w = out.inline();
        let endpoints = !self.node_endpoints.is_empty();
        if version < 16 && endpoints {
            return Err(codec::absent(Self::NAME, "NodeEndpoints", version));
        }
        if flex {
            codec::put_uvarint(w, u32::from(endpoints));
            if endpoints {
                let start = codec::begin_tag(w, 0);
                codec::put_array(w, &self.node_endpoints, true, version)?;
                codec::end_tag(w, start)?;
            }
        }
        Ok(())
    }
}

impl FetchableTopicResponse {
    fn write_to(&self, out: &mut impl Sink, version: i16) -> Result<(), EncodeError> {
        let flex = version >= FLEXIBLE;
        let w = out.inline();
        if version >= 13 {
            codec::put_uuid(w, self.topic_id);
        } else {
            codec::put_string(w, &self.topic, flex)?;
        }
        codec::put_array_len(w, self.partitions.len(), flex)?;
        for partition in &self.partitions {
            partition.write_to(out, version)?;
        }
        if flex {
            codec::put_uvarint(out.inline(), 0);
        }
        Ok(())
    }
}

impl PartitionData {
    fn write_to(&self, out: &mut impl Sink, version: i16) -> Result<(), EncodeError> {
        const NAME: &str = "PartitionData";
        let flex = version >= FLEXIBLE;
        let w = out.inline();
        w.put_i32(self.partition_index);
        w.put_i16(self.error_code);
        w.put_i64(self.high_watermark);
        w.put_i64(self.last_stable_offset);
        if version >= 5 {
            w.put_i64(self.log_start_offset);
        }
        codec::put_nullable_array(w, self.aborted_transactions.as_deref(), flex, version)?;
        if version >= 11 {
            w.put_i32(self.preferred_read_replica);
        } else if self.preferred_read_replica != -1 {
            return Err(codec::absent(NAME, "PreferredReadReplica", version));
        }
        codec::put_array_len(w, self.records_bytes(), flex)?;
        let (first, others) = self.records.split_at(self.records.len().min(1));
        first.iter().for_each(|run| out.records(run));
        if let Some(gap) = self.gap {
            out.gap(gap)?;
        }
        others.iter().for_each(|run| out.records(run));
        if flex {
            self.write_tags(out.inline())
        } else {
            self.refuse_tags(version)
        }
    }

    fn tags(&self) -> [bool; 3] {
        [
            self.diverging_epoch != EpochEndOffset::default(),
            self.current_leader != LeaderIdAndEpoch::default(),
            self.snapshot_id != SnapshotId::default(),
        ]
    }

    fn refuse_tags(&self, version: i16) -> Result<(), EncodeError> {
        const NAMES: [&str; 3] = ["DivergingEpoch", "CurrentLeader", "SnapshotId"];
        match self.tags().iter().position(|set| *set) {
            Some(tag) => Err(codec::absent("PartitionData", NAMES[tag], version)),
            None => Ok(()),
        }
    }

    fn write_tags(&self, w: &mut BytesMut) -> Result<(), EncodeError> {
        let [diverging, leader, snapshot] = self.tags();
        let count = u32::from(diverging) + u32::from(leader) + u32::from(snapshot);
        codec::put_uvarint(w, count);
        if diverging {
            put_tag(w, 0, &self.diverging_epoch)?;
        }
        if leader {
            put_tag(w, 1, &self.current_leader)?;
        }
        if snapshot {
            put_tag(w, 2, &self.snapshot_id)?;
        }
        Ok(())
    }
}

fn put_tag(w: &mut BytesMut, tag: u32, value: &impl Element) -> Result<(), EncodeError> {
    let start = codec::begin_tag(w, tag);
    value.write(w, FLEXIBLE)?;
    codec::end_tag(w, start)
}

impl Element for FetchResponse {
    const MIN_SIZE: usize = 8;

    fn read(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let flex = version >= FLEXIBLE;
        let mut m = Self {
            throttle_time_ms: r.i32()?,
            ..Self::default()
        };
        if version >= 7 {
            m.error_code = r.i16()?;
            m.session_id = r.i32()?;
        }
        m.responses = r.array(flex, version)?;
        if flex {
            for _ in 0..r.tag_count()? {
                let tag = r.tag()?;
                match tag.id {
                    0 if version >= 16 => m.node_endpoints = r.array(true, version)?,
                    _ => r.skip_tag(&tag)?,
                }
                r.end_tag(&tag)?;
            }
        }
        Ok(m)
    }

    fn write(&self, w: &mut BytesMut, version: i16) -> Result<(), EncodeError> {
        self.write_to(w, version)
    }
}

impl Element for FetchableTopicResponse {
    const MIN_SIZE: usize = 3;

    fn read(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let flex = version >= FLEXIBLE;
        let mut m = Self::default();
        if version >= 13 {
            m.topic_id = r.uuid()?;
        } else {
            m.topic = r.string(flex)?;
        }
        m.partitions = r.array(flex, version)?;
        if flex {
            r.skip_tags()?;
        }
        Ok(m)
    }

    fn write(&self, w: &mut BytesMut, version: i16) -> Result<(), EncodeError> {
        self.write_to(w, version)
    }
}

impl Element for PartitionData {
    const MIN_SIZE: usize = 30;

    fn read(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let flex = version >= FLEXIBLE;
        let mut m = Self {
            partition_index: r.i32()?,
            error_code: r.i16()?,
            high_watermark: r.i64()?,
            last_stable_offset: r.i64()?,
            ..Self::default()
        };
        if version >= 5 {
            m.log_start_offset = r.i64()?;
        }
        m.aborted_transactions = r.nullable_array(flex, version)?;
        if version >= 11 {
            m.preferred_read_replica = r.i32()?;
        }
        m.records = match r.nullable_bytes(flex)? {
            Some(run) if !run.is_empty() => {
                r.charge(size_of::<Bytes>())?;
                vec![run]
            }
            _ => Vec::new(),
        };
        if flex {
            for _ in 0..r.tag_count()? {
                let tag = r.tag()?;
                match tag.id {
                    0 => m.diverging_epoch = Element::read(r, version)?,
                    1 => m.current_leader = Element::read(r, version)?,
                    2 => m.snapshot_id = Element::read(r, version)?,
                    _ => r.skip_tag(&tag)?,
                }
                r.end_tag(&tag)?;
            }
        }
        Ok(m)
    }

    fn write(&self, w: &mut BytesMut, version: i16) -> Result<(), EncodeError> {
        self.write_to(w, version)
    }
}

/// A small structure whose fields are there in every version.
macro_rules! plain {
    ($name:ident, $min_size:literal, $($field:ident: $kind:ident),+) => {
        impl Element for $name {
            const MIN_SIZE: usize = $min_size;

            fn read(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
                let m = Self { $($field: r.$kind()?,)+ };
                if version >= FLEXIBLE {
                    r.skip_tags()?;
                }
                Ok(m)
            }

            fn write(&self, w: &mut BytesMut, version: i16) -> Result<(), EncodeError> {
                $(self.$field.write(w, version)?;)+
                if version >= FLEXIBLE {
                    codec::put_uvarint(w, 0);
                }
                Ok(())
            }
        }
    };
}

plain!(AbortedTransaction, 16, producer_id: i64, first_offset: i64);
plain!(EpochEndOffset, 13, epoch: i32, end_offset: i64);
plain!(LeaderIdAndEpoch, 9, leader_id: i32, leader_epoch: i32);
plain!(SnapshotId, 13, end_offset: i64, epoch: i32);

impl Element for NodeEndpoint {
    const MIN_SIZE: usize = 11;

    fn read(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let m = Self {
            node_id: r.i32()?,
            host: r.string(true)?,
            port: r.i32()?,
            rack: r.nullable_string(true)?,
        };
        r.skip_tags()?;
        Ok(m)
    }

    fn write(&self, w: &mut BytesMut, _version: i16) -> Result<(), EncodeError> {
        w.put_i32(self.node_id);
        codec::put_string(w, &self.host, true)?;
        w.put_i32(self.port);
        codec::put_nullable_string(w, self.rack.as_deref(), true)?;
        codec::put_uvarint(w, 0);
        Ok(())
    }
}
