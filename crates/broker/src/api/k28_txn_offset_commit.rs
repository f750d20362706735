//! TxnOffsetCommit, key 28, versions 0–5.
//!
//! - Offsets of a group that count once the transaction is committed. From version 3 the member says
//!   who it is, so that one that was replaced can't commit (KIP-447).
//! - Up to version 4 the group's partition must be part of the transaction already
//!   (AddOffsetsToTxn); from 5 it becomes part of it (KIP-890).
//! - Topics and partitions that don't exist are answered one by one, the rest is committed.
//! - Before version 2 COORDINATOR_LOAD_IN_PROGRESS is called COORDINATOR_NOT_AVAILABLE.

use std::sync::Arc;

use limpid_coordinator::transactions::{Partitions, ProducerKey};
use limpid_platform::sabotage::Bug;
use limpid_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestTopic,
};
use limpid_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponse, TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::groups::Groups;
use crate::groups::topic::OFFSETS_TOPIC;
use crate::handler::{Answer, ApiRange, Call};
use crate::topics::{TopicTable, Topics};
use crate::transactions::{Admission, Transactions};

/// Version from which COORDINATOR_LOAD_IN_PROGRESS is known.
const KNOWS_LOADING: i16 = 2;

/// Answers TxnOffsetCommit.
pub struct TxnOffsetCommit {
    groups: Arc<Groups>,
    transactions: Arc<Transactions>,
    topics: Arc<Topics>,
}

/// The errors of partitions that are not committed, and what is common to the others.
type Outcome = Result<Vec<TxnOffsetCommitResponseTopic>, ErrorCode>;

impl TxnOffsetCommit {
    /// `topics` tell which partitions exist.
    pub fn new(groups: Arc<Groups>, transactions: Arc<Transactions>, topics: Arc<Topics>) -> Self {
        Self {
            groups,
            transactions,
            topics,
        }
    }

    async fn commit(&self, request: TxnOffsetCommitRequest, version: i16) -> Outcome {
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let group = request.group_id.clone();
        let producer = ProducerKey {
            id: request.producer_id,
            epoch: request.producer_epoch,
        };
        let admission = match version {
            ..4 => Admission::VerifyOld,
            4 => Admission::Verify,
            5.. => Admission::Add,
        };
        let raises_epoch = admission == Admission::Add;
        let permit =
            self.groups
                .permit_transaction(&group, (producer.id, producer.epoch), raises_epoch);
        let (index, permit) = permit.await?;
        if permit.is_some() {
            let partitions = Partitions::from([(Arc::from(OFFSETS_TOPIC), [index].into())]);
            let named = (request.transactional_id.as_str(), producer);
            let refused = self.transactions.admit(named, &partitions, admission).await;
            if let Some(error) = refused.into_values().next() {
                return Err(error);
            }
        }
        if Bug::ForgetTransactionalOffsets.is_planted() {
            let topics = request.topics.into_iter();
            return Ok(topics.map(|topic| refuse(topic, ErrorCode::None)).collect());
        }
        let step = self
            .groups
            .step_in_transaction(&group, permit, |coordinator, now, out| {
                coordinator.commit_in_transaction(now, request, out)
            });
        let done = step.await?;
        let answered = done.value?;
        done.written?;
        let topic = |topic: limpid_protocol::messages::offset_commit_response::OffsetCommitResponseTopic| {
            TxnOffsetCommitResponseTopic {
                name: topic.name,
                partitions: topic
                    .partitions
                    .into_iter()
                    .map(|p| TxnOffsetCommitResponsePartition {
                        partition_index: p.partition_index,
                        error_code: p.error_code,
                    })
                    .collect(),
            }
        };
        Ok(answered.into_iter().map(topic).collect())
    }
}

impl Answer for TxnOffsetCommit {
    type Request = TxnOffsetCommitRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::TxnOffsetCommit, 0, 5);

    async fn answer(
        &self,
        mut request: TxnOffsetCommitRequest,
        call: &mut Call<'_>,
    ) -> TxnOffsetCommitResponse {
        let mut response = TxnOffsetCommitResponse::default();
        let id = &request.transactional_id;
        let denied = if !call.may(Operation::Write, ResourceKind::TransactionalId, id) {
            Some(ErrorCode::TransactionalIdAuthorizationFailed)
        } else if !call.may(Operation::Read, ResourceKind::Group, &request.group_id) {
            Some(ErrorCode::GroupAuthorizationFailed)
        } else {
            None
        };
        let table = self.topics.table();
        let mut known = Vec::new();
        for topic in std::mem::take(&mut request.topics) {
            if let Some(error) = denied {
                response.topics.push(refuse(topic, error));
                continue;
            }
            if !call.may(Operation::Read, ResourceKind::Topic, &topic.name) {
                let error = ErrorCode::TopicAuthorizationFailed;
                response.topics.push(refuse(topic, error));
                continue;
            }
            let (good, bad) = sort(&table, topic);
            known.extend(good);
            response.topics.extend(bad);
        }
        drop(table);
        if !known.is_empty() {
            let wanted = known.clone();
            request.topics = known;
            match self.commit(request, call.version).await {
                Ok(topics) => merge(&mut response.topics, topics),
                Err(error) => {
                    let error = match error {
                        ErrorCode::CoordinatorLoadInProgress if call.version < KNOWS_LOADING => {
                            ErrorCode::CoordinatorNotAvailable
                        }
                        other => other,
                    };
                    let refused = wanted.into_iter().map(|topic| refuse(topic, error));
                    merge(&mut response.topics, refused.collect());
                }
            }
        }
        for partition in response.topics.iter().flat_map(|t| &t.partitions) {
            let code = ErrorCode::from_code(partition.error_code);
            call.note(code.unwrap_or(ErrorCode::UnknownServerError));
        }
        response
    }
}

/// What of a topic exists, and the answer to the rest.
fn sort(
    table: &TopicTable,
    mut topic: TxnOffsetCommitRequestTopic,
) -> (
    Option<TxnOffsetCommitRequestTopic>,
    Option<TxnOffsetCommitResponseTopic>,
) {
    let found = table.named(&topic.name);
    let partitions = std::mem::take(&mut topic.partitions);
    let (good, bad): (Vec<_>, Vec<_>) = partitions
        .into_iter()
        .partition(|p| found.is_some_and(|t| t.has_partition(p.partition_index)));
    let with = |partitions| TxnOffsetCommitRequestTopic {
        name: topic.name.clone(),
        partitions,
    };
    let missing = ErrorCode::UnknownTopicOrPartition;
    let refused = (!bad.is_empty()).then(|| refuse(with(bad), missing));
    ((!good.is_empty()).then(|| with(good)), refused)
}

fn refuse(topic: TxnOffsetCommitRequestTopic, error: ErrorCode) -> TxnOffsetCommitResponseTopic {
    let partitions = topic.partitions.iter();
    TxnOffsetCommitResponseTopic {
        partitions: partitions
            .map(|p| TxnOffsetCommitResponsePartition {
                partition_index: p.partition_index,
                error_code: error.code(),
            })
            .collect(),
        name: topic.name,
    }
}

/// Adds answers to those that are there, without naming a topic twice.
fn merge(answers: &mut Vec<TxnOffsetCommitResponseTopic>, more: Vec<TxnOffsetCommitResponseTopic>) {
    for topic in more {
        match answers.iter_mut().find(|known| known.name == topic.name) {
            Some(known) => known.partitions.extend(topic.partitions),
            None => answers.push(topic),
        }
    }
}
