use limpid_protocol::messages::ClientQuotaRecord;
use limpid_protocol::messages::client_quota_record::EntityData;
use limpid_telemetry::Registry;

use super::*;

const WINDOWS: Windows = Windows {
    count: 11,
    ms: 1_000,
};

fn rules(value: f64) -> Rules {
    let record = ClientQuotaRecord {
        entity: vec![EntityData {
            entity_type: "client-id".to_owned(),
            entity_name: None,
        }],
        key: QuotaKind::Produce.key().to_owned(),
        value,
        remove: false,
    };
    Rules::new([record].iter())
}

fn who(client_id: &str) -> Sharing<'_> {
    Sharing {
        user: "",
        client_id,
    }
}

#[test]
fn clients_beyond_the_limit_share_an_account() {
    let metrics = QuotaMetrics::register(&Registry::new()).expect("an empty registry");
    let ledger = Ledger::new(QuotaKind::Produce);
    let rules = rules(10.0);
    let open = |name: &str, now_ms| ledger.account(who(name), &rules, &metrics, (WINDOWS, now_ms));
    for i in 0..ACCOUNTS_MAX {
        open(&format!("client-{i}"), 0).charge(WINDOWS, 1.0, 0);
    }
    let one = open("one too many", 10);
    let two = open("two too many", 10);
    assert!(Arc::ptr_eq(&one, &two));
    assert_eq!(one.sharing(), who(FURTHER));
    assert!(
        (one.bound() - 10.0).abs() < f64::EPSILON,
        "the default holds"
    );
    assert!(ledger.inner.lock().accounts.len() <= ACCOUNTS_MAX + 1);
    // Later, the idle ones make room.
    let late = open("late", WINDOWS.total_ms() + MAKE_ROOM_MS);
    assert_eq!(late.sharing(), who("late"));
}

#[test]
fn an_altered_quota_holds_at_once_for_who_is_there() {
    let metrics = QuotaMetrics::register(&Registry::new()).expect("an empty registry");
    let ledger = Ledger::new(QuotaKind::Produce);
    let account = ledger.account(who("app"), &rules(10.0), &metrics, (WINDOWS, 0));
    assert_eq!(account.charge(WINDOWS, 200.0, 0), 10_000);
    ledger.follow(&rules(1_000.0));
    assert_eq!(account.charge(WINDOWS, 0.0, 0), 0);
    ledger.follow(&Rules::default());
    assert_eq!(account.charge(WINDOWS, 1e12, 0), 0, "no quota, no limit");
}

#[test]
fn who_is_strict_gets_nothing_while_in_debt() {
    let metrics = QuotaMetrics::register(&Registry::new()).expect("an empty registry");
    let account = Account::new(&metrics, QuotaKind::ControllerMutation, who("app"));
    account.set_bound(Some(1.0));
    // Eleven are in the bucket, and one may come to owe.
    assert_eq!(account.take_permits(WINDOWS, 20.0, true, 0), Ok(0));
    assert_eq!(account.take_permits(WINDOWS, 1.0, true, 0), Err(9_000));
    assert_eq!(account.take_permits(WINDOWS, 1.0, false, 0), Ok(10_000));
    assert_eq!(account.take_permits(WINDOWS, 1.0, true, 10_000), Ok(0));
}
