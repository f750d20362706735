//! The client: who to ask, asking, and asking again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use limpid_protocol::messages::find_coordinator_request::FindCoordinatorRequest;
use limpid_protocol::messages::find_coordinator_response::{Coordinator, FindCoordinatorResponse};
use limpid_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use limpid_protocol::messages::metadata_response::MetadataResponse;
use limpid_protocol::{ApiKey, ErrorCode, Request};
use parking_lot::Mutex;

use crate::backoff::{Backoff, random};
use crate::config::ClientConfig;
use crate::error::{ClientError, ErrorKind, check};
use crate::metadata::{Cache, Node, TopicInfo, TopicPartition};
use crate::pool::{Lane, Pool};
use crate::transport::Transport;

/// Any version that both sides speak.
pub(crate) const NEWEST: i16 = i16::MAX;
/// FindCoordinator asks for several keys from here on.
const COORDINATOR_BATCH_VERSION: i16 = 4;
/// FindCoordinator's key type of consumer groups.
const GROUP_KEY: i8 = 0;
/// Groups whose coordinator is remembered at most.
const COORDINATORS_MAX: usize = 10_000;

/// A client of one cluster. Cheap to clone; clones share connections and caches.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: ClientConfig,
    pool: Pool,
    cache: Mutex<Cache>,
    coordinators: Mutex<HashMap<String, Node>>,
}

impl Client {
    /// A client that has not connected to anything yet.
    pub fn new(config: ClientConfig, transport: Arc<dyn Transport>) -> Self {
        let inner = Inner {
            config,
            pool: Pool::new(transport),
            cache: Mutex::default(),
            coordinators: Mutex::default(),
        };
        let inner = Arc::new(inner);
        Self { inner }
    }

    /// Its settings.
    pub fn config(&self) -> &ClientConfig {
        &self.inner.config
    }

    /// One attempt to ask one broker. `build` gets the version that was agreed.
    pub(crate) async fn ask<R: Request>(
        &self,
        (node, lane): (&Node, Lane),
        (ceiling, patience): (i16, Duration),
        build: impl FnOnce(i16) -> R,
    ) -> Result<R::Response, ClientError> {
        let failed = |kind| ClientError::at(&node.address, R::KEY, kind);
        let inner = &self.inner;
        let connection = inner.pool.connection(node, lane, &inner.config).await;
        let connection = connection.map_err(failed)?;
        let version = connection.version::<R>(ceiling).map_err(failed)?;
        let request = build(version);
        let answer = connection.call(version, &request, patience).await;
        answer.map_err(failed)
    }

