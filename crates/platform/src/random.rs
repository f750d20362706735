//! Randomness: the kernel's, or a seeded sequence for tests.

use std::fmt;
use std::io;

use parking_lot::Mutex;

/// A source of random bytes.
pub trait Random: Send + Sync + fmt::Debug {
    /// Fills `buf` entirely.
    ///
    /// # Errors
    /// When the operating system refuses to give randomness (it does not happen after boot).
    fn fill(&self, buf: &mut [u8]) -> io::Result<()>;

    /// Sixteen random bytes: the raw material of a UUID.
    ///
    /// # Errors
    /// As [`Random::fill`].
    fn bytes16(&self) -> io::Result<[u8; 16]> {
        let mut out = [0; 16];
        self.fill(&mut out)?;
        Ok(out)
    }
}

/// `getrandom(2)`.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, buf: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < buf.len() {
            let got =
                rustix::rand::getrandom(&mut buf[done..], rustix::rand::GetRandomFlags::empty());
            match got {
                Ok(n) => done += n,
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }
}

/// SplitMix64 from a seed: the same seed gives the same bytes. Not for secrets.
#[derive(Debug)]
pub struct SeededRandom {
    state: Mutex<u64>,
}

impl SeededRandom {
    /// A sequence determined by `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            state: Mutex::new(seed),
        }
    }

    /// The next 64 bits.
    pub fn next_u64(&self) -> u64 {
        let mut state = self.state.lock();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl Random for SeededRandom {
    fn fill(&self, buf: &mut [u8]) -> io::Result<()> {
        for chunk in buf.chunks_mut(8) {
            let bytes = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_random_differs() {
        assert_ne!(OsRandom.bytes16().unwrap(), OsRandom.bytes16().unwrap());
    }

    #[test]
    fn seeded_random_repeats() {
        let (a, b) = (SeededRandom::new(7), SeededRandom::new(7));
        assert_eq!(a.bytes16().unwrap(), b.bytes16().unwrap());
        assert_ne!(a.next_u64(), SeededRandom::new(8).next_u64());
    }
}
