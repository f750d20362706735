//! ConsumerGroupDescribe, key 69, versions 0–1 (KIP-848).
//!
//! - A group that isn't there, or is of another type, is GROUP_ID_NOT_FOUND; tools then ask with
//!   DescribeGroups. From version 1 with what each member speaks (KIP-1099).

use std::sync::Arc;

use limpid_protocol::messages::ConsumerGroupDescribeRequest;
use limpid_protocol::messages::consumer_group_describe_response::{
    ConsumerGroupDescribeResponse, DescribedGroup,
};
use limpid_protocol::{ApiKey, ErrorCode};

use super::described_groups::{operations_of, shown};
use crate::access::{Operation, ResourceKind};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};

const HIDDEN: &str =
    "The described group uses topics that the client is not authorized to describe.";

/// Answers ConsumerGroupDescribe.
pub struct ConsumerGroupDescribe {
    groups: Arc<Groups>,
}

impl ConsumerGroupDescribe {
    /// `groups` are described.
    pub fn new(groups: Arc<Groups>) -> Self {
        Self { groups }
    }

    async fn describe(&self, id: String, call: &mut Call<'_>) -> DescribedGroup {
        let done = if !call.may(Operation::Describe, ResourceKind::Group, &id) {
            Err(ErrorCode::GroupAuthorizationFailed)
        } else if id.is_empty() {
            Err(ErrorCode::InvalidGroupId)
        } else {
            let describe = self.groups.step(&id, |c, _, _| c.describe_consumer(&id));
            describe.await
        };
        let (error, message) = match shown(done, |group| may_see(group, call), HIDDEN) {
            Ok(group) => return group,
            Err(withheld) => withheld,
        };
        DescribedGroup {
            error_code: call.note(error),
            error_message: message,
            group_id: id,
            ..DescribedGroup::default()
        }
    }
}

impl Answer for ConsumerGroupDescribe {
    type Request = ConsumerGroupDescribeRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ConsumerGroupDescribe, 0, 1);

    async fn answer(
        &self,
        request: ConsumerGroupDescribeRequest,
        call: &mut Call<'_>,
    ) -> ConsumerGroupDescribeResponse {
        let mut response = ConsumerGroupDescribeResponse::default();
        for id in request.group_ids {
            let mut group = self.describe(id, call).await;
            let asked = request.include_authorized_operations;
            group.authorized_operations =
                operations_of(call, asked, group.error_code, &group.group_id);
            response.groups.push(group);
        }
        response
    }
}

/// Whether the client may know of all topics that the members read.
fn may_see(group: &DescribedGroup, call: &Call<'_>) -> bool {
    let may = |name: &str| call.may(Operation::Describe, ResourceKind::Topic, name);
    group.members.iter().all(|member| {
        let both = [&member.assignment, &member.target_assignment];
        let assigned = both.into_iter().flat_map(|a| &a.topic_partitions);
        member.subscribed_topic_names.iter().all(|name| may(name))
            && assigned.into_iter().all(|topic| may(&topic.topic_name))
    })
}
