//! Each kind of finding, planted by hand; and a history that is fine.

use super::super::findings::Fault;
use super::super::value::{Place, Topic, Value};
use super::{Checker, Outcome, View};

const PLAIN: Place = Place {
    topic: Topic::Plain,
    partition: 0,
};
const WHOLE: Place = Place {
    topic: Topic::Whole,
    partition: 0,
};
const OTHER: Place = Place {
    topic: Topic::Whole,
    partition: 1,
};
const RELAYED: Place = Place {
    topic: Topic::Relayed,
    partition: 0,
};
const VIEWS: [View; 2] = [View::Everything, View::Committed];

fn plain(number: u64) -> Value {
    Value {
        writer: 1,
        number,
        txn: None,
        source: None,
    }
}

fn of(txn: u64, number: u64) -> Value {
    Value {
        writer: 2,
        number,
        txn: Some(txn),
        source: None,
    }
}

impl Checker {
    fn sees(&mut self, view: View, place: Place, offset: i64, value: Value) {
        self.read(view, place, offset, &value.encode(place));
    }

    fn both_see(&mut self, place: Place, offset: i64, value: Value) {
        for view in VIEWS {
            self.sees(view, place, offset, value);
        }
    }

    fn only(&self, fault: Fault) {
        let counts: Vec<_> = self.findings.counts().iter().collect();
        assert_eq!(counts, [(&fault, &1)], "{:?}", self.findings.told());
    }
}

#[test]
fn a_history_without_faults_is_clean_and_complete() {
    let mut checker = Checker::default();
    for number in 0..3 {
        checker.both_see(PLAIN, number as i64, plain(number));
        checker.acknowledged(PLAIN, (1, number), Some(number as i64));
    }
    checker.begin(2, 0, 2);
    checker.sees(View::Everything, WHOLE, 0, of(0, 0));
    checker.acknowledged(WHOLE, (2, 0), Some(0));
    checker.acknowledged(OTHER, (2, 0), Some(0));
    checker.sees(View::Everything, OTHER, 0, of(0, 0));
    checker.outcome(2, 0, Outcome::Committing);
    checker.sees(View::Committed, WHOLE, 0, of(0, 0));
    checker.outcome(2, 0, Outcome::Committed);
    assert!(!checker.open().is_empty());
    checker.sees(View::Committed, OTHER, 0, of(0, 0));
    // aborted, and passed over
    checker.begin(2, 1, 1);
    checker.sees(View::Everything, WHOLE, 2, of(1, 1));
    checker.outcome(2, 1, Outcome::Aborted);
    checker.begin(2, 2, 1);
    checker.outcome(2, 2, Outcome::Unknown);
    checker.both_see(WHOLE, 4, of(2, 2));
    // relayed, all of it
    for (offset, source) in [(0, 0), (2, 4)] {
        let value = Value {
            writer: 9,
            number: source,
            txn: None,
            source: Some(source as i64),
        };
        checker.both_see(RELAYED, offset, value);
    }
    let last = Value {
        writer: 9,
        number: 0,
        txn: None,
        source: Some(0),
    };
    checker.both_see(
        Place {
            partition: 1,
            ..RELAYED
        },
        0,
        last,
    );
    // and seen once more
    checker.rewind(View::Everything, PLAIN, 1);
    checker.sees(View::Everything, PLAIN, 1, plain(1));
    assert_eq!(checker.findings.count(), 0, "{:?}", checker.findings.told());
    assert_eq!(checker.open(), Vec::<String>::new());
}

#[test]
fn an_acknowledged_record_that_is_passed_over_is_lost() {
    let mut checker = Checker::default();
    checker.acknowledged(PLAIN, (1, 0), None);
    checker.both_see(PLAIN, 0, plain(1));
    checker.only(Fault::Lost);
}

#[test]
fn an_acknowledgement_after_the_record_was_passed_over_is_a_loss_too() {
    let mut checker = Checker::default();
    checker.both_see(PLAIN, 0, plain(1));
    checker.acknowledged(PLAIN, (1, 0), None);
    checker.only(Fault::Lost);
}

#[test]
fn what_was_seen_must_be_there_the_next_time() {
    let mut checker = Checker::default();
    (0..3).for_each(|n| checker.both_see(PLAIN, n as i64, plain(n)));
    checker.rewind(View::Everything, PLAIN, 0);
    checker.sees(View::Everything, PLAIN, 0, plain(0));
    checker.sees(View::Everything, PLAIN, 2, plain(2));
    checker.only(Fault::Lost);
}

#[test]
fn twice_behind_or_elsewhere() {
    let mut checker = Checker::default();
    checker.sees(View::Everything, PLAIN, 0, plain(0));
    checker.sees(View::Everything, PLAIN, 1, plain(0));
    checker.only(Fault::Duplicated);
    let mut checker = Checker::default();
    checker.sees(View::Everything, PLAIN, 0, plain(1));
    checker.sees(View::Everything, PLAIN, 1, plain(0));
    checker.only(Fault::Reordered);
    let mut checker = Checker::default();
    checker.acknowledged(PLAIN, (1, 0), Some(1));
    checker.sees(View::Everything, PLAIN, 0, plain(0));
    checker.only(Fault::Misplaced);
    let mut checker = Checker::default();
    checker.sees(View::Everything, PLAIN, 0, plain(0));
    checker.acknowledged(PLAIN, (1, 0), Some(1));
    checker.only(Fault::Misplaced);
}

