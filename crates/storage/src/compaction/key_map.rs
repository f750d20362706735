//! The newest offset of each key, in a fixed amount of memory.
//!
//! Keys are not stored but hashed to 128 bits. Two keys of the same hash would count as one, and a
//! record would be lost: by accident that takes 2^64 keys. It can't be brought about on purpose
//! either, because the hash (SipHash) has a secret that is new in each round.

use std::hash::{BuildHasher, RandomState};

/// Bytes of a slot.
const SLOT_BYTES: usize = size_of::<Slot>();
const _: () = assert!(SLOT_BYTES == 24);
/// The fewest slots: fewer would make rounds that get nowhere.
const SLOTS_MIN: usize = 64;

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    hash: [u64; 2],
    /// One more than the offset, so that zero is a free slot.
    next_offset: i64,
}

/// Open addressing with linear probing; nothing is ever removed.
#[derive(Debug)]
pub(crate) struct KeyMap {
    slots: Vec<Slot>,
    used: usize,
    used_max: usize,
    hashers: [RandomState; 2],
}

impl KeyMap {
    /// Room for `keys` keys, if that many fit in `bytes` filled to `load_max`; else for as many as
    /// do.
    pub(crate) fn new(keys: u64, bytes: usize, load_max: f64) -> Self {
        let load_max = if load_max.is_finite() {
            load_max.clamp(0.01, 1.0)
        } else {
            0.9
        };
        let most = (bytes / SLOT_BYTES).max(SLOTS_MIN);
        let wanted = (keys as f64 / load_max).ceil() as usize;
        let slots = wanted.saturating_add(1).clamp(SLOTS_MIN, most);
        Self {
            slots: vec![Slot::default(); slots],
            used: 0,
            used_max: ((slots as f64 * load_max) as usize).clamp(1, slots - 1),
            hashers: [RandomState::new(), RandomState::new()],
        }
    }

    /// Notes that `key` is at `offset`, which must not be below an earlier one of the same key.
    /// False when the key is new and there is no room for it.
    pub(crate) fn note(&mut self, key: &[u8], offset: i64) -> bool {
        let hash = self.hash(key);
        let at = self.find(hash);
        let slot = &mut self.slots[at];
        if slot.next_offset == 0 {
            if self.used == self.used_max {
                return false;
            }
            self.used += 1;
            slot.hash = hash;
        }
        assert!(
            slot.next_offset <= offset + 1,
            "a log is read in the order of its offsets"
        );
        slot.next_offset = offset + 1;
        true
    }

    /// The newest offset noted for `key`.
    pub(crate) fn newest(&self, key: &[u8]) -> Option<i64> {
        let slot = &self.slots[self.find(self.hash(key))];
        (slot.next_offset > 0).then(|| slot.next_offset - 1)
    }

    /// Keys noted.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.used
    }

    /// How full it is, of what it may be filled to.
    pub(crate) fn share(&self) -> f64 {
        self.used as f64 / self.used_max as f64
    }

    fn hash(&self, key: &[u8]) -> [u64; 2] {
        [self.hashers[0].hash_one(key), self.hashers[1].hash_one(key)]
    }

    /// The slot of a hash, or the free one where it belongs. There always is a free one.
    fn find(&self, hash: [u64; 2]) -> usize {
        let count = self.slots.len();
        let mut at = ((u128::from(hash[0]) * count as u128) >> 64) as usize;
        loop {
            let slot = &self.slots[at];
            if slot.next_offset == 0 || slot.hash == hash {
                return at;
            }
            at = if at + 1 == count { 0 } else { at + 1 };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_agrees_with_a_map_until_it_is_full(
            keys in prop::collection::vec(prop::collection::vec(0u8..4, 0..4), 0..300),
            slots in 64usize..200,
            load_max in 0.1f64..1.0,
        ) {
            let mut map = KeyMap::new(u64::MAX, slots * SLOT_BYTES, load_max);
            let mut model: HashMap<Vec<u8>, i64> = HashMap::new();
            for (offset, key) in keys.iter().enumerate() {
                let offset = offset as i64;
                if map.note(key, offset) {
                    model.insert(key.clone(), offset);
                } else {
                    prop_assert!(!model.contains_key(key) && map.len() == map.used_max);
                }
            }
            prop_assert_eq!(map.len(), model.len());
            prop_assert!(map.slots.len() == slots && map.used_max <= slots);
            for key in &keys {
                prop_assert_eq!(map.newest(key), model.get(key).copied());
            }
            prop_assert_eq!(map.newest(b"no such key"), None);
        }
    }

    #[test]
    fn memory_is_what_is_needed_and_never_more_than_allowed() {
        let few = KeyMap::new(900, 128 << 20, 0.9);
        assert!((1_000..1_010).contains(&few.slots.len()) && few.used_max >= 900);
        let many = KeyMap::new(u64::MAX, 24_000, 0.9);
        assert_eq!((many.slots.len(), many.used_max), (1_000, 900));
        let tiny = KeyMap::new(0, 0, f64::NAN);
        assert!(tiny.used_max >= 1 && tiny.used_max < tiny.slots.len());
        assert!(KeyMap::new(10, 1 << 20, 1.0).used_max < KeyMap::new(10, 1 << 20, 1.0).slots.len());
    }
}
