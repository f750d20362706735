//! Inputs to start from: made-up messages and batches of every codec.

use std::{fs, io, path::Path};

use bytes::Bytes;
use limpid_protocol::messages::{
    GroupRecordKind, MetadataRecordKind, ShareRecordKind, TransactionRecordKind,
};
use limpid_protocol::records::{BatchBuilder, Codec, Producer};

use crate::messages::{Entry, made_up_frame, others, requests};

/// Messages that are tried to find a short one that is not all null.
const TRIES: u64 = 40;
/// The shortest message taken, if there is a longer one.
const INTERESTING_BYTES: usize = 12;

/// Writes a folder for each target into `folder`.
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
    for codec in 0..5_u8 {
        let codec_of = limpid_client_metrics::CODECS.get(usize::from(codec));
        let mut packed = Vec::new();
        codec_of
            .unwrap_or(&Codec::None)
            .compress(PUSH, None, &mut packed)
            .map_err(io::Error::other)?;
        put("push", &[&[codec], &packed[..]].concat())?;
    }
    for (target, seed) in texts() {
        put(target, &seed)?;
    }
    for seed in stored_records() {
        put("stored", &seed)?;
    }
    Ok(())
}

/// A push with one gauge `a` of 1.5 and the attribute `topic=t`.
const PUSH: &[u8] = b"\x0a\x25\x12\x23\x12\x21\x0a\x01a\x2a\x1c\x0a\x1a\
    \x21\0\0\0\0\0\0\xf8\x3f\x3a\x0f\x0a\x05topic\x12\x06\x0a\x04tttt";

/// Text files of the log directories, and messages of logins.
fn texts() -> Vec<(&'static str, Vec<u8>)> {
    let disk = [
        (0, "0\n2\nt 0 9\nt-a 1 7\n"),
        (1, "0\n2\n0 0\n3 42\n"),
        (2, "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAKg"),
        (3, "{\"version\":\"0\",\"broker_epoch\":\"7\"}"),
        (
            4,
            "#\n#\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAKg\nversion=1\n\
             cluster.id=AAAAAAAAAAAAAAAAAAAAKg\n",
        ),
        (
            5,
            "{\"leaderId\":1,\"leaderEpoch\":2,\"votedId\":-1,\"data_version\":1}",
        ),
        (8, "[{\"log\":\"t-0\",\"segment\":0,\"bytes\":9}]"),
        (
            9,
            "{\"format\":1,\"limpid\":\"0\",\"cluster_id\":\"c\",\"node_id\":1,\"taken_ms\":1,\
             \"dirs\":[\"d\"],\"files\":[{\"path\":\"0/a\",\"bytes\":1,\"crc32c\":2}]}",
        ),
    ];
    let disk = disk.map(|(kind, text)| ("disk", [&[kind], text.as_bytes()].concat()));
    let binary = [
        (0x86, &[0, 1, 0, 0, 0, 0, 0, 0, 0, 0][..]),
        (0x87, b"LARR\0\x01\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\0\0"),
        (10, &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4]),
        (11, &[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]),
        (12, &[0; 34]),
    ];
    let binary = binary.map(|(kind, bytes)| ("disk", [&[kind], bytes].concat()));
    // The end of SCRAM is proven by the password, the beginning is enough for a seed.
    let proof = "c=biws,r=zAAAAAAAAAAAAAAAAAAAAAA==,p=AAAA";
    let first = "n,,n=alice,r=z";
    let scram = [first, proof].concat();
    let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwiZXhwIjo5OSwic2NvcGUiOiJhIn0.";
    let bearer = |token: &str| format!("n,,\u{1}auth=Bearer {token}\u{1}\u{1}");
    // `{ "scope": [0,0,0,…` is small values as close together as can be.
    let dense = format!("eyJhbGciOiJub25lIn0.eyAic2NvcGUiOiBb{}MF19.", "MCwwLDAs".repeat(100));
    let logins = [
        (0, u8::MAX, "\0alice\0wonder".to_owned()),
        (1, first.len() as u8, scram.clone()),
        (2, first.len() as u8, scram),
        (3, u8::MAX, bearer(token)),
        (3, u8::MAX, bearer(&dense)),
        (4, 0, PEM.to_owned()),
        (5, 0, PEM.to_owned()),
        (6, 0, "User:alice".to_owned()),
        (7, 0, "CN=alice,OU=o\\2c p,C=x".to_owned()),
    ];
    let logins =
        logins.map(|(what, length, text)| ("login", [&[what, length], text.as_bytes()].concat()));
    disk.into_iter().chain(binary).chain(logins).collect()
}

/// A certificate and a key that are none.
const PEM: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n\
    -----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";

/// Records of every kind that the internal topics and the metadata log have.
fn stored_records() -> Vec<Vec<u8>> {
    let find = |name: String| others().iter().find(|entry| entry.name == name);
    let mut seeds = Vec::new();
    let mut pair = |topic: u8, code: i16, kind: String| {
        let (Some(key), Some(value)) = (find(format!("{kind}Key")), find(format!("{kind}Value")))
        else {
            return;
        };
        let version = value.max_version;
        let key = [&code.to_be_bytes()[..], &small(key).1].concat();
        let value = [&version.to_be_bytes()[..], &small(value).1].concat();
        let lengths = [key.len(), value.len()].map(|length| length.min(254) as u8);
        seeds.push([&[topic][..], &lengths, &key, &value].concat());
    };
    for code in 0..64 {
        if let Some(kind) = GroupRecordKind::from_code(code) {
            pair(0, code, format!("{kind:?}"));
        }
        if let Some(kind) = TransactionRecordKind::from_code(code) {
            pair(1, code, format!("{kind:?}"));
        }
        if let Some(kind) = ShareRecordKind::from_code(code) {
            pair(2, code, format!("{kind:?}"));
        }
    }
    for code in 0..64 {
        let Some(kind) = MetadataRecordKind::from_code(code) else {
            continue;
        };
        if let Some(entry) = find(format!("{kind:?}Record")) {
            let head = [3, 1, code as u8, entry.max_version as u8];
            seeds.push([&head[..], &small(entry).1].concat());
        }
    }
    seeds
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
