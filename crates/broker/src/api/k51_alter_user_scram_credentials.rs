//! AlterUserScramCredentials, key 51, version 0 (KIP-554).
//!
//! - The password never comes here: the client salts and hashes it, the broker keeps what checks
//!   it. 4096 to 16384 iterations, as in Kafka; otherwise UNACCEPTABLE_CREDENTIAL.
//! - Each user has an answer of its own; one that is altered twice in a request is
//!   DUPLICATE_RESOURCE, and deleting what isn't there RESOURCE_NOT_FOUND.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use limpid_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use limpid_protocol::messages::alter_user_scram_credentials_response::{
    AlterUserScramCredentialsResponse, AlterUserScramCredentialsResult,
};
use limpid_protocol::messages::{
    AlterUserScramCredentialsRequest, RemoveUserScramCredentialRecord, UserScramCredentialRecord,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_security::scram::{ITERATIONS_MAX, ITERATIONS_MIN, ScramCredential, ScramHash};
use limpid_storage::metadata::{Image, MetadataRecord, Refusal};
use parking_lot::Mutex;

use crate::access::Operation;
use crate::audit::changes::Change;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

/// What becomes of each user.
type Outcomes = BTreeMap<String, Result<(), Refusal>>;

/// Answers AlterUserScramCredentials.
pub struct AlterUserScramCredentials {
    metadata: Arc<Metadata>,
}

impl AlterUserScramCredentials {
    /// `metadata` has the users.
    pub fn new(metadata: Arc<Metadata>) -> Self {
        Self { metadata }
    }

    /// Makes all changes that can be made, and tells of the others why not.
    async fn alter(&self, request: AlterUserScramCredentialsRequest) -> Outcomes {
        let names: Vec<String> = names(&request).map(str::to_owned).collect();
        let outcomes: Arc<Mutex<Outcomes>> = Arc::default();
        let found = Arc::clone(&outcomes);
        let change = move |image: &Image| {
            let (records, outcomes) = records(image, &request);
            *found.lock() = outcomes;
            Ok(records)
        };
        match self.metadata.change(change).await {
            Ok(_) => std::mem::take(&mut *outcomes.lock()),
            Err(refusal) => {
                let failed = |name| (name, Err(refusal.clone()));
                names.into_iter().map(failed).collect()
            }
        }
    }
}

impl Answer for AlterUserScramCredentials {
    type Request = AlterUserScramCredentialsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::AlterUserScramCredentials, 0, 0);

    async fn answer(
        &self,
        request: AlterUserScramCredentialsRequest,
        call: &mut Call<'_>,
    ) -> AlterUserScramCredentialsResponse {
        let deleted: BTreeSet<String> = request
            .deletions
            .iter()
            .map(|one| one.name.clone())
            .collect();
        let outcomes = if call.may_on_cluster(Operation::Alter) {
            self.alter(request).await
        } else {
            let code = ErrorCode::ClusterAuthorizationFailed;
            let denied = || Refusal::new(code, code.message());
            names(&request)
                .map(|name| (name.to_owned(), Err(denied())))
                .collect()
        };
        let mut response = AlterUserScramCredentialsResponse::default();
        for (user, outcome) in outcomes {
            let (error, error_message) = match outcome {
                Ok(()) => (ErrorCode::None, None),
                Err(refusal) => (refusal.code, Some(refusal.message)),
            };
            let what = if deleted.contains(&user) {
                "delete"
            } else {
                "set"
            };
            call.changed(Change::new(what, "scram credential", &user).ended(error));
            response.results.push(AlterUserScramCredentialsResult {
                user,
                error_code: call.note(error),
                error_message,
            });
        }
        response
    }
}

fn names(request: &AlterUserScramCredentialsRequest) -> impl Iterator<Item = &str> {
    let deleted = request.deletions.iter().map(|one| one.name.as_str());
    deleted.chain(request.upsertions.iter().map(|one| one.name.as_str()))
}

fn records(
    image: &Image,
    request: &AlterUserScramCredentialsRequest,
) -> (Vec<MetadataRecord>, Outcomes) {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names(request) {
        *times.entry(name).or_default() += 1;
    }
    let deletions = request
        .deletions
        .iter()
        .map(|one| (&one.name, deletion(image, one)));
    let upsertions = request
        .upsertions
        .iter()
        .map(|one| (&one.name, upsertion(one)));
    let mut records = Vec::new();
    let mut outcomes = Outcomes::new();
    for (name, made) in deletions.chain(upsertions) {
        let outcome = match made {
            _ if times[name.as_str()] > 1 => {
                let message = "a user may be altered only once in a request";
                Err(Refusal::new(ErrorCode::DuplicateResource, message))
            }
            Ok(record) => {
                records.push(record);
                Ok(())
            }
            Err(refusal) => Err(refusal),
        };
        outcomes.insert(name.clone(), outcome);
    }
    (records, outcomes)
}

fn checked(name: &str, mechanism: i8) -> Result<ScramHash, Refusal> {
    if name.is_empty() {
        let message = "a user needs a name";
        return Err(Refusal::new(ErrorCode::UnacceptableCredential, message));
    }
    ScramHash::of_code(mechanism).ok_or_else(|| {
        let message = format!("{mechanism} is no SCRAM mechanism");
        Refusal::new(ErrorCode::UnsupportedSaslMechanism, message)
    })
}

fn deletion(image: &Image, wanted: &ScramCredentialDeletion) -> Result<MetadataRecord, Refusal> {
    checked(&wanted.name, wanted.mechanism)?;
    if image
        .scram_credential(&wanted.name, wanted.mechanism)
        .is_none()
    {
        let message = "there is no such credential to delete";
        return Err(Refusal::new(ErrorCode::ResourceNotFound, message));
    }
    Ok(RemoveUserScramCredentialRecord {
        name: wanted.name.clone(),
        mechanism: wanted.mechanism,
    }
    .into())
}

fn upsertion(wanted: &ScramCredentialUpsertion) -> Result<MetadataRecord, Refusal> {
    let hash = checked(&wanted.name, wanted.mechanism)?;
    let allowed = ITERATIONS_MIN..=ITERATIONS_MAX;
    let iterations = u32::try_from(wanted.iterations).unwrap_or(0);
    if !allowed.contains(&iterations) {
        let message = format!("iterations must be from {ITERATIONS_MIN} to {ITERATIONS_MAX}");
        return Err(Refusal::new(ErrorCode::UnacceptableCredential, message));
    }
    let salted = &wanted.salted_password;
    let credential = ScramCredential::of_salted(hash, salted, &wanted.salt, iterations);
    Ok(scram_record(&wanted.name, hash, credential))
}

/// What the metadata keep of a user's password.
pub fn scram_record(name: &str, hash: ScramHash, credential: ScramCredential) -> MetadataRecord {
    UserScramCredentialRecord {
        name: name.to_owned(),
        mechanism: hash.code(),
        salt: credential.salt.into(),
        stored_key: credential.stored_key.into(),
        server_key: credential.server_key.into(),
        iterations: i32::try_from(credential.iterations).unwrap_or(i32::MAX),
    }
    .into()
}
