//! DescribeConfigs, key 32, versions 1–4.
//!
//! Topics, brokers and groups: every setting with value, source, synonyms (KIP-226) and, from
//! version 3, type and documentation (KIP-569); subscriptions of client metrics (KIP-714); levels
//! of loggers (KIP-412).

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_config::describe::{self, ConfigEntry};
use limpid_protocol::ApiKey;
use limpid_protocol::messages::DescribeConfigsRequest;
use limpid_protocol::messages::describe_configs_request::DescribeConfigsResource;
use limpid_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResponse, DescribeConfigsResult,
    DescribeConfigsSynonym,
};
use limpid_storage::metadata::{ConfigMap, ConfigResource, Refusal, ResourceType};
use limpid_telemetry::logging::loggers::Loggers;

use crate::access::Operation;
use crate::broker_loggers;
use crate::config_resources;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::settings::Settings;

/// Answers DescribeConfigs.
pub struct DescribeConfigs {
    metadata: Arc<Metadata>,
    settings: Arc<Settings>,
    loggers: Arc<Loggers>,
}

impl DescribeConfigs {
    /// `settings` is what the broker was started with, and what was altered since.
    pub fn new(metadata: Arc<Metadata>, settings: Arc<Settings>, loggers: Arc<Loggers>) -> Self {
        Self {
            metadata,
            settings,
            loggers,
        }
    }

    fn entries(
        &self,
        wanted: &DescribeConfigsResource,
        call: &Call<'_>,
    ) -> Result<Vec<ConfigEntry>, Refusal> {
        let image = self.metadata.image();
        let resource = config_resources::resource(wanted.resource_type, &wanted.resource_name);
        config_resources::may(call, Operation::DescribeConfigs, &resource)?;
        let config = self.settings.current();
        config_resources::check(&image, &resource, self.settings.node_id())?;
        let none = ConfigMap::new();
        Ok(match resource.kind {
            ResourceType::Topic => {
                let overrides = image.configs(&ConfigResource::topic(resource.name));
                describe::topic(&config, overrides.map_or(&none, |map| map))
            }
            ResourceType::Group => {
                let overrides = image.configs(&resource);
                describe::group(&config, overrides.map_or(&none, |map| map))
            }
            ResourceType::ClientMetrics => {
                describe::client_metrics(image.configs(&resource).map_or(&none, |map| map))
            }
            _ if broker_loggers::are_meant(&resource) => broker_loggers::describe(&self.loggers),
            _ if resource.name.is_empty() => describe::broker_defaults(&config),
            _ => describe::broker(&config),
        })
    }
}

impl Answer for DescribeConfigs {
    type Request = DescribeConfigsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DescribeConfigs, 1, 4);

    async fn answer(
        &self,
        request: DescribeConfigsRequest,
        call: &mut Call<'_>,
    ) -> DescribeConfigsResponse {
        let mut response = DescribeConfigsResponse::default();
        for wanted in request.resources {
            let mut result = DescribeConfigsResult {
                resource_type: wanted.resource_type,
                resource_name: wanted.resource_name.clone(),
                ..DescribeConfigsResult::default()
            };
            match self.entries(&wanted, call) {
                Ok(mut entries) => {
                    // No keys at all mean every key, as in Kafka.
                    let keys = wanted
                        .configuration_keys
                        .as_ref()
                        .filter(|keys| !keys.is_empty());
                    if let Some(keys) = keys {
                        let keys: BTreeSet<&String> = keys.iter().collect();
                        entries.retain(|e| keys.contains(&e.name));
                    }
                    let shape = (request.include_synonyms, request.include_documentation);
                    let entries = entries.into_iter();
                    result.configs = entries.map(|e| wire(e, shape, call.version)).collect();
                }
                Err(refusal) => {
                    result.error_code = call.note(refusal.code);
                    result.error_message = Some(refusal.message);
                }
            }
            response.results.push(result);
        }
        response
    }
}

fn wire(
    entry: ConfigEntry,
    (synonyms, documentation): (bool, bool),
    version: i16,
) -> DescribeConfigsResourceResult {
    let synonym = |s: describe::Synonym| DescribeConfigsSynonym {
        name: s.name,
        value: s.value,
        source: s.source.code(),
    };
    DescribeConfigsResourceResult {
        name: entry.name,
        value: entry.value,
        read_only: entry.read_only,
        config_source: entry.source.code(),
        is_sensitive: entry.sensitive,
        synonyms: if synonyms {
            entry.synonyms.into_iter().map(synonym).collect()
        } else {
            Vec::new()
        },
        config_type: if version >= 3 { entry.kind_code } else { 0 },
        // Kafka's loggers have an empty one, whether it is asked for or not.
        documentation: entry
            .documentation
            .filter(|text| documentation || text.is_empty())
            .map(str::to_owned),
    }
}
