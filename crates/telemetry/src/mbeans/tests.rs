use super::*;
use crate::scale::RESOLUTION;
use crate::stage::Stage;
use crate::{Registry, Text, buckets};

type Listener = Text<16>;

crate::metrics! {
    struct Metrics {
        /// Requests.
        requests: counter = "limpid_requests_total",
            mbean "kafka.network:type=RequestMetrics,name=RequestsPerSec" meter,
            mbean "kafka.network:type=Other" counter;
        /// Seconds.
        seconds: histogram[buckets::REQUEST_SECONDS] = "limpid_request_seconds",
            mbean "kafka.network:type=RequestMetrics,name=TotalTimeMs" histogram_ms;
        /// Open.
        open: gauge { listener: Listener } = "limpid_connections",
            mbean "kafka.server:type=socket-server-metrics,listener={listener}"
                attribute "connection-count";
        /// Closed.
        closed: float_counter { listener: Listener } = "limpid_connections_closed_total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener}"
                attribute "connection-close-total";
        /// Idle.
        idle: float_gauge = "limpid_idle_ratio", mbean "kafka.server:type=Pool,name=Idle" gauge;
    }
}

#[test]
fn beans_read_the_handles_of_the_metrics() {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    let beans = registry.mbeans();
    metrics.requests.inc_by(3);
    metrics.seconds.observe(0.25);
    metrics.seconds.observe(0.75);
    metrics.idle.set(0.5);
    let open = metrics.open.own("EXTERNAL");
    let _closed = metrics.closed.own("EXTERNAL");
    open.set(2);

    let per_sec = beans
        .read("kafka.network:type=RequestMetrics,name=RequestsPerSec")
        .unwrap();
    assert_eq!(per_sec[0], ("Count", Value::Long(3)));
    assert_eq!(per_sec.last(), Some(&("RateUnit", Value::text("SECONDS"))));
    let other = beans.read("kafka.network:type=Other").unwrap();
    assert_eq!(other, [("Count", Value::Long(3))]);
    let total = beans
        .read("kafka.network:type=RequestMetrics,name=TotalTimeMs")
        .unwrap();
    let of = |name: &str| total.iter().find(|(n, _)| *n == name).map(|(_, v)| v);
    assert_eq!(total[0], ("Count", Value::Long(2)));
    assert_eq!(of("Mean"), Some(&Value::Double(500.0)));
    assert_eq!(of("50thPercentile"), Some(&Value::Double(250.0)));
    assert_eq!(total.len(), 5 + PERCENTILES.len());
    let idle = beans.read("kafka.server:type=Pool,name=Idle").unwrap();
    assert_eq!(idle, [("Value", Value::Double(0.5))]);

    let socket = "kafka.server:type=socket-server-metrics,listener=EXTERNAL";
    let attributes = beans.read(socket).unwrap();
    assert_eq!(attributes[0], ("connection-count", Value::Double(2.0)));
    assert_eq!(
        attributes[1],
        ("connection-close-total", Value::Double(0.0))
    );
    drop(open);
    assert_eq!(
        beans.read(socket).unwrap().len(),
        1,
        "the other attribute stays"
    );
    assert_eq!(beans.names().len(), 5);
    assert!(beans.read("kafka.server:type=Nothing").is_none());
}

#[test]
fn values_that_an_object_name_reserves_are_quoted() {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    let _open = metrics.open.own("a,b=\"c\"*");
    let names = registry.mbeans().names();
    let expected = r#"kafka.server:type=socket-server-metrics,listener="a,b=\"c\"\*""#;
    assert!(names.iter().any(|n| n == expected), "{names:?}");
}

crate::metrics! {
    struct Quotas {
        /// Throttle time.
        throttle: float_gauge { user: Listener, client: Listener } = "limpid_throttle_seconds",
            mbean "kafka.server:type=Produce,user={user},client-id={client}" attribute_ms "throttle-time";
    }
}

#[test]
fn properties_without_a_value_are_left_out() {
    let registry = Registry::new();
    let throttle = Quotas::register(&registry).unwrap().throttle;
    throttle.bind(("", "app")).set(0.5);
    throttle.bind(("{client}", "")).set(1.5);
    let beans = registry.mbeans();
    let names = [
        "kafka.server:type=Produce,client-id=app",
        "kafka.server:type=Produce,user={client}",
    ];
    assert_eq!(beans.names(), names);
    let read = beans.read(names[0]).unwrap();
    assert_eq!(read, [("throttle-time", Value::Double(500.0))]);
}

type Api = Text<8>;

crate::metrics! {
    struct Stages {
        /// Time of a stage.
        stages: histogram[buckets::REQUEST_SECONDS] { api: Api, stage: Stage } = "limpid_stage_seconds",
            mbean "kafka.network:type=RequestMetrics,name={stage.mbean},request={api}" histogram_ms;
    }
}

