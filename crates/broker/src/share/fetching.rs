//! ShareFetch: reading, acquiring, and waiting for something to acquire.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use limpid_config::group::{OffsetReset, ShareSettings};
use limpid_coordinator::delivery::{Batch, Wish};
use limpid_coordinator::share_state::{Held, NO_START, StateKey};
use limpid_protocol::{ErrorCode, Uuid};
use limpid_telemetry::Stage;
use limpid_telemetry::stage::StageClock;

use super::Shares;
use super::partition::{SharePartition, told};
use super::reading::Piece;
use crate::answer_memory::{AnswerMemory, Room, Used};
use crate::coordinator_log;
use crate::read_errors::read_error;
use crate::topics::Partition;
use crate::waiters::Waiter;

/// What a member asks for.
pub struct Wanted<'a> {
    /// The group.
    pub group: &'a Arc<str>,
    /// The member.
    pub member: &'a Arc<str>,
    /// What it reads, in the order in which it is served.
    pub partitions: Vec<(Uuid, Arc<Partition>)>,
    /// How much it wants, of all of them together.
    pub wish: Wish,
    /// As much as this has to be there, or it waits.
    pub min_bytes: usize,
    /// About as much as this is read.
    pub max_bytes: usize,
    /// For so long.
    pub max_wait: Duration,
    /// Where there must be room for it.
    pub memory: &'a AnswerMemory,
}

/// What a member gets.
pub struct Given {
    /// Of each partition that there is something to say of.
    pub answers: Answers,
    /// The room that all records together take up.
    pub room: Option<Used>,
}

/// What it gets of one partition.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Why it gets nothing.
    pub error: Option<ErrorCode>,
    /// Batches of the log.
    pub records: Bytes,
    /// Those that it has now.
    pub acquired: Vec<Batch>,
}

/// By topic id and partition.
pub type Answers = HashMap<(Uuid, i32), Fetched>;

/// All partitions of a request.
#[derive(Default)]
struct Look {
    pieces: Vec<(Arc<SharePartition>, Piece)>,
    answers: Answers,
    bytes: usize,
}

impl Look {
    /// Bytes of what is given at most, if so many records are wanted.
    fn size_of(&self, records_max: i64) -> usize {
        let sizes = self
            .pieces
            .iter()
            .map(|(_, piece)| piece.size_of(records_max));
        sizes.sum()
    }

    fn is_enough(&self, min_bytes: usize) -> bool {
        let failed = self.answers.values().any(|fetched| fetched.error.is_some());
        self.bytes >= min_bytes || failed
    }
}

impl Shares {
    /// Records for a member; waits for some if there are none. `admit` is asked before anything is
    /// acquired, and told how many bytes it would be at most: without its consent nobody has them, and
    /// there is no answer.
    pub async fn fetch(
        &self,
        wanted: &Wanted<'_>,
        clock: &mut StageClock,
        admit: impl FnOnce(usize) -> bool,
    ) -> Option<Given> {
        let settings = self.settings_of(wanted.group);
        let deadline = Instant::now() + wanted.max_wait;
        loop {
            let waiter = Waiter::new();
            let (open, refused) = self.open_all(wanted, &settings).await;
            let watched = Watched::new(&open, &waiter);
            // Registered first, read second: what comes between the two wakes the waiter.
            // A member that finds no room in time is told of nothing, and asks again.
            let room = wanted.memory.room(wanted.max_bytes).await;
            let most = room.as_ref().map_or(0, Room::bytes);
            let mut look = self.look(&open, &settings, &waiter, most).await;
            look.answers.extend(refused);
            let is_over = Instant::now() >= deadline || self.drain.has_begun();
            if is_over || wanted.partitions.is_empty() || look.is_enough(wanted.min_bytes) {
                let is_admitted = admit(look.size_of(wanted.wish.records_max));
                return is_admitted.then(|| self.give(wanted, look, &settings, room));
            }
            drop((look, room));
            waiter.arm(1);
            clock.enter(Stage::Purgatory);
            let mut drain = self.drain.clone();
            let parked = self.metrics.parked.track();
            tokio::select! {
                () = waiter.ready() => {}
                () = tokio::time::sleep_until(deadline.into()) => {}
                () = drain.begun() => {}
            }
            clock.enter(Stage::LocalAppend);
            drop((parked, watched));
        }
    }

    async fn open_all(
        &self,
        wanted: &Wanted<'_>,
        settings: &ShareSettings,
    ) -> (Vec<Arc<SharePartition>>, Answers) {
        let (mut open, mut refused) = (Vec::new(), Answers::new());
        for (topic, partition) in &wanted.partitions {
            let key = StateKey {
                group: Arc::clone(wanted.group),
                topic: *topic,
                partition: partition.index,
            };
            match self.open(key, partition, settings).await {
                Ok(share) => open.push(share),
                // Whoever waits sees it when it is there.
                Err(ErrorCode::CoordinatorLoadInProgress) => {}
                Err(error) => {
                    let error = Some(told(error));
                    let fetched = Fetched {
                        error,
                        ..Fetched::default()
                    };
                    refused.insert((*topic, partition.index), fetched);
                }
            }
        }
        (open, refused)
    }

