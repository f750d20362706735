//! Our bytes against those of the `kafka-protocol` crate, for what both know.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey as TheirKey, RequestKind, ResponseKind};

use super::round_trip::{encode, made_up};
use crate::messages::*;
use crate::{Message, Request};

/// Made-up messages per version.
const SEEDS: std::ops::Range<u64> = 1_000..1_020;

/// Versions that the crate claims but cannot read: they were unstable in its Kafka, 4.1.
const THEIRS_LACKS: [(ApiKey, i16); 2] = [(ApiKey::OffsetCommit, 10), (ApiKey::OffsetFetch, 10)];

fn compare<R: Request>() -> u32 {
    let Ok(key) = TheirKey::try_from(R::KEY.code()) else {
        return 0;
    };
    let theirs = key.valid_versions();
    let mut compared = 0;
    // Unstable versions may differ.
    for version in R::MIN_VERSION.max(theirs.min)..=R::STABLE_MAX_VERSION.min(theirs.max) {
        if THEIRS_LACKS.contains(&(R::KEY, version)) {
            continue;
        }
        for seed in SEEDS {
            let ours = encode(&made_up::<R>(seed, version), version);
            let mut w = BytesMut::new();
            let mut input = ours.clone();
            let theirs = RequestKind::decode(key, &mut input, version);
            theirs
                .and_then(|theirs| theirs.encode(&mut w, version))
                .unwrap_or_else(|error| {
                    panic!("{} {version}: {error}", R::NAME);
                });
            same(R::NAME, version, &ours, &input, &w);

            let ours = encode(&made_up::<R::Response>(seed, version), version);
            let mut w = BytesMut::new();
            let mut input = ours.clone();
            let theirs = ResponseKind::decode(key, &mut input, version);
            theirs
                .and_then(|theirs| theirs.encode(&mut w, version))
                .unwrap_or_else(|error| {
                    panic!("{} {version}: {error}", R::Response::NAME);
                });
            same(R::Response::NAME, version, &ours, &input, &w);
        }
        compared += 1;
    }
    compared
}

fn same(name: &str, version: i16, ours: &Bytes, left: &Bytes, theirs: &[u8]) {
    assert!(
        left.is_empty(),
        "{name} {version}: {} bytes left",
        left.len()
    );
    assert!(
        ours[..] == *theirs,
        "{name} {version}:\nours   {ours:02x?}\ntheirs {theirs:02x?}"
    );
}

macro_rules! compare_all {
    ($($message:ident,)*) => {
        0 $(+ compare::<$message>())*
    };
}

#[test]
fn bytes_are_those_of_another_codec() {
    let compared = crate::for_each_request!(compare_all);
    assert!(
        compared > 200,
        "only {compared} pairs of request and version compared"
    );
}
