//! Medians, and ratios within pairs.

/// The middle of some values, and their extremes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

/// The spread of some values; nothing of nothing.
#[must_use]
pub fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (least, most) = (*sorted.first()?, *sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    };
    Some(Spread {
        median,
        least,
        most,
    })
}

/// The middle one; of none it is not a number.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    spread(values).map_or(f64::NAN, |spread| spread.median)
}

/// What `ours` is to `theirs`, pair by pair; a pair in which one of the two is missing doesn't count, nor
/// does one in which theirs is nothing.
#[must_use]
pub fn ratios(ours: &[(u32, f64)], theirs: &[(u32, f64)]) -> Vec<f64> {
    let of = |pair: u32| theirs.iter().find(|(theirs, _)| *theirs == pair);
    let both = ours.iter().filter_map(|(pair, our)| {
        let (_, their) = of(*pair)?;
        (*their != 0.0).then(|| our / their)
    });
    both.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_odd_even_and_none() {
        let odd = spread(&[3.0, 1.0, 2.0]).unwrap();
        assert_eq!((odd.least, odd.median, odd.most), (1.0, 2.0, 3.0));
        assert_eq!(spread(&[4.0, 1.0]).unwrap().median, 2.5);
        assert_eq!(spread(&[]), None);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn ratios_are_of_one_pair_each() {
        let (ours, theirs) = ([(0, 6.0), (1, 8.0), (3, 1.0)], [(1, 4.0), (0, 2.0)]);
        assert_eq!(ratios(&ours, &theirs), [3.0, 2.0]);
        assert!(ratios(&[(0, 1.0)], &[(0, 0.0)]).is_empty());
    }
}
