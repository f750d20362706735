//! Made-up messages for tests: a reader that draws values instead of reading them.
//!
//! Decoding with such a reader yields a message that is valid for the version, without a line of
//! generated code.

use bytes::Bytes;

use super::Reader;

/// Elements that one made-up message has in all its arrays together, about.
const ELEMENTS_MAX: u32 = 200;

/// A small deterministic generator (SplitMix64) with the shapes that messages need.
#[derive(Debug, Clone)]
pub(crate) struct Arbitrary {
    state: u64,
    elements_left: u32,
}

impl Reader {
    /// A reader that makes up values; the same seed gives the same values.
    pub fn arbitrary(seed: u64) -> Self {
        let mut reader = Self::new(Bytes::new());
        reader.arbitrary = Some(Box::new(Arbitrary {
            state: seed,
            elements_left: ELEMENTS_MAX,
        }));
        reader
    }
}

impl Arbitrary {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        (self.next() % u64::from(limit)) as u32
    }

    pub(crate) fn null(&mut self) -> bool {
        self.below(4) == 0
    }

    /// Fixed-size values: zeros and ones often, else any bits.
    pub(crate) fn fixed<const N: usize>(&mut self) -> [u8; N] {
        match self.below(6) {
            0 => [0; N],
            1 => [0xff; N],
            2 => {
                let mut small = [0; N];
                small[N - 1] = self.below(100) as u8;
                small
            }
            _ => std::array::from_fn(|_| self.next() as u8),
        }
    }

    /// A finite number, so that it equals itself.
    pub(crate) fn f64(&mut self) -> f64 {
        f64::from(self.below(1_000_000)) / 8.0 - 1_000.0
    }

    pub(crate) fn string(&mut self) -> String {
        const ALPHABET: [char; 8] = ['a', 'Z', '0', '-', '.', '_', 'é', '☃'];
        let length = if self.below(16) == 0 {
            200
        } else {
            self.below(12)
        };
        (0..length)
            .map(|_| ALPHABET[self.below(8) as usize])
            .collect()
    }

    pub(crate) fn bytes(&mut self) -> Bytes {
        let length = if self.below(16) == 0 {
            300
        } else {
            self.below(20)
        };
        (0..length).map(|_| self.next() as u8).collect()
    }

    pub(crate) fn count(&mut self) -> u32 {
        let count = self.below(4).min(self.elements_left);
        self.elements_left -= count;
        count
    }
}
