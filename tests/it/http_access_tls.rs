//! HTTP over TLS, over real sockets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::asking::{Answer, ask, connect, limpid};
use crate::home::{Home, until};

/// A file of the key material that all tests share.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("crates/security/fixtures")
        .join(name)
}

pub type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A client that believes the authority in a file, with or without a certificate of its own.
pub fn client(authority: &Path, own: Option<&str>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match own.map(fixture) {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let chain = CertificateDer::pem_file_iter(&path).unwrap();
            let chain = chain.collect::<Result<_, _>>().unwrap();
            let key = PrivateKeyDer::from_pem_file(&path).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    })
}

/// A server that speaks both, with a user alice.
struct Scene {
    home: Home,
    files: tempfile::TempDir,
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
        let store = files.path().join("store.pem");
        std::fs::copy(fixture("broker.pem"), &store).unwrap();
        let own = [
            "limpid.http.listeners=http://127.0.0.1:0,https://127.0.0.1:0".to_owned(),
            format!("limpid.http.ssl.keystore.location={}", store.display()),
            format!("ssl.truststore.location={}", fixture("ca.pem").display()),
            format!("limpid.http.users.file={}", users.display()),
        ];
        let all: Vec<&str> = own.iter().map(String::as_str).collect();
        let home = Home::with(&[&all, settings].concat());
        Self { home, files }
    }

    fn socket(&self) -> TcpStream {
        connect(self.home.server().addresses().https[0])
    }

    fn tls(&self, client: Arc<ClientConfig>) -> Tls {
        let name = ServerName::try_from("localhost").unwrap();
        StreamOwned::new(ClientConnection::new(client, name).unwrap(), self.socket())
    }

    fn get(&self, own: Option<&str>, path: &str, headers: &[&str]) -> Answer {
        let client = client(&fixture("ca.pem"), own);
        ask(self.tls(client), "GET", path, headers, "")
    }

    fn count(&self, line: &str) -> bool {
        let metrics = self.get(
            None,
            "/metrics",
            &[&crate::asking::basic("alice", "correct horse")],
        );
        metrics.body().contains(line)
    }
}

#[test]
fn people_log_in_over_tls_with_a_cookie_that_stays_there() {
    let scene = Scene::with(&[]);
    assert_eq!(scene.get(None, "/healthz", &[]).status(), 200);
    let client = client(&fixture("ca.pem"), None);
    let form = "name=alice&password=correct+horse&to=/c/local/";
    let headers = ["Content-Type: application/x-www-form-urlencoded"];
    let answer = ask(scene.tls(client), "POST", "/login", &headers, form);
    assert_eq!(answer.status(), 303, "{}", answer.0);
    let set = answer.header("set-cookie").unwrap();
    assert!(set.starts_with("__Host-limpid_session_"), "{set}");
    assert!(
        set.contains("; Path=/; ") && set.contains("; Secure"),
        "{set}"
    );
    assert!(!set.contains("Domain"), "{set}");
    let cookie = format!("Cookie: {}", set.split(';').next().unwrap());
    let page = scene.get(None, "/c/local/", &[&cookie]);
    assert_eq!(page.status(), 200);
    assert!(page.body().contains("Log out"));
    // Browsers don't send it without TLS; whoever does is not believed.
    let plain = connect(scene.home.server().addresses().http[0]);
    let answer = ask(plain, "GET", "/c/local/", &[&cookie], "");
    assert_eq!(answer.status(), 401);
    scene.home.stop();
}

#[test]
fn who_does_not_speak_tls_is_told_so() {
    let scene = Scene::with(&[]);
    let answer = ask(scene.socket(), "GET", "/", &[], "");
    assert_eq!(answer.status(), 400);
    assert!(answer.body().contains("https://"), "{}", answer.0);
    // What is neither, and who does not believe the certificate, is let go.
    let mut kafka = scene.socket();
    kafka.write_all(&[0, 0, 0, 8, 0, 18, 0, 3]).unwrap();
    let mut all = Vec::new();
    kafka.read_to_end(&mut all).unwrap();
    let other = client(&fixture("broker-v1.pem").with_file_name("alice.pem"), None);
    let name = ServerName::try_from("localhost").unwrap();
    let stranger = ClientConnection::new(other, name).unwrap();
    let mut stranger = StreamOwned::new(stranger, scene.socket());
    let refused = stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap_err();
    assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");
    for (cause, count) in [("plain_http", 2), ("handshake", 1)] {
        let line = format!("limpid_http_connection_failures_total{{cause=\"{cause}\"}} {count}\n");
        until(&line, || scene.count(&line).then_some(()));
    }
    scene.home.stop();
}

