//! Filters of ACLs, as requests to describe and to delete them have them.

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::delete_acls_request::DeleteAclsFilter;
use limpid_protocol::messages::{AccessControlEntryRecord, DescribeAclsRequest};
use limpid_security::acl::{Operation, PatternType, Permission, ResourceKind, WILDCARD};
use limpid_storage::metadata::Refusal;

/// Kafka's number for "any" of something.
const ANY: i8 = 1;
/// Patterns that cover a name, whether they are the name or not.
const MATCH: i8 = 2;

/// An ACL in words, as the audit tells of it.
pub fn acl_words(acl: &AccessControlEntryRecord) -> String {
    let words = |word: Option<&'static str>| word.unwrap_or("unknown");
    format!(
        "{} {} {} of {} {} {} from {}",
        acl.principal,
        words(Permission::of_code(acl.permission_type).map(Permission::as_str)),
        words(Operation::of_code(acl.operation).map(Operation::as_str)),
        words(PatternType::of_code(acl.pattern_type).map(PatternType::as_str)),
        words(ResourceKind::of_code(acl.resource_type).map(ResourceKind::as_str)),
        acl.resource_name,
        acl.host,
    )
}

/// Which ACLs are meant. What is `None` may be anything.
#[derive(Debug)]
pub struct AclFilter {
    kind: Option<ResourceKind>,
    name: Option<String>,
    pattern: Pattern,
    principal: Option<String>,
    host: Option<String>,
    operation: Option<Operation>,
    permission: Option<Permission>,
}

#[derive(Debug)]
enum Pattern {
    Any,
    Covering,
    Is(PatternType),
}

impl AclFilter {
    /// That of a request to describe.
    ///
    /// # Errors
    /// INVALID_REQUEST for a number that stands for nothing.
    pub fn of_describe(request: DescribeAclsRequest) -> Result<Self, Refusal> {
        Ok(Self {
            kind: any_or(request.resource_type_filter, ResourceKind::of_code)?,
            name: request.resource_name_filter,
            pattern: Pattern::of_code(request.pattern_type_filter)?,
            principal: request.principal_filter,
            host: request.host_filter,
            operation: any_or(request.operation, Operation::of_code)?,
            permission: any_or(request.permission_type, Permission::of_code)?,
        })
    }

    /// One of a request to delete.
    ///
    /// # Errors
    /// INVALID_REQUEST for a number that stands for nothing.
    pub fn of_delete(filter: DeleteAclsFilter) -> Result<Self, Refusal> {
        Ok(Self {
            kind: any_or(filter.resource_type_filter, ResourceKind::of_code)?,
            name: filter.resource_name_filter,
            pattern: Pattern::of_code(filter.pattern_type_filter)?,
            principal: filter.principal_filter,
            host: filter.host_filter,
            operation: any_or(filter.operation, Operation::of_code)?,
            permission: any_or(filter.permission_type, Permission::of_code)?,
        })
    }

    /// Whether an ACL is meant.
    pub fn matches(&self, acl: &AccessControlEntryRecord) -> bool {
        fn same<T: PartialEq>(wanted: Option<T>, found: impl FnOnce() -> T) -> bool {
            wanted.is_none_or(|wanted| wanted == found())
        }
        same(self.kind.map(ResourceKind::code), || acl.resource_type)
            && same(self.operation.map(Operation::code), || acl.operation)
            && same(self.permission.map(Permission::code), || {
                acl.permission_type
            })
            && same(self.principal.as_deref(), || &acl.principal)
            && same(self.host.as_deref(), || &acl.host)
            && self.matches_name(acl)
    }

    fn matches_name(&self, acl: &AccessControlEntryRecord) -> bool {
        let exactly = |name: &String| *name == acl.resource_name;
        let is = |pattern: PatternType| acl.pattern_type == pattern.code();
        match (&self.pattern, &self.name) {
            (Pattern::Is(pattern), name) => is(*pattern) && name.as_ref().is_none_or(exactly),
            (Pattern::Any, name) => name.as_ref().is_none_or(exactly),
            (Pattern::Covering, None) => true,
            (Pattern::Covering, Some(name)) if is(PatternType::Prefixed) => {
                name.starts_with(&acl.resource_name)
            }
            (Pattern::Covering, Some(name)) => exactly(name) || acl.resource_name == WILDCARD,
        }
    }
}

