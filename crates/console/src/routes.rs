//! The addresses of the console.

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use limpid_access::{Permission, Visitor};

use crate::app::App;
use crate::listing::Query;
use crate::{answer, api, live, login, messages, pages};

/// Every route. `/` leads to the only cluster.
pub(crate) fn all(app: Arc<App>) -> Router {
    let of_the_cluster = Router::new()
        .route("/c/{cluster}/", get(pages::overview))
        .route("/c/{cluster}/topics", get(pages::topics))
        .route("/c/{cluster}/groups", get(pages::groups))
        .route("/c/{cluster}/groups/by-id", get(pages::group_by_id))
        .route("/c/{cluster}/groups/{group}", get(pages::group))
        .route("/c/{cluster}/clients", get(pages::clients))
        .route("/c/{cluster}/clients/by-id", get(pages::client_by_id))
        .route("/c/{cluster}/clients/{client}", get(pages::client))
        .route("/c/{cluster}/stream", get(stream))
        .merge(of_a_topic(&app))
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            known_cluster,
        ));
    Router::new()
        .merge(of_the_cluster)
        .route("/runbook", get(pages::runbook))
        .route("/runbook/{alert}", get(pages::runbook_of))
        .merge(api::routes(&app))
        .route("/", get(home))
        .route("/c/{cluster}", get(home))
        .route("/assets/{name}", get(asset))
        .route("/login", get(login::page))
        .fallback(no_page)
        .with_state(app)
}

/// Routes that show what is in records, which is a permission of its own.
fn payloads(app: &Arc<App>) -> Router<Arc<App>> {
    if app.browsers.is_none() {
        return Router::new();
    }
    Router::new()
        .route("/c/{cluster}/topics/{topic}/messages", get(messages::page))
        .route_layer(middleware::from_fn_with_state(
            (Arc::clone(app), Permission::ReadPayloads),
            may,
        ))
}

/// Routes of one topic, for those who may see it.
fn of_a_topic(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/c/{cluster}/topics/{topic}", get(pages::topic))
        .merge(payloads(app))
        .route_layer(middleware::from_fn_with_state(
            (Arc::clone(app), Permission::View),
            may,
        ))
}

/// Asks whether the visitor may do something with the topic that the path names.
pub(crate) async fn may(
    State((app, permission)): State<(Arc<App>, Permission)>,
    Extension(visitor): Extension<Visitor>,
    Path(parameters): Path<std::collections::HashMap<String, String>>,
    request: Request,
    next: Next,
) -> Response {
    let topic = parameters.get("topic").map(String::as_str);
    match visitor.may(permission, app.source.name(), topic) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            let query = Query::parse(request.uri().query());
            let chrome = answer::Chrome::new(&app, &app.look(), &query, &visitor);
            answer::refused(chrome, &refusal, &query, request.headers())
        }
    }
}

/// Leads to the overview and takes the query along.
async fn home(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Response {
    let query = query.map_or_else(String::new, |q| format!("?{q}"));
    let to = app.links.overview() + &query;
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response()
}

async fn asset(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    app.assets.get(&name, &headers)
}

async fn stream(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    live::open(app, Query::parse(query.as_deref()), visitor)
}

async fn no_page(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let query = Query::parse(request.uri().query());
    let chrome = answer::Chrome::new(&app, &app.look(), &query, &visitor);
    let sentence = "There is no page at this address.";
    answer::missing(chrome, sentence, &query, request.headers())
}

/// There is one cluster; addresses of others lead nowhere.
pub(crate) async fn known_cluster(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path(parameters): Path<std::collections::HashMap<String, String>>,
    request: Request,
    next: Next,
) -> Response {
    let name = parameters.get("cluster").map_or("", String::as_str);
    if name == app.source.name() {
        return next.run(request).await;
    }
    let query = Query::parse(request.uri().query());
    let look = app.look();
    let chrome = answer::Chrome::new(&app, &look, &query, &visitor);
    let sentence = format!("There is no cluster named {name} here.");
    answer::missing(chrome, &sentence, &query, request.headers())
}
