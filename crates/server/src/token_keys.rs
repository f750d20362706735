//! Fetches the keys of token servers, on a thread of its own: a server that does not answer must
//! hold up nothing else.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use limpid_platform::clock::Clock;
use limpid_security::jwks::KeySource;

use crate::error::StartError;

/// How often it is asked whether a fetch is due.
const EVERY: Duration = Duration::from_millis(200);

/// The thread; dropping this ends it once the fetch it may be at is over. Nobody waits for that.
pub(crate) struct TokenKeys {
    _stop: Option<SyncSender<()>>,
}

impl TokenKeys {
    /// Starts the thread if there is something to fetch.
    pub(crate) fn start(
        sources: &[Arc<KeySource>],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        if sources.is_empty() {
            return Ok(Self { _stop: None });
        }
        let (stop, stopped) = sync_channel::<()>(1);
        let sources = sources.to_vec();
        let run = move || {
            loop {
                for source in &sources {
                    fetch_if_due(source, &*clock);
                }
                if stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("limpid-tokens".to_owned())
            .spawn(run);
        thread.map_err(StartError::system("start a thread"))?;
        Ok(Self { _stop: Some(stop) })
    }
}

fn fetch_if_due(source: &KeySource, clock: &dyn Clock) {
    if !source.is_due(clock.monotonic()) {
        return;
    }
    let url = source.url();
    match source.fetch(clock.monotonic()) {
        Ok(keys) => tracing::info!(url, keys, "keys of the token server fetched"),
        Err(error) => tracing::warn!(url, error, "keys of the token server not fetched"),
    }
}
