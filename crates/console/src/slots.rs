//! Places for live streams. There are few; who stopped reading loses his to who comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use parking_lot::Mutex;

/// Streams that are open at once.
pub(crate) const STREAMS_MAX: usize = 64;
/// A stream that took nothing for so long does not read any more.
const SILENT_MS: i64 = 30_000;

/// All places.
#[derive(Default)]
pub(crate) struct Slots {
    taken: Arc<Mutex<Vec<Arc<State>>>>,
}

struct State {
    read_at_ms: AtomicI64,
    lost: AtomicBool,
}

/// A place; dropping it leaves it.
pub(crate) struct Slot {
    state: Arc<State>,
    taken: Arc<Mutex<Vec<Arc<State>>>>,
}

impl Slots {
    /// Takes a place, or the place of someone who does not read.
    pub(crate) fn take(&self, now_ms: i64) -> Option<Slot> {
        let mut taken = self.taken.lock();
        if taken.len() >= STREAMS_MAX {
            let silent = |s: &Arc<State>| now_ms - s.read_at_ms.load(Ordering::Relaxed) > SILENT_MS;
            let silent = taken.iter().position(silent)?;
            taken
                .swap_remove(silent)
                .lost
                .store(true, Ordering::Relaxed);
        }
        let state = Arc::new(State {
            read_at_ms: AtomicI64::new(now_ms),
            lost: AtomicBool::new(false),
        });
        taken.push(Arc::clone(&state));
        Some(Slot {
            state,
            taken: Arc::clone(&self.taken),
        })
    }

    /// Streams that are open.
    #[cfg(test)]
    pub(crate) fn open(&self) -> usize {
        self.taken.lock().len()
    }
}

impl Slot {
    /// Says that the stream still reads; `false` when its place is gone.
    pub(crate) fn reads(&self, now_ms: i64) -> bool {
        self.state.read_at_ms.store(now_ms, Ordering::Relaxed);
        !self.state.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let own = &self.state;
        self.taken.lock().retain(|s| !Arc::ptr_eq(s, own));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_few_and_silent_readers_lose_theirs() {
        let slots = Slots::default();
        let mut all: Vec<_> = (0..STREAMS_MAX).filter_map(|_| slots.take(0)).collect();
        assert_eq!(all.len(), STREAMS_MAX);
        assert!(slots.take(SILENT_MS).is_none(), "all of them still read");
        for slot in &all[1..] {
            assert!(slot.reads(SILENT_MS));
        }
        let newcomer = slots
            .take(SILENT_MS + 1)
            .expect("the place of the silent one");
        assert!(!all[0].reads(SILENT_MS + 2), "its place is gone");
        assert_eq!(slots.open(), STREAMS_MAX);
        all.clear();
        assert_eq!(slots.open(), 1);
        drop(newcomer);
        assert_eq!(slots.open(), 0);
    }
}
