//! Tests of protected listeners and access rules.

use super::*;
use crate::authorizer::AccessConfig;
use crate::config::Config;
use crate::error::{ConfigErrors, WarningKind};
use crate::listeners::SecurityProtocol;
use crate::load::{LoadOptions, Loaded};

fn load(file: &str) -> Result<Loaded, ConfigErrors> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.properties");
    std::fs::write(&path, file).unwrap();
    Config::load(LoadOptions {
        file: Some(path),
        hostname: Some("box".to_owned()),
        ..LoadOptions::default()
    })
}

const FULL: &str = "\
listeners=SSL://localhost:1,SASL_SSL://localhost:2,IN://localhost:3,OUT://localhost:4
listener.security.protocol.map=SSL:SSL,SASL_SSL:SASL_SSL,IN:SASL_PLAINTEXT,OUT:PLAINTEXT
ssl.keystore.location=/tls/all.p12
ssl.keystore.password= with blanks \n\
ssl.client.auth=required
ssl.truststore.certificates=PEM
listener.name.sasl_ssl.ssl.keystore.location=/tls/own.p12
listener.name.sasl_ssl.sasl.enabled.mechanisms=SCRAM-SHA-512,OAUTHBEARER
listener.name.sasl_ssl.oauthbearer.sasl.oauthbearer.jwks.endpoint.url=ignored
sasl.oauthbearer.jwks.endpoint.url=https://id.example.com/keys
listener.name.sasl_ssl.scram-sha-512.connections.max.reauth.ms=60000
sasl.enabled.mechanisms=PLAIN
listener.name.in.plain.sasl.jaas.config=x.PlainLoginModule required user_a=\"secret\" username=b;
";

