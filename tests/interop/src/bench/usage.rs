//! What a broker's process has used, from `/proc`.

use anyhow::Result;

use super::raw::Values;
use crate::process_usage::{cpu_seconds, field, mib};

const BYTES_PER_GB: f64 = 1e9;

/// At one moment. Switches of threads that have ended are not in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    cpu_s: f64,
    voluntary: f64,
    involuntary: f64,
    /// Resident memory.
    pub resident_mib: f64,
}

impl Usage {
    /// Of a process so far.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of(pid: u32) -> Result<Self> {
        let mut usage = Self {
            cpu_s: cpu_seconds(pid)?,
            voluntary: 0.0,
            involuntary: 0.0,
            resident_mib: mib(pid, "VmRSS")?,
        };
        for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread may end between the two.
            let Ok(status) = std::fs::read_to_string(task?.path().join("status")) else {
                continue;
            };
            usage.voluntary += field(&status, "voluntary_ctxt_switches").unwrap_or(0.0);
            usage.involuntary += field(&status, "nonvoluntary_ctxt_switches").unwrap_or(0.0);
        }
        Ok(usage)
    }

    /// What was used since `before` for so many records of so many bytes together.
    #[must_use]
    pub fn since(self, before: Self, records: u64, bytes: u64) -> Values {
        let cpu_s = self.cpu_s - before.cpu_s;
        let millions = records as f64 / 1e6;
        Values::from([
            ("records".to_owned(), records as f64),
            ("broker_cpu_s".to_owned(), cpu_s),
            ("cpu_s_per_million".to_owned(), cpu_s / millions),
            (
                "cpu_s_per_gb".to_owned(),
                cpu_s / (bytes as f64 / BYTES_PER_GB),
            ),
            (
                "voluntary_switches".to_owned(),
                self.voluntary - before.voluntary,
            ),
            (
                "involuntary_switches".to_owned(),
                self.involuntary - before.involuntary,
            ),
            ("resident_mib".to_owned(), self.resident_mib),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_per_million_and_per_gigabyte() {
        let usage = |cpu_s, voluntary, involuntary, resident_mib| Usage {
            cpu_s,
            voluntary,
            involuntary,
            resident_mib,
        };
        let (before, after) = (usage(1.0, 5.0, 1.0, 10.0), usage(3.0, 9.0, 2.0, 30.0));
        let values = after.since(before, 4_000_000, 400_000_000);
        assert_eq!(values["broker_cpu_s"], 2.0);
        assert_eq!(values["cpu_s_per_million"], 0.5);
        assert_eq!(values["cpu_s_per_gb"], 5.0);
        assert_eq!(values["voluntary_switches"], 4.0);
        assert_eq!(values["involuntary_switches"], 1.0);
        assert_eq!(values["resident_mib"], 30.0);
    }

    #[test]
    fn this_process_has_used_something() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident_mib > 1.0);
        assert!(Usage::of(u32::MAX).is_err());
    }
}
