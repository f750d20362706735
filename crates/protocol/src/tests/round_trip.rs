//! Every message in every version: written, read back, cut short.

use bytes::{Bytes, BytesMut};

use crate::messages::*;
use crate::{Message, Reader};

/// Made-up messages per version.
const SEEDS: u64 = 24;

/// Of these, every prefix is decoded too.
const CUT_SEEDS: u64 = 2;

pub(super) fn encode<M: Message>(message: &M, version: i16) -> Bytes {
    let mut w = BytesMut::new();
    if let Err(error) = message.encode(&mut w, version) {
        panic!("{} {version}: {error}\n{message:#?}", M::NAME);
    }
    w.freeze()
}

pub(super) fn made_up<M: Message>(seed: u64, version: i16) -> M {
    let made_up = M::decode(&mut Reader::arbitrary(seed), version);
    made_up.unwrap_or_else(|error| panic!("{} {version}: {error}", M::NAME))
}

fn round_trip<M: Message>() {
    for version in M::MIN_VERSION..=M::MAX_VERSION {
        there_and_back(&M::default(), version, true);
        for seed in 0..SEEDS {
            there_and_back(&made_up::<M>(seed, version), version, seed < CUT_SEEDS);
        }
    }
    for version in [M::MIN_VERSION - 1, M::MAX_VERSION + 1] {
        assert!(M::decode(&mut Reader::arbitrary(0), version).is_err());
        assert!(M::default().encode(&mut BytesMut::new(), version).is_err());
    }
    const { assert!(M::STABLE_MAX_VERSION <= M::MAX_VERSION) };
}

fn there_and_back<M: Message>(message: &M, version: i16, cut: bool) {
    let frame = encode(message, version);
    assert!(
        frame.len() >= M::MIN_SIZE || M::MIN_SIZE == 1,
        "{} {version}",
        M::NAME
    );
    let mut r = Reader::new(frame.clone());
    let back = M::decode(&mut r, version);
    assert_eq!(back.as_ref(), Ok(message), "{} {version}", M::NAME);
    assert_eq!(r.remaining(), 0, "{} {version}", M::NAME);
    let prefixes = if cut { frame.len() } else { 0 };
    for length in 0..prefixes {
        let prefix = M::decode(&mut Reader::new(frame.slice(..length)), version);
        assert!(prefix.is_err(), "{} {version} cut at {length}", M::NAME);
    }
}

macro_rules! all_round_trip {
    ($($message:ident,)*) => {
        $(round_trip::<$message>();)*
    };
}

#[test]
fn every_message_comes_back() {
    crate::for_each_message!(all_round_trip);
}
