//! Our own client over TLS and with logins: the canary, and what it says when it is not let in.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use limpid_client::{Access, ClientConfig, ErrorKind};
use limpid_config::ClientSecurity;
use limpid_protocol::messages::AlterUserScramCredentialsRequest;
use limpid_protocol::messages::alter_user_scram_credentials_request::ScramCredentialUpsertion;
use ring::pbkdf2;

use crate::home::Home;
use crate::measured::{at_least, value};

/// A file of the key material that all tests share.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("crates/security/fixtures")
        .join(name)
}

fn setting(key: &str, name: &str) -> String {
    format!("{key}={}", fixture(name).display())
}

const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required";
const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule required";
const PASSWORD: &str = "correct horse";
const SHA_512: i8 = 2;
const ROUNDS: u32 = 4096;

/// Passwords, which have no place on a command line, in a file.
fn secrets() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = format!(
        "users={PLAIN} user_ann=\"{PASSWORD}\";\n\
         canary={SCRAM} username=\"ann\" password=\"{PASSWORD}\";\n"
    );
    std::fs::write(file.path(), text).unwrap();
    file
}

/// Every kind of listener, and the authorizer: without a login nobody may do anything but over
/// PLAINTEXT.
fn home(secrets: &Path, more: &[&str]) -> Home {
    let key_store = setting("ssl.keystore.location", "broker.pem");
    let secret = |name: &str| format!("${{file:{}:{name}}}", secrets.display());
    let users = secret("users");
    let users = format!("listener.name.sasl_ssl.plain.sasl.jaas.config={users}");
    let canary = format!("limpid.canary.sasl.jaas.config={}", secret("canary"));
    let settings = [
        "listeners=PLAINTEXT://127.0.0.1:0,SSL://localhost:0,SASL_SSL://localhost:0",
        "inter.broker.listener.name=PLAINTEXT",
        "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512",
        "connection.failed.authentication.delay.ms=1",
        "config.providers=file",
        "config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider",
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users=User:ANONYMOUS;User:ann",
        "limpid.canary.interval.ms=100",
        &key_store,
        &users,
        &canary,
    ];
    Home::with(&[&settings, more].concat())
}

/// The canary's user, as `kafka-configs.sh --alter --add-config` makes it.
fn add_ann(home: &Home) {
    let salt = b"a salt of its own";
    let mut salted = [0; 64];
    let rounds = NonZeroU32::new(ROUNDS).unwrap();
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA512;
    pbkdf2::derive(algorithm, rounds, salt, PASSWORD.as_bytes(), &mut salted);
    let request = AlterUserScramCredentialsRequest {
        upsertions: vec![ScramCredentialUpsertion {
            name: "ann".to_owned(),
            mechanism: SHA_512,
            iterations: 4096,
            salt: salt.to_vec().into(),
            salted_password: salted.to_vec().into(),
        }],
        ..AlterUserScramCredentialsRequest::default()
    };
    let answer = home.client().call(&request, 0);
    assert_eq!(answer.results[0].error_code, 0, "{answer:?}");
}

const ROUNDS_THERE_AND_BACK: &str = "limpid_canary_seconds_count ";

#[test]
fn the_canary_logs_in_over_tls_as_soon_as_its_user_is_there() {
    let secrets = secrets();
    let home = home(
        secrets.path(),
        &[
            "limpid.canary.topic=canary",
            "limpid.canary.security.protocol=SASL_SSL",
            "limpid.canary.sasl.mechanism=SCRAM-SHA-512",
            &setting("limpid.canary.ssl.truststore.location", "ca.pem"),
        ],
    );
    at_least(&home, "limpid_canary_failures_total{stage=\"topic\"} ", 2.0);
    assert_eq!(value(&home.scrape(), ROUNDS_THERE_AND_BACK), Some(0.0));
    add_ann(&home);
    at_least(&home, ROUNDS_THERE_AND_BACK, 3.0);
}

#[test]
fn the_canary_shows_a_certificate_and_believes_whom_the_broker_believes() {
    let secrets = secrets();
    let home = home(
        secrets.path(),
        &[
            "limpid.canary.topic=canary",
            "limpid.canary.security.protocol=SSL",
            "ssl.client.auth=required",
            "ssl.principal.mapping.rules=RULE:^CN=([a-z]*).*$/ann/",
            &setting("ssl.truststore.location", "ca.pem"),
            &setting("limpid.canary.ssl.keystore.location", "alice.pem"),
        ],
    );
    at_least(&home, ROUNDS_THERE_AND_BACK, 3.0);
}

