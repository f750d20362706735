//! Ids for idempotent producers, in blocks from the metadata.

use std::sync::Arc;

use limpid_protocol::ErrorCode;
use limpid_storage::metadata::Refusal;
use limpid_storage::metadata::changes::{self, ProducerIdBlock};
use parking_lot::Mutex as SyncMutex;
use tokio::sync::Mutex;

use crate::metadata::Metadata;

/// Hands out ids that were never handed out before.
pub struct ProducerIds {
    metadata: Arc<Metadata>,
    node_id: i32,
    block: Mutex<ProducerIdBlock>,
}

impl ProducerIds {
    /// The first call to [`ProducerIds::next`] takes the first block.
    pub fn new(metadata: Arc<Metadata>, node_id: i32) -> Self {
        Self {
            metadata,
            node_id,
            block: Mutex::new(ProducerIdBlock { first: 0, len: 0 }),
        }
    }

    /// A new id.
    ///
    /// # Errors
    /// When a new block is needed and can't be had now; trying again is right.
    pub async fn next(&self) -> Result<i64, Refusal> {
        let mut block = self.block.lock().await;
        if block.len == 0 {
            *block = self.take_block().await?;
        }
        let id = block.first;
        block.first += 1;
        block.len -= 1;
        Ok(id)
    }

    async fn take_block(&self) -> Result<ProducerIdBlock, Refusal> {
        let taken = Arc::new(SyncMutex::new(None));
        let (node_id, result) = (self.node_id, Arc::clone(&taken));
        let change = move |image: &limpid_storage::metadata::Image| {
            let (block, record) = changes::allocate_producer_ids(image, node_id)?;
            *result.lock() = Some(block);
            Ok(vec![record])
        };
        self.metadata.change(change).await?;
        let block = taken.lock().take();
        block.ok_or_else(|| {
            Refusal::new(
                ErrorCode::CoordinatorLoadInProgress,
                "no block of producer ids",
            )
        })
    }
}
