//! Random producers, crashes and lost answers, against partitions that keep what they are sent.
//!
//! What has to hold: a transaction is committed in all of its partitions or in none; one that a
//! producer was told is committed is; and one whose producer was fenced is not.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const PARTITIONS: i32 = 3;
const PRODUCERS: usize = 3;
/// How many records a step can write.
const LABELS: u32 = 1_000;

#[derive(Debug, Clone)]
enum Step {
    Init(usize),
    /// A producer writes one record, in a transaction of its.
    Write(usize, i32),
    /// It ends its transaction; it may not hear the answer.
    End(usize, bool, bool),
    /// Some markers of the transaction are written.
    Mark(u8),
    Complete,
    /// The coordinator reads its log again.
    Restart,
    Pass(i64),
}

/// A record, and whose transaction it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Label(u32);

/// A partition as its log sees it.
#[derive(Debug, Default)]
struct Partition {
    epoch: BTreeMap<i64, i16>,
    open: BTreeMap<i64, BTreeSet<Label>>,
    committed: BTreeSet<Label>,
    aborted: BTreeSet<Label>,
}

impl Partition {
    fn write(&mut self, producer: ProducerKey, label: Label) -> bool {
        let epoch = self.epoch.entry(producer.id).or_insert(producer.epoch);
        if producer.epoch < *epoch {
            return false;
        }
        *epoch = producer.epoch;
        self.open.entry(producer.id).or_default().insert(label);
        true
    }

    fn mark(&mut self, markers: &Markers) {
        let producer = markers.producer;
        let epoch = self.epoch.entry(producer.id).or_insert(-1);
        let is_late = match markers.version {
            SECOND.. => producer.epoch <= *epoch,
            _ => producer.epoch < *epoch,
        };
        if is_late {
            return;
        }
        *epoch = producer.epoch;
        let ended = self.open.remove(&producer.id).unwrap_or_default();
        match markers.commit {
            true => self.committed.extend(ended),
            false => self.aborted.extend(ended),
        }
    }
}

/// A client with the one transactional id.
#[derive(Debug, Clone, Default)]
struct Client {
    producer: Option<ProducerKey>,
    /// What it wrote in its open transaction.
    wrote: BTreeSet<Label>,
    /// How it asked for the end, without having heard an answer.
    ending: Option<bool>,
}

#[derive(Debug)]
struct Game {
    world: World,
    partitions: Vec<Partition>,
    clients: Vec<Client>,
    labels: u32,
    told_committed: BTreeSet<Label>,
    told_aborted: BTreeSet<Label>,
    /// Records of each transaction that was ended, or given up.
    transactions: Vec<BTreeSet<Label>>,
    version: i16,
}

impl Game {
    fn new(version: i16) -> Self {
        let mut world = World::new();
        world.level = version;
        Self {
            world,
            partitions: (0..PARTITIONS).map(|_| Partition::default()).collect(),
            clients: vec![Client::default(); PRODUCERS],
            labels: 0,
            told_committed: BTreeSet::new(),
            told_aborted: BTreeSet::new(),
            transactions: Vec::new(),
            version,
        }
    }

    fn play(&mut self, step: Step) {
        match step {
            Step::Init(who) => self.init(who),
            Step::Write(who, index) => self.write(who, index),
            Step::End(who, commit, heard) => self.end(who, commit, heard),
            Step::Mark(which) => self.mark(which),
            Step::Complete => {
                if let Some(change) = self.world.state.completion(self.world.now_ms, ID) {
                    self.world.write(change);
                }
            }
            Step::Restart => self.world.restart(),
            Step::Pass(ms) => {
                self.world.now_ms += ms;
                for id in self.world.state.overdue(self.world.now_ms) {
                    let (now_ms, level) = (self.world.now_ms, self.world.level);
                    let change = self.world.state.abort_overdue(now_ms, &id, level);
                    self.world.write(change.expect("overdue is open"));
                }
            }
        }
    }

    fn give_up(&mut self, who: usize) {
        let client = &mut self.clients[who];
        client.producer = None;
        client.ending = None;
        let wrote = std::mem::take(&mut client.wrote);
        self.transactions.push(wrote);
    }

    fn init(&mut self, who: usize) {
        self.give_up(who);
        self.clients[who].producer = self.world.init_as(ID, None).ok();
    }

