use std::collections::BTreeSet;

use limpid_telemetry::{Registry, StageClock};

use super::super::{BoundRequestMetrics, RequestMetrics};
use super::*;

const RULES: &str = include_str!("../../../../../alerts/limpid.rules.yml");

/// The pairs of API and error that the rules name.
fn asked_for() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for selector in RULES.split("limpid_requests_total{api=\"").skip(1) {
        let (api, rest) = selector.split_once('"').unwrap();
        let Some(errors) = rest.strip_prefix(",error=~\"") else {
            continue;
        };
        let (errors, _) = errors.split_once('"').unwrap();
        found.extend(errors.split('|').map(|e| (api.to_owned(), e.to_owned())));
    }
    found
}

/// What the registry has of `limpid_requests_total`, and how many requests that are.
fn shown(registry: &Registry) -> (BTreeSet<(String, String)>, f64) {
    let families = registry.prometheus().gather();
    let family = families
        .iter()
        .find(|f| f.name() == "limpid_requests_total");
    let mut sum = 0.0;
    let mut pairs = BTreeSet::new();
    for metric in family.map_or(&[][..], |f| f.get_metric()) {
        let label = |name: &str| {
            let found = metric.get_label().iter().find(|l| l.name() == name);
            found.map_or("", |l| l.value()).to_owned()
        };
        pairs.insert((label("api"), label("error")));
        sum += metric.get_counter().get_value();
    }
    (pairs, sum)
}

#[test]
fn errors_that_the_rules_ask_for_are_there_before_they_happen() {
    let registry = Registry::new();
    let bound = BoundRequestMetrics::new(&RequestMetrics::register(&registry).unwrap());
    let wanted = asked_for();
    assert!(wanted.len() > 8, "{wanted:?}");
    let (there, sum) = shown(&registry);
    assert_eq!((there, sum), (wanted.clone(), 0.0));
    // Neither Kafka's bean nor anything else of the API comes before its first request.
    let beans = || {
        let names = registry.mbeans().names();
        let of_api = names.iter().filter(|name| name.contains("request=Produce"));
        of_api.cloned().collect::<Vec<_>>()
    };
    assert_eq!(beans(), Vec::<String>::new());
    let api = (Api::Of(ApiKey::Produce), 11);
    bound.answered(
        api,
        ErrorCode::NotEnoughReplicas,
        ((90, 9), 80),
        &StageClock::start().finish(),
    );
    assert_eq!(shown(&registry), (wanted, 1.0));
    let bean = "name=ErrorsPerSec,request=Produce,error=NOT_ENOUGH_REPLICAS";
    assert!(
        beans().iter().any(|name| name.ends_with(bean)),
        "{:?}",
        beans()
    );
}
