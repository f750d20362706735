use std::sync::Arc;

use limpid_cluster::{ClusterSource, GroupStatus, Lately, Overtaken};
use limpid_telemetry::Registry;

use crate::fixture::{cluster, lines, source};
use crate::{Exporter, Format};

#[test]
fn what_is_not_known_is_absent_and_who_stopped_stays() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    let source = source(cluster());
    exporter.add_cluster(source.clone());
    let page = exporter.render(Format::Text);
    let expected = [
        r#"limpid_group_lag_records{group="reading",topic="orders",partition="0"} 5"#,
        r#"limpid_group_lag_records{group="reading",topic="orders",partition="1"} 0"#,
        r#"limpid_group_lag_records{group="stopped\"",topic="orders",partition="0"} 10"#,
    ];
    assert_eq!(lines(&page, "limpid_group_lag_records"), expected);
    let expected = [
        r#"limpid_group_lag_seconds{group="reading",topic="orders",partition="0"} 2.5"#,
        r#"limpid_group_lag_seconds{group="reading",topic="orders",partition="1"} 0"#,
    ];
    assert_eq!(lines(&page, "limpid_group_lag_seconds"), expected);
    assert!(lines(&page, "limpid_group_event_lag_seconds").is_empty());
    let expected = [
        r#"limpid_group_status{group="new"} 0"#,
        r#"limpid_group_status{group="reading"} 0"#,
        r#"limpid_group_status{group="stopped\""} 4"#,
    ];
    assert_eq!(lines(&page, "limpid_group_status"), expected);
    let expected = [
        r#"limpid_group_uncommitted_partitions{group="new"} 0"#,
        r#"limpid_group_uncommitted_partitions{group="reading"} 1"#,
        r#"limpid_group_uncommitted_partitions{group="stopped\""} 0"#,
    ];
    let uncommitted = lines(&page, "limpid_group_uncommitted");
    assert_eq!(uncommitted, expected);
    let expire = lines(&page, "limpid_group_offsets_expire_seconds");
    assert_eq!(expire.len(), 1);
    let (_, seconds) = expire[0].rsplit_once(' ').unwrap();
    assert!((86_390.0..86_410.0).contains(&seconds.parse::<f64>().unwrap()));

    // An hour later its offsets are gone.
    let mut without = (*source.snapshot()).clone();
    without.groups.pop();
    *source.0.lock() = std::sync::Arc::new(without);
    assert!(!exporter.render(Format::Text).contains("group=\"stopped"));
}

#[test]
fn the_number_of_a_status_is_its_place() {
    for (number, status) in GroupStatus::ALL.iter().enumerate() {
        assert_eq!(*status as usize, number);
    }
}

#[test]
fn what_was_seen_lately_is_told_while_it_holds() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    let mut snapshot = cluster();
    let mut late = (*snapshot.groups[1]).clone();
    late.lately = Lately {
        eta_seconds: Some(90.5),
        generations: 9,
        overtaken: vec![Overtaken {
            topic: "orders".to_owned(),
            partition: 0,
            seconds: 2_520.0,
            by: "retention.ms",
        }],
        stale_topics: vec!["orders".to_owned()],
        ..Lately::default()
    };
    snapshot.groups[1] = Arc::new(late);
    snapshot.watched.now = 4;
    let source = source(snapshot);
    exporter.add_cluster(source.clone());
    let page = exporter.render(Format::Text);
    let expected = [r#"limpid_group_eta_seconds{group="reading"} 90.5"#];
    assert_eq!(lines(&page, "limpid_group_eta_seconds"), expected);
    let expected =
        [r#"limpid_group_retention_overtakes_seconds{group="reading",topic="orders"} 2520"#];
    assert_eq!(lines(&page, "limpid_group_retention"), expected);
    // Its last partition is committed before the start of the log.
    let expected = [
        r#"limpid_group_finding{group="reading",cause="retention_overtakes"} 1"#,
        r#"limpid_group_finding{group="reading",cause="lost_records"} 1"#,
    ];
    // Nine generations are no finding of a group that keeps up.
    let of_reading = r#"limpid_group_finding{group="reading""#;
    assert_eq!(lines(&page, of_reading), expected);
    let expected = [r#"limpid_group_stale{group="reading",topic="orders"} 1"#];
    assert_eq!(lines(&page, "limpid_group_stale"), expected);
    assert_eq!(
        lines(&page, "limpid_group_watched_partitions "),
        ["limpid_group_watched_partitions 4"]
    );
}
