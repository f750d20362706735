use limpid_cluster::watch::{
    DeliveryTotals, Ends, Facts, Leader, OpenTransaction, Reader, Retention,
};
use limpid_coordinator::Committed as Commit;
use limpid_platform::clock::ManualClock;
use limpid_protocol::records::{
    BatchBuilder, Codec, ControlBatch, Producer, end_transaction_marker,
};
use limpid_storage::{AppendMeta, LogConfig, LogManager, LogManagerOptions, LogMetrics, Origin};
use limpid_telemetry::Registry;
use tempfile::TempDir;

use super::super::world::retention;
use super::*;

const START_MS: i64 = 1_700_000_000_000;
const DAY_MS: i64 = 86_400_000;
const TOPIC_ID: Uuid = Uuid::from_bytes([7; 16]);
const NODE: i32 = 3;

/// A log `t-0`, and whoever reads it.
struct Bench {
    _dir: TempDir,
    clock: Arc<ManualClock>,
    log: Arc<PartitionLog>,
    memory: GroupMemory,
    reader: Option<Reader>,
    shared: Vec<SharedPartition>,
}

/// The log of `t`-0, which is led here.
struct OneLog<'a> {
    log: &'a Arc<PartitionLog>,
    now_ms: i64,
    reader: Option<Reader>,
    shared: Vec<SharedPartition>,
}

impl World for OneLog<'_> {
    fn log(&self, topic: &str, partition: i32) -> Option<Arc<PartitionLog>> {
        (topic == "t" && partition == 0).then(|| Arc::clone(self.log))
    }

    fn shared(&self, _: &str) -> Vec<SharedPartition> {
        self.shared.clone()
    }
}

impl Facts for OneLog<'_> {
    fn leader(&self, _: &str, _: i32) -> Option<Leader> {
        None
    }

    fn ends(&self, topic: &str, partition: i32) -> Option<Ends> {
        let log = self.log(topic, partition)?;
        Some(Ends {
            stable: log.last_stable_offset(),
            high_watermark: log.high_watermark(),
        })
    }

    fn transaction(&self, _: &str, _: i32, _: i64) -> Option<OpenTransaction> {
        None
    }

    fn retention(&self, topic: &str, partition: i32, offset: i64) -> Option<Retention> {
        retention(&*self.log(topic, partition)?, offset, self.now_ms)
    }

    fn reader(&self, _: &str, _: &str) -> Option<Reader> {
        self.reader
    }

    fn deliveries(&self, _: &str) -> Option<DeliveryTotals> {
        None
    }
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(START_MS));
        let metrics = LogMetrics::register(&Registry::new()).unwrap();
        let mut options = LogManagerOptions::new(vec![dir.path().to_owned()], metrics);
        options.clock = clock.clone();
        options.reserve_bytes = 0;
        let (logs, _) = LogManager::open(options, &|_| {}).unwrap();
        let log = logs.create("t", TOPIC_ID, 0, LogConfig::default()).unwrap();
        Self {
            _dir: dir,
            clock,
            log,
            memory: GroupMemory::default(),
            reader: None,
            shared: Vec::new(),
        }
    }

    /// A record that was written a day before it comes; then a second passes.
    fn append(&self) {
        let mut builder = BatchBuilder::new(Codec::None);
        let timestamp = self.clock.wall_ms() - DAY_MS;
        builder.append(timestamp, None, Some(b"v"), &[]).unwrap();
        let meta = AppendMeta {
            leader_epoch: 0,
            origin: Origin::Client,
        };
        self.log.append(builder.build().unwrap(), &meta).unwrap();
        self.clock.advance(Duration::from_secs(1));
    }

    /// A record of a transaction that nobody ends.
    fn append_in_open_transaction(&self) {
        let mut builder = BatchBuilder::new(Codec::None)
            .producer(Producer {
                id: 9,
                epoch: 0,
                base_sequence: 0,
            })
            .transactional(true);
        builder
            .append(self.clock.wall_ms(), None, Some(b"v"), &[])
            .unwrap();
        let meta = AppendMeta {
            leader_epoch: 0,
            origin: Origin::Client,
        };
        let permit = self.log.permit_transaction((9, 0), 0, false).unwrap();
        let batch = builder.build().unwrap();
        self.log
            .append_in_transaction(&batch, &meta, permit)
            .unwrap();
        self.clock.advance(Duration::from_secs(1));
    }

    fn refresh(&mut self, views: &[&Arc<GroupView>]) -> Vec<Arc<Group>> {
        let world = OneLog {
            log: &self.log,
            now_ms: self.clock.wall_ms(),
            reader: self.reader,
            shared: self.shared.clone(),
        };
        let views = views.iter().map(|view| Arc::clone(view)).collect();
        self.memory.refresh(views, NODE, &world, &*self.clock)
    }
}

