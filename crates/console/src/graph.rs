//! A chart with its number, its axis and the table behind it.

use crate::spark;
use crate::trends::Series;

/// One chart of a detail page.
pub(crate) struct Graph {
    pub(crate) title: &'static str,
    pub(crate) now: String,
    pub(crate) svg: String,
    pub(crate) peak: String,
    pub(crate) summary: String,
    /// One row per minute, newest first: minutes ago, mean.
    pub(crate) rows: Vec<(usize, String)>,
}

impl Graph {
    /// `now` is known more exactly than the series has it.
    pub(crate) fn new(
        title: &'static str,
        series: &Series,
        now: Option<f64>,
        write: fn(f64) -> String,
    ) -> Self {
        let written = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), write);
        let rows = spark::minutes(series).into_iter();
        Self {
            title,
            now: written(now),
            svg: spark::line(series, title, write),
            peak: spark::highest(series, write).unwrap_or_else(|| "–".to_owned()),
            summary: spark::summary(series, write),
            rows: rows.map(|(ago, mean)| (ago, written(mean))).collect(),
        }
    }
}
