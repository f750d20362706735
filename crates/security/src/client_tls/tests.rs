use std::path::{Path, PathBuf};

use limpid_config::{ClientAuth, Secret, StoreConfig, TlsConfig};
use rustls::{ClientConnection, ServerConnection};

use super::*;
use crate::tls::Material;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

fn store(name: &str) -> StoreConfig {
    StoreConfig::File {
        path: fixture(name),
        password: Some(Secret::new("changeit")),
        key_password: None,
        kind: "PEM".into(),
    }
}

fn trusting(store: StoreConfig) -> ClientTlsConfig {
    ClientTlsConfig {
        trust_store: Some(store),
        key_store: None,
        check_name: true,
    }
}

/// Shakes hands in memory with the broker of the fixtures, which asks for certificates.
fn shake(config: &ClientTlsConfig, name: &str) -> Result<Option<String>, Error> {
    let material = Material::load(&TlsConfig {
        key_store: store("broker.pem"),
        trust_store: Some(store("ca.pem")),
        client_auth: ClientAuth::Requested,
        protocols: vec!["TLSv1.3".into()],
        cipher_suites: Vec::new(),
        principal_rules: "DEFAULT".into(),
    })
    .expect("the broker's material");
    let mut server = ServerConnection::new(Arc::clone(&material.server))?;
    let client = Arc::new(load(config).expect("a client"));
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let mut client = ClientConnection::new(client, name)?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).expect("memory");
        server.read_tls(&mut &bytes[..]).expect("memory");
        server.process_new_packets()?;
        bytes.clear();
        server.write_tls(&mut bytes).expect("memory");
        client.read_tls(&mut &bytes[..]).expect("memory");
        client.process_new_packets()?;
    }
    let principal = material.principal(server.peer_certificates());
    Ok(principal.map(|principal| principal.to_string()))
}

#[test]
fn a_broker_is_believed_by_its_authority_and_its_name() {
    let config = trusting(store("ca.pem"));
    let anonymous = Some("User:ANONYMOUS".to_owned());
    assert_eq!(shake(&config, "localhost"), Ok(anonymous.clone()));
    let text = std::fs::read_to_string(fixture("ca.pem")).expect("a fixture");
    let inline = trusting(StoreConfig::Pem {
        certificates: Secret::new(text),
        key: None,
        key_password: None,
    });
    assert_eq!(shake(&inline, "localhost"), Ok(anonymous.clone()));
    let other = shake(&config, "elsewhere.example");
    assert!(
        matches!(
            other,
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
            ))
        ),
        "{other:?}"
    );
    let any = ClientTlsConfig {
        check_name: false,
        ..config
    };
    assert_eq!(shake(&any, "elsewhere.example"), Ok(anonymous));
    // Another authority is no good, whatever the name.
    for config in [ClientTlsConfig::trusting(None), {
        ClientTlsConfig {
            trust_store: None,
            ..any
        }
    }] {
        let strange = shake(&config, "localhost");
        let unknown = Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        assert_eq!(strange, unknown);
    }
}

#[test]
fn a_certificate_of_its_own_names_the_client() {
    let config = ClientTlsConfig {
        key_store: Some(store("alice.pem")),
        ..ClientTlsConfig::trusting(Some(&fixture("ca.pem")))
    };
    let name = shake(&config, "localhost").expect("a handshake");
    assert!(name.is_some_and(|name| name.contains("alice")));
}

#[test]
fn what_can_not_be_read_is_named_with_its_property() {
    let missing = ClientTlsConfig::trusting(Some(Path::new("/nonexistent/ca.pem")));
    let error = load(&missing).expect_err("no file").to_string();
    assert!(
        error.starts_with("ssl.truststore.location: /nonexistent/ca.pem: No such file"),
        "{error}"
    );
    let no_key = ClientTlsConfig {
        key_store: Some(store("ca.pem")),
        ..ClientTlsConfig::trusting(Some(&fixture("ca.pem")))
    };
    let error = load(&no_key).expect_err("no key").to_string();
    assert!(
        error.starts_with("ssl.keystore.location: ") && error.contains("no private key"),
        "{error}"
    );
}
