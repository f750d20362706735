use super::*;
use crate::{Config, LoadOptions};

fn load(entries: &[&str]) -> Result<HttpAccessConfig, String> {
    let loaded = Config::load(LoadOptions {
        overrides: entries.iter().map(ToString::to_string).collect(),
        hostname: Some("host".to_owned()),
        ..LoadOptions::default()
    });
    let loaded = loaded.map_err(|errors| errors.to_string())?;
    Ok(loaded.config.broker().http.access.clone())
}

#[test]
fn a_grant_is_read_and_written() {
    for text in [
        "viewer",
        "operator+payloads",
        "admin@prod",
        "payloads@local/orders.*",
        "viewer@*/a*b",
    ] {
        let grant = parse_grant(&format!("User:alice={text}")).unwrap();
        assert_eq!(grant.grantee, Grantee::User("alice".to_owned()));
        assert_eq!(grant.to_string(), text);
    }
    let all = parse_grants("User:*=viewer; Group:sre=admin ;User:CN=bob,OU=x=operator;").unwrap();
    let grantees: Vec<&Grantee> = all.iter().map(|grant| &grant.grantee).collect();
    let bob = Grantee::User("CN=bob,OU=x".to_owned());
    let sre = Grantee::Group("sre".to_owned());
    assert_eq!(grantees, [&Grantee::Everybody, &sre, &bob]);
    assert_eq!(parse_grants(" ").unwrap(), []);
}

#[test]
fn what_is_wrong_with_a_grant_is_named() {
    for (text, named) in [
        ("User:alice=admino", "did you mean admin?"),
        ("User:alice=king", "there is no role king"),
        ("User:alice=viewer+", "there is no role"),
        ("User:alice", "is not of the form"),
        ("alice=viewer", "alice is not User:name"),
        ("User:=viewer", "is not User:name"),
        ("Group:*x=viewer@a b", "is no pattern"),
        ("User:a=viewer@local/", "is no pattern"),
    ] {
        let message = check_grants(text).unwrap_err();
        assert!(message.contains(named), "{message}");
    }
    assert!(check_grants(&"User:a=viewer;".repeat(GRANTS_MAX + 1)).is_err());
}

#[test]
fn grants_need_somebody_who_can_log_in() {
    let message = load(&["limpid.http.grants=User:a=admin"]).unwrap_err();
    assert!(
        message.contains("limpid.http.grants: nobody can log in"),
        "{message}"
    );
    let entries = [
        "limpid.http.users.file=/u",
        "limpid.http.grants=User:a=admin",
    ];
    let config = load(&entries).unwrap();
    assert!(config.is_configured());
    assert_eq!(config.grants.len(), 1);
    let message = load(&[
        "limpid.http.users.file=/u",
        "limpid.http.grants=User:a=boss",
    ]);
    assert!(message.unwrap_err().contains("there is no role boss"));
}

#[test]
fn by_default_nobody_logs_in_and_who_could_may_look() {
    let config = load(&[]).unwrap();
    assert!(!config.is_configured());
    assert_eq!(config.grants, [parse_grant("User:*=viewer").unwrap()]);
    assert_eq!((config.sessions_max, config.login_failures_max), (1000, 10));
}

#[test]
fn a_certificate_is_a_way_to_log_in() {
    let grants = "limpid.http.grants=User:CN=alice,O=Example=admin";
    let tls = [
        grants,
        "limpid.http.listeners=https://:1",
        "limpid.http.ssl.keystore.location=/k",
        "limpid.http.ssl.client.auth=requested",
    ];
    let config = load(&tls).unwrap();
    assert!(config.certificates && config.is_configured());
    let alice = Grantee::User("CN=alice,O=Example".to_owned());
    assert_eq!(config.grants[0].grantee, alice);
    assert!(load(&tls[..3]).is_err(), "nobody is asked for one");
    let plain = [grants, "limpid.http.listeners=http://:1", tls[2], tls[3]];
    assert!(load(&plain).is_err(), "nor without TLS");
}
