//! Topics and the cluster itself.

use limpid_protocol::messages::MetadataResponse;
use limpid_protocol::messages::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use limpid_protocol::messages::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use limpid_protocol::messages::describe_cluster_request::DescribeClusterRequest;
use limpid_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use limpid_protocol::{ApiKey, ErrorCode, Request};

use crate::backoff::Backoff;
use crate::client::{Client, NEWEST};
use crate::error::{ClientError, ErrorKind, check};
use crate::metadata::{Cache, Node, TopicInfo};
use crate::pool::Lane;

/// DeleteTopics takes structures instead of names from here on.
const DELETE_BY_STATE_VERSION: i16 = 6;

/// Kafka's number of a topic among the resources with settings, and what is done to one.
const TOPIC_RESOURCE: i8 = 2;
const SET: i8 = 0;
const DELETE: i8 = 1;

/// A topic to be made; −1 means the broker's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name.
    pub name: String,
    /// Number of partitions.
    pub partitions: i32,
    /// Replication factor.
    pub replication_factor: i16,
    /// Settings of its own.
    pub configs: Vec<(String, String)>,
}

/// A cluster and its brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterDescription {
    /// `cluster.id`.
    pub cluster_id: String,
    /// Node id of who answers as the controller.
    pub controller: Option<i32>,
    /// The brokers, by id.
    pub brokers: Vec<Node>,
}

impl Client {
    /// The cluster's id and its brokers.
    ///
    /// # Errors
    /// When no broker answers in time.
    pub async fn describe_cluster(&self) -> Result<ClusterDescription, ClientError> {
        let mut backoff = Backoff::new(self.config());
        let request = DescribeClusterRequest::default();
        let answer = loop {
            let asked = self.ask_anyone(&request).await.and_then(|(node, answer)| {
                check(answer.error_code, "", answer.error_message.as_deref()).map_err(|kind| {
                    ClientError::at(&node.address, ApiKey::DescribeCluster, kind)
                })?;
                Ok(answer)
            });
            match asked {
                Ok(answer) => break answer,
                Err(error) => backoff.after(error).await?,
            }
        };
        let node =
            |b: &limpid_protocol::messages::describe_cluster_response::DescribeClusterBroker| {
                Some(Node::new(b.broker_id, &b.host, u16::try_from(b.port).ok()?))
            };
        let mut brokers: Vec<Node> = answer.brokers.iter().filter_map(node).collect();
        brokers.sort_by_key(|broker| broker.id);
        Ok(ClusterDescription {
            cluster_id: answer.cluster_id,
            controller: (answer.controller_id >= 0).then_some(answer.controller_id),
            brokers,
        })
    }

