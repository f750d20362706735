//! DescribeTransactions, key 65, version 0.
//!
//! - What the coordinator knows of transactional ids (KIP-664): the producer, the state, and since
//!   when which partitions are part of the transaction.

use std::sync::Arc;

use limpid_coordinator::transactions::Transaction;
use limpid_protocol::messages::DescribeTransactionsRequest;
use limpid_protocol::messages::describe_transactions_response::{
    DescribeTransactionsResponse, TransactionState,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::handler::{Answer, ApiRange, Call};
use crate::transactions::Transactions;

/// Answers DescribeTransactions.
pub struct DescribeTransactions {
    transactions: Arc<Transactions>,
}

impl DescribeTransactions {
    /// `transactions` are looked at.
    pub fn new(transactions: Arc<Transactions>) -> Self {
        Self { transactions }
    }
}

impl Answer for DescribeTransactions {
    type Request = DescribeTransactionsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DescribeTransactions, 0, 0);

    async fn answer(
        &self,
        request: DescribeTransactionsRequest,
        call: &mut Call<'_>,
    ) -> DescribeTransactionsResponse {
        let ids = request.transactional_ids.into_iter();
        let states = ids.map(|id| {
            let found = match call.may(Operation::Describe, ResourceKind::TransactionalId, &id) {
                true => self.transactions.describe(&id, Transaction::described),
                false => Err(ErrorCode::TransactionalIdAuthorizationFailed),
            };
            found.unwrap_or_else(|error| TransactionState {
                error_code: call.note(error),
                transactional_id: id,
                ..TransactionState::default()
            })
        });
        DescribeTransactionsResponse {
            transaction_states: states.collect(),
            ..DescribeTransactionsResponse::default()
        }
    }
}
