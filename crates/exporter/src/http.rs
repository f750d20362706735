//! `GET /metrics`.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::Mutex;

use crate::Exporter;
use crate::accept::{Format, gzip};

/// Who asks again within this time gets the same bytes.
const SHARED_FOR: Duration = Duration::from_secs(1);

/// The newest rendering of each format, plain and compressed.
#[derive(Debug)]
pub(crate) struct Shared {
    keep: Duration,
    text: Cell,
    openmetrics: Cell,
}

impl Default for Shared {
    fn default() -> Self {
        Shared {
            keep: SHARED_FOR,
            text: Cell::default(),
            openmetrics: Cell::default(),
        }
    }
}

#[derive(Debug, Default)]
struct Cell {
    newest: Mutex<Option<Rendered>>,
}

#[derive(Clone, Debug)]
struct Rendered {
    at: Instant,
    plain: Bytes,
    gzip: Option<Bytes>,
}

/// The page of one exporter.
pub fn router(exporter: Arc<Exporter>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(exporter)
}

async fn metrics(State(exporter): State<Arc<Exporter>>, headers: HeaderMap) -> Response {
    let format = Format::negotiate(&joined(&headers, header::ACCEPT));
    let compress = gzip(&joined(&headers, header::ACCEPT_ENCODING));
    // A task of its own: a scraper that hangs up does not leave a rendering without its lock, so
    // hanging up and asking again can't start a second one beside it.
    let page = tokio::spawn(page(exporter, format, compress)).await;
    let Ok(Some(rendered)) = page else {
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            "metrics can't be rendered\n",
        )
            .into_response();
    };
    let common = [
        (header::CONTENT_TYPE, format.content_type()),
        (header::VARY, "accept-encoding"),
    ];
    match rendered.gzip.filter(|_| compress) {
        Some(bytes) => (common, [(header::CONTENT_ENCODING, "gzip")], bytes).into_response(),
        None => (common, rendered.plain).into_response(),
    }
}

/// The page, rendered now or less than a second ago; `None` when rendering panicked.
async fn page(exporter: Arc<Exporter>, format: Format, compress: bool) -> Option<Rendered> {
    let cell = match format {
        Format::Text => &exporter.shared.text,
        Format::OpenMetrics => &exporter.shared.openmetrics,
    };
    let mut newest = cell.newest.lock().await;
    let keep = exporter.shared.keep;
    let fresh = newest.clone().filter(|r| r.at.elapsed() < keep);
    if let Some(rendered) = &fresh
        && (rendered.gzip.is_some() || !compress)
    {
        return fresh;
    }
    let renderer = exporter.clone();
    let rendering = tokio::task::spawn_blocking(move || {
        let mut rendered = fresh.unwrap_or_else(|| {
            // Stamped before: what it shows is at most a second older than the asking.
            let at = Instant::now();
            Rendered {
                at,
                plain: renderer.render(format).into(),
                gzip: None,
            }
        });
        if compress {
            rendered.gzip = compressed(&rendered.plain);
        }
        rendered
    });
    let rendered = rendering.await.ok()?;
    *newest = Some(rendered.clone());
    Some(rendered)
}

/// Fastest level: the page is repetitive, and a core is worth more than a few bytes.
fn compressed(plain: &Bytes) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 8), Compression::fast());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// A header may come in several lines.
fn joined(headers: &HeaderMap, name: header::HeaderName) -> String {
    let values = headers.get_all(name).iter().filter_map(|v| v.to_str().ok());
    values.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;
