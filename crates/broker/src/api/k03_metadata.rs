//! Metadata, key 3, versions 0–13.
//!
//! - Version 0: no topic named means all; from 1 on null means all and an empty list none.
//! - From version 4 the client says whether unknown topics may be made; before they always may
//!   (`auto.create.topics.enable` decides in the end). A topic that is made here is answered as it
//!   is, without the round of UNKNOWN_TOPIC_OR_PARTITION that Kafka needs.
//! - From 10 topic ids come back, from 12 they may be asked for (KIP-516).
//! - Each client is told the addresses of the listener that it came in by.

use std::collections::HashSet;
use std::sync::Arc;

use limpid_protocol::messages::MetadataRequest;
use limpid_protocol::messages::metadata_request::MetadataRequestTopic;
use limpid_protocol::messages::metadata_response::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use limpid_protocol::{ApiKey, ErrorCode, Uuid};
use limpid_storage::metadata::{Image, NO_LEADER, Topic};

use crate::access::{CLUSTER_NAME, Operation, ResourceKind};
use crate::aside::LONG_ANSWER_TOPICS;
use crate::endpoints;
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::operations;
use crate::quotas::mutations::Permits;
use crate::settings::Settings;
use crate::share::Shares;
use crate::topic_creation::{TopicCreation, Wish};
use crate::topic_names;
use crate::topics::INTERNAL_TOPICS;
use crate::transactions::Transactions;

/// Answers Metadata.
pub struct DescribeMetadata {
    metadata: Arc<Metadata>,
    creation: Arc<TopicCreation>,
    settings: Arc<Settings>,
    cluster_id: String,
    coordinators: Option<Coordinators>,
}

/// Those whose topics a client may ask for before they are there.
struct Coordinators {
    groups: Arc<Groups>,
    transactions: Arc<Transactions>,
    shares: Arc<Shares>,
}

impl Coordinators {
    /// Makes the topic, as its coordinator does when it is needed first.
    async fn make(&self, topic: &str) {
        let place = INTERNAL_TOPICS.iter().position(|name| *name == topic);
        let made = match place {
            Some(0) => self.groups.partition_of("").await,
            Some(1) => self.transactions.partition_of("").await,
            Some(2) => self.shares.partition_of("").await,
            _ => return,
        };
        if let Err(error) = made {
            let error = error.name();
            tracing::debug!(topic.name = topic, error, "topic not created");
        }
    }
}

impl DescribeMetadata {
    /// `creation` makes topics that clients ask for.
    pub fn new(
        metadata: Arc<Metadata>,
        creation: Arc<TopicCreation>,
        settings: Arc<Settings>,
        cluster_id: String,
    ) -> Self {
        Self {
            metadata,
            creation,
            settings,
            cluster_id,
            coordinators: None,
        }
    }

    /// Clients may ask for the topics of these too.
    pub fn with_coordinators(
        self,
        groups: &Arc<Groups>,
        transactions: &Arc<Transactions>,
        shares: &Arc<Shares>,
    ) -> Self {
        Self {
            coordinators: Some(Coordinators {
                groups: Arc::clone(groups),
                transactions: Arc::clone(transactions),
                shares: Arc::clone(shares),
            }),
            ..self
        }
    }

    /// Whether client and settings want unknown topics to be made.
    fn may_create_missing(&self, request: &MetadataRequest, call: &Call<'_>) -> bool {
        let wanted = call.version < 4 || request.allow_auto_topic_creation;
        wanted && self.settings.current().broker().topics.auto_create
    }

