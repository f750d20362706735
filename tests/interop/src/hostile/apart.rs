//! The broker on some processors and all clients on the others, as if they were on two machines.

use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Which processors are whose, as `taskset` takes them.
#[derive(Debug, PartialEq, Eq)]
pub struct Apart {
    broker: String,
    clients: String,
}

impl Apart {
    /// The first half of the processors that this process may use is the broker's.
    ///
    /// # Errors
    /// There is only one.
    pub fn here() -> Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        Self::of(
            list.context("no list of processors in /proc/self/status")?
                .trim(),
        )
    }

    /// Halves a list like `0-3,8`.
    fn of(list: &str) -> Result<Self> {
        let mut all: Vec<u32> = Vec::new();
        for range in list.split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            all.extend(first.parse::<u32>()?..=last.parse::<u32>()?);
        }
        ensure!(
            all.len() > 1,
            "the broker and its clients need two processors"
        );
        let (broker, clients) = all.split_at(all.len() / 2);
        let words = |half: &[u32]| {
            let words: Vec<String> = half.iter().map(u32::to_string).collect();
            words.join(",")
        };
        Ok(Self {
            broker: words(broker),
            clients: words(clients),
        })
    }

    /// What this thread starts from now on runs where the broker does.
    ///
    /// # Errors
    /// The system refuses it.
    pub fn go_to_broker(&self) -> Result<()> {
        go_to(&self.broker)
    }

    /// What this thread starts from now on runs where the clients do.
    ///
    /// # Errors
    /// The system refuses it.
    pub fn go_to_clients(&self) -> Result<()> {
        go_to(&self.clients)
    }
}

/// Only the main thread, whose number is the process's.
fn go_to(processors: &str) -> Result<()> {
    let mut taskset = Command::new("taskset");
    let me = std::process::id().to_string();
    let done = taskset
        .args(["--cpu-list", "--pid", processors, &me])
        .output();
    let done = done.context("can't run taskset")?;
    ensure!(
        done.status.success(),
        "taskset: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_halved() {
        let halves = |list| {
            let apart = Apart::of(list).expect("two");
            (apart.broker, apart.clients)
        };
        assert_eq!(halves("0-1"), ("0".to_owned(), "1".to_owned()));
        assert_eq!(halves("0-2,8"), ("0,1".to_owned(), "2,8".to_owned()));
        assert!(Apart::of("3").is_err());
    }
}
