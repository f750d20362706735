use super::*;
use crate::Text;

crate::metrics! {
    /// Broken in every way that the lint knows.
    struct Broken {
        /// no sentence
        _a: counter = "limpid_events";
        /// A gauge that says it is a counter.
        _b: gauge { le: Text<3> } = "limpid_level_counter_total";
        /// A unit of its own.
        _c: float_gauge = "limpid_wait_ms";
        /// Buckets that fall.
        _d: histogram[FALLING] = "limpid_Size_bytes";
        /// One letter too many.
        _e: gauge = "limpid_items_count";
    }
}

const FALLING: &[f64] = &[2.0, 1.0];

crate::families! {
    mod dialect {
        /// theirs, not ours
        BYTES: counter { topic: Text<2000> } = "kafka_bytesinpersec",
            mbean "kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec,topic={topic}" meter;
    }
}

#[test]
fn our_own_names_are_clean() {
    assert_eq!(Catalogue::with_own().lint(), Vec::<String>::new());
}

#[test]
fn the_lint_finds_what_it_should() {
    let broken = Catalogue::new()
        .with(Broken::DECLARATIONS)
        .with_families(dialect::ALL);
    let findings = broken.with_families(dialect::ALL).lint();
    let expected = [
        "kafka_bytesinpersec: declared twice",
        "limpid_Size_bytes: is not snake_case",
        "limpid_Size_bytes: buckets do not rise",
        "limpid_events: help is not a sentence",
        "limpid_events: `_total` belongs to counters and to them alone",
        "limpid_items_count: ends like a series of a histogram",
        "limpid_level_counter_total: `_total` belongs to counters and to them alone",
        "limpid_level_counter_total: has the type `counter` in its name",
        "limpid_level_counter_total: label `le` is reserved or not snake_case",
        "limpid_wait_ms: unit `ms` is not a base unit in full",
    ];
    assert_eq!(findings, expected);
    assert!(
        Broken::register(&crate::Registry::new()).is_err(),
        "`le` is refused at the door"
    );
}

#[test]
fn the_table_and_the_page_show_everything() {
    let catalogue = Catalogue::new()
        .with_dialect("theirs", dialect::ALL)
        .with_dialect("others", dialect::ALL);
    assert_eq!(catalogue.lint(), Vec::<String>::new());
    let bean = "kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec,topic={topic}";
    let table = catalogue.to_table();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines[0],
        "NAME                 TYPE     DIALECT        LABELS       HELP              JMX"
    );
    assert_eq!(
        lines[1],
        format!(
            "kafka_bytesinpersec  counter  theirs,others  topic(2000)  theirs, not ours  {bean}"
        )
    );
    let page = catalogue.to_markdown();
    assert!(page.starts_with("# Metrics\n"), "{page}");
    let row = format!(
        "## limpid-telemetry\n\n{TABLE_HEAD}\
         | `kafka_bytesinpersec` | counter | theirs,others | topic(2000) | theirs, not ours | `{bean}` |\n"
    );
    assert!(page.ends_with(&row), "{page}");
}
