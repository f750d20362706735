//! Cases of logins, ACLs and SCRAM users, on a listener without logins and a broker without an
//! authorizer. What is told where there are some, is in the tests of real clients.

use bytes::Bytes;
use limpid_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use limpid_protocol::messages::create_acls_request::AclCreation;
use limpid_protocol::messages::delete_acls_request::DeleteAclsFilter;
use limpid_protocol::messages::describe_user_scram_credentials_request::UserName;
use limpid_protocol::messages::{
    AlterUserScramCredentialsRequest, CreateAclsRequest, CreateDelegationTokenRequest,
    DeleteAclsRequest, DescribeAclsRequest, DescribeDelegationTokenRequest,
    DescribeUserScramCredentialsRequest, ExpireDelegationTokenRequest, RenewDelegationTokenRequest,
    SaslAuthenticateRequest, SaslHandshakeRequest,
};

use super::case::{Case, case};

/// Codes of `ResourceType`, `PatternType`, `AclOperation` and `AclPermissionType`.
const TOPIC: i8 = 2;
const LITERAL: i8 = 3;
const READ: i8 = 3;
const ALLOW: i8 = 3;
const SCRAM_SHA_256: i8 = 1;

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    logins(all);
    acls(all);
    users(all);
    tokens(all);
}

/// Of tokens nobody may ask who is not logged in.
fn tokens(all: &mut Vec<Case>) {
    all.push(case("for oneself", |_, _| {
        CreateDelegationTokenRequest::default()
    }));
    all.push(case("for another", |_, _| CreateDelegationTokenRequest {
        owner_principal_type: Some("User".to_owned()),
        owner_principal_name: Some("u".to_owned()),
        ..CreateDelegationTokenRequest::default()
    }));
    all.push(case("without a login", |_, _| {
        RenewDelegationTokenRequest {
            hmac: Bytes::from_static(b"token"),
            renew_period_ms: 1,
        }
    }));
    all.push(case("without a login", |_, _| {
        ExpireDelegationTokenRequest {
            hmac: Bytes::from_static(b"token"),
            expiry_time_period_ms: 1,
        }
    }));
    all.push(case("without a login", |_, _| {
        DescribeDelegationTokenRequest { owners: None }
    }));
}

fn logins(all: &mut Vec<Case>) {
    for (name, mechanism) in [("where nobody logs in", "PLAIN"), ("unknown", "NONE")] {
        all.push(case(name, move |_, _| SaslHandshakeRequest {
            mechanism: mechanism.to_owned(),
        }));
    }
    all.push(case("where nobody logs in", |_, _| {
        SaslAuthenticateRequest {
            auth_bytes: Bytes::from_static(b"\0user\0password"),
        }
    }));
}

fn acls(all: &mut Vec<Case>) {
    all.push(case("without an authorizer", |_, _| DescribeAclsRequest {
        resource_type_filter: TOPIC,
        resource_name_filter: Some("t".to_owned()),
        pattern_type_filter: LITERAL,
        operation: READ,
        permission_type: ALLOW,
        ..DescribeAclsRequest::default()
    }));
    all.push(case("without an authorizer", |_, _| CreateAclsRequest {
        creations: vec![AclCreation {
            resource_type: TOPIC,
            resource_name: "t".to_owned(),
            resource_pattern_type: LITERAL,
            principal: "User:u".to_owned(),
            host: "*".to_owned(),
            operation: READ,
            permission_type: ALLOW,
        }],
    }));
    all.push(case("without an authorizer", |_, _| DeleteAclsRequest {
        filters: vec![DeleteAclsFilter {
            resource_type_filter: TOPIC,
            resource_name_filter: Some("t".to_owned()),
            pattern_type_filter: LITERAL,
            operation: READ,
            permission_type: ALLOW,
            ..DeleteAclsFilter::default()
        }],
    }));
}

fn users(all: &mut Vec<Case>) {
    let of = |users: Option<&[&str]>| {
        let user = |name: &&str| UserName {
            name: (*name).to_owned(),
        };
        DescribeUserScramCredentialsRequest {
            users: users.map(|users| users.iter().map(user).collect()),
        }
    };
    all.push(case("everybody", move |_, _| of(None)));
    all.push(case("somebody unknown", move |_, _| of(Some(&["nobody"]))));
    all.push(case("somebody twice", move |_, _| of(Some(&["a", "a"]))));
    all.push(case("taken back from nobody", |_, _| {
        AlterUserScramCredentialsRequest {
            deletions: vec![ScramCredentialDeletion {
                name: "nobody".to_owned(),
                mechanism: SCRAM_SHA_256,
            }],
            upsertions: Vec::new(),
        }
    }));
    for (name, mechanism, iterations) in [
        ("given", SCRAM_SHA_256, 8_192),
        ("with few iterations", SCRAM_SHA_256, 1),
        ("of an unknown mechanism", 9, 8_192),
    ] {
        all.push(case(name, move |_, _| AlterUserScramCredentialsRequest {
            deletions: Vec::new(),
            upsertions: vec![ScramCredentialUpsertion {
                name: "user".to_owned(),
                mechanism,
                iterations,
                salt: Bytes::from_static(b"salt"),
                salted_password: Bytes::from_static(b"salted"),
            }],
        }));
    }
}
