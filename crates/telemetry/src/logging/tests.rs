use std::io::{self, Write};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use parking_lot::Mutex;

use super::loggers::LoggerLevel;
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

/// Loggers of a process that was told `filter`, and what it writes.
fn loggers(filter: &str) -> (Sink, tracing::Dispatch, LogGuard) {
    let sink = Sink::default();
    let options = LogOptions {
        targets: &["limpid::audit", "limpid_storage::log::append"],
        ..options(LogFormat::Text, filter)
    };
    let (dispatch, guard) = to_sink(&options, Box::new(sink.clone())).unwrap();
    (sink, dispatch, guard)
}

fn shown(loggers: &Loggers) -> Vec<(String, &'static str)> {
    let all = loggers.list().into_iter();
    all.map(|(name, level)| (name, level.name())).collect()
}

fn level(name: &str) -> Option<LoggerLevel> {
    Some(LoggerLevel::from_name(name).unwrap())
}

#[test]
fn loggers_are_targets_and_what_is_above_them() {
    let (_, _, guard) = loggers("limpid=warn,hyper,limpid_storage=off,info,x[a{b=1}]=trace");
    let wanted = [
        ("hyper", "TRACE"),
        ("limpid", "WARN"),
        ("limpid.audit", "WARN"),
        ("limpid_storage", "FATAL"),
        ("limpid_storage.log", "FATAL"),
        ("limpid_storage.log.append", "FATAL"),
        ("root", "INFO"),
    ];
    let wanted = wanted.map(|(name, level)| (name.to_owned(), level));
    assert_eq!(shown(&guard.loggers()), wanted);
    let (_, _, guard) = loggers("");
    assert!(
        shown(&guard.loggers())
            .iter()
            .all(|(_, level)| *level == "ERROR")
    );
    assert_eq!(Loggers::none().list().len(), 0);
}

#[test]
fn a_logger_takes_its_level_from_the_longest_name_above() {
    let (_, _, guard) = loggers("info");
    let loggers = guard.loggers();
    let of = |name: &str| loggers.list()[name].name();
    loggers
        .alter(&[("limpid_storage", level("DEBUG")), ("root", level("ERROR"))])
        .unwrap();
    assert_eq!(of("limpid_storage.log.append"), "DEBUG");
    assert_eq!(of("limpid.audit"), "ERROR");
    let own = "limpid_storage.log.append";
    loggers.alter(&[(own, level("TRACE"))]).unwrap();
    assert_eq!((of(own), of("limpid_storage.log")), ("TRACE", "DEBUG"));
    loggers
        .alter(&[(own, None), ("limpid_storage", None)])
        .unwrap();
    assert_eq!((of(own), of("limpid_storage")), ("ERROR", "ERROR"));
    assert!(LoggerLevel::from_name("debug").is_none());
}

#[test]
fn altered_levels_hold_from_the_next_line_on() {
    let (sink, dispatch, guard) = loggers("info,limpid_storage=error");
    let say = |line: &str| {
        tracing::debug!(target: "limpid_storage::log::append", "storage {line}");
        tracing::info!(target: "limpid::audit", "audit {line}");
    };
    tracing::dispatcher::with_default(&dispatch, || {
        say("first");
        let loggers = guard.loggers();
        let changes = [("limpid_storage.log", level("DEBUG"))];
        loggers.alter(&changes).unwrap();
        say("second");
        loggers.alter(&[("root", level("FATAL"))]).unwrap();
        say("third");
        guard.set_filter("info").unwrap();
        say("fourth");
        assert_eq!(loggers.list()["limpid_storage"].name(), "INFO");
    });
    assert!(guard.flush(Duration::from_secs(5)));
    let text = sink.text();
    let written = [
        "audit first",
        "storage second",
        "audit second",
        "storage third",
        "audit fourth",
    ];
    assert!(written.iter().all(|line| text.contains(line)), "{text}");
    assert_eq!(text.lines().count(), written.len(), "{text}");
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
