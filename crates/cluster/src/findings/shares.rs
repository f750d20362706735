//! Share groups: what becomes of records that were delivered.

use super::{Case, Draft};
use crate::words;

/// So many locks that ended by themselves within ten minutes are no accident.
const LOCKS_EXPIRED_MIN: u64 = 3;

pub(super) fn locks_expire(case: &Case<'_>) -> Option<Draft> {
    let deliveries = case.group.lately.deliveries.as_ref()?;
    let expired = deliveries.locks_expired;
    (expired >= LOCKS_EXPIRED_MIN).then(|| {
        Draft::finding(format!(
            "Records come back because nobody says what became of them: {} ended by themselves in 10 min.",
            words::counted(expired, "lock")
        ))
        .count("locks_expired", expired)
        .number("window_seconds", 600.0)
        .next("time per record in its members; group.share.record.lock.duration.ms")
    })
}

pub(super) fn given_up(case: &Case<'_>) -> Option<Draft> {
    let deliveries = case.group.lately.deliveries.as_ref()?;
    let given_up = deliveries.given_up;
    (given_up > 0).then(|| {
        Draft::finding(format!(
            "{} in 10 min were given up: they had been delivered too often.",
            words::counted(given_up, "record")
        ))
        .count("given_up_records", given_up)
        .number("window_seconds", 600.0)
        .next("what its members log about them; group.share.delivery.count.limit")
    })
}
