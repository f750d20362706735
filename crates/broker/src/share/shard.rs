//! One partition of the state topic, and the log that it is written to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use limpid_coordinator::share_state::{ShareStates, StateChange, StateKey, StateRecord};
use limpid_protocol::ErrorCode;
use limpid_protocol::records::Codec;
use limpid_telemetry::Histogram;
use parking_lot::Mutex;

use crate::coordinator_log::phase::Phase;
use crate::coordinator_log::sharded;
use crate::coordinator_log::writing::Place;
use crate::coordinator_log::{Flushed, Style};
use crate::topics::{Partition, Topic};

/// One partition of the topic.
pub(super) struct Shard {
    pub(super) partition: Arc<Partition>,
    codec: Codec,
    writes: Histogram,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// It was just read: it has not been compared with the topics that there are.
    unchecked: bool,
    topic: Arc<Topic>,
    states: ShareStates,
    /// Where the newest snapshot of each partition lies. What is older than all of them is not
    /// needed any more.
    snapshots: BTreeMap<StateKey, i64>,
}

/// What was read of a partition.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) states: ShareStates,
    pub(super) snapshots: BTreeMap<StateKey, i64>,
}

impl Loaded {
    /// Takes over a record that lies at `offset`.
    pub(super) fn apply(&mut self, record: StateRecord, offset: i64) {
        note(&mut self.snapshots, &record, offset);
        self.states.apply(record);
    }
}

impl sharded::Shard for Shard {
    fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    fn claim_load(&self) -> bool {
        self.state.lock().phase.claim()
    }
}

impl Shard {
    pub(super) fn new(
        topic: Arc<Topic>,
        partition: Arc<Partition>,
        codec: Codec,
        writes: Histogram,
    ) -> Self {
        let phase = Phase::at_first(&partition.log);
        Self {
            partition,
            codec,
            writes,
            state: Mutex::new(State {
                phase,
                unchecked: false,
                topic,
                states: ShareStates::default(),
                snapshots: BTreeMap::new(),
            }),
        }
    }

    /// True once after it was read.
    pub(super) fn claim_check(&self) -> bool {
        std::mem::take(&mut self.state.lock().unchecked)
    }

    /// The partition was read.
    pub(super) fn loaded(&self, loaded: Loaded) {
        let mut state = self.state.lock();
        if state.phase.is_loading() {
            state.states = loaded.states;
            state.snapshots = loaded.snapshots;
            state.phase = Phase::Ready;
            state.unchecked = true;
        }
    }

    /// From now on everybody is sent away.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.phase = Phase::Closed;
        state.states = ShareStates::default();
        state.snapshots.clear();
    }

    /// How far it is.
    pub(super) fn phase(&self) -> Phase {
        self.state.lock().phase
    }

    /// Follows changed settings.
    pub(super) fn update(&self, topic: &Arc<Topic>) {
        self.state.lock().topic = Arc::clone(topic);
    }

    /// A look at the state.
    ///
    /// # Errors
    /// It is not there.
    pub(super) fn look<T>(&self, look: impl FnOnce(&ShareStates) -> T) -> Result<T, ErrorCode> {
        let state = self.state.lock();
        state.phase.check()?;
        Ok(look(&state.states))
    }

    /// Plans records, appends them, and makes them the state.
    ///
    /// # Errors
    /// What the plan says, or the log.
    pub(super) fn change(
        &self,
        now_ms: i64,
        plan: impl FnOnce(&ShareStates) -> Result<Vec<StateRecord>, ErrorCode>,
    ) -> Result<Flushed, ErrorCode> {
        let mut state = self.state.lock();
        state.phase.check()?;
        let records = plan(&state.states)?;
        if records.is_empty() {
            return Ok(None);
        }
        let began = Instant::now();
        let (flushed, last_offset) = self.append(&state, now_ms, &records)?;
        self.writes.observe_duration(began.elapsed());
        let count = i64::try_from(records.len()).unwrap_or(i64::MAX);
        let first = last_offset.saturating_sub(count - 1);
        for (offset, record) in (first..).zip(records) {
            note(&mut state.snapshots, &record, offset);
            state.states.apply(record);
        }
        Ok(flushed)
    }

    fn append(
        &self,
        state: &State,
        now_ms: i64,
        records: &[StateRecord],
    ) -> Result<(Flushed, i64), ErrorCode> {
        let place = Place {
            topic: &state.topic,
            partition: &self.partition,
        };
        let style = Style {
            codec: self.codec,
            size_max: place.size_max(),
            now_ms,
            producer: None,
            idle_sequence: 0,
        };
        let what = "the state of a share group";
        let records = records.iter().map(StateRecord::encode);
        let log = &self.partition.log;
        let (flushed, info) = place.write(what, &style, records, |batches, meta| {
            log.append(batches, meta)
        })?;
        Ok((flushed, info.last_offset))
    }

    /// The first offset that is still needed.
    pub(super) fn needed_from(&self) -> Option<i64> {
        let state = self.state.lock();
        state.phase.check().ok()?;
        let oldest = state.snapshots.values().min().copied();
        Some(oldest.unwrap_or_else(|| self.partition.log.high_watermark()))
    }
}

fn note(snapshots: &mut BTreeMap<StateKey, i64>, record: &StateRecord, offset: i64) {
    match &record.change {
        StateChange::Snapshot(Some(_)) => {
            snapshots.insert(record.key.clone(), offset);
        }
        StateChange::Snapshot(None) => {
            snapshots.remove(&record.key);
        }
        StateChange::Update(_) => {}
    }
}
