use std::sync::Arc;

use super::*;
use crate::fixture::{NOW, group};
use crate::group::{Group, GroupState, GroupStatus};
use crate::snapshot::{LogDir, Partition, Topic};

fn ready() -> Readiness {
    Readiness {
        state: ReadinessState::Ready,
        reasons: Vec::new(),
    }
}

fn cluster(groups: Vec<Group>) -> ClusterSnapshot {
    let partition = |index| Partition {
        index,
        leader: Some(0),
        replicas: vec![0],
        isr: vec![0],
        ..Partition::default()
    };
    ClusterSnapshot {
        taken_at_ms: NOW,
        topics: vec![Arc::new(Topic {
            name: "orders".to_owned(),
            partitions: (0..3).map(partition).collect(),
            ..Topic::default()
        })],
        groups: groups.into_iter().map(Arc::new).collect(),
        ..ClusterSnapshot::default()
    }
}

#[test]
fn a_cluster_without_trouble_says_so() {
    let verdict = judge(&cluster(vec![group("a", &[(3, 0.2)])]), &ready(), &[], NOW);
    assert_eq!(verdict.severity, Severity::Ok);
    assert_eq!(
        verdict.sentence,
        "Nothing needs attention: 3 partitions online, 1 group keeping up."
    );
}

#[test]
fn the_worst_comes_first() {
    let mut snapshot = cluster(vec![
        group("slow", &[(4_000, 700.0)]),
        group("ok", &[(1, 0.0)]),
    ]);
    snapshot.log_dirs.push(LogDir {
        path: "/data".to_owned(),
        online: false,
        ..LogDir::default()
    });
    let verdict = judge(&snapshot, &ready(), &[], NOW + 20_000);
    let said: Vec<_> = verdict
        .findings
        .iter()
        .map(|f| f.sentence.as_str())
        .collect();
    assert_eq!(
        said,
        [
            "The log directory /data is offline.",
            "The numbers are 20 s old: what they show may be over.",
            "Group slow: 1 member reads; it is 4\u{202f}000 records behind, the oldest waiting for 11 min 40 s.",
        ]
    );
    assert_eq!(verdict.severity, Severity::Critical);
    assert_eq!(
        verdict.sentence,
        "1 thing about the cluster, 1 disk, 1 group need a look."
    );
}

#[test]
fn a_buffer_that_makes_requests_wait_is_found() {
    let full = BufferUse {
        pool: "request_memory".to_owned(),
        used_bytes: 1024,
        limit_bytes: 1024,
        high_water_bytes: 1024,
        wait_seconds: 9.0,
        waiting: Some(0.5),
    };
    let quiet = BufferUse {
        waiting: Some(0.0),
        ..full.clone()
    };
    let verdict = judge(&cluster(Vec::new()), &ready(), &[full, quiet], NOW);
    assert_eq!(verdict.findings.len(), 1);
    assert!(verdict.findings[0].sentence.contains("50 % of the time"));
}

#[test]
fn many_findings_are_counted() {
    let slow = |n| group(&format!("g{n}"), &[(9, 600.0)]);
    let verdict = judge(&cluster((0..20).map(slow).collect()), &ready(), &[], NOW);
    assert_eq!((verdict.findings.len(), verdict.findings_left_out), (12, 8));
}

#[test]
fn a_group_without_members_is_summed_up() {
    let mut stopped = group("stopped", &[(120, 40.0)]);
    stopped.members.clear();
    stopped.state = GroupState::Empty;
    stopped.status = GroupStatus::Stopped;
    assert_eq!(group_severity(&stopped), Severity::Attention);
    assert_eq!(
        group_summary(&stopped, NOW),
        "it has no members for 1 min 30 s, and is 120 records behind, the oldest waiting for 40 s."
    );
}

#[test]
fn no_commit_is_not_a_lag_of_zero() {
    let mut fresh = group("fresh", &[(0, 0.0)]);
    fresh.topics[0].partitions[0].committed = None;
    fresh.topics[0].partitions[0].lag = None;
    fresh.status = GroupStatus::NeverCommitted;
    let said = group_summary(&fresh, NOW);
    assert!(
        said.contains("has not committed yet in 1 partition"),
        "{said}"
    );
}