    /// A partition as the group knows it; read from the state topic if nobody reads it yet.
    async fn open(
        &self,
        key: StateKey,
        partition: &Arc<Partition>,
        settings: &ShareSettings,
    ) -> Result<Arc<SharePartition>, ErrorCode> {
        if let Some(known) = self.opened(&key) {
            if Arc::ptr_eq(&known.partition, partition) {
                return Ok(known);
            }
            self.close(|one| *one == key);
        }
        let began = self.clock.monotonic();
        let shard = self.states.shard_of(&key).await?;
        let leader_epoch = partition.leader_epoch();
        let now_ms = self.clock.wall_ms();
        let lead = shard.change(now_ms, |states| {
            Ok(states.lead(&key, leader_epoch).into_iter().collect())
        })?;
        coordinator_log::wait(lead)
            .await
            .map_err(|_| ErrorCode::NotCoordinator)?;
        let held = shard.look(|states| states.get(&key).cloned())?;
        // The group's coordinator sets state up before it assigns a partition.
        let held = held.ok_or(ErrorCode::InvalidRequest)?;
        // A log that lost its end goes on at offsets that were there before.
        let end = partition.log.log_end_offset();
        let start = self.start_of(&held, partition, settings).await?.min(end);
        let mut deliveries = held.deliveries(start);
        deliveries.trim(partition.log.log_start_offset());
        let partition = Arc::clone(partition);
        let of = Arc::clone(&shard);
        let new = SharePartition::new(key.clone(), partition, of, deliveries);
        let mut open = self.open.lock();
        if !shard.look(|states| states.get(&new.key) == Some(&held))? {
            // Somebody moved the group meanwhile; the next look sees that.
            return Err(ErrorCode::CoordinatorLoadInProgress);
        }
        let share = open.entry(key).or_insert_with(|| Arc::new(new));
        let share = Arc::clone(share);
        self.count_open(open.len());
        let took = self.clock.monotonic().saturating_sub(began);
        self.metrics.partition_load.observe_duration(took);
        Ok(share)
    }

    /// Where a group begins.
    async fn start_of(
        &self,
        held: &Held,
        partition: &Partition,
        settings: &ShareSettings,
    ) -> Result<i64, ErrorCode> {
        if held.start != NO_START {
            return Ok(held.start);
        }
        let log = &partition.log;
        match settings.offset_reset {
            OffsetReset::Earliest => Ok(log.log_start_offset()),
            OffsetReset::Latest => Ok(log.high_watermark()),
            OffsetReset::Ago(ms) => {
                let since_ms = self.clock.wall_ms().saturating_sub(ms);
                let log = Arc::clone(log);
                let end = log.high_watermark();
                let look_up = move || log.offset_for_timestamp(since_ms);
                let found = self.blocking.run(look_up).await;
                let found = found.map_err(|_| ErrorCode::KafkaStorageError)?;
                let found = found.map_err(|error| read_error(&error))?;
                Ok(found.map_or(end, |found| found.offset))
            }
        }
    }

    async fn look(
        &self,
        open: &[Arc<SharePartition>],
        settings: &ShareSettings,
        waiter: &Arc<Waiter>,
        max_bytes: usize,
    ) -> Look {
        let mut look = Look::default();
        let each = max_bytes / open.len().max(1);
        for share in open {
            if look.bytes >= max_bytes {
                break;
            }
            let Some(claim) = share.claim(waiter) else {
                continue;
            };
            match self.read(share, claim, settings, each).await {
                Ok(None) => {}
                Ok(Some(piece)) => {
                    look.bytes += piece.size();
                    look.pieces.push((Arc::clone(share), piece));
                }
                Err(error) => {
                    let fetched = Fetched {
                        error: Some(error),
                        ..Fetched::default()
                    };
                    let key = (share.key.topic, share.key.partition);
                    look.answers.insert(key, fetched);
                }
            }
        }
        look
    }

    /// Acquires what was read.
    fn give(
        &self,
        wanted: &Wanted<'_>,
        look: Look,
        settings: &ShareSettings,
        room: Option<Room>,
    ) -> Given {
        let mut answers = look.answers;
        let mut wish = wanted.wish;
        for (share, piece) in look.pieces {
            if wish.records_max <= 0 || share.is_closed() {
                continue;
            }
            let (acquired, records) = self.acquire(&share, &piece, (wanted.member, wish), settings);
            let count: i64 = acquired.iter().map(|b| b.last - b.first + 1).sum();
            wish.records_max -= count;
            self.metrics
                .acquired
                .inc_by(u64::try_from(count).unwrap_or(0));
            let fetched = Fetched {
                error: None,
                records,
                acquired,
            };
            answers.insert((share.key.topic, share.key.partition), fetched);
        }
        let sent = answers.values().map(|fetched| fetched.records.len()).sum();
        Given {
            answers,
            room: room.map(|room| room.used(sent)),
        }
    }
}

/// Registered waiters; deregistered on drop, also when the connection goes away.
struct Watched<'a> {
    shares: &'a [Arc<SharePartition>],
    waiter: &'a Arc<Waiter>,
}

impl<'a> Watched<'a> {
    fn new(shares: &'a [Arc<SharePartition>], waiter: &'a Arc<Waiter>) -> Self {
        for share in shares {
            share.partition.waiters.register(waiter);
            share.waiters.register(waiter);
        }
        Self { shares, waiter }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        for share in self.shares {
            share.partition.waiters.deregister(self.waiter);
            share.waiters.deregister(self.waiter);
        }
    }
}
