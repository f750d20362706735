use std::collections::BTreeSet;

use limpid_protocol::Uuid;
use proptest::prelude::*;

use super::{Assigned, Assignor, Partitions, Subscriber, Subscriptions};

fn topic(n: u8) -> Uuid {
    Uuid::from_bytes([n; 16])
}

fn subscriptions(sizes: &[i32], members: &[(&str, &[u8])]) -> Subscriptions {
    let members = members.iter().map(|(id, topics)| Subscriber {
        id: (*id).into(),
        instance_id: None,
        topics: topics.iter().map(|n| topic(*n)).collect(),
        before: Partitions::new(),
    });
    Subscriptions {
        members: members.collect(),
        sizes: (1..).map(topic).zip(sizes.iter().copied()).collect(),
    }
}

fn load(partitions: &Partitions) -> usize {
    partitions.values().map(BTreeSet::len).sum()
}

/// Takes over an assignment as the last one.
fn remember(subscriptions: &mut Subscriptions, assigned: &Assigned) {
    for member in &mut subscriptions.members {
        member.before = assigned.get(&member.id).cloned().unwrap_or_default();
    }
}

/// Every partition that somebody reads has one owner, who reads it.
fn check_complete(subscriptions: &Subscriptions, assigned: &Assigned) {
    let mut seen = BTreeSet::new();
    for member in &subscriptions.members {
        for (topic, partitions) in &assigned[&member.id] {
            assert!(member.topics.contains(topic), "only what it reads");
            for partition in partitions {
                assert!(seen.insert((*topic, *partition)), "one owner");
            }
        }
    }
    let readers = subscriptions.readers();
    let read = subscriptions.sizes.iter();
    let read = read.filter(|(topic, _)| readers.contains_key(topic));
    let wanted: i32 = read.map(|(_, size)| size).sum();
    assert_eq!(seen.len(), usize::try_from(wanted).expect("small"));
}

#[test]
fn range_gives_contiguous_ranges_alike_in_topics_that_are_alike() {
    let subscriptions = subscriptions(&[3, 3], &[("a", &[1, 2]), ("b", &[1, 2])]);
    let assigned = Assignor::Range.assign(&subscriptions);
    for n in [1, 2] {
        assert_eq!(assigned["a"][&topic(n)], BTreeSet::from([0, 1]));
        assert_eq!(assigned["b"][&topic(n)], BTreeSet::from([2]));
    }
}

#[test]
fn range_takes_static_members_in_the_order_of_their_names() {
    let mut subscriptions = subscriptions(&[2], &[("z", &[1]), ("a", &[1])]);
    subscriptions.members[0].instance_id = Some("1".to_owned());
    subscriptions.members[1].instance_id = Some("2".to_owned());
    let assigned = Assignor::Range.assign(&subscriptions);
    assert_eq!(assigned["z"][&topic(1)], BTreeSet::from([0]));
}

#[test]
fn members_beyond_the_partitions_get_none() {
    let subscriptions = subscriptions(&[1], &[("a", &[1]), ("b", &[1])]);
    for assignor in Assignor::ALL {
        let assigned = assignor.assign(&subscriptions);
        assert_eq!(load(&assigned["a"]) + load(&assigned["b"]), 1);
    }
}

#[test]
fn uniform_moves_no_more_than_it_must() {
    let mut subscriptions = subscriptions(&[5, 5], &[("a", &[1, 2]), ("b", &[1, 2])]);
    let before = Assignor::Uniform.assign(&subscriptions);
    remember(&mut subscriptions, &before);
    subscriptions.members.push(Subscriber {
        id: "c".into(),
        instance_id: None,
        topics: [topic(1), topic(2)].into(),
        before: Partitions::new(),
    });
    let after = Assignor::Uniform.assign(&subscriptions);
    check_complete(&subscriptions, &after);
    assert_eq!(load(&after["c"]), 3);
    for id in ["a", "b"] {
        for (topic, partitions) in &after[id] {
            let kept = before[id]
                .get(topic)
                .is_some_and(|b| b.is_superset(partitions));
            assert!(kept, "{id} got nothing from the other");
        }
    }
}

#[test]
fn uniform_evens_out_across_different_subscriptions() {
    let subscriptions = subscriptions(&[4, 2], &[("a", &[1, 2]), ("b", &[2]), ("c", &[1])]);
    let assigned = Assignor::Uniform.assign(&subscriptions);
    check_complete(&subscriptions, &assigned);
    for id in ["a", "b", "c"] {
        assert_eq!(load(&assigned[id]), 2, "{id}");
    }
}

proptest! {
    #[test]
    fn assignments_are_complete_even_and_stay(
        sizes in prop::collection::vec(0_i32..8, 1..4),
        reads in prop::collection::vec(prop::collection::btree_set(1_u8..5, 0..4), 1..7),
    ) {
        let names: Vec<String> = (0..reads.len()).map(|n| format!("m{n}")).collect();
        let count = u8::try_from(sizes.len()).expect("small");
        let reads: Vec<Vec<u8>> = reads
            .into_iter()
            .map(|topics| topics.into_iter().filter(|n| *n <= count).collect())
            .collect();
        let members: Vec<(&str, &[u8])> = names
            .iter()
            .zip(&reads)
            .map(|(name, topics)| (name.as_str(), topics.as_slice()))
            .collect();
        let mut subscriptions = subscriptions(&sizes, &members);
        check_complete(&subscriptions, &Assignor::Range.assign(&subscriptions));
        let assigned = Assignor::Uniform.assign(&subscriptions);
        check_complete(&subscriptions, &assigned);
        for one in &subscriptions.members {
            for topic in assigned[&one.id].keys() {
                for other in subscriptions.members.iter().filter(|m| m.topics.contains(topic)) {
                    let (mine, theirs) = (load(&assigned[&one.id]), load(&assigned[&other.id]));
                    prop_assert!(mine <= theirs + 1, "{mine} beside {theirs}");
                }
            }
        }
        remember(&mut subscriptions, &assigned);
        prop_assert_eq!(Assignor::Uniform.assign(&subscriptions), assigned);
    }
}
