//! Logging in over HTTP, over real sockets: who is let in, who is not, and what is tried in vain.

use std::path::PathBuf;
use std::time::Instant;

use crate::asking::{self, Answer, basic, connect, limpid};
use crate::home::{Home, PATIENCE};

const PASSWORD: &str = "correct horse";

/// A server with users alice (operator, records of `orders*`) and bob (the default: viewer), and a
/// token.
struct Scene {
    home: Home,
    files: tempfile::TempDir,
    token: String,
}

impl Scene {
    fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let users = files.path().join("users");
        for name in ["alice", "bob", "eve"] {
            limpid(&["http", "user", "add", name, "--file"], &users, PASSWORD);
        }
        let tokens = files.path().join("tokens");
        let token = limpid(&["http", "token", "add", "scraper", "--file"], &tokens, "");
        let home = Home::with(&[
            &format!("limpid.http.users.file={}", users.display()),
            &format!("limpid.http.tokens.file={}", tokens.display()),
            "limpid.http.grants=User:alice=operator+payloads@local/orders*;User:bob=viewer; \
             User:scraper=viewer",
        ]);
        Self {
            home,
            files,
            token: token.trim().to_owned(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let stream = connect(self.home.server().addresses().http[0]);
        asking::ask(stream, method, path, headers, body)
    }

    fn get(&self, path: &str, headers: &[&str]) -> Answer {
        self.ask("GET", path, headers, "")
    }

    fn post(&self, path: &str, headers: &[&str], form: &str) -> Answer {
        let mut headers = headers.to_vec();
        headers.push("Content-Type: application/x-www-form-urlencoded");
        self.ask("POST", path, &headers, form)
    }

    /// The `Cookie` header of a new login.
    fn log_in(&self, name: &str) -> String {
        let form = format!("name={name}&password=correct+horse&to=%2Fc%2Flocal%2Ftopics");
        let answer = self.post("/login", &[], &form);
        assert_eq!(answer.status(), 303, "{}", answer.0);
        assert_eq!(answer.header("location"), Some("/c/local/topics"));
        let cookie = answer.header("set-cookie").unwrap();
        for word in [
            "limpid_session_",
            "; HttpOnly",
            "; SameSite=Lax",
            "; Path=/",
        ] {
            assert!(cookie.contains(word), "{cookie}");
        }
        format!("Cookie: {}", cookie.split(';').next().unwrap())
    }

    fn until(&self, what: &str, done: impl Fn() -> bool) {
        let began = Instant::now();
        while !done() {
            assert!(began.elapsed() < PATIENCE, "{what}");
        }
    }
}

const BROWSER: &str = "Accept: text/html,application/xhtml+xml";

#[test]
fn who_shows_nothing_gets_health_and_the_way_in() {
    let scene = Scene::new();
    for path in ["/healthz", "/readyz?verbose"] {
        let answer = scene.get(path, &[]);
        assert_eq!(
            (answer.status(), answer.body()),
            (200, ""),
            "its status only"
        );
    }
    let page = scene.get("/c/local/topics?q=a", &[BROWSER]);
    assert_eq!(page.status(), 303);
    assert_eq!(
        page.header("location"),
        Some("/login?to=%2Fc%2Flocal%2Ftopics%3Fq%3Da")
    );
    for path in [
        "/metrics",
        "/jolokia/version",
        "/c/local/",
        "/nothing",
        "/c/local/stream?of=overview",
    ] {
        let answer = scene.get(path, &[]);
        assert_eq!(answer.status(), 401, "{path}");
        let ways = answer.header("www-authenticate").unwrap();
        assert!(ways.contains("Bearer") && ways.contains("Basic"), "{ways}");
    }
    // A browser is not asked for a password that it would send with everything from then on.
    let answer = scene.get("/metrics", &[BROWSER]);
    assert_eq!(answer.status(), 401);
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Bearer realm=\"limpid\"")
    );

    let form = scene.get("/login?to=%2F%3Ca%3E&why=wrong", &[BROWSER]);
    assert_eq!(form.status(), 200);
    for word in [
        "action=\"/login\"",
        "type=\"password\"",
        "Name or password is wrong",
    ] {
        assert!(form.body().contains(word), "{}", form.body());
    }
    assert!(
        !form.body().contains("<a>") && !form.body().contains("local"),
        "{}",
        form.body()
    );
    let policy = form.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self'") && policy.contains("frame-ancestors 'none'"));
    assert!(!form.body().contains("<script"), "works without");
    scene.home.stop();
}

