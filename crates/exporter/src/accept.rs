//! What the scraper wants: exposition format and compression.

/// An exposition format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The content type; Prometheus 3 refuses a page without a known one.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format that an `Accept` header likes best; the earlier one of equals, text when it names
    /// none of ours.
    pub(crate) fn negotiate(accept: &str) -> Format {
        let mut best = (0, Format::Text);
        for (range, weight) in weighted(accept) {
            let offered = match media_type(range) {
                ("application/openmetrics-text", None | Some("1.0.0" | "0.0.1")) => {
                    Format::OpenMetrics
                }
                ("text/plain", None | Some("0.0.4")) => Format::Text,
                ("*/*" | "text/*", _) => Format::Text,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, offered);
            }
        }
        best.1
    }
}

/// Whether an `Accept-Encoding` header allows gzip.
pub(crate) fn gzip(accept_encoding: &str) -> bool {
    let named = |name: &str| {
        let mut codings = weighted(accept_encoding);
        codings
            .find(|(coding, _)| coding.trim().eq_ignore_ascii_case(name))
            .map(|(_, q)| q > 0)
    };
    named("gzip").or_else(|| named("*")).unwrap_or(false)
}

/// The parts of a header with their weights in thousandths; the weight's parameter is cut off.
fn weighted(header: &str) -> impl Iterator<Item = (&str, u32)> {
    header.split(',').map(|part| {
        let quality = part
            .split(';')
            .skip(1)
            .find_map(|p| p.trim().strip_prefix("q="));
        let end = part.find(";q=").or_else(|| part.find("; q="));
        (
            &part[..end.unwrap_or(part.len())],
            quality.map_or(1_000, thousandths),
        )
    })
}

/// A weight of 0 to 1; what is not a number counts as 0.
fn thousandths(quality: &str) -> u32 {
    let quality: f64 = quality.trim().parse().unwrap_or(0.0);
    (quality.clamp(0.0, 1.0) * 1_000.0) as u32
}

fn media_type(range: &str) -> (&str, Option<&str>) {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next().unwrap_or("");
    (kind, parts.find_map(|p| p.strip_prefix("version=")))
}

#[cfg(test)]
mod tests;
