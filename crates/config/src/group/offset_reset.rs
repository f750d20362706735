//! Where a share group begins to read.

/// `share.auto.offset.reset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetReset {
    /// At the first record.
    Earliest,
    /// After the last one.
    Latest,
    /// At the first record that is not older than so many milliseconds.
    Ago(i64),
}

impl OffsetReset {
    /// `earliest`, `latest`, or `by_duration:` with an ISO 8601 duration that is not negative.
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.trim().to_ascii_lowercase();
        match lower.as_str() {
            "earliest" => Some(Self::Earliest),
            "latest" => Some(Self::Latest),
            other => duration_ms(other.strip_prefix("by_duration:")?).map(Self::Ago),
        }
    }
}

/// Milliseconds of `p1dt2h3m4.5s` and its like, as Java's `Duration` reads it.
fn duration_ms(text: &str) -> Option<i64> {
    let text = text.strip_prefix('p')?;
    let (days, time) = match text.split_once('t') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (text, ""),
    };
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let mut total_ms = 0.0;
    if !days.is_empty() {
        total_ms += number(days.strip_suffix('d')?)? * 86_400_000.0;
    }
    let mut rest = time;
    for (unit, ms) in [('h', 3_600_000.0), ('m', 60_000.0), ('s', 1_000.0)] {
        if let Some((amount, more)) = rest.split_once(unit) {
            total_ms += number(amount)? * ms;
            rest = more;
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    rest.is_empty().then_some(total_ms as i64)
}

fn number(text: &str) -> Option<f64> {
    let is_plain = |c: char| c.is_ascii_digit() || c == '.';
    if text.is_empty() || !text.chars().all(is_plain) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::OffsetReset::{Ago, Earliest, Latest};
    use super::*;

    #[test]
    fn strategies_are_read_as_kafka_reads_them() {
        for (text, strategy) in [
            ("earliest", Some(Earliest)),
            ("LATEST", Some(Latest)),
            ("by_duration:PT0S", Some(Ago(0))),
            ("by_duration:P1DT2H", Some(Ago(93_600_000))),
            ("by_duration:PT1.5S", Some(Ago(1_500))),
            ("by_duration:PT1H1M1S", Some(Ago(3_661_000))),
            ("by_duration:-P1D", None),
            ("by_duration:P", None),
            ("by_duration:P1DT", None),
            ("by_duration:PT1S1H", None),
            ("by_duration:", None),
            ("none", None),
        ] {
            assert_eq!(OffsetReset::parse(text), strategy, "{text}");
        }
    }
}
