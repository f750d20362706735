//! The topics that a request was about, the first few: for who has to tell of the request later.

use std::sync::Arc;

use limpid_telemetry::SEEN;

/// Most topics that are named.
pub const TOPICS_MAX: usize = 4;

/// Topics of one request, without a place on the heap.
#[derive(Debug, Default)]
pub struct Touched {
    names: [Option<Arc<str>>; TOPICS_MAX],
    count: usize,
}

impl Touched {
    /// Notes a topic.
    pub fn note(&mut self, name: &Arc<str>) {
        if !SEEN {
            return;
        }
        if let Some(place) = self.names.get_mut(self.count) {
            *place = Some(Arc::clone(name));
        }
        self.count += 1;
    }

    /// Those that are named.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().flatten().map(|name| &**name)
    }

    /// How many more there were.
    pub fn left_out(&self) -> usize {
        self.count.saturating_sub(TOPICS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_few_are_named_and_the_rest_is_counted() {
        let mut touched = Touched::default();
        assert_eq!((touched.names().count(), touched.left_out()), (0, 0));
        for name in ["a", "b", "c", "d", "e", "f"] {
            touched.note(&Arc::from(name));
        }
        assert_eq!(touched.names().collect::<String>(), "abcd");
        assert_eq!(touched.left_out(), 2);
    }
}