    /// Asks one broker after the other until one can be reached.
    pub(crate) async fn ask_anyone<R: Request + Clone>(
        &self,
        request: &R,
    ) -> Result<(Node, R::Response), ClientError> {
        let patience = (NEWEST, self.config().request_timeout);
        let mut last = ClientError::new(
            R::KEY,
            ErrorKind::Connect("there is no bootstrap server".to_owned()),
        );
        for node in self.candidates() {
            let asked = self.ask((&node, Lane::General), patience, |_| request.clone());
            match asked.await {
                Ok(answer) => return Ok((node, answer)),
                Err(error) if error.is_unreachable() => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Known brokers from a random one on, then the bootstrap servers.
    fn candidates(&self) -> Vec<Node> {
        let mut nodes: Vec<Node> = self.inner.cache.lock().nodes().cloned().collect();
        if !nodes.is_empty() {
            let first = random() as usize % nodes.len();
            nodes.rotate_left(first);
        }
        let known: Vec<Arc<str>> = nodes.iter().map(|n| Arc::clone(&n.address)).collect();
        let servers = self.config().bootstrap_servers.iter();
        let bootstrap = servers.map(|(host, port)| Node::new(-1, host, *port));
        nodes.extend(bootstrap.filter(|node| !known.contains(&node.address)));
        nodes
    }

    /// Metadata of the topics named, of all without a list; the cache learns it.
    pub(crate) async fn refresh(
        &self,
        topics: Option<&[&str]>,
    ) -> Result<MetadataResponse, ClientError> {
        let wanted = |name: &&str| MetadataRequestTopic {
            name: Some((*name).to_owned()),
            ..MetadataRequestTopic::default()
        };
        let request = MetadataRequest {
            topics: topics.map(|names| names.iter().map(wanted).collect()),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let (node, answer) = self.ask_anyone(&request).await?;
        check(answer.error_code, "", None)
            .map_err(|kind| ClientError::at(&node.address, ApiKey::Metadata, kind))?;
        self.inner.cache.lock().learn(&answer);
        let hosts: Vec<Arc<str>> = self.candidates().into_iter().map(|n| n.address).collect();
        self.inner
            .pool
            .keep(|host| hosts.iter().any(|known| &**known == host));
        Ok(answer)
    }

    /// A topic, from the cache if it is fresh.
    ///
    /// # Errors
    /// When the cluster can't be reached, or has no such topic.
    pub async fn topic(&self, name: &str) -> Result<Arc<TopicInfo>, ClientError> {
        let mut backoff = Backoff::new(self.config());
        loop {
            match self.topic_once(name).await {
                Ok(topic) => return Ok(topic),
                // Nobody makes a topic while we wait.
                Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => {
                    return Err(error);
                }
                Err(error) => backoff.after(error).await?,
            }
        }
    }

    pub(crate) async fn topic_once(&self, name: &str) -> Result<Arc<TopicInfo>, ClientError> {
        let age_max = self.config().metadata_max_age;
        if let Some(topic) = self.inner.cache.lock().topic(name, age_max) {
            return Ok(topic);
        }
        let answer = self.refresh(Some(&[name])).await?;
        if let Some(topic) = self.inner.cache.lock().topic(name, age_max) {
            return Ok(topic);
        }
        let told = answer
            .topics
            .iter()
            .find(|t| t.name.as_deref() == Some(name));
        let kind = match told.map(|topic| check(topic.error_code, name, None)) {
            Some(Err(kind)) => kind,
            _ => ErrorKind::Missing(name.to_owned()),
        };
        Err(ClientError::new(ApiKey::Metadata, kind))
    }

    /// The leader of a partition.
    pub(crate) async fn leader(&self, of: &TopicPartition) -> Result<(Node, i32), ClientError> {
        let topic = self.topic_once(&of.topic).await?;
        let partition = topic
            .partitions
            .iter()
            .find(|p| p.partition == of.partition);
        let none = |code: ErrorCode| {
            let kind = check(code.code(), of, None).err();
            let kind = kind.unwrap_or_else(|| ErrorKind::Missing(of.to_string()));
            ClientError::new(ApiKey::Metadata, kind)
        };
        let partition = partition.ok_or_else(|| none(ErrorCode::UnknownTopicOrPartition))?;
        let cache = self.inner.cache.lock();
        let node = partition.leader.and_then(|id| cache.node(id)).cloned();
        drop(cache);
        let node = node.ok_or_else(|| {
            self.forget_topic(&of.topic);
            none(ErrorCode::LeaderNotAvailable)
        })?;
        Ok((node, partition.leader_epoch))
    }

    /// The next look at the topic asks the cluster.
    pub(crate) fn forget_topic(&self, name: &str) {
        self.inner.cache.lock().forget_topic(name);
    }

    /// All brokers, as known after asking for them.
    pub(crate) async fn brokers(&self) -> Result<Vec<Node>, ClientError> {
        self.refresh(Some(&[])).await?;
        Ok(self.inner.cache.lock().nodes().cloned().collect())
    }

    /// The broker that says to be the controller, or any.
    pub(crate) async fn controller(&self) -> Result<Node, ClientError> {
        self.refresh(Some(&[])).await?;
        let cache = self.inner.cache.lock();
        let node = cache.controller.and_then(|id| cache.node(id));
        let node = node.or_else(|| cache.nodes().next()).cloned();
        let missing = || ErrorKind::Missing("the controller".to_owned());
        node.ok_or_else(|| ClientError::new(ApiKey::Metadata, missing()))
    }

    /// The coordinator of a group, from the cache if it is known.
    pub(crate) async fn coordinator(&self, group: &str) -> Result<Node, ClientError> {
        if let Some(node) = self.inner.coordinators.lock().get(group) {
            return Ok(node.clone());
        }
        let node = self.find_coordinator_once(group).await?;
        let mut coordinators = self.inner.coordinators.lock();
        if coordinators.len() >= COORDINATORS_MAX {
            coordinators.clear();
        }
        coordinators.insert(group.to_owned(), node.clone());
        Ok(node)
    }

    /// The next call for the group asks who coordinates it.
    pub(crate) fn forget_coordinator(&self, group: &str) {
        self.inner.coordinators.lock().remove(group);
    }

    async fn find_coordinator_once(&self, group: &str) -> Result<Node, ClientError> {
        let build = |version| FindCoordinatorRequest {
            key_type: GROUP_KEY,
            key: if version < COORDINATOR_BATCH_VERSION {
                group.to_owned()
            } else {
                String::new()
            },
            coordinator_keys: if version < COORDINATOR_BATCH_VERSION {
                Vec::new()
            } else {
                vec![group.to_owned()]
            },
        };
        let patience = (NEWEST, self.config().request_timeout);
        let mut last = None;
        for node in self.candidates() {
            let asked = self.ask((&node, Lane::General), patience, build).await;
            let found = asked.and_then(|answer| {
                coordinator_of(group, &answer)
                    .map_err(|kind| ClientError::at(&node.address, ApiKey::FindCoordinator, kind))
            });
            match found {
                Ok(found) => return Ok(found),
                Err(error) if error.is_unreachable() => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        let missing = || ErrorKind::Missing(group.to_owned());
        Err(last.unwrap_or_else(|| ClientError::new(ApiKey::FindCoordinator, missing())))
    }

    /// The broker that coordinates a group.
    ///
    /// # Errors
    /// When none answers within `default.api.timeout.ms`.
    pub async fn find_coordinator(&self, group: &str) -> Result<Node, ClientError> {
        let mut backoff = Backoff::new(self.config());
        loop {
            match self.coordinator(group).await {
                Ok(node) => return Ok(node),
                Err(error) => backoff.after(error).await?,
            }
        }
    }

    /// One attempt to ask the coordinator of a group; `check` finds the error of the answer.
    pub(crate) async fn ask_coordinator_once<R: Request>(
        &self,
        (group, lane): (&str, Lane),
        limits: (i16, Duration),
        build: impl FnOnce(i16) -> R,
        check: impl FnOnce(&R::Response) -> Result<(), ErrorKind>,
    ) -> Result<R::Response, ClientError> {
        let node = self.coordinator(group).await?;
        let asked = self.ask((&node, lane), limits, build).await;
        let checked = asked.and_then(|answer| match check(&answer) {
            Ok(()) => Ok(answer),
            Err(kind) => Err(ClientError::at(&node.address, R::KEY, kind)),
        });
        if checked.as_ref().is_err_and(ClientError::is_misrouted) {
            self.forget_coordinator(group);
        }
        checked
    }

    /// Asks the coordinator of a group, again while the error is retriable.
    pub(crate) async fn ask_coordinator<R: Request>(
        &self,
        group: &str,
        ceiling: i16,
        build: impl Fn(i16) -> R,
        check: impl Fn(&R::Response) -> Result<(), ErrorKind>,
    ) -> Result<R::Response, ClientError> {
        let mut backoff = Backoff::new(self.config());
        let limits = (ceiling, self.config().request_timeout);
        loop {
            let to = (group, Lane::General);
            match self.ask_coordinator_once(to, limits, &build, &check).await {
                Ok(answer) => return Ok(answer),
                Err(error) => backoff.after(error).await?,
            }
        }
    }
}

/// The node in an answer of either shape.
fn coordinator_of(group: &str, answer: &FindCoordinatorResponse) -> Result<Node, ErrorKind> {
    let found = answer.coordinators.first().cloned();
    let found = found.unwrap_or_else(|| Coordinator {
        key: group.to_owned(),
        node_id: answer.node_id,
        host: answer.host.clone(),
        port: answer.port,
        error_code: answer.error_code,
        error_message: answer.error_message.clone(),
    });
    check(found.error_code, group, found.error_message.as_deref())?;
    let port = u16::try_from(found.port)
        .ok()
        .filter(|_| !found.host.is_empty());
    let port = port.ok_or_else(|| ErrorKind::Missing(group.to_owned()))?;
    Ok(Node::new(found.node_id, &found.host, port))
}
