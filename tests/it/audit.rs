//! The audit: its topic, read by a client, one test for each kind.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use limpid_protocol::messages::create_acls_request::{AclCreation, CreateAclsRequest};
use limpid_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use limpid_protocol::messages::{
    AlterUserScramCredentialsRequest, SaslAuthenticateRequest, SaslHandshakeRequest,
    alter_user_scram_credentials_request::ScramCredentialUpsertion,
};
use limpid_protocol::records::Batches;
use limpid_telemetry::logging::{self, LogOptions};
use serde_json::Value;

use crate::asking;
use crate::home::{Client, Home, fetch, until};

const TOPIC: &str = "limpid.audit.topic=audit";
/// Kafka's codes.
pub const OF_TOPIC: i8 = 2;
const OF_BROKER: i8 = 4;
const SET: i8 = 0;
const LITERAL: i8 = 3;
const ALLOW: i8 = 3;
const ALL: i8 = 2;
const SCRAM_SHA_256: i8 = 1;

/// All records of the audit's topic so far.
fn records(client: &mut Client) -> Vec<Value> {
    let answer = client.call(&fetch("audit", 0, 1, 0), 11);
    let data = &answer.responses[0].partitions[0];
    let bytes: Vec<u8> = data.records.concat();
    let mut found = Vec::new();
    for batch in Batches::new(&bytes) {
        let batch = batch.unwrap();
        for record in batch.records().unwrap() {
            let value = record.unwrap().value.unwrap().to_vec();
            found.push(serde_json::from_slice(&value).unwrap());
        }
    }
    found
}

/// The first record of a kind that fits.
pub fn record(client: &mut Client, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
    until(kind, || {
        let all = records(client);
        all.into_iter().find(|one| one["kind"] == kind && fits(one))
    })
}

pub fn set(client: &mut Client, kind: i8, name: &str, key: &str, value: &str) -> i16 {
    let entry = AlterableConfig {
        name: key.to_owned(),
        config_operation: SET,
        value: Some(value.to_owned()),
    };
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: kind,
            resource_name: name.to_owned(),
            configs: vec![entry],
        }],
        ..IncrementalAlterConfigsRequest::default()
    };
    client.call(&request, 1).responses[0].error_code
}

