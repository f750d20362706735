//! DeleteShareGroupOffsets, key 92, version 0 (KIP-932).
//!
//! - Topic by topic, and only of groups without members.

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_coordinator::Refusal;
use limpid_protocol::messages::DeleteShareGroupOffsetsRequest;
use limpid_protocol::messages::delete_share_group_offsets_response::{
    DeleteShareGroupOffsetsResponse, DeleteShareGroupOffsetsResponseTopic as Topic,
};
use limpid_protocol::{ApiKey, ErrorCode, Uuid};

use crate::access::{Operation, ResourceKind};
use crate::features;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::share::Shares;
use crate::topics::Topics;

/// Answers DeleteShareGroupOffsets.
pub struct DeleteShareGroupOffsets {
    shares: Arc<Shares>,
    topics: Arc<Topics>,
    metadata: Arc<Metadata>,
}

impl DeleteShareGroupOffsets {
    /// `metadata` tell whether the feature is on.
    pub fn new(shares: Arc<Shares>, topics: Arc<Topics>, metadata: Arc<Metadata>) -> Self {
        Self {
            shares,
            topics,
            metadata,
        }
    }

    async fn delete(
        &self,
        request: DeleteShareGroupOffsetsRequest,
        call: &Call<'_>,
    ) -> Result<Vec<Topic>, Refusal> {
        if !features::has_share_groups(&self.metadata.image()) {
            return Err(ErrorCode::UnsupportedVersion.into());
        }
        if !call.may(Operation::Delete, ResourceKind::Group, &request.group_id) {
            return Err(ErrorCode::GroupAuthorizationFailed.into());
        }
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId.into());
        }
        let table = self.topics.table();
        let (mut answers, mut known) = (Vec::new(), BTreeMap::new());
        for asked in request.topics {
            let name = asked.topic_name;
            if !call.may(Operation::Read, ResourceKind::Topic, &name) {
                let error = ErrorCode::TopicAuthorizationFailed;
                answers.push(refused(name, error, error.message()));
                continue;
            }
            match table.named(&name) {
                Some(topic) => {
                    known.insert(topic.id, name);
                }
                None => {
                    let error = ErrorCode::UnknownTopicOrPartition;
                    answers.push(refused(name, error, error.message()));
                }
            }
        }
        let ids: Vec<Uuid> = known.keys().copied().collect();
        let deleted = self.shares.delete_offsets(&request.group_id, &ids).await?;
        for (id, name) in known {
            answers.push(if deleted.contains(&id) {
                Topic {
                    topic_name: name,
                    topic_id: id,
                    ..Topic::default()
                }
            } else {
                let message = "There is no offset information to delete.";
                refused(name, ErrorCode::UnknownTopicOrPartition, message)
            });
        }
        Ok(answers)
    }
}

fn refused(name: String, error: ErrorCode, message: &str) -> Topic {
    Topic {
        topic_name: name,
        error_code: error.code(),
        error_message: Some(message.to_owned()),
        ..Topic::default()
    }
}

impl Answer for DeleteShareGroupOffsets {
    type Request = DeleteShareGroupOffsetsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DeleteShareGroupOffsets, 0, 0);

    async fn answer(
        &self,
        request: DeleteShareGroupOffsetsRequest,
        call: &mut Call<'_>,
    ) -> DeleteShareGroupOffsetsResponse {
        match self.delete(request, call).await {
            Ok(responses) => DeleteShareGroupOffsetsResponse {
                responses,
                ..DeleteShareGroupOffsetsResponse::default()
            },
            Err(refusal) => DeleteShareGroupOffsetsResponse {
                error_code: call.note(refusal.error),
                error_message: Some(refusal.message),
                ..DeleteShareGroupOffsetsResponse::default()
            },
        }
    }
}
