use proptest::prelude::*;

use super::*;
use crate::CleanupPolicy;

const NOW: i64 = 1_000_000;

fn piece(base_offset: i64, bytes: u64, timestamp: i64) -> Piece {
    Piece {
        base_offset,
        bytes,
        index_bytes: 8,
        time_index_bytes: 12,
        largest_timestamp: timestamp,
        first_timestamp: Some(timestamp),
    }
}

/// Four closed segments of 100 offsets and 1,000 bytes, and an active one.
fn pieces() -> Vec<Piece> {
    (0..4)
        .map(|i| piece(i * 100, 1_000, 1_000 * (i + 1)))
        .collect()
}

fn bounds() -> Bounds {
    Bounds {
        log_start: 0,
        log_end: 450,
        last_stable: 450,
        active_base: 400,
        clean_to: None,
    }
}

fn config() -> LogConfig {
    LogConfig {
        cleanup_policy: CleanupPolicy {
            delete: false,
            compact: true,
        },
        ..LogConfig::default()
    }
}

fn extent(bounds: Bounds, config: &LogConfig) -> Extent {
    Extent::of(&pieces(), &bounds, config, NOW)
}

#[test]
fn everything_is_dirty_at_first_but_the_active_segment() {
    let all = extent(bounds(), &config());
    assert_eq!(
        (all.first_dirty, all.end, all.clean_bytes, all.dirty_bytes),
        (0, 400, 0, 4_000)
    );
    assert!(all.is_due(&config()));
}

#[test]
fn the_checkpoint_is_believed_inside_of_the_log() {
    let at = |clean_to, log_start| {
        extent(
            Bounds {
                clean_to: Some(clean_to),
                log_start,
                ..bounds()
            },
            &config(),
        )
    };
    let some = at(200, 0);
    assert_eq!(
        (some.first_dirty, some.clean_bytes, some.dirty_bytes),
        (200, 2_000, 2_000)
    );
    assert!(!some.is_due(&config()), "half is not more than half");
    assert_eq!(at(451, 30).first_dirty, 30);
    assert_eq!(at(29, 30).first_dirty, 30);
    // In the middle of a segment, as after a round whose memory was full.
    let middle = at(150, 0);
    assert_eq!((middle.clean_bytes, middle.dirty_bytes), (2_000, 3_000));
    let none = at(400, 0);
    assert_eq!((none.end, none.dirty_bytes), (400, 0));
    assert!(!none.is_due(&LogConfig {
        min_cleanable_dirty_ratio: 0.0,
        ..config()
    }));
}

#[test]
fn open_transactions_and_young_records_are_left_alone() {
    let stable = |last_stable| {
        extent(
            Bounds {
                last_stable,
                ..bounds()
            },
            &config(),
        )
        .end
    };
    assert_eq!(
        [stable(450), stable(400), stable(399), stable(0)],
        [400, 400, 300, 0]
    );
    let lag = |lag| {
        extent(
            bounds(),
            &LogConfig {
                min_compaction_lag_ms: lag,
                ..config()
            },
        )
        .end
    };
    assert_eq!(
        [lag(NOW - 4_000), lag(NOW - 3_999), lag(NOW), lag(i64::MAX)],
        [400, 300, 0, 0]
    );
}

#[test]
fn old_records_make_a_round_due_whatever_the_ratio() {
    let config = |lag| LogConfig {
        max_compaction_lag_ms: lag,
        min_cleanable_dirty_ratio: 1.0,
        ..config()
    };
    let late = extent(bounds(), &config(NOW - 1_500));
    assert!(late.overdue_ms == 500 && late.is_due(&config(0)));
    let young = extent(bounds(), &config(NOW - 1_000));
    assert!(young.overdue_ms == 0 && !young.is_due(&config(0)));
    assert_eq!(extent(bounds(), &config(i64::MAX)).overdue_ms, 0);
}

#[test]
fn nothing_is_due_in_an_empty_log() {
    let bounds = Bounds {
        log_end: 0,
        last_stable: 0,
        active_base: 0,
        ..bounds()
    };
    let none = Extent::of(&[], &bounds, &config(), NOW);
    assert_eq!(none, Extent::default());
    assert!(!none.is_due(&config()));
}

proptest! {
    #[test]
    fn groups_cover_everything_once_and_stay_within_a_segment(
        sizes in prop::collection::vec((0u64..600, 1i64..1_500_000_000, 0u64..5), 0..30),
        segment_bytes in 100u32..1_500,
    ) {
        let mut base = 0;
        let mut pieces = Vec::new();
        for (bytes, offsets, entries) in sizes {
            let mut next = piece(base, bytes, 0);
            (next.index_bytes, next.time_index_bytes) = (entries * 8, entries * 12);
            pieces.push(next);
            base += offsets;
        }
        let config = LogConfig { segment_bytes, segment_index_bytes: 100, ..config() };
        let groups = groups(&pieces, base, &config);
        let covered: Vec<usize> = groups.iter().flat_map(Clone::clone).collect();
        prop_assert_eq!(covered, (0..pieces.len()).collect::<Vec<_>>());
        for group in groups.iter().filter(|group| group.len() > 1) {
            let members = &pieces[group.clone()];
            prop_assert!(members.iter().map(|p| p.bytes).sum::<u64>() <= u64::from(segment_bytes));
            prop_assert!(members.iter().map(|p| p.time_index_bytes).sum::<u64>() <= 100);
            let last = members.iter().rposition(|p| p.bytes > 0).unwrap_or(0);
            let end = pieces.get(group.start + last + 1).map_or(base, |p| p.base_offset);
            prop_assert!(end - 1 - members[0].base_offset <= i64::from(i32::MAX));
        }
    }
}