    /// Makes the unknown topics of the request, if all sides agree.
    async fn create_missing(&self, request: &MetadataRequest, call: &mut Call<'_>) {
        if !self.may_create_missing(request, call) {
            return;
        }
        let image = self.metadata.image();
        let names = request
            .topics
            .iter()
            .flatten()
            .filter_map(|t| t.name.as_deref());
        let mut missing: Vec<&str> = names
            .filter(|name| image.topic_id(name).is_none())
            .filter(|name| topic_names::invalid(name).is_none())
            .filter(|name| sees(call, name) && may_create(call, name))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return;
        }
        // Others wait for what is locked while topics are made.
        let was_aside = call.step_back().await;
        let permits = call.quotas.permits(true);
        self.create(missing, &permits).await;
        if was_aside {
            call.step_aside().await;
        }
    }

    /// Makes topics that don't exist, whose names are good.
    async fn create(&self, mut missing: Vec<&str>, permits: &Permits) {
        if let Some(coordinators) = &self.coordinators {
            for topic in missing.iter().filter(|name| INTERNAL_TOPICS.contains(name)) {
                coordinators.make(topic).await;
            }
        }
        missing.retain(|name| !INTERNAL_TOPICS.contains(name));
        if missing.is_empty() {
            return;
        }
        let wishes: Vec<Wish> = missing
            .iter()
            .map(|name| TopicCreation::automatic(name))
            .collect();
        let outcomes = self.creation.create(wishes, permits).await;
        for (name, outcome) in missing.iter().zip(outcomes) {
            match outcome {
                Ok(_) => tracing::info!(topic.name = name, "topic created for a client"),
                Err(e) if e.code == ErrorCode::TopicAlreadyExists => {}
                Err(error) => tracing::warn!(topic.name = name, %error, "topic not created"),
            }
        }
    }
}

impl Answer for DescribeMetadata {
    type Request = MetadataRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::Metadata, 0, 13);

    async fn answer(&self, request: MetadataRequest, call: &mut Call<'_>) -> MetadataResponse {
        if let Some(refused) = refuse_ids(&request, call) {
            return refused;
        }
        self.create_missing(&request, call).await;
        let image = self.metadata.image();
        let with_operations = request.include_topic_authorized_operations;
        let all = match &request.topics {
            None => true,
            Some(topics) => call.version == 0 && topics.is_empty(),
        };
        let mut topics = Vec::new();
        if all {
            if image.topic_count() > LONG_ANSWER_TOPICS {
                call.step_aside().await;
            }
            let seen = image.topics().filter(|t| sees(call, &t.name));
            topics.extend(seen.map(|t| describe(&image, t, with_operations, call)));
        } else {
            let creating = self.may_create_missing(&request, call);
            let mut seen = HashSet::new();
            let wanted = request.topics.iter().flatten();
            // A topic that is there twice is answered once.
            for wanted in wanted.filter(|t| seen.insert((&t.name, t.topic_id))) {
                let mut topic = one(&image, wanted, with_operations, call);
                let unknown = ErrorCode::UnknownTopicOrPartition.code();
                let name = wanted.name.as_deref().unwrap_or_default();
                if creating && topic.error_code == unknown && !may_create(call, name) {
                    topic.error_code = call.note(ErrorCode::TopicAuthorizationFailed);
                }
                topics.push(topic);
            }
        }
        let brokers = endpoints::brokers(&image, &call.peer.listener)
            .map(|b| MetadataResponseBroker {
                node_id: b.id,
                host: b.host,
                port: i32::from(b.port),
                rack: b.rack,
            })
            .collect();
        MetadataResponse {
            brokers,
            cluster_id: Some(self.cluster_id.clone()),
            controller_id: self.settings.node_id(),
            topics,
            cluster_authorized_operations: if request.include_cluster_authorized_operations {
                call.operations(operations::CLUSTER, ResourceKind::Cluster, CLUSTER_NAME)
            } else {
                operations::NOT_ASKED
            },
            ..MetadataResponse::default()
        }
    }
}

