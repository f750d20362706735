//! Share groups (KIP-932): several members read one partition, and each record goes to one of them.
//!
//! - Who is in a group and what it may read is the group coordinator's business (`groups`).
//! - What became of which record is kept in `__share_group_state`: each partition of that topic is a
//!   `shard::Shard`.
//! - A partition that some member reads is a `partition::SharePartition`: the state machine of
//!   `limpid_coordinator::delivery` behind a lock. A change is planned on it, appended to the shard's
//!   log, and only then it holds; so what was acknowledged is in the log before anybody is told.
//! - Which partitions a client reads is remembered in its session (`sessions`).
//!
//! Locks are taken in this order: a share partition's, then its shard's.

mod acknowledging;
mod fetching;
mod load;
mod membership;
mod offsets;
mod partition;
mod reading;
mod rounds;
mod sessions;
mod shard;
mod states;
mod tallies;

use std::collections::HashMap;
use std::sync::Arc;

use limpid_cluster::watch::DeliveryTotals;
use limpid_config::group::{self, ShareSettings};
use limpid_coordinator::delivery::{Rules, Verdict};
use limpid_coordinator::share_state::StateKey;
use limpid_platform::clock::Clock;
use limpid_protocol::ErrorCode;
use limpid_telemetry::{Counter, Table};
use parking_lot::Mutex;

pub use self::acknowledging::Said;
pub use self::fetching::{Fetched, Wanted};
pub use self::offsets::SharedPartition;
use self::partition::SharePartition;
pub use self::sessions::{Plan, SessionKey, Sessions};
use self::states::StateTopic;
use self::tallies::Tallies;
use crate::alarm::Alarm;
use crate::blocking::Blocking;
use crate::coordinator_log::phase::Phase;
use crate::drain::Drain;
use crate::groups::Groups;
use crate::metrics::{Acknowledged, ShareMetrics};
use crate::settings::Settings;
use crate::topic_creation::TopicCreation;
use crate::topics::Topics;

/// What share groups are made of.
pub struct SharesInput {
    /// Where records and state are.
    pub topics: Arc<Topics>,
    /// Makes the state topic.
    pub creation: Arc<TopicCreation>,
    /// The coordinator of groups.
    pub groups: Arc<Groups>,
    /// Configuration.
    pub settings: Arc<Settings>,
    /// Reads files.
    pub blocking: Arc<Blocking>,
    /// Clock.
    pub clock: Arc<dyn Clock>,
    /// Ends what is parked.
    pub drain: Drain,
    /// Counters.
    pub metrics: ShareMetrics,
}

/// Share groups.
pub struct Shares {
    states: StateTopic,
    topics: Arc<Topics>,
    groups: Arc<Groups>,
    settings: Arc<Settings>,
    blocking: Arc<Blocking>,
    clock: Arc<dyn Clock>,
    drain: Drain,
    metrics: ShareMetrics,
    acknowledged: Table<Counter, Acknowledged>,
    tallies: Tallies,
    /// Partitions that somebody reads. Bounded by the partitions of sessions, and by the state that
    /// is kept: a partition without state is not opened.
    open: Mutex<HashMap<StateKey, Arc<SharePartition>>>,
    sessions: Arc<Sessions>,
    alarm: Alarm,
}

impl Shares {
    /// Nothing is read before [`Shares::run`].
    pub fn new(input: SharesInput) -> Self {
        let settings = input.settings;
        let sessions_max = settings.current().broker().groups.share.sessions_max;
        let acknowledged = input.metrics.acknowledged.table();
        for verdict in Verdict::SPOKEN {
            acknowledged.get(Acknowledged(verdict)); // Kafka shows them from the start.
        }
        Self {
            states: StateTopic::new(
                Arc::clone(&input.topics),
                input.creation,
                Arc::clone(&settings),
                Arc::clone(&input.blocking),
                input.metrics.clone(),
            ),
            topics: input.topics,
            groups: input.groups,
            settings,
            blocking: input.blocking,
            clock: input.clock,
            drain: input.drain,
            sessions: Arc::new(Sessions::new(sessions_max, input.metrics.clone())),
            acknowledged,
            metrics: input.metrics,
            tallies: Tallies::default(),
            open: Mutex::default(),
            alarm: Alarm::default(),
        }
    }

    /// What came to nothing in a group since the broker started; `None` if it is no share group.
    pub fn totals(&self, group: &str) -> Option<DeliveryTotals> {
        self.has_state(group).then(|| self.tallies.of(group))
    }

    fn has_state(&self, group: &str) -> bool {
        let group: Arc<str> = group.into();
        let has = |shard: &Arc<shard::Shard>| {
            shard.look(|states| states.of_group(&group).next().is_some()) == Ok(true)
        };
        self.states.shards().iter().any(has)
    }

    /// The sessions of clients.
    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// What holds for a group.
    pub fn settings_of(&self, group: &str) -> ShareSettings {
        let own = self.settings.groups();
        match own.get(group) {
            Some(own) => own.share,
            None => {
                group::resolve(&self.settings.current(), &std::collections::BTreeMap::new()).share
            }
        }
    }

    /// The partition of the state topic that a key belongs to; the topic is made if need be.
    ///
    /// # Errors
    /// It can't be made now.
    pub async fn partition_of(&self, coordinator_key: &str) -> Result<i32, ErrorCode> {
        let table = self.states.ensure().await?;
        Ok(table.partition_of(coordinator_key))
    }

    /// How far the partitions of the state topic are.
    pub fn phases(&self) -> Vec<Phase> {
        let shards = self.states.shards();
        shards.iter().map(|shard| shard.phase()).collect()
    }

    /// What share groups count.
    pub fn metrics(&self) -> &ShareMetrics {
        &self.metrics
    }

    fn mono_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    /// A partition that somebody reads.
    fn opened(&self, key: &StateKey) -> Option<Arc<SharePartition>> {
        self.open.lock().get(key).cloned()
    }

    /// Forgets partitions that were read; whoever waits there looks again.
    fn close(&self, which: impl Fn(&StateKey) -> bool) {
        let mut open = self.open.lock();
        let gone: Vec<StateKey> = open.keys().filter(|key| which(key)).cloned().collect();
        for key in gone {
            if let Some(partition) = open.remove(&key) {
                partition.close();
            }
        }
        self.count_open(open.len());
    }

    fn count_open(&self, open: usize) {
        self.metrics
            .partitions
            .set(i64::try_from(open).unwrap_or(i64::MAX));
    }
}

/// Kafka's settings as the state machine wants them.
fn rules(settings: &ShareSettings) -> Rules {
    Rules {
        lock_ms: u64::try_from(settings.record_lock_ms).unwrap_or(0),
        deliveries_max: i16::try_from(settings.deliveries_max).unwrap_or(i16::MAX),
        in_flight_max: i64::from(settings.record_locks_max),
    }
}
