//! One number over the last 15 minutes.

use std::borrow::Cow;
use std::collections::VecDeque;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// Points that are kept.
pub(crate) const POINTS: usize = 180;
/// Time between two points.
pub(crate) const STEP_SECONDS: u64 = 5;
/// What a full series costs, with its place in a table.
pub(crate) const SERIES_BYTES: u64 = (POINTS * size_of::<f64>() + 64) as u64;

/// The newest points, oldest first; what was not known is a gap, never 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Series {
    // NaN is a gap: half the size of an Option.
    points: VecDeque<f64>,
}

impl Series {
    /// Adds the newest point; the oldest leaves when there are too many.
    pub(crate) fn push(&mut self, value: Option<f64>) {
        if self.points.len() == POINTS {
            self.points.pop_front();
        }
        let known = value.filter(|v| v.is_finite());
        self.points.push_back(known.unwrap_or(f64::NAN));
    }

    /// The points, oldest first.
    pub(crate) fn points(
        &self,
    ) -> impl DoubleEndedIterator<Item = Option<f64>> + ExactSizeIterator {
        self.points.iter().map(|v| (!v.is_nan()).then_some(*v))
    }

    /// How many points there are, gaps included.
    pub(crate) fn len(&self) -> usize {
        self.points.len()
    }

    /// The newest point.
    pub(crate) fn last(&self) -> Option<f64> {
        self.points().next_back().flatten()
    }
}

impl Serialize for Series {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.points())
    }
}

impl JsonSchema for Series {
    fn schema_name() -> Cow<'static, str> {
        "Series".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "description": "A point each `trend_step_seconds`, the oldest first; null where nothing is known.",
            "items": {"type": ["number", "null"]},
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_leaves_and_gaps_stay_gaps() {
        let mut series = Series::default();
        for n in 0..POINTS + 2 {
            series.push(Some(n as f64));
        }
        series.push(None);
        series.push(Some(f64::INFINITY));
        assert_eq!(series.len(), POINTS);
        assert_eq!(series.points().next(), Some(Some(4.0)));
        assert_eq!(series.last(), None);
        let json = serde_json::to_string(&series).expect("JSON");
        assert!(json.ends_with("181.0,null,null]"), "{json}");
    }
}
