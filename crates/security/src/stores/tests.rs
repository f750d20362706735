use std::fs;

use super::*;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

fn file(name: &str, password: Option<&str>) -> StoreConfig {
    StoreConfig::File {
        path: path(name),
        password: password.map(Secret::new),
        key_password: None,
        // What Kafka takes it for unless told otherwise.
        kind: "JKS".into(),
    }
}

fn text(name: &str) -> Secret {
    Secret::new(fs::read_to_string(path(name)).expect("a fixture"))
}

#[test]
fn a_key_and_its_certificates_in_every_format() {
    let plain = read_identity(&file("broker.pem", None)).expect("PEM");
    assert_eq!(plain.chain.len(), 2);
    for name in ["broker-encrypted.pem", "broker.p12", "broker-java.jks"] {
        let same = read_identity(&file(name, Some("changeit"))).expect(name);
        assert_eq!(same.chain, plain.chain, "{name}");
        assert_eq!(same.key.secret_der(), plain.key.secret_der(), "{name}");
    }
    let pem = StoreConfig::Pem {
        certificates: text("broker.pem"),
        key: Some(text("broker-encrypted.pem")),
        key_password: Some(Secret::new("changeit")),
    };
    assert_eq!(read_identity(&pem).expect("text").chain, plain.chain);
}

#[test]
fn trusted_certificates_in_every_format() {
    let plain = read_trusted(&file("ca.pem", None)).expect("PEM");
    assert_eq!(plain.len(), 1);
    for name in ["trust-java.jks", "trust-openssl.p12"] {
        assert_eq!(
            read_trusted(&file(name, Some("changeit"))).expect(name),
            plain,
            "{name}"
        );
    }
    let pem = StoreConfig::Pem {
        certificates: text("ca.pem"),
        key: None,
        key_password: None,
    };
    assert_eq!(read_trusted(&pem).expect("text"), plain);
}

#[test]
fn what_is_wrong_is_said_and_no_password() {
    let failed = |name, password| {
        let error = read_identity(&file(name, password))
            .expect_err(name)
            .to_string();
        assert!(!error.contains("hunter2"), "{error}");
        error
    };
    assert!(failed("missing.pem", None).contains("missing.pem"));
    assert!(failed("broker-encrypted.pem", Some("hunter2")).contains("wrong ssl.key.password"));
    assert!(failed("broker-encrypted.pem", None).contains("ssl.key.password"));
    assert!(failed("broker.p12", Some("hunter2")).contains("wrong password"));
    assert!(failed("broker.p12", None).contains("wrong password"));
    assert!(failed("ca.pem", None).contains("no private key"));
    assert!(failed("trust-java.jks", Some("changeit")).contains("no private key"));
    assert!(failed("old.jks", Some("changeit")).contains("keytool -importkeystore"));
    assert!(failed("README.md", None).contains("no certificate"));
    assert!(read_trusted(&file("old.jks", None)).is_err());
}

#[test]
fn damaged_stores_are_errors() {
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["broker.p12", "broker-java.jks", "broker.pem"] {
        let whole = fs::read(path(name)).expect("a fixture");
        for length in [0, 1, 2, whole.len() / 2, whole.len() - 1] {
            let damaged = dir.path().join(name);
            fs::write(&damaged, &whole[..length]).expect("written");
            let store = StoreConfig::File {
                path: damaged,
                password: Some(Secret::new("changeit")),
                key_password: None,
                kind: "PKCS12".into(),
            };
            let readable = read_identity(&store).is_ok_and(|found| found.chain.len() == 2);
            assert!(!readable || name == "broker.pem", "{name} cut at {length}");
        }
    }
}

#[test]
fn what_is_wrong_in_pem_is_said_without_its_lines() {
    let trusted = |text: &str| {
        let certificates = Secret::new(text);
        let (key, key_password) = (None, None);
        let store = StoreConfig::Pem {
            certificates,
            key,
            key_password,
        };
        let error = read_trusted(&store).expect_err("it is damaged");
        error.to_string()
    };
    let torn = trusted("-----BEGIN CERTIFICATE-----\nMAA=\n");
    assert!(torn.contains("a section has no end"), "{torn}");
    let damaged = trusted("-----BEGIN hunter2 hunter2 hunter2\nMAA=\n");
    assert!(
        damaged.ends_with("the first line of a section is damaged"),
        "{damaged}"
    );
}