#[test]
fn an_offset_keeps_its_record_and_leaves_none_out() {
    let mut checker = Checker::default();
    checker.both_see(PLAIN, 0, plain(0));
    checker.rewind(View::Committed, PLAIN, 0);
    checker.sees(View::Committed, PLAIN, 0, plain(1));
    checker.only(Fault::Rewritten);
    let mut checker = Checker::default();
    checker.sees(View::Everything, PLAIN, 0, plain(0));
    checker.sees(View::Committed, PLAIN, 0, plain(1));
    checker.only(Fault::Rewritten);
    let mut checker = Checker::default();
    checker.sees(View::Everything, PLAIN, 0, plain(0));
    checker.sees(View::Everything, PLAIN, 2, plain(1));
    checker.only(Fault::Skipped);
    let mut checker = Checker::default();
    let mut bytes = plain(0).encode(PLAIN);
    *bytes.last_mut().unwrap() ^= 1;
    checker.read(View::Everything, PLAIN, 0, &bytes);
    checker.only(Fault::Damaged);
}

#[test]
fn a_poll_that_goes_back() {
    let mut checker = Checker::default();
    checker.sees(View::Everything, PLAIN, 0, plain(0));
    checker.sees(View::Everything, PLAIN, 1, plain(1));
    checker.sees(View::Everything, PLAIN, 0, plain(0));
    checker.only(Fault::WentBack);
}

#[test]
fn half_a_transaction() {
    for seen_first in [true, false] {
        let mut checker = Checker::default();
        checker.begin(2, 0, 2);
        checker.outcome(2, 0, Outcome::Committing);
        if seen_first {
            checker.both_see(WHOLE, 0, of(0, 0));
        }
        checker.sees(View::Everything, OTHER, 0, of(0, 0));
        checker.outcome(2, 0, Outcome::Unknown);
        checker.begin(2, 1, 1);
        checker.outcome(2, 1, Outcome::Committing);
        checker.both_see(OTHER, 2, of(1, 1));
        if !seen_first {
            checker.both_see(WHOLE, 0, of(0, 0));
        }
        checker.only(Fault::Torn);
    }
}

#[test]
fn a_committed_transaction_that_is_passed_over() {
    let mut checker = Checker::default();
    checker.begin(2, 0, 1);
    checker.outcome(2, 0, Outcome::Committed);
    checker.sees(View::Everything, WHOLE, 0, of(0, 0));
    checker.begin(2, 1, 1);
    checker.outcome(2, 1, Outcome::Committing);
    checker.both_see(WHOLE, 2, of(1, 1));
    checker.only(Fault::Torn);
}

#[test]
fn aborted_or_not_yet_committed_and_visible() {
    let mut checker = Checker::default();
    checker.begin(2, 0, 1);
    checker.outcome(2, 0, Outcome::Aborted);
    checker.both_see(WHOLE, 0, of(0, 0));
    checker.only(Fault::Aborted);
    let mut checker = Checker::default();
    checker.begin(2, 0, 1);
    checker.both_see(WHOLE, 0, of(0, 0));
    checker.only(Fault::Early);
}

#[test]
fn a_plain_record_that_is_taken_for_aborted() {
    let mut checker = Checker::default();
    checker.sees(View::Everything, WHOLE, 0, plain(0));
    checker.both_see(WHOLE, 1, plain(1));
    checker.only(Fault::Lost);
    // and when the reader of everything comes later
    let mut checker = Checker::default();
    checker.both_see(WHOLE, 0, plain(0));
    checker.sees(View::Committed, WHOLE, 2, plain(2));
    checker.sees(View::Everything, WHOLE, 1, plain(1));
    checker.only(Fault::Lost);
}

#[test]
fn a_relay_that_leaves_out_or_repeats() {
    let relayed = |source, number| Value {
        writer: 9,
        number,
        txn: None,
        source: Some(source),
    };
    let mut checker = Checker::default();
    (0..3).for_each(|n| checker.both_see(WHOLE, n as i64, plain(n)));
    checker.both_see(RELAYED, 0, relayed(0, 0));
    checker.both_see(RELAYED, 1, relayed(2, 1));
    checker.only(Fault::NotRelayed);
    let mut checker = Checker::default();
    (0..3).for_each(|n| checker.both_see(WHOLE, n as i64, plain(n)));
    checker.both_see(RELAYED, 0, relayed(0, 0));
    checker.both_see(RELAYED, 1, relayed(0, 1));
    checker.only(Fault::RelayedTwice);
}

#[test]
fn a_committed_offset_that_is_forgotten() {
    let mut checker = Checker::default();
    checker.offset_found("g", PLAIN, 4);
    checker.offset_committed("g", PLAIN, 5);
    checker.offset_found("g", PLAIN, 6);
    assert_eq!(checker.findings.count(), 0);
    checker.offset_found("g", PLAIN, 5);
    checker.only(Fault::Forgotten);
}

#[test]
fn writers_wait_for_readers() {
    let mut checker = Checker::default();
    assert!(checker.may_write(1, Topic::Plain));
    for number in 0..super::AWAITED_MAX as u64 {
        checker.acknowledged(PLAIN, (1, number), None);
    }
    assert!(!checker.may_write(1, Topic::Plain) && checker.may_write(3, Topic::Plain));
    for txn in 0..super::UNSETTLED_MAX as u64 {
        checker.begin(2, txn, 1);
        checker.outcome(2, txn, Outcome::Committed);
    }
    assert!(!checker.may_write(2, Topic::Whole));
}
