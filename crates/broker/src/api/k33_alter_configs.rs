//! AlterConfigs, key 33, versions 0–2.
//!
//! The older way (see IncrementalAlterConfigs): a resource has afterwards what the request says and
//! nothing else. As a whole or not at all.

use std::sync::Arc;

use limpid_config::alter::{AlterOp, Alteration};
use limpid_protocol::messages::AlterConfigsRequest;
use limpid_protocol::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};
use limpid_protocol::messages::alter_configs_response::{
    AlterConfigsResourceResponse, AlterConfigsResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::config_changes::{ConfigChanges, Wanted};
use crate::config_resources::Start;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::settings::Settings;

/// Answers AlterConfigs.
pub struct AlterConfigs {
    changes: ConfigChanges,
}

impl AlterConfigs {
    /// `settings` are what altered values are checked against.
    pub fn new(metadata: Arc<Metadata>, settings: Arc<Settings>) -> Self {
        Self {
            changes: ConfigChanges::new(metadata, settings, Start::Nothing),
        }
    }
}

impl Answer for AlterConfigs {
    type Request = AlterConfigsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::AlterConfigs, 0, 2);

    async fn answer(
        &self,
        request: AlterConfigsRequest,
        call: &mut Call<'_>,
    ) -> AlterConfigsResponse {
        let wanted = request.resources.iter().map(wanted).collect();
        let dry = request.validate_only;
        let outcomes = self.changes.make(wanted, dry, call).await;
        let mut response = AlterConfigsResponse::default();
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
    let set = |entry: &AlterableConfig| Alteration {
        key: entry.name.clone(),
        op: AlterOp::Set,
        value: entry.value.clone(),
    };
    Wanted {
        kind: resource.resource_type,
        name: resource.resource_name.clone(),
        wishes: Ok(resource.configs.iter().map(set).collect()),
    }
}
