//! ShareGroupDescribe, key 77, version 1 (KIP-932).
//!
//! - A group that isn't there, or is of another type, is GROUP_ID_NOT_FOUND.

use std::sync::Arc;

use limpid_protocol::messages::ShareGroupDescribeRequest;
use limpid_protocol::messages::share_group_describe_response::{
    DescribedGroup, ShareGroupDescribeResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};

use super::described_groups::{operations_of, shown};
use crate::access::{Operation, ResourceKind};
use crate::features;
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

const HIDDEN: &str =
    "The group has described topic(s) that the client is not authorized to describe.";

/// Answers ShareGroupDescribe.
pub struct ShareGroupDescribe {
    groups: Arc<Groups>,
    metadata: Arc<Metadata>,
}

impl ShareGroupDescribe {
    /// `groups` are described; `metadata` tell whether the feature is on.
    pub fn new(groups: Arc<Groups>, metadata: Arc<Metadata>) -> Self {
        Self { groups, metadata }
    }

    async fn describe(&self, id: String, call: &mut Call<'_>) -> DescribedGroup {
        let done = if !features::has_share_groups(&self.metadata.image()) {
            Err(ErrorCode::UnsupportedVersion)
        } else if !call.may(Operation::Describe, ResourceKind::Group, &id) {
            Err(ErrorCode::GroupAuthorizationFailed)
        } else if id.is_empty() {
            Err(ErrorCode::InvalidGroupId)
        } else {
            self.groups.step(&id, |c, _, _| c.describe_share(&id)).await
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

impl Answer for ShareGroupDescribe {
    type Request = ShareGroupDescribeRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ShareGroupDescribe, 1, 1);

    async fn answer(
        &self,
        request: ShareGroupDescribeRequest,
        call: &mut Call<'_>,
    ) -> ShareGroupDescribeResponse {
        let mut response = ShareGroupDescribeResponse::default();
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
    let topics = group
        .members
        .iter()
        .flat_map(|member| &member.assignment.topic_partitions);
    let mut names = topics.map(|topic| &topic.topic_name);
    names.all(|name| call.may(Operation::Describe, ResourceKind::Topic, name))
}
