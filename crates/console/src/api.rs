//! `/api/v1`: what the pages tell, and what can be done, for programs.
//!
//! [`ENDPOINTS`] is the one table: routes, permissions and the OpenAPI description are made of it. A
//! resource is the struct that its page is rendered from, so neither can tell another number.

mod changing;
mod document;
mod endpoint;
mod operating;
mod resources;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{self, get};
use limpid_cluster::AdminError;
use schemars::SchemaGenerator;

use crate::app::App;
use crate::listing::Query;
use crate::{client, clients, group, groups, messages, overview, pages, topic, topics};

use self::endpoint::{
    ADMINISTER, Endpoint, FILTER, Method, Needs, OPERATE, ORDER, PAGE, READ, look, number, text,
};

/// What precedes every path of the table.
pub(crate) const ROOT: &str = "/api/v1";
/// Largest body of a request.
const BODY_BYTES_MAX: usize = 16 << 10;

/// Every address but the description's own.
const ENDPOINTS: &[Endpoint] = &[
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
        query: &[FILTER, ORDER, PAGE],
        ..look(
            "/clusters/{cluster}/clients",
            "listClients",
            "Clients as the broker sees them, the busiest first",
            SchemaGenerator::subschema_for::<clients::Clients>,
            || get(pages::clients),
        )
    },
    Endpoint {
        query: &[text("id", "the client id")],
        ..look(
            "/clusters/{cluster}/clients/by-id",
            "getClientById",
            "A client whose id does not fit a path",
            SchemaGenerator::subschema_for::<client::ClientPage>,
            || get(pages::client_by_id),
        )
    },
    look(
        "/clusters/{cluster}/clients/{client}",
        "getClient",
        "A client: what the broker sees of it, and what it tells of itself",
        SchemaGenerator::subschema_for::<client::ClientPage>,
        || get(pages::client),
    ),
    Endpoint {
        method: Method::Put,
        permissions: ADMINISTER,
        body: Some(SchemaGenerator::subschema_for::<changing::TopicWanted>),
        needs: Needs::Admins,
        ..look(
            "/clusters/{cluster}/topics/{topic}",
            "createTopic",
            "Makes a topic; one that is there is no answer but an error",
            SchemaGenerator::subschema_for::<changing::Done>,
            || routing::put(changing::create_topic),
        )
    },
    Endpoint {
        method: Method::Delete,
        permissions: ADMINISTER,
        needs: Needs::Admins,
        ..look(
            "/clusters/{cluster}/topics/{topic}",
            "deleteTopic",
            "Deletes a topic with all of its records, for good",
            SchemaGenerator::subschema_for::<changing::Done>,
            || routing::delete(changing::delete_topic),
        )
    },
    Endpoint {
        method: Method::Patch,
        permissions: ADMINISTER,
        body: Some(SchemaGenerator::subschema_for::<changing::SettingsWanted>),
        needs: Needs::Admins,
        ..look(
            "/clusters/{cluster}/topics/{topic}/config",
            "alterTopic",
            "Gives a topic settings of its own, or takes them away: all that are named or none",
            SchemaGenerator::subschema_for::<changing::Done>,
            || routing::patch(changing::alter_topic),
        )
    },
    Endpoint {
        method: Method::Put,
        permissions: OPERATE,
        body: Some(SchemaGenerator::subschema_for::<changing::OffsetsWanted>),
        needs: Needs::Admins,
        ..look(
            "/clusters/{cluster}/groups/{group}/offsets",
            "resetOffsets",
            "Moves offsets of a group that has no members",
            SchemaGenerator::subschema_for::<changing::OffsetsMoved>,
            || routing::put(changing::reset_offsets),
        )
    },
    Endpoint {
        method: Method::Delete,
        permissions: ADMINISTER,
        needs: Needs::Admins,
        ..look(
            "/clusters/{cluster}/groups/{group}",
            "deleteGroup",
            "Deletes a group that has no members, with its offsets",
            SchemaGenerator::subschema_for::<changing::Done>,
            || routing::delete(changing::delete_group),
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

/// What was asked for can't be done.
fn refused(error: &AdminError) -> Response {
    let status = match error {
        AdminError::NotFound(_) => StatusCode::NOT_FOUND,
        AdminError::Refused(_) => StatusCode::BAD_REQUEST,
        AdminError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    problem(status, &error.to_string())
}

/// What there is instead of an answer.
fn problem(status: StatusCode, sentence: &str) -> Response {
    let json = serde_json::json!({ "error": sentence }).to_string() + "\n";
    (status, [(header::CONTENT_TYPE, "application/json")], json).into_response()
}

#[cfg(test)]
mod tests {
    use limpid_access::Permission;

    use super::*;

    #[test]
    fn whoever_changes_something_needs_more_than_eyes() {
        for endpoint in ENDPOINTS {
            let changes = endpoint.method != Method::Get;
            let more = [Permission::Operate, Permission::Administer];
            let needs_more = endpoint.permissions.iter().any(|p| more.contains(p));
            assert_eq!(changes, needs_more, "{}", endpoint.name);
            let shows = endpoint.path.ends_with("/messages");
            let reads = endpoint.permissions.contains(&Permission::ReadPayloads);
            assert_eq!(shows, reads, "{}", endpoint.name);
            assert!(!endpoint.permissions.is_empty(), "{}", endpoint.name);
        }
    }
}
