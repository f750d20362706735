//! DescribeLogDirs, key 35, versions 1–5.
//!
//! - What lies where: each directory of `log.dirs` with the sizes of its logs. A directory that
//!   failed has an error instead.
//! - From version 4 the size and the free space of the file system (KIP-827).
//! - There are no replicas that lag behind and none on their way to another directory; no directory
//!   is cordoned (KIP-1066).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use limpid_protocol::messages::DescribeLogDirsRequest;
use limpid_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use limpid_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResponse, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::{LogDirStatus, LogManager, PartitionLog};

use crate::absolute::absolute;
use crate::access::Operation;
use crate::handler::{Answer, ApiRange, Call};

const UNKNOWN: i64 = -1;

/// Answers DescribeLogDirs.
pub struct DescribeLogDirs {
    logs: Arc<LogManager>,
}

impl DescribeLogDirs {
    /// `logs` know the directories.
    pub fn new(logs: Arc<LogManager>) -> Self {
        Self { logs }
    }
}

impl Answer for DescribeLogDirs {
    type Request = DescribeLogDirsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DescribeLogDirs, 1, 5);

    async fn answer(
        &self,
        request: DescribeLogDirsRequest,
        call: &mut Call<'_>,
    ) -> DescribeLogDirsResponse {
        if !call.may_on_cluster(Operation::Describe) {
            return DescribeLogDirsResponse {
                error_code: call.note(ErrorCode::ClusterAuthorizationFailed),
                ..DescribeLogDirsResponse::default()
            };
        }
        let wanted = request.topics.map(Wanted::of);
        let mut logs = self.logs.logs();
        logs.retain(|log| wanted.as_ref().is_none_or(|wanted| wanted.has(log)));
        let dirs = self.logs.dirs();
        DescribeLogDirsResponse {
            results: dirs.iter().map(|dir| describe(dir, &logs, call)).collect(),
            ..DescribeLogDirsResponse::default()
        }
    }
}

/// The partitions that were asked for.
struct Wanted(HashSet<(String, i32)>);

impl Wanted {
    fn of(topics: Vec<DescribableLogDirTopic>) -> Self {
        let pairs = topics.into_iter().flat_map(|topic| {
            let name = topic.topic;
            topic
                .partitions
                .into_iter()
                .map(move |index| (name.clone(), index))
        });
        Self(pairs.collect())
    }

    fn has(&self, log: &PartitionLog) -> bool {
        self.0.contains(&(log.topic().to_owned(), log.partition()))
    }
}

fn describe(
    dir: &LogDirStatus,
    logs: &[Arc<PartitionLog>],
    call: &mut Call<'_>,
) -> DescribeLogDirsResult {
    let log_dir = absolute(&dir.path).display().to_string();
    if !dir.online {
        return DescribeLogDirsResult {
            error_code: call.note(ErrorCode::KafkaStorageError),
            log_dir,
            total_bytes: UNKNOWN,
            usable_bytes: UNKNOWN,
            ..DescribeLogDirsResult::default()
        };
    }
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let mut topics: BTreeMap<&str, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
    for log in logs.iter().filter(|log| log.dir() == dir.path) {
        topics
            .entry(log.topic())
            .or_default()
            .push(DescribeLogDirsPartition {
                partition_index: log.partition(),
                partition_size: bytes(log.size_bytes()),
                offset_lag: 0,
                is_future_key: false,
            });
    }
    let topics = topics.into_iter().map(|(name, mut partitions)| {
        partitions.sort_by_key(|partition| partition.partition_index);
        DescribeLogDirsTopic {
            name: name.to_owned(),
            partitions,
        }
    });
    DescribeLogDirsResult {
        error_code: ErrorCode::None.code(),
        log_dir,
        topics: topics.collect(),
        total_bytes: bytes(dir.total_bytes),
        usable_bytes: bytes(dir.free_bytes),
        is_cordoned: false,
    }
}
