//! Transactions in simulated time.

mod ending;
mod model;
mod starting;

use bytes::Bytes;
use limpid_protocol::ErrorCode;

use super::*;

const ID: &str = "tx";
const TIMEOUT_MS: i32 = 60_000;
/// The versions of transactions that clients speak.
const FIRST: i16 = 0;
const SECOND: i16 = EPOCH_BUMP;

/// The state, a clock, and the log.
#[derive(Debug)]
struct World {
    state: Transactions,
    now_ms: i64,
    log: Vec<(Bytes, Option<Bytes>)>,
    next_producer_id: i64,
    level: i16,
}

fn partitions(of: &[(&str, i32)]) -> Partitions {
    let mut all = Partitions::new();
    for (topic, index) in of {
        all.entry(Arc::from(*topic)).or_default().insert(*index);
    }
    all
}

impl World {
    fn new() -> Self {
        Self {
            state: Transactions::default(),
            now_ms: 1_700_000_000_000,
            log: Vec::new(),
            next_producer_id: 1_000,
            level: SECOND,
        }
    }

    fn fresh_id(&mut self) -> Option<i64> {
        self.next_producer_id += 1;
        Some(self.next_producer_id)
    }

    /// Writes a change down, as whoever drives the state machine does.
    fn write(&mut self, change: Change) {
        let (key, value) = change.encode(self.level).expect("fits");
        let mut again = Transactions::default();
        again.replay(&key, value.as_deref()).expect("reads");
        let mut expected = change.next().cloned();
        if let Some(expected) = &mut expected {
            // Not in records.
            expected.last_epoch = NO_EPOCH;
        }
        if self.level > 0 {
            assert_eq!(
                again.get(change.id()),
                expected.as_ref(),
                "records survive the disk"
            );
        }
        self.log.push((key, value));
        self.state.apply(change);
    }

    fn init_as(
        &mut self,
        id: &str,
        expected: Option<ProducerKey>,
    ) -> Result<ProducerKey, ErrorCode> {
        let mut fresh_id = None;
        loop {
            let call = InitCall {
                id,
                timeout_ms: TIMEOUT_MS,
                expected,
                fresh_id,
                level: self.level,
            };
            match self.state.init(self.now_ms, call)? {
                Init::NeedsId => fresh_id = self.fresh_id(),
                Init::Become(producer, change) => {
                    self.write(change);
                    return Ok(producer);
                }
                Init::AbortFirst(change) => {
                    self.write(change);
                    return Err(ErrorCode::ConcurrentTransactions);
                }
            }
        }
    }

    fn init(&mut self) -> ProducerKey {
        self.init_as(ID, None).expect("nothing is open")
    }

    fn add_as(&mut self, id: &str, producer: ProducerKey, index: i32, version: i16) -> ErrorCode {
        let wanted = partitions(&[("t", index)]);
        match self
            .state
            .add(self.now_ms, (id, producer), &wanted, version)
        {
            Ok(change) => {
                change.into_iter().for_each(|change| self.write(change));
                ErrorCode::None
            }
            Err(error) => error,
        }
    }

    fn add(&mut self, producer: ProducerKey, index: i32, version: i16) -> ErrorCode {
        self.add_as(ID, producer, index, version)
    }

    fn end_as(
        &mut self,
        id: &str,
        producer: ProducerKey,
        commit: bool,
        version: i16,
    ) -> Result<ProducerKey, ErrorCode> {
        let mut fresh_id = None;
        loop {
            let ending = Ending {
                id,
                producer,
                commit,
                version,
                fresh_id,
            };
            match self.state.end(self.now_ms, ending)? {
                Ended::NeedsId => fresh_id = self.fresh_id(),
                Ended::Already(producer) => return Ok(producer),
                Ended::Decided(producer, change) => {
                    self.write(change);
                    return Ok(producer);
                }
            }
        }
    }

    fn end(
        &mut self,
        producer: ProducerKey,
        commit: bool,
        version: i16,
    ) -> Result<ProducerKey, ErrorCode> {
        self.end_as(ID, producer, commit, version)
    }

