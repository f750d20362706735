//! DescribeCluster, key 60, versions 0–2.
//!
//! - From version 1 the client says whether it wants brokers or controllers (KIP-919). Controllers
//!   are only told by controllers, which nobody can connect to here: MISMATCHED_ENDPOINT_TYPE, as
//!   from a Kafka broker.
//! - From version 2 fenced brokers can be included (KIP-1073).

use std::sync::Arc;

use limpid_protocol::messages::DescribeClusterRequest;
use limpid_protocol::messages::describe_cluster_response::{
    DescribeClusterBroker, DescribeClusterResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{CLUSTER_NAME, ResourceKind};
use crate::endpoints;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::operations;

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

/// Answers DescribeCluster.
pub struct DescribeCluster {
    metadata: Arc<Metadata>,
    cluster_id: String,
    node_id: i32,
}

impl DescribeCluster {
    /// `node_id` is the controller as well.
    pub fn new(metadata: Arc<Metadata>, cluster_id: String, node_id: i32) -> Self {
        Self {
            metadata,
            cluster_id,
            node_id,
        }
    }
}

impl Answer for DescribeCluster {
    type Request = DescribeClusterRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DescribeCluster, 0, 2);

    async fn answer(
        &self,
        request: DescribeClusterRequest,
        call: &mut Call<'_>,
    ) -> DescribeClusterResponse {
        if request.endpoint_type != BROKERS {
            let (error, message) = if request.endpoint_type == CONTROLLERS {
                (
                    ErrorCode::MismatchedEndpointType,
                    "this is a broker endpoint".to_owned(),
                )
            } else {
                let message = format!("{} is no endpoint type", request.endpoint_type);
                (ErrorCode::UnsupportedEndpointType, message)
            };
            return DescribeClusterResponse {
                error_code: call.note(error),
                error_message: Some(message),
                ..DescribeClusterResponse::default()
            };
        }
        let image = self.metadata.image();
        let brokers = endpoints::all_brokers(&image, &call.peer.listener)
            .filter(|b| request.include_fenced_brokers || !b.fenced)
            .map(|b| DescribeClusterBroker {
                broker_id: b.id,
                host: b.host,
                port: i32::from(b.port),
                rack: b.rack,
                is_fenced: b.fenced,
            });
        let asked = request.include_cluster_authorized_operations;
        DescribeClusterResponse {
            endpoint_type: BROKERS,
            cluster_id: self.cluster_id.clone(),
            controller_id: self.node_id,
            brokers: brokers.collect(),
            cluster_authorized_operations: if asked {
                call.operations(operations::CLUSTER, ResourceKind::Cluster, CLUSTER_NAME)
            } else {
                operations::NOT_ASKED
            },
            ..DescribeClusterResponse::default()
        }
    }
}
