//! `/api/v1` of a live server, walked by its own description: every path in it is asked, and every
//! answer must be what the description says, no field more and none less.

mod browsing;
mod changing;
mod schema;

use limpid_telemetry::logging::{self, LogOptions};
use serde_json::{Value, json};

use crate::asking::{self, Answer, connect, limpid};
use crate::home::{Home, until};
use crate::lag::commit;
use schema::Document;

const TARGETS: &[&str] = &["limpid_storage::log::append"];

/// A server with a topic that a group reads, and the tokens of an operator, a viewer and a reader.
struct Scene {
    home: Home,
    _files: tempfile::TempDir,
    _logging: (tracing::Dispatch, logging::LogGuard),
    tokens: Vec<(&'static str, String)>,
}

impl Scene {
    fn new() -> Self {
        Self::with(&[])
    }

    /// The same with settings of the node.
    fn with(more: &[&str]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let file = files.path().join("tokens");
        let token = |name| limpid(&["http", "token", "add", name, "--file"], &file, "");
        let names = ["admin", "operator", "viewer", "reader"];
        let tokens = names.map(|name| {
            (
                name,
                format!("Authorization: Bearer {}", token(name).trim()),
            )
        });
        let options = LogOptions {
            targets: TARGETS,
            ..LogOptions::default()
        };
        let logging = logging::to_sink(&options, Box::new(std::io::sink())).unwrap();
        let mut settings = vec![
            format!("limpid.http.tokens.file={}", file.display()),
            "limpid.http.grants=User:admin=admin;User:operator=operator;User:viewer=viewer;User:reader=viewer+payloads@local/orders"
                .to_owned(),
        ];
        settings.extend(more.iter().map(|setting| (*setting).to_owned()));
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open_logging(folder, settings, logging.1.loggers());
        let mut client = home.client();
        client.create("orders");
        client.produce("orders", b"one");
        commit(&mut client, "readers", "orders", 0);
        client.create("doomed");
        commit(&mut client, "doomed", "orders", 0);
        Self {
            home,
            _files: files,
            _logging: logging,
            tokens: tokens.to_vec(),
        }
    }

    fn ask(&self, who: &str, method: &str, path: &str, body: &str) -> Answer {
        let token = self.tokens.iter().find(|(name, _)| *name == who);
        let token = token.map_or("X-Nobody: 1", |(_, token)| token.as_str());
        let stream = connect(self.home.server().addresses().http[0]);
        asking::ask(stream, method, &format!("/api/v1{path}"), &[token], body)
    }

    fn json(&self, who: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
        let answer = self.ask(who, method, path, body);
        let json = serde_json::from_str(answer.body());
        (
            answer.status(),
            json.unwrap_or_else(|e| panic!("{path}: {e}: {}", answer.0)),
        )
    }
}

#[test]
fn every_path_of_the_description_answers_as_described() {
    let scene = Scene::new();
    let (status, description) = scene.json("viewer", "GET", "/openapi.json", "");
    assert_eq!((status, &description["openapi"]), (200, &json!("3.1.0")));
    assert_eq!(description["servers"], json!([{"url": "/api/v1"}]));
    let document = Document::new(&description);
    until("the group with a lag", || {
        let (_, group) = scene.json("viewer", "GET", "/clusters/local/groups/readers", "");
        (group["lag_records"] == 1).then_some(())
    });
    let mut asked = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            let (topic, group) = match name {
                "createTopic" => ("made", ""),
                "deleteTopic" | "deleteGroup" => ("doomed", "doomed"),
                _ => ("orders", "readers"),
            };
            let address = path
                .replace("{cluster}", "local")
                .replace("{topic}", topic)
                .replace("{group}", group)
                .replace("{client}", "it")
                .replace("{logger}", "limpid_storage")
                .replace("clients/by-id", "clients/by-id?id=it")
                .replace("groups/by-id", "groups/by-id?id=readers");
            assert!(
                !address.contains('{'),
                "a parameter without an example: {address}"
            );
            let body = match name {
                "setLevel" => r#"{"level": "DEBUG"}"#,
                "createTopic" => r#"{"partitions": 2}"#,
                "alterTopic" => r#"{"config": {"retention.ms": "60000"}}"#,
                "resetOffsets" => {
                    r#"{"offsets": [{"topic": "orders", "partition": 0, "offset": 1}]}"#
                }
                _ => "",
            };
            assert_eq!(body.is_empty(), operation.get("requestBody").is_none());
            let who = match name {
                "listMessages" => "reader",
                "createTopic" | "alterTopic" | "deleteTopic" | "deleteGroup" => "admin",
                _ => "operator",
            };
            let (status, answer) = scene.json(who, &method.to_uppercase(), &address, body);
            assert_eq!(status, 200, "{method} {address}: {answer}");
            document.check(
                &operation["responses"]["200"],
                &answer,
                &format!("{method} {path}"),
            );
            asked += 1;
        }
    }
    assert_eq!(asked, 22, "{description}");
    // What is not there, or makes no sense, is a sentence.
    for (method, path, body, expected) in [
        ("GET", "/clusters/local/topics/none", "", 404),
        ("GET", "/clusters/local/clients/none", "", 404),
        ("GET", "/clusters/other/topics", "", 404),
        ("GET", "/nothing", "", 404),
        ("PUT", "/clusters/local/loggers/limpid_storage", "{}", 400),
        (
            "PUT",
            "/clusters/local/loggers/limpid_storage",
            r#"{"level":"LOUD"}"#,
            400,
        ),
        (
            "PUT",
            "/clusters/local/loggers/none",
            r#"{"level":"DEBUG"}"#,
            404,
        ),
        (
            "POST",
            "/clusters/local/topics/none/retention-runs",
            "",
            404,
        ),
    ] {
        let (status, answer) = scene.json("operator", method, path, body);
        assert_eq!(status, expected, "{method} {path}: {answer}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    // It stays JSON, whatever a page would be.
    let (_, topics) = scene.json(
        "viewer",
        "GET",
        "/clusters/local/topics?format=html&q=ord",
        "",
    );
    assert_eq!(topics["total"], 1);
    scene.home.stop();
}

#[test]
fn the_api_is_for_those_who_may() {
    let scene = Scene::new();
    let level = "/clusters/local/loggers/limpid_storage";
    let put = |who: &str| scene.ask(who, "PUT", level, r#"{"level":"DEBUG"}"#);
    assert_eq!(put("nobody").status(), 401);
    let refused = put("viewer");
    assert_eq!(refused.status(), 403);
    assert!(
        refused.body().contains("needs the role operator"),
        "{}",
        refused.0
    );
    let (status, change) = scene.json("operator", "PUT", level, r#"{"level":"debug"}"#);
    assert_eq!(status, 200);
    assert_eq!(
        change,
        json!({"logger": "limpid_storage", "before": "INFO", "after": "DEBUG"})
    );
    let (_, change) = scene.json("operator", "DELETE", level, "");
    assert_eq!(
        (&change["before"], &change["after"]),
        (&json!("DEBUG"), &json!("INFO"))
    );
    until("the topic", || {
        let topic = scene.ask("viewer", "GET", "/clusters/local/topics/orders", "");
        (topic.status() == 200).then_some(())
    });
    for (who, expected) in [("viewer", 403), ("operator", 403), ("reader", 200)] {
        let answer = scene.ask(who, "GET", "/clusters/local/topics/orders/messages", "");
        assert_eq!(answer.status(), expected, "{who}");
    }
    assert_eq!(
        scene
            .ask("reader", "GET", "/clusters/local/topics/payments", "")
            .status(),
        403
    );
    scene.home.stop();
}
