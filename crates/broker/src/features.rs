//! The features this broker has, as ApiVersions tells them (KIP-584).
//!
//! A feature that isn't there must not be listed: clients change their behaviour on sight of
//! `transaction.version` 2.

use limpid_storage::metadata::Image;

/// A feature and the levels this broker can work at.
pub struct Feature {
    /// Kafka's name.
    pub name: &'static str,
    /// Lowest level.
    pub min: i16,
    /// Highest level.
    pub max: i16,
}

/// The level of the records in the metadata log.
pub const METADATA_VERSION: &str = "metadata.version";
/// Consumer groups of KIP-848.
pub const GROUP_VERSION: &str = "group.version";

/// Share groups of KIP-932.
pub const SHARE_VERSION: &str = "share.version";

/// All of them.
pub const SUPPORTED: &[Feature] = &[
    Feature {
        name: GROUP_VERSION,
        min: 0,
        max: 1,
    },
    Feature {
        name: METADATA_VERSION,
        // The lowest level Kafka 4.x knows is 3.3-IV3; records of older levels are not understood.
        min: 7,
        max: limpid_storage::metadata::METADATA_VERSION_4_3,
    },
    Feature {
        name: SHARE_VERSION,
        min: 0,
        max: 1,
    },
    // 1: tagged fields in the records of `__transaction_state`. 2: the epoch is raised with each
    // transaction, and Produce makes a partition part of it (KIP-890).
    Feature {
        name: "transaction.version",
        min: 0,
        max: 2,
    },
];

/// Whether the cluster has share groups.
pub fn has_share_groups(image: &Image) -> bool {
    image.feature(SHARE_VERSION) > 0
}

/// Whether `name` may be advertised.
pub fn is_supported(name: &str) -> bool {
    SUPPORTED.iter().any(|f| f.name == name)
}
