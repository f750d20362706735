//! Logs: tracing-subscriber, text or JSON, to standard error, never in the way of the data path.
//!
//! A line is formatted by the thread that logs it and put into a queue bounded in bytes; one thread
//! of its own writes. When standard error does not take lines in time (a full pipe, a paused
//! terminal) new lines are dropped and counted, nothing waits.
//!
//! Lines that a client can cause go through a [`RateLimiter`].

mod limit;
pub mod loggers;
mod queue;
mod tail;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer, fmt, reload};

use crate::collect::{CollectError, Collector, Samples};
use crate::declare::Declaration;

pub use limit::{AddressClass, RateLimiter};
use loggers::Loggers;
pub use queue::QUEUE_BYTES_DEFAULT;
use queue::{Queue, QueueWriter};
use tail::Tail;

/// Longest time to wait for the last lines when the process ends.
const FLUSH_AT_EXIT: Duration = Duration::from_secs(1);

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// What [`init`] needs.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// Text or JSON.
    pub format: LogFormat,
    /// `limpid.log.level`: a level, or tracing directives such as `info,limpid_storage=debug`.
    pub filter: String,
    /// The targets that there are; they and the modules above them are the loggers.
    pub targets: &'static [&'static str],
    /// Most bytes of lines that wait for standard error.
    pub queue_bytes: usize,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            format: LogFormat::Text,
            filter: "info".to_owned(),
            targets: &[],
            queue_bytes: QUEUE_BYTES_DEFAULT,
        }
    }
}

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not a level or a list of directives.
    #[error("log level {0:?} is neither a level nor a list of directives")]
    Filter(String, #[source] tracing_subscriber::filter::ParseError),
    /// The process has a subscriber already.
    #[error("logging is set up already")]
    Installed,
    /// No thread could be started.
    #[error("can't start the thread that writes the log")]
    Thread(#[source] std::io::Error),
}

crate::families! {
    /// Families of the log queue.
    pub mod families {
        /// Log lines lost because standard error did not take them in time.
        DROPPED: counter = "limpid_log_lines_dropped_total";
        /// Bytes of log lines that wait for standard error.
        QUEUED: gauge = "limpid_log_queue_bytes";
        /// Most bytes of log lines that wait before new lines are dropped.
        LIMIT: gauge = "limpid_log_queue_limit_bytes";
        /// Bytes of the last log lines, which are kept for support bundles.
        TAIL: gauge = "limpid_log_tail_bytes";
        /// Most bytes of the last log lines that are kept.
        TAIL_LIMIT: gauge = "limpid_log_tail_limit_bytes";
    }
}

/// Keeps logging alive; its drop writes what is queued, for at most a second.
#[must_use = "dropping the guard ends logging"]
pub struct LogGuard {
    queue: Arc<Queue>,
    loggers: Arc<Loggers>,
}

impl std::fmt::Debug for LogGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogGuard")
            .field("dropped", &self.queue.dropped())
            .finish()
    }
}

impl LogGuard {
    /// Changes the filter while running.
    ///
    /// # Errors
    /// The filter can't be parsed; the old one stays.
    pub fn set_filter(&self, filter: &str) -> Result<(), LogError> {
        self.loggers.replace(filter)
    }

    /// The levels of single loggers, to be shown and altered.
    pub fn loggers(&self) -> Arc<Loggers> {
        self.loggers.clone()
    }

    /// Waits until what was logged before is written, at most this long; whether it was.
    pub fn flush(&self, at_most: Duration) -> bool {
        self.queue.flush(at_most)
    }

    /// Lines lost so far.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// The collector of the queue's numbers, for each registry of the process.
    pub fn collector(&self) -> Arc<dyn Collector> {
        Arc::new(LogCollector {
            queue: self.queue.clone(),
        })
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.queue.flush(FLUSH_AT_EXIT);
        self.queue.close();
    }
}

/// Sets up logging of the process to standard error, panics included. Call it once, in `main`.
///
/// # Errors
/// See [`LogError`].
pub fn init(options: &LogOptions) -> Result<LogGuard, LogError> {
    let (dispatch, guard) = to_sink(options, Box::new(std::io::stderr()))?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| LogError::Installed)?;
    log_panics(guard.queue.clone());
    Ok(guard)
}

/// The same chain to any sink, not installed: for tests and tools.
///
/// # Errors
/// The filter can't be parsed, or no thread can be started.
pub fn to_sink(
    options: &LogOptions,
    sink: Box<dyn Write + Send>,
) -> Result<(tracing::Dispatch, LogGuard), LogError> {
    let filter = parse(&options.filter)?;
    let tail = Arc::new(Tail::default());
    let queue = Queue::start(options.queue_bytes, sink, Arc::clone(&tail));
    let queue = queue.map_err(LogError::Thread)?;
    let (filter, handle) = reload::Layer::new(filter);
    let writer = QueueWriter::new(queue.clone());
    let lines = fmt::layer().with_ansi(false).with_writer(writer);
    let lines = match options.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    let reload = Box::new(move |filter| {
        // The subscriber can only be gone when the process ends.
        handle.reload(filter).ok();
    });
    let loggers = Arc::new(Loggers::new(&options.filter, options.targets, reload, tail));
    let guard = LogGuard { queue, loggers };
    Ok((tracing::Dispatch::new(subscriber), guard))
}

fn parse(filter: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(filter).map_err(|e| LogError::Filter(filter.to_owned(), e))
}

/// Panics become one ERROR line with the place and the backtrace, written before the thread ends.
fn log_panics(queue: Arc<Queue>) {
    std::panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let location = info.location().map(ToString::to_string);
        let backtrace = std::backtrace::Backtrace::force_capture();
        tracing::error!(
            panic.message = text.unwrap_or("(no text)"),
            panic.location = location.as_deref().unwrap_or("(unknown)"),
            thread.name = std::thread::current().name().unwrap_or("(unnamed)"),
            %backtrace,
            "panic"
        );
        queue.flush(FLUSH_AT_EXIT);
    }));
}

struct LogCollector {
    queue: Arc<Queue>,
}

impl Collector for LogCollector {
    fn name(&self) -> &'static str {
        "log"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        out.family(&families::DROPPED)
            .add(&[], self.queue.dropped());
        out.family(&families::QUEUED)
            .add(&[], self.queue.queued_bytes());
        out.family(&families::LIMIT)
            .add(&[], self.queue.limit_bytes());
        out.family(&families::TAIL)
            .add(&[], self.queue.tail_bytes());
        out.family(&families::TAIL_LIMIT)
            .add(&[], tail::TAIL_BYTES_MAX);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
