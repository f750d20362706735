//! `/api/v1`: what the pages tell, and what can be done, for programs.
//!
//! [`ENDPOINTS`] is the one table: routes, permissions and the OpenAPI description are made of it. A
//! resource is the struct that its page is rendered from, so neither can tell another number.

mod document;
mod operating;
mod resources;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{self, MethodRouter, get};
use limpid_access::Permission;
use schemars::{Schema, SchemaGenerator};

use crate::app::App;
use crate::listing::Query;
use crate::routes::{known_cluster, may};
use crate::{group, groups, messages, overview, pages, topic, topics};

/// What precedes every path of the table.
pub(crate) const ROOT: &str = "/api/v1";
/// Largest body of a request.
const BODY_BYTES_MAX: usize = 16 << 10;

/// One method of one path.
pub(crate) struct Endpoint {
    method: Method,
    /// Below [`ROOT`].
    path: &'static str,
    /// A name for generated clients.
    name: &'static str,
    summary: &'static str,
    /// What the visitor must be granted, of the topic in the path or of the cluster.
    permissions: &'static [Permission],
    query: &'static [Parameter],
    body: Option<fn(&mut SchemaGenerator) -> Schema>,
    answer: fn(&mut SchemaGenerator) -> Schema,
    needs: Needs,
    route: fn() -> MethodRouter<Arc<App>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    Put,
    Post,
    Delete,
}

/// What must be there for an endpoint to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Records,
    Node,
}

/// A parameter of a query.
struct Parameter {
    name: &'static str,
    description: &'static str,
    /// Whether it is a whole number, not text.
    number: bool,
}

const fn text(name: &'static str, description: &'static str) -> Parameter {
    Parameter {
        name,
        description,
        number: false,
    }
}

const fn number(name: &'static str, description: &'static str) -> Parameter {
    Parameter {
        name,
        description,
        number: true,
    }
}

const FILTER: Parameter = text("q", "only names that contain this");
const ORDER: Parameter = text(
    "sort",
    "a column, with a minus before it for the other direction",
);
const PAGE: Parameter = number("page", "pages have 100 rows and begin at 1");

const VIEW: &[Permission] = &[Permission::View];
const READ: &[Permission] = &[Permission::View, Permission::ReadPayloads];
const OPERATE: &[Permission] = &[Permission::Operate];

/// A GET that everybody may ask who sees the cluster.
const fn look(
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    answer: fn(&mut SchemaGenerator) -> Schema,
    route: fn() -> MethodRouter<Arc<App>>,
) -> Endpoint {
    Endpoint {
        method: Method::Get,
        path,
        name,
        summary,
        permissions: VIEW,
        query: &[],
        body: None,
        answer,
        needs: Needs::Nothing,
        route,
    }
}

/// Every address but the description's own.
pub(crate) const ENDPOINTS: &[Endpoint] = &[
    look(
        "/clusters",
        "listClusters",
        "The clusters that are shown here",
        SchemaGenerator::subschema_for::<resources::Clusters>,
        || get(resources::clusters),
    ),
    look(
        "/clusters/{cluster}",
        "getCluster",
        "How the cluster is: verdict, rates, groups, topics, requests, buffers",
        SchemaGenerator::subschema_for::<overview::Overview>,
        || get(pages::overview),
    ),
    look(
        "/clusters/{cluster}/brokers",
        "listBrokers",
        "The brokers and their log directories",
        SchemaGenerator::subschema_for::<resources::Brokers>,
        || get(resources::brokers),
    ),
    Endpoint {
        query: &[FILTER, ORDER, PAGE],
        ..look(
            "/clusters/{cluster}/topics",
            "listTopics",
            "Topics with rates, sizes and readers",
            SchemaGenerator::subschema_for::<topics::Topics>,
            || get(pages::topics),
        )
    },
    Endpoint {
        query: &[PAGE],
        ..look(
            "/clusters/{cluster}/topics/{topic}",
            "getTopic",
            "A topic: its partitions, who reads it, the last 15 minutes",
            SchemaGenerator::subschema_for::<topic::TopicPage>,
            || get(pages::topic),
        )
    },
    Endpoint {
        query: &[
            number("partition", "only this one"),
            number(
                "from",
                "from this offset on, which needs a partition; the newest without it",
            ),
        ],
        permissions: READ,
        needs: Needs::Records,
        ..look(
            "/clusters/{cluster}/topics/{topic}/messages",
            "listMessages",
            "Records of a topic",
            SchemaGenerator::subschema_for::<messages::Messages>,
            || get(messages::page),
        )
    },
    Endpoint {
        query: &[FILTER, ORDER, PAGE],
        ..look(
            "/clusters/{cluster}/groups",
            "listGroups",
            "Groups, the gravest first",
            SchemaGenerator::subschema_for::<groups::Groups>,
            || get(pages::groups),
        )
    },
    Endpoint {
        query: &[text("id", "the group's id"), PAGE],
        ..look(
            "/clusters/{cluster}/groups/by-id",
            "getGroupById",
            "A group whose id does not fit a path",
            SchemaGenerator::subschema_for::<group::GroupPage>,
            || get(pages::group_by_id),
        )
    },
    Endpoint {
        query: &[PAGE],
        ..look(
            "/clusters/{cluster}/groups/{group}",
            "getGroup",
            "A group: how far behind it is, and why",
            SchemaGenerator::subschema_for::<group::GroupPage>,
            || get(pages::group),
        )
    },
    Endpoint {
        needs: Needs::Node,
        ..look(
            "/clusters/{cluster}/loggers",
            "listLoggers",
            "The levels of the loggers of the broker that answers",
            SchemaGenerator::subschema_for::<operating::LoggerList>,
            || get(operating::loggers),
        )
    },
    Endpoint {
        method: Method::Put,
        permissions: OPERATE,
        body: Some(SchemaGenerator::subschema_for::<operating::LevelWanted>),
        needs: Needs::Node,
        ..look(
            "/clusters/{cluster}/loggers/{logger}",
            "setLevel",
            "Gives a logger a level, for as long as the broker runs",
            SchemaGenerator::subschema_for::<operating::LevelChange>,
            || routing::put(operating::set_level),
        )
    },
    Endpoint {
        method: Method::Delete,
        permissions: OPERATE,
        needs: Needs::Node,
        ..look(
            "/clusters/{cluster}/loggers/{logger}",
            "resetLevel",
            "Takes a logger's own level away, so that the one of the logger above it holds",
            SchemaGenerator::subschema_for::<operating::LevelChange>,
            || routing::delete(operating::reset_level),
        )
    },
    Endpoint {
        method: Method::Post,
        permissions: OPERATE,
        needs: Needs::Node,
        ..look(
            "/clusters/{cluster}/retention-runs",
            "runRetention",
            "Removes what retention says now, of all topics on the broker that answers",
            SchemaGenerator::subschema_for::<limpid_cluster::RetentionRun>,
            || routing::post(operating::run_retention),
        )
    },
    Endpoint {
        method: Method::Post,
        permissions: OPERATE,
        needs: Needs::Node,
        ..look(
            "/clusters/{cluster}/topics/{topic}/retention-runs",
            "runRetentionOfTopic",
            "Removes what retention says now, of one topic on the broker that answers",
            SchemaGenerator::subschema_for::<limpid_cluster::RetentionRun>,
            || routing::post(operating::run_retention_of_topic),
        )
    },
];

