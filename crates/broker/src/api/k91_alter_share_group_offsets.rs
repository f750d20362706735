//! AlterShareGroupOffsets, key 91, version 0 (KIP-932).
//!
//! - Only of groups without members; a group that isn't there is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_coordinator::Refusal;
use limpid_protocol::messages::AlterShareGroupOffsetsRequest;
use limpid_protocol::messages::alter_share_group_offsets_request::AlterShareGroupOffsetsRequestTopic as AskedTopic;
use limpid_protocol::messages::alter_share_group_offsets_response::{
    AlterShareGroupOffsetsResponse, AlterShareGroupOffsetsResponsePartition as Partition,
    AlterShareGroupOffsetsResponseTopic as Topic,
};
use limpid_protocol::{ApiKey, ErrorCode, Uuid};

use crate::access::{Operation, ResourceKind};
use crate::features;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::share::Shares;
use crate::topics::Topics;

/// Answers AlterShareGroupOffsets.
pub struct AlterShareGroupOffsets {
    shares: Arc<Shares>,
    topics: Arc<Topics>,
    metadata: Arc<Metadata>,
}

/// Offsets by partition.
type Offsets = BTreeMap<(Uuid, i32), i64>;

impl AlterShareGroupOffsets {
    /// `metadata` tell whether the feature is on.
    pub fn new(shares: Arc<Shares>, topics: Arc<Topics>, metadata: Arc<Metadata>) -> Self {
        Self {
            shares,
            topics,
            metadata,
        }
    }

    async fn alter(
        &self,
        request: AlterShareGroupOffsetsRequest,
        call: &Call<'_>,
    ) -> Result<Vec<Topic>, Refusal> {
        if !features::has_share_groups(&self.metadata.image()) {
            return Err(ErrorCode::UnsupportedVersion.into());
        }
        if !call.may(Operation::Read, ResourceKind::Group, &request.group_id) {
            return Err(ErrorCode::GroupAuthorizationFailed.into());
        }
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId.into());
        }
        let mut offsets = Offsets::new();
        let topics = request.topics.into_iter();
        let answers = topics
            .map(|asked| self.plan(asked, &mut offsets, call))
            .collect();
        self.shares.alter(&request.group_id, &offsets).await?;
        Ok(answers)
    }

    fn plan(&self, asked: AskedTopic, offsets: &mut Offsets, call: &Call<'_>) -> Topic {
        let table = self.topics.table();
        let known = table.named(&asked.topic_name);
        let may = call.may(Operation::Read, ResourceKind::Topic, &asked.topic_name);
        let partitions = asked.partitions.into_iter().map(|partition| {
            let index = partition.partition_index;
            let error = match known {
                _ if !may => ErrorCode::TopicAuthorizationFailed,
                Some(topic) if topic.has_partition(index) => {
                    offsets.insert((topic.id, index), partition.start_offset);
                    ErrorCode::None
                }
                _ => ErrorCode::UnknownTopicOrPartition,
            };
            Partition {
                partition_index: index,
                error_code: error.code(),
                error_message: (error != ErrorCode::None).then(|| error.message().to_owned()),
            }
        });
        Topic {
            topic_name: asked.topic_name,
            topic_id: known.map(|topic| topic.id).unwrap_or_default(),
            partitions: partitions.collect(),
        }
    }
}

impl Answer for AlterShareGroupOffsets {
    type Request = AlterShareGroupOffsetsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::AlterShareGroupOffsets, 0, 0);

    async fn answer(
        &self,
        request: AlterShareGroupOffsetsRequest,
        call: &mut Call<'_>,
    ) -> AlterShareGroupOffsetsResponse {
        match self.alter(request, call).await {
            Ok(responses) => AlterShareGroupOffsetsResponse {
                responses,
                ..AlterShareGroupOffsetsResponse::default()
            },
            Err(refusal) => AlterShareGroupOffsetsResponse {
                error_code: call.note(refusal.error),
                error_message: Some(refusal.message),
                ..AlterShareGroupOffsetsResponse::default()
            },
        }
    }
}
