//! A speed over a stretch of time that forgets.

/// An average that gives what is older less weight.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rate {
    sum: f64,
    weight: f64,
}

impl Rate {
    /// So much happened in so many seconds; what is `over_seconds` old counts a third of what is new.
    pub(super) fn add(&mut self, amount: f64, seconds: f64, over_seconds: f64) {
        if seconds <= 0.0 {
            return;
        }
        let keep = (-seconds / over_seconds).exp();
        self.sum = self.sum * keep + amount / seconds * (1.0 - keep);
        self.weight = self.weight * keep + (1.0 - keep);
    }

    /// Per second, once a sixth of the stretch was seen.
    pub(super) fn per_second(&self) -> Option<f64> {
        const SEEN_MIN: f64 = 0.15;
        (self.weight >= SEEN_MIN).then(|| self.per_second_so_far())
    }

    /// Per second, however little was seen. What is next to nothing is nothing.
    pub(super) fn per_second_so_far(&self) -> f64 {
        const NOTHING: f64 = 1e-3;
        let rate = self.sum / self.weight.max(f64::MIN_POSITIVE);
        if rate.abs() < NOTHING { 0.0 } else { rate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_flow_is_its_rate_from_the_beginning_on() {
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(), None, "nothing seen");
        rate.add(5.0, 1.0, 60.0);
        assert_eq!(rate.per_second(), None, "too little seen");
        for _ in 0..20 {
            rate.add(5.0, 1.0, 60.0);
        }
        let steady = rate.per_second().expect("a rate");
        assert!((steady - 5.0).abs() < 1e-9, "{steady}");
        rate.add(0.0, 0.0, 60.0);
        assert_eq!(rate.per_second(), Some(steady), "no time, no change");
    }

    #[test]
    fn what_stopped_comes_down_to_nothing() {
        let mut rate = Rate::default();
        rate.add(60_000.0, 60.0, 60.0);
        rate.add(0.0, 60.0, 60.0);
        let half = rate.per_second().expect("a rate");
        assert!((200.0..400.0).contains(&half), "{half}");
        rate.add(0.0, 3_600.0, 60.0);
        assert_eq!(rate.per_second(), Some(0.0));
    }
}
