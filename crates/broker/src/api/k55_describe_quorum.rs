//! DescribeQuorum, key 55, versions 0–2 (KIP-595, KIP-836, KIP-853).
//!
//! The quorum of the metadata log is this node alone: it leads, and it has always caught up.

use std::sync::Arc;

use limpid_platform::clock::Clock;
use limpid_protocol::messages::DescribeQuorumRequest;
use limpid_protocol::messages::describe_quorum_response::{
    DescribeQuorumResponse, Node, PartitionData, ReplicaState, TopicData,
};
use limpid_protocol::{ApiKey, ErrorCode, Uuid};
use limpid_storage::metadata::Image;

use crate::access::Operation;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

/// The topic that is the metadata log.
const METADATA_TOPIC: &str = "__cluster_metadata";
const METADATA_PARTITION: i32 = 0;
/// From here on the answer has the nodes behind the ids.
const NODES_VERSION: i16 = 2;

/// Answers DescribeQuorum.
pub struct DescribeQuorum {
    metadata: Arc<Metadata>,
    node_id: i32,
    clock: Arc<dyn Clock>,
}

impl DescribeQuorum {
    /// `node_id` is the leader.
    pub fn new(metadata: Arc<Metadata>, node_id: i32, clock: Arc<dyn Clock>) -> Self {
        Self {
            metadata,
            node_id,
            clock,
        }
    }

    /// The controller, which lives inside this broker and listens nowhere.
    fn node(&self) -> Node {
        Node {
            node_id: self.node_id,
            listeners: Vec::new(),
        }
    }

    fn partition(&self, image: &Image) -> PartitionData {
        let now = self.clock.wall_ms();
        let own = image.voters().first();
        let voter = ReplicaState {
            replica_id: self.node_id,
            replica_directory_id: own.map_or(Uuid::ZERO, |voter| voter.voter_directory_id),
            log_end_offset: image.next_offset(),
            last_fetch_timestamp: now,
            last_caught_up_timestamp: now,
        };
        PartitionData {
            partition_index: METADATA_PARTITION,
            leader_id: self.node_id,
            leader_epoch: image.epoch(),
            high_watermark: image.next_offset(),
            current_voters: vec![voter],
            ..PartitionData::default()
        }
    }
}

impl Answer for DescribeQuorum {
    type Request = DescribeQuorumRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DescribeQuorum, 0, 2);

    async fn answer(
        &self,
        request: DescribeQuorumRequest,
        call: &mut Call<'_>,
    ) -> DescribeQuorumResponse {
        if !call.may_on_cluster(Operation::Describe) {
            return DescribeQuorumResponse {
                error_code: call.note(ErrorCode::ClusterAuthorizationFailed),
                ..DescribeQuorumResponse::default()
            };
        }
        let image = self.metadata.image();
        let is_metadata =
            |name: &str, partition: i32| name == METADATA_TOPIC && partition == METADATA_PARTITION;
        let valid = matches!(request.topics.as_slice(), [topic] if matches!(
            topic.partitions.as_slice(),
            [partition] if is_metadata(&topic.topic_name, partition.partition_index)
        ));
        let tells_nodes = valid && call.version >= NODES_VERSION;
        let nodes = tells_nodes.then(|| self.node()).into_iter().collect();
        let topics = request.topics.into_iter().map(|topic| TopicData {
            partitions: topic
                .partitions
                .iter()
                .map(|wanted| {
                    if valid {
                        return self.partition(&image);
                    }
                    PartitionData {
                        partition_index: wanted.partition_index,
                        error_code: call.note(ErrorCode::UnknownTopicOrPartition),
                        ..PartitionData::default()
                    }
                })
                .collect(),
            topic_name: topic.topic_name,
        });
        DescribeQuorumResponse {
            topics: topics.collect(),
            nodes,
            ..DescribeQuorumResponse::default()
        }
    }
}
