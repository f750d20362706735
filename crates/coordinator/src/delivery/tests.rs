use std::sync::Arc;

use limpid_protocol::ErrorCode;
use proptest::prelude::*;

use super::{Acknowledgement, Batch, Deliveries, Fate, Read, Rules, Verdict, Wish};

const RULES: Rules = Rules {
    lock_ms: 30_000,
    deliveries_max: 3,
    in_flight_max: 100,
};
const MANY: Wish = Wish {
    records_max: 1_000,
    batch_size: 1,
    exact: false,
};

impl Deliveries {
    fn get(&mut self, now_ms: u64, name: &str, read: &[(i64, i64)], wish: Wish) -> Vec<Batch> {
        self.get_by(now_ms, name, read, wish, &RULES)
    }

    fn get_by(
        &mut self,
        now_ms: u64,
        name: &str,
        batches: &[(i64, i64)],
        wish: Wish,
        rules: &Rules,
    ) -> Vec<Batch> {
        let read = Read {
            from: batches[0].0,
            batches,
            hidden: &[],
        };
        self.acquire(now_ms, &member(name), &read, wish, rules)
    }

    fn say(&mut self, now_ms: u64, name: &str, said: &[Acknowledgement]) -> Result<(), ErrorCode> {
        let plan = self.plan_acknowledgement(now_ms, name, said, &RULES);
        *self = plan.map_err(|refusal| refusal.error)?.0;
        Ok(())
    }

    fn release(&mut self, name: &str) {
        if let Some((next, _)) = self.plan_release(name, &RULES) {
            *self = next;
        }
    }

    fn expire(&mut self, now_ms: u64) -> bool {
        let plan = self.plan_expiry(now_ms, &RULES);
        let some = plan.is_some();
        if let Some((next, _)) = plan {
            *self = next;
        }
        some
    }
}

fn member(name: &str) -> Arc<str> {
    name.into()
}

fn said(first: i64, last: i64, verdict: Verdict) -> Acknowledgement {
    Acknowledgement {
        first,
        last,
        verdicts: vec![verdict],
    }
}

fn acquired(first: i64, last: i64, count: i16) -> Batch {
    Batch {
        first,
        last,
        fate: Fate::Acquired,
        count,
    }
}

#[test]
fn what_is_accepted_is_done_for_good() {
    let mut one = Deliveries::new(10);
    let got = one.get(0, "a", &[(10, 14), (15, 19)], MANY);
    assert_eq!(got, [acquired(10, 14, 1), acquired(15, 19, 1)]);
    assert_eq!(one.next_offset(&RULES), Some(20));
    let done = one.say(0, "a", &[said(10, 12, Verdict::Accept)]);
    assert_eq!((done, one.start()), (Ok(()), 13));
    assert_eq!(one.in_flight(), 7);
    let rest = [said(15, 19, Verdict::Accept)];
    assert_eq!(one.say(0, "a", &rest), Ok(()));
    assert_eq!((one.start(), one.done()), (13, 5), "13 and 14 hold it up");
    let rest = [said(13, 14, Verdict::Reject)];
    assert_eq!(one.say(0, "a", &rest), Ok(()));
    assert_eq!((one.start(), one.in_flight()), (20, 0));
}

#[test]
fn what_is_released_goes_to_the_next_and_not_for_ever() {
    let mut one = Deliveries::new(0);
    for (count, last, name) in [(1, 7, "a"), (2, 7, "b"), (3, 0, "c")] {
        assert_eq!(one.next_offset(&RULES), Some(0));
        let got = one.get(0, name, &[(0, 7)], MANY);
        assert_eq!(got, [acquired(0, last, count)], "the last time on its own");
        let release = [said(0, last, Verdict::Release)];
        assert_eq!(one.say(0, name, &release), Ok(()));
    }
    assert_eq!(one.start(), 1, "three times is enough");
}

#[test]
fn what_may_be_wrong_is_delivered_in_smaller_pieces() {
    let rules = Rules {
        deliveries_max: 6,
        ..RULES
    };
    let mut one = Deliveries::new(0);
    let mut pieces = Vec::new();
    for _ in 0..6 {
        let got = one.get_by(0, "a", &[(0, 15)], MANY, &rules);
        pieces.push(got[0].last + 1);
        let release = [said(0, got[0].last, Verdict::Release)];
        let plan = one.plan_acknowledgement(0, "a", &release, &rules);
        one = plan.expect("it has them").0;
    }
    assert_eq!(pieces, [16, 16, 16, 8, 4, 1]);
    assert_eq!(one.start(), 1);
}

