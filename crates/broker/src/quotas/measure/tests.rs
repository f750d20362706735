use super::*;

const WINDOWS: Windows = Windows {
    count: 11,
    ms: 1_000,
};

#[test]
fn a_first_burst_is_spread_over_the_windows() {
    let mut rate = Rate::default();
    rate.record(WINDOWS, 5_000.0, 100);
    assert_eq!(rate.elapsed_ms(WINDOWS, 100), 10_000);
    assert!((rate.per_second(WINDOWS, 100) - 500.0).abs() < 1e-9);
    // Half a second into the first window.
    assert_eq!(rate.elapsed_ms(WINDOWS, 600), 10_500);
}

#[test]
fn the_wait_grows_with_what_was_too_much() {
    let mut rate = Rate::default();
    // As in Kafka's own example: 500 per second; ten seconds of that at the beginning are free.
    rate.record(WINDOWS, 5_000.0, 0);
    assert_eq!(rate.wait_ms(WINDOWS, 500.0, 0), 0);
    rate.record(WINDOWS, 2_300.0, 500);
    let now = 500;
    let measured = rate.per_second(WINDOWS, now);
    assert!((measured - 7_300.0 / 10.5).abs() < 1e-9, "{measured}");
    // (695.24 - 500) / 500 * 10.5 s
    assert_eq!(rate.wait_ms(WINDOWS, 500.0, now), 4_100);
    // As in Kafka, what is retried too early waits again: it counts until the windows are over.
    assert!(rate.wait_ms(WINDOWS, 500.0, now + 4_100) > 0);
    assert_eq!(rate.wait_ms(WINDOWS, 500.0, now + WINDOWS.total_ms()), 0);
}

#[test]
fn what_is_older_than_the_windows_is_forgotten() {
    let mut rate = Rate::default();
    for second in 0..30 {
        rate.record(WINDOWS, 100.0, second * 1_000);
    }
    let measured = rate.per_second(WINDOWS, 29_000);
    assert!((100.0..=120.0).contains(&measured), "{measured}");
    assert!(rate.samples.len() <= WINDOWS.count + 1);
    assert_eq!(rate.per_second(WINDOWS, 29_000 + WINDOWS.total_ms()), 0.0);
}

#[test]
fn what_is_taken_back_never_was() {
    let mut rate = Rate::default();
    rate.record(WINDOWS, 300.0, 0);
    rate.record(WINDOWS, -300.0, 10);
    assert_eq!(rate.per_second(WINDOWS, 10), 0.0);
}

#[test]
fn a_clock_read_before_another_took_the_lock_does_no_harm() {
    let mut rate = Rate::default();
    rate.record(WINDOWS, 1.0, 5_000);
    rate.record(WINDOWS, 1.0, 4_999);
    assert!(rate.per_second(WINDOWS, 4_990) > 0.0);
    let mut bucket = TokenBucket::default();
    bucket.take(WINDOWS, 1.0, 3.0, 5_000);
    assert_eq!(bucket.tokens(WINDOWS, 1.0, 4_000), 8.0);
}

#[test]
fn fewer_windows_than_before_do_no_harm() {
    let mut rate = Rate::default();
    for second in 0..11 {
        rate.record(WINDOWS, 1.0, second * 1_000);
    }
    let few = Windows { count: 2, ms: 500 };
    for step in 0..20 {
        rate.record(few, 1.0, 20_000 + step * 500);
        assert!(rate.per_second(few, 20_000 + step * 500) > 0.0);
    }
}

#[test]
fn a_bucket_begins_full_and_may_owe() {
    let mut bucket = TokenBucket::default();
    assert_eq!(bucket.tokens(WINDOWS, 2.0, 0), 22.0);
    bucket.take(WINDOWS, 2.0, 30.0, 0);
    assert_eq!(bucket.tokens(WINDOWS, 2.0, 0), -8.0);
    assert_eq!(bucket.wait_ms(WINDOWS, 2.0, 0), 4_000);
    assert_eq!(bucket.wait_ms(WINDOWS, 2.0, 3_000), 1_000);
    assert_eq!(bucket.wait_ms(WINDOWS, 2.0, 4_000), 0);
    assert_eq!(bucket.tokens(WINDOWS, 2.0, 100_000), 22.0);
}

#[test]
fn bounds_next_to_nothing_wait_for_a_finite_time() {
    let mut rate = Rate::default();
    rate.record(WINDOWS, 1e18, 0);
    assert_eq!(rate.wait_ms(WINDOWS, 1e-300, 0), i32::MAX as u64);
    let mut bucket = TokenBucket::default();
    bucket.take(WINDOWS, 1e-300, 1e9, 0);
    assert_eq!(bucket.wait_ms(WINDOWS, 1e-300, 0), i32::MAX as u64);
}
