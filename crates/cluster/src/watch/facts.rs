//! What a source must be able to tell of partitions and members besides its snapshot.

/// Answers questions about one moment. Each is asked once a second for each group, so an answer may
/// cost a look at memory and no more.
pub trait Facts {
    /// Leader and leader epoch of a partition.
    fn leader(&self, topic: &str, partition: i32) -> Option<Leader>;

    /// How far readers of committed records can read, and up to where others can.
    fn ends(&self, topic: &str, partition: i32) -> Option<Ends>;

    /// Who has the transaction open that begins at this offset.
    fn transaction(&self, topic: &str, partition: i32, offset: i64) -> Option<OpenTransaction>;

    /// What retention means for a record.
    fn retention(&self, topic: &str, partition: i32, offset: i64) -> Option<Retention>;

    /// What is known of the fetches of a client id at an address.
    fn reader(&self, client_id: &str, host: &str) -> Option<Reader>;

    /// Totals of a share group.
    fn deliveries(&self, group: &str) -> Option<DeliveryTotals>;
}

/// Who leads a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leader {
    /// The broker; `None` when nobody leads.
    pub id: Option<i32>,
    /// Grows with each change.
    pub epoch: i32,
}

/// The two ends of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The last stable offset.
    pub stable: i64,
    /// The high watermark.
    pub high_watermark: i64,
}

/// A transaction that is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenTransaction {
    /// Who writes in it.
    pub producer_id: i64,
    /// Its name, if the coordinator knows it.
    pub transactional_id: Option<String>,
    /// When it began, if that is known.
    pub since_ms: Option<i64>,
}

/// What decides when a record is deleted. Whole segments go, so it is about the segment of the record.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Retention {
    /// The age of the segment's newest record, and the most that is allowed (`retention.ms`).
    pub age_ms: Option<(i64, i64)>,
    /// Bytes behind the segment, and the most that is allowed (`retention.bytes`).
    pub bytes: Option<(u64, u64)>,
    /// Mean bytes from one offset to the next.
    pub record_bytes: f64,
}

/// Fetches of one client id at one address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reader {
    /// Those that were answered.
    pub fetches: u64,
    /// Time since the last answer; 0 while a fetch waits.
    pub silent_ms: i64,
    /// The longest time from an answer to the next fetch within some minutes.
    pub gap_ms: i64,
    /// Time held back by quotas since the broker knows it.
    pub held_back_ms: u64,
    /// Its last fetch was for committed records only.
    pub committed_only: bool,
}

/// What became of deliveries since the broker started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryTotals {
    /// Locks that ended without an acknowledgement.
    pub locks_expired: u64,
    /// Records given up because they were delivered too often.
    pub given_up: u64,
}
