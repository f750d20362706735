//! AlterConfigs, key 33, versions 0–2.
//!
//! The older way (see IncrementalAlterConfigs): a resource has afterwards what the request says and
//! nothing else. As a whole or not at all.

use std::collections::HashMap;
use std::sync::Arc;

use limpid_config::alter::{AlterOp, Alteration};
use limpid_protocol::messages::AlterConfigsRequest;
use limpid_protocol::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};
use limpid_protocol::messages::alter_configs_response::{
    AlterConfigsResourceResponse, AlterConfigsResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::{Image, Refusal};

use crate::access::Operation;
use crate::config_resources::{self, Start};
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::settings::Settings;

/// Answers AlterConfigs.
pub struct AlterConfigs {
    metadata: Arc<Metadata>,
    settings: Arc<Settings>,
}

impl AlterConfigs {
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
        let set = |entry: &AlterableConfig| Alteration {
            key: entry.name.clone(),
            op: AlterOp::Set,
            value: entry.value.clone(),
        };
        let wishes: Vec<Alteration> = wanted.configs.iter().map(set).collect();
        let config = self.settings.current();
        let change = move |image: &Image| {
            config_resources::alter(&config, image, &resource, Start::Nothing, &wishes)
        };
        if dry {
            return change(&image).map(drop);
        }
        self.metadata.change(change).await.map(drop)
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
        let mut counts: HashMap<(i8, &str), usize> = HashMap::new();
        for r in &request.resources {
            let count = counts.entry((r.resource_type, &r.resource_name));
            *count.or_default() += 1;
        }
        let mut response = AlterConfigsResponse::default();
        for wanted in &request.resources {
            let once = counts.get(&(wanted.resource_type, wanted.resource_name.as_str()));
            let done = if once == Some(&1) {
                self.alter(wanted, request.validate_only, call).await
            } else {
                let message = "a resource may be there only once";
                Err(Refusal::new(ErrorCode::InvalidRequest, message))
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
