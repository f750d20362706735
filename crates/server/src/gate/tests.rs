use std::time::Duration;

use limpid_broker::audit::Audit;
use limpid_broker::metrics::AuditMetrics;
use limpid_platform::clock::SystemClock;

use super::*;

fn watch(registry: &limpid_telemetry::Registry) -> Watch {
    let metrics = AuditMetrics::register(registry).expect("metrics");
    let clock = Arc::new(SystemClock::new());
    Watch::new(Audit::new(&metrics, Duration::from_secs(60), clock), "http")
}

fn gate(public: &[&str]) -> Gate {
    let registry = limpid_telemetry::Registry::new();
    Gate {
        hosts: Hosts::default(),
        public_paths: public.iter().map(ToString::to_string).collect(),
        beyond_loopback: false,
        desk: None,
        trusted: None,
        proxies: Vec::new(),
        people_log_in: false,
        cookies: Arc::new(Cookies::new("id", 1, false, None)),
        external: None,
        metrics: Arc::new(AccessMetrics::register(&registry).expect("metrics")),
        cluster: "local".to_owned(),
        watch: watch(&registry),
    }
}

#[test]
fn a_star_covers_what_is_below() {
    let some = gate(&["/metrics", "/c/*"]);
    assert!(some.is_public("/metrics") && some.is_public("/c/local/topics"));
    assert!(!some.is_public("/metrics/x") && !some.is_public("/") && !some.is_public("/c"));
    assert!(gate(&["/*"]).is_public("/anything"));
    assert!(!gate(&[]).is_public("/"));
}

#[test]
fn what_no_rule_knows_is_for_those_who_may_change_things() {
    let gate = gate(&[]);
    let local = Visitor::local();
    let may = |method: Method, path: &str| gate.may(&local, &method, path).is_ok();
    assert!(may(Method::GET, "/anything") && may(Method::HEAD, "/"));
    assert!(may(Method::POST, "/jolokia") && may(Method::POST, "/jolokia/read/x"));
    assert!(
        may(Method::PUT, "/api/v1/clusters/local/loggers/root"),
        "its routes ask"
    );
    for path in [
        "/",
        "/jolokiax",
        "/c/local/topics",
        "/api/v10",
        "/login/oidc",
    ] {
        assert!(!may(Method::POST, path), "{path}");
        assert!(!may(Method::DELETE, path), "{path}");
    }
    assert!(gate.may(&Visitor::nobody(), &Method::GET, "/").is_err());
}

#[test]
fn below_is_below() {
    assert!(is_below("/metrics", "/metrics") && is_below("/api/v1", "/api/"));
    assert!(!is_below("/metricsx", "/metrics") && !is_below("/api", "/api/"));
}
