//! The arrivals of all logs of a log directory in one file, `.limpid_arrivals`.
//!
//! ```text
//!  0  u32  magic, "LARR"
//!  4  u16  version, 1
//!  6  u32  CRC-32C of everything behind it
//! 10  i64  wall clock, ms, when it was written: what it does not cover came later
//! 18  u32  number of logs, then for each
//!          u8 length of the topic's name, name, i32 partition, 16 bytes topic id,
//!          i64 end of the log then: up to there the points tell all,
//!          u16 number of points, then for each
//!          varint offset (minus the one before), zigzag varint ms (minus the one before; −1 is
//!          "unknown")
//! ```
//! Numbers are big endian, as in Kafka's files; Kafka looks at directories only and ignores it.
//! A file that is not exactly this is dropped whole: lag in seconds is then told by the records'
//! own timestamps until enough has come anew. Replaced whole, like every checkpoint.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use limpid_platform::files::{Files, atomic_write};
use limpid_protocol::Uuid;

use super::{POINTS_MAX, Point, UNKNOWN};

const MAGIC: u32 = u32::from_be_bytes(*b"LARR");
const VERSION: u16 = 1;
/// Where the checksummed part starts.
const CRC_COVERS_FROM: usize = 10;
/// Longer files are neither written nor read: 20,000 logs with full tables fit.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// What writing it may cost on average: a long file is written less often.
const BYTES_PER_SECOND: u64 = 256 << 10;

/// The arrivals of one log at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) topic_id: Uuid,
    /// The end of the log then: up to there the points tell all.
    pub(crate) covered_to: i64,
    /// When it was saved: what came behind `covered_to` came later.
    pub(crate) saved_ms: i64,
    pub(crate) points: Vec<Point>,
}

/// By topic and partition.
pub(crate) type All = HashMap<(String, i32), Saved>;

/// When to write the file next.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    due: Duration,
    /// Sum over the logs of what changes with them.
    stamp: u64,
}

impl Pace {
    /// Whether something changed since, and enough time went by for a file of that length.
    pub(crate) fn is_due(&self, now: Duration, stamp: u64) -> bool {
        now >= self.due && stamp != self.stamp
    }

    /// The file was written, or could not be.
    pub(crate) fn done(&mut self, now: Duration, stamp: u64, bytes: u64) {
        self.due = now + Duration::from_millis(bytes * 1_000 / BYTES_PER_SECOND);
        self.stamp = stamp;
    }
}

/// A file in the making.
pub(crate) struct Writer {
    bytes: Vec<u8>,
    logs: u32,
    left_out: usize,
}

impl Writer {
    pub(crate) fn new(now_ms: i64) -> Self {
        let mut bytes = Vec::with_capacity(4_096);
        bytes.extend(MAGIC.to_be_bytes());
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(now_ms.to_be_bytes());
        bytes.extend([0; 4]);
        Self {
            bytes,
            logs: 0,
            left_out: 0,
        }
    }

    /// Adds a log, if there is room for it.
    pub(crate) fn add(
        &mut self,
        topic: &str,
        partition: i32,
        id: Uuid,
        end: i64,
        points: &[Point],
    ) {
        let before = self.bytes.len();
        let (Ok(name), Ok(count)) = (u8::try_from(topic.len()), u16::try_from(points.len())) else {
            self.left_out += 1;
            return;
        };
        self.bytes.push(name);
        self.bytes.extend(topic.as_bytes());
        self.bytes.extend(partition.to_be_bytes());
        self.bytes.extend(id.as_bytes());
        self.bytes.extend(end.to_be_bytes());
        self.bytes.extend(count.to_be_bytes());
        let mut last = Point { offset: 0, ms: 0 };
        for point in points {
            // Offsets rise and start at 0 or above.
            let offset = point.offset.wrapping_sub(last.offset) as u64;
            push_varint(&mut self.bytes, offset);
            push_varint(&mut self.bytes, zigzag(point.ms.wrapping_sub(last.ms)));
            last = *point;
        }
        if self.bytes.len() as u64 > FILE_BYTES_MAX {
            self.bytes.truncate(before);
            self.left_out += 1;
        } else {
            self.logs += 1;
        }
    }

    /// Replaces the file; how many bytes it has.
    pub(crate) fn write(mut self, files: &dyn Files, path: &Path) -> io::Result<u64> {
        if self.left_out > 0 {
            tracing::warn!(path = %path.display(), logs = self.left_out, "no room for the arrivals of all logs");
        }
        self.bytes[CRC_COVERS_FROM + 8..][..4].copy_from_slice(&self.logs.to_be_bytes());
        let crc = crc32c::crc32c(&self.bytes[CRC_COVERS_FROM..]);
        self.bytes[6..10].copy_from_slice(&crc.to_be_bytes());
        atomic_write(files, path, &self.bytes)?;
        Ok(self.bytes.len() as u64)
    }
}

/// Reads the file. `Ok(None)` when there is none; the error says what is wrong with it.
pub(crate) fn read(files: &dyn Files, path: &Path) -> Result<Option<All>, String> {
    match files.read_small(path, FILE_BYTES_MAX) {
        Ok(bytes) => decode(&bytes).map(Some),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.to_string()),
    }
}

