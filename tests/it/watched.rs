//! What is known of clients: by the canary, by what they push, and by what the broker sees of them.

use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

use limpid_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use limpid_protocol::messages::{GetTelemetrySubscriptionsRequest, PushTelemetryRequest};

use crate::home::{Client, Home, PATIENCE, until};
use crate::measured::{at_least, json, value};
use crate::receiver::take_post;

const TOPIC: i8 = 2;
const SET: i8 = 0;
const DELETE: i8 = 1;

fn alter(client: &mut Client, topic: &str, (key, value): (&str, Option<&str>), operation: i8) {
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: TOPIC,
            resource_name: topic.to_owned(),
            configs: vec![AlterableConfig {
                name: key.to_owned(),
                config_operation: operation,
                value: value.map(str::to_owned),
            }],
        }],
        validate_only: false,
    };
    let response = client.call(&request, 1);
    assert_eq!(response.responses[0].error_code, 0, "{response:?}");
}

#[test]
fn the_canary_tells_how_long_a_record_takes_and_what_fails() {
    let settings = [
        "limpid.canary.topic=canary",
        "limpid.canary.interval.ms=100",
    ];
    let home = Home::with(&settings);
    let rounds = "limpid_canary_seconds_count ";
    let failed = "limpid_canary_failures_total{stage=\"produce\"} ";
    at_least(&home, rounds, 3.0);
    let page = home.scrape();
    let seconds = value(&page, "limpid_canary_seconds_sum ").unwrap();
    assert!(seconds > 0.0 && seconds < 30.0, "{seconds}");
    let last = value(&page, "limpid_canary_last_success_timestamp_seconds ").unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!((now.as_secs_f64() - last).abs() < 60.0, "{last}");
    assert_eq!(value(&page, failed), Some(0.0));

    // A topic that takes nothing: the broker refuses, and the canary says so and goes on.
    let mut client = home.client();
    alter(&mut client, "canary", ("max.message.bytes", Some("1")), SET);
    at_least(&home, failed, 2.0);
    let before = value(&home.scrape(), rounds).unwrap();
    alter(&mut client, "canary", ("max.message.bytes", None), DELETE);
    at_least(&home, rounds, before + 3.0);
}

/// A field of a message of protobuf with a length.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 128, "one byte of length");
    let length = u8::try_from(bytes.len()).unwrap();
    [&[tag << 3 | 2, length], bytes].concat()
}

/// OpenTelemetry's message of one gauge.
pub fn gauge(name: &str, value: f64) -> Vec<u8> {
    let point = [&[4 << 3 | 1][..], &value.to_bits().to_le_bytes()].concat();
    let gauge = field(5, &field(1, &point));
    let metric = [field(1, name.as_bytes()), gauge].concat();
    field(1, &field(2, &field(2, &metric)))
}

#[test]
fn what_a_client_pushes_is_on_its_page_and_goes_on_to_a_receiver() {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap();
    let forward = format!("limpid.client.metrics.forward.endpoint=http://{address}/v1/metrics");
    let home = Home::with(&[&forward]);
    let mut client = home.client();
    client.create("t");
    for _ in 0..20 {
        client.produce("t", b"v");
    }
    let asked = client.call(&GetTelemetrySubscriptionsRequest::default(), 0);
    assert_eq!(asked.error_code, 0, "{asked:?}");
    let pushed = [
        gauge("org.apache.kafka.producer.buffer.total.bytes", 1_000.0),
        gauge("org.apache.kafka.producer.buffer.available.bytes", 50.0),
        gauge("org.apache.kafka.producer.bufferpool.wait.ratio", 0.25),
    ];
    let push = PushTelemetryRequest {
        client_instance_id: asked.client_instance_id,
        subscription_id: asked.subscription_id,
        terminating: false,
        compression_type: 0,
        metrics: pushed.concat().into(),
    };
    let answer = client.call(&push, 0);
    assert_eq!(answer.error_code, 0, "{answer:?}");

    let (mut stream, _) = receiver.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (_, body) = take_post(&mut stream);
    let has = |text: &[u8]| body.windows(text.len()).any(|found| found == text);
    assert!(has(b"bufferpool.wait.ratio") && has(b"client_instance_id"));
    assert!(has(b"client_id") && has(b"client_source_address"));
    let sent = "limpid_client_metrics_forwards_total{outcome=\"sent\"} ";
    at_least(&home, sent, 1.0);

    let page = until("the client's page", || {
        let page = json(&home, "/c/local/clients/it")?;
        let is_whole = page["buffers"][0]["wait"].is_number() && page["seen"][0].is_object();
        is_whole.then_some(page)
    });
    let buffer = &page["buffers"][0];
    assert!(
        (buffer["used"].as_f64().unwrap() - 0.95).abs() < 1e-9,
        "{buffer}"
    );
    assert_eq!(page["pushed"].as_array().map(Vec::len), Some(3));
    let seen = &page["seen"][0];
    assert_eq!(seen["principal"], "User:ANONYMOUS");
    assert_eq!(seen["host"], "127.0.0.1");
    assert_eq!(seen["connections"], 1);
    assert!(seen["requests"].as_u64() >= Some(22), "{seen}");
    let append = seen["stages"].as_array().unwrap().iter();
    let append = append.filter(|stage| stage["stage"] == "local_append");
    let seconds: f64 = append.map(|s| s["seconds"].as_f64().unwrap()).sum();
    assert!(seconds > 0.0, "{seen}");
    let said = until("what is found of it", || {
        let page = json(&home, "/c/local/clients/it")?;
        page["findings"][0]["sentence"].as_str().map(str::to_owned)
    });
    assert_eq!(
        said,
        "Producer it waits for room in its own buffer for 25 % of the time."
    );
    let html = home.get("/c/local/clients/it");
    assert!(html.contains(&said), "{html}");
    assert!(html.contains("mark attention\">short<"), "{html}");
    let all = json(&home, "/c/local/clients").unwrap();
    let listed = all["clients"].as_array().unwrap().iter();
    assert_eq!(listed.filter(|c| c["client_id"] == "it").count(), 1);
    assert!(home.get("/c/local/clients/nobody").contains("404"));
}