#[test]
fn changes_are_told_with_before_and_after_and_without_secrets() {
    let home = Home::with(&[TOPIC]);
    let mut client = home.client();
    client.create("orders");
    assert_eq!(
        set(&mut client, OF_TOPIC, "orders", "retention.ms", "1000"),
        0
    );
    assert_eq!(
        set(&mut client, OF_TOPIC, "orders", "retention.ms", "2000"),
        0
    );
    let hush = "hush-hush-hush";
    let key = "listener.name.plaintext.ssl.keystore.password";
    set(&mut client, OF_BROKER, "1", key, hush);
    let user = ScramCredentialUpsertion {
        name: "alice".to_owned(),
        mechanism: SCRAM_SHA_256,
        iterations: 4096,
        salt: b"salt-salt-salt".to_vec().into(),
        salted_password: b"0123456789abcdef0123456789abcdef".to_vec().into(),
    };
    let request = AlterUserScramCredentialsRequest {
        upsertions: vec![user],
        ..AlterUserScramCredentialsRequest::default()
    };
    assert_eq!(client.call(&request, 0).results[0].error_code, 0);
    client.delete("orders");
    let deleted = record(&mut client, "change", |one| one["action"] == "DeleteTopics");
    assert_eq!(deleted["changes"][0]["what"], "delete");
    assert_eq!(deleted["changes"][0]["name"], "orders");
    assert_eq!(deleted["schema"], 1);
    assert_eq!(deleted["outcome"], "NONE");
    assert_eq!(deleted["who"]["principal"], "User:ANONYMOUS");
    assert_eq!(deleted["who"]["client_id"], "it");
    assert_eq!(deleted["who"]["address"], "127.0.0.1");
    assert_eq!(deleted["who"]["listener"], "PLAINTEXT");
    // They came in this order, and stay in it.
    let all = records(&mut client);
    let altered: Vec<&Value> = all
        .iter()
        .filter(|one| one["changes"][0]["key"] == "retention.ms")
        .map(|one| &one["changes"][0])
        .collect();
    assert_eq!(altered.len(), 2, "{all:?}");
    assert_eq!(altered[0]["before"], Value::Null);
    assert_eq!(altered[0]["after"], "1000");
    assert_eq!(altered[1]["before"], "1000");
    assert_eq!(altered[1]["after"], "2000");
    let scram = all
        .iter()
        .find(|one| one["action"] == "AlterUserScramCredentials");
    assert_eq!(scram.unwrap()["changes"][0]["name"], "alice");
    let text = format!("{all:?}");
    for secret in [hush, "salt-salt", "0123456789abcdef"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    // Nobody else writes to it.
    let refused = until("refusal", || client.try_produce("audit", b"forged").err());
    assert_eq!(refused, 17, "INVALID_TOPIC_EXCEPTION");
    let metrics = home.scrape();
    for line in [
        "limpid_audit_queue_max 4096\n",
        "limpid_audit_dropped_total 0\n",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[test]
fn denials_are_told_at_once_and_then_added_up() {
    let home = Home::with(&[
        TOPIC,
        "limpid.audit.window.ms=1000",
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found=true",
    ]);
    let mut client = home.client();
    client.create("orders");
    let acl = AclCreation {
        resource_type: OF_TOPIC,
        resource_name: "orders".to_owned(),
        resource_pattern_type: LITERAL,
        principal: "User:somebody".to_owned(),
        host: "*".to_owned(),
        operation: ALL,
        permission_type: ALLOW,
    };
    let request = CreateAclsRequest {
        creations: vec![acl],
    };
    assert_eq!(client.call(&request, 3).results[0].error_code, 0);
    let words = "User:somebody Allow All of Literal Topic orders from *";
    record(&mut client, "change", |one| {
        one["changes"][0]["name"] == words
    });
    for _ in 0..20 {
        let denied = until("denial", || client.try_produce("orders", b"x").err());
        assert_eq!(denied, 29, "TOPIC_AUTHORIZATION_FAILED");
    }
    let once = record(&mut client, "denied", |one| one["count"] == 1);
    assert_eq!(once["action"], "Write");
    assert_eq!(once["resource"]["kind"], "Topic");
    assert_eq!(once["resource"]["name"], "orders");
    assert_eq!(once["who"]["principal"], "User:ANONYMOUS");
    let more = record(&mut client, "denied", |one| one["count"].as_u64() > Some(1));
    assert_eq!(more["count"], 19);
    assert!(more["first_at_ms"].as_i64() <= more["at_ms"].as_i64());
}

#[test]
fn a_failed_login_is_told_with_the_name_that_was_claimed() {
    let home = Home::with(&[
        TOPIC,
        "listeners=PLAINTEXT://127.0.0.1:0,SASL_PLAINTEXT://127.0.0.1:0",
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms=SCRAM-SHA-256",
        "connection.failed.authentication.delay.ms=1",
    ]);
    let mut stranger = home.client_of("SASL_PLAINTEXT");
    let handshake = SaslHandshakeRequest {
        mechanism: "SCRAM-SHA-256".to_owned(),
    };
    assert_eq!(stranger.call(&handshake, 1).error_code, 0);
    let mut say = |message: String| {
        let auth_bytes = message.into_bytes().into();
        stranger.call(&SaslAuthenticateRequest { auth_bytes }, 2)
    };
    let challenge = say("n,,n=alice,r=nonce1234".to_owned());
    let challenge = String::from_utf8(challenge.auth_bytes.to_vec()).unwrap();
    let nonce = challenge.split(',').next().unwrap().to_owned();
    let proof = "wrong-secret".repeat(4);
    let refused = say(format!(
        "c=biws,{nonce},p={}",
        STANDARD.encode(&proof[..32])
    ));
    assert_eq!(refused.error_code, 58, "SASL_AUTHENTICATION_FAILED");
    let mut client = home.client();
    let failed = record(&mut client, "login_failed", |_| true);
    assert_eq!(failed["who"]["principal"], "User:alice");
    assert_eq!(failed["who"]["listener"], "SASL_PLAINTEXT");
    assert_eq!(failed["action"], "SCRAM-SHA-256");
    assert_eq!(failed["count"], 1);
}

#[test]
fn over_http_logins_refusals_changes_and_reading_are_told() {
    let files = tempfile::tempdir().unwrap();
    let users = files.path().join("users");
    asking::limpid(
        &["http", "user", "add", "alice", "--file"],
        &users,
        "correct horse",
    );
    let options = LogOptions {
        targets: &["limpid_storage::log"],
        ..LogOptions::default()
    };
    let logging = logging::to_sink(&options, Box::new(std::io::sink())).unwrap();
    let settings = [
        TOPIC.to_owned(),
        format!("limpid.http.users.file={}", users.display()),
        "limpid.http.grants=User:alice=admin+payloads".to_owned(),
    ];
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open_logging(folder, settings.into(), logging.1.loggers());
    let ask = |method: &str, path: &str, headers: &[&str], body: &str| {
        let stream = asking::connect(home.server().addresses().http[0]);
        asking::ask(stream, method, path, headers, body).status()
    };
    let mut client = home.client();
    client.create("orders");
    client.produce("orders", b"what is in it");
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    assert_eq!(
        ask("POST", "/login", &form, "name=alice&password=wrong&to=/"),
        303
    );
    assert_eq!(
        ask(
            "POST",
            "/login",
            &form,
            "name=alice&password=correct+horse&to=/"
        ),
        303
    );
    assert_eq!(ask("GET", "/metrics?token=abc", &[], ""), 401);
    let alice = asking::basic("alice", "correct horse");
    let alice = [alice.as_str()];
    until("page of messages", || {
        let status = ask("GET", "/c/local/topics/orders/messages", &alice, "");
        (status == 200).then_some(())
    });
    assert_eq!(ask("DELETE", "/c/local/topics/orders", &alice, ""), 405);
    let json = [alice[0], "Content-Type: application/json"];
    let level = "/api/v1/clusters/local/loggers/limpid_storage";
    assert_eq!(ask("PUT", level, &json, r#"{"level":"DEBUG"}"#), 200);
    let run = r#"{"type":"exec","mbean":"limpid:type=LogManager","operation":"runRetention()"}"#;
    assert_eq!(ask("POST", "/jolokia/", &json, run), 200);
    assert_eq!(
        ask("GET", "/support-bundle.tar.gz?seconds=0", &alice, ""),
        200
    );
    let failed = record(&mut client, "http_login_failed", |_| true);
    assert_eq!(failed["who"]["principal"], "User:alice");
    let login = record(&mut client, "http_login", |_| true);
    assert_eq!(login["who"]["principal"], "User:alice");
    assert_eq!(login["who"]["address"], "127.0.0.1");
    let refused = record(&mut client, "http_refused", |_| true);
    assert_eq!(refused["action"], "GET /metrics");
    assert_eq!(refused["outcome"], "401");
    let read = record(&mut client, "payload_read", |_| true);
    assert_eq!(read["who"]["principal"], "User:alice");
    assert_eq!(read["resource"]["name"], "orders");
    assert_eq!(read["reason"], "1 records, the first is 0@0");
    let change = record(&mut client, "http_change", |_| true);
    assert_eq!(change["action"], "DELETE /c/local/topics/orders");
    assert_eq!(change["outcome"], "405");
    let level = record(&mut client, "change", |one| one["action"] == "set level");
    assert_eq!(level["who"]["principal"], "User:alice");
    let changed = &level["changes"][0];
    assert_eq!(changed["name"], "limpid_storage");
    assert_eq!(
        (&changed["before"], &changed["after"]),
        (&"INFO".into(), &"DEBUG".into())
    );
    let run = record(&mut client, "change", |one| {
        one["action"] == "run retention"
    });
    assert_eq!(run["who"]["address"], "127.0.0.1");
    let bundle = record(&mut client, "support_bundle", |_| true);
    assert_eq!(bundle["who"]["principal"], "User:alice");
    let text = format!("{:?}", records(&mut client));
    for secret in ["horse", "wrong", "abc", "what is in it"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}
