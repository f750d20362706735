//! Random members of consumer groups in simulated time.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::consumers::{Reader, eager};
use super::*;

const MEMBERS: usize = 5;

#[derive(Debug, Clone)]
enum Step {
    Beat(usize),
    /// A heartbeat whose answer gets lost.
    Lose(usize),
    Leave(usize),
    LeaveForNow(usize),
    /// A member forgets who it is, as after a crash.
    Crash(usize),
    Subscribe(usize, bool),
    Pass(u64),
    Grow(i32),
    Restart,
    /// The log fails for the next step.
    Fail,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let member = || 0..MEMBERS;
    let step = prop_oneof![
        20 => member().prop_map(Step::Beat),
        3 => member().prop_map(Step::Lose),
        1 => member().prop_map(Step::Leave),
        1 => member().prop_map(Step::LeaveForNow),
        1 => member().prop_map(Step::Crash),
        2 => (member(), any::<bool>()).prop_map(|(m, both)| Step::Subscribe(m, both)),
        4 => (0_u64..8_000).prop_map(Step::Pass),
        1 => Just(Step::Pass(70_000)),
        1 => (1_i32..9).prop_map(Step::Grow),
        1 => Just(Step::Restart),
        1 => Just(Step::Fail),
    ];
    prop::collection::vec(step, 1..150)
}

struct Game {
    world: World,
    readers: Vec<Reader>,
    named: u32,
}

impl Game {
    fn new() -> Self {
        let reader = |n: usize| {
            let mut reader = Reader::new(&format!("m{n}"));
            reader.instance = (n % 2 == 1).then(|| format!("i{n}"));
            reader
        };
        Self {
            world: World::reading(&[("t", 3), ("u", 2)]),
            readers: (0..MEMBERS).map(reader).collect(),
            named: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        let world = &mut self.world;
        match step {
            Step::Beat(n) => {
                self.readers[*n].beat(world);
                world.fails = None;
            }
            Step::Lose(n) => {
                let _lost = world.beat_consumer(self.readers[*n].request());
                world.fails = None;
            }
            Step::Leave(n) => {
                self.readers[*n].leave(world, -1);
                self.readers[*n].forget();
            }
            Step::LeaveForNow(n) if self.readers[*n].instance.is_some() => {
                self.readers[*n].leave(world, -2);
                self.rename(*n);
            }
            Step::LeaveForNow(_) => {}
            Step::Crash(n) => self.rename(*n),
            Step::Subscribe(n, both) => {
                let names: &[&str] = if *both { &["t", "u"] } else { &["t"] };
                self.readers[*n].topics = names.iter().map(|t| (*t).to_owned()).collect();
            }
            Step::Pass(ms) => world.pass(*ms),
            Step::Grow(size) => world.set_topics(&[("t", *size), ("u", 2)]),
            Step::Restart => {
                world.restart_with(eager());
            }
            Step::Fail => world.fails = Some(ErrorCode::NotCoordinator),
        }
        self.world.coordinator.check_invariants();
        self.check_owners();
    }

    /// It comes back as somebody else.
    fn rename(&mut self, n: usize) {
        self.named += 1;
        self.readers[n].id = format!("m{n}-{}", self.named);
        self.readers[n].forget();
    }

    /// Of members that the coordinator has not given up, no two have the same partition.
    fn check_owners(&self) {
        let Ok(group) = self.world.coordinator.describe_consumer(GROUP) else {
            return;
        };
        let mut owners: BTreeMap<(&str, i32), &str> = BTreeMap::new();
        for reader in &self.readers {
            let known = group.members.iter().find(|m| m.member_id == reader.id);
            if known.is_none_or(|m| m.member_epoch < 0) || reader.epoch == 0 {
                continue;
            }
            for (topic, partitions) in &reader.has {
                for partition in partitions {
                    let before = owners.insert((topic, *partition), &reader.id);
                    assert_eq!(before, None, "{topic}-{partition} and {}", reader.id);
                }
            }
        }
    }

    /// Everybody comes back, and after a while everything is assigned.
    fn settle(&mut self) {
        self.world.fails = None;
        // Whoever is not there any more is forgotten.
        self.world.pass(200_000);
        for reader in &mut self.readers {
            reader.forget();
        }
        for _ in 0..20 {
            for reader in &mut self.readers {
                reader.beat(&mut self.world);
                self.world.coordinator.check_invariants();
            }
            self.check_owners();
        }
        assert_eq!(self.world.state(), "Stable");
        let size = self.world.topics.named("t").expect("there").partitions;
        let mut has: Vec<i32> = self
            .readers
            .iter()
            .flat_map(|reader| reader.of("t"))
            .collect();
        has.sort_unstable();
        assert_eq!(has, (0..size).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn partitions_have_one_owner_and_groups_settle(steps in steps()) {
        let mut game = Game::new();
        for step in &steps {
            game.step(step);
        }
        game.settle();
    }
}
