use std::io::{self, Write};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use parking_lot::Mutex;

use super::*;
use crate::Registry;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

/// Takes nothing until it is told to.
struct Stuck(mpsc::Receiver<()>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.recv().map_err(io::Error::other)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn options(format: LogFormat, filter: &str) -> LogOptions {
    LogOptions {
        format,
        filter: filter.to_owned(),
        ..LogOptions::default()
    }
}

#[test]
fn text_lines_carry_level_and_fields() {
    let sink = Sink::default();
    let (dispatch, guard) =
        to_sink(&options(LogFormat::Text, "info"), Box::new(sink.clone())).unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        tracing::info!(topic.name = "orders", "rolled a segment");
        tracing::debug!("not this one");
    });
    assert!(guard.flush(Duration::from_secs(5)));
    let text = sink.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("INFO"), "{text}");
    assert!(
        text.contains("rolled a segment topic.name=\"orders\""),
        "{text}"
    );
}

#[test]
fn json_lines_are_flat_objects() {
    let sink = Sink::default();
    let (dispatch, guard) =
        to_sink(&options(LogFormat::Json, "warn"), Box::new(sink.clone())).unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        tracing::warn!(duration_ms = 7, "slow \"disk\"\nor so");
    });
    assert!(guard.flush(Duration::from_secs(5)));
    let text = sink.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("{\"timestamp\":\""), "{text}");
    assert!(text.contains("\"level\":\"WARN\""), "{text}");
    assert!(
        text.contains(r#""message":"slow \"disk\"\nor so","duration_ms":7"#),
        "{text}"
    );
}

#[test]
fn the_filter_changes_while_running_and_a_bad_one_is_refused() {
    let sink = Sink::default();
    let (dispatch, guard) =
        to_sink(&options(LogFormat::Text, "error"), Box::new(sink.clone())).unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        tracing::info!("before");
        guard.set_filter("info").unwrap();
        tracing::info!("after");
    });
    assert!(matches!(
        guard.set_filter("a=b=c"),
        Err(LogError::Filter(..))
    ));
    assert!(guard.flush(Duration::from_secs(5)));
    assert!(!sink.text().contains("before") && sink.text().contains("after"));
    assert!(to_sink(&options(LogFormat::Text, "=x="), Box::new(io::sink())).is_err());
}

#[test]
fn a_stuck_sink_drops_lines_and_holds_nobody_up() {
    let (go, wait) = mpsc::channel();
    let options = LogOptions {
        queue_bytes: 400,
        ..LogOptions::default()
    };
    let (dispatch, guard) = to_sink(&options, Box::new(Stuck(wait))).unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        for _ in 0..1_000 {
            tracing::info!("a line of a noisy minute");
        }
    });
    let dropped = guard.dropped();
    assert!((980..1_000).contains(&dropped), "{dropped}");
    assert!(
        !guard.flush(Duration::from_millis(10)),
        "nothing can be written yet"
    );

    let mut samples = Samples::new();
    guard.collector().collect(&mut samples).unwrap();
    let first = samples.families()[0].iter().next().unwrap();
    assert_eq!(first, ("", dropped.into()));
    drop(go); // the sink fails from here on: lines are counted, the thread goes on
    assert!(guard.flush(Duration::from_secs(5)));
    assert_eq!(guard.dropped(), 1_000);
}

#[test]
fn a_flood_of_one_cause_becomes_one_line() {
    let sink = Sink::default();
    let (dispatch, guard) =
        to_sink(&options(LogFormat::Text, "info"), Box::new(sink.clone())).unwrap();
    let registry = Registry::new();
    let limiter = RateLimiter::new(&registry, 3, Duration::from_secs(10));
    let at = Duration::from_millis;
    let local = AddressClass::Loopback;
    tracing::dispatcher::with_default(&dispatch, || {
        let allowed = (0..100)
            .filter(|i| limiter.allow("bad_frame", local, at(*i)))
            .count();
        assert_eq!(allowed, 3);
        assert!(
            limiter.allow("bad_frame", AddressClass::Public, at(100)),
            "another class"
        );
        assert!(
            limiter.allow("bad_version", local, at(100)),
            "another cause"
        );
        assert!(
            limiter.allow("bad_frame", local, at(10_000)),
            "the next interval"
        );
        limiter.tick(at(60_000));
    });
    assert_eq!(registry.own().log_lines_suppressed.get(), 97);
    assert!(guard.flush(Duration::from_secs(5)));
    let text = sink.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.contains("suppressed lines cause=\"bad_frame\""),
        "{text}"
    );
    assert!(text.contains("suppressed=97"), "{text}");
}

#[test]
fn address_classes() {
    let class = |text: &str| AddressClass::of(text.parse().unwrap());
    assert_eq!(class("127.0.0.1"), AddressClass::Loopback);
    assert_eq!(class("::1"), AddressClass::Loopback);
    assert_eq!(class("::ffff:127.0.0.1"), AddressClass::Loopback);
    assert_eq!(class("10.1.2.3"), AddressClass::Private);
    assert_eq!(class("fd00::1"), AddressClass::Private);
    assert_eq!(class("192.0.2.1"), AddressClass::Public);
    assert_eq!(class("2001:db8::1"), AddressClass::Public);
}
