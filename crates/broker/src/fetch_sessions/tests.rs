use bytes::Bytes;
use limpid_platform::clock::ManualClock;
use limpid_platform::random::SeededRandom;
use limpid_protocol::Uuid;
use limpid_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use limpid_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use limpid_telemetry::Registry;

use super::*;

const VERSION: i16 = 17;
const TOPIC: Uuid = Uuid::from_bytes([7; 16]);

struct World {
    sessions: FetchSessions,
    clock: Arc<ManualClock>,
}

impl World {
    fn new(slots: usize) -> Self {
        let clock = Arc::new(ManualClock::new(0));
        let metrics = FetchSessionMetrics::register(&Registry::new()).unwrap();
        let random = Arc::new(SeededRandom::new(1));
        Self {
            sessions: FetchSessions::new(slots, clock.clone(), random, metrics),
            clock,
        }
    }

    /// Sends a request whose partitions all have `high_watermark`, and those in `full` a record.
    fn fetch(&self, mut request: FetchRequest, full: &[i32], high_watermark: i64) -> FetchResponse {
        let plan = match self.sessions.begin(&mut request, VERSION) {
            Ok(plan) => plan,
            Err(error) => return refused(error),
        };
        let response = answer(&request, full, high_watermark);
        self.sessions.finish(plan, request, VERSION, response)
    }

    fn open(&self, partitions: &[i32]) -> i32 {
        self.fetch(request(0, 0, partitions), &[], 5).session_id
    }
}

fn request(session_id: i32, session_epoch: i32, partitions: &[i32]) -> FetchRequest {
    let wanted = |partition: &i32| FetchPartition {
        partition: *partition,
        ..FetchPartition::default()
    };
    let topic = FetchTopic {
        topic_id: TOPIC,
        partitions: partitions.iter().map(wanted).collect(),
        ..FetchTopic::default()
    };
    FetchRequest {
        session_id,
        session_epoch,
        topics: (!partitions.is_empty())
            .then_some(topic)
            .into_iter()
            .collect(),
        ..FetchRequest::default()
    }
}

fn answer(request: &FetchRequest, full: &[i32], high_watermark: i64) -> FetchResponse {
    let data = |wanted: &FetchPartition| PartitionData {
        partition_index: wanted.partition,
        high_watermark,
        log_start_offset: 0,
        records: full
            .contains(&wanted.partition)
            .then(|| Bytes::from_static(b"batch"))
            .into_iter()
            .collect(),
        ..PartitionData::default()
    };
    let topic = |topic: &FetchTopic| FetchableTopicResponse {
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().map(data).collect(),
        ..FetchableTopicResponse::default()
    };
    FetchResponse {
        responses: request.topics.iter().map(topic).collect(),
        ..FetchResponse::default()
    }
}

fn partitions(response: &FetchResponse) -> Vec<i32> {
    let all = response.responses.iter().flat_map(|t| &t.partitions);
    all.map(|data| data.partition_index).collect()
}

fn error(response: &FetchResponse) -> ErrorCode {
    ErrorCode::from_code(response.error_code).unwrap()
}

#[test]
fn only_news_is_told() {
    let world = World::new(10);
    let id = world.open(&[0, 1, 2]);
    assert_ne!(id, 0);
    let quiet = world.fetch(request(id, 1, &[]), &[], 5);
    assert_eq!((partitions(&quiet), quiet.session_id), (vec![], id));
    let one = world.fetch(request(id, 2, &[]), &[1], 5);
    assert_eq!(partitions(&one), [1]);
    let all = world.fetch(request(id, 3, &[]), &[], 6);
    assert_eq!(partitions(&all), [0, 2, 1], "who had records is last");
}

#[test]
fn partitions_come_and_go() {
    let world = World::new(10);
    let id = world.open(&[0, 1]);
    let mut change = request(id, 1, &[4]);
    change.forgotten_topics_data = vec![ForgottenTopic {
        topic_id: TOPIC,
        partitions: vec![0, 9],
        ..ForgottenTopic::default()
    }];
    assert_eq!(partitions(&world.fetch(change, &[], 5)), [4], "new to it");
    assert_eq!(
        partitions(&world.fetch(request(id, 2, &[]), &[], 6)),
        [1, 4]
    );
    let mut last = request(id, 3, &[]);
    last.forgotten_topics_data = vec![ForgottenTopic {
        topic_id: TOPIC,
        partitions: vec![1, 4],
        ..ForgottenTopic::default()
    }];
    assert_eq!(world.fetch(last, &[], 6).session_id, 0, "nothing left");
    let gone = world.fetch(request(id, 4, &[]), &[], 6);
    assert_eq!(error(&gone), ErrorCode::FetchSessionIdNotFound);
}