/// Asks a listener for the cluster's id, having read what a file of client properties says.
fn ask(home: &Home, (host, listener): (&str, &str), properties: &str) -> Result<(), ErrorKind> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), properties).unwrap();
    let security = ClientSecurity::read_file(file.path()).unwrap();
    let client = Access::load(&security)
        .unwrap()
        .client(config(home, (host, listener)));
    let runtime = runtime();
    let asked = runtime.block_on(async { client.describe_cluster().await });
    asked.map(|_| ()).map_err(|error| error.kind)
}

fn config(home: &Home, (host, listener): (&str, &str)) -> ClientConfig {
    let all = &home.server().addresses().kafka;
    let (_, address) = all.iter().find(|(name, _)| name == listener).unwrap();
    ClientConfig {
        // Not long enough for another attempt: what the first one says is what counts.
        api_timeout: Duration::from_millis(1),
        bootstrap_servers: vec![(host.to_owned(), address.port())],
        ..ClientConfig::default()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

fn login(mechanism: &str, module: &str, password: &str) -> String {
    format!(
        "security.protocol=SASL_SSL\nsasl.mechanism={mechanism}\nssl.truststore.location={}\n\
         sasl.jaas.config={module} username=\"ann\" password=\"{password}\";\n",
        fixture("ca.pem").display()
    )
}

#[test]
fn whoever_is_not_let_in_hears_what_to_change() {
    let secrets = secrets();
    let home = home(
        secrets.path(),
        &[
            "listener.name.ssl.ssl.client.auth=required",
            &setting("ssl.truststore.location", "ca.pem"),
        ],
    );
    add_ann(&home);
    let (plain, ssl, sasl) = (
        ("127.0.0.1", "PLAINTEXT"),
        ("localhost", "SSL"),
        ("localhost", "SASL_SSL"),
    );
    let tls = format!(
        "security.protocol=SSL\n{}\n",
        setting("ssl.truststore.location", "ca.pem")
    );
    let own = format!("{tls}{}\n", setting("ssl.keystore.location", "alice.pem"));
    let any_name = format!("{own}ssl.endpoint.identification.algorithm=\n");
    for (listener, properties) in [
        (plain, ""),
        (ssl, own.as_str()),
        (("127.0.0.1", "SSL"), any_name.as_str()),
        (sasl, &login("PLAIN", PLAIN, PASSWORD)),
        (sasl, &login("SCRAM-SHA-512", SCRAM, PASSWORD)),
    ] {
        let asked = ask(&home, listener, properties);
        assert_eq!(asked, Ok(()), "{listener:?} {properties}");
    }
    let sasl_in_plain = login("PLAIN", PLAIN, PASSWORD).replace("SASL_SSL", "SASL_PLAINTEXT");
    for (listener, properties, words) in [
        (
            ssl,
            "security.protocol=SSL\n",
            "set ssl.truststore.location",
        ),
        (
            ssl,
            &tls,
            "wants a certificate of the client: set ssl.keystore.location",
        ),
        (ssl, "", "answers in TLS: set security.protocol"),
        (
            plain,
            &tls,
            "does this listener speak TLS (security.protocol)",
        ),
        (
            plain,
            &sasl_in_plain,
            "security.protocol must be PLAINTEXT or SSL",
        ),
        (
            sasl,
            &login("PLAIN", PLAIN, "wrong"),
            "can't log in as ann by PLAIN",
        ),
        (
            sasl,
            &login("SCRAM-SHA-512", SCRAM, "wrong"),
            "SASL_AUTHENTICATION_FAILED",
        ),
        (
            sasl,
            &login("SCRAM-SHA-256", SCRAM, PASSWORD),
            "does not take SCRAM-SHA-256, but PLAIN, SCRAM-SHA-512: set sasl.mechanism",
        ),
    ] {
        let refused = ask(&home, listener, properties)
            .expect_err(words)
            .to_string();
        assert!(refused.contains(words), "{words:?} is not in {refused}");
        assert!(!refused.contains(PASSWORD), "{refused}");
    }
}

#[test]
fn a_login_that_runs_out_is_renewed_before_the_broker_ends_the_connection() {
    let secrets = secrets();
    let home = home(secrets.path(), &["connections.max.reauth.ms=1000"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), login("PLAIN", PLAIN, PASSWORD)).unwrap();
    let access = Access::load(&ClientSecurity::read_file(file.path()).unwrap()).unwrap();
    let client = access.client(config(&home, ("localhost", "SASL_SSL")));
    runtime().block_on(async {
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(2_500) {
            client.describe_cluster().await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}
