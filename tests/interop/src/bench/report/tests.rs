use std::collections::BTreeMap;

use super::super::raw::{Failed, Line, Run, Setup};
use super::*;

fn measured() -> Measured {
    let mut measured = Measured::default();
    measured.add(Line::Setup(Setup {
        began: "today".into(),
        machine: "a machine".into(),
        versions: "some versions".into(),
        pairs: 3,
        asked: "3 pairs".into(),
        settings: BTreeMap::from([(Side::KafkaTuned, "threads=2".into())]),
    }));
    measured
}

fn add(measured: &mut Measured, pair: u32, side: Side, case: &str, values: &[(&str, f64)]) {
    let values = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value));
    measured.add(Line::Run(Run::new(pair, side, case, values.collect())));
}

#[test]
fn numbers_have_three_digits_and_their_thousands_apart() {
    let shown = [0.0284, 1.5, 42.25, 999.6, 1_234_567.0, -2_000.0].map(number);
    assert_eq!(
        shown,
        ["0.028", "1.50", "42.2", "1,000", "1,234,567", "-2,000"]
    );
}

#[test]
fn each_row_has_its_medians_its_ratio_its_goal_and_whether_it_is_met() {
    let mut measured = measured();
    for (pair, factor) in [(0, 2.0), (1, 1.2), (2, 1.5)] {
        let cpu = |own| [(RATE, own), (CPU, 1.0), ("broker_cpu_s", 4.0)];
        add(
            &mut measured,
            pair,
            Side::Kafka,
            "java-produce",
            &cpu(1_000.0),
        );
        add(
            &mut measured,
            pair,
            Side::Limpid,
            "java-produce",
            &cpu(1_000.0 * factor),
        );
    }
    let text = markdown(&measured);
    let row = "| 1,000 | 1,500 | 1.50 (1.20–2.00) | ≥ 1.4 × | met |";
    assert!(text.contains(row), "{text}");
    let row =
        "| – broker CPU s per million | 1.00 | 1.00 | 1.00 (1.00–1.00) | ≤ 1/6 | **not met** |";
    assert!(text.contains(row), "{text}");
    assert!(
        text.contains("| java-produce | limpid | 4.00 | 1.00 |"),
        "{text}"
    );
    assert!(!text.contains("at a time, acks=all: mean"), "{text}");
    assert!(!text.contains("threads=2"), "{text}");
}

#[test]
fn an_interrupted_run_gives_what_it_has() {
    let mut measured = measured();
    add(&mut measured, 0, Side::Kafka, "fsync-1", &[(RATE, 1_000.0)]);
    assert!(!markdown(&measured).contains("fsync before"));
    add(
        &mut measured,
        0,
        Side::Limpid,
        "fsync-1",
        &[(RATE, 1_200.0)],
    );
    add(
        &mut measured,
        1,
        Side::Limpid,
        "fsync-1",
        &[(RATE, 9_000.0)],
    );
    measured.add(Line::Failed(Failed {
        pair: 1,
        side: Side::Kafka,
        case: "fsync-1".into(),
        error: "it broke\nat length".into(),
    }));
    let text = markdown(&measured);
    assert!(text.contains("1.20 (1.20–1.20) | ≥ 1.1 × | met"), "{text}");
    assert!(
        text.contains("- fsync-1, Apache Kafka 4.3.0, pair 2: it broke\n"),
        "{text}"
    );
}

#[test]
fn the_tuned_and_the_matrix_have_tables_of_their_own() {
    let mut measured = measured();
    for (side, rate) in [
        (Side::Kafka, 100.0),
        (Side::KafkaTuned, 200.0),
        (Side::Limpid, 300.0),
    ] {
        add(&mut measured, 0, side, "acks-20", &[(RATE, rate)]);
        add(
            &mut measured,
            0,
            side,
            "matrix-lz4",
            &[(RATE, rate), (CPU, 0.5)],
        );
    }
    let text = markdown(&measured);
    assert!(
        text.contains("Beside Apache Kafka with `threads=2`"),
        "{text}"
    );
    assert!(
        text.contains("| 200 | 300 | 1.50 (1.50–1.50) | ≥ 1.3 × | met |"),
        "{text}"
    );
    let row = "| lz4 | 100 | 300 | 3.00 (3.00–3.00) | 0.500 | 0.500 | 1.00 (1.00–1.00) |";
    assert!(text.contains(row), "{text}");
}
