//! A topic with one partition and a group, whose numbers the test itself makes.

use std::sync::Arc;

use anyhow::Result;
use limpid_client::{Client, ClientConfig, Tcp};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::librdkafka::{config, produce};
use crate::records::Record;
use crate::wire::{create_topic, delete_topic};

/// The topic.
pub const TOPIC: &str = "counted";
/// The group. It has offsets and never a member.
pub const GROUP: &str = "counting";

/// Writes to the topic and commits for the group.
pub struct Counted {
    address: String,
    committer: BaseConsumer,
    written: u64,
    committed: u64,
}

impl Counted {
    /// Makes the topic.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn create(address: &str) -> Result<Self> {
        create_topic(address, TOPIC, 1, &[])?;
        Ok(Self {
            address: address.to_owned(),
            committer: config(address, &[("group.id", GROUP)]).create()?,
            written: 0,
            committed: 0,
        })
    }

    /// Writes `count` records with key `k` and value `v`.
    ///
    /// # Errors
    /// When one is not acknowledged.
    pub fn write(&mut self, count: u64) -> Result<()> {
        let records: Vec<Record> = (0..count).map(|_| Record::new(b"k", b"v")).collect();
        produce(&self.address, &[], TOPIC, Some(0), &records)?;
        self.written += count;
        Ok(())
    }

    /// Commits that the first `offset` records are done.
    ///
    /// # Errors
    /// When the coordinator refuses.
    pub fn commit(&mut self, offset: u64) -> Result<()> {
        let mut position = TopicPartitionList::new();
        position.add_partition_offset(TOPIC, 0, Offset::Offset(i64::try_from(offset)?))?;
        self.committer.commit(&position, CommitMode::Sync)?;
        self.committed = offset;
        Ok(())
    }

    /// Removes topic and group.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn remove(self) -> Result<()> {
        let config = ClientConfig::with_bootstrap(&self.address)?;
        drop(self.committer);
        let runtime = tokio::runtime::Builder::new_current_thread();
        { runtime }.enable_all().build()?.block_on(async {
            let client = Client::new(config, Arc::new(Tcp));
            client.delete_group(GROUP).await
        })?;
        delete_topic(&self.address, TOPIC)
    }

    /// Records written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Records written and not committed.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.written - self.committed
    }
}
