//! What can be done to topics and groups.
//!
//! The visitor's role is asked by the route; after that the cluster decides as over any client of that
//! name ([`limpid_cluster::ClusterAdmins`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use limpid_access::Visitor;
use limpid_cluster::{AdminError, ClusterAdmin, ClusterSnapshot, NewTopic, OffsetReset};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{problem, refused};
use crate::app::App;
use crate::visit::by;

/// A topic to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TopicWanted {
    /// Number of partitions; `num.partitions` without it.
    partitions: Option<i32>,
    /// Replication factor; `default.replication.factor` without it.
    replication_factor: Option<i16>,
    /// Settings of its own.
    #[serde(default)]
    config: BTreeMap<String, String>,
}

/// Settings to be altered.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsWanted {
    /// By name; `null` takes the topic's own away, so that the broker's holds.
    config: BTreeMap<String, Option<String>>,
}

/// Offsets to be moved.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OffsetsWanted {
    /// One for each partition; others stay as they are.
    offsets: Vec<OffsetWanted>,
}

/// Where a group is to go on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OffsetWanted {
    topic: String,
    partition: i32,
    /// The next offset to be read, no smaller than the first and no larger than the end.
    offset: i64,
}

/// Something was done.
#[derive(Serialize, JsonSchema)]
pub(super) struct Done {
    /// `created`, `altered` or `deleted`.
    done: &'static str,
    /// To what.
    name: String,
}

/// Offsets were moved.
#[derive(Serialize, JsonSchema)]
pub(super) struct OffsetsMoved {
    group: String,
    offsets: Vec<OffsetMoved>,
}

/// The offset of one partition was.
#[derive(Serialize, JsonSchema)]
struct OffsetMoved {
    topic: String,
    partition: i32,
    /// As the newest snapshot had it; `null` if nothing was committed.
    before: Option<i64>,
    after: i64,
}

/// `PUT …/topics/{topic}`.
pub(super) async fn create_topic(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path((_, name)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let wanted: TopicWanted = match wanted(&body, r#"{"partitions": 3, "config": {}}"#) {
        Ok(wanted) => wanted,
        Err(refused) => return *refused,
    };
    let topic = NewTopic {
        name: name.clone(),
        partitions: wanted.partitions.unwrap_or(-1),
        replication_factor: wanted.replication_factor.unwrap_or(-1),
        configs: wanted.config.into_iter().collect(),
    };
    let admin = match admin(&app, &visitor) {
        Ok(admin) => admin,
        Err(refused) => return *refused,
    };
    told("created", name, admin.create_topic(topic).await)
}

/// `DELETE …/topics/{topic}`.
pub(super) async fn delete_topic(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path((_, name)): Path<(String, String)>,
) -> Response {
    let admin = match admin(&app, &visitor) {
        Ok(admin) => admin,
        Err(refused) => return *refused,
    };
    let done = admin.delete_topic(&name).await;
    told("deleted", name, done)
}

/// `PATCH …/topics/{topic}/config`.
pub(super) async fn alter_topic(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path((_, name)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let wanted: SettingsWanted = match wanted(&body, r#"{"config": {"retention.ms": "60000"}}"#) {
        Ok(wanted) => wanted,
        Err(refused) => return *refused,
    };
    let admin = match admin(&app, &visitor) {
        Ok(admin) => admin,
        Err(refused) => return *refused,
    };
    let settings = wanted.config.into_iter().collect();
    let done = admin.alter_topic(&name, settings).await;
    told("altered", name, done)
}

/// `DELETE …/groups/{group}`.
pub(super) async fn delete_group(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    let admin = match admin(&app, &visitor) {
        Ok(admin) => admin,
        Err(refused) => return *refused,
    };
    let done = admin.delete_group(&id).await;
    told("deleted", id, done)
}

/// `PUT …/groups/{group}/offsets`.
pub(super) async fn reset_offsets(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path((_, group)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let example = r#"{"offsets": [{"topic": "orders", "partition": 0, "offset": 7}]}"#;
    let wanted: OffsetsWanted = match wanted(&body, example) {
        Ok(wanted) => wanted,
        Err(refused) => return *refused,
    };
    let moved = match moves(&app.source.snapshot(), &group, wanted) {
        Ok(moved) => moved,
        Err(error) => return refused(&error),
    };
    let admin = match admin(&app, &visitor) {
        Ok(admin) => admin,
        Err(refused) => return *refused,
    };
    let to = moved.iter().map(|moved| OffsetReset {
        topic: moved.topic.clone(),
        partition: moved.partition,
        offset: moved.after,
    });
    match admin.reset_offsets(&group, to.collect()).await {
        Ok(()) => Json(OffsetsMoved {
            group,
            offsets: moved,
        })
        .into_response(),
        Err(error) => refused(&error),
    }
}

/// What becomes of the offsets, if all of it makes sense: a slip of the pen would make a group, or send
/// it to where nothing is.
fn moves(
    snapshot: &ClusterSnapshot,
    group: &str,
    wanted: OffsetsWanted,
) -> Result<Vec<OffsetMoved>, AdminError> {
    let known = snapshot.group(group);
    let known =
        known.ok_or_else(|| AdminError::NotFound(format!("there is no group named {group}")))?;
    if wanted.offsets.is_empty() {
        return Err(AdminError::Refused("no offset is named".to_owned()));
    }
    let moved = wanted.offsets.into_iter().map(|to| {
        let place = format!("{}-{}", to.topic, to.partition);
        let topic = snapshot.topic(&to.topic);
        let mut partitions = topic.into_iter().flat_map(|topic| &topic.partitions);
        let partition = partitions.find(|p| p.index == to.partition);
        let partition =
            partition.ok_or_else(|| AdminError::NotFound(format!("there is no {place}")))?;
        let (first, end) = (partition.log_start_offset, partition.high_watermark);
        if !(first..=end).contains(&to.offset) {
            let why = format!(
                "{place} begins at {first} and ends at {end}, so {} is not in it",
                to.offset
            );
            return Err(AdminError::Refused(why));
        }
        Ok(OffsetMoved {
            before: known.committed(&to.topic, to.partition),
            topic: to.topic,
            partition: to.partition,
            after: to.offset,
        })
    });
    moved.collect()
}

fn wanted<T: DeserializeOwned>(body: &[u8], example: &str) -> Result<T, Box<Response>> {
    serde_json::from_slice(body).map_err(|error| {
        let sentence = format!("the body must be like {example}: {error}");
        Box::new(problem(StatusCode::BAD_REQUEST, &sentence))
    })
}

fn admin(app: &App, visitor: &Visitor) -> Result<Box<dyn ClusterAdmin>, Box<Response>> {
    let admins = app.admins.as_ref().ok_or_else(|| {
        let sentence = "The cluster can't be changed from here.";
        Box::new(problem(StatusCode::NOT_FOUND, sentence))
    })?;
    Ok(admins.acting_for(&by(visitor)))
}

fn told(done: &'static str, name: String, result: Result<(), AdminError>) -> Response {
    match result {
        Ok(()) => Json(Done { done, name }).into_response(),
        Err(error) => refused(&error),
    }
}