    /// Writes all markers of a decided transaction, and that it is complete.
    fn finish_as(&mut self, id: &str) -> Option<Markers> {
        let markers = self.state.markers(id)?;
        let places = markers.partitions.iter();
        let places: Vec<(Arc<str>, i32)> = places
            .flat_map(|(topic, of)| of.iter().map(|index| (Arc::clone(topic), *index)))
            .collect();
        self.state.marked(&markers, &places);
        let change = self
            .state
            .completion(self.now_ms, id)
            .expect("all are marked");
        self.write(change);
        Some(markers)
    }

    fn finish(&mut self) -> Option<Markers> {
        self.finish_as(ID)
    }

    fn txn(&self) -> &Transaction {
        self.state.get(ID).expect("it is known")
    }

    fn state_now(&self) -> TxnState {
        self.txn().state
    }

    /// Forgets everything and reads the log again.
    fn restart(&mut self) {
        self.state = Transactions::default();
        for (key, value) in &self.log {
            self.state.replay(key, value.as_deref()).expect("reads");
        }
    }
}

#[test]
fn a_transaction_is_begun_committed_and_completed() {
    for version in [FIRST, SECOND] {
        let mut world = World::new();
        let producer = world.init();
        assert_eq!(
            producer,
            ProducerKey {
                id: 1_001,
                epoch: 0
            }
        );
        assert_eq!(world.add(producer, 0, version), ErrorCode::None);
        assert_eq!(world.add(producer, 1, version), ErrorCode::None);
        assert_eq!(world.txn().partitions, partitions(&[("t", 0), ("t", 1)]));
        assert_eq!(world.txn().started_ms, world.now_ms);
        let written = world.log.len();
        assert_eq!(world.add(producer, 1, version), ErrorCode::None);
        assert_eq!(
            world.log.len(),
            written,
            "what is known already is not written again"
        );

        let next = world.end(producer, true, version).expect("it is open");
        assert_eq!(next.epoch, if version == SECOND { 1 } else { 0 });
        assert_eq!(world.state_now(), TxnState::PrepareCommit);
        assert_eq!(
            world.add(producer, 2, version),
            match version {
                SECOND => ErrorCode::ProducerFenced,
                _ => ErrorCode::ConcurrentTransactions,
            }
        );
        assert_eq!(
            world.add(next, 2, version),
            ErrorCode::ConcurrentTransactions
        );
        assert!(
            world.state.completion(world.now_ms, ID).is_none(),
            "markers are missing"
        );
        let markers = world.finish().expect("it is decided");
        assert!(markers.commit);
        assert_eq!(markers.producer, next, "markers carry the epoch of the end");
        assert_eq!(world.state_now(), TxnState::CompleteCommit);
        assert_eq!(world.add(next, 3, version), ErrorCode::None);
        assert_eq!(
            world.txn().partitions,
            partitions(&[("t", 3)]),
            "the next one begins empty"
        );
    }
}

#[test]
fn markers_that_are_written_are_not_asked_for_again() {
    let mut world = World::new();
    let producer = world.init();
    world.add(producer, 0, SECOND);
    world.add(producer, 1, SECOND);
    world.end(producer, false, SECOND).expect("open");
    let markers = world.state.markers(ID).expect("decided");
    world.state.marked(&markers, &[(Arc::from("t"), 0)]);
    assert!(world.state.completion(world.now_ms, ID).is_none());
    assert_eq!(world.state.unmarked(), [Arc::from(ID)]);
    let left = world.state.markers(ID).expect("still").partitions;
    assert_eq!(left, partitions(&[("t", 1)]));
    world.restart();
    let left = world.state.markers(ID).expect("after a restart").partitions;
    assert_eq!(left, partitions(&[("t", 0), ("t", 1)]), "all of them again");
    world.finish();
    assert!(world.state.unmarked().is_empty());
    // A late word about markers of a transaction that is complete changes nothing.
    let now = world.txn().producer;
    world.add(now, 0, SECOND);
    world.state.marked(&markers, &[(Arc::from("t"), 0)]);
    assert_eq!(world.txn().partitions, partitions(&[("t", 0)]));
}

