//! Reading what members are to get.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use limpid_coordinator::delivery::{Batch, Read, Wish};
use limpid_protocol::ErrorCode;
use limpid_protocol::records::Batches;
use limpid_storage::{AbortedTxn, LogRead, ReadError};

use super::partition::{Claim, SharePartition};
use super::{Shares, rules};
use crate::read_errors::read_error;
use limpid_config::group::ShareSettings;

/// Bytes of one partition in an answer, however many a client allows.
const PARTITION_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What was read of a partition, and the right to acquire it.
pub(super) struct Piece {
    pub(super) from: i64,
    bytes: Vec<Bytes>,
    /// First offset, last offset, place in `bytes` and range there, of each batch.
    batches: Vec<Place>,
    hidden: Vec<(i64, i64)>,
    _claim: Claim,
}

struct Place {
    first: i64,
    last: i64,
    piece: usize,
    begins: usize,
    ends: usize,
}

impl Piece {
    pub(super) fn size(&self) -> usize {
        self.bytes.iter().map(Bytes::len).sum()
    }

    /// Bytes of the batches that hold its first `records_max` records: more is not acquired.
    pub(super) fn size_of(&self, records_max: i64) -> usize {
        let mut left = records_max;
        let wanted = self.batches.iter().take_while(|place| {
            let is_wanted = left > 0;
            left -= place.last - place.first.max(self.from) + 1;
            is_wanted
        });
        wanted.map(|place| place.ends - place.begins).sum()
    }

    /// The batches that hold these records.
    fn slice(&self, acquired: &[Batch]) -> Bytes {
        let (Some(first), Some(last)) = (acquired.first(), acquired.last()) else {
            return Bytes::new();
        };
        let wanted = |place: &&Place| place.last >= first.first && place.first <= last.last;
        let places: Vec<&Place> = self.batches.iter().filter(wanted).collect();
        match places[..] {
            [] => Bytes::new(),
            [one, ..] if places.iter().all(|place| place.piece == one.piece) => {
                let ends = places.last().map_or(one.ends, |place| place.ends);
                self.bytes[one.piece].slice(one.begins..ends)
            }
            _ => {
                let size = places.iter().map(|place| place.ends - place.begins).sum();
                let mut all = BytesMut::with_capacity(size);
                for place in places {
                    all.extend_from_slice(&self.bytes[place.piece][place.begins..place.ends]);
                }
                all.freeze()
            }
        }
    }
}

impl Shares {
    /// Reads what could be acquired next; nothing, if there is nothing. The log may begin later than
    /// members think: then they begin there, too.
    pub(super) async fn read(
        &self,
        share: &Arc<SharePartition>,
        claim: Claim,
        settings: &ShareSettings,
        bytes_max: usize,
    ) -> Result<Option<Piece>, ErrorCode> {
        let log = &share.partition.log;
        let rules = rules(settings);
        let log_start = log.log_start_offset();
        let next = share.touch(|deliveries| {
            deliveries.trim(log_start);
            deliveries.next_offset(&rules)
        });
        let Some(from) = next else {
            return Ok(None);
        };
        let end = if settings.read_committed {
            log.last_stable_offset()
        } else {
            log.high_watermark()
        };
        let most = bytes_max.clamp(1, PARTITION_BYTES_MAX);
        let read = match log.read(from, most, end, true) {
            // It begins later than a moment ago; the next look will see that.
            Err(ReadError::OffsetOutOfRange { .. }) => return Ok(None),
            read => read.map_err(|error| read_error(&error))?,
        };
        let bytes = self.bytes_of(read).await?;
        let mut piece = Piece {
            from,
            batches: places(&bytes)?,
            bytes,
            hidden: Vec::new(),
            _claim: claim,
        };
        if settings.read_committed && !piece.batches.is_empty() {
            let log = Arc::clone(log);
            let look_up = move || log.aborted_transactions(from, end);
            let aborted = self.blocking.run(look_up).await;
            let aborted = aborted.map_err(|_| ErrorCode::KafkaStorageError)?;
            let aborted = aborted.map_err(|error| read_error(&error))?;
            piece.hidden = hidden(&piece.bytes, &aborted)?;
        }
        Ok((!piece.batches.is_empty()).then_some(piece))
    }

    async fn bytes_of(&self, read: LogRead) -> Result<Vec<Bytes>, ErrorCode> {
        let bytes = match read {
            LogRead::Memory(batches) => Ok(batches),
            cold @ LogRead::FileRange(_) => {
                let done = self.blocking.run(move || cold.into_batches()).await;
                done.unwrap_or_else(|error| Err(ReadError::Busy(error.to_string())))
            }
        };
        bytes.map_err(|error| read_error(&error))
    }

    /// Gives what was read to a member.
    pub(super) fn acquire(
        &self,
        share: &SharePartition,
        piece: &Piece,
        (member, wish): (&Arc<str>, Wish),
        settings: &ShareSettings,
    ) -> (Vec<Batch>, Bytes) {
        let batches: Vec<(i64, i64)> = piece.batches.iter().map(|b| (b.first, b.last)).collect();
        let read = Read {
            from: piece.from,
            batches: &batches,
            hidden: &piece.hidden,
        };
        let now_ms = self.mono_ms();
        let rules = rules(settings);
        let acquired =
            share.touch(|deliveries| deliveries.acquire(now_ms, member, &read, wish, &rules));
        self.alarm.wake_by(share.deadline_ms());
        let records = piece.slice(&acquired);
        (acquired, records)
    }
}

fn places(bytes: &[Bytes]) -> Result<Vec<Place>, ErrorCode> {
    let mut places = Vec::new();
    for (piece, bytes) in bytes.iter().enumerate() {
        let mut begins = 0;
        for batch in Batches::new(bytes) {
            let batch = batch.map_err(|_| ErrorCode::CorruptMessage)?;
            let ends = begins + batch.size();
            places.push(Place {
                first: batch.header().base_offset,
                last: batch.header().next_offset() - 1,
                piece,
                begins,
                ends,
            });
            begins = ends;
        }
    }
    Ok(places)
}

/// Batches of transactions that were aborted.
fn hidden(bytes: &[Bytes], aborted: &[AbortedTxn]) -> Result<Vec<(i64, i64)>, ErrorCode> {
    let mut hidden = Vec::new();
    if aborted.is_empty() {
        return Ok(hidden);
    }
    for batch in bytes.iter().flat_map(|bytes| Batches::new(bytes)) {
        let batch = batch.map_err(|_| ErrorCode::CorruptMessage)?;
        let header = batch.header();
        let (first, last) = (header.base_offset, header.next_offset() - 1);
        let of_it = |txn: &AbortedTxn| {
            txn.producer_id == header.producer_id
                && (txn.first_offset..=txn.last_offset).contains(&first)
        };
        let attributes = header.attributes;
        if attributes.is_transactional() && !attributes.is_control() && aborted.iter().any(of_it) {
            hidden.push((first, last));
        }
    }
    Ok(hidden)
}
