//! Which records are looked at for their keys: about so many in a second, however many come.
//!
//! A countdown of records runs over the batches of a topic, one atomic subtraction each; the record
//! at which it reaches 0 is looked at, and the countdown begins anew from a stride that follows the
//! rate once a second, a little longer or shorter each time so that no rhythm of a producer is met.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Looked at in a second, about.
const PER_SECOND: u64 = 64;
/// Looked at in a second at most: while the stride has not grown yet.
const PER_SECOND_MAX: u64 = 4 * PER_SECOND;
/// Records of a batch that are stepped over to get to one at most: a microsecond.
const WALK_MAX: i64 = 512;
/// Where a topic begins, and the shortest that it gets again after a burst.
const STRIDE_FIRST: u64 = 16;
/// Longer strides are no stride: a countdown is 64 bits.
const STRIDE_MAX: u64 = 1 << 40;
/// What the pseudo-random numbers begin with: anything but 0.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

#[derive(Debug)]
pub(super) struct Sampler {
    left: AtomicI64,
    stride: AtomicU64,
    taken: AtomicU64,
    noise: AtomicU64,
}

impl Default for Sampler {
    fn default() -> Self {
        Self {
            left: AtomicI64::new(1),
            stride: AtomicU64::new(STRIDE_FIRST),
            taken: AtomicU64::new(0),
            noise: AtomicU64::new(SEED),
        }
    }
}

impl Sampler {
    /// A batch of so many records comes: the index of the one to look at, if there is one.
    #[inline]
    pub(super) fn pick(&self, records: i32) -> Option<usize> {
        let records = i64::from(records);
        let before = self.left.fetch_sub(records, Ordering::Relaxed);
        // Only one batch crosses; until that one sets the countdown anew others are below 0.
        if before <= 0 || before > records {
            return None;
        }
        self.left.store(self.next(), Ordering::Relaxed);
        if self.taken.fetch_add(1, Ordering::Relaxed) >= PER_SECOND_MAX {
            return None;
        }
        usize::try_from((before - 1) % WALK_MAX).ok()
    }

    /// The next stride: half to one and a half of what it should be.
    fn next(&self) -> i64 {
        let stride = self.stride.load(Ordering::Relaxed).max(1);
        let mut noise = self.noise.load(Ordering::Relaxed);
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        self.noise.store(noise, Ordering::Relaxed);
        i64::try_from(stride / 2 + noise % stride + 1).unwrap_or(i64::MAX)
    }

    /// Follows the rate; called about once a second.
    pub(super) fn tick(&self) {
        let taken = self.taken.swap(0, Ordering::Relaxed);
        let stride = self.stride.load(Ordering::Relaxed);
        let next = match taken {
            // All at once: a burst may be a thousand times what came before.
            PER_SECOND_MAX.. => stride.saturating_mul(taken / PER_SECOND),
            _ if taken > PER_SECOND * 3 / 2 => stride * 2,
            _ if taken < PER_SECOND / 2 => stride / 2,
            _ => stride,
        };
        self.stride
            .store(next.clamp(1, STRIDE_MAX), Ordering::Relaxed);
        // A countdown from a burst must not last for hours afterwards.
        let most = i64::try_from(next.max(1).saturating_mul(2)).unwrap_or(i64::MAX);
        self.left.fetch_min(most, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{PER_SECOND, PER_SECOND_MAX, Sampler};

    fn second(sampler: &Sampler, batches: usize, records: i32) -> u64 {
        let picked = (0..batches).filter(|_| sampler.pick(records).is_some());
        let picked = picked.count() as u64;
        sampler.tick();
        picked
    }

    #[test]
    fn about_as_many_as_wanted_at_any_rate() {
        for (batches, records) in [(200, 1), (50_000, 1), (1_000, 500), (2_000, 10_000)] {
            let sampler = Sampler::default();
            for _ in 0..30 {
                assert!(second(&sampler, batches, records) <= PER_SECOND_MAX);
            }
            for _ in 0..10 {
                let picked = second(&sampler, batches, records);
                let wanted = PER_SECOND / 3..=PER_SECOND * 2;
                assert!(wanted.contains(&picked), "{batches}×{records}: {picked}");
            }
        }
    }

    #[test]
    fn a_quiet_topic_is_seen_again_after_a_burst() {
        let sampler = Sampler::default();
        for _ in 0..20 {
            second(&sampler, 10_000, 1_000);
        }
        let seen: u64 = (0..40).map(|_| second(&sampler, 10, 1)).sum();
        assert!(seen > 50, "{seen} of 400");
    }

    #[test]
    fn records_are_picked_within_their_batch() {
        let sampler = Sampler::default();
        for _ in 0..10_000 {
            assert!(sampler.pick(7).is_none_or(|index| index < 7));
        }
    }
}