#[test]
fn what_nobody_shall_see_is_done_with() {
    let mut one = Deliveries::new(0);
    let read = Read {
        from: 0,
        batches: &[(0, 4), (5, 9), (10, 14)],
        hidden: &[(0, 4), (7, 8)],
    };
    let wish = Wish {
        batch_size: 100,
        ..MANY
    };
    let got = one.acquire(0, &member("a"), &read, wish, &RULES);
    assert_eq!(
        got,
        [acquired(5, 6, 1), acquired(9, 14, 1)],
        "one batch but for what is hidden"
    );
    assert_eq!((one.start(), one.done()), (5, 2));
    let all = [said(5, 6, Verdict::Accept), said(9, 14, Verdict::Accept)];
    assert_eq!(one.say(0, "a", &all), Ok(()));
    assert_eq!(one.start(), 15);
}

#[test]
fn what_is_written_begins_where_the_start_was() {
    let mut one = Deliveries::new(10);
    one.get(0, "a", &[(10, 14)], MANY);
    let all = [said(10, 14, Verdict::Accept)];
    let plan = one.plan_acknowledgement(0, "a", &all, &RULES);
    let (next, write) = plan.expect("it has them");
    let done = Batch {
        fate: Fate::Acknowledged,
        ..acquired(10, 14, 1)
    };
    assert_eq!((write.start, write.done), (10, 5));
    assert_eq!(write.batches, [done]);
    assert_eq!(next.start(), 15);
    assert_eq!(Deliveries::restore(10, write.batches), next);
}

#[test]
fn locks_end_and_can_be_renewed() {
    let mut one = Deliveries::new(0);
    one.get(0, "a", &[(0, 4)], MANY);
    assert_eq!(one.next_deadline_ms(), Some(30_000));
    let renew = [said(0, 1, Verdict::Renew)];
    assert_eq!(one.say(20_000, "a", &renew), Ok(()));
    assert!(!one.expire(29_999));
    assert!(one.expire(30_000));
    assert_eq!(one.next_offset(&RULES), Some(2));
    assert_eq!(one.next_deadline_ms(), Some(50_000));
    let late = [said(2, 4, Verdict::Accept)];
    let error = Err(ErrorCode::InvalidRecordState);
    assert_eq!(one.say(30_000, "a", &late), error);
}

#[test]
fn only_who_has_a_record_speaks_of_it_and_all_or_nothing_is_taken_over() {
    let mut one = Deliveries::new(0);
    one.get(0, "a", &[(0, 4)], MANY);
    let before = one.clone();
    let error = Err(ErrorCode::InvalidRecordState);
    let invalid = Err(ErrorCode::InvalidRequest);
    let stolen = [said(0, 1, Verdict::Accept)];
    assert_eq!(one.say(0, "b", &stolen), error);
    let beyond = [said(0, 1, Verdict::Accept), said(5, 5, Verdict::Accept)];
    assert_eq!(one.say(0, "a", &beyond), invalid);
    let backwards = [said(3, 2, Verdict::Accept)];
    assert_eq!(one.say(0, "a", &backwards), invalid);
    let mut short = said(0, 4, Verdict::Accept);
    short.verdicts.push(Verdict::Accept);
    assert_eq!(one.say(0, "a", &[short]), invalid);
    assert_eq!(one, before);
}

#[test]
fn verdicts_can_be_given_one_by_one() {
    let mut one = Deliveries::new(0);
    one.get(0, "a", &[(0, 3)], MANY);
    let mixed = Acknowledgement {
        first: 0,
        last: 3,
        verdicts: vec![
            Verdict::Accept,
            Verdict::Gap,
            Verdict::Release,
            Verdict::Reject,
        ],
    };
    assert_eq!(one.say(0, "a", &[mixed]), Ok(()));
    assert_eq!((one.start(), one.in_flight()), (2, 1));
    let got = one.get(0, "b", &[(0, 3)], MANY);
    assert_eq!(got, [acquired(2, 2, 2)], "only what is available");
}

#[test]
fn a_member_that_goes_gives_back_what_it_had() {
    let mut one = Deliveries::new(0);
    one.get(0, "a", &[(0, 4)], MANY);
    one.get(0, "b", &[(5, 9)], MANY);
    one.release("a");
    let got = one.get(0, "b", &[(0, 4)], MANY);
    assert_eq!(
        got,
        [acquired(0, 4, 2)],
        "nobody knows what the other did with it"
    );
}

#[test]
fn members_that_come_and_go_do_not_get_a_record_for_ever() {
    let mut one = Deliveries::new(0);
    for count in 1..=RULES.deliveries_max {
        assert_eq!(one.get(0, "a", &[(0, 0)], MANY), [acquired(0, 0, count)]);
        one.release("a");
    }
    assert_eq!(one.get(0, "a", &[(0, 0)], MANY), []);
}

