//! `/c/{cluster}/stream`: the parts of one page that changed, once a second, as server-sent events.
//!
//! A page is rendered as always and taken apart at its `<!--part NAME-->` marks; a part that differs
//! from what was sent last is sent again, and htmx puts it in its place. A message is made when the
//! connection has room for it: a slow reader misses messages, none is queued for it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use limpid_cluster::ReadinessState;
use tokio::time::{Instant, sleep_until};

use limpid_access::Visitor;

use crate::app::App;
use crate::listing::Query;
use crate::pages;
use crate::slots::Slot;

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// A comment after so much silence, so that nobody in between takes the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const BEGIN: &str = "<!--part ";
const END: &str = "<!--/part-->";

/// Opens a stream.
pub(crate) fn open(app: Arc<App>, query: Query, visitor: Visitor) -> Response {
    let retry = [(header::RETRY_AFTER, "5")];
    if app.source.readiness().state == ReadinessState::Draining {
        let text = "the broker is shutting down\n";
        return (StatusCode::SERVICE_UNAVAILABLE, retry, text).into_response();
    }
    if pages::part_source(&app, &query, &visitor).is_none() {
        return (StatusCode::NOT_FOUND, "there is no such page\n").into_response();
    }
    let Some(slot) = app.streams.take(app.now_ms()) else {
        let text = "too many live pages are open; this one can be reloaded by hand\n";
        return (StatusCode::SERVICE_UNAVAILABLE, retry, text).into_response();
    };
    let live = Live {
        app,
        query,
        visitor,
        slot,
        sent: HashMap::new(),
        next: Instant::now() + EVERY,
    };
    let messages = futures_util::stream::unfold(live, |mut live| async move {
        let message = live.next().await?;
        Some((Ok::<_, Infallible>(Event::default().data(message)), live))
    });
    let mut answer = Sse::new(messages)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    let headers = answer.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    answer
}

/// One stream.
struct Live {
    app: Arc<App>,
    query: Query,
    visitor: Visitor,
    slot: Slot,
    /// A hash of each part that was sent.
    sent: HashMap<String, u64>,
    next: Instant,
}

impl Live {
    /// Waits for the next message; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            sleep_until(self.next).await;
            // From now, not from then: what was missed is not made up for.
            self.next = Instant::now() + EVERY;
            if !self.slot.reads(self.app.now_ms()) {
                return None;
            }
            // Who logged out must not go on looking.
            if self.visitor.is_gone() {
                return None;
            }
            if self.app.source.readiness().state == ReadinessState::Draining {
                return None;
            }
            let (app, query) = (Arc::clone(&self.app), self.query.clone());
            let visitor = self.visitor.clone();
            let html =
                tokio::task::spawn_blocking(move || pages::part_source(&app, &query, &visitor));
            let html = html.await.ok()??;
            let message = self.changed(&html);
            if !message.is_empty() {
                return Some(message);
            }
        }
    }

    /// The parts that were not sent like that before, each with its place.
    fn changed(&mut self, html: &str) -> String {
        let mut message = String::new();
        for (name, part) in parts(html) {
            let mut hasher = DefaultHasher::new();
            part.hash(&mut hasher);
            let hash = hasher.finish();
            if self.sent.insert(name.to_owned(), hash) != Some(hash) {
                message.push_str(&format!(
                    "<hx-partial hx-target=\"#{name}\" hx-swap=\"outerMorph\">{part}</hx-partial>"
                ));
            }
        }
        message
    }
}

/// The parts of a page: names (which are ids) and what lies between the marks. Text from clients
/// is escaped and can't hold a mark.
fn parts(html: &str) -> impl Iterator<Item = (&str, &str)> {
    html.split(BEGIN).skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once("-->")?;
        let (part, _) = rest.split_once(END)?;
        Some((name, part.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_taken_apart_at_its_marks() {
        let html = "x<!--part a--><p id=a>1</p><!--/part-->y<!--part b-->\n<p id=b>2</p>\n\
                    <!--/part--><!--part broken--><p>";
        let found: Vec<_> = parts(html).collect();
        assert_eq!(found, [("a", "<p id=a>1</p>"), ("b", "<p id=b>2</p>")]);
    }
}
