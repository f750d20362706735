use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request as HttpRequest;
use limpid_access::Via;
use limpid_cluster::{AdminError, By, RetentionRun};
use limpid_config::{Grant, Grantee, Role};
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

/// A broker with two loggers, that remembers who did what.
#[derive(Default)]
struct Node {
    level: Mutex<Option<&'static str>>,
    done: Mutex<Vec<String>>,
}

impl NodeAdmin for Node {
    fn loggers(&self) -> BTreeMap<String, &'static str> {
        let own = self.level.lock().expect("a level").unwrap_or("INFO");
        BTreeMap::from([("root".to_owned(), "INFO"), ("limpid".to_owned(), own)])
    }

    fn levels(&self) -> Vec<&'static str> {
        vec!["INFO", "DEBUG"]
    }

    fn set_level(
        &self,
        logger: &str,
        level: Option<&str>,
        by: &By,
    ) -> Result<&'static str, AdminError> {
        if logger != "limpid" {
            return Err(AdminError::NotFound(format!("no logger {logger}")));
        }
        let mut own = self.level.lock().expect("a level");
        let after = level.map(|name| self.levels().into_iter().find(|known| *known == name));
        let before = own.unwrap_or("INFO");
        match after {
            Some(None) => return Err(AdminError::Refused("no such level".to_owned())),
            Some(after) => *own = after,
            None => *own = None,
        }
        let done = format!("{}@{}: {logger}={level:?}", by.who, by.from);
        self.done.lock().expect("a list").push(done);
        Ok(before)
    }

    fn run_retention(&self, topic: Option<&str>, _: &By) -> Result<RetentionRun, AdminError> {
        self.done
            .lock()
            .expect("a list")
            .push(format!("retention {topic:?}"));
        let segments = 3;
        Ok(RetentionRun {
            segments,
            ..RetentionRun::default()
        })
    }
}

fn visitor(name: &str, via: Via, roles: &[Role], topics: &str) -> Visitor {
    let grant = Grant {
        grantee: Grantee::User(name.to_owned()),
        roles: roles.to_vec(),
        clusters: "*".to_owned(),
        topics: topics.to_owned(),
    };
    let address = [192, 0, 2, 1].into();
    Visitor::named(name, &[], via, &[grant]).from_address(address)
}

fn admin() -> Visitor {
    visitor("alice", Via::Token, &[Role::Admin], "*")
}

