//! The groups of one partition of the offsets topic, and the log that they are written to.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::BytesMut;
use limpid_coordinator::{Answer, Coordinator, Event, Limits, Now, Out, Record, Token};
use limpid_protocol::ErrorCode;
use limpid_protocol::records::{BatchBuilder, Codec};
use limpid_storage::{AppendError, AppendMeta, Origin};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::topics::{Partition, Topic};

/// What a record can cost in a batch beside its key and value.
const RECORD_OVERHEAD_BYTES: usize = 64;

/// One partition of the offsets topic.
pub(super) struct Shard {
    pub(super) partition: Arc<Partition>,
    codec: Codec,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// Somebody reads the partition already.
    claimed: bool,
    /// It was just read: its offsets have not been compared with the topics that there are.
    unchecked: bool,
    topic: Arc<Topic>,
    coordinator: Coordinator,
    parked: HashMap<Token, oneshot::Sender<Answer>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Loading,
    Ready,
    /// It could not be read, or it is not ours any more.
    Closed(ErrorCode),
}

/// What is left to do once the lock is free.
#[must_use]
pub(super) struct Delivery {
    answers: Vec<(oneshot::Sender<Answer>, Answer)>,
    /// The word that what was written is on the disk, if the topic asks for that.
    flushed: Option<oneshot::Receiver<Result<(), String>>>,
    pub(super) events: Vec<Event>,
    pub(super) next_deadline_ms: Option<u64>,
}

/// Whoever waits for an answer, and under which name.
pub(super) type Waiting = (Token, oneshot::Sender<Answer>);

