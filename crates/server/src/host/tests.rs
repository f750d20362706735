use std::sync::Arc;
use std::time::Duration;

use limpid_platform::clock::{Clock as _, ManualClock};
use limpid_platform::limits::{CgroupUse, Throttled};
use limpid_telemetry::{Registry, Samples};

use super::{ClockMetrics, ClockWatch, Direction, write};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_jump_is_counted_once_and_steering_is_none() {
    let clock = Arc::new(ManualClock::new(1_000_000));
    let metrics = ClockMetrics::register(&Registry::new()).unwrap();
    let watch = ClockWatch::new(&metrics, clock.clone());
    let counted = || {
        let of = |direction| metrics.jumps.bind(direction).get();
        (of(Direction::Forward), of(Direction::Backward))
    };
    watch.look();
    for _ in 0..1_000 {
        clock.advance(SECOND);
        clock.set_wall_ms(clock.wall_ms() + 1);
        watch.look();
    }
    assert_eq!(counted(), (0, 0), "a millisecond a second is steering");
    clock.set_wall_ms(clock.wall_ms() + 3_600_000);
    watch.look();
    clock.advance(SECOND);
    watch.look();
    assert_eq!(counted(), (1, 0));
    clock.set_wall_ms(clock.wall_ms() - 1_500);
    watch.look();
    assert_eq!(counted(), (1, 1));
    assert!((metrics.jumped.bind(Direction::Backward).get() - 1.5).abs() < 1e-9);
}

#[test]
fn what_the_system_does_not_tell_has_no_series() {
    let mut out = Samples::new();
    write(&CgroupUse::default(), &mut out);
    assert_eq!(out.families().len(), 0);
    let throttled = Throttled {
        periods: 9,
        throttled_periods: 2,
        seconds: 0.25,
    };
    let usage = CgroupUse {
        throttled: Some(throttled),
        ..CgroupUse::default()
    };
    write(&usage, &mut out);
    let names = out.families().iter().map(|f| f.head().name.to_string());
    let expected = [
        "limpid_cgroup_periods_total",
        "limpid_cgroup_throttled_periods_total",
        "limpid_cgroup_throttled_seconds_total",
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
}
