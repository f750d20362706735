//! Numbers as people read them, the same on pages, in sentences and in a shell. Exact ones are in
//! the JSON.

/// A thin space that no line break comes into.
const THIN: char = '\u{202f}';

/// A whole number in groups of three digits: `12 345`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(THIN);
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 record`, `2 records`.
pub fn counted(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(n))
}

/// Bytes with a binary unit: `1.4 MiB`.
pub fn bytes(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    scaled_bytes(bytes as f64)
}

/// Bytes per second: `1.4 MiB/s`.
pub fn bytes_per_second(rate: f64) -> String {
    if rate < 1023.5 {
        return format!("{rate:.0} B/s");
    }
    scaled_bytes(rate) + "/s"
}

fn scaled_bytes(bytes: f64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes / 1024.0;
    let mut unit = 0;
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = if value < 9.95 { 1 } else { 0 };
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A rate of things: `0.4/s`, `12 345/s`.
pub fn per_second(rate: f64) -> String {
    if rate == 0.0 {
        "0/s".to_owned()
    } else if rate < 0.05 {
        "< 0.1/s".to_owned()
    } else if rate < 9.95 {
        format!("{rate:.1}/s")
    } else {
        // Saturates for what no counter reaches.
        format!("{}/s", count(rate.round() as u64))
    }
}

/// A stretch of time in its two largest units: `4 min 10 s`.
pub fn seconds(seconds: f64) -> String {
    if seconds <= 0.0 {
        return "0 s".to_owned();
    }
    if seconds < 0.0995 {
        return format!("{:.1} ms", seconds * 1000.0);
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let (large, small) = match whole {
        0..60 => return format!("{whole} s"),
        60..3_600 => ((whole / 60, "min"), (whole % 60, "s")),
        3_600..86_400 => ((whole / 3_600, "h"), (whole % 3_600 / 60, "min")),
        _ => ((whole / 86_400, "d"), (whole % 86_400 / 3_600, "h")),
    };
    if small.0 == 0 {
        return format!("{} {}", count(large.0), large.1);
    }
    format!("{} {} {} {}", count(large.0), large.1, small.0, small.1)
}

/// Milliseconds since the epoch as a time of day, UTC.
pub fn time_of_day(epoch_ms: i64) -> String {
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

/// Milliseconds since the epoch as date and time, UTC: `2026-11-21 14:03:05.120`.
pub fn date_time(epoch_ms: i64) -> String {
    let days = epoch_ms.div_euclid(86_400_000);
    let (year, month, day) = civil(days);
    let ms = epoch_ms.rem_euclid(86_400_000);
    let second = ms / 1000;
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}.{:03}",
        second / 3600,
        second / 60 % 60,
        second % 60,
        ms % 1000
    )
}

/// Year, month and day of a number of days since 1970-01-01 (Howard Hinnant's algorithm).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(counted(1, "record"), "1 record");
        assert_eq!(counted(0, "member"), "0 members");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.0 KiB");
        assert_eq!(bytes(15 * 1024 * 1024), "15 MiB");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MiB", "never 1024 KiB");
        assert_eq!(bytes(u64::MAX), "16 EiB");
        assert_eq!(bytes_per_second(0.4), "0 B/s");
        assert_eq!(bytes_per_second(1_500_000.0), "1.4 MiB/s");
        assert_eq!(per_second(0.01), "< 0.1/s");
        assert_eq!(per_second(3.25), "3.2/s");
        assert_eq!(per_second(12_345.4), "12\u{202f}345/s");
    }

    #[test]
    fn times_read_well() {
        assert_eq!(seconds(0.0), "0 s");
        assert_eq!(seconds(0.0123), "12.3 ms");
        assert_eq!(seconds(0.4), "0.4 s");
        assert_eq!(seconds(59.6), "1 min");
        assert_eq!(seconds(250.0), "4 min 10 s");
        assert_eq!(seconds(3_600.0 * 27.0), "1 d 3 h");
        assert_eq!(time_of_day(0), "no time yet");
        assert_eq!(time_of_day(86_400_000 + 3_661_000), "01:01:01 UTC");
        assert_eq!(date_time(0), "1970-01-01 00:00:00.000");
        assert_eq!(date_time(951_782_400_000), "2000-02-29 00:00:00.000");
        assert_eq!(date_time(1_795_271_585_120), "2026-11-21 14:33:05.120");
        assert_eq!(date_time(-1), "1969-12-31 23:59:59.999");
    }
}