#[test]
fn an_error_is_told_each_time_and_its_end_too() {
    let world = World::new(10);
    let id = world.open(&[0]);
    for epoch in 1..3 {
        let mut asked = request(id, epoch, &[]);
        let plan = world.sessions.begin(&mut asked, VERSION).unwrap();
        let mut failed = answer(&asked, &[], 5);
        failed.responses[0].partitions[0].error_code = ErrorCode::NotLeaderOrFollower.code();
        let told = world.sessions.finish(plan, asked, VERSION, failed);
        assert_eq!(partitions(&told), [0]);
    }
    assert_eq!(partitions(&world.fetch(request(id, 3, &[]), &[], 5)), [0]);
    assert_eq!(
        partitions(&world.fetch(request(id, 4, &[]), &[], 5)),
        [0; 0]
    );
}

#[test]
fn epochs_count_and_overtaken_requests_are_refused() {
    let world = World::new(10);
    let id = world.open(&[0]);
    let early = world.fetch(request(id, 2, &[]), &[], 5);
    assert_eq!(error(&early), ErrorCode::InvalidFetchSessionEpoch);
    let mut parked = request(id, 1, &[]);
    let plan = world.sessions.begin(&mut parked, VERSION).unwrap();
    assert_eq!(
        error(&world.fetch(request(id, 2, &[]), &[], 5)),
        ErrorCode::None
    );
    let late = answer(&parked, &[], 5);
    let late = world.sessions.finish(plan, parked, VERSION, late);
    assert_eq!(error(&late), ErrorCode::InvalidFetchSessionEpoch);
    let by_name = world.sessions.begin(&mut request(id, 3, &[]), 12);
    assert!(matches!(by_name, Err(ErrorCode::FetchSessionTopicIdError)));
    assert_eq!((after(i32::MAX), after(1)), (1, 2));
}

#[test]
fn full_requests_end_a_session() {
    let world = World::new(10);
    for epoch in [0, -1] {
        let id = world.open(&[0]);
        let full = world.fetch(request(id, epoch, &[0]), &[], 5);
        assert_eq!(partitions(&full), [0]);
        assert_ne!(full.session_id, id);
        let gone = world.fetch(request(id, 1, &[]), &[], 5);
        assert_eq!(error(&gone), ErrorCode::FetchSessionIdNotFound);
    }
}

#[test]
fn without_a_place_there_is_no_session() {
    let none = World::new(0);
    assert_eq!(none.open(&[0]), 0);
    let world = World::new(2);
    let (small, large) = (world.open(&[0]), world.open(&[0, 1, 2]));
    assert_eq!(world.open(&[0, 1]), 0, "the others are too young");
    world.clock.advance(IDLE + Duration::from_millis(1));
    for id in [small, large] {
        let used = world.fetch(request(id, 1, &[]), &[], 5);
        assert_eq!(error(&used), ErrorCode::None);
    }
    assert_eq!(world.open(&[0]), 0, "as small as the smallest");
    assert_ne!(world.open(&[0, 1]), 0, "larger than the smallest");
    let gone = world.fetch(request(small, 2, &[]), &[], 5);
    assert_eq!(error(&gone), ErrorCode::FetchSessionIdNotFound);
    world.clock.advance(IDLE + Duration::from_millis(1));
    assert_ne!(world.open(&[0]), 0, "the others are idle");
    assert_eq!(world.sessions.metrics.evictions.get(), 2);
    assert_eq!(world.sessions.metrics.sessions.get(), 2);
}

#[test]
fn partitions_in_all_sessions_are_limited() {
    let mut world = World::new(10);
    world.sessions.partitions_max = 3;
    let id = world.open(&[0, 1]);
    assert_eq!(world.open(&[0, 1]), 0);
    let grown = world.fetch(request(id, 1, &[2, 3]), &[], 5);
    assert_eq!(error(&grown), ErrorCode::FetchSessionIdNotFound);
    assert_eq!(world.sessions.metrics.partitions.get(), 0);
    assert_ne!(world.open(&[0, 1, 2]), 0);
}
