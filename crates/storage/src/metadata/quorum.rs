//! The quorum of the metadata log: who votes, and where that is written down (KIP-853).

use limpid_protocol::Uuid;
use limpid_protocol::messages::{KRaftVersionRecord, VotersRecord, voters_record};

use super::control::Control;

/// Where the node's controller listens: part of its entry among the voters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerEndpoint {
    /// The listener's name, `CONTROLLER` as a rule.
    pub name: String,
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Default for ControllerEndpoint {
    /// What Kafka's own configuration begins with.
    fn default() -> Self {
        Self {
            name: "CONTROLLER".to_owned(),
            host: "localhost".to_owned(),
            port: 9093,
        }
    }
}

/// What the quorum's control records say.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Quorum {
    /// 0: voters are configured; 1: voters are in the log.
    pub(super) kraft_version: i16,
    pub(super) voters: Option<VotersRecord>,
}

impl Quorum {
    pub(super) fn apply(&mut self, control: &Control) {
        match control {
            Control::KRaftVersion(record) => self.kraft_version = record.kraft_version,
            Control::Voters(record) => self.voters = Some(record.clone()),
            _ => {}
        }
    }

    /// The control records that say the same again; none without voters in the log.
    pub(super) fn controls(&self) -> Vec<Control> {
        let Some(voters) = &self.voters else {
            return Vec::new();
        };
        let version = KRaftVersionRecord {
            version: 0,
            kraft_version: self.kraft_version,
        };
        vec![
            Control::KRaftVersion(version),
            Control::Voters(voters.clone()),
        ]
    }
}

/// One node alone votes, with this directory.
pub(super) fn sole_voter(
    node_id: i32,
    directory_id: Uuid,
    controller: &ControllerEndpoint,
) -> Quorum {
    let endpoint = voters_record::Endpoint {
        name: controller.name.clone(),
        host: controller.host.clone(),
        port: controller.port,
    };
    let voter = voters_record::Voter {
        voter_id: node_id,
        voter_directory_id: directory_id,
        endpoints: vec![endpoint],
        kraft_version_feature: voters_record::KRaftVersionFeature {
            min_supported_version: 0,
            max_supported_version: 1,
        },
    };
    Quorum {
        kraft_version: 1,
        voters: Some(VotersRecord {
            version: 0,
            voters: vec![voter],
        }),
    }
}
