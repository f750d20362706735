//! Everything that was ever appended, and what a compacted log must still have of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use limpid_platform::clock::Clock;
use limpid_protocol::records::{Batches, ControlBatch, ControlType, end_transaction_marker};
use proptest::prelude::*;

use super::super::*;

/// What happens to a log.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Append {
        /// Keys, and sizes of values; `None` is a tombstone.
        records: Vec<(u8, Option<usize>)>,
        codec: Codec,
        who: Who,
    },
    /// The marker of a transactional producer.
    End {
        producer: i64,
        commit: bool,
    },
    Compact,
    Tick,
    Advance(u64),
    Crash,
    CleanRestart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Nobody,
    Idempotent(i64),
    Transactional(i64),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![4 => (0usize..60).prop_map(Some), 1 => Just(None)];
    let records = prop::collection::vec((0u8..150, value), 1..6);
    let codec = prop::sample::select(vec![Codec::None, Codec::None, Codec::Lz4, Codec::Zstd]);
    let who = prop_oneof![
        4 => Just(Who::Nobody),
        2 => (20i64..22).prop_map(Who::Idempotent),
        3 => (10i64..12).prop_map(Who::Transactional),
    ];
    prop_oneof![
        20 => (records, codec, who).prop_map(|(mut records, codec, who)| {
            // Few keys come often, many rarely.
            records.iter_mut().for_each(|(key, _)| *key = if *key < 100 { *key % 7 } else { *key });
            Step::Append { records, codec, who }
        }),
        3 => (10i64..12, any::<bool>())
            .prop_map(|(producer, commit)| Step::End { producer, commit }),
        4 => Just(Step::Compact),
        1 => Just(Step::Tick),
        2 => (0u64..6_000).prop_map(Step::Advance),
        1 => Just(Step::Crash),
        1 => Just(Step::CleanRestart),
    ]
}

/// One record, wherever it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) offset: i64,
    pub(super) key: Vec<u8>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) timestamp: i64,
    pub(super) producer: i64,
}

/// The data records of these batches.
pub(super) fn records_of(bytes: &[u8]) -> Vec<Entry> {
    let mut out = Vec::new();
    for batch in Batches::new(bytes) {
        let batch = batch.unwrap();
        batch.verify_crc().unwrap();
        if batch.header().attributes.is_control() {
            continue;
        }
        let mut scratch = Vec::new();
        for record in batch.records_with(1 << 20, &mut scratch).unwrap() {
            let record = record.unwrap();
            assert!(record.offset <= batch.header().last_offset());
            out.push(Entry {
                offset: record.offset,
                key: record.key.unwrap().to_vec(),
                value: record.value.map(<[u8]>::to_vec),
                timestamp: record.timestamp,
                producer: batch.header().producer_id,
            });
        }
    }
    assert!(out.is_sorted_by(|a, b| a.offset < b.offset), "offsets rise");
    out
}

/// What a log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    all: Vec<Entry>,
    /// As a `read_committed` consumer sees it, by the index of aborted transactions.
    committed: Vec<Entry>,
    end: i64,
}

