use super::*;
use crate::{Registry, StageHistograms, buckets};

crate::label_enum! {
    enum Api {
        Produce = "Produce",
        Fetch = "Fetch",
    }
}

crate::metrics! {
    struct Metrics {
        /// Seconds that requests spent in each stage.
        stages: histogram[buckets::REQUEST_SECONDS] { api: Api, stage: Stage }
            = "limpid_request_stage_seconds";
    }
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn stages_add_up_to_the_total() {
    let t0 = Stamp::now();
    let mut clock = StageClock::start_at(t0);
    assert_eq!(clock.stage(), Stage::Receive);
    clock.enter_at(Stage::Queue, t0 + MS * 2);
    clock.enter_at(Stage::LocalAppend, t0 + MS * 5);
    clock.enter_at(Stage::Purgatory, t0 + MS * 6);
    clock.enter_at(Stage::LocalAppend, t0 + MS * 16);
    clock.enter_at(Stage::Send, t0 + MS * 18);
    let times = clock.finish_at(t0 + MS * 25);
    assert_eq!(times.get(Stage::Receive), MS * 2);
    assert_eq!(times.get(Stage::Queue), MS * 3);
    assert_eq!(times.get(Stage::LocalAppend), MS * 3, "both visits");
    assert_eq!(times.get(Stage::Purgatory), MS * 10);
    assert_eq!(times.get(Stage::Send), MS * 7);
    assert_eq!(times.get(Stage::Remote), Duration::ZERO);
    assert_eq!(times.total(), MS * 25);
}

#[test]
fn a_carved_lock_wait_keeps_the_sum_and_takes_no_more_than_there_is() {
    let mut clock = StageClock::start();
    clock.enter(Stage::LocalAppend);
    let begun = Stamp::now();
    while begun.elapsed() < MS * 3 {
        std::hint::spin_loop();
    }
    clock.carve(Stage::LocalLock, MS * 2);
    clock.carve(Stage::Remote, Duration::from_secs(3_600));
    let times = clock.finish();
    assert_eq!(times.get(Stage::LocalLock), MS * 2);
    assert!(times.get(Stage::Remote) >= MS && times.total() < Duration::from_secs(60));
}

#[test]
fn a_moment_before_the_last_one_is_no_time_at_all() {
    let t0 = Stamp::now();
    let mut clock = StageClock::start_at(t0 + MS * 9);
    clock.enter_at(Stage::Queue, t0);
    let times = clock.finish_at(t0 + MS * 10);
    assert_eq!(times.get(Stage::Receive), Duration::ZERO);
    assert_eq!(times.total(), MS);
}

#[test]
fn every_stage_of_a_request_is_recorded_zeros_too() {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    let stages = StageHistograms::new(&metrics.stages);
    let t0 = Stamp::now();
    let mut clock = StageClock::start_at(t0);
    clock.enter_at(Stage::Send, t0 + MS * 500);
    stages.observe(Api::Produce, &clock.finish_at(t0 + MS * 500));
    for &stage in Stage::ALL {
        let histogram = metrics.stages.bind((Api::Produce, stage));
        assert_eq!(histogram.count(), 1, "{stage:?}");
        let expected = if stage == Stage::Receive { 0.5 } else { 0.0 };
        assert!((histogram.sum() - expected).abs() < 1e-9, "{stage:?}");
    }
    assert_eq!(
        metrics.stages.series_count(),
        Stage::ALL.len(),
        "none for Fetch"
    );
}
