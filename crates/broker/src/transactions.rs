//! The transaction coordinator: who writes under which `transactional.id`, and how each transaction
//! ended, kept in `__transaction_state`.
//!
//! Each partition of that topic is a `shard::Shard`: the state machine of
//! `limpid_coordinator::transactions` behind a lock, and the log it is written to. A transaction is
//! decided when the record that says so is in the log (and on the disk, if the topic asks for
//! that). Its markers are written at once, before the client hears that it is decided; what can't
//! be written now is tried again by [`Transactions::run`], also after a restart.

mod finish;
mod rounds;
mod shard;
mod topic;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use limpid_coordinator::transactions::{
    Change, EPOCH_BUMP, Ended, Ending, Filter, Init, InitCall, Partitions, ProducerKey,
    Transaction, Transactions as State,
};
use limpid_platform::clock::Clock;
use limpid_protocol::ErrorCode;
use tokio::time::{Instant, sleep};

use self::shard::Shard;
use self::topic::StateTopic;
use crate::blocking::Blocking;
use crate::coordinator_log;
use crate::drain::Drain;
use crate::markers::Markers;
use crate::metadata::Metadata;
use crate::metrics::TransactionMetrics;
use crate::producer_ids::ProducerIds;
use crate::settings::Settings;
use crate::topic_creation::TopicCreation;
use crate::topics::Topics;

/// For how long a coordinator may be about to end a transaction.
const LATE_AFTER_MS: i64 = 5 * 60 * 1_000;
/// The feature whose level says which transactions the cluster offers.
const FEATURE: &str = "transaction.version";

/// What the coordinator is made of.
pub struct TransactionsInput {
    /// Where the topic is.
    pub topics: Arc<Topics>,
    /// Makes the topic.
    pub creation: Arc<TopicCreation>,
    /// Levels of features.
    pub metadata: Arc<Metadata>,
    /// Configuration.
    pub settings: Arc<Settings>,
    /// Reads the topic at the start.
    pub blocking: Arc<Blocking>,
    /// Ids for producers.
    pub ids: Arc<ProducerIds>,
    /// Writes markers.
    pub markers: Arc<Markers>,
    /// Clock.
    pub clock: Arc<dyn Clock>,
    /// Ends the rounds.
    pub drain: Drain,
    /// Counters.
    pub metrics: TransactionMetrics,
}

/// The transaction coordinator.
pub struct Transactions {
    topic: StateTopic,
    metadata: Arc<Metadata>,
    settings: Arc<Settings>,
    ids: Arc<ProducerIds>,
    markers: Arc<Markers>,
    clock: Arc<dyn Clock>,
    drain: Drain,
    metrics: TransactionMetrics,
}

/// What a request that writes in a transaction can bear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The partition must be part of the transaction. An error that older clients know.
    VerifyOld,
    /// The same, with TRANSACTION_ABORTABLE.
    Verify,
    /// The partition becomes part of the transaction (`transaction.version` 2).
    Add,
}

/// A producer under its transactional id.
pub type Named<'a> = (&'a str, ProducerKey);

impl Transactions {
    /// Nothing is read before [`Transactions::run`].
    pub fn new(input: TransactionsInput) -> Self {
        let settings = Arc::clone(&input.settings);
        let loads = input.metrics.load.clone();
        let topic = StateTopic::new(
            input.topics,
            input.creation,
            settings,
            input.blocking,
            loads,
        );
        Self {
            topic,
            metadata: input.metadata,
            settings: input.settings,
            ids: input.ids,
            markers: input.markers,
            clock: input.clock,
            drain: input.drain,
            metrics: input.metrics,
        }
    }

    /// How long a transaction may be open: after that its coordinator should have ended it, even one that
    /// is slow, as Kafka has it.
    pub fn longest_ms(&self) -> i64 {
        let config = self.settings.current();
        i64::from(config.broker().transactions.timeout_ms_max) + LATE_AFTER_MS
    }