fn commit(offset: i64) -> Commit {
    Commit {
        offset,
        leader_epoch: 0,
        metadata: "note".into(),
        commit_ms: START_MS,
        expire_ms: None,
        topic_id: TOPIC_ID,
    }
}

fn view(id: &str, committed: Option<Commit>, members: usize) -> Arc<GroupView> {
    let mut offsets = limpid_coordinator::view::ByPartition::new();
    if let Some(committed) = committed {
        let t = offsets.entry("t".into()).or_default();
        t.insert(0, committed);
    }
    let member = |i| MemberView {
        id: format!("m-{i}").into(),
        instance_id: None,
        client_id: "c".to_owned(),
        host: "/127.0.0.1".to_owned(),
        assignment: vec![("t".to_owned(), vec![i, 9]), ("ghost".to_owned(), vec![0])],
    };
    Arc::new(GroupView {
        id: id.into(),
        group_type: GroupType::Classic,
        state: if members == 0 {
            State::Empty
        } else {
            State::Stable
        },
        state_since_ms: START_MS,
        protocol_type: "consumer".to_owned(),
        protocol: None,
        generation: 4,
        leader: None,
        members: (0..members as i32).map(member).collect(),
        offsets,
        offsets_expire_at_ms: None,
        commits: 1,
        rebalances: vec![(limpid_coordinator::Cause::MemberJoined, 2)],
        last_rebalance: None,
    })
}

#[test]
fn commits_meet_the_log() {
    let mut bench = Bench::new();
    (0..5).for_each(|_| bench.append());
    let groups = bench.refresh(&[&view("g", Some(commit(2)), 1)]);
    let group = &groups[0];
    assert_eq!((group.coordinator, group.members.len()), (NODE, 1));
    assert_eq!(group.activity.rebalances, [("member_joined".to_owned(), 2)]);
    let [(topic, partition)] = group.partitions().collect::<Vec<_>>()[..] else {
        panic!("only what exists: {:?}", group.topics)
    };
    assert_eq!((topic, partition.partition), ("t", 0));
    assert_eq!(partition.owner.as_deref(), Some("m-0"));
    assert_eq!(partition.committed.as_ref().unwrap().metadata, "note");
    assert_eq!(partition.log_start_offset, Some(0));
    assert_eq!(partition.end_offset, Some(5));
    let lag = partition.lag.unwrap();
    assert_eq!((lag.records, lag.seconds), (3, Some(3.0)));
    assert_eq!(lag.event_seconds, Some(3.0 + 86_400.0));
    assert_eq!(group.status, GroupStatus::Ok);
}

#[test]
fn a_group_that_did_not_change_keeps_its_pointer() {
    let mut bench = Bench::new();
    bench.append();
    let (read_all, behind) = (view("a", Some(commit(1)), 1), view("b", Some(commit(0)), 1));
    let first = bench.refresh(&[&read_all, &behind]);
    bench.clock.advance(Duration::from_secs(1));
    let second = bench.refresh(&[&read_all, &behind]);
    assert!(Arc::ptr_eq(&first[0], &second[0]));
    assert_eq!(second[1].lag_seconds(), Some(2.0));
    let again = view("a", Some(commit(1)), 1);
    let third = bench.refresh(&[&again, &behind]);
    assert!(
        Arc::ptr_eq(&first[0], &third[0]),
        "another view, the same words"
    );
    bench.append();
    let fourth = bench.refresh(&[&again, &behind]);
    assert_eq!(fourth[0].lag_records(), 1);
    assert_eq!(first[0].lag_records(), 0);
    assert_eq!(bench.refresh(&[&behind]).len(), 1, "gone groups are gone");
}

