//! HTTP behind a proxy, over real sockets.

use crate::asking::{Answer, ask, basic, connect, limpid};
use crate::home::Home;

/// A server with a user alice, reached from 127.0.0.1.
struct Scene {
    home: Home,
    _files: tempfile::TempDir,
}

impl Scene {
    fn with(settings: &[&str]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let users = files.path().join("users");
        limpid(
            &["http", "user", "add", "alice", "--file"],
            &users,
            "correct horse",
        );
        let users = format!("limpid.http.users.file={}", users.display());
        let home = Home::with(&[&[users.as_str()], settings].concat());
        Self {
            home,
            _files: files,
        }
    }

    fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let stream = connect(self.home.server().addresses().http[0]);
        ask(stream, method, path, headers, body)
    }

    fn get(&self, path: &str, headers: &[&str]) -> Answer {
        self.ask("GET", path, headers, "")
    }
}

const HEADER: &str = "limpid.http.trusted.header=X-Forwarded-User";

#[test]
fn a_proxy_says_who_visits() {
    let scene = Scene::with(&[
        HEADER,
        "limpid.http.trusted.proxies=10.0.0.0/8,127.0.0.0/8",
        "limpid.http.grants=User:*=viewer; User:zoe@example.com=operator+payloads",
    ]);
    let zoe = "X-Forwarded-User: zoe@example.com";
    let page = scene.get("/c/local/", &[zoe]);
    assert_eq!(page.status(), 200, "{}", page.0);
    assert!(page.body().contains("zoe@example.com"));
    // Grants are by name; what proxies let in is everybody, as those in the files are.
    assert_eq!(
        scene.get("/c/local/", &["X-Forwarded-User: bob"]).status(),
        200
    );
    let messages = scene.get("/c/local/topics/x/messages", &["X-Forwarded-User: bob"]);
    assert_eq!(messages.status(), 403);
    assert!(
        messages.body().contains("bob may not read records"),
        "{}",
        messages.body()
    );
    let messages = scene.get("/c/local/topics/x/messages", &[zoe]);
    assert_eq!(
        messages.status(),
        404,
        "there is no such topic, and that she may know"
    );
    // What clients send to the proxy is not for us.
    let other = "Authorization: Basic bm9uc2Vuc2U=";
    assert_eq!(scene.get("/c/local/", &[zoe, other]).status(), 200);
    // Somebody whom the proxy does not know may still log in.
    assert_eq!(scene.get("/c/local/", &[]).status(), 401);
    assert_eq!(scene.get("/c/local/", &["X-Forwarded-User:"]).status(), 401);
    assert_eq!(
        scene
            .get("/c/local/", &[&basic("alice", "correct horse")])
            .status(),
        200
    );
    // A client's own beside the proxy's.
    for forged in [
        &[zoe, "X-Forwarded-User: alice"][..],
        &["X-Forwarded-User: bob, alice"],
    ] {
        let answer = scene.get("/c/local/", forged);
        assert_eq!(answer.status(), 400);
        assert!(
            answer.body().contains("limpid.http.trusted.header"),
            "{}",
            answer.body()
        );
    }
    // The proxy's login is sent for pages of other sites as well.
    let post = |headers: &[&str]| {
        let headers = [&[zoe], headers].concat();
        scene
            .ask("POST", "/jolokia/", &headers, r#"{"type":"version"}"#)
            .status()
    };
    assert_eq!(post(&[]), 200);
    assert_eq!(post(&["Origin: http://localhost"]), 200);
    assert_eq!(post(&["Origin: https://evil.example"]), 403);
    assert_eq!(post(&["Accept: text/html"]), 403);
    scene.home.stop();
}

#[test]
fn nobody_else_is_believed() {
    let scene = Scene::with(&[HEADER, "limpid.http.trusted.proxies=10.0.0.0/8,127.0.0.2"]);
    let forged = "X-Forwarded-User: alice";
    assert_eq!(scene.get("/c/local/", &[forged]).status(), 401);
    let more = [forged, "X-Forwarded-User: bob", "X-Forwarded-For: 10.0.0.1"];
    assert_eq!(scene.get("/c/local/", &more).status(), 401);
    let alice = basic("alice", "correct horse");
    let metrics = scene.get("/metrics", &[forged, &alice]);
    assert_eq!(metrics.status(), 200);
    let line = "limpid_http_logins_total{credential=\"header\",outcome=\"refused\"} 3\n";
    assert!(metrics.body().contains(line), "{}", metrics.body());
    scene.home.stop();
}