async fn ask_as(
    node: &Arc<Node>,
    visitor: Visitor,
    mut request: HttpRequest<Body>,
) -> (StatusCode, Value) {
    let registry = Registry::new();
    registry.mbeans().add_source(Arc::new(One));
    let node = Arc::clone(node);
    let router = router(Behind {
        beans: Arc::clone(registry.mbeans()),
        node,
        cluster: "local".to_owned(),
    });
    request.extensions_mut().insert(visitor);
    let response = router.oneshot(request).await.expect("infallible");
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), BODY_BYTES_MAX).await;
    let body = body.expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn send(request: HttpRequest<Body>) -> (StatusCode, Value) {
    ask_as(&Arc::default(), admin(), request).await
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

fn post_of(json: &Value) -> HttpRequest<Body> {
    let body = Body::from(json.to_string());
    HttpRequest::post("/jolokia/")
        .body(body)
        .expect("a request")
}

fn get_of(path: &str) -> HttpRequest<Body> {
    HttpRequest::get(path)
        .body(Body::empty())
        .expect("a request")
}

#[tokio::test]
async fn levels_of_loggers_are_written_and_the_old_value_comes_back() {
    let node = Arc::<Node>::default();
    let write = json!({"type": "write", "mbean": "limpid:type=Logging", "attribute": "Levels", "value": "DEBUG", "path": "limpid"});
    let (_, answer) = ask_as(&node, admin(), post_of(&write)).await;
    assert_eq!(
        (&answer["value"], &answer["status"]),
        (&json!("INFO"), &json!(200))
    );
    assert_eq!(answer["request"], write);
    // By path, and what is read afterwards.
    let reset = "/jolokia/write/limpid:type=Logging/Levels/[null]/limpid";
    let (_, answer) = ask_as(&node, admin(), get_of(reset)).await;
    assert_eq!(answer["value"], "DEBUG", "{answer}");
    let several = json!({"type": "write", "mbean": "limpid:type=Logging", "attribute": "Levels", "value": {"limpid": "DEBUG"}});
    let (_, answer) = ask_as(&node, admin(), post_of(&several)).await;
    assert_eq!(answer["value"], json!({"limpid": "INFO"}));
    let (_, read) = ask_as(
        &node,
        admin(),
        get_of("/jolokia/read/limpid:type=Logging/Levels"),
    )
    .await;
    assert_eq!(read["value"], json!({"limpid": "DEBUG", "root": "INFO"}));
    let done = node.done.lock().expect("a list").clone();
    assert_eq!(done[0], "alice@192.0.2.1: limpid=Some(\"DEBUG\")");
    for (value, path) in [
        (json!("LOUD"), "limpid"),
        (json!("DEBUG"), "nobody"),
        (json!(1), "limpid"),
        (json!("DEBUG"), ""),
    ] {
        let wrong = json!({"type": "write", "mbean": "limpid:type=Logging", "attribute": "Levels", "value": value, "path": path});
        let (_, answer) = ask_as(&node, admin(), post_of(&wrong)).await;
        assert_eq!(answer["status"], 400, "{answer}");
        assert_eq!(answer["error_type"], "java.lang.IllegalArgumentException");
    }
    let names = json!({"type": "write", "mbean": "limpid:type=Logging", "attribute": "LevelNames", "value": []});
    let (_, answer) = ask_as(&node, admin(), post_of(&names)).await;
    assert_eq!(
        (&answer["status"], &answer["error_type"]),
        (
            &json!(404),
            &json!("javax.management.AttributeNotFoundException")
        )
    );
}

#[tokio::test]
async fn operations_are_found_by_name_and_arguments() {
    let node = Arc::<Node>::default();
    let exec = |mbean: &str, operation: &str, arguments: Value| {
        let request = post_of(
            &json!({"type": "exec", "mbean": mbean, "operation": operation, "arguments": arguments}),
        );
        let node = Arc::clone(&node);
        async move { ask_as(&node, admin(), request).await.1 }
    };
    let kafka = "kafka:type=kafka.Log4jController";
    assert_eq!(
        exec(kafka, "setLogLevel", json!(["limpid", "DEBUG"])).await["value"],
        true
    );
    assert_eq!(
        exec(kafka, "setLogLevel", json!(["nobody", "DEBUG"])).await["value"],
        false
    );
    assert_eq!(
        exec(kafka, "getLogLevel", json!(["limpid"])).await["value"],
        "DEBUG"
    );
    assert_eq!(
        exec(kafka, "getLogLevel", json!(["nobody"])).await["value"],
        "No such logger."
    );
    let ours = "limpid:type=Logging";
    assert_eq!(
        exec(ours, "resetLevel(java.lang.String)", json!(["limpid"])).await["value"],
        "DEBUG"
    );
    let logs = "limpid:type=LogManager";
    assert_eq!(
        exec(logs, "runRetention()", json!([])).await["value"]["segments"],
        3
    );
    assert_eq!(
        exec(logs, "runRetention", json!(["orders"])).await["status"],
        200
    );
    let done = node.done.lock().expect("a list").clone();
    assert_eq!(done[2..], ["retention None", "retention Some(\"orders\")"]);
    for (operation, arguments) in [
        ("gc", json!([])),
        ("runRetention", json!(["a", "b"])),
        ("runRetention(int)", json!(["a"])),
        ("runRetention", json!([1])),
    ] {
        assert_eq!(
            exec(logs, operation, arguments).await["status"],
            400,
            "{operation}"
        );
    }
    assert_eq!(exec("limpid:type=No", "x", json!([])).await["status"], 404);
    let counted = "kafka.server:type=ReplicaManager,name=LeaderCount";
    assert_eq!(exec(counted, "x", json!([])).await["status"], 403);
}

#[tokio::test]
async fn only_who_may_administer_changes_anything_and_no_page_does() {
    let node = Arc::<Node>::default();
    let path = "/jolokia/exec/limpid:type=LogManager/runRetention";
    let one = "/jolokia/exec/limpid:type=LogManager/runRetention/orders";
    let viewer = || visitor("bob", Via::Token, &[Role::Viewer], "*");
    let operator = || visitor("bob", Via::Token, &[Role::Operator], "*");
    let of_orders = || visitor("bob", Via::Token, &[Role::Admin], "orders");
    for (who, what) in [
        (viewer(), path),
        (operator(), path),
        (of_orders(), path),
        (Visitor::local(), path),
    ] {
        let (status, answer) = ask_as(&node, who, get_of(what)).await;
        assert_eq!((status, &answer["status"]), (StatusCode::OK, &json!(403)));
        assert_eq!(answer["error_type"], "java.lang.SecurityException");
    }
    // What only looks is for viewers.
    let level = "/jolokia/exec/kafka:type=kafka.Log4jController/getLogLevel/limpid";
    assert_eq!(
        ask_as(&node, viewer(), get_of(level)).await.1["value"],
        "INFO"
    );
    let session = || visitor("alice", Via::Session, &[Role::Admin], "*");
    let (_, answer) = ask_as(&node, session(), get_of(path)).await;
    assert!(
        answer["error"]
            .as_str()
            .is_some_and(|e| e.contains("another site")),
        "{answer}"
    );
    assert!(
        node.done.lock().expect("a list").is_empty(),
        "nothing happened"
    );
    let exec =
        json!({"type": "exec", "mbean": "limpid:type=LogManager", "operation": "runRetention"});
    assert_eq!(
        ask_as(&node, session(), post_of(&exec)).await.1["status"],
        200
    );
    assert_eq!(
        ask_as(&node, of_orders(), get_of(one)).await.1["status"],
        200
    );
}

#[tokio::test]
async fn the_list_says_what_can_be_changed() {
    let (_, all) = get_json("/jolokia/list").await;
    let logging = &all["value"]["limpid"]["type=Logging"];
    assert_eq!(logging["attr"]["Levels"]["rw"], true);
    assert_eq!(logging["attr"]["LevelNames"]["w"], false);
    let set = &logging["op"]["setLevel"];
    assert_eq!(
        (&set["ret"], &set["args"][1]["name"]),
        (&json!("java.lang.String"), &json!("level"))
    );
    let overloaded = &all["value"]["limpid"]["type=LogManager"]["op"]["runRetention"];
    assert_eq!(overloaded.as_array().map(Vec::len), Some(2));
    let (_, found) = get_json("/jolokia/search/limpid:*").await;
    assert_eq!(
        found["value"],
        json!(["limpid:type=Logging", "limpid:type=LogManager"])
    );
}
