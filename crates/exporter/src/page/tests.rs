use std::sync::atomic::AtomicBool;

use limpid_telemetry::{CollectError, Declaration, Text, families as declare};

use super::*;
use crate::fixture::{cluster, lines, source};
use crate::{DIALECTS, Exporter, Names, Selection, catalogue, dialects};

/// What is on unless somebody says otherwise.
const USUAL: &[&str] = &["kafka_exporter", "strimzi"];

type Name = Text<10>;

declare! {
    mod given {
        /// Good samples.
        GOOD: gauge { name: Name } = "example_good";
        /// Bad samples.
        BAD: counter = "example_bad_total";
    }
}

/// Fails, panics or writes series twice.
struct Example {
    name: &'static str,
    broken: AtomicBool,
    panics: bool,
}

impl Example {
    fn new(name: &'static str, broken: bool, panics: bool) -> Arc<Self> {
        Arc::new(Example {
            name,
            broken: AtomicBool::new(broken),
            panics,
        })
    }
}

impl Collector for Example {
    fn name(&self) -> &'static str {
        self.name
    }
    fn families(&self) -> &'static [&'static Declaration] {
        given::ALL
    }
    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        if self.broken.load(Ordering::Relaxed) {
            out.family(&given::BAD).add(&[], 1);
            assert!(!self.panics, "a bug in a collector");
            return Err(CollectError("no such file".into()));
        }
        let good = out.family(&given::GOOD);
        good.add(&["a"], 1);
        good.add(&["b"], 2);
        good.add(&["a"], 3);
        Ok(())
    }
}

#[test]
fn a_failing_collector_leaves_the_others_alone() {
    let registry = Registry::new();
    let exporter = Exporter::new(registry.clone()).unwrap();
    let (failing, panicking) = (
        Example::new("failing", true, false),
        Example::new("p", true, true),
    );
    registry.add_collector(failing.clone());
    registry.add_collector(panicking);
    registry.add_collector(Example::new("good", false, false));
    exporter.add_cluster_with(source(cluster()), USUAL).unwrap();
    let page = exporter.render(Format::Text);
    assert!(
        lines(&page, "example_bad").is_empty(),
        "half a collector is not shown"
    );
    let up: Vec<&str> = lines(&page, "limpid_collector_up{");
    let expected = [
        "limpid_collector_up{collector=\"failing\"} 0",
        "limpid_collector_up{collector=\"good\"} 1",
        "limpid_collector_up{collector=\"groups\"} 1",
        "limpid_collector_up{collector=\"jmx\"} 1",
        "limpid_collector_up{collector=\"kafka_exporter\"} 1",
        "limpid_collector_up{collector=\"log_dirs\"} 1",
        "limpid_collector_up{collector=\"p\"} 0",
        "limpid_collector_up{collector=\"pools\"} 1",
        "limpid_collector_up{collector=\"writers\"} 1",
    ];
    assert_eq!(up, expected);
    assert_eq!(lines(&page, "kafka_brokers "), ["kafka_brokers 2"]);

    failing.broken.store(false, Ordering::Relaxed);
    let page = exporter.render(Format::Text);
    assert!(page.contains("limpid_collector_up{collector=\"failing\"} 1\n"));
}

#[test]
fn no_series_and_no_family_is_written_twice() {
    let registry = Registry::new();
    let exporter = Exporter::new(registry.clone()).unwrap();
    registry.add_collector(Example::new("first", false, false));
    registry.add_collector(Example::new("second", false, false));
    let page = exporter.render(Format::Text);
    let expected = ["example_good{name=\"a\"} 1", "example_good{name=\"b\"} 2"];
    assert_eq!(lines(&page, "example_good"), expected);
    assert_eq!(lines(&page, "# TYPE example_good").len(), 1);
    let dropped = registry.own().series_dropped.bind("example_good").get();
    assert_eq!(
        dropped,
        1 + 3,
        "the first one's double, all of the second one's"
    );
}

