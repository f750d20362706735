use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use limpid_cluster::burrow::Status;
use limpid_cluster::{Committed, Lag, Member};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::fixture::{Source, cluster, group, group_partition, now_ms, source};

/// A cluster whose group `g` reads `orders`, and its past.
struct Bench {
    source: Arc<Source>,
    history: Arc<History>,
    start_ms: i64,
}

impl Bench {
    fn new() -> Self {
        let source = source(cluster());
        let history = Arc::new(History::new(source.clone()));
        Bench {
            source,
            history,
            start_ms: now_ms() - 3_600_000,
        }
    }

    /// What is seen at this second: a commit that is new, or the one before again.
    fn look(&self, second: i64, offset: i64, committed_second: i64, end: i64) {
        let mut partition = group_partition(0, Some(offset), None);
        partition.end_offset = Some(end);
        partition.committed = Some(Committed {
            offset,
            at_ms: self.start_ms + committed_second * 1_000,
            ..Committed::default()
        });
        partition.lag = Some(Lag::default());
        let mut group = group("g", 1, vec![partition]);
        group.members[0] = Member {
            client_id: "reader".to_owned(),
            host: "10.0.0.7".to_owned(),
            ..group.members[0].clone()
        };
        let mut snapshot = cluster();
        snapshot.taken_at_ms = self.start_ms + second * 1_000;
        snapshot.groups = vec![Arc::new(group)];
        *self.source.0.lock() = Arc::new(snapshot);
        self.history.observe();
    }

    fn report(&self) -> GroupReport {
        let snapshot = self.source.snapshot();
        self.history.report(&snapshot, "g").expect("it is known")
    }

    /// Code and body of a path, the times as seconds since the start.
    async fn ask(&self, path: &str) -> (StatusCode, Value) {
        let router: Router = http::router(Arc::clone(&self.history));
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let code = answer.status();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let mut value: Value = serde_json::from_str(&body).unwrap();
        since(&mut value, self.start_ms);
        (code, value)
    }
}

fn since(value: &mut Value, start_ms: i64) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), field.as_i64()) {
                    ("timestamp" | "observedAt", Some(ms)) => {
                        *field = json!((ms - start_ms) / 1_000);
                    }
                    _ => since(field, start_ms),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| since(item, start_ms)),
        _ => {}
    }
}

#[test]
fn commits_fill_the_window_and_ends_come_every_ten_seconds() {
    let bench = Bench::new();
    for second in 0..100 {
        // A commit every five seconds, always 20 behind.
        let committed = second / 5 * 5;
        bench.look(second, committed, committed, committed + 20);
    }
    let report = bench.report();
    let p = &report.partitions[0];
    let seen: Vec<i64> = p.window.commits().map(|c| c.offset).collect();
    assert_eq!(seen, (50..=95).step_by(5).collect::<Vec<_>>());
    assert!(p.window.commits().all(|c| c.lag == 20));
    assert_eq!((p.status, report.status), (Status::Warn, Status::Warn));
    let state = bench.history.state.lock();
    let ends = &state.groups["g"].partitions["orders"][&0].ends;
    let expected: Vec<i64> = (0..100).step_by(10).map(|second| second + 20).collect();
    assert_eq!(ends.iter().copied().collect::<Vec<_>>(), expected);
}

#[test]
fn a_group_that_stops_is_seen_when_it_is_silent_for_longer_than_its_window() {
    let bench = Bench::new();
    for second in 0..10 {
        bench.look(second, second * 10, second, 500);
    }
    bench.look(18, 90, 9, 500);
    assert_eq!(bench.report().status, Status::Ok, "its lag shrank");
    bench.look(19, 90, 9, 500);
    assert_eq!(bench.report().partitions[0].status, Status::Stop);
    assert_eq!(bench.report().status, Status::Err);
}

#[test]
fn a_group_is_forgotten_with_its_offsets_and_after_a_week() {
    let bench = Bench::new();
    bench.look(0, 5, 0, 10);
    let week = EXPIRE_GROUP_MS / 1_000;
    bench.look(week, 5, 0, 10);
    assert_eq!(bench.history.groups(&bench.source.snapshot()).len(), 1);
    bench.look(week + 1, 5, 0, 10);
    assert!(bench.history.groups(&bench.source.snapshot()).is_empty());
    assert!(
        bench
            .history
            .report(&bench.source.snapshot(), "g")
            .is_none()
    );
    let mut gone = cluster();
    gone.taken_at_ms = bench.start_ms + 2_000_000_000;
    gone.groups.clear();
    *bench.source.0.lock() = Arc::new(gone);
    bench.history.observe();
    assert!(bench.history.state.lock().groups.is_empty());
}

