//! The small text files of a log directory and of a log.
//!
//! ```text
//! offset checkpoints          leader-epoch-checkpoint     partition.metadata
//!   0            version        0          version          version: 0
//!   2            entries        1          entries          topic_id: <base64url, 22 characters>
//!   topic 0 117  offset         3 42       epoch, its first offset
//!   topic 1 9
//! ```
//! `.kafka_cleanshutdown` is JSON with text values: `{"version":"0","broker_epoch":"7"}`.
//! Every file is replaced whole (written beside, synced, renamed).

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use limpid_platform::files::{Files, atomic_write};
use limpid_protocol::Uuid;

/// Longer checkpoints are garbage: a million partitions of the longest names fit.
const CHECKPOINT_BYTES_MAX: u64 = 300 << 20;
/// Longer files of one log are garbage.
const LOG_FILE_BYTES_MAX: u64 = 16 << 20;

/// (topic, partition) → offset.
pub(crate) type Offsets = BTreeMap<(String, i32), i64>;

/// Reads an offset checkpoint. `Ok(None)` when there is none.
///
/// The error says which line is wrong; the caller decides what to believe instead.
pub(crate) fn read_offsets(files: &dyn Files, path: &Path) -> Result<Option<Offsets>, String> {
    let Some(text) = read_text(files, path, CHECKPOINT_BYTES_MAX)? else {
        return Ok(None);
    };
    let mut out = Offsets::new();
    for (number, line) in entries(&text)? {
        let wrong = || format!("line {number} is not `topic partition offset`");
        let mut words = line.split(' ');
        let (Some(topic), Some(partition), Some(offset), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(wrong());
        };
        let partition: i32 = partition.parse().map_err(|_| wrong())?;
        let offset: i64 = offset.parse().map_err(|_| wrong())?;
        if offset < 0 || partition < 0 {
            return Err(wrong());
        }
        out.insert((topic.to_owned(), partition), offset);
    }
    Ok(Some(out))
}

/// Replaces an offset checkpoint.
pub(crate) fn write_offsets(files: &dyn Files, path: &Path, offsets: &Offsets) -> io::Result<()> {
    let mut text = format!("0\n{}\n", offsets.len());
    for ((topic, partition), offset) in offsets {
        text.push_str(&format!("{topic} {partition} {offset}\n"));
    }
    atomic_write(files, path, text.as_bytes())
}

/// Reads the leader epochs of a log, in rising order. `Ok(None)` when there is no file.
pub(crate) fn read_epochs(
    files: &dyn Files,
    path: &Path,
) -> Result<Option<Vec<(i32, i64)>>, String> {
    let Some(text) = read_text(files, path, LOG_FILE_BYTES_MAX)? else {
        return Ok(None);
    };
    let mut out: Vec<(i32, i64)> = Vec::new();
    for (number, line) in entries(&text)? {
        let entry = line.split_once(' ').and_then(|(epoch, offset)| {
            Some((epoch.parse::<i32>().ok()?, offset.parse::<i64>().ok()?))
        });
        let rising = |(epoch, offset): &(i32, i64)| {
            *epoch >= 0
                && *offset >= 0
                && out
                    .last()
                    .is_none_or(|last| last.0 < *epoch && last.1 <= *offset)
        };
        let Some(entry) = entry.filter(rising) else {
            return Err(format!(
                "line {number} is not a higher `epoch offset` than the one before"
            ));
        };
        out.push(entry);
    }
    Ok(Some(out))
}

/// Replaces the leader epochs of a log.
pub(crate) fn write_epochs(
    files: &dyn Files,
    path: &Path,
    epochs: &[(i32, i64)],
) -> io::Result<()> {
    let mut text = format!("0\n{}\n", epochs.len());
    for (epoch, offset) in epochs {
        text.push_str(&format!("{epoch} {offset}\n"));
    }
    atomic_write(files, path, text.as_bytes())
}

/// Reads the topic id of a log. `Ok(None)` when there is no file.
pub(crate) fn read_topic_id(files: &dyn Files, path: &Path) -> Result<Option<Uuid>, String> {
    let Some(text) = read_text(files, path, LOG_FILE_BYTES_MAX)? else {
        return Ok(None);
    };
    let field = |name: &str| {
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value
            .map(str::trim)
            .ok_or_else(|| format!("there is no line `{name}: …`"))
    };
    let version = field("version")?;
    if version != "0" {
        return Err(format!("version {version:?} is not known"));
    }
    let id = field("topic_id")?;
    let id: Uuid = id
        .parse()
        .map_err(|_| format!("{id:?} is not a topic id"))?;
    if id == Uuid::ZERO {
        return Err("the topic id is zero".to_owned());
    }
    Ok(Some(id))
}

