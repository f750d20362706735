use limpid_protocol::messages::client_quota_record::EntityData;

use super::*;

fn part(kind: &str, name: &str) -> EntityData {
    EntityData {
        entity_type: kind.to_owned(),
        entity_name: (name != "*").then(|| name.to_owned()),
    }
}

/// `"user=alice client-id=*"`, with a key and a value.
fn record(entity: &str, key: &str, value: f64) -> ClientQuotaRecord {
    let parts = entity.split_whitespace();
    ClientQuotaRecord {
        entity: parts
            .filter_map(|text| text.split_once('='))
            .map(|(kind, name)| part(kind, name))
            .collect(),
        key: key.to_owned(),
        value,
        remove: false,
    }
}

fn rules(quotas: &[(&str, f64)]) -> Rules {
    let key = QuotaKind::Produce.key();
    let records: Vec<_> = quotas.iter().map(|(e, v)| record(e, key, *v)).collect();
    Rules::new(records.iter())
}

fn found(rules: &Rules, user: &str, client_id: &str) -> (String, Option<f64>) {
    let sharing = rules.sharing(QuotaKind::Produce, user, client_id);
    let bound = rules.bound(QuotaKind::Produce, sharing);
    (format!("{}/{}", sharing.user, sharing.client_id), bound)
}

#[test]
fn the_narrowest_holds_in_kafkas_order() {
    let all = [
        ("user=alice client-id=app", 1.0),
        ("user=alice client-id=*", 2.0),
        ("user=alice", 3.0),
        ("user=* client-id=app", 4.0),
        ("user=* client-id=*", 5.0),
        ("user=*", 6.0),
        ("client-id=app", 7.0),
        ("client-id=*", 8.0),
    ];
    let shared = [
        "alice/app",
        "alice/app",
        "alice/",
        "alice/app",
        "alice/app",
        "alice/",
        "/app",
        "/app",
    ];
    for (from, who) in shared.iter().enumerate() {
        let rules = rules(&all[from..]);
        let wanted = ((*who).to_owned(), Some(from as f64 + 1.0));
        assert_eq!(found(&rules, "alice", "app"), wanted, "from {}", from + 1);
    }
}

#[test]
fn a_users_own_quota_comes_before_any_of_all_users() {
    let rules = rules(&[("user=alice", 3.0), ("user=* client-id=app", 4.0)]);
    assert_eq!(found(&rules, "alice", "app"), ("alice/".into(), Some(3.0)));
    assert_eq!(found(&rules, "bob", "app"), ("bob/app".into(), Some(4.0)));
    // Nothing limits who has no quota; what they do is still measured.
    assert_eq!(found(&rules, "bob", "other"), ("/other".into(), None));
}

#[test]
fn defaults_are_no_common_pot() {
    let rules = rules(&[("user=*", 6.0)]);
    assert_eq!(found(&rules, "alice", "a"), ("alice/".into(), Some(6.0)));
    assert_eq!(found(&rules, "bob", "a"), ("bob/".into(), Some(6.0)));
}

#[test]
fn kinds_do_not_mix() {
    let records = [record("user=alice", QuotaKind::Fetch.key(), 1.0)];
    let rules = Rules::new(records.iter());
    assert!(rules.has(QuotaKind::Fetch));
    assert!(!rules.has(QuotaKind::Produce));
    let unknown = [record("user=alice", "something_else", 1.0)];
    let rules = Rules::new(unknown.iter());
    assert!(QuotaKind::ALL.iter().all(|kind| !rules.has(*kind)));
}

#[test]
fn addresses_have_a_rate_and_a_default() {
    let records = [
        record("ip=10.0.0.1", CONNECTION_RATE, 5.0),
        record("ip=*", CONNECTION_RATE, 7.0),
        record("ip=no.such.host", CONNECTION_RATE, 9.0),
        record("ip=10.0.0.2", "producer_byte_rate", 9.0),
    ];
    let rules = Rules::new(records.iter());
    let rate = |text: &str| rules.connection_rate(text.parse().expect("an address"));
    assert_eq!(rate("10.0.0.1"), Some(5.0));
    assert_eq!(rate("10.0.0.2"), Some(7.0));
    assert_eq!(Rules::default().connection_rate([10, 0, 0, 1].into()), None);
}
