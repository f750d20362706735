//! WriteTxnMarkers, key 27, versions 1–2.
//!
//! - Ends transactions in partitions. Between brokers, and for an administrator who ends one that
//!   hangs (`kafka-transactions.sh abort`, KIP-664): the coordinator knows nothing of it.
//! - From version 2 with the version of transactions (KIP-1228): from 2 on a marker's epoch must be
//!   higher than any that the producer wrote with.

use std::sync::Arc;

use limpid_coordinator::transactions::ProducerKey;
use limpid_protocol::messages::write_txn_markers_request::{
    WritableTxnMarker, WriteTxnMarkersRequest,
};
use limpid_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
    WriteTxnMarkersResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::Operation;
use crate::coordinator_log;
use crate::coordinator_log::marker::Marker;
use crate::handler::{Answer, ApiRange, Call};
use crate::markers::Markers;

/// Answers WriteTxnMarkers.
pub struct WriteTxnMarkers {
    markers: Arc<Markers>,
}

impl WriteTxnMarkers {
    /// `markers` writes them.
    pub fn new(markers: Arc<Markers>) -> Self {
        Self { markers }
    }

    async fn write(&self, marker: &Marker, topic: &str, index: i32) -> ErrorCode {
        match self.markers.write(marker, topic, index) {
            Ok(flushed) => match coordinator_log::wait(flushed).await {
                Ok(()) => ErrorCode::None,
                Err(_) => ErrorCode::KafkaStorageError,
            },
            // Kafka does not tell the two apart here.
            Err(ErrorCode::NotLeaderOrFollower) => ErrorCode::UnknownTopicOrPartition,
            Err(error) => error,
        }
    }

    async fn one(&self, wanted: WritableTxnMarker, call: &mut Call<'_>) -> WritableTxnMarkerResult {
        let marker = Marker {
            producer: ProducerKey {
                id: wanted.producer_id,
                epoch: wanted.producer_epoch,
            },
            coordinator_epoch: wanted.coordinator_epoch,
            commit: wanted.transaction_result,
            version: i16::from(wanted.transaction_version),
        };
        let may_write =
            call.may_on_cluster(Operation::Alter) || call.may_on_cluster(Operation::ClusterAction);
        let mut result = WritableTxnMarkerResult {
            producer_id: wanted.producer_id,
            ..WritableTxnMarkerResult::default()
        };
        for topic in wanted.topics {
            let mut partitions = Vec::with_capacity(topic.partition_indexes.len());
            for partition_index in topic.partition_indexes {
                let error = if may_write {
                    self.write(&marker, &topic.name, partition_index).await
                } else {
                    ErrorCode::ClusterAuthorizationFailed
                };
                partitions.push(WritableTxnMarkerPartitionResult {
                    partition_index,
                    error_code: call.note(error),
                });
            }
            result.topics.push(WritableTxnMarkerTopicResult {
                name: topic.name,
                partitions,
            });
        }
        result
    }
}

impl Answer for WriteTxnMarkers {
    type Request = WriteTxnMarkersRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::WriteTxnMarkers, 1, 2);

    async fn answer(
        &self,
        request: WriteTxnMarkersRequest,
        call: &mut Call<'_>,
    ) -> WriteTxnMarkersResponse {
        let mut response = WriteTxnMarkersResponse::default();
        for marker in request.markers {
            let result = self.one(marker, call).await;
            response.markers.push(result);
        }
        response
    }
}
