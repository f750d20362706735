//! Appending to the topics that coordinators keep their state in.

use bytes::{Bytes, BytesMut};
use limpid_protocol::ErrorCode;
use limpid_protocol::records::{
    BatchBuilder, Codec, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Producer,
};
use limpid_storage::{AppendError, AppendInfo, AppendMeta, Origin};
use tokio::sync::oneshot;

use crate::topics::{Partition, Topic};

pub mod load;
pub mod marker;
pub mod phase;
pub mod sharded;
pub mod writing;

/// What a record can cost in a batch beside its key and value.
const RECORD_OVERHEAD_BYTES: usize = 64;

/// The word that what was appended is on the disk, if the topic asks for that.
pub type Flushed = Option<oneshot::Receiver<Result<(), String>>>;

/// Key and value of a record; no value is a tombstone.
pub type Pair = (Bytes, Option<Bytes>);

/// How batches of a coordinator are written.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Their codec.
    pub codec: Codec,
    /// Largest batch, by `max.message.bytes`.
    pub size_max: usize,
    /// Their timestamp.
    pub now_ms: i64,
    /// Producer id and epoch, for batches of a transaction.
    pub producer: Option<(i64, i16)>,
    /// The sequence that batches without a producer begin with. It means nothing; Kafka's coordinator of
    /// transactions writes −1, the others 0.
    pub idle_sequence: i32,
}

impl Style {
    fn batch(&self) -> BatchBuilder {
        let batch = BatchBuilder::new(self.codec);
        match self.producer {
            None => batch.producer(Producer {
                id: NO_PRODUCER_ID,
                epoch: NO_PRODUCER_EPOCH,
                base_sequence: self.idle_sequence,
            }),
            Some((id, epoch)) => batch.transactional(true).producer(Producer {
                id,
                epoch,
                base_sequence: NO_SEQUENCE,
            }),
        }
    }
}

/// Records as batches.
///
/// # Errors
/// A record is larger than a batch may be.
fn batches(records: &[Pair], style: &Style) -> Result<BytesMut, ErrorCode> {
    let too_large = |_| ErrorCode::UnknownServerError;
    let mut all = BytesMut::new();
    let mut batch = style.batch();
    for (key, value) in records {
        let size = key.len() + value.as_ref().map_or(0, Bytes::len) + RECORD_OVERHEAD_BYTES;
        if !batch.is_empty() && batch.size() + size > style.size_max {
            let full = std::mem::replace(&mut batch, style.batch());
            all.extend_from_slice(&full.build().map_err(too_large)?);
        }
        if batch.size() + size > style.size_max {
            return Err(ErrorCode::UnknownServerError);
        }
        batch
            .append(style.now_ms, Some(key), value.as_deref(), &[])
            .map_err(too_large)?;
    }
    all.extend_from_slice(&batch.build().map_err(too_large)?);
    Ok(all)
}

/// How a coordinator appends to a partition.
fn append_meta(partition: &Partition) -> AppendMeta {
    AppendMeta {
        leader_epoch: partition.leader_epoch(),
        origin: Origin::Coordinator,
    }
}

/// What follows from an append: counted, told to waiting fetches, and asked for on the disk if the
/// topic wants that.
fn appended(
    (topic, partition): (&Topic, &Partition),
    info: &AppendInfo,
    (records, bytes): (usize, usize),
) -> Flushed {
    topic.metrics.messages_in.inc_by(records as u64);
    topic.metrics.bytes_in.inc_by(bytes as u64);
    partition.waiters.appended(bytes as u64);
    on_disk(partition, info)
}

/// Asks for an append on the disk, if the topic wants that before anybody is answered.
fn on_disk(partition: &Partition, info: &AppendInfo) -> Flushed {
    let log = &partition.log;
    if !log.config().flush_before_ack() {
        return None;
    }
    let (sender, receiver) = oneshot::channel();
    let callback = Box::new(move |done| {
        // Whoever asked may be gone by now.
        let _unheard = sender.send(done).is_err();
    });
    log.on_flushed(info.last_offset + 1, callback);
    Some(receiver)
}

/// Waits for the disk.
///
/// # Errors
/// What the disk said.
pub async fn wait(flushed: Flushed) -> Result<(), String> {
    match flushed {
        None => Ok(()),
        Some(flushed) => flushed
            .await
            .unwrap_or_else(|_| Err("the log is closed".to_owned())),
    }
}

/// What clients of a coordinator are told when its append failed, as Kafka translates it.
pub fn code_of(error: &AppendError) -> ErrorCode {
    match error {
        AppendError::DiskFull { .. } => ErrorCode::CoordinatorNotAvailable,
        AppendError::DirOffline { .. } | AppendError::Busy(_) | AppendError::Closed => {
            ErrorCode::NotCoordinator
        }
        AppendError::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
        AppendError::CoordinatorFenced { .. } => ErrorCode::TransactionCoordinatorFenced,
        AppendError::NotInTransaction { .. } | AppendError::InvalidTxnState { .. } => {
            ErrorCode::InvalidTxnState
        }
        _ => ErrorCode::UnknownServerError,
    }
}

/// The codec that a setting names by its number; none if there is no such.
pub fn codec_of(number: i32) -> Codec {
    let codec = u8::try_from(number).ok().and_then(Codec::from_id);
    codec.unwrap_or(Codec::None)
}

/// The partition of a coordinator's topic that a name belongs to, by Java's hash.
pub fn partition_of(name: &str, count: usize) -> i32 {
    let count = i32::try_from(count).unwrap_or(i32::MAX).max(1);
    (java_hash(name) & i32::MAX) % count
}

/// Java's `String.hashCode`.
fn java_hash(text: &str) -> i32 {
    let units = text.encode_utf16();
    units.fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_belong_where_kafka_puts_them() {
        assert_eq!(java_hash("my-group"), -1_906_497_762);
        assert_eq!(java_hash("p\u{1F600}"), {
            // Java counts in UTF-16 units.
            let units = [0x70_i32, 0xd83d, 0xde00];
            units
                .iter()
                .fold(0, |hash: i32, unit| hash.wrapping_mul(31) + unit)
        });
        assert!((0..50).contains(&partition_of("anything", 50)));
    }

    #[test]
    fn batches_are_cut_at_the_size_that_the_topic_allows() {
        let record: Pair = (
            Bytes::from(vec![b'k'; 100]),
            Some(Bytes::from(vec![b'v'; 100])),
        );
        let mut style = Style {
            codec: Codec::None,
            size_max: 700,
            now_ms: 1,
            producer: Some((7, 1)),
            idle_sequence: 0,
        };
        let all = batches(&vec![record.clone(); 5], &style).expect("fits");
        let cut: Vec<_> = limpid_protocol::records::Batches::new(&all)
            .map(|b| *b.expect("whole").header())
            .collect();
        assert_eq!(cut.iter().map(|h| h.records_count).sum::<i32>(), 5);
        assert!(cut.len() > 1 && cut.iter().all(|h| h.size() <= 700));
        assert!(
            cut.iter()
                .all(|h| h.producer_id == 7 && h.attributes.is_transactional())
        );
        style.producer = None;
        let idle = batches(std::slice::from_ref(&record), &style).expect("fits");
        let idle = limpid_protocol::records::BatchView::parse(&idle).expect("whole");
        let idle = idle.header();
        assert_eq!((idle.producer_id, idle.base_sequence), (NO_PRODUCER_ID, 0));
        style.size_max = 200;
        assert!(batches(&[record], &style).is_err());
    }
}
