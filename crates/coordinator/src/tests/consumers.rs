//! Consumer groups (KIP-848): joining, and how partitions change hands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use limpid_protocol::Uuid;
use limpid_protocol::messages::consumer_group_describe_response::DescribedGroup;
use limpid_protocol::messages::consumer_group_heartbeat_request::{
    ConsumerGroupHeartbeatRequest, TopicPartitions,
};
use limpid_protocol::messages::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;

use super::*;
use crate::{ConsumerLimits, TopicInfo};

/// Partitions by topic name.
pub(super) type Owned = BTreeMap<String, BTreeSet<i32>>;

/// Topics that are there, with their sizes. The id of a topic is made of its name.
#[derive(Debug, Default, Clone)]
pub(super) struct Fixed(pub(super) BTreeMap<String, i32>);

pub(super) fn id_of(name: &str) -> Uuid {
    let mut bytes = [0; 16];
    let count = name.len().min(16);
    bytes[..count].copy_from_slice(&name.as_bytes()[..count]);
    Uuid::from_bytes(bytes)
}

impl TopicSource for Fixed {
    fn named(&self, name: &str) -> Option<TopicInfo> {
        self.0
            .get_key_value(name)
            .map(|(name, partitions)| TopicInfo {
                name: name.as_str().into(),
                id: id_of(name),
                partitions: *partitions,
            })
    }

    fn with_id(&self, id: Uuid) -> Option<TopicInfo> {
        let name = self.0.keys().find(|name| id_of(name) == id)?;
        self.named(name)
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().map(|name| name.as_str().into()).collect()
    }
}

/// A consumer, as far as the protocol goes.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) id: String,
    pub(super) instance: Option<String>,
    pub(super) epoch: i32,
    pub(super) topics: Vec<String>,
    pub(super) regex: Option<String>,
    pub(super) assignor: Option<String>,
    pub(super) has: Owned,
    /// What it was told to have.
    pub(super) told: Owned,
}

impl Reader {
    pub(super) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            instance: None,
            epoch: 0,
            topics: vec!["t".to_owned()],
            regex: None,
            assignor: None,
            has: Owned::new(),
            told: Owned::new(),
        }
    }

    /// A heartbeat that says everything.
    pub(super) fn request(&self) -> ConsumerGroupHeartbeatRequest {
        let has = self.has.iter().map(|(name, partitions)| TopicPartitions {
            topic_id: id_of(name),
            partitions: partitions.iter().copied().collect(),
        });
        ConsumerGroupHeartbeatRequest {
            group_id: GROUP.to_owned(),
            member_id: self.id.clone(),
            member_epoch: self.epoch,
            instance_id: self.instance.clone(),
            rebalance_timeout_ms: 60_000,
            subscribed_topic_names: Some(self.topics.clone()),
            subscribed_topic_regex: self.regex.clone(),
            server_assignor: self.assignor.clone(),
            topic_partitions: Some(has.collect()),
            ..ConsumerGroupHeartbeatRequest::default()
        }
    }

    /// Says how it is and does what it is told: gives up at once, takes at once.
    pub(super) fn beat(&mut self, world: &mut World) -> ErrorCode {
        match world.beat_consumer(self.request()) {
            Ok(response) => {
                self.epoch = response.member_epoch;
                self.hear(world, &response);
                self.has = self.told.clone();
                ErrorCode::None
            }
            Err(error) => {
                self.forget();
                error
            }
        }
    }

    pub(super) fn hear(&mut self, world: &World, response: &ConsumerGroupHeartbeatResponse) {
        let Some(assignment) = &response.assignment else {
            return;
        };
        let named = assignment.topic_partitions.iter().map(|topic| {
            let name = world.topics.with_id(topic.topic_id).expect("there").name;
            (name.to_string(), topic.partitions.iter().copied().collect())
        });
        self.told = named.collect();
    }

    /// It was fenced: it has nothing and begins anew.
    pub(super) fn forget(&mut self) {
        self.epoch = 0;
        self.has.clear();
        self.told.clear();
    }

    pub(super) fn of(&self, topic: &str) -> BTreeSet<i32> {
        self.has.get(topic).cloned().unwrap_or_default()
    }
}

