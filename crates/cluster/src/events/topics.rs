//! What happened to a topic.

use super::{EventKind, Found};
use crate::snapshot::{Partition, Topic};

pub(super) fn compare(before: Option<&Topic>, now: &Topic, found: &mut Found) {
    let count = now.partitions.len();
    let before = match before {
        Some(before) if before.id == now.id => before,
        known => {
            let again = if known.is_some() { " again" } else { "" };
            let what = format!("made{again} with {count} partitions");
            return found.add(EventKind::Created, None, what);
        }
    };
    if count > before.partitions.len() {
        let what = format!("{} partitions became {count}", before.partitions.len());
        found.add(EventKind::PartitionsAdded, None, what);
    }
    for (last, partition) in before.partitions.iter().zip(&now.partitions) {
        if last != partition {
            compare_partition(last, partition, found);
        }
    }
    refused(
        (
            before.traffic.failed_produce_requests,
            now.traffic.failed_produce_requests,
        ),
        EventKind::ProduceRefused,
        found,
    );
    refused(
        (
            before.traffic.failed_fetch_requests,
            now.traffic.failed_fetch_requests,
        ),
        EventKind::FetchRefused,
        found,
    );
}

fn refused((before, now): (u64, u64), kind: EventKind, found: &mut Found) {
    let more = now.saturating_sub(before);
    if more > 0 {
        found.add(
            kind,
            None,
            format!("{more} partitions of requests were refused"),
        );
    }
}

fn compare_partition(before: &Partition, now: &Partition, found: &mut Found) {
    let mut add = |kind, what| found.add(kind, Some(now.index), what);
    let broker = |leader: Option<i32>| leader.map_or("nobody".to_owned(), |id| id.to_string());
    if before.leader != now.leader {
        let what = format!(
            "leader {} became {}",
            broker(before.leader),
            broker(now.leader)
        );
        add(EventKind::LeaderChanged, what);
    }
    if before.leader_epoch != now.leader_epoch {
        let what = format!("epoch {} became {}", before.leader_epoch, now.leader_epoch);
        add(EventKind::EpochChanged, what);
    }
    if before.isr != now.isr {
        add(
            EventKind::IsrChanged,
            format!("{:?} became {:?}", before.isr, now.isr),
        );
    }
    // A partition without a leader here has no log to tell of.
    if before.leader.is_none() || now.leader.is_none() {
        return;
    }
    if now.high_watermark < before.high_watermark {
        let (from, to) = (before.high_watermark, now.high_watermark);
        add(
            EventKind::Truncated,
            format!("ended at {from}, ends at {to} now"),
        );
    }
    if now.log_start_offset > before.log_start_offset {
        let (from, to) = (before.log_start_offset, now.log_start_offset);
        let what = format!(
            "began at {from}, begins at {to} now ({} offsets)",
            to - from
        );
        add(EventKind::RecordsDeleted, what);
    }
    if now.segments > before.segments {
        let what = format!("{} segments became {}", before.segments, now.segments);
        add(EventKind::SegmentRolled, what);
    }
}
