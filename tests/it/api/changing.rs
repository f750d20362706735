//! Changes by `/api/v1`: who may, what comes of them, and what the audit says.

use limpid_protocol::messages::describe_configs_request::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use serde_json::{Value, json};

use super::Scene;
use crate::audit::record;
use crate::home::until;

const TOPIC: i8 = 2;
const AUDIT: &str = "limpid.audit.topic=audit";
const MADE: &str = "/clusters/local/topics/made";

/// A setting of a topic, as clients see it.
fn setting(scene: &Scene, topic: &str, key: &str) -> Option<String> {
    let request = DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: TOPIC,
            resource_name: topic.to_owned(),
            configuration_keys: Some(vec![key.to_owned()]),
        }],
        ..DescribeConfigsRequest::default()
    };
    let answer = scene.home.client().call(&request, 4);
    answer.results[0].configs[0].value.clone()
}

fn change(scene: &Scene, who: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    scene.json(who, method, path, body)
}

fn error(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"].as_str().unwrap_or("none"))
}

#[test]
fn topics_are_made_altered_and_deleted_by_admins() {
    let scene = Scene::with(&[AUDIT]);
    let body = r#"{"partitions": 3, "config": {"retention.ms": "60000"}}"#;
    for who in ["viewer", "operator"] {
        let answer = change(&scene, who, "PUT", MADE, body);
        assert_eq!(error(&answer).0, 403, "{answer:?}");
        assert!(
            error(&answer).1.contains("needs the role admin"),
            "{answer:?}"
        );
    }
    assert_eq!(scene.ask("nobody", "PUT", MADE, body).status(), 401);
    let made = change(&scene, "admin", "PUT", MADE, body);
    assert_eq!(made, (200, json!({"done": "created", "name": "made"})));
    let topic = until("the topic", || {
        let (status, topic) = scene.json("viewer", "GET", MADE, "");
        (status == 200).then_some(topic)
    });
    assert_eq!(
        topic["partitions"].as_array().map(Vec::len),
        Some(3),
        "{topic}"
    );
    assert_eq!(
        setting(&scene, "made", "retention.ms").as_deref(),
        Some("60000")
    );

    let again = change(&scene, "admin", "PUT", MADE, "{}");
    assert_eq!(error(&again).0, 400);
    assert!(
        error(&again).1.contains("TOPIC_ALREADY_EXISTS"),
        "{again:?}"
    );
    for bad in ["", "{}x", r#"{"partition": 3}"#, r#"{"partitions": "3"}"#] {
        let answer = change(&scene, "admin", "PUT", "/clusters/local/topics/other", bad);
        assert_eq!(error(&answer).0, 400, "{bad}");
        assert!(
            error(&answer).1.starts_with("the body must be like"),
            "{answer:?}"
        );
    }

    let config = format!("{MADE}/config");
    let alter = |who, body: &str| change(&scene, who, "PATCH", &config, body);
    let body = r#"{"config": {"retention.ms": null, "max.message.bytes": "2000"}}"#;
    assert_eq!(alter("operator", body).0, 403);
    let altered = alter("admin", body);
    assert_eq!(altered, (200, json!({"done": "altered", "name": "made"})));
    assert_eq!(
        setting(&scene, "made", "retention.ms").as_deref(),
        Some("604800000")
    );
    assert_eq!(
        setting(&scene, "made", "max.message.bytes").as_deref(),
        Some("2000")
    );
    let refused = alter(
        "admin",
        r#"{"config": {"max.message.bytes": "many", "retention.ms": "7"}}"#,
    );
    assert_eq!(error(&refused).0, 400);
    assert!(error(&refused).1.contains("INVALID_CONFIG"), "{refused:?}");
    assert_eq!(
        setting(&scene, "made", "retention.ms").as_deref(),
        Some("604800000")
    );

    assert_eq!(change(&scene, "operator", "DELETE", MADE, "").0, 403);
    let gone = change(&scene, "admin", "DELETE", MADE, "");
    assert_eq!(gone, (200, json!({"done": "deleted", "name": "made"})));
    assert_eq!(change(&scene, "admin", "DELETE", MADE, "").0, 404);
    let altered = record(&mut scene.home.client(), "change", |one| {
        one["action"] == "IncrementalAlterConfigs" && one["outcome"] == "NONE"
    });
    assert_eq!(altered["who"]["principal"], "User:admin", "{altered}");
    assert_eq!(altered["who"]["address"], "127.0.0.1", "{altered}");
    let told = altered["changes"].to_string();
    assert!(told.contains("\"before\":\"60000\""), "{altered}");
    scene.home.stop();
}