fn decode(bytes: &[u8]) -> Result<All, String> {
    let mut rest = bytes;
    let head = take::<10>(&mut rest).ok_or("shorter than its head")?;
    let number =
        |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if number(0) != MAGIC {
        return Err("not a file of arrivals".to_owned());
    }
    let version = u16::from_be_bytes([head[4], head[5]]);
    if version != VERSION {
        return Err(format!("version {version} is not known"));
    }
    if crc32c::crc32c(rest) != number(6) {
        return Err("the checksum is wrong".to_owned());
    }
    body(rest).ok_or_else(|| "the content is not that of a file of arrivals".to_owned())
}

fn body(mut rest: &[u8]) -> Option<All> {
    let saved_ms = i64::from_be_bytes(take(&mut rest)?);
    let logs = u32::from_be_bytes(take(&mut rest)?);
    let mut all = All::new();
    for _ in 0..logs {
        let [name] = take(&mut rest)?;
        let (topic, behind) = rest.split_at_checked(name.into())?;
        rest = behind;
        let topic = std::str::from_utf8(topic).ok()?.to_owned();
        let partition = i32::from_be_bytes(take(&mut rest)?);
        let topic_id = Uuid::from_bytes(take(&mut rest)?);
        let covered_to = i64::from_be_bytes(take(&mut rest)?);
        let count = usize::from(u16::from_be_bytes(take(&mut rest)?));
        if count > POINTS_MAX || covered_to < 0 {
            return None;
        }
        let mut points: Vec<Point> = Vec::with_capacity(count);
        for _ in 0..count {
            points.push(point(&mut rest, points.last())?);
        }
        let saved = Saved {
            topic_id,
            covered_to,
            saved_ms,
            points,
        };
        all.insert((topic, partition), saved);
    }
    rest.is_empty().then_some(all)
}

fn point(rest: &mut &[u8], last: Option<&Point>) -> Option<Point> {
    let (offset, ms) = (take_varint(rest)?, unzigzag(take_varint(rest)?));
    let before = last.copied().unwrap_or(Point { offset: 0, ms: 0 });
    let offset = before.offset.checked_add(i64::try_from(offset).ok()?)?;
    let ms = before.ms.checked_add(ms)?;
    let rises = last.is_none_or(|last| last.offset < offset);
    (rises && ms >= UNKNOWN).then_some(Point { offset, ms })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    Some(*first)
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = take(rest)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn zigzag(value: i64) -> u64 {
    (value.wrapping_shl(1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use limpid_platform::files::RealFiles;

    use super::*;

    fn example() -> Vec<Point> {
        let at = |offset, ms| Point { offset, ms };
        vec![
            at(0, UNKNOWN),
            at(5, 1_700_000_000_000),
            at(6, 1_699_999_999_000),
            at(i64::MAX, 1_700_000_000_000),
        ]
    }

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        assert_eq!(read(&RealFiles, &path), Ok(None));
        let mut writer = Writer::new(77);
        let id = Uuid::from_bytes([9; 16]);
        writer.add("orders", 3, id, 12, &example());
        writer.add("empty", 0, id, 0, &[]);
        writer.add(&"t".repeat(300), 0, id, 0, &[]);
        let bytes = writer.write(&RealFiles, &path).unwrap();
        assert_eq!(bytes, std::fs::metadata(&path).unwrap().len());
        let all = read(&RealFiles, &path).unwrap().unwrap();
        assert_eq!(all.len(), 2, "a name that no topic has is left out");
        let orders = &all[&("orders".to_owned(), 3)];
        let expected = Saved {
            topic_id: id,
            covered_to: 12,
            saved_ms: 77,
            points: example(),
        };
        assert_eq!(*orders, expected);
    }

    #[test]
    fn every_other_file_is_refused_and_none_panics() {
        let mut writer = Writer::new(77);
        writer.add("orders", 3, Uuid::ZERO, 12, &example());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        writer.write(&RealFiles, &path).unwrap();
        let good = std::fs::read(&path).unwrap();
        assert!(decode(&good).is_ok());
        for cut in 0..good.len() {
            assert!(decode(&good[..cut]).is_err(), "cut at {cut}");
            let mut bad = good.clone();
            bad[cut] ^= 0x55;
            assert!(decode(&bad).is_err(), "garbled at {cut}");
            // The checksum is right and what it covers is not: nothing panics.
            if cut >= CRC_COVERS_FROM {
                let crc = crc32c::crc32c(&bad[CRC_COVERS_FROM..]);
                bad[6..10].copy_from_slice(&crc.to_be_bytes());
                drop(decode(&bad));
            }
        }
    }

    #[test]
    fn a_long_file_is_written_less_often() {
        let mut pace = Pace::default();
        let at = Duration::from_secs;
        assert!(pace.is_due(at(1), 5));
        pace.done(at(1), 5, 2_560 << 10);
        assert!(!pace.is_due(at(20), 5), "nothing changed");
        assert!(!pace.is_due(at(10), 6) && pace.is_due(at(11), 6));
    }
}
