//! Consumer groups: who reads a cluster, how far each reader got, and how far behind that is.
//!
//! Times are milliseconds since the Unix epoch. A lag that is not known is absent, never 0 or −1:
//! "has not committed yet" and "has read everything" are different answers.

use schemars::JsonSchema;
use serde::Serialize;

use crate::lately::Lately;

/// Which protocol a group speaks (KIP-1043's group types).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GroupKind {
    /// JoinGroup and SyncGroup: the members assign the partitions.
    #[default]
    Classic,
    /// KIP-848: the coordinator assigns the partitions.
    Consumer,
    /// KIP-932.
    Share,
}

/// Kafka's group states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum GroupState {
    /// No members; its offsets remain until they expire.
    #[default]
    Empty,
    /// Waiting for members to join again.
    PreparingRebalance,
    /// Waiting for the leader's assignment.
    CompletingRebalance,
    /// The coordinator has not assigned yet what changed (consumer groups).
    Assigning,
    /// Members are on their way to a new assignment (consumer groups).
    Reconciling,
    /// Every member has its assignment.
    Stable,
    /// Going away.
    Dead,
}

impl GroupState {
    /// All states, in the order of a rebalance.
    pub const ALL: [Self; 7] = [
        Self::Empty,
        Self::PreparingRebalance,
        Self::CompletingRebalance,
        Self::Assigning,
        Self::Reconciling,
        Self::Stable,
        Self::Dead,
    ];

    /// The name that Kafka's tools print.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}

/// What a group does about its topics, in one word; the worst that holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupStatus {
    /// It reads, or there is nothing to read.
    #[default]
    Ok,
    /// Its members are being given their partitions.
    Rebalancing,
    /// It has members, but some of their partitions have records and never saw a commit.
    NeverCommitted,
    /// It has members and records that have been unread, without a commit, for
    /// [`STALLED_AFTER_MS`](crate::lag::STALLED_AFTER_MS).
    Stalled,
    /// It has unread records and no members.
    Stopped,
}

/// A group that commits offsets or has members.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    /// `group.id`.
    pub id: String,
    /// Its protocol.
    pub kind: GroupKind,
    /// Its state.
    pub state: GroupState,
    /// Since when it has been in that state.
    pub state_since_ms: i64,
    /// `consumer`, `connect` …; empty for groups that only commit.
    pub protocol_type: String,
    /// The assignor that the members agreed on.
    pub protocol: Option<String>,
    /// The broker that coordinates it.
    pub coordinator: i32,
    /// Generation, one higher with each rebalance.
    pub generation: i32,
    /// Its members, by id.
    pub members: Vec<Member>,
    /// Topics with a commit or an assignment, by name.
    pub topics: Vec<GroupTopic>,
    /// Rebalances and commits.
    pub activity: GroupActivity,
    /// When the first of its offsets expires, if the group stays without members.
    pub offsets_expire_at_ms: Option<i64>,
    /// The whole in one word.
    pub status: GroupStatus,
    /// What was seen of it over the last minutes.
    pub lately: Lately,
}

/// One member of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Member {
    /// Id that the coordinator gave it.
    pub id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// `client.id`.
    pub client_id: String,
    /// Address it connects from.
    pub host: String,
    /// Topics and partitions that it owns.
    pub assignment: Vec<(String, Vec<i32>)>,
}

/// What a group reads of one topic.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct GroupTopic {
    /// The topic.
    pub name: String,
    /// Partitions with a commit or an owner, ascending.
    pub partitions: Vec<GroupPartition>,
}

/// How far a group got in one partition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct GroupPartition {
    /// Partition number.
    pub partition: i32,
    /// The member that owns it.
    pub owner: Option<String>,
    /// The newest commit, if there is one.
    pub committed: Option<Committed>,
    /// First offset that can be read; `None` when the partition is gone or offline.
    pub log_start_offset: Option<i64>,
    /// Offset after the last record that the group can read.
    pub end_offset: Option<i64>,
    /// How far behind it is; `None` without a commit or without a log.
    pub lag: Option<Lag>,
}

