use std::cell::RefCell;
use std::collections::HashMap;

use super::*;
use crate::group::{Committed, GroupState, Member};
use crate::lag::{self, FirstUnread, Readable};

const START_MS: i64 = 1_800_000_000_000;

/// A log that a group reads, with what a broker knows of it. Records come at an even pace between looks,
/// so the first unread one came when the log ended there.
#[derive(Clone)]
struct Log {
    end: i64,
    stable: Option<i64>,
    committed: Option<i64>,
    leader: Leader,
    retention: Option<Retention>,
    ends: Vec<(i64, i64)>,
}

struct Bench {
    watch: GroupWatch,
    now_ms: i64,
    logs: Vec<Log>,
    members: usize,
    generation: i32,
    reader: Option<Reader>,
    commits: u64,
    commit_ms: i64,
    open: RefCell<HashMap<i64, OpenTransaction>>,
}

impl Facts for Bench {
    fn leader(&self, _: &str, partition: i32) -> Option<Leader> {
        Some(self.logs[partition as usize].leader)
    }
    fn ends(&self, _: &str, partition: i32) -> Option<Ends> {
        let log = &self.logs[partition as usize];
        Some(Ends {
            stable: log.stable.unwrap_or(log.end),
            high_watermark: log.end,
        })
    }
    fn transaction(&self, _: &str, _: i32, offset: i64) -> Option<OpenTransaction> {
        self.open.borrow().get(&offset).cloned()
    }
    fn retention(&self, _: &str, partition: i32, _: i64) -> Option<Retention> {
        self.logs[partition as usize].retention
    }
    fn reader(&self, client_id: &str, host: &str) -> Option<Reader> {
        assert_eq!((client_id, host), ("c", "/127.0.0.1"));
        self.reader
    }
    fn deliveries(&self, _: &str) -> Option<DeliveryTotals> {
        None
    }
}

impl Bench {
    fn new(partitions: usize) -> Self {
        let leader = Leader {
            id: Some(1),
            epoch: 0,
        };
        let log = Log {
            end: 0,
            stable: None,
            committed: Some(0),
            leader,
            retention: None,
            ends: Vec::new(),
        };
        Self {
            watch: GroupWatch::default(),
            now_ms: START_MS,
            logs: vec![log; partitions],
            members: 1,
            generation: 1,
            reader: None,
            commits: 0,
            commit_ms: START_MS,
            open: RefCell::default(),
        }
    }

    fn group(&self) -> Group {
        let partition = |(index, log): (i32, &Log)| {
            let readable = Readable {
                start: 0,
                end: log.end,
            };
            let next = log.committed.unwrap_or(0);
            let came = log.ends.iter().find(|(_, end)| *end > next);
            let came = came.map(|(at, _)| *at);
            let first = FirstUnread::Known {
                arrived_ms: came,
                stamped_ms: came,
            };
            GroupPartition {
                partition: index,
                owner: (self.members > 0).then(|| "m-0".to_owned()),
                committed: log.committed.map(|offset| Committed {
                    offset,
                    at_ms: self.commit_ms,
                    ..Committed::default()
                }),
                log_start_offset: Some(0),
                end_offset: Some(log.end),
                lag: lag::lag(log.committed, Some(readable), first, self.now_ms),
            }
        };
        let member = |i| Member {
            id: format!("m-{i}"),
            client_id: "c".to_owned(),
            host: "/127.0.0.1".to_owned(),
            ..Member::default()
        };
        let mut group = Group {
            id: "g".to_owned(),
            state: GroupState::Stable,
            generation: self.generation,
            protocol_type: "consumer".to_owned(),
            members: (0..self.members).map(member).collect(),
            topics: vec![GroupTopic {
                name: "t".to_owned(),
                partitions: (0..).zip(&self.logs).map(partition).collect(),
            }],
            ..Group::default()
        };
        group.activity.commits = self.commits;
        group.status = lag::status(&group, self.now_ms);
        group
    }

    fn look(&mut self) -> Lately {
        let mut watch = std::mem::take(&mut self.watch);
        let group = self.group();
        watch.begin();
        let lately = watch.look(&group, self, self.now_ms);
        assert_eq!(
            watch.look(&group, self, self.now_ms),
            lately,
            "a second look sees the same"
        );
        watch.end();
        self.watch = watch;
        lately
    }

