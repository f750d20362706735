//! AlterClientQuotas, key 49, versions 0–1 (KIP-546).
//!
//! - Users, client ids and both together have byte rates, a share of request time and a rate of
//!   changes; addresses have a rate of new connections. No name is the default.
//! - Each entity has an answer of its own; one that is named twice is answered once, with an error,
//!   but what was said of it first holds, as in Kafka.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use limpid_protocol::messages::alter_client_quotas_request::OpData;
use limpid_protocol::messages::alter_client_quotas_response::{
    AlterClientQuotasResponse, EntityData, EntryData,
};
use limpid_protocol::messages::{AlterClientQuotasRequest, ClientQuotaRecord, client_quota_record};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::{Image, MetadataRecord, Refusal};
use parking_lot::Mutex;

use crate::access::Operation;
use crate::audit::changes::Change;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::quotas::rules::{CLIENT_ID, CONNECTION_RATE, IP, QuotaKind, USER, address};

/// Most records of one request, as in Kafka.
const RECORDS_MAX: usize = 10_000;
/// How far from a whole number a value may be that must be whole.
const WHOLE: f64 = 1e-6;

/// Type and name of each part; no name is the default.
type Entity = BTreeMap<String, Option<String>>;
/// What becomes of each entity.
type Outcomes = BTreeMap<Entity, Result<(), Refusal>>;

/// Answers AlterClientQuotas.
pub struct AlterClientQuotas {
    metadata: Arc<Metadata>,
}

impl AlterClientQuotas {
    /// `metadata` has the quotas.
    pub fn new(metadata: Arc<Metadata>) -> Self {
        Self { metadata }
    }

    async fn alter(&self, wishes: Vec<Wish>, dry: bool) -> Outcomes {
        if dry {
            return plan(&self.metadata.image(), &wishes).map_or_else(
                |refusal| all_refused(&wishes, &refusal),
                |(_, outcomes)| outcomes,
            );
        }
        let wishes = Arc::new(wishes);
        let outcomes: Arc<Mutex<Outcomes>> = Arc::default();
        let (planned, found) = (Arc::clone(&wishes), Arc::clone(&outcomes));
        let change = move |image: &Image| {
            let (records, outcomes) = plan(image, &planned)?;
            *found.lock() = outcomes;
            Ok(records)
        };
        match self.metadata.change(change).await {
            Ok(_) => std::mem::take(&mut *outcomes.lock()),
            Err(refusal) => all_refused(&wishes, &refusal),
        }
    }
}

impl Answer for AlterClientQuotas {
    type Request = AlterClientQuotasRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::AlterClientQuotas, 0, 1);

    async fn answer(
        &self,
        request: AlterClientQuotasRequest,
        call: &mut Call<'_>,
    ) -> AlterClientQuotasResponse {
        let dry = request.validate_only;
        let wishes: Vec<Wish> = request
            .entries
            .into_iter()
            .map(|entry| Wish {
                entity: entry
                    .entity
                    .into_iter()
                    .map(|part| (part.entity_type, part.entity_name))
                    .collect(),
                ops: entry.ops,
            })
            .collect();
        let image = self.metadata.image();
        let told: Vec<(Entity, Change)> = wishes.iter().flat_map(|w| changes(&image, w)).collect();
        let outcomes = if call.may_on_cluster(Operation::AlterConfigs) {
            self.alter(wishes, dry).await
        } else {
            let code = ErrorCode::ClusterAuthorizationFailed;
            all_refused(&wishes, &Refusal::new(code, code.message()))
        };
        for (entity, change) in told.into_iter().filter(|_| !dry) {
            let refused = outcomes
                .get(&entity)
                .and_then(|outcome| outcome.as_ref().err());
            let error = refused.map_or(ErrorCode::None, |refusal| refusal.code);
            call.changed(change.ended(error));
        }
        let mut response = AlterClientQuotasResponse::default();
        for (entity, outcome) in outcomes {
            let (error, error_message) = match outcome {
                Ok(()) => (ErrorCode::None, None),
                Err(refusal) => (refusal.code, Some(refusal.message)),
            };
            let part = |(entity_type, entity_name)| EntityData {
                entity_type,
                entity_name,
            };
            response.entries.push(EntryData {
                error_code: call.note(error),
                error_message,
                entity: entity.into_iter().map(part).collect(),
            });
        }
        response
    }
}

/// What is to become of the quotas of one entity.
struct Wish {
    entity: Entity,
    ops: Vec<OpData>,
}

/// What a wish changes, for the audit.
fn changes(image: &Image, wish: &Wish) -> Vec<(Entity, Change)> {
    let part = |(kind, name): (&String, &Option<String>)| {
        format!("{kind}={}", name.as_deref().unwrap_or("<default>"))
    };
    let name = wish.entity.iter().map(part).collect::<Vec<_>>().join(",");
    let change = |op: &OpData| {
        let parts = wish.entity.clone().into_iter().collect();
        let before = image
            .client_quota(parts, &op.key)
            .map(|value| value.to_string());
        let after = (!op.remove).then(|| op.value.to_string());
        let change = Change::new("alter", "quota", &name);
        let change = change.setting(&op.key, before.as_deref(), after.as_deref());
        (wish.entity.clone(), change)
    };
    wish.ops.iter().map(change).collect()
}