/// A committed offset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Committed {
    /// The next offset to be read.
    pub offset: i64,
    /// Leader epoch of the last record read, −1 if the client told none.
    pub leader_epoch: i32,
    /// What the client wrote beside it.
    pub metadata: String,
    /// When it was committed.
    pub at_ms: i64,
}

/// Distance between a commit and the end of its partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct Lag {
    /// Offsets between the commit (or the start of the log, if that is later) and the end.
    pub records: u64,
    /// Age at the broker of the first unread record, seconds; 0 when all is read.
    pub seconds: Option<f64>,
    /// The same by the record's own timestamp.
    pub event_seconds: Option<f64>,
}

/// Totals since the process started, and the last rebalance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GroupActivity {
    /// Offsets committed, counted per partition.
    pub commits: u64,
    /// Rebalances by what began them, in the order of the names.
    pub rebalances: Vec<(String, u64)>,
    /// The last one that ended.
    pub last_rebalance: Option<Rebalance>,
}

/// A rebalance that is over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rebalance {
    /// When it ended.
    pub ended_at_ms: i64,
    /// How long it took, milliseconds.
    pub took_ms: u64,
    /// What began it, e.g. `member_joined`.
    pub cause: String,
    /// Members afterwards.
    pub members: u32,
}

impl GroupStatus {
    /// All of them, the worst last.
    pub const ALL: [Self; 5] = [
        Self::Ok,
        Self::Rebalancing,
        Self::NeverCommitted,
        Self::Stalled,
        Self::Stopped,
    ];

    /// The word that faces show.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Rebalancing => "rebalancing",
            Self::NeverCommitted => "never_committed",
            Self::Stalled => "stalled",
            Self::Stopped => "stopped",
        }
    }
}

impl GroupPartition {
    /// Records that retention deleted before they were read.
    pub fn lost_records(&self) -> u64 {
        let (Some(committed), Some(start)) = (&self.committed, self.log_start_offset) else {
            return 0;
        };
        u64::try_from(start.saturating_sub(committed.offset)).unwrap_or(0)
    }
}

impl Rebalance {
    /// How long it took, in seconds.
    pub fn took_seconds(&self) -> f64 {
        self.took_ms as f64 / 1000.0
    }
}

impl Group {
    /// Its partitions with their topics.
    pub fn partitions(&self) -> impl Iterator<Item = (&str, &GroupPartition)> {
        self.topics
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(|p| (topic.name.as_str(), p)))
    }

    /// What it committed for a partition.
    pub fn committed(&self, topic: &str, partition: i32) -> Option<i64> {
        let mut all = self.partitions();
        let (_, p) = all.find(|(name, p)| *name == topic && p.partition == partition)?;
        p.committed.as_ref().map(|committed| committed.offset)
    }

    /// Unread records of all partitions that have a commit.
    pub fn lag_records(&self) -> u64 {
        self.lags().map(|lag| lag.records).sum()
    }

    /// Age of the oldest unread record, by arrival; `None` when no partition's is known.
    pub fn lag_seconds(&self) -> Option<f64> {
        self.lags().filter_map(|lag| lag.seconds).reduce(f64::max)
    }

    /// The same by the records' own timestamps.
    pub fn event_lag_seconds(&self) -> Option<f64> {
        let known = self.lags().filter_map(|lag| lag.event_seconds);
        known.reduce(f64::max)
    }

    /// Partitions with records that a member owns and that never saw a commit.
    pub fn uncommitted_partitions(&self) -> usize {
        let owned = self.partitions().filter(|(_, p)| p.owner.is_some());
        let readable = owned.filter(|(_, p)| p.log_start_offset < p.end_offset);
        readable.filter(|(_, p)| p.committed.is_none()).count()
    }

    /// Time of the newest commit.
    pub fn last_commit_ms(&self) -> Option<i64> {
        let commits = self.partitions().filter_map(|(_, p)| p.committed.as_ref());
        commits.map(|c| c.at_ms).max()
    }

    fn lags(&self) -> impl Iterator<Item = &Lag> {
        self.partitions().filter_map(|(_, p)| p.lag.as_ref())
    }
}
