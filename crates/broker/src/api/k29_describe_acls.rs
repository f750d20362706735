//! DescribeAcls, key 29, versions 1–3.
//!
//! - Without an authorizer SECURITY_DISABLED. To see ACLs one must be allowed to describe the
//!   cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_protocol::messages::DescribeAclsRequest;
use limpid_protocol::messages::describe_acls_response::{
    AclDescription, DescribeAclsResource, DescribeAclsResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::Refusal;

use crate::access::Operation;
use crate::acl_filter::AclFilter;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

/// Answers DescribeAcls.
pub struct DescribeAcls {
    metadata: Arc<Metadata>,
}

impl DescribeAcls {
    /// `metadata` has the ACLs.
    pub fn new(metadata: Arc<Metadata>) -> Self {
        Self { metadata }
    }

    fn find(
        &self,
        request: DescribeAclsRequest,
        call: &Call<'_>,
    ) -> Result<Vec<DescribeAclsResource>, Refusal> {
        may_handle_acls(call, Operation::Describe)?;
        let filter = AclFilter::of_describe(request)?;
        let image = self.metadata.image();
        let mut resources: BTreeMap<(i8, i8, &str), Vec<AclDescription>> = BTreeMap::new();
        for acl in image.acls().filter(|acl| filter.matches(acl)) {
            let resource = (
                acl.resource_type,
                acl.pattern_type,
                acl.resource_name.as_str(),
            );
            resources.entry(resource).or_default().push(AclDescription {
                principal: acl.principal.clone(),
                host: acl.host.clone(),
                operation: acl.operation,
                permission_type: acl.permission_type,
            });
        }
        let described = |((kind, pattern, name), acls): ((i8, i8, &str), _)| DescribeAclsResource {
            resource_type: kind,
            resource_name: name.to_owned(),
            pattern_type: pattern,
            acls,
        };
        Ok(resources.into_iter().map(described).collect())
    }
}

impl Answer for DescribeAcls {
    type Request = DescribeAclsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DescribeAcls, 1, 3);

    async fn answer(
        &self,
        request: DescribeAclsRequest,
        call: &mut Call<'_>,
    ) -> DescribeAclsResponse {
        match self.find(request, call) {
            Ok(resources) => DescribeAclsResponse {
                resources,
                ..DescribeAclsResponse::default()
            },
            Err(refusal) => DescribeAclsResponse {
                error_code: call.note(refusal.code),
                error_message: Some(refusal.message),
                ..DescribeAclsResponse::default()
            },
        }
    }
}

/// Whether there are ACLs, and the client may see or change them.
///
/// # Errors
/// SECURITY_DISABLED, CLUSTER_AUTHORIZATION_FAILED.
pub fn may_handle_acls(call: &Call<'_>, operation: Operation) -> Result<(), Refusal> {
    if !call.access.is_enforced() {
        let message = "no authorizer is configured (authorizer.class.name)";
        return Err(Refusal::new(ErrorCode::SecurityDisabled, message));
    }
    if !call.may_on_cluster(operation) {
        let code = ErrorCode::ClusterAuthorizationFailed;
        return Err(Refusal::new(code, code.message()));
    }
    Ok(())
}
