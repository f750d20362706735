//! ElectLeaders, key 43, versions 0–2 (KIP-460).
//!
//! The only replica of each partition leads it already, so every election, preferred or unclean, is
//! ELECTION_NOT_NEEDED. Asked about all partitions, only those are answered that need one: none.

use std::sync::Arc;

use limpid_protocol::messages::ElectLeadersRequest;
use limpid_protocol::messages::elect_leaders_request::TopicPartitions;
use limpid_protocol::messages::elect_leaders_response::{
    ElectLeadersResponse, PartitionResult, ReplicaElectionResult,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::{Image, Topic};

use crate::access::Operation;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

const UNCLEAN: i8 = 1;

/// Answers ElectLeaders.
pub struct ElectLeaders {
    metadata: Arc<Metadata>,
}

impl ElectLeaders {
    /// `metadata` knows the partitions.
    pub fn new(metadata: Arc<Metadata>) -> Self {
        Self { metadata }
    }
}

impl Answer for ElectLeaders {
    type Request = ElectLeadersRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ElectLeaders, 0, 2);

    async fn answer(
        &self,
        request: ElectLeadersRequest,
        call: &mut Call<'_>,
    ) -> ElectLeadersResponse {
        if !call.may_on_cluster(Operation::Alter) {
            return ElectLeadersResponse {
                error_code: call.note(ErrorCode::ClusterAuthorizationFailed),
                ..ElectLeadersResponse::default()
            };
        }
        let image = self.metadata.image();
        let is_known = (0..=UNCLEAN).contains(&request.election_type);
        let all = || {
            let topic = |topic: &Arc<Topic>| TopicPartitions {
                topic: topic.name.to_string(),
                partitions: Vec::new(),
            };
            image.topics().map(topic).collect()
        };
        let topics = request.topic_partitions.unwrap_or_else(all);
        let mut result = |wanted: TopicPartitions| {
            let results = wanted.partitions.iter().map(|partition| {
                let (error, message) = if is_known {
                    elect(&image, &wanted.topic, *partition)
                } else {
                    let message = format!("{} is no type of election", request.election_type);
                    (ErrorCode::InvalidRequest, message)
                };
                PartitionResult {
                    partition_id: *partition,
                    error_code: call.note(error),
                    error_message: Some(message),
                }
            });
            ReplicaElectionResult {
                partition_result: results.collect(),
                topic: wanted.topic.clone(),
            }
        };
        let replica_election_results = topics.into_iter().map(&mut result).collect();
        ElectLeadersResponse {
            error_code: if is_known {
                ErrorCode::None.code()
            } else {
                call.note(ErrorCode::InvalidRequest)
            },
            replica_election_results,
            ..ElectLeadersResponse::default()
        }
    }
}

fn elect(image: &Image, topic: &str, partition: i32) -> (ErrorCode, String) {
    let unknown = |what: String| (ErrorCode::UnknownTopicOrPartition, what);
    match image.topic_named(topic) {
        None => unknown(format!("there is no topic '{topic}'")),
        Some(known) if !known.partitions.contains_key(&partition) => {
            unknown(format!("there is no partition {topic}-{partition}"))
        }
        Some(_) => (
            ErrorCode::ElectionNotNeeded,
            "its only replica leads it".to_owned(),
        ),
    }
}