#[test]
fn keys_of_one_listener_and_of_one_mechanism_win() {
    let loaded = load(FULL).unwrap();
    assert!(
        !loaded
            .warnings
            .iter()
            .any(|w| w.kind == WarningKind::NoEffect)
    );
    let security = &loaded.config.broker().security;
    let protocols = loaded.config.broker().listeners.iter().map(|l| l.security);
    let expected = [
        SecurityProtocol::Ssl,
        SecurityProtocol::SaslSsl,
        SecurityProtocol::SaslPlaintext,
        SecurityProtocol::Plaintext,
    ];
    assert_eq!(protocols.collect::<Vec<_>>(), expected);
    let path = |name: &str| match &security[name].tls.as_ref().unwrap().key_store {
        StoreConfig::File { path, .. } => path.display().to_string(),
        StoreConfig::Pem { .. } => "text".to_owned(),
    };
    assert_eq!(
        (path("SSL"), path("SASL_SSL")),
        ("/tls/all.p12".into(), "/tls/own.p12".into())
    );
    let auth = |name: &str| security[name].tls.as_ref().unwrap().client_auth;
    assert_eq!(auth("SSL"), ClientAuth::Required);
    assert_eq!(auth("SASL_SSL"), ClientAuth::None, "a login stands for it");
    let sasl = security["SASL_SSL"].sasl.as_ref().unwrap();
    assert_eq!(
        sasl.mechanisms,
        [SaslMechanism::ScramSha512, SaslMechanism::OauthBearer]
    );
    assert_eq!(
        sasl.session_ms_max,
        BTreeMap::from([(SaslMechanism::ScramSha512, 60_000)])
    );
    let plain = security["IN"].sasl.as_ref().unwrap();
    assert_eq!(plain.plain_users.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(security["OUT"], ListenerSecurity::default());
}

#[test]
fn secrets_are_not_shown() {
    let loaded = load(FULL).unwrap();
    let shown = format!(
        "{:?} {:?} {}",
        loaded.config.broker(),
        loaded.config,
        loaded.config
    );
    assert!(
        !shown.contains("secret\"") && !shown.contains("with blanks"),
        "{shown}"
    );
}

#[test]
fn what_is_missing_is_named() {
    let refused = |file: &str| load(file).unwrap_err().to_string();
    let map = "listener.security.protocol.map=A:SASL_PLAINTEXT\nlisteners=A://localhost:1\n";
    for (file, part) in [
        ("listeners=SSL://localhost:1", "ssl.keystore.location"),
        ("listeners=SASL_SSL://localhost:1", "ssl.keystore.location"),
        (
            "listeners=SASL_PLAINTEXT://localhost:1",
            "GSSAPI, which is not available",
        ),
        (
            &format!("{map}sasl.enabled.mechanisms=PLAIN"),
            "listener.name.a.plain.sasl.jaas.config",
        ),
        (
            &format!("{map}sasl.enabled.mechanisms=OAUTHBEARER"),
            "sasl.oauthbearer.jwks.endpoint.url",
        ),
        (
            &format!(
                "{map}sasl.enabled.mechanisms=OAUTHBEARER\n\
                 sasl.oauthbearer.jwks.endpoint.url=ftp://x"
            ),
            "must begin with file:",
        ),
        (
            &format!(
                "{map}sasl.enabled.mechanisms=PLAIN\n\
                 listener.name.a.plain.sasl.jaas.config=x required user_a=\"hunter2;"
            ),
            "a quote is not closed",
        ),
        (
            "authorizer.class.name=kafka.security.Other",
            "StandardAuthorizer is known",
        ),
        ("super.users=alice", "User:name"),
    ] {
        let said = refused(file);
        assert!(said.contains(part) && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn access_rules_are_switched_on_by_kafkas_class() {
    let file = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
                super.users=User:CN=a,O=b;User:c\nallow.everyone.if.no.acl.found=true\n";
    let loaded = load(file).unwrap();
    assert_eq!(loaded.warnings, []);
    let expected = AccessConfig {
        enforced: true,
        super_users: vec!["User:CN=a,O=b".into(), "User:c".into()],
        allow_without_acl: true,
    };
    assert_eq!(loaded.config.broker().access, expected);
    assert_eq!(
        load("").unwrap().config.broker().access,
        AccessConfig::default()
    );
}

#[test]
fn https_has_stores_of_its_own_or_those_of_the_broker() {
    let of_broker = "limpid.http.listeners=http://:1,https://:2\n\
                     ssl.keystore.location=/tls/broker.p12\nssl.keystore.password=of-broker\n\
                     ssl.key.password=of-broker\nssl.truststore.location=/tls/trust.p12\n\
                     ssl.client.auth=required\n\
                     ssl.principal.mapping.rules=RULE:^CN=(.*?)$/$1/\n";
    let tls = |more: &str| {
        let loaded = load(&format!("{of_broker}{more}")).unwrap();
        assert_eq!(loaded.warnings, [], "{more}");
        loaded.config.broker().http.tls.clone().unwrap()
    };
    let path = |store: &StoreConfig| match store {
        StoreConfig::File { path, password, .. } => (
            path.display().to_string(),
            password.as_ref().map(|secret| secret.reveal().to_owned()),
        ),
        StoreConfig::Pem { .. } => panic!("a file"),
    };
    let inherited = tls("");
    let secret = Some("of-broker".to_owned());
    assert_eq!(
        path(&inherited.key_store),
        ("/tls/broker.p12".to_owned(), secret)
    );
    let trusted = inherited.trust_store.as_ref().map(path);
    assert_eq!(trusted, Some(("/tls/trust.p12".to_owned(), None)));
    assert_eq!(inherited.principal_rules, "RULE:^CN=(.*?)$/$1/");
    assert_eq!(inherited.client_auth, ClientAuth::None, "nobody said so");

    let own = tls("limpid.http.ssl.keystore.location=/tls/web.pem\n\
                   limpid.http.ssl.client.auth=requested\n");
    assert_eq!(path(&own.key_store), ("/tls/web.pem".to_owned(), None));
    assert_eq!(own.client_auth, ClientAuth::Requested);
    assert!(own.trust_store.is_some());

    let plain = load("limpid.http.listeners=http://:1").unwrap();
    assert_eq!(plain.config.broker().http.tls, None);
    let message = load("limpid.http.listeners=https://:1").unwrap_err();
    let message = message.to_string();
    assert!(
        message.contains("ssl.keystore.location: ") && message.contains("limpid.http.listeners"),
        "{message}"
    );
}
