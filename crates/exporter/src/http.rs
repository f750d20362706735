//! `GET /metrics`.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::Mutex;

use crate::Exporter;
use crate::accept::{Format, gzip};
use crate::burrow;
use crate::select::Selection;

/// Who asks again within this time gets the same bytes.
const SHARED_FOR: Duration = Duration::from_secs(1);

/// Most pages that are kept, each in its format and with its selection.
const PAGES_MAX: usize = 8;

/// The newest renderings, plain and compressed.
#[derive(Debug)]
pub(crate) struct Shared {
    keep: Duration,
    cells: parking_lot::Mutex<HashMap<(Format, Selection), Arc<Cell>>>,
    /// Where those wait for each other that find no room to be kept.
    crowded: Arc<Cell>,
}

impl Default for Shared {
    fn default() -> Self {
        Shared {
            keep: SHARED_FOR,
            cells: parking_lot::Mutex::default(),
            crowded: Arc::default(),
        }
    }
}

impl Shared {
    /// Where a page is kept; `None` when so many others are that it can't be.
    fn cell(&self, format: Format, selection: &Selection) -> Option<Arc<Cell>> {
        let mut cells = self.cells.lock();
        let key = (format, selection.clone());
        if !cells.contains_key(&key) && cells.len() >= PAGES_MAX {
            // One that somebody waits for is locked, or held by him.
            let old = |cell: &Arc<Cell>| {
                let newest = cell.newest.try_lock();
                let newest = newest.as_deref().map(Option::as_ref);
                matches!(newest, Ok(Some(page)) if page.at.elapsed() >= self.keep)
            };
            cells.retain(|_, cell| Arc::strong_count(cell) > 1 || !old(cell));
            if cells.len() >= PAGES_MAX {
                return None;
            }
        }
        Some(Arc::clone(cells.entry(key).or_default()))
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

/// The page of one exporter, and Burrow's API (`/v3/kafka`) for its cluster.
pub fn router(exporter: Arc<Exporter>) -> Router {
    let burrow = exporter.history().map(burrow::http::router);
    let page = Router::new()
        .route("/metrics", get(metrics))
        .with_state(exporter);
    page.merge(burrow.unwrap_or_default())
}

type Parameters = Query<Vec<(String, String)>>;

async fn metrics(
    State(exporter): State<Arc<Exporter>>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Response {
    let parameters = parameters.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    let selection = match Selection::of(parameters) {
        Ok(selection) => selection,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let format = Format::negotiate(&joined(&headers, header::ACCEPT));
    let compress = gzip(&joined(&headers, header::ACCEPT_ENCODING));
    // A task of its own: a scraper that hangs up does not leave a rendering without its lock, so
    // hanging up and asking again can't start a second one beside it.
    let page = tokio::spawn(page(exporter, format, selection, compress)).await;
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
async fn page(
    exporter: Arc<Exporter>,
    format: Format,
    selection: Selection,
    compress: bool,
) -> Option<Rendered> {
    let kept = exporter.shared.cell(format, &selection);
    let cell = kept.as_ref().unwrap_or(&exporter.shared.crowded);
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
                plain: renderer.render_selected(format, &selection).into(),
                gzip: None,
            }
        });
        if compress {
            rendered.gzip = compressed(&rendered.plain);
        }
        rendered
    });
    let rendered = rendering.await.ok()?;
    // Who finds no room leaves nothing behind for the next one, who wants another page.
    *newest = kept.as_ref().map(|_| rendered.clone());
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
