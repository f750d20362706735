//! Numbers that look random and come again with the same seed (SplitMix64).

use std::ops::Range;

/// A sequence of such numbers.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number of `range`, its first one if it is empty.
    pub const fn within(&mut self, range: Range<u64>) -> u64 {
        let width = range.end.saturating_sub(range.start);
        let drawn = self.draw();
        if width == 0 {
            return range.start;
        }
        range.start + drawn % width
    }

    /// True once in `times`.
    pub const fn one_in(&mut self, times: u64) -> bool {
        self.within(0..times) == 0
    }
}

/// A number that depends on every bit of another.
#[must_use]
pub const fn mix(number: u64) -> u64 {
    let mut mixed = number;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
