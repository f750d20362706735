//! Inputs to start from: made-up messages and batches of every codec.

use std::{fs, io, path::Path};

use bytes::Bytes;
use limpid_protocol::records::{BatchBuilder, Codec, Producer};

use crate::messages::{Entry, made_up_frame, others, requests};

/// Messages that are tried to find a short one that is not all null.
const TRIES: u64 = 40;
/// The shortest message taken, if there is a longer one.
const INTERESTING_BYTES: usize = 12;

/// Writes `frame/`, `request/`, `message/` and `records/` into `folder`.
pub fn write_seeds(folder: &Path) -> io::Result<()> {
    let mut number = 0;
    let mut put = |target: &str, bytes: &[u8]| {
        number += 1;
        let folder = folder.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed-{number:03}")), bytes)
    };
    for (which, entry) in requests().iter().enumerate() {
        let (seed, body) = small(entry);
        put(
            "request",
            &[&[which as u8, last(entry)], &body[..]].concat(),
        )?;
        if which % 9 == 0
            && let Some(frame) = made_up_frame(entry, seed, entry.max_version)
        {
            put("frame", &frame)?;
        }
    }
    for (which, entry) in others().iter().enumerate() {
        let [high, low] = (which as u16).to_be_bytes();
        let (_, body) = small(entry);
        put("message", &[&[high, low, last(entry)], &body[..]].concat())?;
    }
    for codec in Codec::ALL {
        let batch = batch(codec)?;
        put("records", &[&[0x40], &batch[..]].concat())?;
        put("records", &[&[0x80 | codec.id()], &batch[61..]].concat())?;
    }
    Ok(())
}

/// The version byte that stands for the highest version.
fn last(entry: &Entry) -> u8 {
    (entry.max_version - entry.min_version) as u8
}

fn small(entry: &Entry) -> (u64, Bytes) {
    let made = (0..TRIES).map(|seed| (seed, entry.made_up(seed, entry.max_version)));
    made.min_by_key(|(_, body)| (body.len() < INTERESTING_BYTES, body.len()))
        .unwrap_or_default()
}

fn batch(codec: Codec) -> io::Result<Bytes> {
    let producer = Producer {
        id: 7,
        epoch: 1,
        base_sequence: 3,
    };
    let mut builder = BatchBuilder::new(codec).producer(producer);
    let headers: [(&[u8], Option<&[u8]>); 2] = [(b"h", Some(b"1")), (b"n", None)];
    builder
        .append(1_700_000_000_000, Some(b"key"), Some(&[b'v'; 90]), &headers)
        .and_then(|()| builder.append(1_700_000_000_001, None, None, &[]))
        .map_err(io::Error::other)?;
    builder.build().map_err(io::Error::other)
}
