//! What Jolokia's clients may change: levels of loggers, and when retention runs.

use limpid_telemetry::logging::{self, LogFormat, LogOptions};

use crate::asking::{self, Answer, basic, connect, limpid};
use crate::home::{Home, until};

const PASSWORD: &str = "correct horse";
const TARGETS: &[&str] = &["limpid::audit", "limpid_storage::log::append"];

struct Scene {
    home: Home,
    token: String,
    _files: tempfile::TempDir,
    /// Levels can be changed as long as something logs.
    _logging: (tracing::Dispatch, logging::LogGuard),
}

impl Scene {
    fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let (users, tokens) = (files.path().join("users"), files.path().join("tokens"));
        for name in ["alice", "bob"] {
            limpid(&["http", "user", "add", name, "--file"], &users, PASSWORD);
        }
        let token = limpid(&["http", "token", "add", "ops", "--file"], &tokens, "");
        let options = LogOptions {
            filter: "info".to_owned(),
            format: LogFormat::Text,
            targets: TARGETS,
            ..LogOptions::default()
        };
        let logging = logging::to_sink(&options, Box::new(std::io::sink())).unwrap();
        let settings = [
            format!("limpid.http.users.file={}", users.display()),
            format!("limpid.http.tokens.file={}", tokens.display()),
            "limpid.http.grants=User:alice=admin;User:ops=admin;User:bob=operator".to_owned(),
            "log.retention.ms=1".to_owned(),
            "log.retention.check.interval.ms=3600000".to_owned(),
        ];
        let folder = tempfile::tempdir().unwrap();
        Self {
            home: Home::open_logging(folder, settings.to_vec(), logging.1.loggers()),
            token: format!("Authorization: Bearer {}", token.trim()),
            _files: files,
            _logging: logging,
        }
    }

    fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let stream = connect(self.home.server().addresses().http[0]);
        asking::ask(stream, method, path, headers, body)
    }

    fn get(&self, path: &str, headers: &[&str]) -> String {
        self.ask("GET", path, headers, "").body().to_owned()
    }

    /// The cookie of a login, and what must come with it.
    fn log_in(&self, name: &str) -> (String, String) {
        let form = format!("name={name}&password=correct+horse&to=%2Fc%2Flocal%2F");
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let answer = self.ask("POST", "/login", &[kind], &form);
        let cookie = answer.header("set-cookie").unwrap().split(';').next();
        let cookie = format!("Cookie: {}", cookie.unwrap());
        let page = self.ask("GET", "/c/local/", &[&cookie], "");
        let token = format!("X-Limpid-Csrf: {}", page.csrf());
        (cookie, token)
    }
}

#[test]
fn levels_are_changed_by_who_may_and_not_by_pages() {
    let scene = Scene::new();
    let write = "/jolokia/write/limpid:type=Logging/Levels/DEBUG/limpid_storage";
    let level = "/jolokia/exec/limpid:type=Logging/getLevel/limpid_storage.log.append";
    let holds = |level_now: &str| {
        let found = scene.get(level, &[&scene.token]);
        assert!(
            found.contains(&format!("\"value\":\"{level_now}\"")),
            "{found}"
        );
    };
    holds("INFO");
    // Roles that don't suffice, nobody, and a page of another site that makes alice's browser ask.
    let bob = basic("bob", PASSWORD);
    assert!(scene.get(write, &[&bob]).contains("needs the role admin"));
    assert_eq!(scene.ask("GET", write, &[], "").status(), 401);
    let (cookie, csrf) = scene.log_in("alice");
    let refused = scene.get(write, &[&cookie]);
    assert!(
        refused.contains("\"status\":403") && refused.contains("another site"),
        "{refused}"
    );
    let body = r#"{"type":"write","mbean":"limpid:type=Logging","attribute":"Levels","value":"DEBUG","path":"limpid_storage"}"#;
    assert_eq!(
        scene.ask("POST", "/jolokia/", &[&cookie], body).status(),
        403,
        "no token"
    );
    holds("INFO");
    // With the session's token, with a password, with a token.
    let old = |answer: &str, level: &str| {
        assert!(
            answer.contains(&format!("\"value\":\"{level}\",\"status\":200"))
                || answer.contains("\"status\":200")
                    && answer.contains(&format!("\"value\":\"{level}\"")),
            "{answer}"
        );
    };
    old(
        scene
            .ask("POST", "/jolokia/", &[&cookie, &csrf], body)
            .body(),
        "INFO",
    );
    holds("DEBUG");
    let reset = "/jolokia/exec/limpid:type=Logging/resetLevel/limpid_storage";
    old(&scene.get(reset, &[&basic("alice", PASSWORD)]), "DEBUG");
    holds("INFO");
    old(&scene.get(write, &[&scene.token]), "INFO");
    holds("DEBUG");
    scene.home.stop();
}

#[test]
fn retention_runs_when_it_is_told_to() {
    let scene = Scene::new();
    let mut client = scene.home.client();
    client.create("orders");
    client.produce("orders", b"one");
    let run = "/jolokia/exec/limpid:type=LogManager/runRetention/";
    until("a run that removes the record", || {
        let answer = scene.get(&format!("{run}orders"), &[&scene.token]);
        answer.contains("\"segments\":1").then_some(())
    });
    let none = scene.get(&format!("{run}payments"), &[&scene.token]);
    assert!(
        none.contains("\"status\":400") && none.contains("payments"),
        "{none}"
    );
    let start =
        "/jolokia/read/kafka.log:name=LogStartOffset,partition=0,topic=orders,type=Log/Value";
    until("the record's end", || {
        scene
            .get(start, &[&scene.token])
            .contains("\"value\":1")
            .then_some(())
    });
    drop(client);
    scene.home.stop();
}