#[test]
fn ages_and_counts_are_on_the_page() {
    let registry = Registry::new();
    let exporter = Exporter::new(registry).unwrap();
    let mut old = cluster();
    old.taken_at_ms -= 90_000;
    exporter.add_cluster_with(source(old), USUAL).unwrap();
    let page = exporter.render(Format::Text);
    let age = lines(
        &page,
        "limpid_snapshot_age_seconds{collector=\"kafka_exporter\"} ",
    );
    let age: f64 = age[0].rsplit(' ').next().unwrap().parse().unwrap();
    assert!((90.0..150.0).contains(&age), "{age}");
    assert!(page.contains("limpid_series{family=\"kafka_topic_partition_replicas\"} 3\n"));
    assert!(page.contains("limpid_series{family=\"limpid_collector_up\"} 6\n"));
}

/// What both formats demand of a page, checked line by line.
fn check(page: &str, format: Format) {
    let (mut current, mut seen) = (String::new(), HashSet::new());
    let body = match format {
        Format::Text => page,
        Format::OpenMetrics => page.strip_suffix("# EOF\n").expect("ends with # EOF"),
    };
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            current = rest.split(' ').next().unwrap().to_owned();
            assert!(seen.insert(format!("# {current}")), "{current} comes twice");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert_eq!(
                rest.split(' ').next().unwrap(),
                current,
                "TYPE follows HELP"
            );
            let counter = rest.ends_with(" counter") && format == Format::OpenMetrics;
            assert!(!counter || !current.ends_with("_total"), "{line}");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a sample");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = series.split('{').next().unwrap();
        let suffix = name.strip_prefix(current.as_str()).expect(line);
        assert!(
            ["", "_total", "_bucket", "_sum", "_count"].contains(&suffix),
            "{line}"
        );
        assert!(seen.insert(series.to_owned()), "{series} comes twice");
    }
}

#[test]
fn both_formats_hold_their_rules() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    exporter.add_cluster(source(cluster()));
    exporter.render(Format::Text); // so that the rendering histogram has something
    for format in [Format::Text, Format::OpenMetrics] {
        check(&exporter.render(format), format);
    }
}

#[test]
fn every_family_on_the_page_is_in_the_catalogue_and_ours_are_clean() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    // What rules make of beans is declared by the rules.
    let declared = DIALECTS
        .iter()
        .filter(|dialect| !dialects::is_ruled(dialect));
    let declared: Vec<&str> = declared.copied().collect();
    let added = exporter.add_cluster_with(source(cluster()), &declared);
    added.unwrap();
    let page = exporter.render(Format::Text);
    assert!(page.contains("kafka_brokers") && !page.contains("brokertopicmetrics"));
    let catalogue = catalogue();
    for line in lines(&page, "# TYPE ") {
        let name = line.split(' ').nth(2).unwrap();
        assert!(catalogue.contains(name), "{name} is not declared");
    }
    assert_eq!(catalogue.lint(), Vec::<String>::new());
}

#[test]
fn a_registry_has_one_exporter() {
    let registry = Registry::new();
    let _first = Exporter::new(registry.clone()).unwrap();
    assert!(Exporter::new(registry).is_err());
}

#[test]
fn what_a_collector_leaves_out_is_counted() {
    struct Full;
    impl Collector for Full {
        fn name(&self) -> &'static str {
            "full"
        }
        fn families(&self) -> &'static [&'static Declaration] {
            given::ALL
        }
        fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
            out.family(&given::GOOD).leave_out(5);
            Ok(())
        }
    }
    let registry = Registry::new();
    let exporter = Exporter::new(registry.clone()).unwrap();
    registry.add_collector(Arc::new(Full));
    exporter.render(Format::Text);
    let page = exporter.render(Format::Text);
    assert!(page.contains("limpid_series_dropped_total{family=\"example_good\"} 5\n"));
}

#[test]
fn the_process_goes_with_every_dialect() {
    let registry = Registry::new();
    registry.add_collector(Arc::new(ProcessCollector::new()));
    let exporter = Exporter::new(registry).unwrap();
    exporter.add_cluster_with(source(cluster()), USUAL).unwrap();
    for dialect in ["kminion", "strimzi", "limpid"] {
        let asked = Selection::of([("dialect", dialect)]).unwrap();
        let page = exporter.render_selected(Format::Text, &asked);
        assert!(page.contains("\nprocess_start_time_seconds "), "{dialect}");
        assert_eq!(page.contains("\nlimpid_"), dialect == "limpid", "{dialect}");
    }
}

