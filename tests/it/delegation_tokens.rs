//! Delegation tokens, of which there are none: what clients are told who are logged in.

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::create_delegation_token_request::CreatableRenewers;
use limpid_protocol::messages::{
    CreateDelegationTokenRequest, DescribeDelegationTokenRequest, ExpireDelegationTokenRequest,
    RenewDelegationTokenRequest, SaslAuthenticateRequest, SaslHandshakeRequest,
};

use crate::home::{Client, Home};

fn logged_in(home: &Home) -> Client {
    let mut alice = home.client_of("SASL_PLAINTEXT");
    let handshake = SaslHandshakeRequest {
        mechanism: "PLAIN".to_owned(),
    };
    assert_eq!(alice.call(&handshake, 1).error_code, 0);
    let auth_bytes = b"\0alice\0secret".as_slice().into();
    let login = SaslAuthenticateRequest { auth_bytes };
    assert_eq!(alice.call(&login, 2).error_code, 0);
    alice
}

#[test]
fn are_disabled_for_who_is_logged_in_and_not_to_be_asked_for_by_others() {
    let secrets = tempfile::NamedTempFile::new().unwrap();
    let login =
        "org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"secret\";";
    std::fs::write(&secrets, format!("login={login}\n")).unwrap();
    let login = format!(
        "listener.name.sasl_plaintext.plain.sasl.jaas.config=${{file:{}:login}}",
        secrets.path().display()
    );
    let home = Home::with(&[
        "listeners=PLAINTEXT://127.0.0.1:0,SASL_PLAINTEXT://127.0.0.1:0",
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms=PLAIN",
        "config.providers=file",
        "config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider",
        &login,
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users=User:ANONYMOUS",
        "allow.everyone.if.no.acl.found=false",
    ]);
    let disabled = ErrorCode::DelegationTokenAuthDisabled.code();
    let not_allowed = ErrorCode::DelegationTokenRequestNotAllowed.code();
    for (mut client, wanted) in [(logged_in(&home), disabled), (home.client(), not_allowed)] {
        let own = client.call(&CreateDelegationTokenRequest::default(), 3);
        assert_eq!(own.error_code, wanted);
        assert_eq!(own.principal_name, own.token_requester_principal_name);
        for version in 1..3 {
            let own = client.call(&CreateDelegationTokenRequest::default(), version);
            assert_eq!(own.error_code, wanted, "version {version}");
        }
        let renewed = client.call(&RenewDelegationTokenRequest::default(), 2);
        assert_eq!(renewed.error_code, wanted);
        let expired = client.call(&ExpireDelegationTokenRequest::default(), 2);
        assert_eq!(expired.error_code, wanted);
        let told = client.call(&DescribeDelegationTokenRequest::default(), 3);
        assert_eq!((told.error_code, told.tokens.len()), (wanted, 0));
    }
    let mut alice = logged_in(&home);
    let for_bob = CreateDelegationTokenRequest {
        owner_principal_type: Some("User".to_owned()),
        owner_principal_name: Some("bob".to_owned()),
        ..CreateDelegationTokenRequest::default()
    };
    let refused = alice.call(&for_bob, 3);
    let unauthorized = ErrorCode::DelegationTokenAuthorizationFailed.code();
    assert_eq!(refused.error_code, unauthorized);
    assert_eq!(refused.principal_name, "bob");
    assert_eq!(refused.token_requester_principal_name, "alice");
    let by_group = CreateDelegationTokenRequest {
        renewers: vec![CreatableRenewers {
            principal_type: "Group".to_owned(),
            principal_name: "all".to_owned(),
        }],
        ..CreateDelegationTokenRequest::default()
    };
    let refused = alice.call(&by_group, 3);
    assert_eq!(refused.error_code, ErrorCode::InvalidPrincipalType.code());
}
