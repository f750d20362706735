//! AlterReplicaLogDirs, key 34, versions 1–2.
//!
//! - A directory that is not in `log.dirs`: LOG_DIR_NOT_FOUND; one that failed: KAFKA_STORAGE_ERROR.
//! - Where the log is already there is nothing to do.
//! - Limpid does not move logs between directories while it runs: where the answer of Kafka would
//!   promise that, the answer is KAFKA_STORAGE_ERROR, and a line in the log says why.

use std::path::Path;
use std::sync::Arc;

use limpid_protocol::messages::AlterReplicaLogDirsRequest;
use limpid_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult, AlterReplicaLogDirsResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::LogManager;

use crate::absolute::absolute;
use crate::access::Operation;
use crate::handler::{Answer, ApiRange, Call};
use crate::topics::Topics;

/// Answers AlterReplicaLogDirs.
pub struct AlterReplicaLogDirs {
    topics: Arc<Topics>,
    logs: Arc<LogManager>,
}

impl AlterReplicaLogDirs {
    /// `logs` know the directories.
    pub fn new(topics: Arc<Topics>, logs: Arc<LogManager>) -> Self {
        Self { topics, logs }
    }

    fn check(&self, topic: &str, index: i32, dir: &Path) -> ErrorCode {
        let dirs = self.logs.dirs();
        let Some(wanted) = dirs.iter().find(|known| absolute(&known.path) == dir) else {
            return ErrorCode::LogDirNotFound;
        };
        if !wanted.online {
            return ErrorCode::KafkaStorageError;
        }
        let table = self.topics.table();
        let Some(known) = table.named(topic) else {
            return ErrorCode::UnknownTopicOrPartition;
        };
        let Some(partition) = known.partition(index) else {
            return match known.missing(index) {
                ErrorCode::NotLeaderOrFollower => ErrorCode::ReplicaNotAvailable,
                error => error,
            };
        };
        if partition.log.dir() == wanted.path {
            return ErrorCode::None;
        }
        tracing::warn!(topic.name = topic, topic.partition = index, dir = %dir.display(),
            "refused to move a log: this version does not move logs between directories");
        ErrorCode::KafkaStorageError
    }
}

impl Answer for AlterReplicaLogDirs {
    type Request = AlterReplicaLogDirsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::AlterReplicaLogDirs, 1, 2);

    async fn answer(
        &self,
        request: AlterReplicaLogDirsRequest,
        call: &mut Call<'_>,
    ) -> AlterReplicaLogDirsResponse {
        let mut response = AlterReplicaLogDirsResponse::default();
        let may = call.may_on_cluster(Operation::Alter);
        for dir in request.dirs {
            let path = Path::new(&dir.path);
            for topic in dir.topics {
                let results = topic.partitions.into_iter().map(|partition_index| {
                    let error = match may {
                        true => self.check(&topic.name, partition_index, path),
                        false => ErrorCode::ClusterAuthorizationFailed,
                    };
                    AlterReplicaLogDirPartitionResult {
                        partition_index,
                        error_code: call.note(error),
                    }
                });
                let partitions: Vec<_> = results.collect();
                let known = response
                    .results
                    .iter_mut()
                    .find(|r| r.topic_name == topic.name);
                match known {
                    Some(known) => known.partitions.extend(partitions),
                    None => response.results.push(AlterReplicaLogDirTopicResult {
                        topic_name: topic.name,
                        partitions,
                    }),
                }
            }
        }
        response
    }
}
