//! Kafka's MBeans of coordinators: groups by their kind and state, and how far the partitions of
//! their topics are.

use limpid_cluster::{ClusterSnapshot, GroupKind, GroupState};
use limpid_telemetry::mbeans::{Beans, Value};

use super::Parts;
use crate::coordinator_log::phase::Phase;

type IsSo = fn(&Phase) -> bool;

/// What Kafka calls the ways a partition can be.
const PHASES: [(&str, IsSo); 3] = [
    ("loading", |phase| phase.is_loading()),
    ("active", |phase| matches!(phase, Phase::Ready)),
    ("failed", |phase| matches!(phase, Phase::Closed)),
];

/// States of groups that the coordinator assigns partitions to; share groups have those marked.
const STATES: [(GroupState, bool); 5] = [
    (GroupState::Empty, true),
    (GroupState::Assigning, false),
    (GroupState::Reconciling, false),
    (GroupState::Stable, true),
    (GroupState::Dead, true),
];

/// Adds all of them.
pub(super) fn add(parts: &Parts, snapshot: &ClusterSnapshot, beans: &mut Beans) {
    let groups = "kafka.server:type=group-coordinator-metrics";
    add_groups(groups, snapshot, beans);
    add_phases(groups, &parts.groups.phases(), beans);
    let shares = "kafka.server:type=share-coordinator-metrics";
    add_phases(shares, &parts.shares.phases(), beans);
}

fn add_groups(bean: &str, snapshot: &ClusterSnapshot, beans: &mut Beans) {
    let of_kind = |kind| {
        let groups = snapshot.groups.iter();
        groups.filter(move |group| group.kind == kind)
    };
    for (protocol, kind) in [
        ("classic", GroupKind::Classic),
        ("consumer", GroupKind::Consumer),
        ("share", GroupKind::Share),
    ] {
        let groups = Value::long(of_kind(kind).count());
        beans.add(
            format!("{bean},protocol={protocol}"),
            vec![("group-count", groups)],
        );
    }
    for (state, of_share_groups) in STATES {
        let in_state = |kind| Value::long(of_kind(kind).filter(|g| g.state == state).count());
        let mut counts = vec![("consumer-group-count", in_state(GroupKind::Consumer))];
        if of_share_groups {
            counts.push(("share-group-count", in_state(GroupKind::Share)));
        }
        beans.add(format!("{bean},state={}", state.as_str()), counts);
    }
    let partitions = snapshot.groups.iter().flat_map(|group| group.partitions());
    let offsets = partitions.filter(|(_, p)| p.committed.is_some()).count();
    let bean = "kafka.coordinator.group:type=GroupMetadataManager,name=NumOffsets";
    beans.gauge(bean, Value::long(offsets));
}

fn add_phases(bean: &str, phases: &[Phase], beans: &mut Beans) {
    for (state, is_so) in PHASES {
        let partitions = phases.iter().filter(|phase| is_so(phase)).count();
        beans.add(
            format!("{bean},state={state}"),
            vec![("num-partitions", Value::long(partitions))],
        );
    }
}