#[test]
fn a_group_that_stopped_is_reported_for_as_long_as_it_has_offsets() {
    let mut bench = Bench::new();
    bench.append();
    let stopped = view("g", Some(commit(0)), 0);
    bench.clock.advance(Duration::from_secs(30 * 86_400));
    let group = &bench.refresh(&[&stopped])[0];
    assert_eq!(group.status, GroupStatus::Stopped);
    assert_eq!(group.lag_records(), 1);
    assert!(group.lag_seconds().unwrap() >= 30.0 * 86_400.0);
}

#[test]
fn without_a_commit_or_with_one_of_a_topic_that_is_gone_there_is_no_lag() {
    let mut bench = Bench::new();
    bench.append();
    let uncommitted = view("a", None, 1);
    let mut other = commit(0);
    other.topic_id = Uuid::from_bytes([8; 16]);
    let groups = bench.refresh(&[&uncommitted, &view("b", Some(other), 0)]);
    assert_eq!(groups[0].lag_seconds(), None);
    assert_eq!(groups[0].uncommitted_partitions(), 1);
    assert_eq!(groups[0].status, GroupStatus::NeverCommitted);
    let partition = &groups[1].topics[0].partitions[0];
    assert_eq!((partition.lag, partition.end_offset), (None, None));
    assert!(partition.committed.is_some());
    assert_eq!(groups[1].status, GroupStatus::Ok);
}

#[test]
fn a_marker_behind_the_commit_is_nothing_to_be_read() {
    let mut bench = Bench::new();
    bench.append();
    let batch = ControlBatch {
        transaction: Some((9, 0)),
        ..ControlBatch::default()
    };
    let marker = end_transaction_marker(true, 0, &batch).unwrap();
    let meta = AppendMeta {
        leader_epoch: 0,
        origin: Origin::Coordinator,
    };
    bench.log.append(&marker, &meta).unwrap();
    let view = view("g", Some(commit(1)), 0);
    for _ in 0..2 {
        let group = &bench.refresh(&[&view])[0];
        assert_eq!((group.lag_records(), group.lag_seconds()), (0, Some(0.0)));
        assert_eq!(group.status, GroupStatus::Ok);
    }
    bench.append();
    let group = &bench.refresh(&[&view])[0];
    assert_eq!(group.lag_records(), 2, "the marker and the record");
    assert_eq!(group.event_lag_seconds(), Some(86_401.0));
}

#[test]
fn timestamps_are_looked_up_so_often_in_a_refresh_and_the_rest_next_time() {
    let mut bench = Bench::new();
    let count = LOOKUPS_MAX as i64 + 10;
    (0..count + 2).for_each(|_| bench.append());
    let views = |ahead: i64| -> Vec<Arc<GroupView>> {
        let named = |i| view(&format!("g-{i:04}"), Some(commit(i + ahead)), 0);
        (0..count).map(named).collect()
    };
    let known = |groups: &[Arc<Group>]| {
        let known = groups.iter().filter(|g| g.event_lag_seconds().is_some());
        known.count()
    };
    let (before, after) = (views(0), views(1));
    let before: Vec<_> = before.iter().collect();
    assert_eq!(known(&bench.refresh(&before)), LOOKUPS_MAX);
    assert_eq!(known(&bench.refresh(&before)), before.len());
    // All commit: until it is their turn they are told with the record before.
    let after: Vec<_> = after.iter().collect();
    let too_old = |groups: &[Arc<Group>]| {
        let ages = groups
            .iter()
            .map(|g| (g.lag_records(), g.event_lag_seconds()));
        let wrong = |(records, age): &(u64, Option<f64>)| *age != Some(*records as f64 + 86_400.0);
        ages.filter(wrong).count()
    };
    assert_eq!(too_old(&bench.refresh(&after)), 10);
    assert_eq!(too_old(&bench.refresh(&after)), 0);
    // A commit that went back has no older record to be told with, and is looked up.
    let back = view("g-0000", Some(commit(0)), 0);
    let group = &bench.refresh(&[&back])[0];
    assert_eq!(too_old(std::slice::from_ref(group)), 0);
}

