use std::fs;
use std::io::{Read, Write};

use limpid_config::Secret;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConnection};

use super::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

fn store(path: PathBuf) -> StoreConfig {
    StoreConfig::File {
        path,
        password: Some(Secret::new("changeit")),
        key_password: None,
        kind: "PKCS12".into(),
    }
}

fn config(client_auth: ClientAuth) -> TlsConfig {
    TlsConfig {
        key_store: store(fixture("broker.p12")),
        trust_store: Some(store(fixture("trust-java.jks"))),
        client_auth,
        protocols: vec!["TLSv1.2".into(), "TLSv1.3".into()],
        cipher_suites: Vec::new(),
        principal_rules: "DEFAULT".into(),
    }
}

/// A client that trusts the fixtures' authority, with or without a certificate of its own.
fn client(own: Option<&str>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for root in stores::read_trusted(&store(fixture("ca.pem"))).expect("the authority") {
        roots.add(root).expect("a root");
    }
    let builder =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
    match own {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let own = stores::read_identity(&store(fixture(name))).expect("an identity");
            builder
                .with_client_auth_cert(own.chain, own.key)
                .expect("fits")
        }
    }
}

/// Shakes hands in memory. Returns the name that the broker has for the client.
fn shake(material: &Material, client: ClientConfig) -> Result<Option<String>, rustls::Error> {
    let mut server = ServerConnection::new(Arc::clone(&material.server))?;
    let name = ServerName::try_from("localhost").expect("a name");
    let mut client = ClientConnection::new(Arc::new(client), name)?;
    for _ in 0..10 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).expect("memory");
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).expect("memory");
            server.process_new_packets()?;
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).expect("memory");
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).expect("memory");
            client.process_new_packets()?;
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    client.writer().write_all(b"hello").expect("memory");
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).expect("memory");
    server.read_tls(&mut bytes.as_slice()).expect("memory");
    server.process_new_packets()?;
    let mut hello = [0; 5];
    server.reader().read_exact(&mut hello).expect("five bytes");
    let principal = material.principal(server.peer_certificates());
    Ok(principal.map(|principal| principal.name().to_owned()))
}

/// What Java calls the subject of `alice.pem`.
const ALICE: &str = "CN=alice,1.2.840.113549.1.9.1=#1611616c696365406578616d706c652e636f6d,\
                     OU=Clients,O=Limpid\\, Inc.,C=AT";

#[test]
fn certificates_of_clients() {
    let none = Material::load(&config(ClientAuth::None)).expect("loads");
    assert_eq!(
        shake(&none, client(None)).expect("fine").as_deref(),
        Some("ANONYMOUS")
    );
    assert_eq!(
        shake(&none, client(Some("alice.pem")))
            .expect("fine")
            .as_deref(),
        Some("ANONYMOUS")
    );
    let requested = Material::load(&config(ClientAuth::Requested)).expect("loads");
    assert_eq!(
        shake(&requested, client(None)).expect("fine").as_deref(),
        Some("ANONYMOUS")
    );
    assert_eq!(
        shake(&requested, client(Some("alice.pem")))
            .expect("fine")
            .as_deref(),
        Some(ALICE)
    );
    let required = Material::load(&config(ClientAuth::Required)).expect("loads");
    assert_eq!(
        shake(&required, client(Some("alice.pem")))
            .expect("fine")
            .as_deref(),
        Some(ALICE)
    );
    assert!(
        shake(&required, client(None)).is_err(),
        "a certificate is required"
    );
}

#[test]
fn rules_make_names() {
    let mut config = config(ClientAuth::Required);
    config.principal_rules = "RULE:^CN=(.*?),.*$/$1/U".into();
    let material = Material::load(&config).expect("loads");
    assert_eq!(
        shake(&material, client(Some("alice.pem")))
            .expect("fine")
            .as_deref(),
        Some("ALICE")
    );
    config.principal_rules = "RULE:^OU=.*$/x/".into();
    let material = Material::load(&config).expect("loads");
    assert_eq!(
        shake(&material, client(Some("alice.pem"))).expect("fine"),
        None
    );
}

