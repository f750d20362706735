//! One partition of the state topic, and the log that it is written to.

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_coordinator::share_state::{ShareStates, StateChange, StateKey, StateRecord};
use limpid_protocol::ErrorCode;
use limpid_protocol::records::Codec;
use parking_lot::Mutex;

use crate::coordinator_log::{self, Flushed, Style};
use crate::topics::{Partition, Topic};

/// One partition of the topic.
pub(super) struct Shard {
    pub(super) partition: Arc<Partition>,
    codec: Codec,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// Somebody reads the partition already.
    claimed: bool,
    /// It was just read: it has not been compared with the topics that there are.
    unchecked: bool,
    topic: Arc<Topic>,
    states: ShareStates,
    /// Where the newest snapshot of each partition lies. What is older than all of them is not
    /// needed any more.
    snapshots: BTreeMap<StateKey, i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Loading,
    Ready,
    /// It could not be read, or it is not ours any more.
    Closed,
}

impl State {
    fn check(&self) -> Result<(), ErrorCode> {
        match self.phase {
            Phase::Ready => Ok(()),
            Phase::Loading => Err(ErrorCode::CoordinatorLoadInProgress),
            Phase::Closed => Err(ErrorCode::NotCoordinator),
        }
    }
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

impl Shard {
    pub(super) fn new(topic: Arc<Topic>, partition: Arc<Partition>, codec: Codec) -> Self {
        let log = &partition.log;
        let is_empty = log.log_start_offset() == log.log_end_offset();
        let phase = if is_empty {
            Phase::Ready
        } else {
            Phase::Loading
        };
        Self {
            partition,
            codec,
            state: Mutex::new(State {
                phase,
                claimed: false,
                unchecked: false,
                topic,
                states: ShareStates::default(),
                snapshots: BTreeMap::new(),
            }),
        }
    }

    /// True once, for the one who is to read the partition.
    pub(super) fn claim_load(&self) -> bool {
        let mut state = self.state.lock();
        state.phase == Phase::Loading && !std::mem::replace(&mut state.claimed, true)
    }

    /// True once after it was read.
    pub(super) fn claim_check(&self) -> bool {
        std::mem::take(&mut self.state.lock().unchecked)
    }

    /// The partition was read.
    pub(super) fn loaded(&self, loaded: Loaded) {
        let mut state = self.state.lock();
        if state.phase == Phase::Loading {
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
        state.check()?;
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
        state.check()?;
        let records = plan(&state.states)?;
        if records.is_empty() {
            return Ok(None);
        }
        let (flushed, last_offset) = self.append(&state, now_ms, &records)?;
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
        let style = Style {
            codec: self.codec,
            size_max: usize::try_from(state.topic.config.max_message_bytes).unwrap_or(0),
            now_ms,
            producer: None,
        };
        let pairs: Result<Vec<_>, _> = records.iter().map(StateRecord::encode).collect();
        let pairs = pairs.map_err(|_| ErrorCode::UnknownServerError)?;
        let batches = coordinator_log::batches(&pairs, &style)?;
        let meta = coordinator_log::append_meta(&self.partition);
        let done = self.partition.log.append(&batches, &meta);
        let info = done.map_err(|error| {
            // At debug level, since clients could fill the log with it; what is wrong with the
            // disk is told by the log itself.
            tracing::debug!(
                partition = self.partition.index,
                %error,
                "the state of a share group could not be written down"
            );
            coordinator_log::code_of(&error)
        })?;
        let place = (&*state.topic, &*self.partition);
        let size = (pairs.len(), batches.len());
        Ok((
            coordinator_log::appended(place, &info, size),
            info.last_offset,
        ))
    }

    /// The first offset that is still needed.
    pub(super) fn needed_from(&self) -> Option<i64> {
        let state = self.state.lock();
        state.check().ok()?;
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