impl Endpoint {
    /// Whether it is there.
    fn is_served(&self, app: &App) -> bool {
        match self.needs {
            Needs::Nothing => true,
            Needs::Records => app.browser.is_some(),
            Needs::Node => app.node.is_some(),
        }
    }

    /// The route, for those who may.
    fn guarded(&self, app: &Arc<App>) -> MethodRouter<Arc<App>> {
        let ask = |route: MethodRouter<Arc<App>>, permission: &Permission| {
            let layer = middleware::from_fn_with_state((Arc::clone(app), *permission), may);
            route.route_layer(layer)
        };
        let route = self.permissions.iter().fold((self.route)(), ask);
        if !self.path.contains("{cluster}") {
            return route;
        }
        route.route_layer(middleware::from_fn_with_state(
            Arc::clone(app),
            known_cluster,
        ))
    }
}

/// Every route.
pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let description: Arc<str> = document::document(app).to_string().into();
    let describe = get(move || {
        let text = description.to_string();
        async move { ([(header::CONTENT_TYPE, "application/json")], text) }
    });
    let mut router = Router::new()
        .route(&format!("{ROOT}/openapi.json"), describe)
        .route(&format!("{ROOT}/{{*rest}}"), routing::any(nothing));
    for endpoint in ENDPOINTS.iter().filter(|e| e.is_served(app)) {
        let path = format!("{ROOT}{}", endpoint.path);
        router = router.route(&path, endpoint.guarded(app));
    }
    router
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(as_json))
}

/// Answers are JSON, whatever else a page could be.
async fn as_json(mut request: Request, next: Next) -> Response {
    let query = Query::parse(request.uri().query()).with(&[("format", "json")]);
    let target = format!("{}{query}", request.uri().path());
    match target.parse() {
        Ok(uri) => *request.uri_mut() = uri,
        Err(_) => return problem(StatusCode::BAD_REQUEST, "the address can't be read"),
    }
    next.run(request).await
}

async fn nothing() -> Response {
    let sentence = "There is nothing at this address; /api/v1/openapi.json tells what is where.";
    problem(StatusCode::NOT_FOUND, sentence)
}

/// What there is instead of an answer.
fn problem(status: StatusCode, sentence: &str) -> Response {
    let json = serde_json::json!({ "error": sentence }).to_string() + "\n";
    (status, [(header::CONTENT_TYPE, "application/json")], json).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_changes_something_needs_more_than_eyes() {
        for endpoint in ENDPOINTS {
            let changes = endpoint.method != Method::Get;
            let operates = endpoint.permissions.contains(&Permission::Operate);
            assert_eq!(changes, operates, "{}", endpoint.name);
            let shows = endpoint.path.ends_with("/messages");
            let reads = endpoint.permissions.contains(&Permission::ReadPayloads);
            assert_eq!(shows, reads, "{}", endpoint.name);
            assert!(!endpoint.permissions.is_empty(), "{}", endpoint.name);
        }
    }
}
