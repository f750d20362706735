use super::*;

/// Commits of `(offset, seconds, lag)`.
fn window(commits: &[(i64, i64, u64)]) -> Window {
    let mut window = Window::default();
    for (offset, seconds, lag) in commits {
        window.push(Commit {
            offset: *offset,
            at_ms: seconds * 1_000,
            observed_ms: seconds * 1_000,
            lag: *lag,
        });
    }
    window
}

/// Ten commits, ten seconds apart from second 10 to 100, of these offsets and lags.
fn ten(commits: [(i64, u64); 10]) -> Window {
    let timed = commits.iter().zip(1..);
    let timed: Vec<_> = timed
        .map(|((offset, lag), i)| (*offset, 10 * i, *lag))
        .collect();
    window(&timed)
}

/// The status at this second, when the partition ends at `end` and did so for as long as known.
fn at(window: &Window, second: i64, end: i64) -> Status {
    let ends = VecDeque::from([end]);
    window.status(&ends, end, second * 1_000, Rules::default())
}

#[test]
fn the_rules_in_their_order() {
    let forward =
        |lag: fn(i64) -> u64| ten(std::array::from_fn(|i| (i as i64 * 10, lag(i as i64))));
    let table = [
        ("no lag now", forward(|_| 5), 9_999, 90, Status::Ok),
        (
            "lag shrinks",
            forward(|i| 100 - i as u64),
            101,
            200,
            Status::Ok,
        ),
        (
            "lag grows",
            forward(|i| 100 + i as u64),
            101,
            200,
            Status::Warn,
        ),
        ("lag stays", forward(|_| 100), 101, 200, Status::Warn),
        (
            "lag was gone once",
            forward(|i| if i == 4 { 0 } else { 100 }),
            101,
            200,
            Status::Ok,
        ),
        // The window spans 90 s: silence of 90 s is none, of 91 s is one.
        (
            "silent as long as it spans",
            forward(|_| 100),
            190,
            200,
            Status::Warn,
        ),
        (
            "silent for longer",
            forward(|_| 100),
            191,
            200,
            Status::Stop,
        ),
        (
            "silent, whatever was",
            forward(|_| 0),
            191,
            200,
            Status::Stop,
        ),
        ("stalls", ten([(7, 3); 10]), 101, 10, Status::Stall),
        (
            "stands, but was at the end",
            ten([(7, 0); 10]),
            101,
            10,
            Status::Ok,
        ),
    ];
    for (what, window, second, end, expected) in table {
        assert_eq!(at(&window, second, end), expected, "{what}");
    }
}

#[test]
fn a_rewind_counts_until_it_is_made_good() {
    let lags = |offsets: [i64; 10]| ten(offsets.map(|offset| (offset, 100 - offset as u64)));
    let rewound = lags([10, 20, 30, 5, 6, 7, 8, 9, 10, 11]);
    assert_eq!(at(&rewound, 101, 100), Status::Rewind);
    let again = lags([10, 20, 30, 5, 15, 25, 30, 31, 32, 33]);
    assert_eq!(at(&again, 101, 100), Status::Ok);
    // Only the first step back is looked at: a second one hides behind a first that was made good.
    let twice = lags([10, 20, 15, 25, 30, 5, 6, 7, 8, 9]);
    assert_eq!(at(&twice, 101, 100), Status::Ok);
    // A rewind weighs more than a lag that was gone before.
    let mut from_the_end = [(100, 0); 10];
    from_the_end[9] = (0, 100);
    assert_eq!(at(&ten(from_the_end), 101, 100), Status::Rewind);
}

#[test]
fn an_end_that_was_reached_lately_puts_a_stop_off() {
    let silent = ten([(50, 0); 10]);
    let status = |ends: &[i64]| {
        let ends = ends.iter().copied().collect();
        silent.status(&ends, 80, 500_000, Rules::default())
    };
    assert_eq!(status(&[60, 70, 80]), Status::Stop);
    assert_eq!(status(&[50, 70, 80]), Status::Ok);
    assert_eq!(status(&[]), Status::Stop);
}

#[test]
fn the_clock_has_seconds() {
    let mut window = window(&[(1, 10, 5)]);
    window.commits[0].at_ms = 10_500;
    let status = |now_ms| window.status(&VecDeque::new(), 9, now_ms, Rules::default());
    assert_eq!(
        status(10_999),
        Status::Stall,
        "10 s, which is before the commit"
    );
    assert_eq!(status(11_000), Status::Stop);
}

#[test]
fn what_can_be_set() {
    let stalled = ten([(7, 3); 10]);
    let ends = VecDeque::from([10]);
    let with = |window: &Window, rules| window.status(&ends, 10, 101_000, rules);
    let rules = |minimum_complete, allowed_lag| Rules {
        minimum_complete,
        allowed_lag,
    };
    assert_eq!(with(&stalled, rules(0.0, 2)), Status::Stall);
    assert_eq!(with(&stalled, rules(0.0, 3)), Status::Ok);
    assert_eq!(with(&stalled, rules(1.0, 0)), Status::Stall);
    let half = window(&[(7, 60, 3), (7, 70, 3), (7, 80, 3), (7, 90, 3), (7, 100, 3)]);
    assert_eq!(with(&half, rules(0.5, 0)), Status::Stall);
    assert_eq!(with(&half, rules(0.6, 0)), Status::Ok);
    assert_eq!(with(&Window::default(), Rules::default()), Status::Ok);
}

#[test]
fn the_window_keeps_the_last_ten_and_merges_what_comes_too_soon() {
    let many: Vec<(i64, i64, u64)> = (0..25).map(|i| (i, i, 0)).collect();
    let full = window(&many);
    let offsets: Vec<i64> = full.commits().map(|c| c.offset).collect();
    assert_eq!(offsets, (15..25).collect::<Vec<_>>());
    assert_eq!(full.complete(), 1.0);

    let mut quick = Window::default();
    for i in 0..10 {
        quick.push(Commit {
            offset: i,
            at_ms: i * 400,
            observed_ms: i * 400,
            lag: 1,
        });
    }
    let seen: Vec<(i64, i64)> = quick.commits().map(|c| (c.offset, c.at_ms)).collect();
    assert_eq!(seen, [(2, 0), (5, 1_200), (8, 2_400), (9, 3_600)]);
    assert_eq!(quick.complete(), 0.4);
    assert_eq!((quick.current_lag(20), quick.current_lag(5)), (11, 0));
}

#[test]
fn a_group_is_as_its_worst_partition() {
    use Status::{Err, NotFound, Ok, Rewind, Stall, Stop, Warn};
    assert_eq!(group_status([]), Ok);
    assert_eq!(group_status([Ok, Ok]), Ok);
    assert_eq!(group_status([Ok, Warn]), Warn);
    for bad in [Stop, Stall, Rewind] {
        assert_eq!(group_status([Warn, bad, Ok]), Err);
    }
    let numbers = [NotFound, Ok, Warn, Err, Stop, Stall, Rewind].map(|s| s as u8);
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
}
