//! What was seen of a group over the last minutes: facts that no single look can tell.
//!
//! [`GroupWatch`](crate::watch::GroupWatch) makes them, [`findings`](crate::findings) judges them.
//! What is not known is absent, and so is what would be infinite.

use schemars::JsonSchema;
use serde::Serialize;

/// A group over the last minutes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Lately {
    /// Time until it has read all, at the speed of the last minute: that of the partition that needs
    /// longest. 0 while it keeps up; absent while some partition gets no nearer to its end.
    pub eta_seconds: Option<f64>,
    /// Offsets that its commits move on by, per second, over the last minute.
    pub read_per_second: Option<f64>,
    /// Offsets written to its partitions per second, over the last minute.
    pub written_per_second: Option<f64>,
    /// The same over the last half hour, while it is behind; absent until it has been seen for five
    /// minutes.
    pub usually_written_per_second: Option<f64>,
    /// Generations that began within ten minutes.
    pub generations: u32,
    /// The partition that stands still for longest while others move.
    pub frozen: Option<Frozen>,
    /// Topics whose retention is about to delete what the group has not read, by name.
    pub overtaken: Vec<Overtaken>,
    /// The most records that an open transaction keeps from it.
    pub held: Option<Held>,
    /// The last time that a partition of it got another leader, if that was within ten minutes.
    pub leader_move: Option<LeaderMove>,
    /// What its members do, while it is behind.
    pub readers: Option<Readers>,
    /// Topics that it neither reads nor commits any more, by name.
    pub stale_topics: Vec<String>,
    /// Of a share group: what becomes of deliveries.
    pub deliveries: Option<Deliveries>,
}

/// A partition that stands still.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Frozen {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The record that it stands at.
    pub offset: i64,
    /// For how long.
    pub seconds: f64,
    /// Partitions that moved meanwhile.
    pub others_moved: u32,
}

/// A topic whose retention comes nearer than the group gets away.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Overtaken {
    /// The topic.
    pub topic: String,
    /// The partition that is overtaken first.
    pub partition: i32,
    /// When that is.
    pub seconds: f64,
    /// `retention.ms` or `retention.bytes`.
    pub by: &'static str,
}

/// Records that a reader of committed records can't have yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Held {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The first offset of the transaction: the last stable offset.
    pub offset: i64,
    /// Records from there on.
    pub records: u64,
    /// For how long it has stood there.
    pub seconds: f64,
    /// The producer that has the transaction open.
    pub producer_id: Option<i64>,
    /// Its `transactional.id`.
    pub transactional_id: Option<String>,
    /// Its members are known to read committed records only; otherwise it is likely.
    pub is_known: bool,
}

/// A partition got another leader.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct LeaderMove {
    /// The topic.
    pub topic: String,
    /// The partition that moved last.
    pub partition: i32,
    /// The leader before.
    pub from: Option<i32>,
    /// The leader now.
    pub to: Option<i32>,
    /// When.
    pub at_ms: i64,
    /// Partitions of the group that moved within ten minutes.
    pub partitions: u32,
}

/// What the members of a group do, as far as the broker sees it: joined by client id and address,
/// since a fetch does not say for which group it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Readers {
    /// Members that were seen fetching.
    pub seen: u32,
    /// Fetches that were answered since the group's commits moved last.
    pub fetches_since_commit: u64,
    /// How long ago some member fetched last; 0 while a fetch waits.
    pub silent_seconds: f64,
    /// The member that stayed away longest between two fetches.
    pub slowest: Option<SlowReader>,
    /// The member that quotas hold back most.
    pub held_back: Option<HeldBack>,
}

/// A member that stays away between its fetches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct SlowReader {
    /// Its `client.id`.
    pub client_id: String,
    /// Its address.
    pub host: String,
    /// The longest time from an answer to the next fetch lately, or the one that runs.
    pub gap_seconds: f64,
    /// It is the one that runs.
    pub is_away: bool,
}

/// A member that quotas hold back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct HeldBack {
    /// Its `client.id`.
    pub client_id: String,
    /// Its address.
    pub host: String,
    /// Share of the last minute, 0 to 1.
    pub share: f64,
}

/// What becomes of records that a share group delivers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Deliveries {
    /// Locks that ended without an acknowledgement, within ten minutes.
    pub locks_expired: u64,
    /// Records given up because they were delivered too often, within ten minutes.
    pub given_up: u64,
}

impl Lately {
    /// When the first record is lost that the group has not read.
    pub fn first_overtaken(&self) -> Option<&Overtaken> {
        let all = self.overtaken.iter();
        all.min_by(|a, b| a.seconds.total_cmp(&b.seconds))
    }
}