/// Whatever number a client committed for: it is one entry, not all up to it.
#[test]
fn a_partition_that_is_gone_is_listed_alone() {
    let bench = Bench::new();
    let mut partition = group_partition(i32::MAX, Some(3), None);
    partition.committed = Some(Committed {
        offset: 3,
        at_ms: bench.start_ms,
        ..Committed::default()
    });
    partition.end_offset = None;
    let mut snapshot = cluster();
    snapshot.taken_at_ms = bench.start_ms + 1_000;
    snapshot.groups = vec![Arc::new(group("g", 0, vec![partition]))];
    *bench.source.0.lock() = Arc::new(snapshot);
    bench.history.observe();
    let report = bench.report();
    let listed: Vec<i32> = report.partitions.iter().map(|p| p.partition).collect();
    assert_eq!(listed, [0, 1, i32::MAX]);
    assert_eq!((report.totallag, report.status), (0, Status::Ok));
}

#[tokio::test]
async fn the_status_of_a_group() {
    let bench = Bench::new();
    for second in 0..3 {
        bench.look(second, 7, second, 10);
    }
    let commit = |second| json!({"offset": 7, "timestamp": second, "observedAt": second, "lag": 3});
    let stalled = json!({
        "topic": "orders", "partition": 0, "owner": "/10.0.0.7", "client_id": "reader",
        "status": "STALL", "start": commit(0), "end": commit(2), "current_lag": 3,
        "complete": 0.3,
    });
    let never = json!({
        "topic": "orders", "partition": 1, "owner": "", "client_id": "", "status": "OK",
        "start": null, "end": null, "current_lag": 0, "complete": 0.0,
    });
    let body = |path: &str, partitions: Value| {
        json!({
            "error": false, "message": "consumer status returned",
            "status": {
                "cluster": "test", "group": "g", "status": "ERR", "complete": 0.0,
                "partitions": partitions, "partition_count": 2, "maxlag": stalled, "totallag": 3,
            },
            "request": {"url": path, "host": ""},
        })
    };
    let status = "/v3/kafka/test/consumer/g/status";
    let lag = "/v3/kafka/test/consumer/g/lag";
    assert_eq!(
        bench.ask(status).await,
        (StatusCode::OK, body(status, json!([stalled])))
    );
    assert_eq!(
        bench.ask(lag).await,
        (StatusCode::OK, body(lag, json!([stalled, never])))
    );

    let (code, detail) = bench.ask("/v3/kafka/test/consumer/g").await;
    let mut offsets = vec![Value::Null; 7];
    offsets.extend((0..3).map(commit));
    let expected = json!({"orders": [
        {"offsets": offsets, "owner": "/10.0.0.7", "client_id": "reader", "current-lag": 3},
        {"offsets": [], "owner": "", "client_id": "", "current-lag": 0},
    ]});
    assert_eq!((code, &detail["topics"]), (StatusCode::OK, &expected));
}

#[tokio::test]
async fn lists_and_what_is_not_there() {
    let bench = Bench::new();
    bench.look(0, 7, 0, 10);
    let table = [
        (
            "/v3/kafka",
            200,
            "cluster list returned",
            json!({"clusters": ["test"]}),
        ),
        (
            "/v3/kafka/test/consumer",
            200,
            "consumer list returned",
            json!({"consumers": ["g"]}),
        ),
        (
            "/v3/kafka/test/topic",
            200,
            "topic list returned",
            json!({"topics": ["a\\\"b\n", "orders"]}),
        ),
        (
            "/v3/kafka/test/topic/orders",
            200,
            "topic offsets returned",
            json!({"offsets": [25]}),
        ),
        (
            "/v3/kafka/test/topic/orders/consumers",
            200,
            "consumers of topic returned",
            json!({"consumers": ["g"]}),
        ),
        ("/v3/kafka/x", 404, "cluster module not found", json!({})),
        ("/v3/kafka/x/consumer", 404, "cluster not found", json!({})),
        ("/v3/kafka/x/topic", 404, "cluster not found", json!({})),
        (
            "/v3/kafka/test/topic/x",
            404,
            "cluster or topic not found",
            json!({}),
        ),
        (
            "/v3/kafka/test/consumer/x",
            404,
            "cluster or consumer not found",
            json!({}),
        ),
    ];
    for (path, code, message, mut expected) in table {
        expected["error"] = json!(code == 404);
        expected["message"] = json!(message);
        expected["request"] = json!({"url": path, "host": ""});
        let (status, body) = bench.ask(path).await;
        assert_eq!((status.as_u16(), body), (code, expected), "{path}");
    }
    for path in [
        "/v3/kafka/test/consumer/x/status",
        "/v3/kafka/x/consumer/g/lag",
    ] {
        let (code, body) = bench.ask(path).await;
        assert_eq!(code, StatusCode::NOT_FOUND);
        assert_eq!(
            (&body["error"], &body["status"]["status"]),
            (&json!(false), &json!("NOTFOUND"))
        );
    }
    let (_, detail) = bench.ask("/v3/kafka/test").await;
    assert_eq!(detail["module"]["class-name"], "kafka");
    assert_eq!(detail["module"]["offset-refresh"], 10);
}