#[test]
fn stages_have_kafkas_names_and_percentiles_of_now() {
    let registry = Registry::new();
    let stages = Stages::register(&registry).unwrap().stages;
    for stage in Stage::ALL {
        stages.bind(("Produce", *stage)).observe(0.001);
    }
    let start = "kafka.network:type=RequestMetrics,";
    let beans = registry.mbeans();
    assert_eq!(
        beans.names_from(start).len(),
        6,
        "nine stages, one of them ours alone"
    );
    assert_eq!(
        beans.names_from("kafka.network:type=RequestMetricsX").len(),
        0
    );
    // Count, mean, median.
    let local = || {
        let name = format!("{start}name=LocalTimeMs,request=Produce");
        let all = beans.read(&name).unwrap();
        let of = |name| all.iter().find(|(n, _)| *n == name).unwrap().1.clone();
        ["Count", "Mean", "50thPercentile"].map(of)
    };
    assert_eq!(local()[..2], [Value::Long(1), Value::Double(2.0)]);
    assert!(is_about(&local()[2], 2.0), "lock and work together");
    registry.tick(WINDOW);
    registry.tick(WINDOW + WINDOW / 2);
    assert_ne!(local()[2], Value::Double(0.0), "the window is not over");
    stages.bind(("Produce", Stage::LocalLock)).observe(0.001);
    registry.tick(WINDOW * 2);
    assert!(is_about(&local()[2], 1.0), "of the second one only");
    registry.tick(WINDOW * 3);
    assert_eq!(local()[2], Value::Double(0.0), "idle");
    assert_eq!(local()[0], Value::Long(2), "counts are of all time");
}

/// Percentiles are as exact as their cells.
fn is_about(value: &Value, expected: f64) -> bool {
    matches!(value, Value::Double(double) if (double / expected - 1.0).abs() <= RESOLUTION)
}

crate::metrics! {
    struct Timed {
        /// Events.
        events: counter { topic: Api } = "limpid_events_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec,topic={topic}" meter;
        /// Flushes.
        flushes: histogram[buckets::REQUEST_SECONDS] = "limpid_flush_seconds",
            mbean "kafka.log:type=LogFlushStats,name=LogFlushRateAndTimeMs" timer;
    }
}

#[test]
fn meters_and_timers_have_rates_that_move() {
    let registry = Registry::new();
    let metrics = Timed::register(&registry).unwrap();
    let beans = registry.mbeans();
    registry.tick(Duration::from_secs(100));
    let events = metrics.events.bind("t");
    events.inc_by(50);
    metrics.flushes.observe(0.5);
    let of = |bean: &str, name: &str| {
        let all = beans.read(bean).unwrap();
        all.into_iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    };
    let bytes_in = "kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec,topic=t";
    assert_eq!(of(bytes_in, "OneMinuteRate"), Some(Value::Double(0.0)));
    registry.tick(Duration::from_secs(105));
    for rate in [
        "MeanRate",
        "OneMinuteRate",
        "FiveMinuteRate",
        "FifteenMinuteRate",
    ] {
        assert_eq!(of(bytes_in, rate), Some(Value::Double(10.0)), "{rate}");
    }
    let flush = "kafka.log:type=LogFlushStats,name=LogFlushRateAndTimeMs";
    assert_eq!(of(flush, "Max"), Some(Value::Double(500.0)));
    assert_eq!(of(flush, "LatencyUnit"), Some(Value::text("MILLISECONDS")));
    let Some(Value::Double(rate)) = of(flush, "OneMinuteRate") else {
        panic!("a timer has rates");
    };
    assert!(rate > 0.0);
    let names: Vec<&str> = beans.read(flush).unwrap().iter().map(|(n, _)| *n).collect();
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
}

crate::metrics! {
    struct Recently {
        /// Accepted.
        accepted: counter = "limpid_accepted_total",
            mbean "kafka.server:type=sockets" attribute_rate "connection-creation-rate",
            mbean "kafka.server:type=sockets" attribute_long "connections";
        /// Seconds.
        latency: histogram[buckets::REQUEST_SECONDS] = "limpid_latency_seconds",
            mbean "kafka.server:type=sockets" attribute_avg_ms "latency-avg",
            mbean "kafka.server:type=sockets" attribute_max_ms "latency-max";
        /// Blocked.
        blocked: float_counter = "limpid_blocked_seconds_total",
            mbean "kafka.network:type=Acceptor" time_meter "blocked time";
    }
}

#[test]
fn attributes_of_the_last_while() {
    let registry = Registry::new();
    let metrics = Recently::register(&registry).unwrap();
    let of = |wanted: &str| {
        let bean = registry.mbeans().read("kafka.server:type=sockets").unwrap();
        let found = bean.into_iter().find(|(name, _)| *name == wanted);
        found.unwrap().1
    };
    let double = |wanted: &str| match of(wanted) {
        Value::Double(double) => double,
        other => panic!("{other:?}"),
    };
    assert!(double("latency-avg").is_nan() && double("latency-max").is_nan());
    metrics.accepted.inc_by(80);
    metrics.latency.observe(0.25);
    metrics.latency.observe(0.75);
    metrics.blocked.inc_by(2.5);
    registry.tick(Duration::from_secs(10));
    let blocked = registry
        .mbeans()
        .read("kafka.network:type=Acceptor")
        .unwrap();
    assert!(blocked.contains(&("Count", Value::Long(2_500_000_000))));
    assert!(blocked.contains(&("OneMinuteRate", Value::Double(0.25))));
    assert!(blocked.contains(&("RateUnit", Value::text("NANOSECONDS"))));
    assert_eq!(double("connection-creation-rate"), 2.0, "80 in 10 + 30 s");
    assert_eq!(of("connections"), Value::Long(80));
    assert_eq!(double("latency-avg"), 500.0);
    assert!((750.0..=1_000.0).contains(&double("latency-max")));
    for seconds in (15..=300).step_by(5) {
        registry.tick(Duration::from_secs(seconds));
    }
    assert_eq!(double("connection-creation-rate"), 0.0);
    assert!(double("latency-avg").is_nan());
}
