//! Transactions do not exist yet, and say so.

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::InitProducerIdRequest;

use crate::home::Home;

#[test]
fn a_transactional_id_is_refused_and_idempotent_producers_are_not() {
    let home = Home::start();
    let mut client = home.client();
    let mut request = InitProducerIdRequest {
        transactional_id: Some("pay".to_owned()),
        transaction_timeout_ms: 60_000,
        producer_id: -1,
        producer_epoch: -1,
        ..InitProducerIdRequest::default()
    };
    let refused = client.call(&request, 4);
    assert_eq!(refused.error_code, ErrorCode::InvalidRequest.code());
    assert_eq!((refused.producer_id, refused.producer_epoch), (-1, -1));
    request.transactional_id = None;
    let ids = [client.call(&request, 4), client.call(&request, 4)].map(|answer| {
        assert_eq!((answer.error_code, answer.producer_epoch), (0, 0));
        answer.producer_id
    });
    assert_ne!(ids[0], ids[1]);
}
