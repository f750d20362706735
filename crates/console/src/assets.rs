//! Style, scripts and icon: compiled in, compressed once, under addresses that hold their hash, so
//! that browsers keep them for ever and still see a new version at once.

use std::io::Write as _;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

/// What is served: name before and after the hash, type, bytes.
const FILES: &[(&str, &str, &str, &[u8])] = &[
    (
        "limpid",
        "css",
        "text/css; charset=utf-8",
        include_bytes!("../assets/limpid.css"),
    ),
    (
        "limpid",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/limpid.js"),
    ),
    (
        "htmx-4.0.1",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/vendor/htmx-4.0.1.min.js"),
    ),
    (
        "hx-sse-4.0.1",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/vendor/hx-sse-4.0.1.min.js"),
    ),
    (
        "limpid",
        "svg",
        "image/svg+xml",
        include_bytes!("../assets/limpid.svg"),
    ),
];
const STYLE: usize = 0;
const SCRIPTS: [usize; 3] = [2, 3, 1];
const ICON: usize = 4;
/// A year: browsers need not ask again.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// One file.
struct Asset {
    name: String,
    kind: &'static str,
    plain: Bytes,
    gzip: Bytes,
}

/// All of them.
pub(crate) struct Assets {
    /// What precedes the path of every link.
    base: String,
    all: Vec<Asset>,
}

impl Assets {
    /// Compresses the files.
    pub(crate) fn new(base: &str) -> Self {
        let asset =
            |(before, after, kind, bytes): &(&str, &str, &'static str, &'static [u8])| Asset {
                name: format!("{before}.{:016x}.{after}", hash(bytes)),
                kind,
                plain: Bytes::from_static(bytes),
                gzip: compressed(bytes),
            };
        Self {
            base: base.to_owned(),
            all: FILES.iter().map(asset).collect(),
        }
    }

    /// Address of the style sheet.
    pub(crate) fn style(&self) -> String {
        self.address(STYLE)
    }

    /// Address of the icon.
    pub(crate) fn icon(&self) -> String {
        self.address(ICON)
    }

    /// Addresses of the scripts, in the order in which they must run.
    pub(crate) fn scripts(&self) -> Vec<String> {
        SCRIPTS.iter().map(|n| self.address(*n)).collect()
    }

    fn address(&self, n: usize) -> String {
        format!("{}/assets/{}", self.base, self.all[n].name)
    }

    /// Serves a file by its name with the hash.
    pub(crate) fn get(&self, name: &str, headers: &HeaderMap) -> Response {
        let Some(asset) = self.all.iter().find(|a| a.name == name) else {
            return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
        };
        let common = [
            (header::CONTENT_TYPE, asset.kind),
            (header::CACHE_CONTROL, FOR_EVER),
            (header::VARY, "accept-encoding"),
        ];
        if accepts_gzip(headers) {
            let encoding = [(header::CONTENT_ENCODING, "gzip")];
            return (common, encoding, asset.gzip.clone()).into_response();
        }
        (common, asset.plain.clone()).into_response()
    }
}

/// Whether the client takes gzip (`gzip;q=0` is a no).
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let values = values.filter_map(|v| v.to_str().ok());
    values.flat_map(|v| v.split(',')).any(|offer| {
        let mut words = offer.split(';').map(str::trim);
        words.next() == Some("gzip") && !words.any(|w| matches!(w, "q=0" | "q=0.0"))
    })
}

/// Compressed; an encoder into memory can't fail, and if it did, nothing would be sent.
pub(crate) fn compressed(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(bytes);
    written
        .and_then(|()| encoder.finish())
        .map(Bytes::from)
        .unwrap_or_default()
}

/// FNV-1a: tells versions of our own files apart, guards nothing.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Style, own script, everything: bytes on the wire.
    const STYLE_MAX: usize = 9 * 1024;
    const OWN_SCRIPT_MAX: usize = 8 * 1024;
    const ALL_MAX: usize = 60 * 1024;

    #[test]
    fn the_console_stays_small() {
        let assets = Assets::new("");
        let size = |n: usize| assets.all[n].gzip.len();
        assert!((1..=STYLE_MAX).contains(&size(STYLE)), "{}", size(STYLE));
        assert!((1..=OWN_SCRIPT_MAX).contains(&size(1)), "{}", size(1));
        let all: usize = (0..FILES.len()).map(size).sum();
        assert!(all <= ALL_MAX, "{all}");
    }

    /// What WCAG calls relative luminance.
    fn luminance(hex: &str) -> f64 {
        let digits: Vec<u32> = hex.chars().skip(1).filter_map(|c| c.to_digit(16)).collect();
        let channels: Vec<u32> = match digits.len() {
            3 => digits.iter().map(|d| d * 17).collect(),
            _ => digits.chunks(2).map(|d| d[0] * 16 + d[1]).collect(),
        };
        let linear = |n: &u32| {
            let c = f64::from(*n) / 255.0;
            if c <= 0.03928 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        let linear: Vec<f64> = channels.iter().map(linear).collect();
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    #[test]
    fn text_can_be_read_in_both_themes() {
        let css = include_str!("../assets/limpid.css");
        let themes: Vec<&str> = css.split(":root {").skip(1).collect();
        assert_eq!(themes.len(), 2, "light and dark");
        for theme in themes {
            let theme = theme.split('}').next().expect("its end");
            let colour = |name: &str| {
                let start = theme.find(&format!("--{name}: ")).expect("a colour");
                let value = theme[start..].split(": ").nth(1).expect("a value");
                luminance(value.split(';').next().expect("its end"))
            };
            for ground in ["ground", "panel", "faint", "warn-ground", "bad-ground"] {
                for ink in ["ink", "quiet", "accent", "good", "warn", "bad"] {
                    let (a, b) = (colour(ground), colour(ink));
                    let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                    assert!(contrast >= 4.5, "{ink} on {ground}: {contrast:.1}");
                }
            }
        }
    }

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, value.parse().expect("a header"));
            accepts_gzip(&headers)
        };
        assert!(with("br, gzip;q=0.5"));
        assert!(!with("gzip;q=0"));
        assert!(!with("br"));
    }
}
