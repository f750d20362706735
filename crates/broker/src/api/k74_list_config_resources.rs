//! ListConfigResources, key 74, versions 0–1 (KIP-1142; version 0 is ListClientMetricsResources).
//!
//! Topics and brokers are listed whether they have settings of their own or not, subscriptions of
//! client metrics and groups when they have.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_protocol::messages::ListConfigResourcesRequest;
use limpid_protocol::messages::list_config_resources_response::{
    ConfigResource, ListConfigResourcesResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::{Image, ResourceType};

use crate::access::Operation;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;
/// In the order of the answer.
const ALL: [i8; 5] = [GROUP, CLIENT_METRICS, BROKER_LOGGER, BROKER, TOPIC];

/// Answers ListConfigResources.
pub struct ListConfigResources {
    metadata: Arc<Metadata>,
}

impl ListConfigResources {
    /// `metadata` knows all of them.
    pub fn new(metadata: Arc<Metadata>) -> Self {
        Self { metadata }
    }
}

impl Answer for ListConfigResources {
    type Request = ListConfigResourcesRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ListConfigResources, 0, 1);

    async fn answer(
        &self,
        request: ListConfigResourcesRequest,
        call: &mut Call<'_>,
    ) -> ListConfigResourcesResponse {
        let wanted: BTreeSet<i8> = match call.version {
            0 => [CLIENT_METRICS].into(),
            _ if request.resource_types.is_empty() => ALL.into(),
            _ => request.resource_types.into_iter().collect(),
        };
        if wanted.iter().any(|kind| !ALL.contains(kind)) {
            return ListConfigResourcesResponse {
                error_code: call.note(ErrorCode::UnsupportedVersion),
                ..ListConfigResourcesResponse::default()
            };
        }
        if !call.may_on_cluster(Operation::DescribeConfigs) {
            return ListConfigResourcesResponse {
                error_code: call.note(ErrorCode::ClusterAuthorizationFailed),
                ..ListConfigResourcesResponse::default()
            };
        }
        let image = self.metadata.image();
        let is_wanted = |kind: &i8| wanted.contains(kind);
        let named = |kind: i8| {
            let names = names(&image, kind).into_iter();
            names.map(move |resource_name| ConfigResource {
                resource_name,
                resource_type: kind,
            })
        };
        ListConfigResourcesResponse {
            config_resources: ALL.into_iter().filter(is_wanted).flat_map(named).collect(),
            ..ListConfigResourcesResponse::default()
        }
    }
}

fn names(image: &Image, kind: i8) -> Vec<String> {
    match kind {
        TOPIC => image.topics().map(|topic| topic.name.to_string()).collect(),
        BROKER | BROKER_LOGGER => {
            let brokers = image.brokers();
            brokers.map(|broker| broker.broker_id.to_string()).collect()
        }
        _ => image
            .config_resources()
            .filter(|(resource, _)| resource.kind == ResourceType::from_code(kind))
            .map(|(resource, _)| resource.name.clone())
            .collect(),
    }
}