#[test]
fn people_log_in_look_around_and_log_out() {
    let scene = Scene::new();
    let mut client = scene.home.client();
    client.create("orders");
    client.create("payments");
    client.produce("orders", b"a secret");
    let alice = scene.log_in("alice");
    scene.until("the topics", || {
        scene
            .get("/c/local/topics", &[&alice])
            .body()
            .contains("payments")
    });
    let page = scene.get("/c/local/topics/orders/messages", &[&alice]);
    assert_eq!(page.status(), 200);
    assert!(page.body().contains("a secret") && page.body().contains("Log out"));
    // Her grant ends with the pattern.
    for path in [
        "/c/local/topics/payments",
        "/c/local/topics/payments/messages",
    ] {
        let answer = scene.get(path, &[&alice]);
        assert_eq!(answer.status(), 403, "{path}");
        assert!(
            answer.body().contains("alice may not see topic payments"),
            "{}",
            answer.body()
        );
    }
    let stream = scene.get("/c/local/stream?of=topic&name=payments", &[&alice]);
    assert_eq!(stream.status(), 404);
    // Bob sees every topic, and no record.
    let bob = scene.log_in("bob");
    assert_eq!(scene.get("/c/local/topics/payments", &[&bob]).status(), 200);
    let answer = scene.get("/c/local/topics/orders/messages?format=json", &[&bob]);
    assert_eq!(answer.status(), 403);
    assert!(
        answer.body().contains("needs the role payloads"),
        "{}",
        answer.body()
    );
    assert!(!answer.body().contains("a secret"));
    // Eve has a password and no grant.
    let eve = scene.log_in("eve");
    let answer = scene.get("/c/local/", &[&eve]);
    assert_eq!(answer.status(), 403);
    assert!(
        answer.body().contains("nothing is granted"),
        "{}",
        answer.body()
    );

    let logout = scene.post("/logout", &[&alice], &format!("csrf={}", page.csrf()));
    assert_eq!(logout.status(), 303, "{}", logout.0);
    assert!(logout.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(scene.get("/c/local/topics", &[&alice]).status(), 401);
    assert_eq!(scene.get("/c/local/topics", &[&bob]).status(), 200);
    drop(client);
    scene.home.stop();
}

#[test]
fn scripts_show_a_token_or_a_password() {
    let scene = Scene::new();
    let bearer = format!("Authorization: Bearer {}", scene.token);
    assert!(
        scene
            .get("/metrics", &[&bearer])
            .body()
            .contains("limpid_http_logins_total")
    );
    assert_eq!(
        scene.get("/metrics", &[&basic("bob", PASSWORD)]).status(),
        200
    );
    // The second time without hashing: the throttle does not see it either.
    assert_eq!(
        scene.get("/metrics", &[&basic("bob", PASSWORD)]).status(),
        200
    );
    let ready = scene.get("/readyz?verbose", &[&bearer]);
    assert_eq!((ready.status(), ready.body()), (200, "ready\n"));
    // Jolokia's bulk reads are posts.
    let read = r#"{"type":"version"}"#;
    assert_eq!(
        scene.ask("POST", "/jolokia/", &[&bearer], read).status(),
        200
    );
    // What changes something is not for viewers, whatever it is.
    let answer = scene.ask("POST", "/c/local/topics", &[&bearer], "");
    assert_eq!(answer.status(), 403);
    assert!(
        answer.body().contains("scraper may not change"),
        "{}",
        answer.body()
    );
    for wrong in [
        "Authorization: Bearer limpid_nonsense",
        "Authorization: Bearer",
        "Authorization: Negotiate x",
        &basic("bob", "wrong"),
        &basic("nobody", PASSWORD),
    ] {
        assert_eq!(scene.get("/metrics", &[wrong]).status(), 401, "{wrong}");
        assert_eq!(
            scene.get("/login", &[wrong]).status(),
            401,
            "{wrong}: not ignored"
        );
    }
    assert_eq!(
        scene.get("/metrics", &[&bearer, &bearer]).status(),
        401,
        "two"
    );

    // A token that is removed holds no longer.
    limpid(
        &["http", "token", "remove", "scraper", "--file"],
        &scene.file("tokens"),
        "",
    );
    scene.until("the token to be forgotten", || {
        scene.get("/metrics", &[&bearer]).status() == 401
    });
    scene.home.stop();
}

#[test]
fn pages_of_other_sites_change_nothing() {
    let scene = Scene::new();
    let bob = scene.log_in("bob");
    let page = scene.get("/c/local/", &[&bob]);
    let token = page.csrf().to_owned();
    let form = format!("csrf={token}");
    for foreign in [
        "Origin: http://evil.example",
        "Origin: null",
        "Origin: http://localhost:1",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        assert_eq!(
            scene.post("/logout", &[&bob, foreign], &form).status(),
            403,
            "{foreign}"
        );
        let login = "name=bob&password=correct+horse";
        let answer = scene.post("/login", &[foreign], login);
        assert_eq!(answer.status(), 403, "{foreign}");
        assert_eq!(answer.header("set-cookie"), None);
        let basic = basic("alice", PASSWORD);
        let answer = scene.ask("POST", "/jolokia/", &[&basic, foreign], "{}");
        assert_eq!(answer.status(), 403, "{foreign}");
    }
    // Without the token of this session the cookie changes nothing.
    let other = scene.log_in("bob");
    let foreign_token = scene.get("/c/local/", &[&other]).csrf().to_owned();
    for form in [
        "",
        "csrf=",
        &format!("csrf={foreign_token}"),
        &format!("x={token}"),
    ] {
        assert_eq!(scene.post("/logout", &[&bob], form).status(), 403, "{form}");
    }
    let json = [&bob, "Content-Type: application/json"];
    assert_eq!(
        scene
            .ask("POST", "/jolokia/", &json, r#"{"type":"version"}"#)
            .status(),
        403
    );
    let header = format!("X-Limpid-Csrf: {token}");
    let answer = scene.ask(
        "POST",
        "/jolokia/",
        &[&bob, &header],
        r#"{"type":"version"}"#,
    );
    assert_eq!(answer.status(), 200);
    // Names that were made to point here, and two names at once.
    for host in [
        &["Host: evil.example"][..],
        &["Host: localhost", "Host: evil.example"],
    ] {
        let mut headers = vec![bob.as_str()];
        headers.extend(host);
        assert!(
            matches!(scene.get("/c/local/", &headers).status(), 400 | 421),
            "{host:?}"
        );
    }
    assert_eq!(
        scene.get("/c/local/", &[&bob]).status(),
        200,
        "still logged in"
    );
    assert_eq!(
        scene
            .post("/logout", &[&bob, "Origin: http://localhost"], &form)
            .status(),
        303
    );
    scene.home.stop();
}

#[test]
fn guessing_is_held_back_and_leads_nowhere_else() {
    let scene = Scene::new();
    let guess = "name=bob&password=guess&to=//evil.example";
    let mut places = Vec::new();
    for _ in 0..11 {
        let answer = scene.post("/login", &[], guess);
        assert_eq!(answer.status(), 303);
        assert_eq!(answer.header("set-cookie"), None);
        places.push(answer.header("location").unwrap().to_owned());
    }
    assert_eq!(places[0], "/login?to=%2F&why=wrong");
    assert_eq!(places[10], "/login?to=%2F&why=wait");
    let answer = scene.get("/metrics", &[&basic("alice", "guess")]);
    assert_eq!(answer.status(), 429);
    assert!(answer.header("retry-after").is_some());
    // Tokens go on, and so do cookies that nobody guesses.
    let bearer = format!("Authorization: Bearer {}", scene.token);
    let metrics = scene.get("/metrics", &[&bearer]);
    let throttled = "limpid_http_logins_total{credential=\"password\",outcome=\"throttled\"} 2";
    assert!(metrics.body().contains(throttled), "{}", metrics.body());
    assert_eq!(
        scene
            .get("/c/local/", &["Cookie: limpid_session=x"])
            .status(),
        401
    );
    let large = format!("name={}&password=x", "a".repeat(20_000));
    assert_eq!(scene.post("/login", &[], &large).status(), 413);
    scene.home.stop();
}
