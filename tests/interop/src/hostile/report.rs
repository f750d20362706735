//! What was measured, as a table.

use std::fmt;
use std::time::Duration;

use crate::statistics::median;

const MIB: f64 = 1_048_576.0;

/// What was seen during one phase.
#[derive(Debug, Default, Clone)]
pub struct Phase {
    /// Waits of the bystander's producer.
    pub produce: Vec<Duration>,
    /// Waits of its consumer.
    pub fetch: Vec<Duration>,
    /// Most resident memory, in MiB.
    pub resident_most: f64,
}

/// A pool of the broker.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Most bytes that were charged so far.
    pub high_water: f64,
    /// Most bytes that it gives out.
    pub limit: f64,
}

/// One round of an attack.
#[derive(Debug)]
pub struct Round {
    /// Nobody attacks.
    pub calm: Phase,
    /// Somebody else on this machine is kept busy.
    pub elsewhere: Phase,
    /// The attack goes to the broker.
    pub attacked: Phase,
}

/// All rounds of one attack.
#[derive(Debug)]
pub struct Row {
    what: &'static str,
    /// In their order.
    pub rounds: Vec<Round>,
    /// The broker's pools after it.
    pub pools: Vec<Pool>,
}

impl Row {
    /// Nothing measured yet.
    #[must_use]
    pub const fn new(what: &'static str) -> Self {
        Self {
            what,
            rounds: Vec::new(),
            pools: Vec::new(),
        }
    }

    /// The most memory that was resident under this attack, in MiB.
    #[must_use]
    pub fn resident_most(&self) -> f64 {
        let most = self.rounds.iter().map(|round| round.attacked.resident_most);
        most.fold(0.0, f64::max)
    }

    /// The medians over the rounds of a percentile: when calm, when somebody else is busy, under attack,
    /// and of the ratio of the last to each of the others.
    fn medians(&self, of: impl Fn(&Phase) -> &[Duration], per_mille: usize) -> [f64; 5] {
        let percentile = |phase: &Phase| percentile(of(phase), per_mille);
        let each = |value: &dyn Fn(&Round) -> f64| {
            median(&self.rounds.iter().map(value).collect::<Vec<_>>())
        };
        [
            each(&|round| percentile(&round.calm)),
            each(&|round| percentile(&round.elsewhere)),
            each(&|round| percentile(&round.attacked)),
            each(&|round| percentile(&round.attacked) / percentile(&round.calm)),
            each(&|round| percentile(&round.attacked) / percentile(&round.elsewhere)),
        ]
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| {} |", self.what)?;
        for waits in [
            (|phase: &Phase| &phase.produce[..]) as fn(&Phase) -> &[Duration],
            |phase: &Phase| &phase.fetch[..],
        ] {
            let [.., half, _] = self.medians(waits, 500);
            let [calm, elsewhere, attacked, most, beyond] = self.medians(waits, 990);
            write!(
                f,
                " {half:.1} | {calm:.2} | {elsewhere:.2} | {attacked:.2} |"
            )?;
            write!(f, " {most:.1} | {beyond:.1} |")?;
        }
        write!(f, " {:.0} |", self.resident_most())
    }
}

/// The whole run.
#[derive(Debug)]
pub struct Report {
    /// One for each attack.
    pub rows: Vec<Row>,
    /// Resident memory before the first attack and after the last, in MiB.
    pub resident: (f64, f64),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| attack | produce p50 × | p99 calm, ms | elsewhere, ms | attacked, ms | × calm | × elsewhere \
             | fetch p50 × | p99 calm, ms | elsewhere, ms | attacked, ms | × calm | × elsewhere \
             | resident at most, MiB |\n|---|{}",
            "---:|".repeat(13)
        )?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        let (before, after) = self.resident;
        writeln!(
            f,
            "\nResident before: {before:.0} MiB, after: {after:.0} MiB."
        )?;
        for pool in self.rows.last().into_iter().flat_map(|row| &row.pools) {
            writeln!(
                f,
                "Pool {}: {:.1} of {:.0} MiB at most.",
                pool.name,
                pool.high_water / MIB,
                pool.limit / MIB
            )?;
        }
        Ok(())
    }
}

/// In milliseconds; a phase in which nothing was answered is one long wait.
fn percentile(waits: &[Duration], per_mille: usize) -> f64 {
    let mut sorted = waits.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * per_mille / 1_000).min(sorted.len().saturating_sub(1));
    sorted
        .get(at)
        .map_or(f64::INFINITY, |wait| wait.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_medians() {
        let waits: Vec<Duration> = (1..=1_000).rev().map(Duration::from_millis).collect();
        assert!((percentile(&waits, 990) - 991.0).abs() < 0.01);
        assert!(percentile(&[], 990).is_infinite());
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 0.01);
        assert!((median(&[4.0, 1.0]) - 2.5).abs() < 0.01);
    }
}
