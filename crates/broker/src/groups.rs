//! The group coordinator: consumer groups, kept in `__consumer_offsets`.
//!
//! Each partition of that topic is a `shard::Shard`: the state machine of
//! `limpid_coordinator` behind a lock, and the log it is written to. A request takes the lock of
//! its group's shard for as long as the state machine and one append need; what it changed is in
//! the log before anybody is answered. Joins and syncs that have to wait are parked outside of
//! the lock.

mod consumer;
mod counting;
mod load;
mod rounds;
mod shard;
mod share;
pub(crate) mod topic;
mod topic_source;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use limpid_coordinator::view::GroupView;
use limpid_coordinator::{Answer, Client, Coordinator, Now, Out, Token};
use limpid_platform::clock::Clock;
use limpid_platform::random::Random;
use limpid_protocol::ErrorCode;
use limpid_protocol::messages::{
    JoinGroupRequest, JoinGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use limpid_protocol::records::NO_SEQUENCE;
use limpid_storage::TxnPermit;
use tokio::sync::oneshot;

use self::counting::Counting;
use self::shard::{Delivery, Shard};
use self::topic::OffsetsTopic;
use crate::alarm::Alarm;
use crate::blocking::Blocking;
use crate::coordinator_log::marker::Marker;
use crate::coordinator_log::phase::Phase;
use crate::coordinator_log::{self, Flushed};
use crate::drain::Drain;
use crate::metrics::GroupMetrics;
use crate::settings::Settings;
use crate::topic_creation::TopicCreation;
use crate::topics::Topics;

/// What the coordinator is made of.
pub struct GroupsInput {
    /// Where the offsets topic is.
    pub topics: Arc<Topics>,
    /// Makes the offsets topic.
    pub creation: Arc<TopicCreation>,
    /// Configuration.
    pub settings: Arc<Settings>,
    /// Reads the offsets topic at the start.
    pub blocking: Arc<Blocking>,
    /// Clock.
    pub clock: Arc<dyn Clock>,
    /// For ids of members.
    pub random: Arc<dyn Random>,
    /// Ends what is parked.
    pub drain: Drain,
    /// Counters.
    pub metrics: GroupMetrics,
}

/// The group coordinator.
pub struct Groups {
    topic: OffsetsTopic,
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    drain: Drain,
    counting: Counting,
    alarm: Alarm,
    tokens: AtomicU64,
}

/// What a step gave, and whether what it changed is in the log.
pub struct Done<T> {
    /// The step's own result.
    pub value: T,
    /// The append.
    pub written: Result<(), ErrorCode>,
}

impl Groups {
    /// Nothing is read before [`Groups::run`].
    pub fn new(input: GroupsInput) -> Self {
        let settings = Arc::clone(&input.settings);
        let loads = input.metrics.load.clone();
        let topic = OffsetsTopic::new(
            input.topics,
            input.creation,
            settings,
            input.blocking,
            loads,
        );
        Self {
            topic,
            settings: input.settings,
            clock: input.clock,
            random: input.random,
            drain: input.drain,
            counting: Counting::new(input.metrics),
            alarm: Alarm::default(),
            tokens: AtomicU64::new(0),
        }
    }

    /// How far the partitions of the offsets topic are.
    pub fn phases(&self) -> Vec<Phase> {
        let shards = self.topic.loaded();
        shards.iter().map(|shard| shard.phase()).collect()
    }

    /// So many offsets were deleted for somebody who asked for it.
    pub fn count_deleted_offsets(&self, partitions: usize) {
        self.counting.count_deleted(partitions);
    }

    /// JoinGroup; waits for the rebalance.
    pub async fn join(
        &self,
        request: JoinGroupRequest,
        version: i16,
        client: Client,
    ) -> JoinGroupResponse {
        let (group_id, member_id) = (request.group_id.clone(), request.member_id.clone());
        let failed = |error: ErrorCode| JoinGroupResponse {
            error_code: error.code(),
            generation_id: -1,
            protocol_name: None,
            member_id,
            ..JoinGroupResponse::default()
        };
        let Ok(random) = self.random.bytes16() else {
            return failed(ErrorCode::UnknownServerError);
        };
        if let Err(error) = self.prepare_classic(&group_id).await {
            return failed(error);
        }
        let join = |coordinator: &mut Coordinator, now, token, out: &mut Out| {
            coordinator.join(now, (request, version), client, random, token, out);
        };
        match self.park(&group_id, join).await {
            Ok(Answer::Join(response)) => response,
            Ok(Answer::Sync(_)) => failed(ErrorCode::UnknownServerError),
            Err(error) => failed(error),
        }
    }

    /// A consumer group without members makes way for a classic one.
    async fn prepare_classic(&self, group_id: &str) -> Result<(), ErrorCode> {
        let prepare = |coordinator: &mut Coordinator, _, out: &mut Out| {
            coordinator.prepare_classic(group_id, out);
        };
        self.step(group_id, prepare).await?.written
    }

    /// SyncGroup; waits for the leader.
    pub async fn sync(&self, request: SyncGroupRequest) -> SyncGroupResponse {
        let group_id = request.group_id.clone();
        let failed = |error: ErrorCode| SyncGroupResponse {
            error_code: error.code(),
            ..SyncGroupResponse::default()
        };
        let sync = |coordinator: &mut Coordinator, now, token, out: &mut Out| {
            coordinator.sync(now, request, token, out);
        };
        match self.park(&group_id, sync).await {
            Ok(Answer::Sync(response)) => response,
            Ok(Answer::Join(_)) => failed(ErrorCode::UnknownServerError),
            Err(error) => failed(error),
        }
    }

    async fn park(
        &self,
        group_id: &str,
        step: impl FnOnce(&mut Coordinator, Now, Token, &mut Out),
    ) -> Result<Answer, ErrorCode> {
        let shard = self.shard(group_id).await?;
        let token = self.tokens.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        let now = self.now();
        let turned = shard.turn(now, Some((token, sender)), |coordinator, out| {
            step(coordinator, now, token, out);
        });
        let ((), _written, delivery) = turned?;
        let _told_in_the_answer = self.finish(&shard, delivery).await;
        let mut drain = self.drain.clone();
        let answered = tokio::select! {
            biased;
            answer = answer => answer.ok(),
            () = drain.begun() => None,
        };
        answered.ok_or(ErrorCode::NotCoordinator)
    }

    /// Takes one step with the coordinator of `group_id`, making the offsets topic if need be.
    ///
    /// # Errors
    /// No coordinator can be had now.
    pub async fn step<T>(
        &self,
        group_id: &str,
        step: impl FnOnce(&mut Coordinator, Now, &mut Out) -> T,
    ) -> Result<Done<T>, ErrorCode> {
        let shard = self.shard(group_id).await?;
        self.step_in(&shard, step).await
    }

    async fn step_in<T>(
        &self,
        shard: &Shard,
        step: impl FnOnce(&mut Coordinator, Now, &mut Out) -> T,
    ) -> Result<Done<T>, ErrorCode> {
        let now = self.now();
        let turned = shard.turn(now, None, |coordinator, out| step(coordinator, now, out));
        let (value, written, delivery) = turned?;
        let flushed = self.finish(shard, delivery).await;
        let written = written.and(flushed);
        Ok(Done { value, written })
    }

    /// A look at all groups of all partitions that are loaded.
    pub fn look_at_all<T>(&self, mut look: impl FnMut(&mut Coordinator) -> T) -> Vec<T> {
        let now = self.now();
        let shards = self.topic.loaded();
        let looks = shards
            .iter()
            .map(|shard| shard.turn(now, None, |coordinator, _| look(coordinator)));
        looks
            .filter_map(|turned| turned.ok().map(|(value, ..)| value))
            .collect()
    }

    /// What is counted of groups.
    pub fn metrics(&self) -> &GroupMetrics {
        self.counting.metrics()
    }

    /// All groups, by id; a group that did not change keeps its pointer.
    pub fn views(&self) -> Vec<Arc<GroupView>> {
        let mut views = Vec::new();
        self.look_at_all(|coordinator| coordinator.views(&mut views));
        views.sort_unstable_by(|one, two| one.id.cmp(&two.id));
        views
    }

    /// Whether some partition of the offsets topic is still being read.
    pub fn is_loading(&self) -> bool {
        self.topic.loaded().iter().any(|shard| shard.is_loading())
    }

    /// The partition of the offsets topic that a group belongs to; the topic is made if need be.
    ///
    /// # Errors
    /// It can't be made now.
    pub async fn partition_of(&self, group_id: &str) -> Result<i32, ErrorCode> {
        let table = self.topic.ensure(self.now()).await?;
        Ok(table.partition_of(group_id))
    }

    /// Before a producer commits offsets in a transaction: what the log of the group's partition
    /// wants to see when that begins the transaction there; `None` if it has begun.
    ///
    /// # Errors
    /// No coordinator can be had now, or the producer has been replaced.
    pub async fn permit_transaction(
        &self,
        group_id: &str,
        producer: (i64, i16),
        raises_epoch: bool,
    ) -> Result<(i32, Option<TxnPermit>), ErrorCode> {
        let shard = self.shard(group_id).await?;
        let log = &shard.partition.log;
        let permit = log.permit_transaction(producer, NO_SEQUENCE, raises_epoch);
        let permit = permit.map_err(|error| coordinator_log::code_of(&error))?;
        Ok((shard.partition.index, permit))
    }

    /// [`Groups::step`] that commits offsets in a transaction.
    ///
    /// # Errors
    /// No coordinator can be had now.
    pub async fn step_in_transaction<T>(
        &self,
        group_id: &str,
        permit: Option<TxnPermit>,
        step: impl FnOnce(&mut Coordinator, Now, &mut Out) -> T,
    ) -> Result<Done<T>, ErrorCode> {
        let shard = self.shard(group_id).await?;
        let now = self.now();
        let step = |coordinator: &mut Coordinator, out: &mut Out| step(coordinator, now, out);
        let (value, written, delivery) = shard.turn_with(now, None, permit, step)?;
        let flushed = self.finish(&shard, delivery).await;
        let written = written.and(flushed);
        Ok(Done { value, written })
    }

    /// Ends a producer's transaction in a partition of the offsets topic.
    ///
    /// # Errors
    /// The marker can't be written, or not yet.
    pub fn mark(&self, partition: i32, marker: &Marker) -> Result<Flushed, ErrorCode> {
        let now = self.now();
        let table = self.topic.follow(now);
        let shard = table.and_then(|table| table.shard(partition));
        let shard = shard.ok_or(ErrorCode::NotLeaderOrFollower)?;
        shard.mark(now, marker)
    }

    async fn shard(&self, group_id: &str) -> Result<Arc<Shard>, ErrorCode> {
        let table = self.topic.ensure(self.now()).await?;
        table.shard_of(group_id)
    }

    /// Sends the answers of a step, counts what happened, and sets the alarm.
    async fn finish(&self, shard: &Shard, delivery: Delivery) -> Result<(), ErrorCode> {
        self.alarm.wake_by(delivery.next_deadline_ms);
        self.counting.count(&delivery.events);
        delivery.send(shard).await
    }

    fn now(&self) -> Now {
        Now {
            mono_ms: u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX),
            wall_ms: self.clock.wall_ms(),
        }
    }
}
