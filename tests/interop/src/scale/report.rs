//! What was measured beside what was asked for.

use std::fmt;

/// What a number must be.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// Not more than this.
    AtMost(f64),
    /// Not less than this.
    AtLeast(f64),
    /// It is told, and nothing was asked for.
    Told,
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    what: String,
    goal: Goal,
    value: f64,
}

impl Row {
    /// A line.
    #[must_use]
    pub fn new(what: impl Into<String>, goal: Goal, value: f64) -> Self {
        let what = what.into();
        Self { what, goal, value }
    }

    /// A line without a goal.
    #[must_use]
    pub fn told(what: impl Into<String>, value: f64) -> Self {
        Self::new(what, Goal::Told, value)
    }

    fn met(&self) -> Option<bool> {
        match self.goal {
            Goal::AtMost(most) => Some(self.value <= most),
            Goal::AtLeast(least) => Some(self.value >= least),
            Goal::Told => None,
        }
    }
}

/// The head of the table.
pub const HEAD: &str = "| | goal | measured | |\n|---|---:|---:|---|";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let goal = match self.goal {
            Goal::AtMost(most) => format!("≤ {}", short(most)),
            Goal::AtLeast(least) => format!("≥ {}", short(least)),
            Goal::Told => String::new(),
        };
        let met = match self.met() {
            Some(true) => "met",
            Some(false) => "**not met**",
            None => "",
        };
        write!(
            f,
            "| {} | {goal} | {} | {met} |",
            self.what,
            short(self.value)
        )
    }
}

/// Three digits, or all of a whole number.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The value below which `per_mille` of them are.
#[must_use]
pub fn percentile(mut values: Vec<f64>, per_mille: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = values.len().saturating_sub(1) * per_mille / 1_000;
    values.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::median;

    #[test]
    fn a_line_says_whether_its_goal_is_met() {
        let line = |goal, value| Row::new("start, s", goal, value).to_string();
        assert_eq!(
            line(Goal::AtMost(2.0), 1.234),
            "| start, s | ≤ 2 | 1.23 | met |"
        );
        let missed = "| start, s | ≥ 0.80 | 0.79 | **not met** |";
        assert_eq!(line(Goal::AtLeast(0.8), 0.79), missed);
        assert_eq!(
            Row::told("fds", 12_345.0).to_string(),
            "| fds |  | 12345 |  |"
        );
    }

    #[test]
    fn medians_and_percentiles_are_of_what_is_there() {
        assert!((median(&[3.0, 1.0, 2.0, 10.0]) - 2.5).abs() < 1e-9);
        let hundred: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        assert!((percentile(hundred, 990) - 99.0).abs() < 1e-9);
        assert!(percentile(Vec::new(), 990).is_nan());
    }
}