impl World {
    /// With these topics, and assignments without delay.
    pub(super) fn reading(topics: &[(&str, i32)]) -> Self {
        let mut world = Self::with(eager());
        world.set_topics(topics);
        world
    }

    pub(super) fn set_topics(&mut self, topics: &[(&str, i32)]) {
        let topics = topics
            .iter()
            .map(|(name, size)| ((*name).to_owned(), *size));
        self.topics = Arc::new(Fixed(topics.collect()));
        self.coordinator.see_topics(Arc::clone(&self.topics));
    }

    pub(super) fn beat_consumer(
        &mut self,
        request: ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, ErrorCode> {
        if request.member_epoch == 0 {
            let mut out = Out::default();
            let prepared = self
                .coordinator
                .prepare_consumer(self.now, (&request, 1), &mut out);
            prepared.map_err(|refusal| refusal.error)?;
            self.settle(out)?;
        }
        let mut out = Out::default();
        let client = Client {
            id: "client".to_owned(),
            host: "/127.0.0.1".to_owned(),
        };
        let hidden = &self.hidden;
        let sight = Sight {
            sees: &|name| !hidden.contains(&name),
            refresh_ms: 600_000,
        };
        let (whose, request) = ((client, sight), (request, 1));
        let answer = self
            .coordinator
            .consumer_heartbeat(self.now, request, whose, [7; 16], &mut out);
        let settled = self.settle(out);
        self.coordinator.check_invariants();
        let answer = answer.map_err(|refusal| refusal.error)?;
        settled?;
        Ok(answer)
    }

    pub(super) fn described(&self) -> DescribedGroup {
        let described = self.coordinator.describe_consumer(GROUP);
        described.expect("a consumer group")
    }

    /// Lets all of them beat until nothing changes any more.
    pub(super) fn converge(&mut self, readers: &mut [Reader]) {
        for _ in 0..10 {
            for reader in readers.iter_mut() {
                reader.beat(self);
            }
        }
        assert_eq!(self.state(), "Stable");
    }
}

/// Assignments without delay.
pub(super) fn eager() -> Limits {
    let limits = Limits::default();
    Limits {
        consumer: ConsumerLimits {
            assignment_interval_ms: 0,
            ..limits.consumer
        },
        ..limits
    }
}

#[test]
fn the_first_member_gets_everything_at_once() {
    let mut world = World::reading(&[("t", 3)]);
    let mut one = Reader::new("one");
    assert_eq!(one.beat(&mut world), ErrorCode::None);
    assert_eq!((one.epoch, one.of("t")), (2, [0, 1, 2].into()));
    let group = world.described();
    assert_eq!((group.group_epoch, group.assignment_epoch), (2, 2));
    assert_eq!(group.group_state, "Stable");
    assert_eq!(group.assignor_name, "uniform");
    assert_eq!(group.members[0].member_type, 1);
    assert_eq!(
        group.members[0].assignment,
        group.members[0].target_assignment
    );
}

#[test]
fn a_second_member_waits_until_the_first_has_given_up() {
    let mut world = World::reading(&[("t", 4)]);
    let (mut one, mut two) = (Reader::new("one"), Reader::new("two"));
    one.beat(&mut world);
    assert_eq!(two.beat(&mut world), ErrorCode::None);
    assert_eq!(
        (two.epoch, two.of("t")),
        (3, [].into()),
        "nothing is free yet"
    );
    assert_eq!(world.state(), "Reconciling");
    let told = world.beat_consumer(one.request()).expect("fine");
    assert_eq!(told.member_epoch, 2, "it has not given up yet");
    one.hear(&world, &told);
    assert_eq!(one.told["t"].len(), 2);
    let again = world.beat_consumer(one.request()).expect("fine");
    assert_eq!(again.member_epoch, 2, "it still says that it has them");
    two.beat(&mut world);
    assert_eq!(two.of("t"), [].into());
    one.has = one.told.clone();
    one.beat(&mut world);
    assert_eq!(one.epoch, 3);
    two.beat(&mut world);
    assert_eq!(two.of("t").len(), 2);
    assert!(one.of("t").is_disjoint(&two.of("t")));
    assert_eq!(world.state(), "Stable");
}

#[test]
fn a_heartbeat_that_changes_nothing_writes_nothing() {
    let mut world = World::reading(&[("t", 1)]);
    let mut one = Reader::new("one");
    one.beat(&mut world);
    let written = world.log.len();
    let request = ConsumerGroupHeartbeatRequest {
        group_id: GROUP.to_owned(),
        member_id: "one".to_owned(),
        member_epoch: 2,
        ..ConsumerGroupHeartbeatRequest::default()
    };
    let answer = world.beat_consumer(request).expect("fine");
    assert_eq!(answer.assignment, None, "it is what it was");
    assert_eq!(answer.heartbeat_interval_ms, 5_000);
    assert_eq!(world.log.len(), written);
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    type Spoil = fn(&mut ConsumerGroupHeartbeatRequest);
    let cases: [(Spoil, ErrorCode); 9] = [
        (|r| r.group_id.clear(), ErrorCode::InvalidRequest),
        (|r| r.member_id.clear(), ErrorCode::InvalidRequest),
        (
            |r| r.instance_id = Some(" ".to_owned()),
            ErrorCode::InvalidRequest,
        ),
        (|r| r.rebalance_timeout_ms = -1, ErrorCode::InvalidRequest),
        (|r| r.topic_partitions = None, ErrorCode::InvalidRequest),
        (
            |r| r.subscribed_topic_names = None,
            ErrorCode::InvalidRequest,
        ),
        (|r| r.member_epoch = -3, ErrorCode::InvalidRequest),
        (
            |r| r.server_assignor = Some("best".to_owned()),
            ErrorCode::UnsupportedAssignor,
        ),
        (
            |r| r.subscribed_topic_regex = Some("(".to_owned()),
            ErrorCode::InvalidRegularExpression,
        ),
    ];
    let mut world = World::reading(&[("t", 1)]);
    for (spoil, error) in cases {
        let mut request = Reader::new("one").request();
        spoil(&mut request);
        assert_eq!(world.beat_consumer(request), Err(error));
    }
    assert_eq!(world.state(), "Dead", "no group was made");
    assert_eq!(world.log.len(), 0);
}

#[test]
fn a_member_in_another_epoch_is_fenced_but_for_a_lost_answer() {
    let mut world = World::reading(&[("t", 2)]);
    let mut one = Reader::new("one");
    one.beat(&mut world);
    let two = Reader::new("two");
    let mut both = [one, two];
    world.converge(&mut both);
    let [one, _] = both;
    assert_eq!(one.epoch, 3);
    let ahead = Reader {
        epoch: 4,
        ..one.clone()
    };
    let fenced = Err(ErrorCode::FencedMemberEpoch);
    assert_eq!(world.beat_consumer(ahead.request()), fenced);
    let behind = Reader {
        epoch: 2,
        ..one.clone()
    };
    let answer = world
        .beat_consumer(behind.request())
        .expect("the answer was lost");
    assert_eq!(answer.member_epoch, 3);
    let mut greedy = behind;
    greedy.has = [("t".to_owned(), [0, 1].into())].into();
    assert_eq!(world.beat_consumer(greedy.request()), fenced);
    let stranger = Reader {
        epoch: 1,
        ..Reader::new("stranger")
    };
    let unknown = Err(ErrorCode::UnknownMemberId);
    assert_eq!(world.beat_consumer(stranger.request()), unknown);
}

#[test]
fn a_pattern_follows_the_topics() {
    let mut world = World::reading(&[("logs-a", 1), ("logs-b", 1), ("my-logs-c", 1)]);
    let mut one = Reader::new("one");
    one.topics.clear();
    one.regex = Some("logs-.*".to_owned());
    one.beat(&mut world);
    assert_eq!(one.has.keys().collect::<Vec<_>>(), ["logs-a", "logs-b"]);
    world.set_topics(&[("logs-b", 1), ("logs-d", 2)]);
    world.converge(std::slice::from_mut(&mut one));
    assert_eq!(one.of("logs-d"), [0, 1].into());
    assert!(!one.has.contains_key("logs-a"));
    one.regex = Some(String::new());
    one.topics = vec!["logs-b".to_owned()];
    world.converge(std::slice::from_mut(&mut one));
    assert_eq!(one.has.keys().collect::<Vec<_>>(), ["logs-b"]);
    let dropped = world.log.iter().any(|record| {
        let Record::Consumer { change, .. } = record else {
            return false;
        };
        matches!(change, crate::ConsumerChange::Regex(_, None))
    });
    assert!(dropped, "the pattern is forgotten");
}

#[test]
fn topics_that_grow_are_noticed_with_the_next_heartbeat() {
    let mut world = World::reading(&[("t", 1)]);
    let mut one = Reader::new("one");
    one.beat(&mut world);
    world.set_topics(&[("t", 3), ("other", 1)]);
    one.beat(&mut world);
    assert_eq!((one.epoch, one.of("t").len()), (3, 3));
    world.set_topics(&[("t", 3), ("other", 2)]);
    one.beat(&mut world);
    assert_eq!(one.epoch, 3, "it does not read the other");
}

#[test]
fn a_topic_that_is_not_read_any_more_is_given_up_before_there_is_a_new_target() {
    let mut world = World::with(Limits::default());
    world.set_topics(&[("t", 2), ("u", 2)]);
    let mut one = Reader::new("one");
    one.topics = vec!["t".to_owned(), "u".to_owned()];
    one.beat(&mut world);
    assert_eq!(one.has.len(), 2);
    one.topics = vec!["t".to_owned()];
    one.beat(&mut world);
    assert_eq!(one.has.keys().collect::<Vec<_>>(), ["t"]);
    assert_eq!(
        world.described().assignment_epoch,
        2,
        "assignments come once a second"
    );
    world.pass(1_000);
    world.converge(std::slice::from_mut(&mut one));
    assert_eq!(world.described().assignment_epoch, 3);
}

#[test]
fn assignments_come_no_more_often_than_the_group_wants() {
    let mut world = World::with(Limits::default());
    world.set_topics(&[("t", 2)]);
    let (mut one, mut two) = (Reader::new("one"), Reader::new("two"));
    one.beat(&mut world);
    two.beat(&mut world);
    let group = world.described();
    assert_eq!((group.group_epoch, group.assignment_epoch), (3, 2));
    assert_eq!(group.group_state, "Assigning");
    world.pass(999);
    two.beat(&mut world);
    assert_eq!(world.described().assignment_epoch, 2);
    world.pass(1);
    world.converge(&mut [one, two]);
    assert_eq!(world.described().assignment_epoch, 3);
}

#[test]
fn most_members_choose_the_assignor() {
    let mut world = World::reading(&[("t", 6)]);
    let mut readers = ["a", "b", "c"].map(Reader::new);
    for reader in &mut readers[..2] {
        reader.assignor = Some("range".to_owned());
    }
    readers[2].assignor = Some("uniform".to_owned());
    world.converge(&mut readers);
    assert_eq!(world.described().assignor_name, "range");
    assert_eq!(readers[0].of("t"), [0, 1].into(), "contiguous");
}

#[test]
fn a_group_has_a_size() {
    let mut world = World::with(Limits {
        consumer_size_max: 1,
        ..eager()
    });
    world.set_topics(&[("t", 1)]);
    let mut one = Reader::new("one");
    one.beat(&mut world);
    assert_eq!(
        Reader::new("two").beat(&mut world),
        ErrorCode::GroupMaxSizeReached
    );
    assert_eq!(one.beat(&mut world), ErrorCode::None);
}

#[test]
fn what_could_not_be_written_did_not_happen() {
    let mut world = World::reading(&[("t", 2)]);
    world.fails = Some(ErrorCode::NotCoordinator);
    let mut one = Reader::new("one");
    assert_eq!(one.beat(&mut world), ErrorCode::NotCoordinator);
    assert_eq!(world.state(), "Dead");
    assert_eq!(world.coordinator.timers_len(), 0);
    world.fails = None;
    one.beat(&mut world);
    let before = world.described();
    world.fails = Some(ErrorCode::NotCoordinator);
    Reader::new("two").beat(&mut world);
    assert_eq!(world.described(), before);
    world.fails = None;
    assert_eq!(one.beat(&mut world), ErrorCode::None);
    assert_eq!(one.epoch, 2);
}
