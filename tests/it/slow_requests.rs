//! Requests that the broker was slow with.

use std::sync::Arc;

use limpid_cluster::SlowRequest;
use limpid_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

use crate::home::{Client, Home, fetch, until};

/// The codes of a broker as a resource, and of setting a value.
const BROKER: i8 = 4;
const SET: i8 = 0;

fn slow(home: &Home, api: &str) -> Option<Arc<SlowRequest>> {
    let all = home.server().cluster().slow_requests();
    all.into_iter().find(|request| request.api == api)
}

fn alter(client: &mut Client, slow_ms: &str) {
    let entry = AlterableConfig {
        name: "limpid.request.slow.ms".to_owned(),
        config_operation: SET,
        value: Some(slow_ms.to_owned()),
    };
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: BROKER,
            resource_name: String::new(),
            configs: vec![entry],
        }],
        ..IncrementalAlterConfigsRequest::default()
    };
    let answer = client.call(&request, 1);
    assert_eq!(answer.responses[0].error_code, 0, "{answer:?}");
}

#[test]
fn a_slow_request_is_kept_with_who_sent_it_and_where_its_time_went() {
    let home = Home::with(&["limpid.request.slow.ms=0"]);
    let mut client = home.client();
    client.create("orders");
    client.produce("orders", b"first");
    let request = until("slow request", || slow(&home, "Produce"));
    assert_eq!((request.version, request.error), (9, "NONE"));
    assert_eq!(request.client_id, "it");
    assert_eq!(request.principal, "User:ANONYMOUS");
    assert_eq!(request.listener, "PLAINTEXT");
    assert!(request.address.starts_with("127.0.0.1:"), "{request:?}");
    assert_eq!(request.topics, ["orders"]);
    assert_eq!(request.topics_left_out, 0);
    let stages: f64 = request.stages.iter().map(|stage| stage.ms).sum();
    let received = request.stages.iter().find(|stage| stage.stage == "receive");
    let received = received.unwrap().ms;
    assert!(
        (stages - received - request.total_ms).abs() < 0.001,
        "{request:?}"
    );
    let metrics = home.scrape();
    for line in [
        "limpid_slow_requests_total{api=\"Produce\"} 1\n",
        "limpid_recorder_entries_max{recorder=\"slow_requests\"} 256\n",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[test]
fn what_a_client_asked_to_wait_for_is_not_slow_and_the_threshold_can_be_altered() {
    let home = Home::with(&["limpid.request.slow.ms=-1"]);
    let mut client = home.client();
    client.create("orders");
    client.produce("orders", b"first");
    assert!(home.server().cluster().slow_requests().is_empty());
    alter(&mut client, "0");
    until("slow request", || {
        client.produce("orders", b"again");
        slow(&home, "Produce")
    });
    alter(&mut client, "60000");
    let before = until("end of slow requests", || {
        let before = home.server().cluster().slow_requests().len();
        // A request is counted before the next one of its connection is read.
        client.produce("orders", b"and again");
        client.produce("orders", b"and again");
        (home.server().cluster().slow_requests().len() == before).then_some(before)
    });
    alter(&mut client, "300");
    // The ticker takes it over within a second; the fetch waits for longer than that.
    let end = client.produce("orders", b"last") + 1;
    client.call(&fetch("orders", end, 1, 2_500), 11);
    client.produce("orders", b"after it");
    let all = home.server().cluster().slow_requests();
    let late: Vec<_> = all.iter().take(all.len() - before).collect();
    assert!(
        late.iter().all(|request| request.api != "Fetch"),
        "{late:?}"
    );
}
