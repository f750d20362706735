//! Tests of what may be shown.

use super::*;

#[test]
fn secrets_are_told_by_type_or_by_name() {
    for key in [
        "ssl.key.password",
        "ssl.keystore.key",
        "ssl.truststore.certificates",
        "sasl.jaas.config",
        "delegation.token.secret.key",
        "listener.name.internal.ssl.key.password",
        "listener.name.internal.scram-sha-256.sasl.jaas.config",
        "my.password",
        "MY.SECRET",
        "some.token",
        "rsm.config.access.key",
        "confluent.license.passphrase",
    ] {
        assert!(is_sensitive(key), "{key}");
        assert_eq!(shown(key, "x"), REDACTED);
    }
    for key in [
        "num.partitions",
        "retention.ms",
        "delegation.token.max.lifetime.ms",
        "my.key1",
    ] {
        assert!(!is_sensitive(key), "{key}");
        assert_eq!(shown(key, "x"), "x");
    }
}

#[test]
fn a_setting_by_itself_shows_nothing() {
    let setting = Setting {
        value: "geheim".into(),
        origin: Origin::Override,
    };
    assert!(!format!("{setting:?}").contains("geheim"));
}