    /// Seconds go by, in each of them so much is written and read in each partition.
    fn run(&mut self, seconds: i64, each: impl Fn(usize) -> (i64, i64)) -> Lately {
        let mut lately = Lately::default();
        for _ in 0..seconds {
            self.now_ms += 1_000;
            for (i, log) in self.logs.iter_mut().enumerate() {
                let (written, read) = each(i);
                log.end += written;
                log.ends.push((self.now_ms, log.end));
                if read > 0 {
                    let next = log.committed.unwrap_or(0) + read;
                    log.committed = Some(next.min(log.end));
                    self.commit_ms = self.now_ms;
                    self.commits += 1;
                }
            }
            lately = self.look();
        }
        lately
    }
}

#[test]
fn the_eta_is_that_of_the_partition_that_needs_longest() {
    let mut bench = Bench::new(2);
    bench.run(60, |i| ([200, 600][i], 0));
    let lately = bench.run(300, |_| (10, 30));
    // 6 000 and 30 000 behind, both 20 a second nearer.
    let eta = lately.eta_seconds.expect("an ETA");
    assert!((1_400.0..2_000.0).contains(&eta), "{eta}");
    let caught_up = bench.run(1_200, |_| (10, 60));
    assert_eq!(caught_up.eta_seconds, Some(0.0), "it keeps up");
}

#[test]
fn what_never_ends_or_is_not_known_has_no_eta() {
    let mut bench = Bench::new(2);
    let lately = bench.run(120, |i| (10, [10, 5][i]));
    assert_eq!(lately.eta_seconds, None, "one partition falls behind");
    assert!(lately.written_per_second.is_some());
    bench.members = 0;
    assert_eq!(bench.run(120, |_| (10, 0)).eta_seconds, None, "it stopped");
    let mut fresh = Bench::new(1);
    fresh.logs[0].committed = None;
    assert_eq!(fresh.run(120, |_| (10, 0)).eta_seconds, None, "no commit");
    let mut idle = Bench::new(1);
    assert_eq!(
        idle.run(1, |_| (0, 0)).eta_seconds,
        Some(0.0),
        "nothing to do"
    );
}

#[test]
fn retention_overtakes_who_is_slower_than_the_clock() {
    let mut bench = Bench::new(1);
    bench.run(300, |_| (100, 100));
    bench.run(300, |_| (100, 50));
    // Half as fast as records come: event lag grows by half a second each second.
    bench.logs[0].retention = Some(Retention {
        age_ms: Some((150_000, 750_000)),
        bytes: None,
        record_bytes: 100.0,
    });
    let overtaken = bench.run(1, |_| (100, 50)).overtaken;
    let first = &overtaken[0];
    assert_eq!((first.topic.as_str(), first.by), ("t", "retention.ms"));
    assert!((1_100.0..1_300.0).contains(&first.seconds), "{first:?}");

    bench.members = 0;
    let stopped = bench.run(120, |_| (100, 0)).overtaken;
    assert_eq!(
        stopped[0].seconds, 600.0,
        "who stands still ages by the clock"
    );

    bench.logs[0].retention = Some(Retention {
        age_ms: None,
        bytes: Some((400_000, 1_000_000)),
        record_bytes: 100.0,
    });
    let by_size = &bench.run(1, |_| (100, 0)).overtaken[0];
    assert_eq!(by_size.by, "retention.bytes");
    assert!((55.0..65.0).contains(&by_size.seconds), "{by_size:?}");

    bench.members = 1;
    assert!(
        bench.run(300, |_| (0, 500)).overtaken.is_empty(),
        "it catches up"
    );
}

#[test]
fn a_partition_freezes_only_while_others_move() {
    let mut bench = Bench::new(3);
    bench.run(10, |_| (5, 5));
    let lately = bench.run(119, |i| (5, [5, 0, 5][i]));
    assert_eq!(lately.frozen, None, "not for long enough");
    let frozen = bench
        .run(2, |i| (5, [5, 0, 5][i]))
        .frozen
        .expect("a frozen one");
    assert_eq!((frozen.partition, frozen.offset), (1, 50));
    assert_eq!((frozen.others_moved, frozen.seconds), (2, 121.0));
    let all_stand = bench.run(121, |_| (5, 0));
    assert_eq!(all_stand.frozen, None, "nothing moves any more");
}

