//! Batches in a buffer.

use std::ops::Range;

use super::control::ControlType;
use super::header::{BATCH_HEADER_BYTES, BatchHeader, at, check_start, torn};
use super::{Codec, Records, RecordsError};

/// Iterator over the batches of a buffer: a produce request, a segment file, a fetched run.
///
/// Whole batches come as [`BatchView`]s whose checksum is not checked yet. The first batch that
/// is torn or no batch at all comes as an error, after which the iterator ends;
/// [`position`](Self::position) then says where the good part stops.
#[derive(Debug, Clone)]
pub struct Batches<'a> {
    buffer: &'a [u8],
    position: usize,
    failed: bool,
}

impl<'a> Batches<'a> {
    /// Starts at the first byte of `buffer`.
    pub fn new(buffer: &'a [u8]) -> Self {
        Self {
            buffer,
            position: 0,
            failed: false,
        }
    }

    /// Bytes of the whole batches returned so far.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<BatchView<'a>, RecordsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.buffer[self.position..];
        if self.failed || rest.is_empty() {
            return None;
        }
        let view = check_start(rest, self.position).and_then(|size| {
            let bytes = rest
                .get(..size)
                .ok_or(torn(self.position, size, rest.len()))?;
            Ok(BatchView {
                bytes,
                header: BatchHeader::parse(bytes)?,
            })
        });
        match &view {
            Ok(view) => self.position += view.bytes.len(),
            Err(_) => self.failed = true,
        }
        Some(view)
    }
}

/// The one batch that a produce request may carry for a partition.
///
/// Stricter than Kafka in one point: bytes after the batch are refused even if they are only a
/// part of another one (Kafka silently cuts them off).
pub fn single_batch(records: &[u8]) -> Result<BatchView<'_>, RecordsError> {
    let mut batches = Batches::new(records);
    let first = batches
        .next()
        .ok_or(RecordsError::NotOneBatch { found: 0 })??;
    match batches.next() {
        None => Ok(first),
        Some(Ok(_)) => Err(RecordsError::NotOneBatch { found: 2 }),
        Some(Err(error)) => Err(error),
    }
}

/// One whole batch, where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchView<'a> {
    bytes: &'a [u8],
    header: BatchHeader,
}

/// The offsets of a run of whole batches that were checked before, from the first one's base to what
/// follows the last one. Reads a few bytes of each batch; `None` if there is none, or one is torn.
pub fn offsets_of_run(run: &[u8]) -> Option<Range<i64>> {
    let base_of = |batch: &[u8]| Some(i64::from_be_bytes(*batch.first_chunk()?));
    let first = base_of(run)?;
    let mut rest = run;
    loop {
        let size = check_start(rest, 0).ok()?;
        let (batch, behind) = rest.split_at_checked(size)?;
        if behind.is_empty() {
            let delta = batch[at::LAST_OFFSET_DELTA..].first_chunk()?;
            let last = base_of(batch)?.checked_add(i64::from(i32::from_be_bytes(*delta)))?;
            return Some(first..last.checked_add(1)?);
        }
        rest = behind;
    }
}

impl<'a> BatchView<'a> {
    /// The batch at the start of `bytes`, which may go on behind it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RecordsError> {
        Batches::new(bytes)
            .next()
            .unwrap_or(Err(torn(0, BATCH_HEADER_BYTES, 0)))
    }

    /// The parsed header.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// All bytes of the batch.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Bytes of the batch, header included.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes behind the header, compressed or not.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[BATCH_HEADER_BYTES..]
    }

    /// The codec of the payload.
    pub fn compression(&self) -> Result<Codec, RecordsError> {
        self.header.attributes.codec()
    }

    /// Compares the checksum with the bytes.
    pub fn verify_crc(&self) -> Result<(), RecordsError> {
        let computed = crc32c::crc32c(&self.bytes[at::ATTRIBUTES..]);
        let stored = self.header.crc;
        if computed == stored {
            Ok(())
        } else {
            Err(RecordsError::BadCrc { stored, computed })
        }
    }

    /// The records of an uncompressed batch.
    pub fn records(&self) -> Result<Records<'a>, RecordsError> {
        match self.compression()? {
            Codec::None => Ok(Records::new(self.header, self.payload())),
            codec => Err(RecordsError::Compressed { codec }),
        }
    }

    /// Replaces the content of `out` by the uncompressed payload (copied if it is not
    /// compressed), at most `limit` bytes. Everything that some Kafka client can read is read.
    pub fn decompress(&self, limit: usize, out: &mut Vec<u8>) -> Result<(), RecordsError> {
        self.compression()?.decompress(self.payload(), limit, out)
    }

    /// The records of any batch; `scratch` is used if the batch is compressed.
    pub fn records_with<'s>(
        &self,
        limit: usize,
        scratch: &'s mut Vec<u8>,
    ) -> Result<Records<'s>, RecordsError>
    where
        'a: 's,
    {
        if !self.header.attributes.is_compressed() {
            return self.records();
        }
        self.decompress(limit, scratch)?;
        Ok(Records::new(self.header, scratch))
    }

    /// The records in `payload`, which [`decompress`](Self::decompress) filled.
    pub fn records_in<'s>(&self, payload: &'s [u8]) -> Records<'s> {
        Records::new(self.header, payload)
    }

    /// Type and value of the first record of a control batch; `None` for data batches and for
    /// control types that are not known (consumers skip those as well).
    pub fn control_record(&self) -> Result<Option<(ControlType, &'a [u8])>, RecordsError> {
        if !self.header.attributes.is_control() {
            return Ok(None);
        }
        let Some(record) = self.records()?.next() else {
            return Ok(None);
        };
        let record = record?;
        let kind = record.key.and_then(ControlType::from_key);
        Ok(kind.map(|kind| (kind, record.value.unwrap_or_default())))
    }
}
