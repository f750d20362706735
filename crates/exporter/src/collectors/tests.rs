use std::collections::HashSet;

use limpid_telemetry::{Collector, Registry};

use super::*;
use crate::Exporter;
use crate::fixture::{cluster, group, group_partition, source};

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
    let registry = Registry::new();
    let exporter = Exporter::new(registry.clone()).unwrap();
    exporter.add_cluster(source(cluster()));
    let mut names = HashSet::new();
    for collector in registry.collectors() {
        for family in Collector::families(&*collector) {
            assert!(names.insert(family.name), "{} has two writers", family.name);
        }
    }
    assert!(names.len() > 20);
}
