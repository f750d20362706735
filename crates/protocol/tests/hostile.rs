//! Hostile input: no decoder panics, none allocates more than its budget.
//!
//! One test in a binary of its own, since it counts what the whole process allocates.

use bytes::{Bytes, BytesMut};
use limpid_protocol::codec::{ALLOCATION_FACTOR, ALLOCATION_FLOOR};
use limpid_protocol::messages::*;
use limpid_protocol::{Message, Reader};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Length of the frames that are one byte over and over.
const UNIFORM_FRAME_BYTES: usize = 128 * 1_024;

/// What the test's own threads may allocate meanwhile.
const SLACK_BYTES: usize = 4_096;

/// Frames of random bytes, and valid frames with damaged bytes, per message and version.
const ROUNDS: u64 = 12;

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn decode<M: Message>(frame: Bytes, version: i16) {
    let length = frame.len();
    let mut r = Reader::new(frame);
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let read = M::decode(&mut r, version);
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    let limit = length * ALLOCATION_FACTOR + ALLOCATION_FLOOR;
    assert!(
        peak <= limit + SLACK_BYTES,
        "{} {version}: {peak} bytes of {length}",
        M::NAME
    );
    assert!(r.allocated() <= limit);
    drop(read);
}

fn hostile<M: Message>(uniform: &[Bytes], noise: &mut Noise) {
    for version in M::MIN_VERSION..=M::MAX_VERSION {
        for frame in uniform {
            decode::<M>(frame.clone(), version);
        }
        for round in 0..ROUNDS {
            let length = noise.next() % 400;
            let frame: Bytes = (0..length).map(|_| noise.next() as u8).collect();
            decode::<M>(frame, version);

            let valid = M::decode(&mut Reader::arbitrary(round), version).expect("made up");
            let mut frame = BytesMut::new();
            valid.encode(&mut frame, version).expect("made up");
            for _ in 0..=(round % 3) {
                let at = noise.next() as usize % frame.len().max(1);
                if let Some(byte) = frame.get_mut(at) {
                    *byte = [0, 1, 0x7f, 0x80, 0xff, noise.next() as u8][noise.next() as usize % 6];
                }
            }
            decode::<M>(frame.freeze(), version);
        }
    }
}

macro_rules! all_hostile {
    ($($message:ident,)*) => {
        fn all(uniform: &[Bytes], noise: &mut Noise) {
            $(hostile::<$message>(uniform, noise);)*
        }
    };
}

limpid_protocol::for_each_message!(all_hostile);

#[test]
fn no_frame_panics_or_allocates_beyond_its_budget() {
    let bytes = [0, 1, 2, 3, 0x7f, 0x80, 0xff];
    let uniform: Vec<Bytes> = bytes
        .iter()
        .map(|byte| Bytes::from(vec![*byte; UNIFORM_FRAME_BYTES]))
        .collect();
    // A huge count, then bytes that make small elements.
    let counted = [1, 2].map(|byte| {
        let mut frame = vec![byte; UNIFORM_FRAME_BYTES];
        frame[..3].copy_from_slice(&[0xff, 0xff, 3]);
        Bytes::from(frame)
    });
    let uniform = [uniform, counted.to_vec()].concat();
    all(&uniform, &mut Noise(0x5eed));
}
