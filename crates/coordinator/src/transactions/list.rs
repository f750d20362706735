//! ListTransactions and DescribeTransactions.

use std::collections::BTreeSet;

use limpid_protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use limpid_protocol::messages::list_transactions_response as listed;

use super::state::TxnState;
use super::transaction::Transaction;

/// States that Kafka knows and that are never seen.
const UNSEEN: [&str; 2] = ["Dead", "PrepareEpochFence"];

/// Which transactions are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only these states, if there are some.
    pub states: Option<BTreeSet<TxnState>>,
    /// Only these producers, if there are some.
    pub producer_ids: BTreeSet<i64>,
    /// Only those running for longer than that; negative for all.
    pub longer_than_ms: i64,
}

impl Filter {
    /// Reads names of states; those that don't exist come back.
    pub fn with_states(mut self, names: &[String]) -> (Self, Vec<String>) {
        if names.is_empty() {
            return (self, Vec::new());
        }
        let by_name = |name: &String| TxnState::ALL.into_iter().find(|s| s.as_str() == name);
        self.states = Some(names.iter().filter_map(by_name).collect());
        let unknown = names
            .iter()
            .filter(|name| by_name(name).is_none() && !UNSEEN.contains(&name.as_str()));
        (self, unknown.cloned().collect())
    }

    /// Whether `txn` is asked for.
    pub fn takes(&self, txn: &Transaction, now_ms: i64) -> bool {
        let of_state = self.states.as_ref().is_none_or(|s| s.contains(&txn.state));
        let of_producer =
            self.producer_ids.is_empty() || self.producer_ids.contains(&txn.producer.id);
        let runs_ms = now_ms.saturating_sub(txn.started_ms);
        of_state && of_producer && (self.longer_than_ms < 0 || runs_ms > self.longer_than_ms)
    }
}

impl Transaction {
    /// As ListTransactions tells it.
    pub fn listed(&self) -> listed::TransactionState {
        listed::TransactionState {
            transactional_id: self.id.to_string(),
            producer_id: self.producer.id,
            transaction_state: self.state.as_str().to_owned(),
        }
    }

    /// As DescribeTransactions tells it.
    pub fn described(&self) -> TransactionState {
        let topics = self.partitions.iter();
        TransactionState {
            transactional_id: self.id.to_string(),
            transaction_state: self.state.as_str().to_owned(),
            transaction_timeout_ms: self.timeout_ms,
            transaction_start_time_ms: self.started_ms,
            producer_id: self.producer.id,
            producer_epoch: self.producer.epoch,
            topics: topics
                .map(|(topic, partitions)| TopicData {
                    topic: topic.to_string(),
                    partitions: partitions.iter().copied().collect(),
                })
                .collect(),
            ..TransactionState::default()
        }
    }
}
