//! DescribeClientQuotas, key 48, versions 0–1 (KIP-546).
//!
//! - Each component of the filter names a type of entity, and of that type one entity, the default,
//!   or any. `strict` leaves out what has types besides.
//! - One answer for all: a filter that makes no sense is an error of the whole request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use limpid_protocol::messages::DescribeClientQuotasRequest;
use limpid_protocol::messages::describe_client_quotas_response::{
    DescribeClientQuotasResponse, EntityData, EntryData, ValueData,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::{Image, Refusal};

use crate::access::Operation;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::quotas::rules::{CLIENT_ID, IP, USER};

/// The entity of this name.
const EXACT: i8 = 0;
/// The default.
const DEFAULT: i8 = 1;
/// Any entity of the type.
const ANY: i8 = 2;

/// Type and name of each part; no name is the default.
type Entity = BTreeMap<String, Option<String>>;

/// Answers DescribeClientQuotas.
pub struct DescribeClientQuotas {
    metadata: Arc<Metadata>,
}

impl DescribeClientQuotas {
    /// `metadata` has the quotas.
    pub fn new(metadata: Arc<Metadata>) -> Self {
        Self { metadata }
    }
}

impl Answer for DescribeClientQuotas {
    type Request = DescribeClientQuotasRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DescribeClientQuotas, 0, 1);

    async fn answer(
        &self,
        request: DescribeClientQuotasRequest,
        call: &mut Call<'_>,
    ) -> DescribeClientQuotasResponse {
        let filter = if call.may_on_cluster(Operation::DescribeConfigs) {
            Filter::new(&request)
        } else {
            let code = ErrorCode::ClusterAuthorizationFailed;
            Err(Refusal::new(code, code.message()))
        };
        match filter {
            Ok(filter) => DescribeClientQuotasResponse {
                entries: Some(entries(&self.metadata.image(), &filter)),
                ..DescribeClientQuotasResponse::default()
            },
            Err(refusal) => DescribeClientQuotasResponse {
                error_code: call.note(refusal.code),
                error_message: Some(refusal.message),
                entries: None,
                ..DescribeClientQuotasResponse::default()
            },
        }
    }
}

/// What is asked for.
struct Filter {
    /// Of these types, exactly this entity.
    exact: Entity,
    /// Of these types, any.
    any: BTreeSet<String>,
    strict: bool,
}

impl Filter {
    fn new(request: &DescribeClientQuotasRequest) -> Result<Self, Refusal> {
        let invalid = |message: String| Refusal::new(ErrorCode::InvalidRequest, message);
        let mut filter = Self {
            exact: Entity::new(),
            any: BTreeSet::new(),
            strict: request.strict,
        };
        for component in &request.components {
            let kind = component.entity_type.as_str();
            if kind.is_empty() {
                return Err(invalid("the type of an entity is empty".to_owned()));
            }
            if filter.has(kind) {
                return Err(invalid(format!("the filter names the type {kind} twice")));
            }
            if ![USER, CLIENT_ID, IP].contains(&kind) {
                let message = format!("there are no quotas of a {kind}");
                return Err(Refusal::new(ErrorCode::UnsupportedVersion, message));
            }
            let name = component.r#match.clone();
            match (component.match_type, name) {
                (EXACT, Some(name)) => {
                    filter.exact.insert(kind.to_owned(), Some(name));
                }
                (DEFAULT, None) => {
                    filter.exact.insert(kind.to_owned(), None);
                }
                (ANY, None) => {
                    filter.any.insert(kind.to_owned());
                }
                (EXACT, None) => {
                    return Err(invalid(format!("which {kind} is asked for is not said")));
                }
                (DEFAULT | ANY, Some(name)) => {
                    return Err(invalid(format!(
                        "no single {kind} is asked for, but {name} is named"
                    )));
                }
                (unknown, _) => return Err(invalid(format!("{unknown} is no type of match"))),
            }
        }
        if filter.has(IP) && (filter.has(USER) || filter.has(CLIENT_ID)) {
            let message = "an address is asked for alone, not with a user or a client id";
            return Err(invalid(message.to_owned()));
        }
        Ok(filter)
    }

    fn has(&self, kind: &str) -> bool {
        self.exact.contains_key(kind) || self.any.contains(kind)
    }

    fn takes(&self, entity: &Entity) -> bool {
        if self.strict && entity.len() != self.exact.len() + self.any.len() {
            return false;
        }
        let mut exact = self.exact.iter();
        exact.all(|(kind, name)| entity.get(kind) == Some(name))
            && self.any.iter().all(|kind| entity.contains_key(kind))
    }
}

fn entries(image: &Image, filter: &Filter) -> Vec<EntryData> {
    let mut found: BTreeMap<Entity, Vec<ValueData>> = BTreeMap::new();
    for record in image.client_quotas() {
        let parts = record.entity.iter();
        let entity: Entity = parts
            .map(|part| (part.entity_type.clone(), part.entity_name.clone()))
            .collect();
        if filter.takes(&entity) {
            found.entry(entity).or_default().push(ValueData {
                key: record.key.clone(),
                value: record.value,
            });
        }
    }
    let entry = |(entity, values): (Entity, _)| EntryData {
        entity: entity
            .into_iter()
            .map(|(entity_type, entity_name)| EntityData {
                entity_type,
                entity_name,
            })
            .collect(),
        values,
    };
    found.into_iter().map(entry).collect()
}