#[test]
fn slow_ones_are_cut_off_and_those_beyond_the_limit_wait() {
    let scene = Scene::with(&[
        "limpid.http.connections.max=10",
        "limpid.http.header.timeout.ms=500",
    ]);
    // Ten that say nothing, or only half of something, take all places of the listener.
    let mut idle: Vec<TcpStream> = (0..8).map(|_| scene.socket()).collect();
    let mut half = scene.tls(client(&fixture("ca.pem"), None));
    half.write_all(b"GET / HTTP/1.1\r\nHost: loc").unwrap();
    let mut unused = scene.tls(client(&fixture("ca.pem"), None));
    unused.conn.complete_io(&mut unused.sock).unwrap();
    // The next one gets its answer when they are gone.
    assert_eq!(scene.get(None, "/healthz", &[]).status(), 200);
    let mut rest = Vec::new();
    for socket in &mut idle {
        assert_eq!(socket.read_to_end(&mut rest).unwrap(), 0);
    }
    half.sock.read_to_end(&mut rest).unwrap();
    // A form that never ends; everybody may send one.
    let mut form = scene.tls(client(&fixture("ca.pem"), None));
    let head = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nname=";
    form.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    form.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    unused.sock.read_to_end(&mut rest).unwrap();
    let line = "limpid_http_connection_failures_total{cause=\"handshake_timeout\"} 8\n";
    assert!(scene.count(line));
    assert!(scene.count("limpid_http_connections_max 20\n"));
    scene.home.stop();
}

#[test]
fn a_new_certificate_comes_into_force_and_a_bad_one_does_not() {
    let scene = Scene::with(&[]);
    let leaf = |scene: &Scene| {
        let mut stream = scene.tls(client(&fixture("ca.pem"), None));
        stream.conn.complete_io(&mut stream.sock).unwrap();
        stream.conn.peer_certificates().unwrap()[0].to_vec()
    };
    let before = leaf(&scene);
    let store = scene.files.path().join("store.pem");
    std::fs::write(&store, "nonsense").unwrap();
    let failed = "limpid_tls_reloads_total{listener=\"https\",outcome=\"failed\"} 1\n";
    until(failed, || scene.count(failed).then_some(()));
    assert_eq!(leaf(&scene), before);
    // Alice's is no server's, but it is another one of the same authority.
    std::fs::copy(fixture("alice.pem"), &store).unwrap();
    let loaded = "limpid_tls_reloads_total{listener=\"https\",outcome=\"loaded\"} 1\n";
    let plain = || connect(scene.home.server().addresses().http[0]);
    let alice = crate::asking::basic("alice", "correct horse");
    until(loaded, || {
        let metrics = ask(plain(), "GET", "/metrics", &[&alice], "");
        metrics.body().contains(loaded).then_some(())
    });
    let mut stream = scene.tls(client(&fixture("ca.pem"), None));
    let refused = stream.conn.complete_io(&mut stream.sock).unwrap_err();
    assert!(
        refused.to_string().contains("client authentication"),
        "{refused}"
    );
    scene.home.stop();
}

/// Names the subject of a certificate by its common name.
const RULES: &str = "limpid.http.ssl.principal.mapping.rules=RULE:^.*CN=([^,]*).*$/$1/";

