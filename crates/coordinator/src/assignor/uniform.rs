//! As even as subscriptions allow, and sticky.
//!
//! Members keep what they have. What nobody has goes to the reader with the fewest partitions. After
//! that partitions move, one by one, from members that have at least two more than another reader
//! of the same topic. Each move makes the sum of squares smaller, so that this ends.
//!
//! Members with the same subscription form a class; within a class the one with the fewest
//! partitions is found in logarithmic time.

use std::collections::{BTreeMap, BTreeSet};

use limpid_protocol::Uuid;

use super::{Assigned, Partitions, Subscriptions};

pub(super) fn assign(subscriptions: &Subscriptions) -> Assigned {
    let mut balance = Balance::new(subscriptions);
    balance.keep(subscriptions);
    balance.give_out(subscriptions);
    while balance.move_some(subscriptions) {}
    let mut by_place = vec![Partitions::new(); subscriptions.members.len()];
    for ((topic, partition), place) in balance.owners {
        by_place[place].entry(topic).or_default().insert(partition);
    }
    subscriptions.named(by_place)
}

struct Balance {
    owners: BTreeMap<(Uuid, i32), usize>,
    /// Partitions of each member.
    loads: Vec<usize>,
    /// The class of each member.
    class_of: Vec<usize>,
    /// The members of each class by load.
    classes: Vec<BTreeSet<(usize, usize)>>,
    /// The classes that read each topic.
    readers: BTreeMap<Uuid, Vec<usize>>,
}

impl Balance {
    fn new(subscriptions: &Subscriptions) -> Self {
        let mut known: BTreeMap<&BTreeSet<Uuid>, usize> = BTreeMap::new();
        let mut balance = Self {
            owners: BTreeMap::new(),
            loads: vec![0; subscriptions.members.len()],
            class_of: Vec::with_capacity(subscriptions.members.len()),
            classes: Vec::new(),
            readers: BTreeMap::new(),
        };
        for (place, member) in subscriptions.members.iter().enumerate() {
            let class = *known.entry(&member.topics).or_insert_with(|| {
                balance.classes.push(BTreeSet::new());
                balance.classes.len() - 1
            });
            balance.class_of.push(class);
            balance.classes[class].insert((0, place));
        }
        for (topics, class) in known {
            for topic in topics {
                balance.readers.entry(*topic).or_default().push(class);
            }
        }
        balance
    }

    fn keep(&mut self, subscriptions: &Subscriptions) {
        for (place, member) in subscriptions.members.iter().enumerate() {
            for (topic, partitions) in &member.before {
                let size = subscriptions.sizes.get(topic).copied().unwrap_or(0);
                if !member.topics.contains(topic) {
                    continue;
                }
                for partition in partitions.range(0..size.max(0)) {
                    if !self.owners.contains_key(&(*topic, *partition)) {
                        self.give((*topic, *partition), place);
                    }
                }
            }
        }
    }

    fn give_out(&mut self, subscriptions: &Subscriptions) {
        for (topic, size) in &subscriptions.sizes {
            for partition in 0..*size {
                if self.owners.contains_key(&(*topic, partition)) {
                    continue;
                }
                if let Some((_, place)) = self.least(*topic) {
                    self.give((*topic, partition), place);
                }
            }
        }
    }

    /// Looks at each partition once; false if all of them lie well.
    fn move_some(&mut self, subscriptions: &Subscriptions) -> bool {
        let mut moved = false;
        for (topic, size) in &subscriptions.sizes {
            for partition in 0..*size {
                let key = (*topic, partition);
                let Some(owner) = self.owners.get(&key).copied() else {
                    continue;
                };
                let Some((load, place)) = self.least(*topic) else {
                    continue;
                };
                if self.loads[owner] >= load + 2 {
                    self.set_load(owner, self.loads[owner] - 1);
                    self.give(key, place);
                    moved = true;
                }
            }
        }
        moved
    }

    /// The reader of a topic that has the fewest partitions, and how many.
    fn least(&self, topic: Uuid) -> Option<(usize, usize)> {
        let classes = self.readers.get(&topic)?.iter();
        classes
            .filter_map(|class| self.classes[*class].first())
            .min()
            .copied()
    }

    fn give(&mut self, key: (Uuid, i32), place: usize) {
        self.owners.insert(key, place);
        self.set_load(place, self.loads[place] + 1);
    }

    fn set_load(&mut self, place: usize, load: usize) {
        let class = &mut self.classes[self.class_of[place]];
        class.remove(&(self.loads[place], place));
        class.insert((load, place));
        self.loads[place] = load;
    }
}
