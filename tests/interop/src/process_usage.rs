//! What a process has used so far, from `/proc`.

use anyhow::{Context, Result};

const KIB_PER_MIB: f64 = 1_024.0;
/// Kernels since 2.6 report times in hundredths, whatever their own clock does.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time in seconds.
///
/// # Errors
/// When there is no such process.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    seconds_of(&std::fs::read_to_string(format!("/proc/{pid}/stat"))?)
}

/// A line of its status in MiB: `VmRSS` is what is resident, `VmHWM` the most that ever was.
///
/// # Errors
/// When there is no such process.
pub fn mib(pid: u32, line: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib = field(&status, line).with_context(|| format!("no {line}"))?;
    Ok(kib / KIB_PER_MIB)
}

fn seconds_of(stat: &str) -> Result<f64> {
    let (_, rest) = stat.rsplit_once(')').context("no process name")?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || -> Result<f64> { Ok(fields.next().context("no field")?.parse()?) };
    Ok((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

/// The number of a line of `/proc/PID/status`.
#[must_use]
pub fn field(status: &str, name: &str) -> Option<f64> {
    let mut lines = status.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 1 2 3";
        assert_eq!(seconds_of(stat).unwrap(), 3.0);
        assert!(seconds_of("42 (short) S 1").is_err());
        let status = "VmRSS:\t  2048 kB\nvoluntary_ctxt_switches:\t7\n\
                      nonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(field(status, "VmRSS"), Some(2_048.0));
        assert_eq!(field(status, "voluntary_ctxt_switches"), Some(7.0));
        assert_eq!(field(status, "nonvoluntary_ctxt_switches"), Some(3.0));
        assert_eq!(field(status, "VmSwap"), None);
    }
}
