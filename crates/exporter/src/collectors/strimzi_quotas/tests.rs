use limpid_telemetry::{Registry, metrics};

use super::*;

metrics! {
    /// As the broker declares them.
    struct Quotas {
        /// Rate.
        rate: float_gauge { user: Name, client_id: Name } = "test_rate",
            mbean "kafka.server:type=Produce,user={user},client-id={client_id}" attribute "byte-rate";
        /// Throttle.
        throttle: float_gauge { user: Name, client_id: Name } = "test_throttle",
            mbean "kafka.server:type=Produce,user={user},client-id={client_id}" attribute_ms "throttle-time";
    }
}

#[test]
fn parts_that_do_not_matter_have_no_label() {
    let registry = Registry::new();
    let quotas = Quotas::register(&registry).expect("an empty registry");
    for (user, client_id) in [("", "app"), ("alice", ""), ("a,client-id=\"b\\", "c=d")] {
        quotas.rate.bind((user, client_id)).set(12.5);
        quotas.throttle.bind((user, client_id)).set(0.25);
    }
    let mut out = Samples::new();
    let collector = StrimziQuotas::new(Arc::clone(registry.mbeans()));
    collector.collect(&mut out).expect("nothing can fail");
    let rates: Vec<_> = out
        .family(&families::PRODUCE_RATE)
        .iter()
        .map(|(l, _)| l.to_owned())
        .collect();
    assert!(
        rates.contains(&"{client_id=\"app\"}".to_owned()),
        "{rates:?}"
    );
    assert!(rates.contains(&"{user=\"alice\"}".to_owned()), "{rates:?}");
    let strange = r#"{user="a,client-id=\"b\\",client_id="c=d"}"#;
    assert!(rates.contains(&strange.to_owned()), "{rates:?}");
    let throttle = out.family(&families::PRODUCE_THROTTLE);
    assert!(throttle.iter().all(|(_, ms)| ms == 250.0.into()));
}
