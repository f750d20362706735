use std::time::Duration;

use axum::body::Body;
use axum::http::Request as HttpRequest;
use limpid_telemetry::Registry;
use limpid_telemetry::mbeans::{BeanSource, Beans, Value as BeanValue};
use tower::ServiceExt;

use super::*;

struct One;

impl BeanSource for One {
    fn add_to(&self, _now: Duration, beans: &mut Beans) {
        let name = "kafka.server:type=ReplicaManager,name=LeaderCount";
        beans.add(name, vec![("Value", BeanValue::Long(12))]);
    }
}

async fn send(request: HttpRequest<Body>) -> (StatusCode, Value) {
    let registry = Registry::new();
    registry.mbeans().add_source(Arc::new(One));
    let router = router(Arc::clone(registry.mbeans()));
    let response = router.oneshot(request).await.expect("infallible");
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), BODY_BYTES_MAX).await;
    let body = body.expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn get_json(path: &str) -> (StatusCode, Value) {
    send(
        HttpRequest::get(path)
            .body(Body::empty())
            .expect("a request"),
    )
    .await
}

async fn post_json(path: &str, body: String) -> (StatusCode, Value) {
    send(
        HttpRequest::post(path)
            .body(Body::from(body))
            .expect("a request"),
    )
    .await
}

#[tokio::test]
async fn every_root_tells_the_version() {
    for path in ["/jolokia", "/jolokia/", "/jolokia/version"] {
        let (status, answer) = get_json(path).await;
        assert_eq!(
            (status, &answer["value"]["protocol"]),
            (StatusCode::OK, &json!("8.2")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn names_come_in_paths_and_in_parameters() {
    let (_, answer) =
        get_json("/jolokia/read/kafka.server:name=LeaderCount,type=ReplicaManager/Value").await;
    assert_eq!(answer["value"], 12);
    let (_, answer) =
        get_json("/jolokia/?p=/read/kafka.server:type=ReplicaManager,name=*/Value").await;
    assert_eq!(
        answer["value"]["kafka.server:type=ReplicaManager,name=LeaderCount"]["Value"],
        12
    );
    let (status, answer) = get_json("/jolokia/read/kafka.server:type=No").await;
    assert_eq!((status, &answer["status"]), (StatusCode::OK, &json!(404)));
}

#[tokio::test]
async fn bulks_are_answered_in_their_order() {
    let asked = json!([
        {"type": "read", "mbean": "a:b=c"},
        {"type": "version"},
        {"type": "read", "mbean": "kafka.server:type=ReplicaManager,name=LeaderCount"},
        1,
    ]);
    let (status, answers) = post_json("/jolokia/read", asked.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    let statuses: Vec<_> = answers
        .as_array()
        .expect("answers")
        .iter()
        .map(|a| &a["status"])
        .collect();
    assert_eq!(statuses, [404, 200, 200, 400]);
    assert_eq!(answers[2]["value"], json!({"Value": 12}));
}

#[tokio::test]
async fn what_is_no_request_is_400() {
    let (status, answer) = post_json("/jolokia/", "{".to_owned()).await;
    assert_eq!(
        (status, &answer["status"]),
        (StatusCode::BAD_REQUEST, &json!(400))
    );
    let many = vec![json!({"type": "version"}); BULK_MAX + 1];
    let (status, _) = post_json("/jolokia/", json!(many).to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, _) = post_json("/jolokia/", " ".repeat(BODY_BYTES_MAX + 1)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}
