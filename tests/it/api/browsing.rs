//! Records over HTTP, where the broker's ACLs decide over who reads them.

use limpid_protocol::messages::create_acls_request::{AclCreation, CreateAclsRequest};
use serde_json::json;

use super::Scene;
use crate::home::until;

const PATH: &str = "/clusters/local/topics/orders/messages";
const OF_TOPIC: i8 = 2;
const LITERAL: i8 = 3;
const READ: i8 = 3;
const ALLOW: i8 = 3;
const SETTINGS: [&str; 2] = [
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users=User:ANONYMOUS",
];

fn may_read(scene: &Scene, who: &str, topic: &str) {
    let acl = AclCreation {
        resource_type: OF_TOPIC,
        resource_name: topic.to_owned(),
        resource_pattern_type: LITERAL,
        principal: format!("User:{who}"),
        host: "127.0.0.1".to_owned(),
        operation: READ,
        permission_type: ALLOW,
    };
    let request = CreateAclsRequest {
        creations: vec![acl],
    };
    let answer = scene.home.client().call(&request, 3);
    assert_eq!(answer.results[0].error_code, 0, "{answer:?}");
}

/// With a topic that the newest snapshot has.
fn scene(settings: &[&str]) -> Scene {
    let scene = Scene::with(settings);
    until("the topic", || {
        let (status, _) = scene.json("viewer", "GET", "/clusters/local/topics/orders", "");
        (status == 200).then_some(())
    });
    scene
}

#[test]
fn who_looks_at_records_needs_the_role_and_an_acl_of_their_own() {
    let scene = scene(&SETTINGS);
    let refused = scene.json("reader", "GET", PATH, "");
    assert_eq!(refused.0, 400, "{refused:?}");
    let why = refused.1["error"].as_str().unwrap();
    for word in ["User:reader", "topic orders", "operation Read"] {
        assert!(why.contains(word), "no {word} in {why}");
    }
    // Another's permission is none of theirs, nor does an ACL make up for a role.
    may_read(&scene, "viewer", "orders");
    assert_eq!(scene.json("reader", "GET", PATH, "").0, 400);
    assert_eq!(scene.json("viewer", "GET", PATH, "").0, 403);
    may_read(&scene, "reader", "orders");
    let (status, messages) = scene.json("reader", "GET", PATH, "");
    assert_eq!(status, 200, "{messages}");
    assert_eq!(messages["records"].as_array().map(Vec::len), Some(1));
    assert_eq!(messages["error"], json!(null));
    scene.home.stop();
}

#[test]
fn records_are_seen_where_clients_have_to_log_in() {
    let listeners = [
        "listeners=PLAINTEXT://127.0.0.1:0,SASL_PLAINTEXT://127.0.0.1:0",
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
        "inter.broker.listener.name=SASL_PLAINTEXT",
        "sasl.enabled.mechanisms=SCRAM-SHA-256",
        "sasl.mechanism.inter.broker.protocol=SCRAM-SHA-256",
    ];
    let scene = scene(&[&SETTINGS[..], &listeners].concat());
    may_read(&scene, "reader", "orders");
    let (status, messages) = scene.json("reader", "GET", PATH, "");
    assert_eq!(status, 200, "{messages}");
    assert_eq!(messages["records"].as_array().map(Vec::len), Some(1));
    scene.home.stop();
}
