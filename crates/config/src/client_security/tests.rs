use super::*;

fn read_text(text: &str) -> Result<ClientSecurity, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("client.properties");
    std::fs::write(&path, text).unwrap();
    let read = ClientSecurity::read_file(&path);
    let prefix = format!("{}/", dir.path().display());
    read.map_err(|errors| errors.to_string().replace(&prefix, ""))
}

const SCRAM: &str = "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule \
                     required username=\"ann\" password=\"hunter2\";\n";

#[test]
fn a_file_of_kafkas_clients() {
    assert_eq!(read_text("acks=1\n"), Ok(ClientSecurity::default()));
    let text = format!(
        "bootstrap.servers=x:1\nsecurity.protocol=sasl_ssl\nsasl.mechanism=SCRAM-SHA-512\n{SCRAM}\
         ssl.truststore.location=/ca.pem\nssl.truststore.type=PEM\nssl.protocol=TLSv1.3\n\
         ssl.endpoint.identification.algorithm=\n"
    );
    let read = read_text(&text).unwrap();
    let tls = read.tls.as_ref().unwrap();
    assert!(!tls.check_name && tls.key_store.is_none());
    let Some(StoreConfig::File { path, kind, .. }) = &tls.trust_store else {
        panic!("{tls:?}");
    };
    assert_eq!((path.to_str(), kind.as_str()), (Some("/ca.pem"), "PEM"));
    let login = read.login.as_ref().unwrap();
    assert_eq!(login.mechanism, SaslMechanism::ScramSha512);
    assert_eq!(
        (login.user.as_str(), login.password.reveal()),
        ("ann", "hunter2")
    );
    assert!(!format!("{read:?}").contains("hunter2"));
    let own = "security.protocol=SSL\nssl.keystore.location=/own.pem\n";
    let tls = read_text(own).unwrap().tls.unwrap();
    assert!(tls.check_name && tls.trust_store.is_none() && tls.key_store.is_some());
}

#[test]
fn what_is_wrong_is_named_with_line_and_key_and_without_secrets() {
    let sasl = "security.protocol=SASL_PLAINTEXT\n";
    for (text, words) in [
        (
            "a=1\nsecurity.protocol=TLS\n".to_owned(),
            "client.properties:2: security.protocol: \"TLS\" is not one of PLAINTEXT, SSL",
        ),
        (
            "ssl.truststore.locaton=/x\n".to_owned(),
            "client.properties:1: ssl.truststore.locaton: no such entry for this client (did you \
             mean ssl.truststore.location?)",
        ),
        (sasl.to_owned(), "sasl.mechanism: needed to log in"),
        (
            format!("{sasl}sasl.mechanism=GSSAPI\n"),
            "client.properties:2: sasl.mechanism: \"GSSAPI\" is not available here; there are \
             PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
        ),
        (
            format!("{sasl}sasl.mechanism=PLAIN\n"),
            "sasl.jaas.config: needed to log in, as in \
             org.apache.kafka.common.security.plain.PlainLoginModule required username",
        ),
        (
            format!("{sasl}sasl.mechanism=PLAIN\n{SCRAM}"),
            "client.properties:3: sasl.jaas.config: PLAIN has the login module",
        ),
        (
            format!(
                "{sasl}sasl.mechanism=SCRAM-SHA-256\n{}",
                &SCRAM[..SCRAM.len() - 2]
            ),
            "client.properties:3: sasl.jaas.config: it does not end with a semicolon",
        ),
        (
            "security.protocol=SSL\nssl.endpoint.identification.algorithm=no\n".to_owned(),
            "client.properties:2: ssl.endpoint.identification.algorithm: \"no\" is not known",
        ),
        (
            "security.protocol=SSL\nssl.keystore.certificate.chain=x\n".to_owned(),
            "ssl.keystore.key: goes with ssl.keystore.certificate.chain",
        ),
    ] {
        let error = read_text(&text).expect_err(&text);
        assert!(error.contains(words), "{words:?} is not in {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let error = ClientSecurity::read_file(Path::new("/nonexistent/x")).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/x: No such file"));
}
