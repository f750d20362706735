//! `quorum-state`: which epoch the quorum is in and who leads it.
//!
//! One JSON object. Version 1 belongs to quorums whose voters are in the log (`kraft.version` 1,
//! KIP-853), version 0 to those with `controller.quorum.voters`:
//!
//! ```text
//! {"leaderId":1,"leaderEpoch":3,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}
//! {"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}
//! ```

use std::path::Path;

use limpid_platform::files::{Files, atomic_write};
use limpid_protocol::Uuid;
use serde::{Deserialize, Serialize};

use super::error::MetadataError;

/// The file's name in the metadata log's directory.
pub const QUORUM_STATE: &str = "quorum-state";

const MAX_BYTES: u64 = 1 << 20;

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumState {
    /// The leader of the epoch; −1 when not known.
    pub leader_id: i32,
    /// The epoch.
    pub leader_epoch: i32,
    /// The voters, only in version 0; `None` in version 1, where the log says it.
    pub voters: Option<Vec<i32>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_id: Option<String>,
    leader_id: i32,
    leader_epoch: i32,
    voted_id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    voted_directory_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied_offset: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_voters: Option<Vec<JsonVoter>>,
    #[serde(rename = "data_version")]
    data_version: i16,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonVoter {
    voter_id: i32,
}

impl QuorumState {
    /// Reads the file in the metadata log's directory; `None` when it isn't there.
    ///
    /// # Errors
    /// [`MetadataError::Corrupt`] or [`MetadataError::Io`], naming the file.
    pub fn read(files: &dyn Files, log_dir: &Path) -> Result<Option<Self>, MetadataError> {
        let path = log_dir.join(QUORUM_STATE);
        if !files
            .exists(&path)
            .map_err(MetadataError::io("look for", &path))?
        {
            return Ok(None);
        }
        let bytes = files
            .read_small(&path, MAX_BYTES)
            .map_err(MetadataError::io("read", &path))?;
        let json: Json = serde_json::from_slice(&bytes)
            .map_err(|e| MetadataError::corrupt(&path, e.to_string()))?;
        if !(0..=1).contains(&json.data_version) {
            let reason = format!("data_version {} is not known", json.data_version);
            return Err(MetadataError::corrupt(&path, reason));
        }
        if json.leader_epoch < 0 {
            let reason = format!("leaderEpoch {} is negative", json.leader_epoch);
            return Err(MetadataError::corrupt(&path, reason));
        }
        Ok(Some(Self {
            leader_id: json.leader_id,
            leader_epoch: json.leader_epoch,
            voters: json
                .current_voters
                .map(|voters| voters.into_iter().map(|voter| voter.voter_id).collect()),
        }))
    }

    /// Replaces the file durably.
    ///
    /// # Errors
    /// [`MetadataError::Io`].
    pub fn write(&self, files: &dyn Files, log_dir: &Path) -> Result<(), MetadataError> {
        let path = log_dir.join(QUORUM_STATE);
        let in_log = self.voters.is_none();
        let json = Json {
            cluster_id: (!in_log).then(String::new),
            leader_id: self.leader_id,
            leader_epoch: self.leader_epoch,
            voted_id: -1,
            voted_directory_id: in_log.then(|| Uuid::ZERO.to_string()),
            applied_offset: (!in_log).then_some(0),
            current_voters: self
                .voters
                .as_ref()
                .map(|ids| ids.iter().map(|id| JsonVoter { voter_id: *id }).collect()),
            data_version: i16::from(in_log),
        };
        let text =
            serde_json::to_vec(&json).map_err(|e| MetadataError::corrupt(&path, e.to_string()))?;
        atomic_write(files, &path, &text).map_err(MetadataError::io("write", &path))
    }
}
