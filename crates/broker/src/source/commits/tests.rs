use limpid_cluster::{Committed, Group, GroupPartition, GroupTopic};

use super::fresh_commits;

fn group(offset: i64, at_ms: i64) -> Group {
    let committed = Committed {
        offset,
        at_ms,
        ..Committed::default()
    };
    Group {
        topics: vec![GroupTopic {
            name: "orders".to_owned(),
            partitions: vec![GroupPartition {
                partition: 3,
                committed: Some(committed),
                ..GroupPartition::default()
            }],
        }],
        ..Group::default()
    }
}

fn fresh(now: &Group, before: Option<&Group>, began_ms: i64) -> Vec<i64> {
    let fresh = fresh_commits(now, before, began_ms);
    fresh.map(|(_, _, committed)| committed.offset).collect()
}

#[test]
fn a_commit_counts_once_and_only_forward() {
    let (first, again) = (group(5, 100), group(5, 200));
    assert_eq!(fresh(&first, None, 50), [5]);
    assert_eq!(fresh(&again, Some(&first), 50), [0; 0], "nothing was read");
    assert_eq!(fresh(&group(9, 300), Some(&first), 50), [9]);
    assert_eq!(fresh(&group(2, 300), Some(&first), 50), [0; 0], "a reset");
    assert_eq!(fresh(&first, None, 101), [0; 0], "of an earlier run");
    assert_eq!(fresh(&group(0, 100), None, 50), [0; 0], "before any record");
}