    /// The topics named that exist, or all of them, by name.
    ///
    /// # Errors
    /// When no broker answers in time, and when one of those named may not be seen.
    pub async fn topics(&self, names: Option<&[&str]>) -> Result<Vec<TopicInfo>, ClientError> {
        let mut backoff = Backoff::new(self.config());
        loop {
            match self.refresh(names).await {
                Ok(answer) => {
                    if names.is_some() {
                        may_see(&answer)?;
                    }
                    return Ok(Cache::topics_of(&answer));
                }
                Err(error) => backoff.after(error).await?,
            }
        }
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// What the cluster says, `TOPIC_ALREADY_EXISTS` for example.
    pub async fn create_topic(&self, topic: &TopicSpec) -> Result<(), ClientError> {
        let config = |(name, value): &(String, String)| CreatableTopicConfig {
            name: name.clone(),
            value: Some(value.clone()),
        };
        let creatable = CreatableTopic {
            name: topic.name.clone(),
            num_partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            configs: topic.configs.iter().map(config).collect(),
            ..CreatableTopic::default()
        };
        let build = |_| CreateTopicsRequest {
            topics: vec![creatable.clone()],
            timeout_ms: self.request_timeout_ms(),
            validate_only: false,
        };
        self.ask_controller(build, |answer| {
            let told = answer.topics.iter().find(|t| t.name == topic.name);
            let told = told.ok_or_else(|| ErrorKind::Missing(topic.name.clone()))?;
            check(told.error_code, &topic.name, told.error_message.as_deref())
        })
        .await?;
        self.forget_topic(&topic.name);
        Ok(())
    }

    /// Deletes a topic and its records.
    ///
    /// # Errors
    /// What the cluster says; an absent topic is `UNKNOWN_TOPIC_OR_PARTITION` at once.
    pub async fn delete_topic(&self, name: &str) -> Result<(), ClientError> {
        let build = |version| {
            let mut request = DeleteTopicsRequest {
                timeout_ms: self.request_timeout_ms(),
                ..DeleteTopicsRequest::default()
            };
            if version < DELETE_BY_STATE_VERSION {
                request.topic_names.push(name.to_owned());
            } else {
                let name = Some(name.to_owned());
                let state = DeleteTopicState {
                    name,
                    ..DeleteTopicState::default()
                };
                request.topics.push(state);
            }
            request
        };
        self.ask_controller(build, |answer| {
            let told = answer.responses.first();
            let told = told.ok_or_else(|| ErrorKind::Missing(name.to_owned()))?;
            check(told.error_code, name, told.error_message.as_deref())
        })
        .await?;
        self.forget_topic(name);
        Ok(())
    }

    /// Gives a topic settings of its own, or takes them away where there is no value.
    ///
    /// # Errors
    /// What the cluster says, `INVALID_CONFIG` for example; nothing is altered then.
    pub async fn alter_topic(
        &self,
        name: &str,
        settings: &[(String, Option<String>)],
    ) -> Result<(), ClientError> {
        let config = |(key, value): &(String, Option<String>)| AlterableConfig {
            name: key.clone(),
            config_operation: if value.is_some() { SET } else { DELETE },
            value: value.clone(),
        };
        let build = |_| IncrementalAlterConfigsRequest {
            resources: vec![AlterConfigsResource {
                resource_type: TOPIC_RESOURCE,
                resource_name: name.to_owned(),
                configs: settings.iter().map(config).collect(),
            }],
            validate_only: false,
        };
        self.ask_controller(build, |answer| {
            let told = answer.responses.first();
            let told = told.ok_or_else(|| ErrorKind::Missing(name.to_owned()))?;
            check(told.error_code, name, told.error_message.as_deref())
        })
        .await?;
        Ok(())
    }

    /// Asks the controller until it answers or refuses.
    async fn ask_controller<R: Request>(
        &self,
        build: impl Fn(i16) -> R,
        judge: impl Fn(&R::Response) -> Result<(), ErrorKind>,
    ) -> Result<R::Response, ClientError> {
        let mut backoff = Backoff::new(self.config());
        loop {
            let error = match self.ask_controller_once(&build, &judge).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if error.code() == Some(ErrorCode::UnknownTopicOrPartition) {
                return Err(error);
            }
            backoff.after(error).await?;
        }
    }

    async fn ask_controller_once<R: Request>(
        &self,
        build: impl Fn(i16) -> R,
        judge: impl Fn(&R::Response) -> Result<(), ErrorKind>,
    ) -> Result<R::Response, ClientError> {
        let node = self.controller().await?;
        let limits = (NEWEST, self.config().request_timeout);
        let answer = self.ask((&node, Lane::General), limits, build).await?;
        judge(&answer).map_err(|kind| ClientError::at(&node.address, R::KEY, kind))?;
        Ok(answer)
    }

    pub(crate) fn request_timeout_ms(&self) -> i32 {
        i32::try_from(self.config().request_timeout.as_millis()).unwrap_or(i32::MAX)
    }
}

/// A topic that was asked for and may not be seen is not the same as none.
fn may_see(answer: &MetadataResponse) -> Result<(), ClientError> {
    let denied = ErrorCode::TopicAuthorizationFailed.code();
    let mut topics = answer.topics.iter();
    let Some(topic) = topics.find(|topic| topic.error_code == denied) else {
        return Ok(());
    };
    let name = topic.name.as_deref().unwrap_or_default();
    let checked = check(topic.error_code, name, None);
    checked.map_err(|kind| ClientError::new(ApiKey::Metadata, kind))
}
