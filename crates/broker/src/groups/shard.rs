//! The groups of one partition of the offsets topic, and the log that they are written to.

use std::collections::HashMap;
use std::sync::Arc;

use limpid_coordinator::{Answer, Coordinator, Event, Limits, Now, Out, Record, Token};
use limpid_protocol::ErrorCode;
use limpid_protocol::records::Codec;
use limpid_storage::TxnPermit;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::coordinator_log::marker::Marker;
use crate::coordinator_log::phase::Phase;
use crate::coordinator_log::sharded;
use crate::coordinator_log::writing::Place;
use crate::coordinator_log::{self, Flushed, Style};
use crate::topics::{Partition, Topic, Topics};

/// One partition of the offsets topic.
pub(super) struct Shard {
    pub(super) partition: Arc<Partition>,
    /// What groups may read.
    topics: Arc<Topics>,
    codec: Codec,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// It was just read: its offsets have not been compared with the topics that there are.
    unchecked: bool,
    topic: Arc<Topic>,
    coordinator: Coordinator,
    parked: HashMap<Token, oneshot::Sender<Answer>>,
}

/// What is left to do once the lock is free.
#[must_use]
pub(super) struct Delivery {
    answers: Vec<(oneshot::Sender<Answer>, Answer)>,
    /// The word that what was written is on the disk, if the topic asks for that.
    flushed: Flushed,
    pub(super) events: Vec<Event>,
    pub(super) next_deadline_ms: Option<u64>,
}

/// What a step gave, whether its records are written, and what is left to do.
pub(super) type Turned<T> = Result<(T, Result<(), ErrorCode>, Delivery), ErrorCode>;

/// Whoever waits for an answer, and under which name.
pub(super) type Waiting = (Token, oneshot::Sender<Answer>);

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
        topics: Arc<Topics>,
        codec: Codec,
        limits: Limits,
    ) -> Self {
        let phase = Phase::at_first(&partition.log);
        Self {
            partition,
            topics,
            codec,
            state: Mutex::new(State {
                phase,
                unchecked: false,
                topic,
                coordinator: Coordinator::new(limits),
                parked: HashMap::new(),
            }),
        }
    }

    pub(super) fn is_loading(&self) -> bool {
        self.state.lock().phase.is_loading()
    }

    /// How far it is.
    pub(super) fn phase(&self) -> Phase {
        self.state.lock().phase
    }

    /// True once after it was read.
    pub(super) fn claim_check(&self) -> bool {
        std::mem::take(&mut self.state.lock().unchecked)
    }

    /// Follows a changed topic.
    pub(super) fn update(&self, topic: &Arc<Topic>, limits: Limits) {
        let mut state = self.state.lock();
        state.topic = Arc::clone(topic);
        state.coordinator.set_limits(limits);
    }

    /// Follows changed settings.
    pub(super) fn set_limits(&self, limits: Limits) {
        self.state.lock().coordinator.set_limits(limits);
    }

    /// Takes one step and writes what follows from it. `waiting` is answered now or later.
    pub(super) fn turn<T>(
        &self,
        now: Now,
        waiting: Option<Waiting>,
        step: impl FnOnce(&mut Coordinator, &mut Out) -> T,
    ) -> Turned<T> {
        self.turn_with(now, waiting, None, step)
    }

    /// [`Shard::turn`] with what the log wants to see before a transaction begins in it.
    pub(super) fn turn_with<T>(
        &self,
        now: Now,
        waiting: Option<Waiting>,
        permit: Option<TxnPermit>,
        step: impl FnOnce(&mut Coordinator, &mut Out) -> T,
    ) -> Turned<T> {
        let mut state = self.state.lock();
        state.phase.check()?;
        if let Some((token, sender)) = waiting {
            state.parked.insert(token, sender);
        }
        state.coordinator.see_topics(self.topics.table());
        let mut out = Out::default();
        let value = step(&mut state.coordinator, &mut out);
        let (written, delivery) = self.settle(&mut state, now, out, permit);
        Ok((value, written, delivery))
    }

    /// The partition was read: `coordinator` is what it says.
    pub(super) fn loaded(&self, now: Now, mut coordinator: Coordinator) -> Delivery {
        let mut out = Out::default();
        coordinator.loaded(now, &mut out);
        let mut state = self.state.lock();
        state.coordinator = coordinator;
        if state.phase.is_loading() {
            state.phase = Phase::Ready;
            state.unchecked = true;
        }
        let (_written, delivery) = self.settle(&mut state, now, out, None);
        delivery
    }

    /// From now on everybody is sent away, also those who wait.
    pub(super) fn close(&self, now: Now) -> Delivery {
        let mut state = self.state.lock();
        state.phase = Phase::Closed;
        let mut out = Out::default();
        let error = ErrorCode::NotCoordinator;
        state.coordinator.resign(now, error, &mut out);
        let (_written, delivery) = self.settle(&mut state, now, out, None);
        delivery
    }

    /// Writes what a step asks for, as often as it asks (each append may lead to one more).
    fn settle(
        &self,
        state: &mut State,
        now: Now,
        mut out: Out,
        permit: Option<TxnPermit>,
    ) -> (Result<(), ErrorCode>, Delivery) {
        let mut written = Ok(());
        let mut flushed = None;
        while !out.records.is_empty() {
            let appended = self.append(state, now, &out, permit);
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
        out: &Out,
        permit: Option<TxnPermit>,
    ) -> Result<Flushed, ErrorCode> {
        let place = Place {
            topic: &state.topic,
            partition: &self.partition,
        };
        let style = Style {
            codec: self.codec,
            size_max: place.size_max(),
            now_ms: now.wall_ms,
            producer: out.producer,
            idle_sequence: 0,
        };
        let records = out.records.iter().map(Record::encode);
        let log = &self.partition.log;
        let written = place.write("a group", &style, records, |batches, meta| {
            match out.producer {
                None => log.append(batches, meta),
                Some(_) => log.append_in_transaction(batches, meta, permit),
            }
        });
        Ok(written?.0)
    }

    /// Ends a producer's transaction here: its offsets count from now on, or never.
    ///
    /// # Errors
    /// The marker can't be written, or not yet.
    pub(super) fn mark(&self, now: Now, marker: &Marker) -> Result<Flushed, ErrorCode> {
        let mut state = self.state.lock();
        // The coordinator of transactions tries again.
        state
            .phase
            .check()
            .map_err(|_| ErrorCode::NotLeaderOrFollower)?;
        let flushed = marker.append(&state.topic, &self.partition, now.wall_ms)?;
        let (producer_id, commit) = (marker.producer.id, marker.commit);
        state.coordinator.end_transaction(now, producer_id, commit);
        Ok(flushed)
    }
}

impl Delivery {
    /// Sends the answers, once what they rest on is as safe as the topic wants it.
    pub(super) async fn send(self, shard: &Shard) -> Result<(), ErrorCode> {
        let mut safe = Ok(());
        if let Err(why) = coordinator_log::wait(self.flushed).await {
            let partition = shard.partition.index;
            tracing::error!(partition, error = why, "the disk failed a group");
            safe = Err(ErrorCode::NotCoordinator);
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
