//! A consumer in a classic group: joins, reads what it was assigned, commits.
//!
//! Rebalances are eager: a member that must join again gives up everything first. Offsets are
//! committed when the caller says so, or, with `enable.auto.commit`, by [`Consumer::poll`] for what
//! the polls before it returned. A consumer that is dropped without [`Consumer::close`] looks
//! to its group like one that crashed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use limpid_protocol::ApiKey;
use limpid_protocol::records::{Batches, RecordsError};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::client::Client;
use crate::config::{ConsumerConfig, OffsetReset};
use crate::error::{ClientError, ErrorKind};
use crate::fetch::{FetchFrom, FetchLimits, FetchedRecords};
use crate::member::Membership;
use crate::metadata::TopicPartition;
use crate::offsets::{EARLIEST, LATEST, is_out_of_range};

/// Bytes of one batch at most once it is decompressed.
const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Pause after a fetch of which nothing came but errors.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerRecord {
    /// Where it lies.
    pub at: TopicPartition,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since the epoch; −1 for none.
    pub timestamp_ms: i64,
    /// Key.
    pub key: Option<Bytes>,
    /// Value; `None` is a tombstone.
    pub value: Option<Bytes>,
}

/// A member of a group that reads topics.
pub struct Consumer {
    client: Client,
    config: ConsumerConfig,
    membership: Arc<Membership>,
    heartbeats: AbortHandle,
    /// Where to fetch on; its keys are the assignment.
    positions: BTreeMap<TopicPartition, i64>,
    /// After the last record that was returned.
    consumed: BTreeMap<TopicPartition, i64>,
    /// Consumed, but not committed.
    uncommitted: bool,
    last_commit: Instant,
    /// Fetched, not returned yet: what one fetch brought.
    fetched: VecDeque<ConsumerRecord>,
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.heartbeats.abort();
    }
}

impl Consumer {
    /// A member that has not joined yet; the first poll does it. Every consumer needs a `client` of
    /// its own, because members wait for each other.
    pub fn new(client: Client, config: ConsumerConfig, topics: &[&str]) -> Self {
        let topics = topics.iter().map(|t| (*t).to_owned()).collect();
        let membership = Membership::new(client.clone(), config.clone(), topics);
        let membership = Arc::new(membership);
        let heartbeats = tokio::spawn(Arc::clone(&membership).beat()).abort_handle();
        Self {
            client,
            config,
            membership,
            heartbeats,
            positions: BTreeMap::new(),
            consumed: BTreeMap::new(),
            uncommitted: false,
            last_commit: Instant::now(),
            fetched: VecDeque::new(),
        }
    }

    /// The partitions it owns.
    pub fn assignment(&self) -> impl Iterator<Item = &TopicPartition> {
        self.positions.keys()
    }

    /// Its generation; −1 before it has joined.
    pub fn generation(&self) -> i32 {
        self.membership.generation()
    }

    /// The next records, at most `max.poll.records`; none if there are none within `patience`
    /// (joining the group aside, which takes what it takes).
    ///
    /// # Errors
    /// When the group or the offsets can't be had; another poll may succeed.
    pub async fn poll(&mut self, patience: Duration) -> Result<Vec<ConsumerRecord>, ClientError> {
        let deadline = Instant::now() + patience;
        loop {
            if self.membership.must_join()? {
                self.rejoin().await?;
            }
            self.auto_commit().await;
            if self.fetched.is_empty() {
                self.fetch(deadline.saturating_duration_since(Instant::now()))
                    .await?;
            }
            let count = self.fetched.len().min(self.config.max_poll_records);
            let records: Vec<ConsumerRecord> = self.fetched.drain(..count).collect();
            for record in &records {
                self.consumed.insert(record.at.clone(), record.offset + 1);
                self.uncommitted = true;
            }
            if !records.is_empty() || Instant::now() >= deadline {
                return Ok(records);
            }
        }
    }

    /// Commits what the polls so far returned.
    ///
    /// # Errors
    /// `REBALANCE_IN_PROGRESS`, `ILLEGAL_GENERATION`, `UNKNOWN_MEMBER_ID` when the partitions may
    /// belong to others by now; the next poll joins again.
    pub async fn commit(&mut self) -> Result<(), ClientError> {
        if self.consumed.is_empty() {
            return Ok(());
        }
        self.membership.commit(&self.consumed).await?;
        self.uncommitted = false;
        self.last_commit = Instant::now();
        Ok(())
    }

    /// Commits if it does so by itself, and leaves the group.
    pub async fn close(mut self) {
        if self.config.auto_commit.is_some() && self.uncommitted {
            self.commit_quietly().await;
        }
        self.heartbeats.abort();
        self.membership.leave().await;
    }

    async fn auto_commit(&mut self) {
        let Some(interval) = self.config.auto_commit else {
            return;
        };
        if self.uncommitted && self.last_commit.elapsed() >= interval {
            self.commit_quietly().await;
        }
    }

    async fn commit_quietly(&mut self) {
        if let Err(error) = self.commit().await {
            let group = &self.config.group_id;
            tracing::warn!(group, %error, "automatic commit failed");
            self.last_commit = Instant::now();
        }
    }