impl Pattern {
    fn of_code(code: i8) -> Result<Self, Refusal> {
        match code {
            ANY => Ok(Self::Any),
            MATCH => Ok(Self::Covering),
            code => known(code, PatternType::of_code).map(Self::Is),
        }
    }
}

fn any_or<T>(code: i8, of_code: fn(i8) -> Option<T>) -> Result<Option<T>, Refusal> {
    match code {
        ANY => Ok(None),
        code => known(code, of_code).map(Some),
    }
}

/// What a number of a request stands for.
///
/// # Errors
/// INVALID_REQUEST if it is nothing.
pub fn known<T>(code: i8, of_code: fn(i8) -> Option<T>) -> Result<T, Refusal> {
    of_code(code).ok_or_else(|| {
        let message = format!("{code} stands for nothing in an ACL");
        Refusal::new(ErrorCode::InvalidRequest, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(pattern: PatternType, name: &str) -> AccessControlEntryRecord {
        AccessControlEntryRecord {
            resource_type: ResourceKind::Topic.code(),
            resource_name: name.to_owned(),
            pattern_type: pattern.code(),
            principal: "User:a".to_owned(),
            host: "*".to_owned(),
            operation: Operation::Read.code(),
            permission_type: Permission::Allow.code(),
            ..AccessControlEntryRecord::default()
        }
    }

    fn describe(pattern: i8, name: Option<&str>) -> DescribeAclsRequest {
        DescribeAclsRequest {
            resource_type_filter: ANY,
            resource_name_filter: name.map(str::to_owned),
            pattern_type_filter: pattern,
            principal_filter: None,
            host_filter: None,
            operation: ANY,
            permission_type: ANY,
        }
    }

    fn matches(pattern: i8, name: Option<&str>, acl: &AccessControlEntryRecord) -> bool {
        let filter = AclFilter::of_describe(describe(pattern, name));
        filter.expect("known numbers").matches(acl)
    }

    #[test]
    fn names_and_patterns() {
        let literal = acl(PatternType::Literal, "orders");
        let prefixed = acl(PatternType::Prefixed, "ord");
        let wildcard = acl(PatternType::Literal, "*");
        for one in [&literal, &prefixed, &wildcard] {
            assert!(matches(ANY, None, one) && matches(MATCH, None, one));
            assert!(matches(MATCH, Some("orders"), one));
        }
        assert!(matches(ANY, Some("orders"), &literal) && !matches(ANY, Some("orders"), &prefixed));
        assert!(matches(3, Some("orders"), &literal) && !matches(4, Some("orders"), &literal));
        assert!(matches(4, Some("ord"), &prefixed) && !matches(3, None, &prefixed));
        assert!(matches(3, Some("*"), &wildcard) && !matches(3, Some("orders"), &wildcard));
    }

    #[test]
    fn the_rest_must_be_the_same() {
        let acl = acl(PatternType::Literal, "orders");
        let with = |change: &dyn Fn(&mut DescribeAclsRequest)| {
            let mut request = describe(ANY, None);
            change(&mut request);
            AclFilter::of_describe(request).map(|filter| filter.matches(&acl))
        };
        assert!(with(&|r| r.principal_filter = Some("User:a".into())).expect("known"));
        assert!(!with(&|r| r.principal_filter = Some("User:b".into())).expect("known"));
        assert!(!with(&|r| r.host_filter = Some("1.2.3.4".into())).expect("known"));
        assert!(with(&|r| r.operation = Operation::Read.code()).expect("known"));
        assert!(!with(&|r| r.operation = Operation::All.code()).expect("known"));
        assert!(!with(&|r| r.permission_type = Permission::Deny.code()).expect("known"));
        assert!(!with(&|r| r.resource_type_filter = ResourceKind::Group.code()).expect("known"));
        assert!(with(&|r| r.operation = 0).is_err());
        assert!(with(&|r| r.resource_type_filter = 99).is_err());
    }
}
