//! A hash of names that is short, since it is taken for each request, and seeded, so that nobody can choose
//! names that share a place in a table.

use std::hash::{BuildHasher, Hasher, RandomState};

/// An odd number without a pattern: the golden ratio's.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Makes hashers with a seed of their own.
#[derive(Debug, Clone, Copy)]
pub struct Mixing {
    seed: u64,
}

impl Default for Mixing {
    fn default() -> Self {
        let seed = RandomState::new().hash_one(FACTOR);
        Self { seed }
    }
}

impl BuildHasher for Mixing {
    type Hasher = Mixer;

    #[inline]
    fn build_hasher(&self) -> Mixer {
        Mixer(self.seed)
    }
}

/// Takes in eight bytes at a time.
#[derive(Debug)]
pub struct Mixer(u64);

impl Mixer {
    #[inline]
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * u128::from(FACTOR);
        self.0 ^= (product as u64) ^ ((product >> 64) as u64).rotate_left(29);
    }
}

impl Hasher for Mixer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        // Eight bytes are never left over: the last one says how many are.
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        last[7] = rest.len() as u8;
        self.mix(u64::from_le_bytes(last));
    }

    /// What ends a string: nothing that is longer than the last bytes say it is.
    #[inline]
    fn write_u8(&mut self, byte: u8) {
        self.mix(u64::from(byte));
    }

    #[inline]
    fn finish(&self) -> u64 {
        let mut last = Mixer(self.0);
        last.mix(self.0 >> 32);
        last.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_that_differ_a_little_differ_in_their_hashes() {
        let mixing = Mixing::default();
        let mut seen = HashSet::new();
        for n in 0_u32..20_000 {
            assert!(seen.insert(mixing.hash_one(format!("client-{n}").as_str())));
            assert!(seen.insert(mixing.hash_one(&n.to_be_bytes()[..])));
        }
        for length in 5..64 {
            assert!(
                seen.insert(mixing.hash_one(&vec![0_u8; length][..])),
                "{length}"
            );
        }
        // All bits are of use: a list picks its places by some of them.
        let low: HashSet<u64> = seen.iter().map(|hash| hash % 4_096).collect();
        let high: HashSet<u64> = seen.iter().map(|hash| hash >> 52).collect();
        assert!(
            low.len() > 4_000 && high.len() > 4_000,
            "{} {}",
            low.len(),
            high.len()
        );
    }

    #[test]
    fn each_has_a_seed_of_its_own() {
        let hash = || Mixing::default().hash_one("client");
        assert_ne!(hash(), hash());
    }
}
