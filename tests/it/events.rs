//! What happened to topics and groups, as their pages tell it.

use limpid_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use serde_json::Value;

use crate::audit::{OF_TOPIC, set};
use crate::home::{Home, until};
use crate::lag::commit;

/// What a page's JSON tells to have happened, once this kind is among it.
fn event(home: &Home, page: &str, kind: &str) -> Value {
    until(kind, || {
        let answer = home.get(&format!("{page}?format=json"));
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let page: Value = serde_json::from_str(body).ok()?;
        let events = page["events"].as_array()?.clone();
        events.into_iter().find(|event| event["kind"] == kind)
    })
}

#[test]
fn pages_tell_what_happened() {
    let home = Home::start();
    let mut client = home.client();
    client.create("orders");
    for _ in 0..5 {
        client.produce("orders", b"x");
    }
    let topic = "/c/local/topics/orders";
    let made = event(&home, topic, "created");
    assert_eq!(made["what"], "made with 1 partitions");
    assert_eq!(
        set(&mut client, OF_TOPIC, "orders", "retention.ms", "123456"),
        0
    );
    let changed = event(&home, topic, "changed");
    let words = "retention.ms: unset became 123456, by User:ANONYMOUS";
    assert_eq!(changed["what"], words);
    let partition = DeleteRecordsPartition {
        partition_index: 0,
        offset: 3,
    };
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: "orders".to_owned(),
            partitions: vec![partition],
        }],
        timeout_ms: 1000,
    };
    let answer = client.call(&request, 2);
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
    let deleted = event(&home, topic, "records_deleted");
    assert_eq!(deleted["partition"], 0);
    assert_eq!(deleted["what"], "began at 0, begins at 3 now (3 offsets)");

    commit(&mut client, "billing", "orders", 5);
    let group = "/c/local/groups/billing";
    event(&home, group, "created");
    commit(&mut client, "billing", "orders", 4);
    let reset = event(&home, group, "offset_reset");
    assert_eq!(reset["what"], "orders-0 from 5 back to 4");
    for page in [topic, group] {
        let html = home.get(page);
        assert!(html.contains("What happened"), "{html}");
    }
    assert!(
        home.get(topic)
            .contains("retention.ms: unset became 123456")
    );
    let metrics = home.scrape();
    let limit = "limpid_recorders_max{recorder=\"events\"} 4096\n";
    assert!(metrics.contains(limit), "{metrics}");
    // What is gone has no past.
    client.delete("orders");
    until("end of the recorder", || {
        let events = home.server().cluster().topic_events("orders");
        events.is_empty().then_some(())
    });
}
