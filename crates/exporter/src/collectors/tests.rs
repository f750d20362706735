use std::collections::HashSet;

use limpid_telemetry::{Collector, Registry};

use super::*;
use crate::fixture::{cluster, group, group_partition, source};
use crate::{Exporter, Format, Selection};

#[test]
fn too_many_groups_leave_room_for_those_that_were_active_last() {
    let lag = || Some((1, None));
    let named = |id: &str, partitions: i32, at_ms| {
        let partitions = (0..partitions).map(|p| group_partition(p, Some(1), lag()));
        let mut group = group(id, 1, partitions.collect());
        group.state_since_ms = at_ms;
        Arc::new(group)
    };
    let snapshot = ClusterSnapshot {
        groups: vec![
            named("a", 3, 5),
            named("b", 3, 9),
            named("c", 1, 7),
            named("d", 2, 8),
        ],
        ..ClusterSnapshot::default()
    };
    let shown = |groups_max, partitions_max| {
        let shown = ShownGroups::within(&snapshot, groups_max, partitions_max);
        let ids = shown.groups.iter().map(|s| match s.with_partitions {
            true => s.group.id.to_uppercase(),
            false => s.group.id.clone(),
        });
        let ids: String = ids.collect();
        (ids, shown.groups_left_out, shown.partitions_left_out)
    };
    assert_eq!(shown(4, 9), ("ABCD".to_owned(), 0, 0));
    assert_eq!(shown(2, 9), ("BD".to_owned(), 2, 4));
    assert_eq!(shown(4, 5), ("aBcD".to_owned(), 0, 4));
    assert_eq!(shown(4, 4), ("aBCd".to_owned(), 0, 5));
    assert_eq!(shown(3, 0), ("bcd".to_owned(), 1, 9));
}

#[test]
fn every_family_belongs_to_one_collector() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    exporter.add_cluster(source(cluster()));
    let mut names = HashSet::new();
    for collector in exporter.collectors() {
        for family in Collector::families(&*collector) {
            let name = family.name;
            // Two dialects mean the same by these.
            let shared = collector.name() == "otel"
                && ["kafka_brokers", "kafka_topic_partitions"].contains(&name);
            assert!(shared != names.insert(name), "{name} has two writers");
        }
    }
    assert!(names.len() > 20);
}

/// Every series has one writer among the brokers of a cluster, whatever the fixture's node is.
#[test]
fn brokers_tell_together_what_one_that_speaks_for_all_would_tell() {
    let page_of = |node_id| {
        let exporter = Exporter::new(Registry::new()).unwrap();
        let mut snapshot = cluster();
        snapshot.controller_id = Some(3);
        snapshot.node_id = node_id;
        exporter
            .add_cluster_with(source(snapshot), &["all"])
            .unwrap();
        let page = exporter.render(Format::Text);
        let of_the_cluster = |line: &&str| {
            let starts = [
                "kafka_broker",
                "kafka_topic_",
                "kafka_consumer",
                "kminion_kafka_",
            ];
            starts.iter().any(|start| line.starts_with(start))
        };
        let series = page.lines().filter(of_the_cluster);
        series.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut together: Vec<String> = [1, 2, 3]
        .into_iter()
        .flat_map(|id| page_of(Some(id)))
        .collect();
    let mut all = page_of(None);
    together.sort_unstable();
    all.sort_unstable();
    assert_eq!(together, all);
}

/// The samples of a dialect's page for the fixture, sorted, its controller being broker 1.
pub(super) fn dialect_alone(dialect: &str) -> Vec<String> {
    let exporter = Exporter::new(Registry::new()).unwrap();
    let mut snapshot = cluster();
    snapshot.controller_id = Some(1);
    let reading = Arc::make_mut(&mut snapshot.groups[1]);
    reading.members[0].client_id = "reader".to_owned();
    reading.members[0].host = "10.0.0.7".to_owned();
    exporter
        .add_cluster_with(source(snapshot), &[] as &[&str])
        .unwrap();
    let asked = Selection::of([("dialect", dialect)]).unwrap();
    let page = exporter.render_selected(Format::Text, &asked);
    let found = page.lines().filter(|line| !line.starts_with('#'));
    let mut found: Vec<String> = found.map(str::to_owned).collect();
    found.sort_unstable();
    found
}
