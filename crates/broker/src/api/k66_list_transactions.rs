//! ListTransactions, key 66, versions 0–2.
//!
//! - The transactional ids that this broker coordinates, by state and producer; from version 1 by
//!   how long they run (KIP-994), from 2 by a regular expression over the id (KIP-1152).
//! - Names of states that don't exist are told back.

use std::sync::Arc;

use limpid_coordinator::transactions::{Filter, Transaction};
use limpid_protocol::messages::{ListTransactionsRequest, ListTransactionsResponse};
use limpid_protocol::{ApiKey, ErrorCode};
use regex_lite::{Regex, RegexBuilder};

use crate::access::{Operation, ResourceKind};
use crate::handler::{Answer, ApiRange, Call};
use crate::transactions::Transactions;

/// Most memory that a client's expression may take.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// Answers ListTransactions.
pub struct ListTransactions {
    transactions: Arc<Transactions>,
}

impl ListTransactions {
    /// `transactions` are listed.
    pub fn new(transactions: Arc<Transactions>) -> Self {
        Self { transactions }
    }

    fn list(
        &self,
        request: ListTransactionsRequest,
    ) -> Result<ListTransactionsResponse, ErrorCode> {
        let pattern = match request.transactional_id_pattern.as_deref() {
            None | Some("") => None,
            Some(pattern) => Some(whole(pattern)?),
        };
        let filter = Filter {
            producer_ids: request.producer_id_filters.into_iter().collect(),
            longer_than_ms: request.duration_filter,
            ..Filter::default()
        };
        let (filter, unknown_state_filters) = filter.with_states(&request.state_filters);
        let mut transaction_states = self.transactions.list(&filter, Transaction::listed)?;
        if let Some(pattern) = pattern {
            transaction_states.retain(|txn| pattern.is_match(&txn.transactional_id));
        }
        Ok(ListTransactionsResponse {
            unknown_state_filters,
            transaction_states,
            ..ListTransactionsResponse::default()
        })
    }
}

/// An expression that has to match a whole id.
fn whole(pattern: &str) -> Result<Regex, ErrorCode> {
    RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|_| ErrorCode::InvalidRegularExpression)
}

impl Answer for ListTransactions {
    type Request = ListTransactionsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ListTransactions, 0, 2);

    async fn answer(
        &self,
        request: ListTransactionsRequest,
        call: &mut Call<'_>,
    ) -> ListTransactionsResponse {
        match self.list(request) {
            Ok(mut response) => {
                let seen =
                    |id: &str| call.sees(Operation::Describe, ResourceKind::TransactionalId, id);
                let states = &mut response.transaction_states;
                states.retain(|txn| seen(&txn.transactional_id));
                response
            }
            Err(error) => ListTransactionsResponse {
                error_code: call.note(error),
                ..ListTransactionsResponse::default()
            },
        }
    }
}
