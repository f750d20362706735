//! Contiguous ranges, topic by topic.
//!
//! Members are taken in the order of their instance ids, or of their ids if they have none, so that
//! static members keep their ranges when they come back. The first ones get one partition more when
//! there is a remainder.

use super::{Assigned, Partitions, Subscriptions};

pub(super) fn assign(subscriptions: &Subscriptions) -> Assigned {
    let members = &subscriptions.members;
    let mut assigned = vec![Partitions::new(); members.len()];
    for (topic, mut readers) in subscriptions.readers() {
        readers.sort_by_key(|place| {
            let member = &members[*place];
            // Static members come first.
            let name = member.instance_id.as_deref();
            (name.is_none(), name.unwrap_or(&member.id))
        });
        let size = subscriptions.sizes.get(&topic).copied().unwrap_or(0);
        let count = i32::try_from(readers.len()).unwrap_or(i32::MAX);
        let (quota, extra) = (size / count, size % count);
        let mut next = 0;
        for (rank, place) in (0..).zip(readers) {
            let end = next + quota + i32::from(rank < extra);
            if end > next {
                assigned[place].insert(topic, (next..end).collect());
            }
            next = end;
        }
    }
    subscriptions.named(assigned)
}