#[test]
fn versions_and_cipher_suites() {
    let mut old = config(ClientAuth::None);
    old.protocols = vec!["TLSv1.2".into()];
    old.cipher_suites = vec![
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256".into(),
        "UNKNOWN".into(),
    ];
    assert!(shake(&Material::load(&old).expect("loads"), client(None)).is_ok());
    let refused = |change: &dyn Fn(&mut TlsConfig)| {
        let mut config = config(ClientAuth::Required);
        change(&mut config);
        Material::load(&config).err().expect("refused").to_string()
    };
    assert!(refused(&|c| c.protocols = vec!["TLSv1".into()]).contains("ssl.enabled.protocols"));
    let unknown = refused(&|c| c.cipher_suites = vec!["TLS_NULL".into()]);
    assert!(unknown.contains("TLS_AES_128_GCM_SHA256"), "{unknown}");
    assert!(refused(&|c| c.trust_store = None).contains("ssl.truststore.location"));
    assert!(refused(&|c| c.principal_rules = "RULE:".into()).contains("ssl.principal"));
}

#[test]
fn new_files_are_taken_over_and_bad_ones_are_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("broker.pem");
    fs::copy(fixture("broker.pem"), &path).expect("copied");
    let mut config = config(ClientAuth::None);
    config.key_store = store(path.clone());
    let reloading = Reloading::load(&config).expect("loads");
    let first = reloading.current();
    assert!(
        first.expires_at.is_some_and(|at| at > 4_000_000_000),
        "in a hundred years"
    );
    assert!(!reloading.reload(&config, false).expect("nothing new"));
    fs::write(&path, "garbage").expect("written");
    assert!(reloading.reload(&config, false).is_err());
    assert!(
        Arc::ptr_eq(&first, &reloading.current()),
        "the old one stays"
    );
    assert!(!reloading.reload(&config, false).expect("told once"));
    assert!(shake(&reloading.current(), client(None)).is_ok());
    fs::copy(fixture("alice.pem"), &path).expect("copied");
    assert!(reloading.reload(&config, false).expect("loads"));
    assert!(
        shake(&reloading.current(), client(None)).is_err(),
        "it is not for localhost"
    );
    assert!(reloading.reload(&config, true).expect("loads"), "anyway");
}

#[test]
fn garbage_is_no_handshake() {
    let material = Material::load(&config(ClientAuth::Required)).expect("loads");
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0x16; 600],
        &[0; 64],
        &[0x16, 3, 1, 0xff, 0xff],
    ] {
        let mut server = ServerConnection::new(Arc::clone(&material.server)).expect("a server");
        let mut rest = garbage;
        let mut failed = false;
        while !rest.is_empty() && !failed {
            failed = server.read_tls(&mut rest).is_err() || server.process_new_packets().is_err();
        }
        assert!(failed || server.is_handshaking());
    }
}

#[test]
fn certificates_of_version_1_are_served() {
    let mut config = config(ClientAuth::None);
    config.key_store = store(fixture("broker-v1.pem"));
    Material::load(&config).expect("Java serves it too");
    let other_key = fs::read_to_string(fixture("broker.pem")).expect("a key");
    let own = fs::read_to_string(fixture("broker-v1.pem")).expect("a certificate");
    let certificate = own.find("-----BEGIN CERT").expect("a certificate");
    let key_end = other_key.find("-----BEGIN CERT").expect("a certificate");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("mixed.pem");
    let mixed = format!("{}{}", &other_key[..key_end], &own[certificate..]);
    fs::write(&path, mixed).expect("written");
    config.key_store = store(path);
    let refused = Material::load(&config).err().expect("not its key");
    assert!(refused.to_string().contains("KeyMismatch"), "{refused}");
}
