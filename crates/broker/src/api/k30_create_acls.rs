//! CreateAcls, key 30, versions 1–3.
//!
//! - Each ACL has an answer of its own; one that is there already is no error. The answer means
//!   that it is durable and in force.

use std::collections::HashSet;
use std::sync::Arc;

use limpid_platform::random::Random;
use limpid_protocol::messages::create_acls_request::AclCreation;
use limpid_protocol::messages::create_acls_response::{AclCreationResult, CreateAclsResponse};
use limpid_protocol::messages::{AccessControlEntryRecord, CreateAclsRequest};
use limpid_protocol::{ApiKey, ErrorCode, Uuid};
use limpid_security::acl::{PatternType, Permission};
use limpid_storage::metadata::{Image, MetadataRecord, Refusal};

use crate::access::{self, CLUSTER_NAME, Operation, ResourceKind};
use crate::acl_filter::{acl_words, known};
use crate::api::k29_describe_acls::may_handle_acls;
use crate::audit::changes::Change;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

/// Most ACLs in one request, as in Kafka.
pub const CHANGES_MAX: usize = 10_000;

/// Answers CreateAcls.
pub struct CreateAcls {
    metadata: Arc<Metadata>,
    random: Arc<dyn Random>,
}

impl CreateAcls {
    /// `random` gives ACLs their ids.
    pub fn new(metadata: Arc<Metadata>, random: Arc<dyn Random>) -> Self {
        Self { metadata, random }
    }

    async fn create(
        &self,
        wanted: Vec<AclCreation>,
        call: &Call<'_>,
    ) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        may_handle_acls(call, Operation::Alter)?;
        if wanted.len() > CHANGES_MAX {
            let message = format!("more than {CHANGES_MAX} ACLs in one request");
            return Err(Refusal::new(ErrorCode::PolicyViolation, message));
        }
        let mut records = Vec::new();
        let mut outcomes = Vec::new();
        for creation in wanted {
            outcomes.push(self.record(creation).map(|record| records.push(record)));
        }
        self.metadata
            .change(move |image| Ok(new_ones(image, records)))
            .await?;
        Ok(outcomes)
    }

    fn record(&self, wanted: AclCreation) -> Result<AccessControlEntryRecord, Refusal> {
        let invalid = |message: &str| Refusal::new(ErrorCode::InvalidRequest, message);
        let kind = known(wanted.resource_type, ResourceKind::of_code)?;
        known(wanted.resource_pattern_type, PatternType::of_code)?;
        known(wanted.operation, Operation::of_code)?;
        known(wanted.permission_type, Permission::of_code)?;
        if wanted.resource_name.is_empty() {
            return Err(invalid("an ACL needs the name of a resource"));
        }
        if kind == ResourceKind::Cluster && wanted.resource_name != CLUSTER_NAME {
            return Err(invalid("the only name of a cluster is kafka-cluster"));
        }
        if limpid_security::Principal::parse(&wanted.principal).is_none() {
            return Err(invalid("a principal is of the form User:name"));
        }
        let id = self.random.bytes16();
        let id = id.map_err(|e| Refusal::new(ErrorCode::UnknownServerError, e.to_string()))?;
        Ok(AccessControlEntryRecord {
            id: Uuid::random_from(id),
            resource_type: wanted.resource_type,
            resource_name: wanted.resource_name,
            pattern_type: wanted.resource_pattern_type,
            principal: wanted.principal,
            host: wanted.host,
            operation: wanted.operation,
            permission_type: wanted.permission_type,
        })
    }
}

impl Answer for CreateAcls {
    type Request = CreateAclsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::CreateAcls, 1, 3);

    async fn answer(&self, request: CreateAclsRequest, call: &mut Call<'_>) -> CreateAclsResponse {
        let count = request.creations.len();
        let wanted: Vec<String> = request.creations.iter().map(words).collect();
        let outcomes = match self.create(request.creations, call).await {
            Ok(outcomes) => outcomes,
            Err(refusal) => vec![Err(refusal); count],
        };
        let mut response = CreateAclsResponse::default();
        for (outcome, acl) in outcomes.into_iter().zip(wanted) {
            let (error, error_message) = match outcome {
                Ok(()) => (ErrorCode::None, None),
                Err(refusal) => (refusal.code, Some(refusal.message)),
            };
            call.changed(Change::new("create", "acl", &acl).ended(error));
            response.results.push(AclCreationResult {
                error_code: call.note(error),
                error_message,
            });
        }
        response
    }
}

/// An ACL as the audit tells of it.
fn words(wanted: &AclCreation) -> String {
    acl_words(&AccessControlEntryRecord {
        resource_type: wanted.resource_type,
        resource_name: wanted.resource_name.clone(),
        pattern_type: wanted.resource_pattern_type,
        principal: wanted.principal.clone(),
        host: wanted.host.clone(),
        operation: wanted.operation,
        permission_type: wanted.permission_type,
        ..AccessControlEntryRecord::default()
    })
}

/// Those that are not there yet, each once.
fn new_ones(image: &Image, wanted: Vec<AccessControlEntryRecord>) -> Vec<MetadataRecord> {
    let mut there: HashSet<_> = image.acls().filter_map(access::rule).collect();
    let mut records = Vec::new();
    for record in wanted {
        if access::rule(&record).is_some_and(|rule| there.insert(rule)) {
            records.push(record.into());
        }
    }
    records
}
