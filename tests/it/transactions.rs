//! Producers with a transactional id and without.

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::{
    FindCoordinatorRequest, InitProducerIdRequest, InitProducerIdResponse,
};

use crate::home::{Client, Home, until};

/// `FindCoordinatorRequest.key_type` of transactions.
const TRANSACTION: i8 = 1;

fn init(client: &mut Client, transactional_id: Option<&str>) -> InitProducerIdResponse {
    let request = InitProducerIdRequest {
        transactional_id: transactional_id.map(str::to_owned),
        transaction_timeout_ms: 60_000,
        producer_id: -1,
        producer_epoch: -1,
        ..InitProducerIdRequest::default()
    };
    until("producer id", || {
        let answer = client.call(&request, 4);
        if answer.error_code == ErrorCode::CoordinatorLoadInProgress.code() {
            return None;
        }
        assert_eq!(answer.error_code, 0, "{answer:?}");
        Some(answer)
    })
}

#[test]
fn a_transactional_id_keeps_its_producer_and_raises_its_epoch() {
    let home = Home::start();
    let mut client = home.client();
    let find = FindCoordinatorRequest {
        key_type: TRANSACTION,
        key: "pay".to_owned(),
        ..FindCoordinatorRequest::default()
    };
    assert_eq!(client.call(&find, 3).error_code, 0);
    let before = init(&mut client, Some("pay"));
    let home = home.restart();
    let mut client = home.client();
    let after = init(&mut client, Some("pay"));
    assert_eq!(after.producer_id, before.producer_id);
    assert!(after.producer_epoch > before.producer_epoch, "{after:?}");
    let others = [None, None].map(|nobody| init(&mut client, nobody));
    assert!(others.iter().all(|answer| answer.producer_epoch == 0));
    assert_ne!(others[0].producer_id, others[1].producer_id);
    assert_ne!(others[0].producer_id, after.producer_id);
}