    /// InitProducerId with a transactional id.
    ///
    /// # Errors
    /// The producer is fenced, has to ask again, or no coordinator can be had now.
    pub async fn init(
        self: &Arc<Self>,
        id: &str,
        timeout_ms: i32,
        expected: Option<ProducerKey>,
    ) -> Result<ProducerKey, ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        let timeout_ms_max = self.settings.current().broker().transactions.timeout_ms_max;
        if !(1..=timeout_ms_max).contains(&timeout_ms) {
            return Err(ErrorCode::InvalidTransactionTimeout);
        }
        let shard = self.shard(id).await?;
        let mut fresh_id = None;
        loop {
            let call = InitCall {
                id,
                timeout_ms,
                expected,
                fresh_id,
                level: self.level(),
            };
            let plan = |state: &State, now_ms: i64| {
                let init = state.init(now_ms, call)?;
                let change = match &init {
                    Init::NeedsId => None,
                    Init::Become(_, change) | Init::AbortFirst(change) => Some(change.clone()),
                };
                Ok((init, change))
            };
            match self.change(&shard, plan).await? {
                Init::NeedsId => fresh_id = Some(self.fresh_id().await?),
                Init::Become(producer, _) => return Ok(producer),
                Init::AbortFirst(_) => {
                    self.metrics.fenced.inc();
                    self.finish(&shard, id).await;
                    return Err(ErrorCode::ConcurrentTransactions);
                }
            }
        }
    }

    /// AddPartitionsToTxn and AddOffsetsToTxn, by a client of the first protocol or (`version` 2)
    /// implied.
    ///
    /// # Errors
    /// The producer may not write, has to wait, or no coordinator can be had now.
    pub async fn add(
        &self,
        named: Named<'_>,
        partitions: &Partitions,
        version: i16,
    ) -> Result<(), ErrorCode> {
        let shard = self.shard(named.0).await?;
        let plan = |state: &State, now_ms: i64| {
            let change = state.add(now_ms, named, partitions, version)?;
            Ok(((), change))
        };
        self.change(&shard, plan).await
    }

    /// Which of `partitions` are not part of the transaction.
    ///
    /// # Errors
    /// The producer may not write, has to wait, or no coordinator can be had now.
    pub async fn missing(
        &self,
        named: Named<'_>,
        partitions: &Partitions,
    ) -> Result<Vec<(Arc<str>, i32)>, ErrorCode> {
        let shard = self.shard(named.0).await?;
        let look = |state: &State| {
            let mut missing = Vec::new();
            for (topic, indexes) in partitions {
                for index in indexes {
                    if !state.has_partition(named, topic, *index)? {
                        missing.push((Arc::clone(topic), *index));
                    }
                }
            }
            Ok(missing)
        };
        shard.look(look)?
    }

    /// Whether batches of a producer may begin its transaction in `partitions`: an error for each
    /// that they may not, in the words of Produce and TxnOffsetCommit.
    pub async fn admit(
        &self,
        named: Named<'_>,
        partitions: &Partitions,
        admission: Admission,
    ) -> BTreeMap<(Arc<str>, i32), ErrorCode> {
        let verifies = self
            .settings
            .current()
            .broker()
            .transactions
            .verify_partitions;
        let refused = match admission {
            Admission::Add => self
                .add_patiently(named, partitions)
                .await
                .map(|()| Vec::new()),
            _ if !verifies => Ok(Vec::new()),
            _ => self.missing(named, partitions).await,
        };
        let told = |error: ErrorCode| match error {
            // What producers expect here.
            ErrorCode::ProducerFenced => ErrorCode::InvalidProducerEpoch,
            other => other,
        };
        let (refused, error) = match refused {
            Ok(missing) if admission == Admission::Verify => {
                (missing, ErrorCode::TransactionAbortable)
            }
            Ok(missing) => (missing, ErrorCode::InvalidTxnState),
            Err(error) => {
                let all = partitions.iter().flat_map(|(topic, indexes)| {
                    indexes.iter().map(|index| (Arc::clone(topic), *index))
                });
                (all.collect(), told(error))
            }
        };
        self.metrics.refused.inc_by(refused.len() as u64);
        refused.into_iter().map(|key| (key, error)).collect()
    }

    /// A producer that goes on at once may find its last transaction not marked everywhere yet:
    /// that is waited for here, since sending the batch again would take longer.
    async fn add_patiently(
        &self,
        named: Named<'_>,
        partitions: &Partitions,
    ) -> Result<(), ErrorCode> {
        let (backoff, longest) = {
            let config = self.settings.current();
            let config = &config.broker().transactions;
            let millis = Duration::from_millis;
            (millis(config.retry_backoff_ms), millis(config.retry_ms_max))
        };
        let until = Instant::now() + longest;
        loop {
            match self.add(named, partitions, EPOCH_BUMP).await {
                Err(ErrorCode::ConcurrentTransactions) if Instant::now() < until => {
                    sleep(backoff).await;
                }
                done => return done,
            }
        }
    }

    /// EndTxn; who the producer is from now on.
    ///
    /// # Errors
    /// The producer may not, has to wait, there is nothing to end, or no coordinator can be had
    /// now.
    pub async fn end(
        self: &Arc<Self>,
        (id, producer): Named<'_>,
        commit: bool,
        version: i16,
    ) -> Result<ProducerKey, ErrorCode> {
        let shard = self.shard(id).await?;
        let mut fresh_id = None;
        loop {
            let ending = Ending {
                id,
                producer,
                commit,
                version,
                fresh_id,
            };
            let plan = |state: &State, now_ms: i64| {
                let ended = state.end(now_ms, ending)?;
                let change = match &ended {
                    Ended::Decided(_, change) => Some(change.clone()),
                    _ => None,
                };
                Ok((ended, change))
            };
            match self.change(&shard, plan).await? {
                Ended::NeedsId => fresh_id = Some(self.fresh_id().await?),
                Ended::Already(producer) => return Ok(producer),
                Ended::Decided(producer, _) => {
                    self.finish(&shard, id).await;
                    return Ok(producer);
                }
            }
        }
    }

    /// A look at one transactional id.
    ///
    /// # Errors
    /// It is not known, or no coordinator can be had now.
    pub fn describe<T>(
        &self,
        id: &str,
        look: impl FnOnce(&Transaction) -> T,
    ) -> Result<T, ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        // Nobody has a transaction as long as there is no topic.
        let Some(table) = self.topic.follow() else {
            return Err(ErrorCode::TransactionalIdNotFound);
        };
        let shard = table.shard_of(id)?;
        let found = shard.look(|state| state.get(id).map(look))?;
        found.ok_or(ErrorCode::TransactionalIdNotFound)
    }

    /// All transactions that `filter` takes.
    ///
    /// # Errors
    /// Some are still being read.
    pub fn list<T>(
        &self,
        filter: &Filter,
        mut look: impl FnMut(&Transaction) -> T,
    ) -> Result<Vec<T>, ErrorCode> {
        let now_ms = self.clock.wall_ms();
        let mut all = Vec::new();
        for shard in self.topic.shards() {
            let of_shard = shard.look(|state| {
                let taken = state.iter().filter(|txn| filter.takes(txn, now_ms));
                all.extend(taken.map(&mut look));
            });
            // A partition that can't be read at all is not ours to speak of.
            if of_shard == Err(ErrorCode::CoordinatorLoadInProgress) {
                return Err(ErrorCode::CoordinatorLoadInProgress);
            }
        }
        Ok(all)
    }

    /// The partition of the topic that a transactional id belongs to; the topic is made if need
    /// be.
    ///
    /// # Errors
    /// It can't be made now.
    pub async fn partition_of(&self, id: &str) -> Result<i32, ErrorCode> {
        Ok(self.topic.ensure().await?.partition_of(id))
    }

    /// The level of `transaction.version`.
    pub fn level(&self) -> i16 {
        self.metadata.image().feature(FEATURE)
    }

    async fn shard(&self, id: &str) -> Result<Arc<Shard>, ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        let table = self.topic.ensure().await?;
        table.shard_of(id)
    }

    async fn fresh_id(&self) -> Result<i64, ErrorCode> {
        self.ids.next().await.map_err(|refusal| {
            tracing::error!(error = %refusal, "no producer id can be given");
            ErrorCode::CoordinatorLoadInProgress
        })
    }

    /// Plans a change under the lock of its shard, writes it down, and waits for the disk if the
    /// topic wants that.
    async fn change<T>(
        &self,
        shard: &Shard,
        plan: impl FnOnce(&State, i64) -> Result<(T, Option<Change>), ErrorCode>,
    ) -> Result<T, ErrorCode> {
        let now_ms = self.clock.wall_ms();
        let plan = |state: &State| {
            let (value, change) = plan(state, now_ms)?;
            Ok((value, change.into_iter().collect()))
        };
        let (value, flushed) = shard.change(now_ms, self.level(), plan)?;
        if let Err(why) = coordinator_log::wait(flushed).await {
            let partition = shard.partition.index;
            tracing::error!(partition, error = why, "the disk failed a transaction");
            return Err(ErrorCode::NotCoordinator);
        }
        Ok(value)
    }
}
