//! The pages by name: one table for routes and for streams.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use limpid_access::{Permission, Visitor};

use crate::answer::{self, Chrome, Resource};
use crate::app::{App, Look};
use crate::client::ClientPage;
use crate::clients::Clients;
use crate::group::GroupPage;
use crate::groups::Groups;
use crate::listing::Query;
use crate::overview::Overview;
use crate::runbook::{Runbook, RunbookPage};
use crate::topic::TopicPage;
use crate::topics::Topics;

/// What an answer depends on.
struct Asked {
    app: Arc<App>,
    query: Query,
    headers: HeaderMap,
    visitor: Visitor,
}

impl Asked {
    fn new(app: Arc<App>, raw: Option<&str>, headers: HeaderMap, visitor: Visitor) -> Self {
        Self {
            query: Query::parse(raw),
            app,
            headers,
            visitor,
        }
    }

    /// Looks, builds, answers; on a thread that may take its time, so that a page of ten thousand
    /// groups delays no probe and no scrape.
    async fn answer<R: Resource>(
        self,
        missing: String,
        build: impl FnOnce(&App, &Look, &Query) -> Option<R> + Send + 'static,
    ) -> Response {
        let answered = tokio::task::spawn_blocking(move || {
            let look = self.app.look();
            let chrome = Chrome::new(&self.app, &look, &self.query, &self.visitor);
            match build(&self.app, &look, &self.query) {
                Some(resource) => answer::respond(&resource, chrome, &self.query, &self.headers),
                None => answer::missing(chrome, &missing, &self.query, &self.headers),
            }
        });
        answered
            .await
            .unwrap_or_else(|error| answer::failed(&error))
    }
}

/// `/c/{cluster}/`.
pub(crate) async fn overview(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::new(app, raw.as_deref(), headers, visitor);
    let build = |app: &App, look: &Look, _: &Query| Some(Overview::new(app, look));
    asked.answer(String::new(), build).await
}

/// `/c/{cluster}/topics`.
pub(crate) async fn topics(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::new(app, raw.as_deref(), headers, visitor);
    let build = |app: &App, look: &Look, query: &Query| Some(Topics::new(app, look, query));
    asked.answer(String::new(), build).await
}

/// `/c/{cluster}/topics/{topic}`.
pub(crate) async fn topic(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path((_, name)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::new(app, raw.as_deref(), headers, visitor);
    let missing = format!("There is no topic named {name}.");
    let may_read = may_read(&asked.app, &asked.visitor, &name);
    let build = move |app: &App, look: &Look, query: &Query| {
        TopicPage::new(app, look, (&name, may_read), query)
    };
    asked.answer(missing, build).await
}

/// `/c/{cluster}/groups`.
pub(crate) async fn groups(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::new(app, raw.as_deref(), headers, visitor);
    let build = |app: &App, look: &Look, query: &Query| Some(Groups::new(app, look, query));
    asked.answer(String::new(), build).await
}

/// `/c/{cluster}/groups/{group}`.
pub(crate) async fn group(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path((_, id)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    one_group(Asked::new(app, raw.as_deref(), headers, visitor), id).await
}

/// `/c/{cluster}/groups/by-id?id=`, for ids that a path can't hold.
pub(crate) async fn group_by_id(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::new(app, raw.as_deref(), headers, visitor);
    let id = asked.query.get("id").unwrap_or_default().to_owned();
    one_group(asked, id).await
}

async fn one_group(asked: Asked, id: String) -> Response {
    let missing = format!("There is no group named {id}.");
    let build = move |app: &App, look: &Look, query: &Query| GroupPage::new(app, look, &id, query);
    asked.answer(missing, build).await
}

/// `/runbook`.
pub(crate) async fn runbook(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::new(app, raw.as_deref(), headers, visitor);
    let build = |_: &App, _: &Look, _: &Query| Some(Runbook::new());
    asked.answer(String::new(), build).await
}

/// `/runbook/{alert}`.
pub(crate) async fn runbook_of(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path(alert): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::new(app, raw.as_deref(), headers, visitor);
    let missing = format!("The runbook has no page {alert}.");
    let build = move |app: &App, _: &Look, _: &Query| RunbookPage::new(app, &alert);
    asked.answer(missing, build).await
}

/// `/c/{cluster}/clients`.
pub(crate) async fn clients(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::new(app, raw.as_deref(), headers, visitor);
    let build = |app: &App, look: &Look, query: &Query| Some(Clients::new(app, look, query));
    asked.answer(String::new(), build).await
}

/// `/c/{cluster}/clients/{client}`.
pub(crate) async fn client(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path((_, id)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    one_client(Asked::new(app, raw.as_deref(), headers, visitor), id).await
}

/// `/c/{cluster}/clients/by-id?id=`, for ids that a path can't hold.
pub(crate) async fn client_by_id(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::new(app, raw.as_deref(), headers, visitor);
    let id = asked.query.get("id").unwrap_or_default().to_owned();
    one_client(asked, id).await
}

async fn one_client(asked: Asked, id: String) -> Response {
    let missing = format!("There is no client named {id}.");
    let build = move |app: &App, look: &Look, _: &Query| ClientPage::new(app, look, &id);
    asked.answer(missing, build).await
}

/// Whether the visitor may see what is in a topic's records.
fn may_read(app: &App, visitor: &Visitor, topic: &str) -> bool {
    let cluster = app.source.name();
    let may = visitor.may(Permission::ReadPayloads, cluster, Some(topic));
    may.is_ok()
}

/// The page that a stream is to keep fresh, rendered; `None` when there is none of that name.
pub(crate) fn part_source(app: &App, query: &Query, visitor: &Visitor) -> Option<String> {
    let look = app.look();
    let chrome = Chrome::new(app, &look, query, visitor);
    let html = match query.get("of")? {
        "overview" => Overview::new(app, &look).html(chrome),
        "topics" => Topics::new(app, &look, query).html(chrome),
        "topic" => {
            let name = query.get("name")?;
            let may = visitor.may(Permission::View, app.source.name(), Some(name));
            may.ok()?;
            let topic = (name, may_read(app, visitor, name));
            TopicPage::new(app, &look, topic, query)?.html(chrome)
        }
        "groups" => Groups::new(app, &look, query).html(chrome),
        "clients" => Clients::new(app, &look, query).html(chrome),
        "client" => ClientPage::new(app, &look, query.get("id")?)?.html(chrome),
        "group" => GroupPage::new(app, &look, query.get("id")?, query)?.html(chrome),
        _ => return None,
    };
    html.ok()
}

#[cfg(test)]
mod tests;
