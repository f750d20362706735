//! The broker's own topics, before anything needed them.

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::metadata_request::MetadataRequestTopic;
use limpid_protocol::messages::{MetadataRequest, MetadataResponse};

use crate::home::{Client, Home};

const NAMES: [&str; 3] = [
    "__consumer_offsets",
    "__transaction_state",
    "__share_group_state",
];

fn ask(client: &mut Client, name: &str, may_create: bool) -> MetadataResponse {
    let topic = MetadataRequestTopic {
        name: Some(name.to_owned()),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: Some(vec![topic]),
        allow_auto_topic_creation: may_create,
        ..MetadataRequest::default()
    };
    client.call(&request, 12)
}

#[test]
fn a_client_that_asks_for_them_and_may_make_topics_gets_them() {
    let home = Home::start();
    let mut client = home.client();
    for name in NAMES {
        let answer = ask(&mut client, name, false);
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        assert_eq!(answer.topics[0].error_code, unknown, "{name}");
        let answer = ask(&mut client, name, true);
        let topic = &answer.topics[0];
        assert_eq!(topic.error_code, 0, "{name}");
        assert!(topic.is_internal && topic.partitions.len() > 1, "{topic:?}");
    }
}
