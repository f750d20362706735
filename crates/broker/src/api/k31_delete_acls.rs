//! DeleteAcls, key 31, versions 1–3.
//!
//! - Deletes what each filter matches, all filters together or nothing, and tells what it was.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_protocol::messages::delete_acls_response::{
    DeleteAclsFilterResult, DeleteAclsMatchingAcl, DeleteAclsResponse,
};
use limpid_protocol::messages::{
    AccessControlEntryRecord, DeleteAclsRequest, RemoveAccessControlEntryRecord,
};
use limpid_protocol::{ApiKey, ErrorCode, Uuid};
use limpid_storage::metadata::{Image, MetadataRecord, Refusal};
use parking_lot::Mutex;

use crate::access::Operation;
use crate::acl_filter::{AclFilter, acl_words};
use crate::api::k29_describe_acls::may_handle_acls;
use crate::api::k30_create_acls::CHANGES_MAX;
use crate::audit::changes::Change;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

/// What a filter matched, or why it is none.
type Outcome = Result<Vec<AccessControlEntryRecord>, Refusal>;

/// Answers DeleteAcls.
pub struct DeleteAcls {
    metadata: Arc<Metadata>,
}

impl DeleteAcls {
    /// `metadata` has the ACLs.
    pub fn new(metadata: Arc<Metadata>) -> Self {
        Self { metadata }
    }

    async fn delete(
        &self,
        request: DeleteAclsRequest,
        call: &Call<'_>,
    ) -> Result<Vec<Outcome>, Refusal> {
        may_handle_acls(call, Operation::Alter)?;
        let filters: Vec<_> = request
            .filters
            .into_iter()
            .map(AclFilter::of_delete)
            .collect();
        let outcomes: Arc<Mutex<Vec<Outcome>>> = Arc::default();
        let found = Arc::clone(&outcomes);
        let change = move |image: &Image| {
            let matched: Vec<Outcome> = filters
                .iter()
                .map(|filter| matched(image, filter))
                .collect();
            let records = removals(&matched)?;
            *found.lock() = matched;
            Ok(records)
        };
        self.metadata.change(change).await?;
        Ok(std::mem::take(&mut *outcomes.lock()))
    }
}

impl Answer for DeleteAcls {
    type Request = DeleteAclsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DeleteAcls, 1, 3);

    async fn answer(&self, request: DeleteAclsRequest, call: &mut Call<'_>) -> DeleteAclsResponse {
        let count = request.filters.len();
        let outcomes = match self.delete(request, call).await {
            Ok(outcomes) => outcomes,
            Err(refusal) => vec![Err(refusal); count],
        };
        let mut response = DeleteAclsResponse::default();
        for outcome in outcomes {
            response.filter_results.push(match outcome {
                Ok(acls) => {
                    for acl in &acls {
                        call.changed(Change::new("delete", "acl", &acl_words(acl)));
                    }
                    deleted(acls)
                }
                Err(refusal) => DeleteAclsFilterResult {
                    error_code: call.note(refusal.code),
                    error_message: Some(refusal.message),
                    matching_acls: Vec::new(),
                },
            });
        }
        response
    }
}

/// No error has no message, which is null here and not the empty text of the schema's default.
fn deleted(acls: Vec<AccessControlEntryRecord>) -> DeleteAclsFilterResult {
    DeleteAclsFilterResult {
        error_code: ErrorCode::None.code(),
        error_message: None,
        matching_acls: acls.into_iter().map(wire).collect(),
    }
}

fn matched(image: &Image, filter: &Result<AclFilter, Refusal>) -> Outcome {
    let filter = filter.as_ref().map_err(Clone::clone)?;
    Ok(image
        .acls()
        .filter(|acl| filter.matches(acl))
        .cloned()
        .collect())
}

/// An ACL that several filters match is deleted once.
fn removals(matched: &[Outcome]) -> Result<Vec<MetadataRecord>, Refusal> {
    let acls = matched.iter().flatten().flatten();
    let ids: BTreeSet<Uuid> = acls.map(|acl| acl.id).collect();
    if ids.len() > CHANGES_MAX {
        let message = format!("more than {CHANGES_MAX} ACLs would be deleted at once");
        return Err(Refusal::new(ErrorCode::PolicyViolation, message));
    }
    let removal = |id| RemoveAccessControlEntryRecord { id }.into();
    Ok(ids.into_iter().map(removal).collect())
}

fn wire(acl: AccessControlEntryRecord) -> DeleteAclsMatchingAcl {
    DeleteAclsMatchingAcl {
        error_code: ErrorCode::None.code(),
        error_message: None,
        resource_type: acl.resource_type,
        resource_name: acl.resource_name,
        pattern_type: acl.pattern_type,
        principal: acl.principal,
        host: acl.host,
        operation: acl.operation,
        permission_type: acl.permission_type,
    }
}

#[cfg(test)]
mod tests;