#[test]
fn a_transaction_that_takes_too_long_is_aborted_and_its_producer_kept_out() {
    for level in [FIRST, SECOND] {
        let mut world = World::new();
        world.level = level;
        let producer = world.init();
        world.add(producer, 0, level);
        world.now_ms += i64::from(TIMEOUT_MS);
        assert!(world.state.overdue(world.now_ms).is_empty());
        world.now_ms += 1;
        assert_eq!(world.state.overdue(world.now_ms), [Arc::from(ID)]);
        let change = world.state.abort_overdue(world.now_ms, ID, level);
        world.write(change.expect("it is open"));
        let markers = world.finish().expect("decided");
        assert!(!markers.commit);
        assert_eq!(markers.producer.epoch, 1);
        assert_eq!(world.add(producer, 0, level), ErrorCode::ProducerFenced);
        let ended = world.end(producer, true, level);
        assert!(
            ended.is_err(),
            "a commit that comes too late is refused: {ended:?}"
        );
        assert!(world.state.overdue(world.now_ms + 1_000_000_000).is_empty());
    }
}

#[test]
fn ids_at_rest_expire() {
    let mut world = World::new();
    let producer = world.init();
    world.add(producer, 0, SECOND);
    let expiration_ms = 1_000;
    world.now_ms += 10_000;
    let expired = |world: &World| world.state.expired(world.now_ms, expiration_ms, 10);
    assert!(expired(&world).is_empty(), "it is open");
    world.end(producer, true, SECOND).expect("open");
    world.now_ms += 10_000;
    assert!(expired(&world).is_empty(), "markers are missing");
    world.finish();
    assert!(expired(&world).is_empty(), "just used");
    world.now_ms += expiration_ms;
    for change in expired(&world) {
        world.write(change);
    }
    assert!(world.state.is_empty());
    world.restart();
    assert!(world.state.is_empty(), "the log says so too");
}

#[test]
fn filters_take_what_they_say() {
    let mut world = World::new();
    let producer = world.init();
    world.add(producer, 0, SECOND);
    world.now_ms += 5_000;
    let txn = world.txn();
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let all = || Filter {
        longer_than_ms: -1,
        ..Filter::default()
    };
    assert!(all().takes(txn, world.now_ms));
    let (filter, unknown) = all().with_states(&names(&["Ongoing", "Bogus", "Dead"]));
    assert_eq!(unknown, ["Bogus"], "Dead exists, and is never seen");
    assert!(filter.takes(txn, world.now_ms));
    let (filter, _) = all().with_states(&names(&["Bogus"]));
    assert!(
        !filter.takes(txn, world.now_ms),
        "none of the states asked for"
    );
    let with = |longer_than_ms| Filter {
        longer_than_ms,
        ..Filter::default()
    };
    assert!(with(4_999).takes(txn, world.now_ms));
    assert!(!with(5_000).takes(txn, world.now_ms));
    let other = Filter {
        producer_ids: [7].into(),
        ..all()
    };
    assert!(!other.takes(txn, world.now_ms));
    assert_eq!(txn.described().transaction_state, "Ongoing");
    assert_eq!(txn.listed().producer_id, producer.id);
}

#[test]
fn records_of_strangers_are_refused_or_skipped() {
    let mut state = Transactions::default();
    assert!(state.replay(&[], None).is_err());
    assert!(
        state.replay(&[0, 9, 1, 2], None).is_ok(),
        "another kind of record"
    );
    let mut world = World::new();
    world.init();
    let (key, value) = world.log[0].clone();
    let value = value.expect("a value");
    for cut in 0..value.len() - 1 {
        assert!(
            state.replay(&key, Some(&value[..cut])).is_err(),
            "{cut} bytes"
        );
    }
    state.replay(&key, Some(&value)).expect("whole");
    // Level 0 has no tagged fields.
    world.level = 0;
    let producer = world.txn().producer;
    world.add(producer, 0, FIRST);
    let (_, value) = world.log[1].clone();
    assert_eq!(value.expect("a value")[..2], [0, 0]);
}
