//! DescribeUserScramCredentials, key 50, version 0 (KIP-554).
//!
//! - Tells mechanisms and iterations of users, nothing that helps to log in. No users named means
//!   all of them.
//! - A user that isn't there is RESOURCE_NOT_FOUND, one named twice DUPLICATE_RESOURCE.

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_protocol::messages::DescribeUserScramCredentialsRequest;
use limpid_protocol::messages::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResponse, DescribeUserScramCredentialsResult,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::Operation;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

/// Answers DescribeUserScramCredentials.
pub struct DescribeUserScramCredentials {
    metadata: Arc<Metadata>,
}

impl DescribeUserScramCredentials {
    /// `metadata` has the users.
    pub fn new(metadata: Arc<Metadata>) -> Self {
        Self { metadata }
    }
}

impl Answer for DescribeUserScramCredentials {
    type Request = DescribeUserScramCredentialsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DescribeUserScramCredentials, 0, 0);

    async fn answer(
        &self,
        request: DescribeUserScramCredentialsRequest,
        call: &mut Call<'_>,
    ) -> DescribeUserScramCredentialsResponse {
        if !call.may_on_cluster(Operation::Describe) {
            return DescribeUserScramCredentialsResponse {
                error_code: call.note(ErrorCode::ClusterAuthorizationFailed),
                ..DescribeUserScramCredentialsResponse::default()
            };
        }
        let image = self.metadata.image();
        let mut known: BTreeMap<&str, Vec<CredentialInfo>> = BTreeMap::new();
        for credential in image.scram_credentials() {
            let info = CredentialInfo {
                mechanism: credential.mechanism,
                iterations: credential.iterations,
            };
            known.entry(&credential.name).or_default().push(info);
        }
        // How often each is asked for.
        let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
        match request.users.as_deref() {
            None | Some([]) => wanted.extend(known.keys().map(|name| (*name, 1))),
            Some(users) => {
                for user in users {
                    *wanted.entry(&user.name).or_default() += 1;
                }
            }
        }
        let mut results = Vec::with_capacity(wanted.len());
        for (name, times) in wanted {
            let (error, message, credential_infos) = match known.get(name) {
                _ if times > 1 => {
                    let message = format!("the user {name} is asked for twice");
                    (ErrorCode::DuplicateResource, Some(message), Vec::new())
                }
                Some(infos) => (ErrorCode::None, None, infos.clone()),
                None => {
                    let message = format!("the user {name} has no SCRAM credentials");
                    (ErrorCode::ResourceNotFound, Some(message), Vec::new())
                }
            };
            results.push(DescribeUserScramCredentialsResult {
                user: name.to_owned(),
                error_code: call.note(error),
                error_message: message,
                credential_infos,
            });
        }
        DescribeUserScramCredentialsResponse {
            results,
            ..DescribeUserScramCredentialsResponse::default()
        }
    }
}
