use super::*;

/// What Prometheus 3 sends by default.
const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;\
    q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

#[test]
fn formats() {
    let cases = [
        ("", Format::Text),
        ("*/*", Format::Text),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text),
        ("application/openmetrics-text", Format::OpenMetrics),
        (
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::OpenMetrics,
        ),
        (
            "application/openmetrics-text;version=2.0.0,text/plain;q=0.1",
            Format::Text,
        ),
        ("application/openmetrics-text;q=0", Format::Text),
        (
            "text/plain;version=0.0.4;q=0.5,application/openmetrics-text;q=0.4",
            Format::Text,
        ),
        ("text/plain, application/openmetrics-text", Format::Text),
        (
            "application/openmetrics-text; q=0.4, text/plain; q=0.3",
            Format::OpenMetrics,
        ),
        (
            "application/vnd.google.protobuf;q=0.7,text/plain;q=0.1",
            Format::Text,
        ),
        ("application/openmetrics-text;q=nonsense", Format::Text),
        (";;q=,,", Format::Text),
        (PROMETHEUS, Format::OpenMetrics),
    ];
    for (accept, expected) in cases {
        assert_eq!(Format::negotiate(accept), expected, "{accept}");
    }
}

#[test]
fn compression() {
    let cases = [
        ("", false),
        ("gzip", true),
        ("GZIP", true),
        ("deflate, gzip;q=0.5", true),
        ("gzip;q=0", false),
        ("gzip; q=0.0, *", false),
        ("*", true),
        ("*;q=0", false),
        ("br, zstd", false),
        ("identity", false),
    ];
    for (header, expected) in cases {
        assert_eq!(gzip(header), expected, "{header}");
    }
}
