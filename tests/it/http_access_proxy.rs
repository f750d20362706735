//! HTTP behind a proxy, over real sockets.

use std::io::{Read, Write};

use crate::asking::{Answer, ask, basic, connect, limpid};
use crate::home::{Home, until};

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
fn guessing_is_counted_where_the_proxy_saw_it() {
    let scene = Scene::with(&["limpid.http.trusted.proxies=127.0.0.0/8"]);
    let from = |address: &str| format!("X-Forwarded-For: 10.9.9.9, {address}");
    let guess = |address: &str| {
        let wrong = basic("alice", "guess");
        scene.get("/metrics", &[&wrong, &from(address)]).status()
    };
    for _ in 0..10 {
        assert_eq!(guess("203.0.113.1"), 401);
    }
    assert_eq!(guess("203.0.113.1"), 429);
    assert_eq!(
        guess("203.0.113.2"),
        401,
        "somebody else behind the same proxy"
    );
    scene.home.stop();
}

#[test]
fn one_address_has_so_many_connections() {
    let scene = Scene::with(&["limpid.http.connections.max.per.address=2"]);
    let alice = basic("alice", "correct horse");
    let address = scene.home.server().addresses().http[0];
    let idle: Vec<_> = (0..2).map(|_| connect(address)).collect();
    until("a connection that is closed", || {
        let mut third = connect(address);
        let closed = third.read(&mut [0]);
        matches!(closed, Ok(0) | Err(_)).then_some(())
    });
    drop(idle);
    let metrics = until("an answer after the others went", || {
        let mut stream = connect(address);
        let ask = format!("GET /metrics HTTP/1.0\r\nHost: localhost\r\n{alice}\r\n\r\n");
        stream.write_all(ask.as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        text.contains("200 OK").then_some(text)
    });
    for line in [
        "limpid_http_connections_of_one_address_max 2",
        "limpid_http_connection_failures_total{cause=\"too_many_from_address\"}",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    scene.home.stop();
}

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

/// What a page links to, loads and posts to, unless it is relative.
fn addresses(page: &str) -> Vec<&str> {
    let parts = [" href=\"", " src=\"", " action=\"", ":connect=\""];
    let found = parts.iter().flat_map(|part| page.split(part).skip(1));
    let found = found.map(|rest| rest.split('"').next().unwrap());
    let found: Vec<&str> = found.filter(|to| to.starts_with('/')).collect();
    assert!(!found.is_empty());
    found
}

#[test]
fn pages_live_below_a_path_of_a_proxy() {
    let scene = Scene::with(&["limpid.http.external.url=https://ops.example/limpid/"]);
    let host = "Host: ops.example";
    let origin = "Origin: https://ops.example";
    let browser = "Accept: text/html";
    let home = scene.get("/limpid/?a=b", &[host, browser]);
    assert_eq!(home.status(), 303);
    let to = home.header("location").unwrap();
    assert_eq!(to, "/limpid/login?to=%2F%3Fa%3Db");
    let form = scene.get(to, &[host, browser]);
    assert_eq!(form.status(), 200);
    for to in addresses(form.body()) {
        assert!(to.starts_with("/limpid/"), "{to}");
    }
    let fields = "name=alice&password=correct+horse&to=%2Fc%2Flocal%2Ftopics";
    let kind = "Content-Type: application/x-www-form-urlencoded";
    let answer = scene.ask("POST", "/limpid/login", &[host, origin, kind], fields);
    assert_eq!(answer.status(), 303, "{}", answer.0);
    assert_eq!(answer.header("location"), Some("/limpid/c/local/topics"));
    let set = answer.header("set-cookie").unwrap();
    assert!(set.starts_with("__Secure-limpid_session_"), "{set}");
    assert!(
        set.contains("; Path=/limpid; ") && set.ends_with("; Secure"),
        "{set}"
    );
    let cookie = format!("Cookie: {}", set.split(';').next().unwrap());
    let home = scene.get("/limpid", &[host, &cookie]);
    assert_eq!(home.header("location"), Some("/limpid/c/local/"));

    // A proxy that strips the path gets the same page.
    let page = scene.get("/limpid/c/local/", &[host, &cookie]);
    assert_eq!(page.status(), 200);
    assert_eq!(scene.get("/c/local/", &[host, &cookie]).status(), 200);
    let mut streams = Vec::new();
    for to in addresses(page.body()) {
        assert!(to.starts_with("/limpid/"), "{to}");
        match to {
            "/limpid/logout" => {}
            _ if to.contains("/stream?") => streams.push(to.replace("&amp;", "&")),
            _ => assert!(
                matches!(scene.get(to, &[host, &cookie]).status(), 200),
                "{to}"
            ),
        }
    }
    let mut stream = connect(scene.home.server().addresses().http[0]);
    let request = format!("GET {} HTTP/1.1\r\n{host}\r\n{cookie}\r\n\r\n", streams[0]);
    stream.write_all(request.as_bytes()).unwrap();
    let (mut events, mut part) = (String::new(), [0; 4096]);
    while !events.contains("\ndata:") {
        let count = stream.read(&mut part).unwrap();
        assert_ne!(count, 0, "{events}");
        events.push_str(&String::from_utf8_lossy(&part[..count]));
    }

    // Other sites are others, by whatever name the proxy has asked for us.
    let logout = |headers: &[&str]| {
        let headers = [&[cookie.as_str(), kind], headers].concat();
        let form = format!("csrf={}", page.csrf());
        scene.ask("POST", "/limpid/logout", &headers, &form)
    };
    assert_eq!(
        logout(&[host, "Origin: https://evil.example"]).status(),
        403
    );
    assert_eq!(logout(&[host, "Origin: http://ops.example"]).status(), 403);
    let out = logout(&[host, origin]);
    assert_eq!(out.status(), 303);
    let after = scene.get("/limpid/c/local/", &[host, &cookie]);
    assert_eq!(after.status(), 401);
    assert_eq!(out.header("location"), Some("/limpid/login"));
    let elsewhere = scene.get("/limpid/c/local/", &["Host: evil.example"]);
    assert_eq!(elsewhere.status(), 421);
    // A proxy that asks by another name of ours; and whoever comes without any.
    let renamed = ["Host: localhost:8080", origin, kind];
    let answer = scene.ask("POST", "/login", &renamed, fields);
    assert_eq!(answer.status(), 303);
    let set = answer.header("set-cookie").unwrap();
    assert!(
        set.starts_with("limpid_session_") && set.contains("; Path=/; "),
        "{set}"
    );
    for elsewhere in ["/limpidx/c/local/", "/limpid/limpid/c/local/"] {
        let alice = basic("alice", "correct horse");
        assert_eq!(scene.get(elsewhere, &[host, &alice]).status(), 404);
    }
    drop(stream);
    scene.home.stop();
}
