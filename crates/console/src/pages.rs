//! The pages by name: one table for routes and for streams.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
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
pub(crate) struct Asked {
    app: Arc<App>,
    query: Query,
    headers: HeaderMap,
    visitor: Visitor,
}

impl FromRequestParts<Arc<App>> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let visitor = Extension::<Visitor>::from_request_parts(parts, app).await;
        let Extension(visitor) = visitor.map_err(IntoResponse::into_response)?;
        Ok(Self {
            query: Query::parse(parts.uri.query()),
            app: Arc::clone(app),
            headers: parts.headers.clone(),
            visitor,
        })
    }
}

impl Asked {
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
pub(crate) async fn overview(asked: Asked) -> Response {
    let build = |app: &App, look: &Look, _: &Query| Some(Overview::new(app, look));
    asked.answer(String::new(), build).await
}

/// `/c/{cluster}/topics`.
pub(crate) async fn topics(asked: Asked) -> Response {
    let build = |app: &App, look: &Look, query: &Query| Some(Topics::new(app, look, query));
    asked.answer(String::new(), build).await
}

/// `/c/{cluster}/topics/{topic}`.
pub(crate) async fn topic(Path((_, name)): Path<(String, String)>, asked: Asked) -> Response {
    let missing = format!("There is no topic named {name}.");
    let may_read = may_read(&asked.app, &asked.visitor, &name);
    let build = move |app: &App, look: &Look, query: &Query| {
        TopicPage::new(app, look, (&name, may_read), query)
    };
    asked.answer(missing, build).await
}

/// `/c/{cluster}/groups`.
pub(crate) async fn groups(asked: Asked) -> Response {
    let build = |app: &App, look: &Look, query: &Query| Some(Groups::new(app, look, query));
    asked.answer(String::new(), build).await
}

/// `/c/{cluster}/groups/{group}`.
pub(crate) async fn group(Path((_, id)): Path<(String, String)>, asked: Asked) -> Response {
    one_group(asked, id).await
}

/// `/c/{cluster}/groups/by-id?id=`, for ids that a path can't hold.
pub(crate) async fn group_by_id(asked: Asked) -> Response {
    let id = asked.query.get("id").unwrap_or_default().to_owned();
    one_group(asked, id).await
}

async fn one_group(asked: Asked, id: String) -> Response {
    let missing = format!("There is no group named {id}.");
    let build = move |app: &App, look: &Look, query: &Query| GroupPage::new(app, look, &id, query);
    asked.answer(missing, build).await
}

/// `/runbook`.
pub(crate) async fn runbook(asked: Asked) -> Response {
    let build = |_: &App, _: &Look, _: &Query| Some(Runbook::new());
    asked.answer(String::new(), build).await
}

/// `/runbook/{alert}`.
pub(crate) async fn runbook_of(Path(alert): Path<String>, asked: Asked) -> Response {
    let missing = format!("The runbook has no page {alert}.");
    let build = move |app: &App, _: &Look, _: &Query| RunbookPage::new(app, &alert);
    asked.answer(missing, build).await
}

/// `/c/{cluster}/clients`.
pub(crate) async fn clients(asked: Asked) -> Response {
    let build = |app: &App, look: &Look, query: &Query| Some(Clients::new(app, look, query));
    asked.answer(String::new(), build).await
}

/// `/c/{cluster}/clients/{client}`.
pub(crate) async fn client(Path((_, id)): Path<(String, String)>, asked: Asked) -> Response {
    one_client(asked, id).await
}

/// `/c/{cluster}/clients/by-id?id=`, for ids that a path can't hold.
pub(crate) async fn client_by_id(asked: Asked) -> Response {
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
