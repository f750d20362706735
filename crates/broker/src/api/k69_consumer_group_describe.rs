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

use crate::access::{Operation, ResourceKind};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};
use crate::operations;

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
        if !call.may(Operation::Describe, ResourceKind::Group, &id) {
            return DescribedGroup {
                error_code: call.note(ErrorCode::GroupAuthorizationFailed),
                group_id: id,
                ..DescribedGroup::default()
            };
        }
        let done = match id.is_empty() {
            true => Err(ErrorCode::InvalidGroupId),
            false => {
                self.groups
                    .step(&id, |c, _, _| c.describe_consumer(&id))
                    .await
            }
        };
        let (error, message) = match done.map(|done| done.value) {
            Ok(Ok(group)) if may_see(&group, call) => return group,
            Ok(Ok(_)) => {
                let message = "The described group uses topics that the client is not authorized \
                               to describe.";
                let error = ErrorCode::TopicAuthorizationFailed;
                (error, Some(message.to_owned()))
            }
            Ok(Err(refusal)) => (refusal.error, Some(refusal.message)),
            Err(error) => (error, None),
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
            group.authorized_operations = operations::NOT_ASKED;
            if request.include_authorized_operations && group.error_code == ErrorCode::None.code() {
                let all = operations::GROUP;
                group.authorized_operations =
                    call.operations(all, ResourceKind::Group, &group.group_id);
            }
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
