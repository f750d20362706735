//! One member of a group.

use std::sync::Arc;

use bytes::Bytes;
use limpid_protocol::messages::group_metadata_value::MemberMetadata;
use limpid_protocol::messages::join_group_response::JoinGroupResponseMember;

use crate::after::Protocol;
use crate::out::Token;
use crate::timers::Deadline;

/// A member.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) id: Arc<str>,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) session_timeout_ms: i32,
    pub(crate) protocol_type: String,
    /// In the order of the member's preference.
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) assignment: Bytes,
    /// Its join that waits.
    pub(crate) awaiting_join: Option<Token>,
    /// Its sync that waits.
    pub(crate) awaiting_sync: Option<Token>,
    /// Has not been through a rebalance yet.
    pub(crate) is_new: bool,
    pub(crate) deadline: Deadline,
}

impl Member {
    /// Its subscription for `protocol`.
    pub(crate) fn metadata(&self, protocol: Option<&str>) -> Bytes {
        let known = self.protocols.iter().find(|p| Some(&*p.name) == protocol);
        known.map_or_else(Bytes::new, |p| p.metadata.clone())
    }

    /// The first of its protocols that all can use.
    pub(crate) fn vote(&self, possible: impl Fn(&str) -> bool) -> Option<&str> {
        let names = self.protocols.iter().map(|p| p.name.as_str());
        names.into_iter().find(|name| possible(name))
    }

    /// Someone who waits for our answer need not prove that it lives; a new member does.
    pub(crate) fn is_excused(&self) -> bool {
        !self.is_new && (self.awaiting_join.is_some() || self.awaiting_sync.is_some())
    }

    pub(crate) fn as_joined(&self, protocol: Option<&str>) -> JoinGroupResponseMember {
        JoinGroupResponseMember {
            member_id: self.id.to_string(),
            group_instance_id: self.instance_id.clone(),
            metadata: self.metadata(protocol),
        }
    }

    pub(crate) fn as_record(&self, protocol: Option<&str>, assignment: Bytes) -> MemberMetadata {
        MemberMetadata {
            member_id: self.id.to_string(),
            group_instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            rebalance_timeout: self.rebalance_timeout_ms,
            session_timeout: self.session_timeout_ms,
            subscription: self.metadata(protocol),
            assignment,
        }
    }
}