#[test]
fn members_get_no_more_than_they_want_and_may() {
    let mut one = Deliveries::new(0);
    let few = Wish {
        records_max: 3,
        batch_size: 1,
        exact: false,
    };
    let got = one.get(0, "a", &[(0, 4), (5, 9)], few);
    assert_eq!(got, [acquired(0, 4, 1)], "a whole batch");
    let exact = Wish {
        records_max: 3,
        batch_size: 1,
        exact: true,
    };
    let got = one.get(0, "a", &[(5, 9)], exact);
    assert_eq!(got, [acquired(5, 7, 1)]);
    let tight = Rules {
        in_flight_max: 8,
        ..RULES
    };
    assert_eq!(one.next_offset(&tight), None);
    let got = one.get_by(0, "b", &[(8, 9)], MANY, &tight);
    assert_eq!(got, []);
}

#[test]
fn holes_and_what_the_log_lost_are_done_with() {
    let mut one = Deliveries::new(0);
    one.get(0, "b", &[(0, 0)], MANY);
    let got = one.get(0, "a", &[(3, 4), (8, 9)], MANY);
    assert_eq!(
        got,
        [acquired(3, 7, 1), acquired(8, 9, 1)],
        "gaps between are the member's"
    );
    let all = [said(3, 4, Verdict::Accept), said(5, 7, Verdict::Gap)];
    assert_eq!(one.say(0, "a", &all), Ok(()));
    assert_eq!(one.start(), 0);
    let all = [said(0, 0, Verdict::Accept)];
    assert_eq!(one.say(0, "b", &all), Ok(()));
    assert_eq!(one.start(), 8);
    one.trim(9);
    assert_eq!((one.start(), one.in_flight()), (9, 1));
    one.trim(50);
    assert_eq!((one.start(), one.next_offset(&RULES)), (50, Some(50)));
}

/// One step of a game.
#[derive(Debug, Clone)]
enum Step {
    Acquire(u8, i64, bool),
    Acknowledge(u8, i64, i64, i8),
    Release(u8),
    Pass(u64),
    Trim(i64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u8..3, 1_i64..12, any::<bool>()).prop_map(|(m, n, e)| Step::Acquire(m, n, e)),
        6 => (0_u8..3, 0_i64..40, 0_i64..8, 0_i8..5)
            .prop_map(|(m, at, n, v)| Step::Acknowledge(m, at, n, v)),
        1 => (0_u8..3).prop_map(Step::Release),
        2 => (0_u64..40_000).prop_map(Step::Pass),
        1 => (0_i64..10).prop_map(Step::Trim),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    #[test]
    fn runs_tile_the_window_and_what_is_written_is_what_is(steps in steps()) {
        let mut one = Deliveries::new(0);
        let mut written: Vec<Batch> = Vec::new();
        let mut now_ms = 0;
        for step in steps {
            let before = one.clone();
            match step {
                Step::Acquire(who, records_max, exact) => {
                    let at = one.next_offset(&RULES).unwrap_or(0) / 5 * 5;
                    let read = [(at, at + 4), (at + 5, at + 9)];
                    let wish = Wish { records_max, batch_size: 1, exact };
                    one.get(now_ms, &who.to_string(), &read, wish);
                }
                Step::Acknowledge(who, at, length, verdict) => {
                    let first = one.start() + at;
                    let verdict = Verdict::from_code(verdict).expect("known");
                    let said = [said(first, first + length, verdict)];
                    let done = one.say(now_ms, &who.to_string(), &said);
                    prop_assert!(done.is_ok() || one == before);
                }
                Step::Release(who) => one.release(&who.to_string()),
                Step::Pass(ms) => {
                    now_ms += ms;
                    one.expire(now_ms);
                }
                Step::Trim(by) => one.trim(one.start() + by),
                Step::Restart => {
                    let again = Deliveries::restore(one.start(), written.iter().copied());
                    for batch in again.batches() {
                        prop_assert!(batch.last < one.end);
                    }
                    prop_assert_eq!(again.start(), one.start());
                    // Each record has the fate that was written.
                    for batch in one.batches() {
                        if batch.fate.is_done() {
                            let found = again.batches().into_iter().find(|b| {
                                b.first <= batch.first && batch.last <= b.last
                            });
                            prop_assert_eq!(found.map(|b| b.fate), Some(batch.fate));
                        }
                    }
                }
            }
            one.check_invariants();
            prop_assert!(one.start() >= before.start(), "the start never goes back");
            written.extend(one.difference(&before));
        }
    }
}
