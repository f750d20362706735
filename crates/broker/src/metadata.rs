//! Changing the cluster's metadata, and following it.
//!
//! A change is answered when it is durable *and* this broker has acted on it: a topic that was
//! created can be produced to, without the gap that Kafka leaves.

use std::sync::Arc;

use limpid_protocol::ErrorCode;
use limpid_storage::metadata::{
    AppendError, Committed, Image, MetadataLog, MetadataRecord, Refusal,
};
use tokio::sync::Mutex;

use crate::blocking::Blocking;
use crate::topics::Topics;

/// The metadata log and the topics that follow it.
pub struct Metadata {
    log: Arc<dyn MetadataLog>,
    topics: Arc<Topics>,
    blocking: Arc<Blocking>,
    followed: Mutex<Followed>,
}

struct Followed {
    offset: i64,
    complete: bool,
}

impl Metadata {
    /// Nothing is followed until the first [`Metadata::follow`].
    pub fn new(log: Arc<dyn MetadataLog>, topics: Arc<Topics>, blocking: Arc<Blocking>) -> Self {
        let followed = Mutex::new(Followed {
            offset: i64::MIN,
            complete: false,
        });
        Self {
            log,
            topics,
            blocking,
            followed,
        }
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
        let committed = self.log.update(Box::new(change)).await.map_err(refusal)?;
        self.follow().await;
        Ok(committed)
    }

    /// Makes the topics follow the newest image; what failed is logged and tried again next time.
    pub async fn follow(&self) {
        let mut followed = self.followed.lock().await;
        let image = self.log.image();
        if followed.offset == image.offset() && followed.complete {
            return;
        }
        let topics = Arc::clone(&self.topics);
        let offset = image.offset();
        let done = self.blocking.run(move || topics.apply(&image)).await;
        match &done {
            Ok(Ok(())) => {}
            Ok(Err(errors)) => {
                for error in errors {
                    tracing::error!(%error, "a log could not follow the metadata");
                }
            }
            Err(error) => tracing::error!(%error, "topics could not follow the metadata"),
        }
        *followed = Followed {
            offset,
            complete: matches!(done, Ok(Ok(()))),
        };
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