#[test]
fn groups_at_the_same_offset_share_a_lookup() {
    let mut bench = Bench::new();
    bench.append();
    let many = (0..LOOKUPS_MAX + 10).map(|i| view(&format!("g-{i}"), Some(commit(0)), 0));
    let many: Vec<_> = many.collect();
    let groups = bench.refresh(&many.iter().collect::<Vec<_>>());
    assert_eq!(groups.len(), many.len());
    let told = |g: &&Arc<Group>| g.event_lag_seconds() == Some(86_401.0);
    assert_eq!(groups.iter().filter(told).count(), many.len());
}

#[test]
fn who_reads_committed_records_is_not_behind_an_open_transaction() {
    let mut bench = Bench::new();
    (0..2).for_each(|_| bench.append());
    bench.append_in_open_transaction();
    bench.append();
    let view = view("g", Some(commit(2)), 1);
    let group = &bench.refresh(&[&view])[0];
    assert_eq!(group.lag_records(), 2, "nobody knows what it reads");
    let reads = |committed_only| {
        Some(Reader {
            committed_only,
            ..Reader::default()
        })
    };
    bench.reader = reads(true);
    let group = &bench.refresh(&[&view])[0];
    assert_eq!((group.lag_records(), group.lag_seconds()), (0, Some(0.0)));
    let held = group.lately.held.as_ref().unwrap();
    assert_eq!((held.offset, held.records, held.is_known), (2, 2, true));
    bench.reader = None;
    let group = &bench.refresh(&[&view])[0];
    assert_eq!(group.lag_records(), 0, "what was known holds");
    bench.reader = reads(false);
    assert_eq!(bench.refresh(&[&view])[0].lag_records(), 2);
}

#[test]
fn a_share_group_is_behind_by_what_is_not_done() {
    let mut bench = Bench::new();
    (0..6).for_each(|_| bench.append());
    let mut shares = (*view("s", None, 1)).clone();
    shares.group_type = GroupType::Share;
    let shares = Arc::new(shares);
    let mut at = SharedPartition {
        topic: "t".to_owned(),
        partition: 0,
        start: None,
        done: 0,
        leader_epoch: 0,
        written_ms: START_MS,
    };
    bench.shared = vec![at.clone()];
    let group = &bench.refresh(&[&shares])[0];
    assert_eq!(group.topics[0].partitions[0].lag, None, "nobody has read");
    at.start = Some(2);
    at.done = 1;
    bench.shared = vec![at.clone()];
    let group = &bench.refresh(&[&shares])[0];
    assert_eq!((group.kind, group.lag_records()), (GroupKind::Share, 3));
    assert_eq!(
        group.lag_seconds(),
        Some(4.0),
        "since the first that is not done"
    );
    at.start = Some(5);
    bench.shared = vec![at];
    let group = &bench.refresh(&[&shares])[0];
    assert_eq!((group.lag_records(), group.lag_seconds()), (0, Some(0.0)));
}

#[test]
fn retention_is_about_the_segment_of_the_record() {
    let bench = Bench::new();
    (0..3).for_each(|_| bench.append());
    let config = |retention_ms, retention_bytes, segment_bytes| LogConfig {
        retention_ms,
        retention_bytes,
        segment_bytes,
        ..LogConfig::default()
    };
    let now_ms = bench.clock.wall_ms();
    let of = |offset| retention(&bench.log, offset, now_ms);
    bench.log.update_config(config(-1, -1, 1 << 20));
    assert_eq!(of(0), None, "nothing is deleted");
    // From here on one segment for each record.
    bench.log.update_config(config(DAY_MS, 1_000, 100));
    (0..3).for_each(|_| bench.append());
    let (first, last) = (of(0).unwrap(), of(5).unwrap());
    assert_eq!(first.age_ms, Some((DAY_MS + 1_000, DAY_MS)), "{first:?}");
    assert_eq!(last.bytes, Some((0, 1_000)));
    let (behind, _) = first.bytes.unwrap();
    let one = first.record_bytes;
    assert!(
        (2.0 * one..=3.0 * one).contains(&(behind as f64)),
        "{first:?}"
    );
    assert_eq!(of(6), None, "no such record");
}
