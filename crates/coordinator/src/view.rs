//! A group as faces see it: plain data, made when somebody looks and kept until it changes.

use std::sync::Arc;

use crate::cause::Cause;
pub use crate::offsets::ByPartition;
use crate::state::State;

/// The type of a group (KIP-1043).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GroupType {
    /// The members assign.
    #[default]
    Classic,
    /// The coordinator assigns (KIP-848).
    Consumer,
    /// The coordinator assigns, and members share partitions (KIP-932).
    Share,
}

impl GroupType {
    /// Kafka's name, in lower case as tools send and get it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
            Self::Share => "share",
        }
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    /// `group.id`.
    pub id: Arc<str>,
    /// Its type.
    pub group_type: GroupType,
    /// Its state.
    pub state: State,
    /// Since when, milliseconds since the epoch; −1 if that is not known.
    pub state_since_ms: i64,
    /// `consumer`, `connect` …; empty for groups that only commit.
    pub protocol_type: String,
    /// The assignor that the members agreed on, or that the coordinator uses.
    pub protocol: Option<String>,
    /// One higher with each rebalance; of consumer groups the epoch.
    pub generation: i32,
    /// The member that assigns.
    pub leader: Option<Arc<str>>,
    /// Its members, by id.
    pub members: Vec<MemberView>,
    /// Its offsets, by topic and partition.
    pub offsets: ByPartition,
    /// When the first of them expires if nothing happens.
    pub offsets_expire_at_ms: Option<i64>,
    /// Offsets committed since the process started, counted per partition.
    pub commits: u64,
    /// Rebalances since then, by what began them.
    pub rebalances: Vec<(Cause, u64)>,
    /// The last rebalance that ended.
    pub last_rebalance: Option<RebalanceView>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// The id that the coordinator gave it.
    pub id: Arc<str>,
    /// `group.instance.id`.
    pub instance_id: Option<String>,
    /// `client.id`.
    pub client_id: String,
    /// The address it connects from.
    pub host: String,
    /// Topics and partitions that it owns; empty when its assignment can't be read.
    pub assignment: Vec<(String, Vec<i32>)>,
}

/// A rebalance that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebalanceView {
    /// When it ended.
    pub ended_at_ms: i64,
    /// How long it took.
    pub took_ms: u64,
    /// What began it.
    pub cause: Cause,
    /// Members afterwards.
    pub members: u32,
}
