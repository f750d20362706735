//! Random members in simulated time.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// Partitions of the topic.
const PARTITIONS: i32 = 6;
const MEMBERS: usize = 5;

#[derive(Debug, Clone)]
enum Step {
    /// A member does what the protocol wants of it next.
    Go(usize),
    Leave(usize),
    /// A member forgets who it is, as after a crash.
    Crash(usize),
    Pass(u64),
    Commit(usize),
    /// The log fails for the next step.
    Fail,
}

/// What a client knows of itself.
#[derive(Debug, Clone, Default)]
struct Player {
    id: String,
    generation: i32,
    waiting: Option<Token>,
    leads: Vec<String>,
    in_sync: bool,
    owned: Vec<i32>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let member = || 0..MEMBERS;
    let step = prop_oneof![
        12 => member().prop_map(Step::Go),
        1 => member().prop_map(Step::Leave),
        1 => member().prop_map(Step::Crash),
        4 => (0_u64..8_000).prop_map(Step::Pass),
        1 => Just(Step::Pass(70_000)),
        2 => member().prop_map(Step::Commit),
        1 => Just(Step::Fail),
    ];
    prop::collection::vec(step, 1..120)
}

impl Player {
    /// Takes its answer, if there is one, and asks the next thing.
    fn go(&mut self, world: &mut World) {
        if let Some(token) = self.waiting {
            match world.answers.get(&token).cloned() {
                None => return,
                Some(Answer::Join(response)) => self.on_join(response),
                Some(Answer::Sync(response)) => self.on_sync(response),
            }
            self.waiting = None;
        }
        if self.in_sync {
            if world.beat(&self.id, self.generation) != ErrorCode::None {
                self.in_sync = false;
                self.owned.clear();
            }
        } else if self.generation > 0 && self.owned.is_empty() && !self.id.is_empty() {
            self.ask_sync(world);
        } else {
            self.waiting = Some(world.send_join(join(&self.id, &["range", "sticky"]), 9));
        }
    }

    fn on_join(&mut self, response: JoinGroupResponse) {
        self.generation = 0;
        match ErrorCode::from_code(response.error_code) {
            Some(ErrorCode::None) => {
                self.id = response.member_id;
                self.generation = response.generation_id;
                self.leads = response.members.into_iter().map(|m| m.member_id).collect();
            }
            Some(ErrorCode::MemberIdRequired) => self.id = response.member_id,
            Some(ErrorCode::RebalanceInProgress) => {}
            _ => self.id.clear(),
        }
    }

    fn on_sync(&mut self, response: SyncGroupResponse) {
        self.in_sync = response.error_code == 0;
        if !self.in_sync {
            self.generation = 0;
            return;
        }
        let mut reader = limpid_protocol::Reader::new(response.assignment);
        self.owned = match reader.i16() {
            Ok(version) => {
                let read = ConsumerProtocolAssignment::decode(&mut reader, version).expect("ours");
                read.assigned_partitions[0].partitions.clone()
            }
            Err(_) => Vec::new(),
        };
    }

    fn ask_sync(&mut self, world: &mut World) {
        let mut shares: Vec<Vec<i32>> = vec![Vec::new(); self.leads.len()];
        if !shares.is_empty() {
            for partition in 0..PARTITIONS {
                let owner = usize::try_from(partition).expect("small") % shares.len();
                shares[owner].push(partition);
            }
        }
        let to: Vec<(&str, &[i32])> = self
            .leads
            .iter()
            .zip(&shares)
            .map(|(id, share)| (id.as_str(), share.as_slice()))
            .collect();
        self.waiting = Some(world.send_sync(&self.id, self.generation, &to));
        self.leads.clear();
    }
}

/// What always holds.
fn check(world: &mut World) {
    let Ok(described) = world.coordinator.describe(GROUP) else {
        return;
    };
    let view = world.view();
    let mut owners: HashMap<i32, &str> = HashMap::new();
    for member in &view.members {
        for partition in member.assignment.iter().flat_map(|(_, p)| p) {
            let before = owners.insert(*partition, &member.id);
            assert_eq!(before, None, "partition {partition} has one owner");
        }
    }
    if described.group_state == "Stable" {
        let leader = view.leader.as_deref().expect("a stable group has a leader");
        assert!(view.members.iter().any(|m| &*m.id == leader));
    }
    if described.group_state == "Empty" {
        assert!(view.members.is_empty());
    }
    world.coordinator.check_invariants();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn random_members_never_break_a_group(steps in steps()) {
        let mut world = World::with(Limits { group_size_max: 4, ..Limits::default() });
        let mut players = vec![Player::default(); MEMBERS];
        for step in steps {
            let once = std::mem::take(&mut world.fails);
            match step {
                Step::Go(who) => {
                    world.fails = once;
                    let mut player = std::mem::take(&mut players[who]);
                    player.go(&mut world);
                    players[who] = player;
                    world.fails = None;
                }
                Step::Leave(who) => {
                    let player = std::mem::take(&mut players[who]);
                    if !player.id.is_empty() {
                        world.leave(&player.id);
                    }
                }
                Step::Crash(who) => players[who] = Player::default(),
                Step::Pass(ms) => world.pass(ms),
                Step::Commit(who) => {
                    let player = players[who].clone();
                    world.commit(&player.id, player.generation, 1);
                }
                Step::Fail => world.fails = Some(ErrorCode::CoordinatorNotAvailable),
            }
            check(&mut world);
        }
        // Whatever waits is answered in the end, once nobody does anything any more.
        world.fails = None;
        world.pass(1_000_000);
        let unanswered = (1..=world.asked).find(|token| world.waits(*token));
        prop_assert_eq!(unanswered, None);
        prop_assert_eq!(world.coordinator.timers_len(), 0);
        // And what was written tells the same story.
        let alive = world.coordinator.describe(GROUP).is_ok();
        let before = alive.then(|| world.view());
        world.coordinator = Coordinator::new(Limits::default());
        for record in world.log.clone() {
            world.coordinator.replay(world.now, record);
        }
        if let Some(before) = before {
            let after = world.view();
            prop_assert_eq!(&after.offsets, &before.offsets);
            prop_assert_eq!(&after.members, &before.members);
        }
    }
}
