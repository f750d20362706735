//! AddPartitionsToTxn, key 24, versions 0–5.
//!
//! - Up to version 3 from producers that speak the first version of transactions: before they write
//!   to a partition.
//! - From version 4 between brokers, for many transactions at once, also only to ask whether
//!   partitions are part of them (KIP-890).
//! - If a partition does not exist none is added: OPERATION_NOT_ATTEMPTED for the others.
//! - Before version 2 PRODUCER_FENCED is called INVALID_PRODUCER_EPOCH.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_coordinator::transactions::{EPOCH_BUMP, Partitions, ProducerKey};
use limpid_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use limpid_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResponse, AddPartitionsToTxnResult,
    AddPartitionsToTxnTopicResult,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::handler::{Answer, ApiRange, Call};
use crate::topics::{TopicTable, Topics};
use crate::transactions::Transactions;

/// Version from which brokers ask, for many transactions.
const FROM_BROKERS: i16 = 4;
/// Version from which PRODUCER_FENCED is known.
const KNOWS_FENCED: i16 = 2;

/// Answers AddPartitionsToTxn.
pub struct AddPartitionsToTxn {
    transactions: Arc<Transactions>,
    topics: Arc<Topics>,
}

impl AddPartitionsToTxn {
    /// `topics` tell which partitions exist.
    pub fn new(transactions: Arc<Transactions>, topics: Arc<Topics>) -> Self {
        Self {
            transactions,
            topics,
        }
    }

    async fn one(
        &self,
        txn: AddPartitionsToTxnTransaction,
        call: &mut Call<'_>,
    ) -> AddPartitionsToTxnResult {
        let wanted = {
            let table = self.topics.table();
            wanted(&table, &txn.topics)
        };
        let id = &txn.transactional_id;
        // Brokers ask for many producers at once, and have their own permission for that.
        let may_use = match call.version {
            FROM_BROKERS.. => call.may_on_cluster(Operation::ClusterAction),
            _ => call.may(Operation::Write, ResourceKind::TransactionalId, id),
        };
        let is_denied = |topic: &str| !call.may(Operation::Write, ResourceKind::Topic, topic);
        let denied: BTreeSet<String> = match call.version {
            FROM_BROKERS.. => BTreeSet::new(),
            _ => {
                let names = txn.topics.iter().map(|topic| topic.name.clone());
                names.filter(|name| is_denied(name)).collect()
            }
        };
        let errors: Errors = match wanted {
            _ if !may_use && call.version >= FROM_BROKERS => {
                Box::new(|_, _| ErrorCode::ClusterAuthorizationFailed)
            }
            _ if !may_use => Box::new(|_, _| ErrorCode::TransactionalIdAuthorizationFailed),
            _ if !denied.is_empty() => Box::new(move |topic, _| match denied.contains(topic) {
                true => ErrorCode::TopicAuthorizationFailed,
                false => ErrorCode::OperationNotAttempted,
            }),
            Ok(partitions) => self.ask(&txn, partitions, call.version).await,
            Err(missing) => Box::new(move |topic: &str, index: i32| {
                match missing.get(topic).is_some_and(|of| of.contains(&index)) {
                    true => ErrorCode::UnknownTopicOrPartition,
                    false => ErrorCode::OperationNotAttempted,
                }
            }),
        };
        let mut answer = |topic: AddPartitionsToTxnTopic| AddPartitionsToTxnTopicResult {
            results_by_partition: topic
                .partitions
                .iter()
                .map(|index| AddPartitionsToTxnPartitionResult {
                    partition_index: *index,
                    partition_error_code: call.note(errors(&topic.name, *index)),
                })
                .collect(),
            name: topic.name,
        };
        AddPartitionsToTxnResult {
            transactional_id: txn.transactional_id,
            topic_results: txn.topics.into_iter().map(&mut answer).collect(),
        }
    }

    /// The error of each partition.
    async fn ask(
        &self,
        txn: &AddPartitionsToTxnTransaction,
        partitions: Partitions,
        version: i16,
    ) -> Errors {
        let producer = ProducerKey {
            id: txn.producer_id,
            epoch: txn.producer_epoch,
        };
        let named = (txn.transactional_id.as_str(), producer);
        let protocol = match version {
            FROM_BROKERS.. => EPOCH_BUMP,
            _ => 0,
        };
        let done = if txn.verify_only {
            self.transactions.missing(named, &partitions).await
        } else {
            let added = self.transactions.add(named, &partitions, protocol).await;
            added.map(|()| Vec::new())
        };
        match done {
            Ok(missing) => Box::new(move |topic, index| {
                match missing.iter().any(|(t, i)| &**t == topic && *i == index) {
                    true => ErrorCode::TransactionAbortable,
                    false => ErrorCode::None,
                }
            }),
            Err(ErrorCode::ProducerFenced) if version < KNOWS_FENCED => {
                Box::new(|_, _| ErrorCode::InvalidProducerEpoch)
            }
            Err(error) => Box::new(move |_, _| error),
        }
    }
}

/// What is said of a topic's partition.
type Errors = Box<dyn Fn(&str, i32) -> ErrorCode + Send>;

/// The partitions of a request, or those that don't exist.
fn wanted(
    table: &TopicTable,
    topics: &[AddPartitionsToTxnTopic],
) -> Result<Partitions, Partitions> {
    let (mut known, mut missing) = (Partitions::new(), Partitions::new());
    for topic in topics {
        let found = table.named(&topic.name);
        for index in &topic.partitions {
            let exists = found.is_some_and(|found| found.has_partition(*index));
            let list = if exists { &mut known } else { &mut missing };
            let of_topic = list.entry(Arc::from(topic.name.as_str())).or_default();
            of_topic.insert(*index);
        }
    }
    if missing.is_empty() {
        Ok(known)
    } else {
        Err(missing)
    }
}

impl Answer for AddPartitionsToTxn {
    type Request = AddPartitionsToTxnRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::AddPartitionsToTxn, 0, 5);

    async fn answer(
        &self,
        request: AddPartitionsToTxnRequest,
        call: &mut Call<'_>,
    ) -> AddPartitionsToTxnResponse {
        let mut response = AddPartitionsToTxnResponse::default();
        if call.version >= FROM_BROKERS {
            for txn in request.transactions {
                let result = self.one(txn, call).await;
                response.results_by_transaction.push(result);
            }
            return response;
        }
        let txn = AddPartitionsToTxnTransaction {
            transactional_id: request.v3_and_below_transactional_id,
            producer_id: request.v3_and_below_producer_id,
            producer_epoch: request.v3_and_below_producer_epoch,
            topics: request.v3_and_below_topics,
            ..AddPartitionsToTxnTransaction::default()
        };
        response.results_by_topic_v3_and_below = self.one(txn, call).await.topic_results;
        response
    }
}