/// Writes the topic id of a log.
pub(crate) fn write_topic_id(files: &dyn Files, path: &Path, id: Uuid) -> io::Result<()> {
    atomic_write(
        files,
        path,
        format!("version: 0\ntopic_id: {id}").as_bytes(),
    )
}

/// Writes the marker of a clean shutdown.
pub(crate) fn write_clean_marker(
    files: &dyn Files,
    path: &Path,
    broker_epoch: i64,
) -> io::Result<()> {
    let text = format!("{{\"version\":\"0\",\"broker_epoch\":\"{broker_epoch}\"}}");
    atomic_write(files, path, text.as_bytes())
}

/// Reads the broker epoch of a clean shutdown's marker; `None` when it does not say (the marker's
/// presence alone means "clean", whatever is in it).
pub(crate) fn read_clean_marker(files: &dyn Files, path: &Path) -> Option<i64> {
    let bytes = files.read_small(path, LOG_FILE_BYTES_MAX).ok()?;
    let marker: CleanMarker<'_> = serde_json::from_slice(&bytes).ok()?;
    marker.broker_epoch.parse().ok()
}

/// What is looked at in the marker; whatever else is in it is stepped over.
#[derive(serde::Deserialize)]
struct CleanMarker<'a> {
    #[serde(borrow)]
    broker_epoch: std::borrow::Cow<'a, str>,
}

fn read_text(files: &dyn Files, path: &Path, max_bytes: u64) -> Result<Option<String>, String> {
    match files.read_small(path, max_bytes) {
        Ok(bytes) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| "the file is not text".to_owned()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.to_string()),
    }
}

/// The numbered entry lines after version and count, which must agree.
fn entries(text: &str) -> Result<impl Iterator<Item = (usize, &str)>, String> {
    let mut lines = text.lines();
    let version = lines.next().unwrap_or_default();
    if version.trim() != "0" {
        let shown: String = version.chars().take(20).collect();
        return Err(format!("line 1 is {shown:?}, not version 0"));
    }
    let count = lines
        .next()
        .and_then(|line| line.trim().parse::<usize>().ok());
    let found = lines.clone().filter(|line| !line.is_empty()).count();
    if count != Some(found) {
        return Err(format!(
            "line 2 does not give the number of entries, which is {found}"
        ));
    }
    Ok(lines
        .enumerate()
        .map(|(i, line)| (i + 3, line))
        .filter(|(_, line)| !line.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use limpid_platform::files::RealFiles;

    #[test]
    fn offsets_round_trip_and_garbage_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        assert_eq!(read_offsets(&RealFiles, &path), Ok(None));
        let offsets = Offsets::from([(("a-b".to_owned(), 1), 7), (("t".to_owned(), 0), 9)]);
        write_offsets(&RealFiles, &path, &offsets).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "0\n2\na-b 1 7\nt 0 9\n"
        );
        assert_eq!(read_offsets(&RealFiles, &path), Ok(Some(offsets)));
        for garbage in [
            "",
            "1\n0\n",
            "0\nx\n",
            "0\n1\na b c\n",
            "0\n2\nt 0 9\n",
            "0\n1\nt 0 -9\n",
        ] {
            std::fs::write(&path, garbage).unwrap();
            assert!(read_offsets(&RealFiles, &path).is_err(), "{garbage:?}");
        }
        std::fs::write(&path, [0xff, 0xfe, 0]).unwrap();
        assert!(read_offsets(&RealFiles, &path).is_err());
    }

    #[test]
    fn epochs_must_rise() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        write_epochs(&RealFiles, &path, &[(0, 0), (3, 42)]).unwrap();
        assert_eq!(
            read_epochs(&RealFiles, &path),
            Ok(Some(vec![(0, 0), (3, 42)]))
        );
        std::fs::write(&path, "0\n2\n3 1\n2 5\n").unwrap();
        assert!(read_epochs(&RealFiles, &path).is_err());
    }

    #[test]
    fn topic_id_and_clean_marker_round_trip() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        let id: Uuid = "AAAAAAAAAAAAAAAAAAAAKg".parse().unwrap();
        write_topic_id(&RealFiles, &path, id).unwrap();
        assert_eq!(read_topic_id(&RealFiles, &path), Ok(Some(id)));
        std::fs::write(&path, "version: 0\ntopic_id: ?").unwrap();
        assert!(read_topic_id(&RealFiles, &path).is_err());
        write_clean_marker(&RealFiles, &path, 5).unwrap();
        assert_eq!(read_clean_marker(&RealFiles, &path), Some(5));
        std::fs::write(&path, "").unwrap();
        assert_eq!(read_clean_marker(&RealFiles, &path), None);
    }
}