#[test]
fn a_page_of_one_dialect_asks_nobody_else() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    exporter.add_cluster_with(source(cluster()), USUAL).unwrap();
    let shown = |parameters: &[(&str, &str)]| {
        let selection = Selection::of(parameters.iter().copied()).unwrap();
        let page = exporter.render_selected(Format::Text, &selection);
        let types = lines(&page, "# TYPE ").into_iter();
        let names = types.filter_map(|line| line.split(' ').nth(2));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let kminion = shown(&[("dialect", "kminion")]);
    assert!(kminion.len() > 10 && kminion.iter().all(|name| name.starts_with("kminion_")));
    let own = shown(&[("dialect", "limpid")]);
    assert!(
        own.len() > 10 && own.iter().all(|name| name.starts_with("limpid_")),
        "{own:?}"
    );
    assert!(!shown(&[]).iter().any(|name| name.starts_with("kminion_")));
    let two = [
        ("collect[]", "kafka_brokers"),
        ("collect[]", "limpid_group_status"),
    ];
    assert_eq!(shown(&two), ["limpid_group_status", "kafka_brokers"]);
    assert!(shown(&[("collect[]", "kminion_kafka_cluster_info")]).is_empty());
}

#[test]
fn collectors_without_a_wanted_family_are_not_asked() {
    let registry = Registry::new();
    let exporter = Exporter::new(registry.clone()).unwrap();
    registry.add_collector(Example::new("broken", true, false));
    let up = |family| {
        let selection =
            Selection::of([("collect[]", family), ("collect[]", "limpid_collector_up")]);
        let page = exporter.render_selected(Format::Text, &selection.unwrap());
        lines(&page, "limpid_collector_up{collector=\"broken\"}").join("")
    };
    assert_eq!(up("kafka_brokers"), "");
    assert_eq!(
        up("example_good"),
        "limpid_collector_up{collector=\"broken\"} 0"
    );
}

#[test]
fn a_page_beyond_its_budget_tells_what_it_left_out() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    exporter.add_cluster_with(source(cluster()), USUAL).unwrap();
    let whole = exporter.render(Format::Text);
    assert!(whole.contains("\nlimpid_series_degraded 0\n"), "{whole}");
    let samples = |page: &str| page.lines().filter(|l| !l.starts_with('#')).count();
    let limits = |max| Limits {
        budget: Budget::new(max, []),
        filter: Filter::default(),
    };
    exporter.limit(limits(samples(&whole) + 1_000));
    assert_eq!(
        lines(&exporter.render(Format::Text), "kafka_consumergroup_lag{").len(),
        3
    );
    let max = samples(&whole) - 20;
    exporter.limit(limits(max));
    exporter.render(Format::Text);
    let cut = exporter.render(Format::Text);
    assert!(samples(&cut) < samples(&whole));
    let by_topic = [
        "kafka_consumergroup_lag{consumergroup=\"reading\",topic=\"orders\"} 5",
        "kafka_consumergroup_lag{consumergroup=\"stopped\\\"\",topic=\"orders\"} 10",
    ];
    assert_eq!(lines(&cut, "kafka_consumergroup_lag{"), by_topic);
    assert!(cut.contains(&format!("\nlimpid_series_limit {max}\n")));
    assert!(!cut.contains("\nlimpid_series_degraded 0\n"));
    // Two pages so far: the first of them had not counted itself.
    let dropped = "limpid_series_dropped_total{family=\"kafka_consumergroup_lag\"}";
    assert_eq!(lines(&cut, dropped), [format!("{dropped} 1")]);
}