#[test]
fn a_certificate_shows_who_somebody_is() {
    let scene = Scene::with(&[
        RULES,
        "limpid.http.ssl.client.auth=requested",
        "limpid.http.grants=User:alice=operator@local; User:*=viewer",
    ]);
    let alice = Some("alice.pem");
    let page = scene.get(alice, "/c/local/", &[]);
    assert_eq!(page.status(), 200, "{}", page.0);
    assert!(page.body().contains("alice") && !page.body().contains("Log out"));
    let ready = scene.get(alice, "/readyz?verbose", &[]);
    assert_eq!(ready.body(), "ready\n");
    // Who shows none can still log in, here or without TLS.
    assert_eq!(scene.get(None, "/c/local/", &[]).status(), 401);
    assert_eq!(scene.get(None, "/login", &[]).status(), 200);
    let plain = connect(scene.home.server().addresses().http[0]);
    assert_eq!(ask(plain, "GET", "/c/local/", &[], "").status(), 401);
    // What is shown on purpose counts first.
    let wrong = ["Authorization: Bearer nonsense"];
    assert_eq!(scene.get(alice, "/c/local/", &wrong).status(), 401);
    // Browsers show certificates for pages of other sites as well.
    let post = |headers: &[&str]| {
        let client = client(&fixture("ca.pem"), alice);
        let read = r#"{"type":"version"}"#;
        ask(scene.tls(client), "POST", "/jolokia/", headers, read).status()
    };
    let browser = "Accept: text/html";
    assert_eq!(post(&[]), 200, "a script");
    assert_eq!(post(&[browser, "Origin: https://localhost"]), 200);
    assert_eq!(post(&[browser, "Origin: https://evil.example"]), 403);
    assert_eq!(post(&[browser, "Sec-Fetch-Site: cross-site"]), 403);
    assert_eq!(post(&[browser]), 403, "it does not say which page");
    assert!(
        scene.count("limpid_http_logins_total{credential=\"certificate\",outcome=\"accepted\"}")
    );
    scene.home.stop();
}

#[test]
fn a_certificate_that_no_grant_names_is_nobodys() {
    let scene = Scene::with(&[
        "limpid.http.ssl.client.auth=required",
        "limpid.http.grants=User:bob=admin; User:*=viewer",
    ]);
    let alice = Some("alice.pem");
    let refused = scene.get(alice, "/c/local/", &[]);
    assert_eq!(refused.status(), 403);
    let body = refused.body();
    assert!(body.contains("CN=alice,"), "{body}");
    assert!(body.contains("nothing is granted"), "{body}");
    let ready = scene.get(alice, "/readyz?verbose", &[]);
    assert_eq!((ready.status(), ready.body()), (200, ""));
    // Logging in lends what the certificate lacks.
    let basic = crate::asking::basic("alice", "correct horse");
    assert_eq!(scene.get(alice, "/c/local/", &[&basic]).status(), 200);
    // Without any there is no connection.
    let mut none = scene.tls(client(&fixture("ca.pem"), None));
    let asked = none.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let error = asked.and_then(|()| none.read(&mut [0; 64])).unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
    scene.home.stop();
}

#[test]
fn the_command_line_believes_the_authority_it_is_told() {
    let tokens = tempfile::tempdir().unwrap();
    let file = tokens.path().join("tokens");
    let token = limpid(&["http", "token", "add", "ops", "--file"], &file, "");
    let shown = tokens.path().join("token");
    std::fs::write(&shown, token).unwrap();
    let scene = Scene::with(&[&format!("limpid.http.tokens.file={}", file.display())]);
    let port = scene.home.server().addresses().https[0].port();
    let status = |authority: Option<PathBuf>| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_limpid"));
        command.args(["status", "--url", &format!("https://localhost:{port}")]);
        command.arg("--token-file").arg(&shown);
        if let Some(file) = authority {
            command.arg("--ca-file").arg(file);
        }
        let ended = command.output().unwrap();
        let said = [ended.stdout, ended.stderr].concat();
        (ended.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, said) = status(Some(fixture("ca.pem")));
    assert!(
        matches!(code, Some(0 | 1)) && said.contains("Numbers of "),
        "{said}"
    );
    let (code, said) = status(None);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("certificate"), "{said}");
    let (code, said) = status(Some(shown.clone()));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("has no certificate"), "{said}");
    scene.home.stop();
}