    fn write(&mut self, who: usize, index: i32) {
        let client = self.clients[who].clone();
        let (Some(producer), None) = (client.producer, client.ending) else {
            return;
        };
        if self.labels == LABELS {
            return;
        }
        match self.world.add(producer, index, self.version) {
            ErrorCode::None => {}
            ErrorCode::ConcurrentTransactions => return,
            _ => return self.give_up(who),
        }
        self.labels += 1;
        let label = Label(self.labels);
        let partition = &mut self.partitions[usize::try_from(index).expect("small")];
        if partition.write(producer, label) {
            self.clients[who].wrote.insert(label);
        } else {
            self.give_up(who);
        }
    }

    fn end(&mut self, who: usize, commit: bool, heard: bool) {
        let client = self.clients[who].clone();
        let Some(producer) = client.producer else {
            return;
        };
        if client.wrote.is_empty() && client.ending.is_none() {
            return;
        }
        // Whoever did not hear the answer asks for the same again.
        let commit = client.ending.unwrap_or(commit);
        let done = self.world.end(producer, commit, self.version);
        self.clients[who].ending = Some(commit);
        if !heard {
            return;
        }
        match done {
            Ok(next) => {
                let client = &mut self.clients[who];
                let wrote = std::mem::take(&mut client.wrote);
                client.ending = None;
                client.producer = Some(next);
                let told = match commit {
                    true => &mut self.told_committed,
                    false => &mut self.told_aborted,
                };
                told.extend(wrote.iter().copied());
                self.transactions.push(wrote);
            }
            Err(ErrorCode::ConcurrentTransactions) => {}
            Err(_) => self.give_up(who),
        }
    }

    fn mark(&mut self, which: u8) {
        let Some(markers) = self.world.state.markers(ID) else {
            return;
        };
        let places = markers.partitions.values().flatten().copied();
        let chosen: Vec<i32> = places.filter(|index| which & (1 << index) != 0).collect();
        for index in &chosen {
            self.partitions[usize::try_from(*index).expect("small")].mark(&markers);
        }
        let written: Vec<(Arc<str>, i32)> = chosen.iter().map(|i| (Arc::from("t"), *i)).collect();
        self.world.state.marked(&markers, &written);
    }

    /// Ends what is open, as time does.
    fn settle(&mut self) {
        for _ in 0..2 {
            self.play(Step::Pass(i64::from(TIMEOUT_MS) + 1));
            self.play(Step::Mark(u8::MAX));
            self.play(Step::Complete);
        }
        for who in 0..PRODUCERS {
            self.give_up(who);
        }
    }

    fn check(&self) {
        let committed: BTreeSet<Label> = self
            .partitions
            .iter()
            .flat_map(|p| &p.committed)
            .copied()
            .collect();
        let aborted: BTreeSet<Label> = self
            .partitions
            .iter()
            .flat_map(|p| &p.aborted)
            .copied()
            .collect();
        assert!(committed.is_disjoint(&aborted));
        for txn in &self.transactions {
            let all = txn.is_subset(&committed);
            assert!(all || txn.is_disjoint(&committed), "{txn:?} is torn");
        }
        assert!(
            self.told_committed.is_subset(&committed),
            "a committed record is lost"
        );
        assert!(
            self.told_aborted.is_disjoint(&committed),
            "an aborted record is there"
        );
        let open: usize = self.partitions.iter().map(|p| p.open.len()).sum();
        assert_eq!(open, 0, "nothing hangs");
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || 0..PRODUCERS;
    let step = prop_oneof![
        2 => who().prop_map(Step::Init),
        10 => (who(), 0..PARTITIONS).prop_map(|(who, index)| Step::Write(who, index)),
        5 => (who(), any::<bool>(), any::<bool>()).prop_map(|(w, c, h)| Step::End(w, c, h)),
        5 => any::<u8>().prop_map(Step::Mark),
        5 => Just(Step::Complete),
        1 => Just(Step::Restart),
        1 => (0..i64::from(TIMEOUT_MS)).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_transaction_is_torn_whatever_happens(steps in steps(), second in any::<bool>()) {
        let mut game = Game::new(if second { SECOND } else { FIRST });
        for step in steps {
            game.play(step);
        }
        game.settle();
        game.check();
        let before: Vec<_> = game.world.state.iter().cloned().collect();
        game.world.restart();
        for txn in before {
            let again = game.world.state.get(&txn.id).expect("it is written");
            prop_assert_eq!(again.producer, txn.producer);
            prop_assert_eq!(again.state, txn.state);
        }
    }
}
