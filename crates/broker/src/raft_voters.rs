//! Who votes in the quorum of the metadata log, for the requests that would change it.

use std::sync::Arc;

use limpid_protocol::{ErrorCode, Uuid};
use limpid_storage::metadata::{KRAFT_VERSION, Refusal};

use crate::access::Operation;
use crate::handler::Call;
use crate::metadata::Metadata;

/// A voter: a node with a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// `node.id`.
    pub id: i32,
    /// `directory.id`.
    pub directory: Uuid,
}

/// The voters there are.
pub struct Voters {
    metadata: Arc<Metadata>,
    cluster_id: String,
}

impl Voters {
    /// `metadata` has them.
    pub fn new(metadata: Arc<Metadata>, cluster_id: String) -> Self {
        Self {
            metadata,
            cluster_id,
        }
    }

    /// Those that the metadata log names.
    pub fn all(&self) -> Vec<Key> {
        let key = |voter: &limpid_protocol::messages::voters_record::Voter| Key {
            id: voter.voter_id,
            directory: voter.voter_directory_id,
        };
        self.metadata.image().voters().iter().map(key).collect()
    }

    /// Whether a request about this voter may be asked and can be understood.
    ///
    /// # Errors
    /// CLUSTER_AUTHORIZATION_FAILED, INCONSISTENT_CLUSTER_ID, INVALID_REQUEST.
    pub fn check(&self, call: &Call<'_>, cluster: Option<&str>, key: Key) -> Result<(), Refusal> {
        if !call.may_on_cluster(Operation::Alter) {
            let code = ErrorCode::ClusterAuthorizationFailed;
            return Err(Refusal::new(code, code.message()));
        }
        if cluster.is_some_and(|id| id != self.cluster_id) {
            let code = ErrorCode::InconsistentClusterId;
            return Err(Refusal::new(code, code.message()));
        }
        if key.id < 0 || key.directory == Uuid::ZERO {
            let message = "a voter has an id and the id of a directory";
            return Err(Refusal::new(ErrorCode::InvalidRequest, message));
        }
        Ok(())
    }

    /// Whether the voters are in the log, where they could be changed.
    ///
    /// # Errors
    /// UNSUPPORTED_VERSION.
    pub fn check_level(&self) -> Result<(), Refusal> {
        let level = self.metadata.image().feature(KRAFT_VERSION);
        if level > 0 {
            return Ok(());
        }
        let message = format!("{KRAFT_VERSION} is {level}: the voters are configured");
        Err(Refusal::new(ErrorCode::UnsupportedVersion, message))
    }
}
