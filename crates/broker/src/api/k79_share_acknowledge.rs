//! ShareAcknowledge, key 79, versions 1–2 (KIP-932).
//!
//! - Within a share session, as ShareFetch; epoch −1 closes it. Each partition is taken over as a
//!   whole or not at all, and is in the log before it is answered.
//! - From version 2 members may ask for more time (KIP-1222).

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_protocol::messages::ShareAcknowledgeRequest;
use limpid_protocol::messages::share_acknowledge_response::{
    PartitionData, ShareAcknowledgeResponse, ShareAcknowledgeTopicResponse,
};
use limpid_protocol::{ApiKey, ErrorCode, Uuid};

use super::k76_share_group_heartbeat::is_member_id;
use crate::access::{Operation, ResourceKind};
use crate::features;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::share::{SessionKey, Shares};
use crate::share_requests::{Speaker, Spoken, acknowledge};
use crate::topics::Topics;

/// Answers ShareAcknowledge.
pub struct ShareAcknowledge {
    shares: Arc<Shares>,
    topics: Arc<Topics>,
    metadata: Arc<Metadata>,
}

impl ShareAcknowledge {
    /// `metadata` tell whether the feature is on.
    pub fn new(shares: Arc<Shares>, topics: Arc<Topics>, metadata: Arc<Metadata>) -> Self {
        Self {
            shares,
            topics,
            metadata,
        }
    }

    fn begin(
        &self,
        request: &ShareAcknowledgeRequest,
        call: &Call<'_>,
    ) -> Result<(Speaker, SessionKey, bool), ErrorCode> {
        if !features::has_share_groups(&self.metadata.image()) {
            return Err(ErrorCode::UnsupportedVersion);
        }
        let group = request.group_id.as_deref().unwrap_or_default();
        if !call.may(Operation::Read, ResourceKind::Group, group) {
            return Err(ErrorCode::GroupAuthorizationFailed);
        }
        let member = request.member_id.as_deref().unwrap_or_default();
        if !is_member_id(member) {
            return Err(ErrorCode::InvalidRequest);
        }
        let key: SessionKey = (group.into(), member.into());
        let sessions = self.shares.sessions();
        let closes = sessions.acknowledge(&key, request.share_session_epoch)?;
        let speaker = Speaker {
            group: Arc::clone(&key.0),
            member: Arc::clone(&key.1),
            renews: request.is_renew_ack,
        };
        Ok((speaker, key, closes))
    }
}

impl Answer for ShareAcknowledge {
    type Request = ShareAcknowledgeRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ShareAcknowledge, 1, 2);

    async fn answer(
        &self,
        request: ShareAcknowledgeRequest,
        call: &mut Call<'_>,
    ) -> ShareAcknowledgeResponse {
        let (speaker, key, closes) = match self.begin(&request, call) {
            Ok(begun) => begun,
            Err(error) => {
                return ShareAcknowledgeResponse {
                    error_code: call.note(error),
                    ..ShareAcknowledgeResponse::default()
                };
            }
        };
        let table = self.topics.table();
        let spoken = spoken(request);
        let outcomes = acknowledge(&self.shares, &table, &speaker, spoken, call).await;
        if closes {
            let _was_there = self.shares.end_session(&key, None);
        }
        let mut topics: BTreeMap<Uuid, Vec<PartitionData>> = BTreeMap::new();
        for ((topic, partition_index), outcome) in outcomes {
            let (error, error_message) = outcome.unwrap_or((ErrorCode::None, None));
            topics.entry(topic).or_default().push(PartitionData {
                partition_index,
                error_code: call.note(error),
                error_message,
                ..PartitionData::default()
            });
        }
        let topics = topics.into_iter();
        ShareAcknowledgeResponse {
            acquisition_lock_timeout_ms: self.shares.settings_of(&speaker.group).record_lock_ms,
            responses: topics
                .map(|(topic_id, partitions)| ShareAcknowledgeTopicResponse {
                    topic_id,
                    partitions,
                })
                .collect(),
            ..ShareAcknowledgeResponse::default()
        }
    }
}

fn spoken(request: ShareAcknowledgeRequest) -> Vec<Spoken> {
    let topics = request.topics.into_iter();
    let spoken = topics.flat_map(|topic| {
        let partitions = topic.partitions.into_iter();
        partitions.map(move |partition| {
            let batches = partition.acknowledgement_batches.into_iter();
            Spoken {
                topic: topic.topic_id,
                partition: partition.partition_index,
                batches: batches
                    .map(|b| (b.first_offset, b.last_offset, b.acknowledge_types))
                    .collect(),
            }
        })
    });
    spoken.collect()
}
