//! CreatePartitions, key 37, versions 0–3.
//!
//! - Adds partitions to a topic, behind those it has; there is no way back. Existing records stay
//!   where they are, so that keys may move.
//! - Each topic is answered on its own; one that is named twice is refused.
//! - `timeout_ms` is not needed: the partitions exist when the metadata are durable.

use std::collections::HashMap;
use std::sync::Arc;

use limpid_protocol::messages::CreatePartitionsRequest;
use limpid_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use limpid_protocol::messages::create_partitions_response::{
    CreatePartitionsResponse, CreatePartitionsTopicResult,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::Refusal;

use crate::access::{Operation, ResourceKind};
use crate::audit::changes::Change;
use crate::handler::{Answer, ApiRange, Call};
use crate::topic_creation::{More, TopicCreation};

/// From this version on clients know THROTTLING_QUOTA_EXCEEDED.
const STRICT_VERSION: i16 = 3;

/// Answers CreatePartitions.
pub struct CreatePartitions {
    creation: Arc<TopicCreation>,
}

impl CreatePartitions {
    /// `creation` puts partitions into the metadata.
    pub fn new(creation: Arc<TopicCreation>) -> Self {
        Self { creation }
    }
}

impl Answer for CreatePartitions {
    type Request = CreatePartitionsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::CreatePartitions, 0, 3);

    async fn answer(
        &self,
        request: CreatePartitionsRequest,
        call: &mut Call<'_>,
    ) -> CreatePartitionsResponse {
        let mut times: HashMap<String, usize> = HashMap::new();
        for topic in &request.topics {
            *times.entry(topic.name.clone()).or_default() += 1;
        }
        let permits = call.quotas.permits(call.version >= STRICT_VERSION);
        let mut response = CreatePartitionsResponse::default();
        for topic in request.topics {
            let name = topic.name.clone();
            let change = Change::new("add partitions", "topic", &name);
            let change = change.after(format!("{} partitions", topic.count));
            let done = match times.remove(&name) {
                Some(1) if !call.may(Operation::Alter, ResourceKind::Topic, &name) => {
                    let message = "altering this topic is not allowed";
                    Err(Refusal::new(ErrorCode::TopicAuthorizationFailed, message))
                }
                Some(1) => {
                    self.creation
                        .add_partitions(more(topic), request.validate_only, &permits)
                        .await
                }
                Some(_) => {
                    let message = "a topic may be named only once";
                    Err(Refusal::new(ErrorCode::InvalidRequest, message))
                }
                // Answered when it was seen first.
                None => continue,
            };
            let (error, error_message) = match done {
                Ok(()) => (ErrorCode::None, None),
                Err(refusal) => (refusal.code, Some(refusal.message)),
            };
            if !request.validate_only {
                call.changed(change.ended(error));
            }
            response.results.push(CreatePartitionsTopicResult {
                name,
                error_code: call.note(error),
                error_message,
            });
        }
        call.quotas.hold_back_for(&permits);
        response
    }
}

fn more(topic: CreatePartitionsTopic) -> More {
    let assignments = topic.assignments;
    More {
        topic: topic.name,
        count: topic.count,
        assignments: assignments.map(|lists| {
            lists
                .into_iter()
                .map(|assignment| assignment.broker_ids)
                .collect()
        }),
    }
}