impl Content {
    pub(super) fn of(log: &Arc<PartitionLog>) -> Self {
        let bytes = read_all(log);
        let stable = log.last_stable_offset();
        let mut ahead = log
            .aborted_transactions(log.log_start_offset(), stable)
            .unwrap();
        ahead.sort_by_key(|txn| txn.first_offset);
        let mut ahead = ahead.into_iter().peekable();
        let mut aborted = HashSet::new();
        let mut committed = Vec::new();
        for batch in Batches::new(&bytes) {
            let batch = batch.unwrap();
            let header = batch.header();
            if header.last_offset() >= stable {
                break;
            }
            while let Some(txn) = ahead.next_if(|txn| txn.first_offset <= header.last_offset()) {
                aborted.insert(txn.producer_id);
            }
            let control = batch.control_record().unwrap();
            if let Some((ControlType::Abort, _)) = control {
                aborted.remove(&header.producer_id);
            }
            let is_txn = header.attributes.is_transactional();
            if !(is_txn && aborted.contains(&header.producer_id)) {
                committed.extend(records_of(batch.bytes()));
            }
        }
        Self {
            all: records_of(&bytes),
            committed,
            end: log.log_end_offset(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Committed,
    Aborted,
    Open,
}

/// What was appended.
pub(super) struct History {
    entries: BTreeMap<i64, (Entry, Fate)>,
    sequences: HashMap<i64, i32>,
    appended_ms: HashMap<i64, i64>,
    end: i64,
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            sequences: HashMap::new(),
            appended_ms: HashMap::new(),
            end: 0,
        }
    }

    pub(super) fn append(&mut self, log: &Arc<PartitionLog>, step: &Step, now_ms: i64) {
        match step {
            Step::Append {
                records,
                codec,
                who,
            } => {
                self.append_records(log, records, *codec, *who, now_ms);
            }
            Step::End { producer, commit } => {
                let marker = ControlBatch {
                    timestamp: now_ms,
                    transaction: Some((*producer, 0)),
                    ..ControlBatch::default()
                };
                let marker = end_transaction_marker(*commit, 0, &marker).unwrap();
                let meta = AppendMeta {
                    leader_epoch: 0,
                    origin: Origin::Coordinator,
                };
                self.end = log.append(&marker, &meta).unwrap().last_offset + 1;
                let fate = if *commit {
                    Fate::Committed
                } else {
                    Fate::Aborted
                };
                let open = self.entries.values_mut();
                open.filter(|(entry, fate)| entry.producer == *producer && *fate == Fate::Open)
                    .for_each(|(_, state)| *state = fate);
            }
            _ => unreachable!("only appends come here"),
        }
    }

    fn append_records(
        &mut self,
        log: &Arc<PartitionLog>,
        records: &[(u8, Option<usize>)],
        codec: Codec,
        who: Who,
        now_ms: i64,
    ) {
        let mut builder = BatchBuilder::new(codec);
        let producer = match who {
            Who::Nobody => -1,
            Who::Idempotent(id) | Who::Transactional(id) => id,
        };
        if producer >= 0 {
            let next = self.sequences.entry(producer).or_default();
            builder = builder
                .producer(Producer {
                    id: producer,
                    epoch: 0,
                    base_sequence: *next,
                })
                .transactional(matches!(who, Who::Transactional(_)));
            *next += i32::try_from(records.len()).unwrap();
        }
        let mut entries = Vec::new();
        for (i, (key, size)) in (0i64..).zip(records) {
            let key = vec![b'k', *key];
            let value = size.map(|size| vec![(now_ms + i) as u8; size]);
            builder
                .append(now_ms + i, Some(&key), value.as_deref(), &[])
                .unwrap();
            entries.push(Entry {
                offset: i,
                key,
                value,
                timestamp: now_ms + i,
                producer,
            });
        }
        let info = append(log, &builder.build().unwrap()).unwrap();
        assert_eq!(
            (info.first_offset, info.duplicate),
            (self.end, false),
            "nothing is lost"
        );
        let open = matches!(who, Who::Transactional(_));
        let fate = if open { Fate::Open } else { Fate::Committed };
        for mut entry in entries {
            entry.offset += info.first_offset;
            self.appended_ms.insert(entry.offset, now_ms);
            self.entries.insert(entry.offset, (entry, fate));
        }
        self.end = info.last_offset + 1;
    }

    /// Holds a log against everything that was appended to it.
    pub(super) fn check(&self, log: &Arc<PartitionLog>, now_ms: i64) -> Content {
        let content = Content::of(log);
        assert_eq!(content.end, self.end);
        for entry in &content.all {
            assert_eq!(
                &self.entries[&entry.offset].0, entry,
                "nothing is made up or changed"
            );
        }
        let there: HashSet<i64> = content.all.iter().map(|entry| entry.offset).collect();
        let mut newest: HashMap<&[u8], &Entry> = HashMap::new();
        for (entry, fate) in self.entries.values() {
            match fate {
                Fate::Committed => drop(newest.insert(&entry.key, entry)),
                Fate::Open => assert!(there.contains(&entry.offset), "{entry:?} is undecided"),
                Fate::Aborted => {}
            }
        }
        for entry in newest.values() {
            let waited = now_ms - self.appended_ms[&entry.offset];
            let may_be_gone = entry.value.is_none() && waited >= 10_000;
            assert!(
                there.contains(&entry.offset) || may_be_gone,
                "the newest record of a key is gone: {entry:?}, {waited} ms old"
            );
        }
        self.check_committed(log, &content, &newest);
        content
    }

    /// Who reads it all in order ends with the same values, and sees no aborted record.
    fn check_committed(
        &self,
        log: &Arc<PartitionLog>,
        content: &Content,
        newest: &HashMap<&[u8], &Entry>,
    ) {
        let stable = log.last_stable_offset();
        let mut values: HashMap<&[u8], Option<&[u8]>> = HashMap::new();
        for entry in &content.committed {
            assert_eq!(self.entries[&entry.offset].1, Fate::Committed, "{entry:?}");
            values.insert(&entry.key, entry.value.as_deref());
        }
        for (key, entry) in newest.iter().filter(|(_, entry)| entry.offset < stable) {
            let seen = values.get(key).copied().flatten();
            assert_eq!(
                seen,
                entry.value.as_deref(),
                "the value of a key: {entry:?}"
            );
        }
        let clean_to = log.clean_to().unwrap_or(0);
        let mut clean = HashSet::new();
        for entry in content.all.iter().filter(|entry| entry.offset < clean_to) {
            assert_eq!(
                self.entries[&entry.offset].1,
                Fate::Committed,
                "aborted and clean"
            );
            assert!(
                clean.insert(&entry.key),
                "two records of a key in the clean part: {entry:?}"
            );
        }
    }
}

/// Lets tests read the time of their bench.
pub(super) trait Now {
    fn now_ms(&self) -> i64;
}

impl Now for Arc<ManualClock> {
    fn now_ms(&self) -> i64 {
        self.wall_ms()
    }
}
