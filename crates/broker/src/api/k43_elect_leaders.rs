//! ElectLeaders, key 43, versions 0–2 (KIP-460).
//!
//! - This broker leads what it can lead already, and no other can: a preferred election finds
//!   ELECTION_NOT_NEEDED, or PREFERRED_LEADER_NOT_AVAILABLE where the preferred one is a broker that is gone.
//! - An unclean election makes it lead a partition that only brokers had in sync which are gone: what it
//!   lacks of their records is lost.
//! - Asked about all partitions, only those are answered that need an election.

use std::sync::Arc;

use limpid_protocol::messages::ElectLeadersRequest;
use limpid_protocol::messages::elect_leaders_request::TopicPartitions;
use limpid_protocol::messages::elect_leaders_response::{
    ElectLeadersResponse, PartitionResult, ReplicaElectionResult,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::changes::{elect_unclean, known_partition};
use limpid_storage::metadata::{Image, NO_LEADER, Partition, Refusal, Topic};

use crate::access::Operation;
use crate::audit::changes::Change;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

const UNCLEAN: i8 = 1;

/// Answers ElectLeaders.
pub struct ElectLeaders {
    metadata: Arc<Metadata>,
    node_id: i32,
}

impl ElectLeaders {
    /// `metadata` knows the partitions, `node_id` is this broker.
    pub fn new(metadata: Arc<Metadata>, node_id: i32) -> Self {
        Self { metadata, node_id }
    }

    async fn elect(
        &self,
        (topic, index): (&str, i32),
        election_type: i8,
        call: &mut Call<'_>,
    ) -> Result<(), Refusal> {
        let image = self.metadata.image();
        let (known, partition) = known_partition(&image, topic, index)?;
        if election_type != UNCLEAN || partition.leader != NO_LEADER {
            return Err(as_it_is(partition, election_type));
        }
        let (id, me) = (known.id, self.node_id);
        let change = Change::new("elect unclean", "topic", topic);
        let change = change.after(format!("broker {me} leads partition {index}"));
        let elect = move |image: &Image| elect_unclean(image, me, id, index);
        let done = self.metadata.change(elect).await.map(drop);
        let error = done.as_ref().err().map_or(ErrorCode::None, |r| r.code);
        call.changed(change.ended(error));
        done
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
        let mut response = ElectLeadersResponse::default();
        if !call.may_on_cluster(Operation::Alter) {
            response.error_code = call.note(ErrorCode::ClusterAuthorizationFailed);
            return response;
        }
        let election_type = request.election_type;
        let is_known = (0..=UNCLEAN).contains(&election_type);
        if !is_known {
            response.error_code = call.note(ErrorCode::InvalidRequest);
        }
        let all = || needing(&self.metadata.image(), election_type);
        for wanted in request.topic_partitions.unwrap_or_else(all) {
            let mut results = Vec::with_capacity(wanted.partitions.len());
            for partition_id in wanted.partitions {
                let at = (&*wanted.topic, partition_id);
                let done = if is_known {
                    self.elect(at, election_type, call).await
                } else {
                    let message = format!("{election_type} is no type of election");
                    Err(Refusal::new(ErrorCode::InvalidRequest, message))
                };
                let (error, error_message) = match done {
                    Ok(()) => (ErrorCode::None, None),
                    Err(refusal) => (refusal.code, Some(refusal.message)),
                };
                results.push(PartitionResult {
                    partition_id,
                    error_code: call.note(error),
                    error_message,
                });
            }
            response
                .replica_election_results
                .push(ReplicaElectionResult {
                    topic: wanted.topic,
                    partition_result: results,
                });
        }
        response
    }
}

/// Why nothing can be elected.
fn as_it_is(partition: &Partition, election_type: i8) -> Refusal {
    let preferred = partition.replicas.first().copied().unwrap_or(NO_LEADER);
    if election_type == UNCLEAN || partition.leader == preferred {
        let message = format!("broker {} leads it already", partition.leader);
        return Refusal::new(ErrorCode::ElectionNotNeeded, message);
    }
    let message = format!("broker {preferred}, which is preferred, is gone");
    Refusal::new(ErrorCode::PreferredLeaderNotAvailable, message)
}

/// Partitions that need an election of this type; topics without any are there with none, as in Kafka.
fn needing(image: &Image, election_type: i8) -> Vec<TopicPartitions> {
    let needs = |partition: &Partition| match election_type {
        UNCLEAN => partition.leader == NO_LEADER,
        _ => Some(&partition.leader) != partition.replicas.first(),
    };
    let topic = |topic: &Arc<Topic>| TopicPartitions {
        topic: topic.name.to_string(),
        partitions: topic
            .partitions
            .iter()
            .filter(|(_, partition)| needs(partition))
            .map(|(index, _)| *index)
            .collect(),
    };
    image.topics().map(topic).collect()
}