#[test]
fn groups_that_are_filtered_have_no_partitions_and_keep_their_sums() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    exporter.add_cluster_with(source(cluster()), USUAL).unwrap();
    exporter.limit(Limits {
        budget: Budget::default(),
        filter: Filter {
            topics: Names::default(),
            groups: Names::new("", "stopped.*").unwrap(),
        },
    });
    let page = exporter.render(Format::Text);
    let of = |family: &str| {
        let lines = lines(&page, family).into_iter();
        lines.filter(|line| line.contains("stopped")).count()
    };
    assert_eq!(of("kafka_consumergroup_lag{"), 0);
    assert_eq!(of("limpid_group_lag_records{"), 0);
    assert_eq!(
        (
            of("kafka_consumergroup_lag_sum{"),
            of("limpid_group_status{")
        ),
        (1, 1)
    );
    assert_eq!(
        lines(&page, "kafka_consumergroup_lag{").len(),
        2,
        "the other group's"
    );

    exporter.limit(Limits {
        budget: Budget::default(),
        filter: Filter {
            topics: Names::new("", "orders").unwrap(),
            groups: Names::default(),
        },
    });
    let page = exporter.render(Format::Text);
    assert!(lines(&page, "kafka_consumergroup_lag{").is_empty());
    assert_eq!(
        lines(&page, "kafka_topic_partition_replicas{").len(),
        1,
        "the other topic's"
    );
    assert_eq!(lines(&page, "kafka_topic_partitions{").len(), 2);
}

limpid_telemetry::metrics! {
    struct Counted {
        /// Things that happened.
        things: counter { name: Name } = "example_things_total";
        /// How long they took.
        seconds: histogram[limpid_telemetry::buckets::REQUEST_SECONDS] { name: Name } = "example_seconds"
    }
}

/// Stays in its collector until it is told to go on.
struct Stuck(Mutex<()>, AtomicBool);

impl Collector for Stuck {
    fn name(&self) -> &'static str {
        "stuck"
    }
    fn families(&self) -> &'static [&'static Declaration] {
        given::ALL
    }
    fn collect(&self, _: &mut Samples) -> Result<(), CollectError> {
        self.1.store(true, Ordering::SeqCst);
        drop(self.0.lock());
        Ok(())
    }
}

#[test]
fn counting_goes_on_while_a_page_is_stuck() {
    let registry = Registry::new();
    let exporter = Exporter::new(registry.clone()).unwrap();
    let counted = Counted::register(&registry).unwrap();
    let (things, seconds) = (counted.things.bind("a"), counted.seconds.bind("a"));
    let slots = counted.seconds.exemplars("a");
    let stuck = Arc::new(Stuck(Mutex::new(()), AtomicBool::new(false)));
    registry.add_collector(stuck.clone());
    let held = stuck.0.lock();
    let page = std::thread::spawn(move || exporter.render(Format::OpenMetrics));
    while !stuck.1.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
    // Would never end if the page held what they need. New series, too.
    for id in 0..100 {
        things.inc();
        seconds.observe(0.01);
        let trace = limpid_telemetry::exemplars::Trace {
            trace_id: [id; 16],
            span_id: [id; 8],
        };
        slots.offer(0.01, trace);
    }
    counted.things.bind("b").inc();
    counted.things.own("c").inc();
    assert!(!page.is_finished());
    drop(held);
    let page = page.join().unwrap();
    assert!(
        page.contains("example_things_total{name=\"a\"} 100\n"),
        "{page}"
    );
    assert!(page.contains("example_things_total{name=\"b\"} 1\n"));
    assert!(page.contains("# {trace_id=\"63636363636363636363636363636363\""));
}

#[test]
fn whatever_clients_choose_as_names_stays_one_line_and_one_series() {
    let hostile = [
        "a\nb 1",
        "a\"} 1\nx{y=\"",
        "\\",
        "\\\"",
        "a\\nb 1",
        "{}#",
        "\u{2028}",
        "é",
    ];
    let long = "x".repeat(10_000);
    let mut snapshot = cluster();
    let names = hostile.iter().copied().chain([long.as_str()]);
    let groups = names.map(|name| {
        let partitions = vec![crate::fixture::group_partition(0, Some(1), Some((1, None)))];
        Arc::new(crate::fixture::group(name, 1, partitions))
    });
    snapshot.groups = groups.collect();
    let exporter = Exporter::new(Registry::new()).unwrap();
    exporter.add_cluster(source(snapshot));
    exporter.render(Format::Text);
    for format in [Format::Text, Format::OpenMetrics] {
        let page = exporter.render(format);
        check(&page, format);
        let lag = lines(&page, "limpid_group_lag_records{");
        assert_eq!(lag.len(), hostile.len() + 1);
        assert!(lag.iter().all(|line| line.len() < 500), "long ones are cut");
    }
}
