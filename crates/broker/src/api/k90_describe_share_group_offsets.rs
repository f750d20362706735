//! DescribeShareGroupOffsets, key 90, versions 0–1 (KIP-932).
//!
//! - Without topics all are described that the group has state for. Where nobody has read yet the
//!   start offset is −1. From version 1 with the lag (KIP-1226).

use std::sync::Arc;

use limpid_protocol::messages::DescribeShareGroupOffsetsRequest;
use limpid_protocol::messages::describe_share_group_offsets_request::{
    DescribeShareGroupOffsetsRequestGroup as AskedGroup,
    DescribeShareGroupOffsetsRequestTopic as AskedTopic,
};
use limpid_protocol::messages::describe_share_group_offsets_response::{
    DescribeShareGroupOffsetsResponse, DescribeShareGroupOffsetsResponseGroup as Group,
    DescribeShareGroupOffsetsResponsePartition as Partition,
    DescribeShareGroupOffsetsResponseTopic as Topic,
};
use limpid_protocol::{ApiKey, ErrorCode, Uuid};

use crate::access::{Operation, ResourceKind};
use crate::features;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::share::Shares;
use crate::topics::Topics;

/// "None" for offsets and lags.
const NONE: i64 = -1;

/// Answers DescribeShareGroupOffsets.
pub struct DescribeShareGroupOffsets {
    shares: Arc<Shares>,
    topics: Arc<Topics>,
    metadata: Arc<Metadata>,
}

impl DescribeShareGroupOffsets {
    /// `metadata` tell whether the feature is on.
    pub fn new(shares: Arc<Shares>, topics: Arc<Topics>, metadata: Arc<Metadata>) -> Self {
        Self {
            shares,
            topics,
            metadata,
        }
    }

    async fn group(&self, asked: AskedGroup, call: &Call<'_>) -> Result<Vec<Topic>, ErrorCode> {
        if !features::has_share_groups(&self.metadata.image()) {
            return Err(ErrorCode::UnsupportedVersion);
        }
        if !call.may(Operation::Describe, ResourceKind::Group, &asked.group_id) {
            return Err(ErrorCode::GroupAuthorizationFailed);
        }
        let may = |name: &str| call.may(Operation::Describe, ResourceKind::Topic, name);
        let mut topics = Vec::new();
        let Some(wanted) = asked.topics else {
            let known = self.shares.known_partitions(&asked.group_id).await?;
            let table = self.topics.table();
            for (id, _, partitions) in known {
                let Some(topic) = table.with_id(id) else {
                    continue;
                };
                if may(&topic.name) {
                    let wanted = AskedTopic {
                        topic_name: topic.name.to_string(),
                        partitions,
                    };
                    topics.push(self.topic(&asked.group_id, id, wanted).await?);
                }
            }
            return Ok(topics);
        };
        let mut denied = Vec::new();
        for wanted in wanted {
            if !may(&wanted.topic_name) {
                denied.push(refused(wanted, ErrorCode::TopicAuthorizationFailed));
                continue;
            }
            let known = self.topics.table().named(&wanted.topic_name).map(|t| t.id);
            topics.push(match known {
                Some(id) => self.topic(&asked.group_id, id, wanted).await?,
                None => refused(wanted, ErrorCode::None),
            });
        }
        topics.extend(denied);
        Ok(topics)
    }

    async fn topic(&self, group: &str, id: Uuid, asked: AskedTopic) -> Result<Topic, ErrorCode> {
        let mut partitions = Vec::with_capacity(asked.partitions.len());
        for index in asked.partitions {
            let position = self.shares.position(group, id, index).await?;
            partitions.push(Partition {
                partition_index: index,
                start_offset: position.start,
                leader_epoch: position.leader_epoch,
                lag: position.lag,
                ..Partition::default()
            });
        }
        Ok(Topic {
            topic_name: asked.topic_name,
            topic_id: id,
            partitions,
        })
    }
}

fn refused(asked: AskedTopic, error: ErrorCode) -> Topic {
    let partitions = asked.partitions.into_iter().map(|index| Partition {
        partition_index: index,
        start_offset: NONE,
        lag: NONE,
        error_code: error.code(),
        error_message: (error != ErrorCode::None).then(|| error.message().to_owned()),
        ..Partition::default()
    });
    Topic {
        topic_name: asked.topic_name,
        partitions: partitions.collect(),
        ..Topic::default()
    }
}

impl Answer for DescribeShareGroupOffsets {
    type Request = DescribeShareGroupOffsetsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DescribeShareGroupOffsets, 0, 1);

    async fn answer(
        &self,
        request: DescribeShareGroupOffsetsRequest,
        call: &mut Call<'_>,
    ) -> DescribeShareGroupOffsetsResponse {
        let mut response = DescribeShareGroupOffsetsResponse::default();
        for asked in request.groups {
            let group_id = asked.group_id.clone();
            response.groups.push(match self.group(asked, call).await {
                Ok(topics) => Group {
                    group_id,
                    topics,
                    ..Group::default()
                },
                Err(error) => Group {
                    group_id,
                    error_code: call.note(error),
                    ..Group::default()
                },
            });
        }
        response
    }
}
