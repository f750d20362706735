//! The newest records of several partitions: who must be read further, what is shown of them.

use limpid_cluster::BrowsedRecord;

use crate::window::Window;

/// Which windows must go on so that the newest `records_max` records are certain, as far as
/// timestamps grow within a partition.
pub(crate) fn unsettled(windows: &[Window], records_max: usize) -> Vec<usize> {
    let mut times: Vec<i64> = windows
        .iter()
        .flat_map(|w| w.found().iter().take(records_max).map(|r| r.timestamp_ms))
        .collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    // The oldest time among what would be shown now; nothing is certain without.
    let shown_from = records_max.checked_sub(1).and_then(|last| times.get(last));
    let goes_on = |window: &Window| {
        let found = window.found();
        let certain = found.len() >= records_max
            || shown_from.is_some_and(|from| found.last().is_some_and(|r| r.timestamp_ms < *from));
        window.wanted().is_some() && !certain
    };
    let indexes = 0..windows.len();
    indexes.filter(|index| goes_on(&windows[*index])).collect()
}

/// The newest records, newest first. Records of one partition stay in their order.
pub(crate) fn merged(found: Vec<Vec<BrowsedRecord>>, records_max: usize) -> Vec<BrowsedRecord> {
    let total: usize = found.iter().map(Vec::len).sum();
    let mut partitions: Vec<_> = found
        .into_iter()
        .map(|f| f.into_iter().peekable())
        .collect();
    let mut newest = Vec::with_capacity(total.min(records_max));
    while newest.len() < records_max {
        let next = partitions
            .iter_mut()
            .filter_map(|partition| {
                let time = partition.peek()?.timestamp_ms;
                Some((time, partition))
            })
            .max_by_key(|(time, _)| *time);
        let Some(record) = next.and_then(|(_, partition)| partition.next()) else {
            break;
        };
        newest.push(record);
    }
    newest
}

/// Cuts keys and values so that all together have `bytes_max` bytes: each may have its share of what
/// the ones before left.
pub(crate) fn cut(records: &mut [BrowsedRecord], bytes_max: usize) {
    let mut left = bytes_max;
    let count = records.len();
    for (index, record) in records.iter_mut().enumerate() {
        let share = left / (count - index);
        let key_bytes = shorten(&mut record.key, share, &mut record.cut);
        let value_bytes = shorten(&mut record.value, share - key_bytes, &mut record.cut);
        let mut spent = key_bytes + value_bytes;
        for (_, value) in &mut record.headers {
            spent += shorten(value, share - spent, &mut record.cut);
        }
        left -= spent;
    }
}

/// Bytes that are left.
fn shorten(bytes: &mut Option<Vec<u8>>, max: usize, cut: &mut bool) -> usize {
    let Some(bytes) = bytes else { return 0 };
    if bytes.len() > max {
        bytes.truncate(max);
        *cut = true;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(partition: i32, offset: i64, timestamp_ms: i64) -> BrowsedRecord {
        BrowsedRecord {
            partition,
            offset,
            timestamp_ms,
            ..BrowsedRecord::default()
        }
    }

    /// A partition of 100 records, the newest `count` of them read.
    fn window(partition: i32, count: i64, time_of: impl Fn(i64) -> i64) -> Window {
        let mut window = Window::before_end(partition, 0, 100, count);
        for offset in 100 - count..100 {
            window.take(record(partition, offset, time_of(offset)), 100);
        }
        window.advance(100);
        window
    }

    #[test]
    fn who_has_an_older_record_than_all_that_are_shown_is_settled() {
        let busy = window(0, 4, |offset| 1000 + offset);
        let quiet = window(1, 4, |offset| offset);
        assert_eq!(unsettled(&[busy, quiet], 4), Vec::<usize>::new());
        let busy = window(0, 4, |offset| 1000 + offset);
        let quiet = window(1, 4, |offset| offset);
        assert_eq!(
            unsettled(&[busy, quiet], 5),
            [0],
            "one of the busy may be next"
        );
        let one = window(0, 4, |offset| offset);
        assert_eq!(unsettled(&[one], 5), [0], "not enough yet");
        let all = window(0, 100, |offset| offset);
        assert_eq!(
            unsettled(&[all], 500),
            Vec::<usize>::new(),
            "there is no more"
        );
    }

    #[test]
    fn newest_first_and_in_order_within_a_partition() {
        let odd_clock = vec![record(0, 2, 10), record(0, 1, 50)];
        let other = vec![record(1, 7, 30), record(1, 6, 20), record(1, 5, 5)];
        let merged = merged(vec![odd_clock, other], 4);
        let order: Vec<_> = merged.iter().map(|r| (r.partition, r.offset)).collect();
        assert_eq!(order, [(1, 7), (1, 6), (0, 2), (0, 1)]);
    }

    #[test]
    fn long_values_are_cut_to_their_share() {
        let long = |bytes: usize| BrowsedRecord {
            key: Some(vec![1; 10]),
            value: Some(vec![2; bytes]),
            ..BrowsedRecord::default()
        };
        let mut records = [long(0), long(1000), long(1000)];
        cut(&mut records, 130);
        let left = records
            .each_ref()
            .map(|r| (r.value.as_ref().map(Vec::len), r.cut));
        assert_eq!(left, [(Some(0), false), (Some(50), true), (Some(50), true)]);
        cut(&mut [], 10);
    }
}
