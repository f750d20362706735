//! The series that an alert asks for, as they are now.

use serde::Serialize;

use super::rules::Asked;
use crate::values::Values;

/// Most series of one family on a page.
const SERIES_MAX: usize = 20;
/// What a histogram adds to its name.
const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Series of one name.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct Family {
    pub(super) name: String,
    /// Labels and value, those that are not 0 first.
    pub(super) series: Vec<(String, String)>,
    /// How many more there are.
    pub(super) left_out: usize,
}

impl Family {
    /// As `/metrics` writes them.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |(labels, value): &(String, String)| format!("{}{labels} {value}", self.name);
        let mut lines: Vec<String> = self.series.iter().map(line).collect();
        match (lines.is_empty(), self.left_out) {
            (true, _) => lines.push(format!("{}: no series now", self.name)),
            (false, 0) => {}
            (false, more) => lines.push(format!("… and {more} more")),
        }
        lines
    }
}

/// Looks.
pub(super) fn look(values: Option<&Values>, asked: &[Asked]) -> Vec<Family> {
    let Some(values) = values else {
        return Vec::new();
    };
    let mut names: Vec<&str> = Vec::new();
    for one in asked {
        names.push(&one.name);
        names.extend(PARTS.iter().filter_map(|part| one.name.strip_suffix(part)));
    }
    let page = values(&names);
    asked.iter().map(|one| family(&page, one)).collect()
}

fn family(page: &str, asked: &Asked) -> Family {
    let mut series: Vec<(String, String)> = Vec::new();
    for line in page.lines() {
        let Some(rest) = line.strip_prefix(&asked.name) else {
            continue;
        };
        let Some((labels, value)) = rest.rsplit_once(' ') else {
            continue;
        };
        let whole = labels.is_empty() || labels.starts_with('{');
        if whole && asked.labels.iter().all(|label| labels.contains(label)) {
            series.push((labels.to_owned(), value.to_owned()));
        }
    }
    series.sort_by_key(|(_, value)| value == "0");
    let left_out = series.len().saturating_sub(SERIES_MAX);
    series.truncate(SERIES_MAX);
    Family {
        name: asked.name.clone(),
        series,
        left_out,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn asked(name: &str, labels: &[&str]) -> Asked {
        Asked {
            name: name.to_owned(),
            labels: labels.iter().map(|l| (*l).to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_not_zero_comes_first_and_not_everything_comes() {
        let values: Values = Arc::new(|names| {
            assert_eq!(names, ["a", "b_count", "b", "c"]);
            let mut page = "# TYPE a gauge\na{x=\"1\"} 0\na{x=\"2\"} 7\nab 1\n".to_owned();
            for i in 0..30 {
                page += &format!("b_count{{api=\"P\",i=\"{i}\"}} {i}\nb_count{{api=\"Q\"}} 1\n");
            }
            page
        });
        let asked = [
            asked("a", &[]),
            asked("b_count", &["api=\"P\""]),
            asked("c", &[]),
        ];
        let found = look(Some(&values), &asked);
        assert_eq!(found[0].lines(), ["a{x=\"2\"} 7", "a{x=\"1\"} 0"]);
        let lines = found[1].lines();
        assert_eq!(lines.len(), SERIES_MAX + 1);
        assert_eq!(lines[0], "b_count{api=\"P\",i=\"1\"} 1");
        assert_eq!(lines[SERIES_MAX], "… and 10 more");
        assert_eq!(found[2].lines(), ["c: no series now"]);
        assert!(look(None, &asked).is_empty());
    }
}