#[test]
fn offsets_move_and_groups_go_once_nobody_reads() {
    let scene = Scene::with(&[AUDIT]);
    let path = "/clusters/local/groups/readers";
    let offsets = format!("{path}/offsets");
    let to = |topic: &str, partition: i32, offset: i64| {
        json!({"offsets": [{"topic": topic, "partition": partition, "offset": offset}]}).to_string()
    };
    until("the group with a lag", || {
        let (_, group) = scene.json("viewer", "GET", path, "");
        (group["lag_records"] == 1).then_some(())
    });
    let reset = |who, body: &str| change(&scene, who, "PUT", &offsets, body);
    assert_eq!(reset("viewer", &to("orders", 0, 1)).0, 403);
    for (body, status, says) in [
        (to("orders", 0, 2), 400, "begins at 0 and ends at 1"),
        (to("orders", 0, -1), 400, "begins at 0 and ends at 1"),
        (to("orders", 9, 0), 404, "there is no orders-9"),
        (to("none", 0, 0), 404, "there is no none-0"),
        (r#"{"offsets": []}"#.to_owned(), 400, "no offset is named"),
    ] {
        let answer = reset("operator", &body);
        assert_eq!(error(&answer).0, status, "{answer:?}");
        assert!(error(&answer).1.contains(says), "{answer:?}");
    }
    let elsewhere = "/clusters/local/groups/nobody/offsets";
    let answer = change(&scene, "operator", "PUT", elsewhere, &to("orders", 0, 1));
    assert_eq!(error(&answer), (404, "there is no group named nobody"));

    let moved = reset("operator", &to("orders", 0, 1));
    let row = json!({"topic": "orders", "partition": 0, "before": 0, "after": 1});
    assert_eq!(moved, (200, json!({"group": "readers", "offsets": [row]})));
    let told = record(&mut scene.home.client(), "change", |one| {
        one["action"] == "reset offsets"
    });
    assert_eq!(told["who"]["principal"], "User:operator", "{told}");
    let change_told = &told["changes"][0];
    assert_eq!(change_told["key"], "orders-0", "{told}");
    assert_eq!(
        (&change_told["before"], &change_told["after"]),
        (&json!("0"), &json!("1"))
    );
    until("a group without lag", || {
        let (_, group) = scene.json("viewer", "GET", path, "");
        (group["lag_records"] == 0).then_some(())
    });

    assert_eq!(change(&scene, "operator", "DELETE", path, "").0, 403);
    let gone = change(&scene, "admin", "DELETE", path, "");
    assert_eq!(gone, (200, json!({"done": "deleted", "name": "readers"})));
    assert_eq!(change(&scene, "admin", "DELETE", path, "").0, 404);
    scene.home.stop();
}

#[test]
fn the_brokers_acls_decide_over_visitors_as_over_clients() {
    let scene = Scene::with(&[
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users=User:ANONYMOUS",
    ]);
    let refused = change(&scene, "admin", "PUT", MADE, "{}");
    assert_eq!(
        error(&refused).0,
        400,
        "no ACL lets User:admin do it: {refused:?}"
    );
    assert!(
        error(&refused).1.contains("AUTHORIZATION_FAILED"),
        "{refused:?}"
    );
    let reset = json!({"offsets": [{"topic": "orders", "partition": 0, "offset": 0}]}).to_string();
    let refused = until("the group", || {
        let path = "/clusters/local/groups/readers/offsets";
        let answer = change(&scene, "admin", "PUT", path, &reset);
        (answer.0 != 404).then_some(answer)
    });
    assert!(
        error(&refused).1.contains("AUTHORIZATION_FAILED"),
        "{refused:?}"
    );
    scene.home.stop();
}
