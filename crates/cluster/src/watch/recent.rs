//! A total over the last ten minutes.

use std::collections::VecDeque;

/// How far back is looked.
pub(super) const RECENT_MS: i64 = 600_000;
/// Points that are kept; what happens within one step of the clock is one point.
const POINTS_MAX: usize = 120;
/// The clock's step.
const STEP_MS: i64 = RECENT_MS / POINTS_MAX as i64;

/// How much a total grew.
#[derive(Debug, Clone, Default)]
pub(super) struct Recent {
    last: Option<u64>,
    grown: VecDeque<(i64, u64)>,
}

impl Recent {
    /// The total is this now. One that went back began anew and is counted from nothing.
    pub(super) fn set(&mut self, total: u64, now_ms: i64) {
        let last = self.last.replace(total);
        let more = match last {
            Some(last) => total.checked_sub(last).unwrap_or(total),
            None => 0,
        };
        let step = now_ms - now_ms.rem_euclid(STEP_MS);
        match self.grown.back_mut() {
            _ if more == 0 => {}
            Some((at, grown)) if *at == step => *grown += more,
            _ => self.grown.push_back((step, more)),
        }
        while let Some((at, _)) = self.grown.front()
            && (now_ms.saturating_sub(*at) > RECENT_MS || self.grown.len() > POINTS_MAX + 1)
        {
            self.grown.pop_front();
        }
    }

    /// By how much it grew.
    pub(super) fn grown(&self) -> u64 {
        self.grown.iter().map(|(_, grown)| grown).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_recent_counts_and_only_what_was_seen() {
        let mut recent = Recent::default();
        recent.set(70, 0);
        assert_eq!(recent.grown(), 0, "before the first look nothing was seen");
        recent.set(72, 1_000);
        recent.set(75, 300_000);
        assert_eq!(recent.grown(), 5);
        recent.set(75, 610_000);
        assert_eq!(recent.grown(), 3, "the first two are old");
        recent.set(2, 620_000);
        assert_eq!(recent.grown(), 5, "it began anew");
    }

    #[test]
    fn a_change_in_every_second_takes_no_more_room() {
        let mut recent = Recent::default();
        for second in 0..5_000 {
            recent.set(second, second as i64 * 1_000);
        }
        assert!(recent.grown.len() <= POINTS_MAX + 1);
        assert!((595..=605).contains(&recent.grown()), "{}", recent.grown());
    }
}
