//! A JoinGroup on its way to a group of either kind.

use std::sync::Arc;

use crate::after::Protocol;
use crate::out::Token;

/// A JoinGroup request with what the rules of its version make of it.
#[derive(Debug)]
pub(crate) struct JoinCall {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout_ms: i32,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) protocol_type: String,
    pub(crate) protocols: Vec<Protocol>,
    /// The id of a new member.
    pub(crate) new_id: Arc<str>,
    /// A dynamic member is told its id first and comes back with it (version 4).
    pub(crate) needs_known_id: bool,
    /// The leader can be told not to assign (version 9).
    pub(crate) skips_assignment: bool,
    pub(crate) token: Token,
}