    async fn rejoin(&mut self) -> Result<(), ClientError> {
        if self.config.auto_commit.is_some() && self.uncommitted {
            self.commit_quietly().await;
        }
        self.positions.clear();
        self.consumed.clear();
        self.fetched.clear();
        self.uncommitted = false;
        let assigned = self.membership.join().await?;
        self.positions = self.begin_at(&assigned).await?;
        tracing::debug!(
            group = self.config.group_id,
            member = self.membership.member_id(),
            generation = self.membership.generation(),
            partitions = assigned.len(),
            "joined"
        );
        Ok(())
    }

    /// Where to begin: at the commits, and where there is none as `auto.offset.reset` says.
    async fn begin_at(
        &self,
        assigned: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, ClientError> {
        if assigned.is_empty() {
            return Ok(BTreeMap::new());
        }
        let group = &self.config.group_id;
        let committed = self.client.offset_fetch_of(group, Some(assigned)).await?;
        let mut positions: BTreeMap<TopicPartition, i64> = committed
            .into_iter()
            .map(|(at, committed)| (at, committed.offset))
            .collect();
        let missing = assigned.iter().filter(|at| !positions.contains_key(at));
        let missing: Vec<TopicPartition> = missing.cloned().collect();
        positions.extend(self.reset(&missing).await?);
        Ok(positions)
    }

    async fn reset(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, ClientError> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let to = match self.config.offset_reset {
            OffsetReset::Earliest => EARLIEST,
            OffsetReset::Latest => LATEST,
        };
        let wanted: Vec<_> = partitions.iter().map(|at| (at.clone(), to)).collect();
        let found = self.client.list_offsets(&wanted).await?;
        Ok(found
            .into_iter()
            .map(|(at, found)| (at, found.offset))
            .collect())
    }

    /// Fetches once from every partition.
    async fn fetch(&mut self, patience: Duration) -> Result<(), ClientError> {
        if self.positions.is_empty() {
            // Nothing assigned: wait for the next rebalance.
            tokio::time::sleep(patience.min(self.config.heartbeat_interval)).await;
            return Ok(());
        }
        let limits = FetchLimits {
            max_wait: patience.min(self.config.fetch_max_wait),
            bytes_min: 1,
            bytes_max: self.config.fetch_bytes_max,
        };
        let wanted: Vec<FetchFrom> = self
            .positions
            .iter()
            .map(|(at, offset)| FetchFrom {
                at: at.clone(),
                offset: *offset,
                bytes_max: self.config.partition_fetch_bytes_max,
            })
            .collect();
        let mut failed = Vec::new();
        for fetched in self.client.fetch(&wanted, limits).await {
            let Some(position) = self.positions.get_mut(&fetched.at) else {
                continue;
            };
            match fetched.result {
                Ok(records) => {
                    *position = read(&fetched.at, *position, &records, &mut self.fetched)?;
                }
                Err(error) => failed.push((fetched.at, error)),
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        let (lost, failed): (Vec<_>, Vec<_>) = failed
            .into_iter()
            .partition(|(_, error)| is_out_of_range(error));
        let lost: Vec<TopicPartition> = lost.into_iter().map(|(at, _)| at).collect();
        self.positions.extend(self.reset(&lost).await?);
        if let Some((at, error)) = failed.into_iter().next() {
            if !error.retriable() {
                return Err(error);
            }
            tracing::debug!(partition = %at, %error, "fetch failed");
            tokio::time::sleep(ERROR_PAUSE).await;
        }
        Ok(())
    }
}

/// Takes the records from `position` on out of batches; gives the next position.
fn read(
    at: &TopicPartition,
    position: i64,
    fetched: &FetchedRecords,
    into: &mut VecDeque<ConsumerRecord>,
) -> Result<i64, ClientError> {
    let unreadable = |error: RecordsError| {
        let kind = ErrorKind::Records(format!("{at} at offset {position}: {error}"));
        ClientError::new(ApiKey::Fetch, kind)
    };
    let mut next = position;
    let mut scratch = Vec::new();
    for batch in Batches::new(&fetched.records) {
        let batch = match batch {
            Ok(batch) => batch,
            // A broker cuts at its limit, in the middle of a batch if need be.
            Err(_) if next > position => break,
            Err(error) => return Err(unreadable(error)),
        };
        batch.verify_crc().map_err(unreadable)?;
        if !batch.header().attributes.is_control() {
            let records = batch.records_with(BATCH_BYTES_MAX, &mut scratch);
            for record in records.map_err(unreadable)? {
                let record = record.map_err(unreadable)?;
                if record.offset < position {
                    continue;
                }
                into.push_back(ConsumerRecord {
                    at: at.clone(),
                    offset: record.offset,
                    timestamp_ms: record.timestamp,
                    key: record.key.map(Bytes::copy_from_slice),
                    value: record.value.map(Bytes::copy_from_slice),
                });
            }
        }
        next = next.max(batch.header().next_offset());
    }
    Ok(next)
}