impl Shard {
    pub(super) fn new(
        topic: Arc<Topic>,
        partition: Arc<Partition>,
        codec: Codec,
        limits: Limits,
    ) -> Self {
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
                coordinator: Coordinator::new(limits),
                parked: HashMap::new(),
            }),
        }
    }

    pub(super) fn is_loading(&self) -> bool {
        self.state.lock().phase == Phase::Loading
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

    /// Follows changed settings.
    pub(super) fn update(&self, topic: &Arc<Topic>, limits: Limits) {
        let mut state = self.state.lock();
        state.topic = Arc::clone(topic);
        state.coordinator.set_limits(limits);
    }

    /// Takes one step and writes what follows from it. `waiting` is answered now or later.
    pub(super) fn turn<T>(
        &self,
        now: Now,
        waiting: Option<Waiting>,
        step: impl FnOnce(&mut Coordinator, &mut Out) -> T,
    ) -> Result<(T, Result<(), ErrorCode>, Delivery), ErrorCode> {
        let mut state = self.state.lock();
        match state.phase {
            Phase::Ready => {}
            Phase::Loading => return Err(ErrorCode::CoordinatorLoadInProgress),
            Phase::Closed(error) => return Err(error),
        }
        if let Some((token, sender)) = waiting {
            state.parked.insert(token, sender);
        }
        let mut out = Out::default();
        let value = step(&mut state.coordinator, &mut out);
        let (written, delivery) = self.settle(&mut state, now, out);
        Ok((value, written, delivery))
    }

    /// The partition was read: `coordinator` is what it says.
    pub(super) fn loaded(&self, now: Now, mut coordinator: Coordinator) -> Delivery {
        let mut out = Out::default();
        coordinator.loaded(now, &mut out);
        let mut state = self.state.lock();
        state.coordinator = coordinator;
        if state.phase == Phase::Loading {
            state.phase = Phase::Ready;
            state.unchecked = true;
        }
        let (_written, delivery) = self.settle(&mut state, now, out);
        delivery
    }

    /// From now on everybody gets `error`, also those who wait.
    pub(super) fn close(&self, now: Now, error: ErrorCode) -> Delivery {
        let mut state = self.state.lock();
        state.phase = Phase::Closed(error);
        let mut out = Out::default();
        state.coordinator.resign(now, error, &mut out);
        let (_written, delivery) = self.settle(&mut state, now, out);
        delivery
    }

    /// Writes what a step asks for, as often as it asks (each append may lead to one more).
    fn settle(
        &self,
        state: &mut State,
        now: Now,
        mut out: Out,
    ) -> (Result<(), ErrorCode>, Delivery) {
        let mut written = Ok(());
        let mut flushed = None;
        while !out.records.is_empty() {
            let appended = self.append(state, now, &out.records);
            let result = appended.map(|word| flushed = word);
            written = written.and(result);
            state.coordinator.written(now, result, &mut out);
        }
        let answers = out.answers.into_iter();
        let answers = answers
            .filter_map(|(token, answer)| Some((state.parked.remove(&token)?, answer)))
            .collect();
        let delivery = Delivery {
            answers,
            flushed,
            events: out.events,
            next_deadline_ms: state.coordinator.next_deadline_ms(),
        };
        (written, delivery)
    }

    /// Appends all of `records` or none.
    fn append(
        &self,
        state: &State,
        now: Now,
        records: &[Record],
    ) -> Result<Option<oneshot::Receiver<Result<(), String>>>, ErrorCode> {
        let size_max = usize::try_from(state.topic.config.max_message_bytes).unwrap_or(0);
        let batches = self.batches(records, now.wall_ms, size_max)?;
        let meta = AppendMeta {
            leader_epoch: self.partition.leader_epoch(),
            origin: Origin::Coordinator,
        };
        let log = &self.partition.log;
        let info = log.append(&batches, &meta).map_err(|error| {
            let code = code_of(&error);
            // At debug level, since clients could fill the log with it; what is wrong with the
            // disk is told by the log itself.
            tracing::debug!(
                partition = self.partition.index,
                %error,
                "a group could not be written down"
            );
            code
        })?;
        let metrics = &state.topic.metrics;
        metrics.messages_in.inc_by(records.len() as u64);
        metrics.bytes_in.inc_by(batches.len() as u64);
        self.partition.waiters.appended(batches.len() as u64);
        if !log.config().flush_before_ack() {
            return Ok(None);
        }
        let (sender, receiver) = oneshot::channel();
        let callback = Box::new(move |done| {
            // Whoever asked may be gone by now.
            let _unheard = sender.send(done).is_err();
        });
        log.on_flushed(info.last_offset + 1, callback);
        Ok(Some(receiver))
    }

    /// The records as batches of at most `size_max` bytes.
    fn batches(
        &self,
        records: &[Record],
        wall_ms: i64,
        size_max: usize,
    ) -> Result<BytesMut, ErrorCode> {
        let too_large = |_| ErrorCode::UnknownServerError;
        let mut all = BytesMut::new();
        let mut batch = BatchBuilder::new(self.codec);
        for record in records {
            let (key, value) = record.encode().map_err(|_| ErrorCode::UnknownServerError)?;
            let size = key.len() + value.as_ref().map_or(0, |v| v.len()) + RECORD_OVERHEAD_BYTES;
            if !batch.is_empty() && batch.size() + size > size_max {
                let full = std::mem::replace(&mut batch, BatchBuilder::new(self.codec));
                all.extend_from_slice(&full.build().map_err(too_large)?);
            }
            if batch.size() + size > size_max {
                return Err(ErrorCode::UnknownServerError);
            }
            batch
                .append(wall_ms, Some(&key), value.as_deref(), &[])
                .map_err(too_large)?;
        }
        all.extend_from_slice(&batch.build().map_err(too_large)?);
        Ok(all)
    }
}

impl Delivery {
    /// Sends the answers, once what they rest on is as safe as the topic wants it.
    pub(super) async fn send(self, shard: &Shard) -> Result<(), ErrorCode> {
        let mut safe = Ok(());
        if let Some(flushed) = self.flushed {
            match flushed.await {
                Ok(Ok(())) => {}
                Ok(Err(why)) => {
                    let partition = shard.partition.index;
                    tracing::error!(partition, error = why, "the disk failed a group");
                    safe = Err(ErrorCode::NotCoordinator);
                }
                Err(_) => safe = Err(ErrorCode::NotCoordinator),
            }
        }
        for (sender, mut answer) in self.answers {
            if let Err(error) = safe {
                answer.fail(error);
            }
            // The connection may be gone by now.
            let _unheard = sender.send(answer).is_err();
        }
        safe
    }
}

/// What clients are told when an append failed, as Kafka translates it.
fn code_of(error: &AppendError) -> ErrorCode {
    match error {
        AppendError::DiskFull { .. } => ErrorCode::CoordinatorNotAvailable,
        AppendError::DirOffline { .. } | AppendError::Busy(_) | AppendError::Closed => {
            ErrorCode::NotCoordinator
        }
        _ => ErrorCode::UnknownServerError,
    }
}
