//! IncrementalAlterConfigs, key 44, versions 0–1 (KIP-339).
//!
//! Topics and brokers; SET, DELETE, APPEND, SUBTRACT. A resource is altered as a whole or not at
//! all. The answer means that the change is durable and in force.

use std::collections::HashMap;
use std::sync::Arc;

use limpid_config::alter::{AlterOp, Alteration};
use limpid_protocol::messages::IncrementalAlterConfigsRequest;
use limpid_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use limpid_protocol::messages::incremental_alter_configs_response::{
    AlterConfigsResourceResponse, IncrementalAlterConfigsResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::{Image, Refusal};

use crate::access::Operation;
use crate::config_resources::{self, Start};
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::settings::Settings;

/// Answers IncrementalAlterConfigs.
pub struct IncrementalAlterConfigs {
    metadata: Arc<Metadata>,
    settings: Arc<Settings>,
}

impl IncrementalAlterConfigs {
    /// `settings` are what altered values are checked against.
    pub fn new(metadata: Arc<Metadata>, settings: Arc<Settings>) -> Self {
        Self { metadata, settings }
    }

    async fn alter(
        &self,
        wanted: &AlterConfigsResource,
        dry: bool,
        call: &Call<'_>,
    ) -> Result<(), Refusal> {
        let resource = config_resources::resource(wanted.resource_type, &wanted.resource_name);
        config_resources::may(call, Operation::AlterConfigs, &resource)?;
        let image = self.metadata.image();
        config_resources::check(&image, &resource, self.settings.node_id())?;
        let wishes = wishes(wanted)?;
        let config = self.settings.current();
        let change = move |image: &Image| {
            config_resources::alter(&config, image, &resource, Start::AsItIs, &wishes)
        };
        if dry {
            return change(&image).map(drop);
        }
        self.metadata.change(change).await.map(drop)
    }
}

impl Answer for IncrementalAlterConfigs {
    type Request = IncrementalAlterConfigsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::IncrementalAlterConfigs, 0, 1);

    async fn answer(
        &self,
        request: IncrementalAlterConfigsRequest,
        call: &mut Call<'_>,
    ) -> IncrementalAlterConfigsResponse {
        let mut counts: HashMap<(i8, &str), usize> = HashMap::new();
        for r in &request.resources {
            *counts
                .entry((r.resource_type, &r.resource_name))
                .or_default() += 1;
        }
        let mut response = IncrementalAlterConfigsResponse::default();
        for wanted in &request.resources {
            let done = match counts.get(&(wanted.resource_type, wanted.resource_name.as_str())) {
                Some(1) => self.alter(wanted, request.validate_only, call).await,
                _ => {
                    let message = "a resource may be there only once";
                    Err(Refusal::new(ErrorCode::InvalidRequest, message))
                }
            };
            let (error_code, error_message) = match done {
                Ok(()) => (ErrorCode::None.code(), None),
                Err(refusal) => (call.note(refusal.code), Some(refusal.message)),
            };
            response.responses.push(AlterConfigsResourceResponse {
                error_code,
                error_message,
                resource_type: wanted.resource_type,
                resource_name: wanted.resource_name.clone(),
            });
        }
        response
    }
}

fn wishes(wanted: &AlterConfigsResource) -> Result<Vec<Alteration>, Refusal> {
    let wish =
        |c: &limpid_protocol::messages::incremental_alter_configs_request::AlterableConfig| {
            let op = AlterOp::from_code(c.config_operation).ok_or_else(|| {
                let message = format!("{} is no operation on settings", c.config_operation);
                Refusal::new(ErrorCode::InvalidRequest, message)
            })?;
            Ok(Alteration {
                key: c.name.clone(),
                op,
                value: c.value.clone(),
            })
        };
    wanted.configs.iter().map(wish).collect()
}
