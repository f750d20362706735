//! A member of a consumer group in a process of its own, known by what it prints:
//! `assigned 0,2` after a rebalance and `record PARTITION OFFSET VALUE` for each record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::process::{Daemon, wait_for};

/// A rebalance with a session timeout of six seconds is over by then, on a busy machine too.
pub const REBALANCE_LIMIT: Duration = Duration::from_secs(60);

/// Records by partition, with their offsets, in the order they came.
pub type Read = BTreeMap<i32, Vec<(i64, String)>>;

/// One member.
#[derive(Debug)]
pub struct Member {
    name: String,
    daemon: Daemon,
}

impl Member {
    /// Starts it; what it prints goes to a file of `folder`.
    ///
    /// # Errors
    /// When the program can't be started.
    pub fn start(name: &str, command: &mut Command, folder: &Path) -> Result<Self> {
        let log = folder.join(format!("{name}.out"));
        Ok(Self {
            name: name.to_owned(),
            daemon: Daemon::spawn(name, command, &log)?,
        })
    }

    /// What it owns since the last rebalance; `None` before the first.
    #[must_use]
    pub fn assigned(&self) -> Option<BTreeSet<i32>> {
        self.daemon.log().lines().rev().find_map(assignment)
    }

    /// What it read so far.
    #[must_use]
    pub fn read(&self) -> Read {
        let mut read = Read::new();
        for line in self.daemon.log().lines() {
            let mut words = line.splitn(4, ' ');
            let (Some("record"), Some(partition), Some(offset), Some(value)) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                continue;
            };
            if let (Ok(partition), Ok(offset)) = (partition.parse(), offset.parse()) {
                let records = read.entry(partition).or_default();
                records.push((offset, value.to_owned()));
            }
        }
        read
    }

    /// Fails with its output if it has ended.
    ///
    /// # Errors
    /// When it is gone.
    pub fn check_alive(&mut self) -> Result<()> {
        self.daemon.check_alive()
    }

    /// Ends it in order: it leaves the group.
    ///
    /// # Errors
    /// When it does not end.
    pub fn leave(self) -> Result<()> {
        let name = self.name;
        self.daemon
            .terminate(REBALANCE_LIMIT)
            .with_context(|| format!("{name} did not leave"))?;
        Ok(())
    }

    /// Kills it: only the session timeout tells the group.
    pub fn kill(self) {
        self.daemon.kill();
    }
}

/// The partitions that a line says were assigned, in our helpers' words or in kcat's.
fn assignment(line: &str) -> Option<BTreeSet<i32>> {
    let numbers: Vec<&str> = match line.strip_prefix("% Group ") {
        Some(_) if line.contains("): revoked:") => Vec::new(),
        Some(said) => {
            let (_, list) = said.split_once("): assigned:")?;
            let parts = list.split(['[', ']']).skip(1);
            parts.step_by(2).collect()
        }
        None => line.strip_prefix("assigned")?.trim().split(',').collect(),
    };
    let numbers = numbers.into_iter().filter(|text| !text.is_empty());
    Some(numbers.filter_map(|text| text.parse().ok()).collect())
}

/// Waits until the members own all partitions of `0..count` between them, none twice, and returns
/// how many each owns.
///
/// # Errors
/// When that is not so within [`REBALANCE_LIMIT`].
pub fn settled(members: &mut [Member], count: i32) -> Result<Vec<usize>> {
    let all: BTreeSet<i32> = (0..count).collect();
    wait_for("assignment of every partition", REBALANCE_LIMIT, || {
        let mut owned: Vec<i32> = Vec::new();
        let mut sizes = Vec::new();
        for member in members.iter_mut() {
            member.check_alive()?;
            let Some(assigned) = member.assigned() else {
                return Ok(None);
            };
            sizes.push(assigned.len());
            owned.extend(assigned);
        }
        let once = owned.len() == all.len() && owned.into_iter().collect::<BTreeSet<_>>() == all;
        Ok(once.then_some(sizes))
    })
}

/// Waits until the members together read `values` of each partition, and checks that each came
/// once, in order, from the first offset on.
///
/// # Errors
/// When something is missing after [`REBALANCE_LIMIT`], came twice or out of order.
pub fn read_once(members: &[&Member], values: &[Vec<String>]) -> Result<()> {
    let together = || {
        let mut all = Read::new();
        for member in members {
            for (partition, records) in member.read() {
                all.entry(partition).or_default().extend(records);
            }
        }
        all
    };
    let wanted: usize = values.iter().map(Vec::len).sum();
    wait_for("record for record", REBALANCE_LIMIT, || {
        let count: usize = together().values().map(Vec::len).sum();
        Ok((count >= wanted).then_some(()))
    })
    .with_context(|| format!("read so far: {:?}", together()))?;
    for (partition, values) in values.iter().enumerate() {
        let mut got = together()
            .remove(&i32::try_from(partition)?)
            .unwrap_or_default();
        got.sort();
        let expected: Vec<(i64, String)> = (0..).zip(values.iter().cloned()).collect();
        ensure!(
            got == expected,
            "partition {partition}: got {got:?}, expected {expected:?}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_read_in_both_spellings() {
        let numbers = |line| assignment(line).map(|set| set.into_iter().collect::<Vec<_>>());
        assert_eq!(numbers("assigned 0,2"), Some(vec![0, 2]));
        assert_eq!(numbers("assigned "), Some(vec![]));
        assert_eq!(numbers("record 0 1 x"), None);
        let kcat = "% Group g rebalanced (memberid rdkafka-1): assigned: t [0], t [12]";
        assert_eq!(numbers(kcat), Some(vec![0, 12]));
        let revoked = "% Group g rebalanced (memberid rdkafka-1): revoked: t [0]";
        assert_eq!(numbers(revoked), Some(vec![]));
    }
}
