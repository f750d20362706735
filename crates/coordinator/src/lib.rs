//! Consumer groups, of the classic protocol and of KIP-848, share groups (KIP-932) with what they
//! deliver ([`delivery`]) and where that is kept ([`share_state`]), and transactions
//! ([`transactions`]) as pure state machines.
//!
//! A [`Coordinator`] holds the groups of one partition of `__consumer_offsets`. Each input (a
//! request, or time that passed) leaves in an [`Out`] what is to be appended to the partition and
//! whom to answer. The caller appends the records, reports how that went with
//! [`Coordinator::written`], and only then sends the answers. A join or a sync that has to wait is
//! known by its [`Token`]; each token is answered exactly once.
//!
//! What must never be here: tokio, clocks, randomness, I/O. Time and random bytes are arguments.

mod after;
mod assignor;
mod cause;
mod commit_kind;
mod consumer;
mod coordinator;
pub mod delivery;
mod group;
mod join_call;
mod limits;
mod member;
mod offsets;
mod open_offsets;
mod out;
mod record;
mod refusal;
mod share;
pub mod share_state;
mod state;
mod timers;
mod topics;
pub mod transactions;
mod turn;
pub mod view;

pub use assignor::Assignor;
pub use cause::Cause;
pub use consumer::Sight;
pub use coordinator::{Client, Coordinator};
pub use limits::{ConsumerLimits, Limits, Now, PENDING_MEMBERS_MAX, ShareLimits};
pub use offsets::Committed;
pub use out::{Answer, Event, Out, Token};
pub use record::{ConsumerChange, Record, RecordError, ShareChange};
pub use refusal::Refusal;
pub use state::State;
pub use topics::{TopicInfo, TopicSource};

#[cfg(test)]
mod tests;
