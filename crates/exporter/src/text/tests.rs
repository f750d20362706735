use limpid_telemetry::exemplars::Trace;
use limpid_telemetry::{Registry, Text, metrics};

use super::*;

type Who = Text<10>;
const EDGES: &[f64] = &[0.5, 1.0, 2.5];

metrics! {
    struct Metrics {
        /// Things "that" happened.
        things: counter { who: Who } = "limpid_things_total";
        /// Time \ spent.
        spent: float_counter = "limpid_spent_seconds_total";
        /// How warm it is.
        warmth: float_gauge = "limpid_warmth_celsius";
        /// How long it took.
        took: histogram[EDGES] { who: Who } = "limpid_took_seconds";
        /// A counter that some dialect spells its own way.
        odd: counter = "limpid_oddpersec";
        /// A family without series is left out.
        none: counter { who: Who } = "limpid_none_total";
    }
}

metrics! {
    struct Traced {
        /// How long it took.
        seconds: histogram[EDGES] { api: Who } = "traced_seconds"
    }
}

fn page(format: Format) -> String {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    metrics.things.bind("a\\b\"c\nd").inc_by(3);
    metrics.things.bind("plain").inc_by(9_007_199_254_740_991);
    metrics.spent.inc_by(1.5);
    metrics.warmth.set(f64::NEG_INFINITY);
    let took = metrics.took.bind("x");
    [0.5, 0.75, 2.0, 99.0].iter().for_each(|&v| took.observe(v));
    metrics.odd.inc();
    assert_eq!(metrics.none.series_count(), 0);
    let mut writer = Writer::new(format, 0);
    for family in registry.prometheus().gather() {
        let own = [
            "limpid_build",
            "limpid_log_lines",
            "limpid_series",
            "limpid_unclean",
        ];
        if !own.iter().any(|o| family.name().starts_with(o)) {
            writer.registered(&family);
        }
    }
    writer.finish()
}

#[test]
fn text_0_0_4() {
    let expected = r#"# HELP limpid_oddpersec A counter that some dialect spells its own way.
# TYPE limpid_oddpersec counter
limpid_oddpersec 1
# HELP limpid_spent_seconds_total Time \\ spent.
# TYPE limpid_spent_seconds_total counter
limpid_spent_seconds_total 1.5
# HELP limpid_things_total Things "that" happened.
# TYPE limpid_things_total counter
limpid_things_total{who="a\\b\"c\nd"} 3
limpid_things_total{who="plain"} 9007199254740991
# HELP limpid_took_seconds How long it took.
# TYPE limpid_took_seconds histogram
limpid_took_seconds_bucket{who="x",le="0.5"} 1
limpid_took_seconds_bucket{who="x",le="1"} 2
limpid_took_seconds_bucket{who="x",le="2.5"} 3
limpid_took_seconds_bucket{who="x",le="+Inf"} 4
limpid_took_seconds_sum{who="x"} 102.25
limpid_took_seconds_count{who="x"} 4
# HELP limpid_warmth_celsius How warm it is.
# TYPE limpid_warmth_celsius gauge
limpid_warmth_celsius -Inf
"#;
    assert_eq!(page(Format::Text), expected);
}

#[test]
fn openmetrics_1_0() {
    let expected = r#"# HELP limpid_oddpersec A counter that some dialect spells its own way.
# TYPE limpid_oddpersec unknown
limpid_oddpersec 1
# HELP limpid_spent_seconds Time \\ spent.
# TYPE limpid_spent_seconds counter
limpid_spent_seconds_total 1.5
# HELP limpid_things Things \"that\" happened.
# TYPE limpid_things counter
limpid_things_total{who="a\\b\"c\nd"} 3
limpid_things_total{who="plain"} 9007199254740991
# HELP limpid_took_seconds How long it took.
# TYPE limpid_took_seconds histogram
limpid_took_seconds_bucket{who="x",le="0.5"} 1
limpid_took_seconds_bucket{who="x",le="1.0"} 2
limpid_took_seconds_bucket{who="x",le="2.5"} 3
limpid_took_seconds_bucket{who="x",le="+Inf"} 4
limpid_took_seconds_sum{who="x"} 102.25
limpid_took_seconds_count{who="x"} 4
# HELP limpid_warmth_celsius How warm it is.
# TYPE limpid_warmth_celsius gauge
limpid_warmth_celsius -Inf
# EOF
"#;
    assert_eq!(page(Format::OpenMetrics), expected);
}

#[test]
fn a_family_name_is_taken_once() {
    let head = |name, kind| Head {
        name,
        help: "Help.",
        kind,
    };
    let mut text = Writer::new(Format::Text, 0);
    assert!(text.open(head("x", "gauge")) && text.open(head("x_total", "counter")));
    assert!(!text.open(head("x", "counter")));

    let mut open = Writer::new(Format::OpenMetrics, 0);
    assert!(open.open(head("x", "gauge")));
    assert!(
        open.open(head("x_total", "counter")),
        "as unknown: `x` is taken"
    );
    assert!(!open.open(head("x_total", "counter")));
    assert!(open.finish().contains("# TYPE x_total unknown\n"));
}

#[test]
fn special_values_and_large_ones() {
    let mut writer = Writer::new(Format::Text, 0);
    writer.sample("x", "", Number64::Float(f64::NAN));
    writer.sample("x", "", Number64::Float(f64::INFINITY));
    writer.sample("x", "", Number64::Float(1e300));
    writer.sample("x", "", number(1e300));
    writer.sample("x", "", number(-3.0));
    writer.sample("x", "", Number64::Int(i64::MAX));
    let page = writer.finish();
    let values: Vec<&str> = page
        .lines()
        .map(|l| l.strip_prefix("x ").unwrap())
        .collect();
    assert_eq!(values[..2], ["NaN", "+Inf"]);
    assert!(values[2].parse::<f64>() == Ok(1e300) && values[3] == values[2]);
    assert_eq!(values[4..], ["-3", "9223372036854775807"]);
}

#[test]
fn openmetrics_alone_has_exemplars() {
    let registry = Registry::new();
    let metrics = Traced::register(&registry).unwrap();
    metrics.seconds.bind("Produce").observe(0.3);
    let trace = Trace {
        trace_id: [0x0a; 16],
        span_id: [0xb0; 8],
    };
    metrics.seconds.exemplars("Produce").offer(0.3, trace);
    let page = |format| {
        let mut writer = Writer::new(format, 0).with_exemplars(registry.exemplars());
        for family in registry.prometheus().gather() {
            writer.registered(&family);
        }
        writer.finish()
    };
    let open = page(Format::OpenMetrics);
    let start = format!(
        "traced_seconds_bucket{{api=\"Produce\",le=\"0.5\"}} 1 # {{trace_id=\"{}\",span_id=\"{}\"}} 0.3 ",
        "0a".repeat(16),
        "b0".repeat(8)
    );
    let with: Vec<&str> = open.lines().filter(|line| line.contains(" # {")).collect();
    assert_eq!(with.len(), 1, "{open}");
    let at: f64 = with[0]
        .strip_prefix(&start)
        .expect(with[0])
        .parse()
        .unwrap();
    assert!(at > 1.7e9);
    assert!(!page(Format::Text).contains("trace_id"));
}
