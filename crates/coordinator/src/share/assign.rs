//! How partitions are shared out: each to as many members as it takes for all of them to have
//! something to do, as even as it can be, moving as little as possible (Kafka's `simple`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use limpid_protocol::Uuid;

use crate::assignor::{Assigned, Partitions};

/// A member that is to get partitions.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) id: Arc<str>,
    /// Those that it may get.
    pub(super) partitions: BTreeSet<(Uuid, i32)>,
    /// What it was assigned last.
    pub(super) before: Partitions,
}

/// Shares out all partitions. Members that read the same share all of them; otherwise each topic is
/// shared among those that read it.
pub(super) fn assign(readers: &[Reader]) -> Assigned {
    let mut assigned: Vec<BTreeSet<(Uuid, i32)>> = vec![BTreeSet::new(); readers.len()];
    let all: BTreeSet<(Uuid, i32)> = readers
        .iter()
        .flat_map(|reader| reader.partitions.iter().copied())
        .collect();
    let is_same = readers.iter().all(|reader| reader.partitions == all);
    if is_same {
        let places: Vec<usize> = (0..readers.len()).collect();
        share(readers, &places, &all, &mut assigned);
    } else {
        for (topic, partitions) in by_topic(&all) {
            let reads = |place: &usize| {
                let mut partitions = readers[*place].partitions.iter();
                partitions.any(|(id, _)| *id == topic)
            };
            let places: Vec<usize> = (0..readers.len()).filter(reads).collect();
            share(readers, &places, &partitions, &mut assigned);
        }
    }
    let named = readers.iter().zip(assigned).map(|(reader, has)| {
        let mut partitions = Partitions::new();
        for (id, partition) in has {
            partitions.entry(id).or_default().insert(partition);
        }
        (Arc::clone(&reader.id), partitions)
    });
    named.collect()
}

fn by_topic(all: &BTreeSet<(Uuid, i32)>) -> BTreeMap<Uuid, BTreeSet<(Uuid, i32)>> {
    let mut topics: BTreeMap<Uuid, BTreeSet<(Uuid, i32)>> = BTreeMap::new();
    for one in all {
        topics.entry(one.0).or_default().insert(*one);
    }
    topics
}

/// Shares `partitions` out among the members at `places`.
fn share(
    readers: &[Reader],
    places: &[usize],
    partitions: &BTreeSet<(Uuid, i32)>,
    assigned: &mut [BTreeSet<(Uuid, i32)>],
) {
    if partitions.is_empty() || places.is_empty() {
        return;
    }
    // So many readers for each partition …
    let sharing = places.len().div_ceil(partitions.len());
    // … and so many partitions for each member, the rest spread evenly.
    let total = sharing * partitions.len();
    let up_to = |n: usize| (total * n).div_ceil(places.len());
    let wanted = |nth: usize| up_to(nth + 1) - up_to(nth);
    let mut readers_of: BTreeMap<(Uuid, i32), usize> =
        partitions.iter().map(|one| (*one, 0)).collect();
    let mut has = vec![0_usize; places.len()];
    for (nth, place) in places.iter().enumerate() {
        let before = readers[*place].before.iter();
        let before = before.flat_map(|(id, ids)| ids.iter().map(|p| (*id, *p)));
        for one in before {
            let Some(readers) = readers_of.get_mut(&one) else {
                continue;
            };
            if *readers < sharing && has[nth] < wanted(nth) {
                *readers += 1;
                has[nth] += 1;
                assigned[*place].insert(one);
            }
        }
    }
    let mut next = 0;
    for (one, readers) in &mut readers_of {
        let mut looked_at = 0;
        while *readers < sharing && looked_at < places.len() {
            let nth = next % places.len();
            next += 1;
            looked_at += 1;
            if has[nth] < wanted(nth) && assigned[places[nth]].insert(*one) {
                has[nth] += 1;
                *readers += 1;
                looked_at = 0;
            }
        }
    }
    // Whoever could not get as much as planned gets what is shared least.
    for (nth, place) in places.iter().enumerate() {
        if has[nth] == 0
            && let Some((one, readers)) = readers_of.iter_mut().min_by_key(|(_, n)| **n)
        {
            *readers += 1;
            assigned[*place].insert(*one);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOPIC: Uuid = Uuid::from_bytes([7; 16]);

    fn reader(id: usize, partitions: i32, before: &[i32]) -> Reader {
        let before = before.iter().copied().collect::<BTreeSet<i32>>();
        Reader {
            id: format!("m{id:03}").into(),
            partitions: (0..partitions).map(|p| (TOPIC, p)).collect(),
            before: (!before.is_empty())
                .then_some((TOPIC, before))
                .into_iter()
                .collect(),
        }
    }

    fn counts(assigned: &Assigned, partitions: i32) -> Vec<usize> {
        let has = |p: i32| {
            let all = assigned.values();
            all.filter(|one| one.get(&TOPIC).is_some_and(|ids| ids.contains(&p)))
                .count()
        };
        (0..partitions).map(has).collect()
    }

    #[test]
    fn one_member_reads_everything() {
        let assigned = assign(&[reader(1, 3, &[])]);
        assert_eq!(counts(&assigned, 3), [1, 1, 1]);
    }

    #[test]
    fn a_partition_has_several_readers() {
        let readers: Vec<Reader> = (0..4).map(|id| reader(id, 2, &[])).collect();
        assert_eq!(counts(&assign(&readers), 2), [2, 2]);
    }

    proptest! {
        #[test]
        fn nothing_is_left_out_and_nobody_is_idle(
            members in 1_usize..12,
            partitions in 1_i32..12,
            before in proptest::collection::vec(0_i32..12, 12),
        ) {
            let readers: Vec<Reader> = (0..members)
                .map(|id| reader(id, partitions, &before[id..=id]))
                .collect();
            let assigned = assign(&readers);
            for readers in counts(&assigned, partitions) {
                prop_assert!(readers >= 1);
            }
            for has in assigned.values() {
                prop_assert!(has.values().map(BTreeSet::len).sum::<usize>() >= 1);
            }
            let again: Vec<Reader> = readers
                .into_iter()
                .map(|reader| Reader { before: assigned[&reader.id].clone(), ..reader })
                .collect();
            prop_assert_eq!(assign(&again), assigned, "nothing moves without a reason");
        }
    }
}
