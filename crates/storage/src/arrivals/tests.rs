use proptest::prelude::*;

use super::*;

const DAY_MS: i64 = 86_400_000;

/// Every append that was made, and what the table may say of it.
struct Truth {
    arrivals: Arrivals,
    appended: Vec<(i64, i64)>,
}

impl Truth {
    fn new() -> Self {
        Self {
            arrivals: Arrivals::default(),
            appended: Vec::new(),
        }
    }

    fn append(&mut self, offset: i64, ms: i64) {
        self.arrivals.note(offset, ms);
        self.appended.push((offset, ms));
        assert!(self.arrivals.points().len() <= POINTS_MAX);
    }

    /// Never younger than the truth; older by a second or by the precision promised.
    fn check(&self, now: i64) {
        for (offset, ms) in &self.appended {
            let said = self.arrivals.at(*offset).unwrap();
            assert!(said <= *ms, "{offset}: {said} is younger than {ms}");
            let allowed = (SPACING_MS as i64).max((now - ms) / PRECISION + SPACING_MS as i64);
            assert!(ms - said <= allowed, "{offset}: {said}, in truth {ms}");
        }
    }
}

#[test]
fn a_busy_month_fits_and_stays_precise() {
    let mut truth = Truth::new();
    let now = 30 * DAY_MS;
    for second in 0..now / 1_000 {
        truth.append(second * 100, second * 1_000 + 7);
    }
    truth.appended.drain(..truth.appended.len() - 200_000);
    truth.check(now);
}

#[test]
fn silence_is_not_blurred() {
    let mut truth = Truth::new();
    let mut now = 0;
    for day in 0..1_000 {
        now = day * DAY_MS;
        truth.append(day * 10, now);
        truth.append(day * 10 + 1, now + 400);
        truth.append(day * 10 + 2, now + 5_000);
    }
    let newest = truth.appended.split_off(truth.appended.len() - 300);
    truth.appended = newest;
    truth.check(now + 10_000);
}

#[test]
fn a_clock_that_is_set_back_and_forth_keeps_the_table_bounded() {
    let mut arrivals = Arrivals::default();
    for i in 0..10_000 {
        let ms = if i % 2 == 0 { 5 * DAY_MS } else { 0 };
        arrivals.note(i, ms + i);
        assert!(arrivals.points().len() <= POINTS_MAX);
    }
    assert!(arrivals.at(9_999).is_some());
}

#[test]
fn ends_are_cut_and_the_unknown_is_said() {
    let mut arrivals = Arrivals::default();
    arrivals.note_unknown(10);
    arrivals.note_unknown(12);
    assert_eq!(arrivals.points().len(), 1);
    assert_eq!((arrivals.at(9), arrivals.at(10)), (None, None));
    arrivals.note(20, 1_000);
    arrivals.note(25, 1_999);
    arrivals.note(30, 2_000);
    assert_eq!(arrivals.at(19), None);
    assert_eq!(arrivals.at(25), Some(1_000));
    assert_eq!(arrivals.at(i64::MAX), Some(2_000));
    arrivals.truncate_start(26);
    assert_eq!(arrivals.points().len(), 2);
    assert_eq!(arrivals.at(26), Some(1_000));
    arrivals.truncate_end(30);
    assert_eq!(arrivals.at(40), Some(1_000));
    arrivals.note(30, 1_500);
    assert_eq!(arrivals.at(30), Some(1_000), "within the second");
    arrivals.truncate_end(0);
    assert_eq!(arrivals.at(40), None);
    arrivals.note(0, 50);
    assert_eq!(arrivals.at(0), Some(50), "the first is always noted");
}

proptest! {
    #[test]
    fn any_rhythm_is_answered_as_promised(
        gaps in prop::collection::vec(
            prop_oneof![6 => 0i64..300, 3 => 300i64..20_000, 1 => 20_000i64..DAY_MS], 1..3_000,
        ),
        later in 0i64..DAY_MS,
    ) {
        let mut truth = Truth::new();
        let mut now = 0;
        for (i, gap) in gaps.iter().enumerate() {
            now += gap;
            truth.append(i as i64 * 3, now);
        }
        truth.check(now + later);
    }
}
