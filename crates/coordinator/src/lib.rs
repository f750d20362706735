//! Consumer groups (the classic protocol) and transactions ([`transactions`]) as pure state machines.
//!
//! A [`Coordinator`] holds the groups of one partition of `__consumer_offsets`. Each input (a
//! request, or time that passed) leaves in an [`Out`] what is to be appended to the partition and
//! whom to answer. The caller appends the records, reports how that went with
//! [`Coordinator::written`], and only then sends the answers. A join or a sync that has to wait is
//! known by its [`Token`]; each token is answered exactly once.
//!
//! What must never be here: tokio, clocks, randomness, I/O. Time and random bytes are arguments.

mod after;
mod cause;
mod coordinator;
mod group;
mod limits;
mod member;
mod offsets;
mod open_offsets;
mod out;
mod record;
mod state;
mod timers;
pub mod transactions;
pub mod view;

pub use cause::Cause;
pub use coordinator::{Client, Coordinator};
pub use limits::{Limits, Now, PENDING_MEMBERS_MAX};
pub use offsets::Committed;
pub use out::{Answer, Event, Out, Token};
pub use record::{Record, RecordError};
pub use state::State;

#[cfg(test)]
mod tests;
