//! CreateTopics, key 19, versions 0–7.
//!
//! - Versions 0 and 1, which Kafka 4 dropped, are kept for clients that hard-code them (kafka-go
//!   up to 0.4.47, Terraform providers).
//! - Each topic is made or refused on its own; an answer means that it can be produced to.
//! - From version 5 the settings in force come back (KIP-525), from 7 the topic id (KIP-516).
//! - Partitions are counted against the client's quota of changes (KIP-599); from version 6 who has
//!   used it up is refused, before that they are only held back.
//! - `timeout_ms` is not needed: the topic exists when the metadata are durable.

use std::sync::Arc;

use limpid_config::describe;
use limpid_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult, CreateTopicsResponse,
};
use limpid_protocol::messages::{CreateTopicsRequest, create_topics_request};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::Refusal;
use limpid_storage::metadata::changes::NewTopic;

use crate::access::{CLUSTER_NAME, Operation, ResourceKind};
use crate::audit::changes::Change;
use crate::handler::{Answer, ApiRange, Call};
use crate::settings::Settings;
use crate::topic_creation::{TopicCreation, Wish};

/// From this version on clients know THROTTLING_QUOTA_EXCEEDED.
const STRICT_VERSION: i16 = 6;

/// Answers CreateTopics.
pub struct CreateTopics {
    creation: Arc<TopicCreation>,
    settings: Arc<Settings>,
}

impl CreateTopics {
    /// `settings` are what a topic inherits.
    pub fn new(creation: Arc<TopicCreation>, settings: Arc<Settings>) -> Self {
        Self { creation, settings }
    }

    fn made(&self, new: NewTopic, call: &Call<'_>) -> CreatableTopicResult {
        if !call.sees(Operation::DescribeConfigs, ResourceKind::Topic, &new.name) {
            return CreatableTopicResult {
                name: new.name,
                topic_id: new.id,
                num_partitions: -1,
                replication_factor: -1,
                topic_config_error_code: ErrorCode::TopicAuthorizationFailed.code(),
                configs: Some(Vec::new()),
                ..CreatableTopicResult::default()
            };
        }
        let overrides = new.configs.into_iter().collect();
        let entries = describe::topic(&self.settings.current(), &overrides);
        let configs = entries
            .into_iter()
            .map(|entry| CreatableTopicConfigs {
                name: entry.name,
                value: entry.value,
                read_only: entry.read_only,
                config_source: entry.source.code(),
                is_sensitive: entry.sensitive,
            })
            .collect();
        let replicas = new.partitions.first().map_or(0, Vec::len);
        CreatableTopicResult {
            name: new.name,
            topic_id: new.id,
            num_partitions: i32::try_from(new.partitions.len()).unwrap_or(i32::MAX),
            replication_factor: i16::try_from(replicas).unwrap_or(i16::MAX),
            configs: Some(configs),
            error_message: None,
            ..CreatableTopicResult::default()
        }
    }
}

impl Answer for CreateTopics {
    type Request = CreateTopicsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::CreateTopics, 0, 7);

    async fn answer(
        &self,
        request: CreateTopicsRequest,
        call: &mut Call<'_>,
    ) -> CreateTopicsResponse {
        let mut response = CreateTopicsResponse::default();
        // Who may create on the cluster may create any topic.
        let any = call.sees(Operation::Create, ResourceKind::Cluster, CLUSTER_NAME);
        let (allowed, denied): (Vec<_>, Vec<_>) = request
            .topics
            .into_iter()
            .partition(|t| any || call.may(Operation::Create, ResourceKind::Topic, &t.name));
        for topic in denied {
            let code = ErrorCode::TopicAuthorizationFailed;
            let refusal = Refusal::new(code, code.message());
            response.topics.push(refused(topic.name, refusal, call));
        }
        let names: Vec<String> = allowed.iter().map(|t| t.name.clone()).collect();
        let wishes: Vec<Wish> = allowed.into_iter().map(wish).collect();
        let permits = call.quotas.permits(call.version >= STRICT_VERSION);
        let outcomes = if request.validate_only {
            self.creation.preview(&wishes, &permits)
        } else {
            self.creation.create(wishes, &permits).await
        };
        call.quotas.hold_back_for(&permits);
        for (name, outcome) in names.into_iter().zip(outcomes) {
            // A name that came twice is answered once.
            if response.topics.iter().any(|t| t.name == name) {
                continue;
            }
            response.topics.push(match outcome {
                Ok(new) => {
                    if !request.validate_only {
                        let partitions = format!("{} partitions", new.partitions.len());
                        call.changed(Change::new("create", "topic", &new.name).after(partitions));
                    }
                    self.made(new, call)
                }
                Err(refusal) => refused(name, refusal, call),
            });
        }
        response
    }
}

fn wish(topic: create_topics_request::CreatableTopic) -> Wish {
    Wish {
        name: topic.name,
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic
            .assignments
            .into_iter()
            .map(|a| (a.partition_index, a.broker_ids))
            .collect(),
        configs: topic
            .configs
            .into_iter()
            .map(|c| (c.name, c.value))
            .collect(),
    }
}

fn refused(name: String, refusal: Refusal, call: &mut Call<'_>) -> CreatableTopicResult {
    call.changed(Change::new("create", "topic", &name).ended(refusal.code));
    CreatableTopicResult {
        name,
        error_code: call.note(refusal.code),
        error_message: Some(refusal.message),
        topic_config_error_code: ErrorCode::None.code(),
        num_partitions: -1,
        replication_factor: -1,
        configs: Some(Vec::new()),
        ..CreatableTopicResult::default()
    }
}
