//! Sizes, shares and names in our own entries.

/// A share of something, or a size of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ShareOrSize {
    /// A share from 0 to 1.
    Share(f64),
    /// Bytes.
    Bytes(u64),
}

/// Parses `5%`, `1073741824`, `10GiB`, `512 MiB`.
pub fn parse_share_or_size(text: &str) -> Option<ShareOrSize> {
    let text = text.trim();
    if let Some(percent) = text.strip_suffix('%') {
        let percent: f64 = percent.trim().parse().ok()?;
        return (0.0..100.0)
            .contains(&percent)
            .then_some(ShareOrSize::Share(percent / 100.0));
    }
    parse_size(text).map(ShareOrSize::Bytes)
}

/// Parses a size in bytes with an optional unit (KiB, MiB, GiB, TiB).
pub fn parse_size(text: &str) -> Option<u64> {
    const UNITS: &[(&str, u64)] = &[
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ];
    let text = text.trim();
    for (unit, factor) in UNITS {
        if let Some(number) = text.strip_suffix(unit) {
            return number.trim().parse::<u64>().ok()?.checked_mul(*factor);
        }
    }
    text.parse().ok()
}

pub(crate) fn share_or_size(text: &str) -> Result<(), String> {
    match parse_share_or_size(text) {
        Some(_) => Ok(()),
        None => Err("expected a share of the disk such as 5% or a size such as 10GiB".into()),
    }
}

pub(crate) fn name(text: &str) -> Result<(), String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !text.is_empty() && text.len() <= 64 && text.chars().all(fine) {
        Ok(())
    } else {
        Err("expected 1 to 64 letters, digits, dots, dashes or underscores".into())
    }
}

/// Where a collector takes spans, or nothing.
pub(crate) fn collector_or_nothing(text: &str) -> Result<(), String> {
    let text = text.trim();
    let secured = text.strip_prefix("https://");
    let authority = secured.or_else(|| text.strip_prefix("http://"));
    let host = authority.and_then(|rest| rest.split('/').next());
    match host {
        _ if text.is_empty() => Ok(()),
        Some(host) if !host.is_empty() && !host.contains('@') => Ok(()),
        _ => Err("expected http://host:port or https://host:port".into()),
    }
}

/// A name that Kafka allows a topic, or none.
pub(crate) fn topic_or_nothing(text: &str) -> Result<(), String> {
    const NAME_BYTES_MAX: usize = 249;
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name = text.trim();
    if name.len() <= NAME_BYTES_MAX && name.chars().all(fine) && !matches!(name, "." | "..") {
        Ok(())
    } else {
        Err("expected the name of a topic: letters, digits, dots, dashes or underscores".into())
    }
}

pub(crate) fn url_or_nothing(text: &str) -> Result<(), String> {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    match text.is_empty() || has_host {
        true => Ok(()),
        false => Err("expected a URL that begins with http:// or https:// and a host".into()),
    }
}

pub(crate) fn paths(text: &str) -> Result<(), String> {
    match crate::check::list_items(text).find(|path| !path.starts_with('/')) {
        Some(path) => Err(format!("{path} does not start with a slash")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_binary_units_and_shares_take_a_percent_sign() {
        assert_eq!(parse_share_or_size("5%"), Some(ShareOrSize::Share(0.05)));
        assert_eq!(
            parse_share_or_size("10 GiB"),
            Some(ShareOrSize::Bytes(10 << 30))
        );
        assert_eq!(parse_share_or_size("123"), Some(ShareOrSize::Bytes(123)));
        for wrong in ["", "%", "100%", "-1", "5 GB", "99999999999999TiB", "nan%"] {
            assert_eq!(parse_share_or_size(wrong), None, "{wrong}");
        }
    }
}
