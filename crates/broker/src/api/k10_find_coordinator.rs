//! FindCoordinator, key 10, versions 0–6.
//!
//! - From version 1 for groups or transactions, from 4 for many keys at once, from 6 for share
//!   groups' state.
//! - `__consumer_offsets`, `__transaction_state` or `__share_group_state` is made when somebody first
//!   asks, and the answer comes when it is there (Kafka sends the client away once).

use std::sync::Arc;

use limpid_protocol::messages::FindCoordinatorRequest;
use limpid_protocol::messages::find_coordinator_response::{Coordinator, FindCoordinatorResponse};
use limpid_protocol::{ApiKey, ErrorCode, Uuid};

use crate::access::{Operation, ResourceKind};
use crate::endpoints::{self, BrokerEndpoint};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::share::Shares;
use crate::topics::INTERNAL_TOPICS;
use crate::transactions::Transactions;

/// Version from which many keys are asked for.
const MANY_KEYS: i16 = 4;
/// Version from which share groups are known.
const WITH_SHARE: i16 = 6;
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;
const NOBODY: i32 = -1;

/// Answers FindCoordinator.
pub struct FindCoordinator {
    groups: Arc<Groups>,
    transactions: Arc<Transactions>,
    shares: Arc<Shares>,
    metadata: Arc<Metadata>,
}

impl FindCoordinator {
    /// `metadata` tell who leads which partition, and where that broker is.
    pub fn new(
        groups: Arc<Groups>,
        transactions: Arc<Transactions>,
        shares: Arc<Shares>,
        metadata: Arc<Metadata>,
    ) -> Self {
        Self {
            groups,
            transactions,
            shares,
            metadata,
        }
    }

    async fn find(
        &self,
        key_type: i8,
        key: &str,
        call: &Call<'_>,
    ) -> Result<BrokerEndpoint, ErrorCode> {
        let may = |kind| call.may(Operation::Describe, kind, key);
        let (partition, topic) = match key_type {
            GROUP if !may(ResourceKind::Group) => return Err(ErrorCode::GroupAuthorizationFailed),
            GROUP => (self.groups.partition_of(key).await?, INTERNAL_TOPICS[0]),
            TRANSACTION if !may(ResourceKind::TransactionalId) => {
                return Err(ErrorCode::TransactionalIdAuthorizationFailed);
            }
            TRANSACTION => (
                self.transactions.partition_of(key).await?,
                INTERNAL_TOPICS[1],
            ),
            SHARE if call.version < WITH_SHARE => return Err(ErrorCode::InvalidRequest),
            SHARE if !call.may_on_cluster(Operation::ClusterAction) => {
                return Err(ErrorCode::ClusterAuthorizationFailed);
            }
            SHARE if !is_share_key(key) => return Err(ErrorCode::InvalidRequest),
            SHARE => (self.shares.partition_of(key).await?, INTERNAL_TOPICS[2]),
            _ => return Err(ErrorCode::InvalidRequest),
        };
        let image = self.metadata.image();
        let topic = image.topic_id(topic).and_then(|id| image.topic(id));
        let leader = topic
            .and_then(|t| t.partitions.get(&partition))
            .map(|p| p.leader);
        let mut brokers = endpoints::brokers(&image, &call.peer.listener);
        let found = brokers.find(|b| Some(b.id) == leader);
        found.ok_or(ErrorCode::CoordinatorNotAvailable)
    }
}

impl Answer for FindCoordinator {
    type Request = FindCoordinatorRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::FindCoordinator, 0, 6);

    async fn answer(
        &self,
        request: FindCoordinatorRequest,
        call: &mut Call<'_>,
    ) -> FindCoordinatorResponse {
        let mut response = FindCoordinatorResponse::default();
        if call.version >= MANY_KEYS {
            for key in request.coordinator_keys {
                let found = self.find(request.key_type, &key, call).await;
                response.coordinators.push(coordinator(key, found, call));
            }
            return response;
        }
        let found = self.find(request.key_type, &request.key, call).await;
        let error = found.as_ref().err().copied().unwrap_or(ErrorCode::None);
        let found = coordinator(request.key, found, call);
        FindCoordinatorResponse {
            error_code: found.error_code,
            // Kafka's clients print it; without an error it says so as well.
            error_message: Some(error_message(error)),
            node_id: found.node_id,
            host: found.host,
            port: found.port,
            ..response
        }
    }
}

/// `group:topic id:partition`; the group's name may have colons of its own.
fn is_share_key(key: &str) -> bool {
    let mut parts = key.rsplitn(3, ':');
    let partition = parts.next().and_then(|p| p.parse::<i32>().ok());
    let topic = parts.next().and_then(|id| id.parse::<Uuid>().ok());
    let group = parts.next();
    partition.is_some_and(|p| p >= 0) && topic.is_some() && group.is_some_and(|g| !g.is_empty())
}

fn error_message(error: ErrorCode) -> String {
    match error {
        ErrorCode::None => error.name().to_owned(),
        error => error.message().to_owned(),
    }
}

fn coordinator(
    key: String,
    found: Result<BrokerEndpoint, ErrorCode>,
    call: &mut Call<'_>,
) -> Coordinator {
    match found {
        Ok(broker) => Coordinator {
            key,
            node_id: broker.id,
            host: broker.host,
            port: i32::from(broker.port),
            error_message: Some(String::new()),
            ..Coordinator::default()
        },
        Err(error) => Coordinator {
            key,
            node_id: NOBODY,
            port: NOBODY,
            error_code: call.note(error),
            error_message: Some(error_message(error)),
            ..Coordinator::default()
        },
    }
}
