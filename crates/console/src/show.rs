//! Numbers as people read them. Exact ones are in the JSON.

/// Bytes with a binary unit: `1.4 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = if value < 10.0 { 1 } else { 0 };
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A whole number in groups of three digits: `12 345`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Seconds with a sensible number of digits.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds == 0.0 {
        "0 s".to_owned()
    } else if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1000.0)
    } else {
        format!("{seconds:.1} s")
    }
}

/// Milliseconds since the epoch as a time of day, UTC.
pub(crate) fn time_of_day(epoch_ms: i64) -> String {
    if epoch_ms <= 0 {
        return "no time yet".to_owned();
    }
    let second = epoch_ms.rem_euclid(86_400_000) / 1000;
    format!(
        "{:02}:{:02}:{:02} UTC",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.0 KiB");
        assert_eq!(bytes(15 * 1024 * 1024), "15 MiB");
        assert_eq!(bytes(u64::MAX), "16 EiB");
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(seconds(0.0), "0 s");
        assert_eq!(seconds(0.0123), "12.3 ms");
        assert_eq!(time_of_day(0), "no time yet");
        assert_eq!(time_of_day(86_400_000 + 3_661_000), "01:01:01 UTC");
    }
}
