//! IncrementalAlterConfigs, key 44, versions 0–1 (KIP-339).
//!
//! Topics, brokers, groups and subscriptions of client metrics; SET, DELETE, APPEND, SUBTRACT. A
//! resource is altered as a whole or not at all. The answer means that the change is durable and in
//! force; levels of loggers (KIP-412) are in force only, until the process ends.

use std::sync::Arc;

use limpid_config::alter::{AlterOp, Alteration};
use limpid_protocol::messages::IncrementalAlterConfigsRequest;
use limpid_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use limpid_protocol::messages::incremental_alter_configs_response::{
    AlterConfigsResourceResponse, IncrementalAlterConfigsResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::Refusal;
use limpid_telemetry::logging::loggers::Loggers;

use crate::config_changes::{ConfigChanges, Wanted};
use crate::config_resources::Start;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::settings::Settings;

/// Answers IncrementalAlterConfigs.
pub struct IncrementalAlterConfigs {
    changes: ConfigChanges,
}

impl IncrementalAlterConfigs {
    /// `settings` are what altered values are checked against.
    pub fn new(metadata: Arc<Metadata>, settings: Arc<Settings>, loggers: Arc<Loggers>) -> Self {
        let changes = ConfigChanges::new(metadata, settings, Start::AsItIs);
        Self {
            changes: changes.with_loggers(loggers),
        }
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
        let wanted = request.resources.iter().map(wanted).collect();
        let dry = request.validate_only;
        let outcomes = self.changes.make(wanted, dry, call).await;
        let mut response = IncrementalAlterConfigsResponse::default();
        for (resource, done) in request.resources.into_iter().zip(outcomes) {
            let (error_code, error_message) = match done {
                Ok(()) => (ErrorCode::None.code(), None),
                Err(refusal) => (call.note(refusal.code), Some(refusal.message)),
            };
            response.responses.push(AlterConfigsResourceResponse {
                error_code,
                error_message,
                resource_type: resource.resource_type,
                resource_name: resource.resource_name,
            });
        }
        response
    }
}

fn wanted(resource: &AlterConfigsResource) -> Wanted {
    Wanted {
        kind: resource.resource_type,
        name: resource.resource_name.clone(),
        wishes: resource.configs.iter().map(wish).collect(),
    }
}

fn wish(entry: &AlterableConfig) -> Result<Alteration, Refusal> {
    let op = AlterOp::from_code(entry.config_operation).ok_or_else(|| {
        let message = format!("{} is no operation on settings", entry.config_operation);
        Refusal::new(ErrorCode::InvalidRequest, message)
    })?;
    Ok(Alteration {
        key: entry.name.clone(),
        op,
        value: entry.value.clone(),
    })
}
