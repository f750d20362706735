//! Bugs of Produce that are planted on purpose: what tests/interop checks for must find them.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use limpid_storage::{AppendBytes, AppendInfo, AppendMeta, Origin};

use super::Appended;
use crate::topics::Partition;

/// Broken on purpose: acknowledges at once and appends later, so that a kill in between loses what
/// was acknowledged. The checker in tests/interop must find that.
pub(super) fn append_later(
    partition: &Arc<Partition>,
    bytes: AppendBytes<'_>,
    records: i32,
) -> Appended {
    let meta = AppendMeta {
        leader_epoch: partition.leader_epoch(),
        origin: Origin::Client,
    };
    let (later, bytes) = (Arc::clone(partition), bytes.to_vec());
    let first_offset = partition.log.log_end_offset();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let appended = later.log.append(&bytes, &meta);
        appended.expect("it was acknowledged");
        later.waiters.appended(bytes.len() as u64);
    });
    Appended {
        info: AppendInfo {
            first_offset,
            last_offset: first_offset + i64::from(records) - 1,
            log_append_time_ms: -1,
            log_start_offset: 0,
            duplicate: false,
            lock_wait: Duration::ZERO,
        },
        partition: Arc::clone(partition),
        records,
        bytes: 0,
        flushed: None,
    }
}

/// Once in so many times: a batch that has to be sent again.
pub(super) fn is_unlucky() -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.is_ok_and(|now| now.subsec_micros() % 16 == 0)
}