#[test]
fn generations_and_leaders_are_told_for_ten_minutes() {
    let mut bench = Bench::new(2);
    assert_eq!(bench.run(5, |_| (0, 0)).leader_move, None);
    bench.generation += 3;
    bench.logs[1].leader = Leader {
        id: Some(2),
        epoch: 1,
    };
    let lately = bench.run(1, |_| (0, 0));
    assert_eq!(lately.generations, 3);
    let moved = lately.leader_move.expect("a move");
    assert_eq!((moved.partition, moved.partitions), (1, 1));
    assert_eq!((moved.from, moved.to), (Some(1), Some(2)));
    let later = bench.run(610, |_| (0, 0));
    assert_eq!((later.generations, later.leader_move), (0, None));
}

#[test]
fn an_open_transaction_holds_who_reads_committed_records() {
    let mut bench = Bench::new(1);
    bench.run(10, |_| (5, 5));
    bench.logs[0].stable = Some(50);
    let open = OpenTransaction {
        producer_id: 7,
        transactional_id: Some("pay".to_owned()),
        since_ms: None,
    };
    bench.open.borrow_mut().insert(50, open);
    let held = bench.run(100, |_| (1, 0)).held.expect("held");
    assert_eq!((held.offset, held.records, held.seconds), (50, 100, 99.0));
    assert_eq!((held.producer_id, held.is_known), (Some(7), false));
    assert_eq!(held.transactional_id.as_deref(), Some("pay"));
    let reads = |committed_only| {
        Some(Reader {
            committed_only,
            ..Reader::default()
        })
    };
    bench.reader = reads(true);
    assert!(bench.look().held.expect("held").is_known);
    bench.reader = reads(false);
    assert_eq!(bench.look().held, None, "it reads everything");
    bench.reader = None;
    bench.logs[0].committed = Some(60);
    assert_eq!(bench.look().held, None, "it was past it already");
}

#[test]
fn readers_are_told_of_only_while_they_are_late() {
    let mut bench = Bench::new(1);
    let reader = Reader {
        fetches: 10,
        silent_ms: 0,
        gap_ms: 90_000,
        ..Reader::default()
    };
    bench.reader = Some(reader);
    assert_eq!(bench.run(20, |_| (5, 5)).readers, None);
    bench.run(20, |_| (5, 0));
    for more in 1..=30 {
        bench.reader = Some(Reader {
            fetches: 10 + more,
            held_back_ms: more * 500,
            ..reader
        });
        bench.run(1, |_| (5, 0));
    }
    let readers = bench.look().readers.expect("readers");
    assert_eq!((readers.seen, readers.fetches_since_commit), (1, 30));
    let slowest = readers.slowest.expect("a slow one");
    assert_eq!((slowest.gap_seconds, slowest.is_away), (90.0, false));
    let share = readers.held_back.expect("held back").share;
    assert!((0.25..0.5).contains(&share), "{share}");
    let after = bench.run(1, |_| (5, 1)).readers.expect("still late");
    assert_eq!(after.fetches_since_commit, 0, "it committed");
}

#[test]
fn what_is_gone_is_forgotten_and_there_is_a_limit() {
    let mut bench = Bench::new(3);
    bench.look();
    assert_eq!(bench.watch.partitions(), (3, 0));
    bench.logs.pop();
    bench.look();
    assert_eq!(bench.watch.partitions(), (2, 0));
    bench.watch.partitions = WATCHED_PARTITIONS_MAX;
    let mut other = bench.group();
    other.id = "other".to_owned();
    bench.watch.begin();
    let mut watch = std::mem::take(&mut bench.watch);
    let lately = watch.look(&other, &bench, bench.now_ms);
    assert_eq!((lately.eta_seconds, lately.read_per_second), (None, None));
    assert_eq!(watch.partitions().1, 2, "two had no room");
    watch.end();
    assert_eq!(watch.partitions().0, 0, "the first group is gone");
}

#[test]
fn a_topic_that_nobody_has_to_do_with_is_stale() {
    let mut bench = Bench::new(1);
    bench.members = 0;
    assert!(bench.look().stale_topics.is_empty());
    bench.now_ms += STALE_AFTER_MS;
    assert_eq!(bench.look().stale_topics, ["t"]);
    bench.members = 1;
    assert!(
        bench.look().stale_topics.is_empty(),
        "somebody is assigned to it"
    );
}