fn all_refused(wishes: &[Wish], refusal: &Refusal) -> Outcomes {
    let refused = |wish: &Wish| (wish.entity.clone(), Err(refusal.clone()));
    wishes.iter().map(refused).collect()
}

fn plan(image: &Image, wishes: &[Wish]) -> Result<(Vec<MetadataRecord>, Outcomes), Refusal> {
    let mut records = Vec::new();
    let mut outcomes = Outcomes::new();
    for wish in wishes {
        let outcome = if outcomes.contains_key(&wish.entity) {
            Err(invalid(
                "the entity is altered twice in one request".to_owned(),
            ))
        } else {
            alter_entity(image, wish).map(|altered| records.extend(altered))
        };
        if records.len() > RECORDS_MAX {
            let message = format!("one request may alter at most {RECORDS_MAX} quotas");
            return Err(Refusal::new(ErrorCode::PolicyViolation, message));
        }
        outcomes.insert(wish.entity.clone(), outcome);
    }
    Ok((records, outcomes))
}

fn invalid(message: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, message)
}

fn alter_entity(image: &Image, wish: &Wish) -> Result<Vec<MetadataRecord>, Refusal> {
    let mut keys = BTreeSet::new();
    if let Some(twice) = wish.ops.iter().find(|op| !keys.insert(&op.key)) {
        return Err(invalid(format!("the quota {} is altered twice", twice.key)));
    }
    let allowed = keys_of(&wish.entity)?;
    let mut records = Vec::new();
    for op in &wish.ops {
        let parts = wish.entity.clone().into_iter().collect();
        let current = image.client_quota(parts, &op.key);
        if op.remove {
            if current.is_some() {
                records.push(record(&wish.entity, op));
            }
            continue;
        }
        check_value(&allowed, op)?;
        if current != Some(op.value) {
            records.push(record(&wish.entity, op));
        }
    }
    Ok(records)
}

fn record(entity: &Entity, op: &OpData) -> MetadataRecord {
    let part =
        |(entity_type, entity_name): (&String, &Option<String>)| client_quota_record::EntityData {
            entity_type: entity_type.clone(),
            entity_name: entity_name.clone(),
        };
    ClientQuotaRecord {
        entity: entity.iter().map(part).collect(),
        key: op.key.clone(),
        value: if op.remove { 0.0 } else { op.value },
        remove: op.remove,
    }
    .into()
}

/// The quotas that an entity can have, and the largest value of those that must be whole.
fn keys_of(entity: &Entity) -> Result<Vec<(&'static str, Option<f64>)>, Refusal> {
    if entity.is_empty() {
        return Err(invalid(
            "a quota is of a user, a client id or an address".to_owned(),
        ));
    }
    for (kind, name) in entity {
        if ![USER, CLIENT_ID, IP].contains(&kind.as_str()) {
            return Err(invalid(format!("there are no quotas of a {kind}")));
        }
        if name.as_deref() == Some("") {
            return Err(invalid(format!("the name of a {kind} is empty")));
        }
    }
    let Some(ip) = entity.get(IP) else {
        let whole = |kind: &QuotaKind| match kind {
            QuotaKind::Produce | QuotaKind::Fetch => Some(i64::MAX as f64),
            QuotaKind::Request | QuotaKind::ControllerMutation => None,
        };
        let keys = QuotaKind::ALL.iter();
        return Ok(keys.map(|kind| (kind.key(), whole(kind))).collect());
    };
    if entity.len() > 1 {
        let message = "an address has quotas of its own only, not together with a user or a \
                       client id";
        return Err(invalid(message.to_owned()));
    }
    if let Some(name) = ip
        && address(name).is_none()
    {
        return Err(invalid(format!(
            "{name} is no address; names of hosts are not looked up"
        )));
    }
    Ok(vec![(CONNECTION_RATE, Some(f64::from(i32::MAX)))])
}

fn check_value(allowed: &[(&'static str, Option<f64>)], op: &OpData) -> Result<(), Refusal> {
    let key = &op.key;
    let Some((_, whole_max)) = allowed.iter().find(|(known, _)| known == key) else {
        return Err(invalid(format!("there is no quota {key} for this entity")));
    };
    // Also what is no number at all.
    if op.value.is_nan() || op.value <= 0.0 {
        return Err(invalid(format!("{key} must be above 0")));
    }
    let Some(whole_max) = whole_max else {
        return Ok(());
    };
    if op.value > *whole_max {
        return Err(invalid(format!("{key} may be at most {whole_max}")));
    }
    if (op.value % 1.0).abs() > WHOLE {
        return Err(invalid(format!("{key} must be a whole number")));
    }
    Ok(())
}
