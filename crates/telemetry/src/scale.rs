//! The cells of a histogram: the buckets that a page shows, cut finer where somebody asks for percentiles.
//!
//! Kafka's percentiles are those of a sample of exact values. Ours are read off cells that are a
//! sixteenth of a power of two wide, so they are wrong by [`RESOLUTION`] of their value at most, whatever
//! was measured. A bound of a bucket is the end of a cell too, so that what is shown is exact.

use std::sync::Arc;

/// Cells in each power of two.
const PARTS_BITS: u32 = 4;
/// How wide a cell is, as a part of the values in it.
#[cfg(test)]
pub(crate) const RESOLUTION: f64 = 1.0 / (1 << PARTS_BITS) as f64;
/// What of a float's bits is below its cell.
const SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - PARTS_BITS;
/// How far the cells reach beyond the buckets: percentiles of times are shown in thousandths below
/// the first bucket, and those of waits above the last.
const BELOW: f64 = 16.0;
const ABOVE: f64 = 4.0;

/// Where values are counted; one for all series of a family.
#[derive(Debug)]
pub(crate) struct Scale {
    /// The buckets of the page.
    bounds: Box<[f64]>,
    /// Where cells end, themselves in them; that of the last one is infinite.
    ends: Arc<[f64]>,
    /// The cell of each bound.
    shown: Box<[usize]>,
    /// The bits of the first power of two that is cut, without those below a cell.
    first: i64,
    /// In which cell the search begins, by the leading bits of a value.
    starts: Box<[u16]>,
}

impl Scale {
    /// As many cells as buckets.
    pub(crate) fn coarse(bounds: &[f64]) -> Self {
        Self::new(bounds, Vec::new(), 0)
    }

    /// For percentiles.
    pub(crate) fn fine(bounds: &[f64]) -> Self {
        let mut positive = bounds.iter().copied().filter(|bound| *bound > 0.0);
        let Some(least) = positive.next() else {
            return Self::coarse(bounds);
        };
        let first = leading(least / BELOW);
        let last = leading(positive.next_back().unwrap_or(least) * ABOVE);
        let edge = |at: i64| f64::from_bits((at as u64) << SHIFT);
        Self::new(bounds, (first..=last).map(edge).collect(), first)
    }

    fn new(bounds: &[f64], edges: Vec<f64>, first: i64) -> Self {
        let mut ends: Vec<f64> = edges.iter().chain(bounds).copied().collect();
        ends.sort_unstable_by(f64::total_cmp);
        ends.dedup();
        let cell_of = |end: f64| ends.partition_point(|other| *other < end);
        let shown = bounds.iter().map(|bound| cell_of(*bound)).collect();
        let starts = edges.iter().map(|edge| cell_of(*edge));
        // What is below the first edge is looked for from the beginning.
        let starts = std::iter::once(0).chain(starts);
        let starts = starts.map(|cell| u16::try_from(cell).expect("a few hundred cells"));
        let starts = starts.collect();
        ends.push(f64::INFINITY);
        Self {
            bounds: bounds.into(),
            shown,
            starts,
            ends: ends.into(),
            first,
        }
    }

    /// How many cells there are.
    pub(crate) fn cells(&self) -> usize {
        self.ends.len()
    }

    /// Upper bounds of the cells; the last one is infinite.
    pub(crate) fn ends(&self) -> &Arc<[f64]> {
        &self.ends
    }

    /// The buckets that are shown, and the last cell in each.
    pub(crate) fn shown(&self) -> impl ExactSizeIterator<Item = (f64, usize)> {
        self.bounds.iter().copied().zip(self.shown.iter().copied())
    }

    /// The cell of a value; of what is no number, the last.
    #[inline]
    pub(crate) fn cell(&self, value: f64) -> usize {
        // Floats that are not negative are in the order of their bits; negative ones come out below 0.
        let at = (leading(value) - self.first + 1).clamp(0, self.starts.len() as i64 - 1);
        let start = usize::from(self.starts[at as usize]);
        let after = self.ends[start..].iter().position(|end| value <= *end);
        after.map_or(self.ends.len() - 1, |after| start + after)
    }
}

/// The sign, the power of two and the first [`PARTS_BITS`] after it.
fn leading(value: f64) -> i64 {
    value.to_bits() as i64 >> SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buckets;

    const ALL: [&[f64]; 4] = [
        buckets::REQUEST_SECONDS,
        buckets::SIZE_BYTES,
        &[0.0, 0.5, 2.0],
        &[0.0],
    ];

    /// Values around each end, and far from all.
    fn probes(scale: &Scale) -> Vec<f64> {
        let ends = scale.ends.iter();
        let near = ends.flat_map(|end| [end.next_down(), *end, end.next_up(), end * 1.01]);
        near.chain([-1.0, -0.0, 0.0, 1e-300, 1e300, f64::INFINITY, f64::NAN])
            .collect()
    }

    #[test]
    fn a_value_is_in_the_first_cell_that_ends_at_or_above_it() {
        for bounds in ALL {
            for scale in [Scale::fine(bounds), Scale::coarse(bounds)] {
                for value in probes(&scale) {
                    let slow = scale.ends.iter().position(|end| value <= *end);
                    let slow = slow.unwrap_or(scale.ends.len() - 1);
                    assert_eq!(scale.cell(value), slow, "{value} in {bounds:?}");
                }
            }
        }
    }

    #[test]
    fn buckets_are_whole_cells_and_cells_are_narrow() {
        for bounds in ALL {
            let scale = Scale::fine(bounds);
            assert!(scale.cells() < 600, "{}", scale.cells());
            let shown: Vec<f64> = scale.shown().map(|(bound, _)| bound).collect();
            assert_eq!(shown, bounds);
            for (bound, cell) in scale.shown() {
                assert_eq!(scale.ends[cell], bound);
            }
        }
        let scale = Scale::fine(buckets::REQUEST_SECONDS);
        let narrow = |pair: &[f64]| pair[1] - pair[0] <= pair[0] * RESOLUTION;
        let (_, finite) = scale.ends.split_last().unwrap();
        assert!(finite.windows(2).all(narrow));
        assert!(finite[0] < 7e-6 && finite.last() >= Some(&40.0));
        assert_eq!(Scale::coarse(&[1.0, 2.0]).cells(), 3);
        assert_eq!(Scale::fine(&[0.0]).cells(), 2, "nothing to cut");
    }
}
