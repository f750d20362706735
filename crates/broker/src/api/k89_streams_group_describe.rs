//! StreamsGroupDescribe, key 89, version 0 (KIP-1071).
//!
//! - There are no streams groups here: what is asked for is GROUP_ID_NOT_FOUND, as in Kafka for a
//!   group that isn't there or is of another type, so that `kafka-streams-groups` says so.

use std::sync::Arc;

use limpid_protocol::messages::StreamsGroupDescribeRequest;
use limpid_protocol::messages::streams_group_describe_response::{
    DescribedGroup, StreamsGroupDescribeResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};

/// Answers StreamsGroupDescribe.
pub struct StreamsGroupDescribe {
    groups: Arc<Groups>,
}

impl StreamsGroupDescribe {
    /// `groups` tell whether there is a group of another type.
    pub fn new(groups: Arc<Groups>) -> Self {
        Self { groups }
    }

    async fn withheld(&self, id: &str, call: &Call<'_>) -> (ErrorCode, Option<String>) {
        if !call.may(Operation::Describe, ResourceKind::Group, id) {
            return (ErrorCode::GroupAuthorizationFailed, None);
        }
        if id.is_empty() {
            return (ErrorCode::InvalidGroupId, None);
        }
        match self.groups.step(id, |c, _, _| c.no_streams_group(id)).await {
            Ok(done) => (done.value.error, Some(done.value.message)),
            Err(error) => (error, None),
        }
    }
}

impl Answer for StreamsGroupDescribe {
    type Request = StreamsGroupDescribeRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::StreamsGroupDescribe, 0, 0);

    async fn answer(
        &self,
        request: StreamsGroupDescribeRequest,
        call: &mut Call<'_>,
    ) -> StreamsGroupDescribeResponse {
        let mut response = StreamsGroupDescribeResponse::default();
        for group_id in request.group_ids {
            let (error, error_message) = self.withheld(&group_id, call).await;
            response.groups.push(DescribedGroup {
                error_code: call.note(error),
                error_message,
                group_id,
                ..DescribedGroup::default()
            });
        }
        response
    }
}
