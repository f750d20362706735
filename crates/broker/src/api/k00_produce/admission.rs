//! What has to be settled before batches of a transaction are appended.
//!
//! A partition's first batch in a transaction is written only if the coordinator knows that the
//! partition is part of it. Up to version 11 the producer has told it before and is checked here;
//! from version 12 the batch itself tells it (KIP-890). Later batches need no question: the log
//! knows that the transaction is open.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use limpid_coordinator::transactions::{Partitions, ProducerKey};
use limpid_protocol::ErrorCode;
use limpid_protocol::messages::produce_request::ProduceRequest;
use limpid_protocol::records::BatchHeader;
use limpid_storage::{AppendError, TxnPermit};

use super::refusal::Refusal;
use crate::topics::{Partition, TopicTable};
use crate::transactions::{Admission, Transactions};

/// What the log is shown with a batch; `None` if its transaction is open there.
pub(super) type Permit = Option<TxnPermit>;

/// The answers for the transactional batches of one request.
#[derive(Default)]
pub(super) struct Admitted {
    /// What is wrong with the request as a whole.
    refused: Option<(ErrorCode, &'static str)>,
    /// By position of the topic in the request, and partition.
    permits: HashMap<(usize, i32), Result<Permit, Refusal>>,
}

impl Admitted {
    /// What became of a batch; nothing, if it is not part of a transaction.
    pub(super) fn take(&mut self, topic: usize, partition: i32) -> Result<Permit, Refusal> {
        if let Some((error, message)) = self.refused {
            return Err(Refusal::new(error, message.to_owned()));
        }
        // Most requests have none, and need no hash to know that.
        if self.permits.is_empty() {
            return Ok(None);
        }
        self.permits.remove(&(topic, partition)).unwrap_or(Ok(None))
    }

    fn refuse_all(error: ErrorCode, message: &'static str) -> Self {
        Self {
            refused: Some((error, message)),
            ..Self::default()
        }
    }
}

/// One batch of a transaction.
struct Wanted {
    place: (usize, i32),
    topic: Arc<str>,
    partition: Arc<Partition>,
    base_sequence: i32,
}

/// Settles it for a whole request.
pub(super) async fn admit(
    transactions: &Transactions,
    table: &TopicTable,
    request: &ProduceRequest,
    version: i16,
) -> Admitted {
    let (wanted, producers, some) = transactional(table, request, version);
    let id = request.transactional_id.as_deref();
    if some && id.is_none() {
        let message = "a batch of a transaction needs a transactional id";
        return Admitted::refuse_all(ErrorCode::TransactionalIdAuthorizationFailed, message);
    }
    let mut producers = producers.into_iter();
    let (Some(producer), Some(id)) = (producers.next(), id) else {
        return Admitted::default();
    };
    if producers.next().is_some() {
        let message = "the batches of one request belong to several producers";
        return Admitted::refuse_all(ErrorCode::InvalidProducerIdMapping, message);
    }
    let admission = match version {
        ..11 => Admission::VerifyOld,
        11 => Admission::Verify,
        12.. => Admission::Add,
    };
    let mut admitted = Admitted::default();
    let mut asked = Partitions::new();
    for one in &wanted {
        let raises_epoch = admission == Admission::Add;
        let log = &one.partition.log;
        let key = (producer.id, producer.epoch);
        let permit = log.permit_transaction(key, one.base_sequence, raises_epoch);
        if let Ok(Some(_)) = permit {
            let of_topic = asked.entry(Arc::clone(&one.topic)).or_default();
            of_topic.insert(one.partition.index);
        }
        let permit = permit.map_err(|error: AppendError| error.into());
        admitted.permits.insert(one.place, permit);
    }
    if !asked.is_empty() {
        let refused = transactions.admit((id, producer), &asked, admission).await;
        for one in &wanted {
            let key = (Arc::clone(&one.topic), one.partition.index);
            if let Some(error) = refused.get(&key) {
                let refusal = refusal(*error, admission);
                admitted.permits.insert(one.place, Err(refusal));
            }
        }
    }
    admitted
}

/// The batches of transactions in a request, who wrote them, and whether there are any (what has
/// no producer is refused when it is looked at closely).
fn transactional(
    table: &TopicTable,
    request: &ProduceRequest,
    version: i16,
) -> (Vec<Wanted>, HashSet<ProducerKey>, bool) {
    let (mut wanted, mut producers, mut some) = (Vec::new(), HashSet::new(), false);
    for (position, data) in request.topic_data.iter().enumerate() {
        for partition in &data.partition_data {
            let records = partition.records.as_deref().unwrap_or_default();
            let header = BatchHeader::parse(records).ok();
            let header = header.filter(|header| header.attributes.is_transactional());
            some |= header.is_some();
            let header = header.filter(BatchHeader::has_producer);
            let Some(header) = header else { continue };
            producers.insert(ProducerKey {
                id: header.producer_id,
                epoch: header.producer_epoch,
            });
            let topic = match version {
                13.. => table.with_id(data.topic_id),
                _ => table.named(&data.name),
            };
            let found = topic.and_then(|t| Some((t, t.partition(partition.index)?)));
            if let Some((topic, found)) = found {
                wanted.push(Wanted {
                    place: (position, partition.index),
                    topic: Arc::clone(&topic.name),
                    partition: Arc::clone(found),
                    base_sequence: header.base_sequence,
                });
            }
        }
    }
    (wanted, producers, some)
}

/// In the words that a producer of that version understands: where it may try again it is told
/// NOT_ENOUGH_REPLICAS, which does not make it look for another leader.
fn refusal(error: ErrorCode, admission: Admission) -> Refusal {
    let told = match error {
        ErrorCode::CoordinatorLoadInProgress
        | ErrorCode::CoordinatorNotAvailable
        | ErrorCode::NotCoordinator => ErrorCode::NotEnoughReplicas,
        ErrorCode::ConcurrentTransactions if admission != Admission::Add => {
            ErrorCode::NotEnoughReplicas
        }
        other => other,
    };
    let name = error.name();
    let message = format!("the partition is not part of the transaction: {name}");
    Refusal::new(told, message)
}
