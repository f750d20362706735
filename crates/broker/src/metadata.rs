//! Changing the cluster's metadata, and following it.
//!
//! A change is answered when it is durable *and* this broker has acted on it: a topic that was
//! created can be produced to, without the gap that Kafka leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use limpid_protocol::ErrorCode;
use limpid_storage::metadata::{
    AppendError, Committed, ControllerEndpoint, Image, MetadataLog, MetadataRecord, Refusal,
};
use tokio::sync::{Mutex, oneshot};

use crate::blocking::Blocking;
use crate::metrics::BrokerMetrics;
use crate::topics::Topics;

/// The metadata log and the topics that follow it.
pub struct Metadata {
    log: Arc<dyn MetadataLog>,
    topics: Arc<Topics>,
    blocking: Arc<Blocking>,
    followed: Mutex<Followed>,
    /// The end of what this broker has acted on, for who only looks.
    applied: [AtomicI64; 2],
    metrics: Arc<BrokerMetrics>,
}

struct Followed {
    offset: i64,
    complete: bool,
}

impl Metadata {
    /// Nothing is followed until the first [`Metadata::follow`].
    pub fn new(
        log: Arc<dyn MetadataLog>,
        topics: Arc<Topics>,
        blocking: Arc<Blocking>,
        metrics: Arc<BrokerMetrics>,
    ) -> Self {
        let followed = Mutex::new(Followed {
            offset: i64::MIN,
            complete: false,
        });
        Self {
            log,
            topics,
            blocking,
            followed,
            applied: [AtomicI64::new(-1), AtomicI64::new(-1)],
            metrics,
        }
    }

    /// The last record that this broker has acted on: its offset and when it was appended; −1 before
    /// the first.
    pub fn applied(&self) -> (i64, i64) {
        let [offset, timestamp_ms] = &self.applied;
        (
            offset.load(Ordering::Acquire),
            timestamp_ms.load(Ordering::Acquire),
        )
    }

    /// The newest image.
    pub fn image(&self) -> Arc<Image> {
        self.log.image()
    }

    /// Makes a change and acts on it. `change` makes the records from the image they will follow.
    ///
    /// # Errors
    /// Why it was refused, as a client is told.
    pub async fn change(
        &self,
        change: impl FnOnce(&Image) -> Result<Vec<MetadataRecord>, Refusal> + Send + 'static,
    ) -> Result<Committed, Refusal> {
        let counted = &self.metrics.metadata;
        counted.changes.inc();
        let (asked, queued) = (Instant::now(), counted.queued.clone());
        let (begun, begins) = oneshot::channel();
        let timed = move |image: &Image| {
            queued.observe_duration(asked.elapsed());
            // Nobody hears of it if the client is gone.
            begun.send(Instant::now()).ok();
            change(image)
        };
        let done = self.log.update(Box::new(timed)).await;
        if let Ok(begun) = begins.await {
            counted.committed.observe_duration(begun.elapsed());
        }
        let committed = done.map_err(|error| {
            self.count(&error);
            refusal(error)
        })?;
        self.follow().await;
        Ok(committed)
    }

    /// Puts who votes into the metadata log, with the controller at that place.
    ///
    /// # Errors
    /// The log can't be written.
    pub async fn name_voters(&self, controller: &ControllerEndpoint) -> Result<(), Refusal> {
        self.metrics.metadata.changes.inc();
        let done = self.log.name_voters(controller).await;
        done.map_err(|error| {
            self.count(&error);
            refusal(error)
        })?;
        self.follow().await;
        Ok(())
    }

    fn count(&self, error: &AppendError) {
        match error {
            AppendError::Refused(_) => {}
            AppendError::QueueFull { .. } => self.metrics.metadata.timed_out.inc(),
            _ => self.metrics.metadata.errors.inc(),
        }
    }

    /// Makes the topics follow the newest image; what failed is logged and tried again next time.
    pub async fn follow(&self) {
        let mut followed = self.followed.lock().await;
        let image = self.log.image();
        if followed.offset == image.offset() && followed.complete {
            return;
        }
        let topics = Arc::clone(&self.topics);
        let (offset, timestamp_ms) = (image.offset(), image.timestamp_ms());
        let done = self.blocking.run(move || topics.apply(&image)).await;
        match &done {
            Ok(Ok(())) => {}
            Ok(Err(errors)) => {
                self.metrics.metadata.errors.inc();
                let apply_errors = &self.metrics.metadata.apply_errors;
                apply_errors.inc_by(errors.len() as u64);
                // What fails for one log mostly fails for all, and is tried again with every change.
                if let Some(first) = errors.first() {
                    let count = errors.len();
                    tracing::error!(error = %first, count, "logs could not follow the metadata");
                }
            }
            Err(error) => tracing::error!(%error, "topics could not follow the metadata"),
        }
        let complete = matches!(done, Ok(Ok(())));
        if complete {
            self.applied[1].store(timestamp_ms, Ordering::Release);
            self.applied[0].store(offset, Ordering::Release);
        }
        *followed = Followed { offset, complete };
    }
}

fn refusal(error: AppendError) -> Refusal {
    let code = match &error {
        AppendError::Refused(refusal) => return refusal.clone(),
        AppendError::Invalid(_) => ErrorCode::UnknownServerError,
        AppendError::QueueFull { .. } => ErrorCode::RequestTimedOut,
        AppendError::DiskFull { .. } | AppendError::Offline(_) => ErrorCode::KafkaStorageError,
        // The broker goes down; NOT_CONTROLLER makes clients look again.
        _ => ErrorCode::NotController,
    };
    Refusal::new(code, error.to_string())
}