/// Versions 10 and 11 have topic ids in the request, but no broker serves them (KIP-516): the whole
/// request is refused.
fn refuse_ids(request: &MetadataRequest, call: &mut Call<'_>) -> Option<MetadataResponse> {
    let has_id = |t: &MetadataRequestTopic| !t.topic_id.is_zero() || t.name.is_none();
    if call.version >= 12 || !request.topics.iter().flatten().any(has_id) {
        return None;
    }
    let error_code = call.note(ErrorCode::InvalidRequest);
    let topic = |t: &MetadataRequestTopic| MetadataResponseTopic {
        error_code,
        name: Some(t.name.clone().unwrap_or_default()),
        topic_id: t.topic_id,
        ..MetadataResponseTopic::default()
    };
    Some(MetadataResponse {
        topics: request.topics.iter().flatten().map(topic).collect(),
        cluster_id: None,
        ..MetadataResponse::default()
    })
}

fn one(
    image: &Image,
    wanted: &MetadataRequestTopic,
    with_operations: bool,
    call: &mut Call<'_>,
) -> MetadataResponseTopic {
    let by_id = !wanted.topic_id.is_zero();
    let found = match &wanted.name {
        _ if by_id => image
            .topic(wanted.topic_id)
            .ok_or(ErrorCode::UnknownTopicId),
        Some(name) if topic_names::invalid(name).is_some() => Err(ErrorCode::InvalidTopicException),
        Some(name) => image
            .topic_named(name)
            .ok_or(ErrorCode::UnknownTopicOrPartition),
        None => Err(ErrorCode::InvalidRequest),
    };
    let found = match (found, &wanted.name) {
        // Who may not see a topic is not told that there is one of this id.
        (Ok(topic), _) if by_id && !sees(call, &topic.name) => Err(ErrorCode::UnknownTopicId),
        (_, Some(name)) if !by_id && !call.may(Operation::Describe, ResourceKind::Topic, name) => {
            Err(ErrorCode::TopicAuthorizationFailed)
        }
        (found, _) => found,
    };
    match found {
        Ok(topic) => describe(image, topic, with_operations, call),
        Err(error) => MetadataResponseTopic {
            error_code: call.note(error),
            // Null only in versions that know it, for a topic asked by id.
            name: if call.version >= 12 && by_id {
                None
            } else {
                Some(wanted.name.clone().unwrap_or_default())
            },
            topic_id: if by_id { wanted.topic_id } else { Uuid::ZERO },
            is_internal: wanted
                .name
                .as_deref()
                .is_some_and(|n| INTERNAL_TOPICS.contains(&n)),
            ..MetadataResponseTopic::default()
        },
    }
}

fn sees(call: &Call<'_>, name: &str) -> bool {
    call.sees(Operation::Describe, ResourceKind::Topic, name)
}

/// Whether the client may make a topic: this one, or any in the cluster.
fn may_create(call: &Call<'_>, name: &str) -> bool {
    call.sees(Operation::Create, ResourceKind::Cluster, CLUSTER_NAME)
        || call.sees(Operation::Create, ResourceKind::Topic, name)
}

fn describe(
    image: &Image,
    topic: &Topic,
    with_operations: bool,
    call: &Call<'_>,
) -> MetadataResponseTopic {
    let partitions = topic
        .partitions
        .iter()
        .map(|(index, p)| MetadataResponsePartition {
            error_code: if p.leader == NO_LEADER {
                ErrorCode::LeaderNotAvailable.code()
            } else {
                ErrorCode::None.code()
            },
            partition_index: *index,
            leader_id: p.leader,
            leader_epoch: p.leader_epoch,
            replica_nodes: p.replicas.clone(),
            isr_nodes: p.isr.clone(),
            offline_replicas: endpoints::offline(image, &p.replicas),
        });
    MetadataResponseTopic {
        name: Some(topic.name.to_string()),
        topic_id: topic.id,
        is_internal: INTERNAL_TOPICS.contains(&topic.name.as_ref()),
        partitions: partitions.collect(),
        topic_authorized_operations: if with_operations {
            call.operations(operations::TOPIC, ResourceKind::Topic, &topic.name)
        } else {
            operations::NOT_ASKED
        },
        ..MetadataResponseTopic::default()
    }
}
