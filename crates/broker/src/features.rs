//! The features this broker has, as ApiVersions tells them (KIP-584).
//!
//! A feature that isn't there must not be listed: clients change their behaviour on sight of
//! `transaction.version` 2.
//!
//! The metadata may say more than this broker can: it is written as Kafka 4.3 would, so that Kafka finds
//! it as its own. Clients are told the level that both have.

use limpid_storage::metadata::changes::ELR_VERSION;
use limpid_storage::metadata::{Image, KRAFT_VERSION, METADATA_VERSION_4_3};

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
pub const METADATA_VERSION: &str = limpid_storage::metadata::METADATA_VERSION;
/// Consumer groups of KIP-848.
pub const GROUP_VERSION: &str = "group.version";

/// Share groups of KIP-932.
pub const SHARE_VERSION: &str = "share.version";

/// All of them.
pub const SUPPORTED: &[Feature] = &[
    // 1: what a stopped broker had is remembered as eligible to lead (KIP-966).
    feature(ELR_VERSION, 0, 1),
    feature(GROUP_VERSION, 0, 1),
    // 1: who votes is in the metadata log (KIP-853). It is this node alone at either level.
    feature(KRAFT_VERSION, 0, 1),
    // The lowest level Kafka 4.x knows is 3.3-IV3; records of older levels are not understood.
    feature(METADATA_VERSION, 7, METADATA_VERSION_4_3),
    feature(SHARE_VERSION, 0, 1),
    // There are no streams groups yet.
    feature("streams.version", 0, 0),
    // 1: tagged fields in the records of `__transaction_state`. 2: the epoch is raised with each
    // transaction, and Produce makes a partition part of it (KIP-890).
    feature("transaction.version", 0, 2),
];

const fn feature(name: &'static str, min: i16, max: i16) -> Feature {
    Feature { name, min, max }
}

/// Whether the cluster has share groups.
pub fn has_share_groups(image: &Image) -> bool {
    image.feature(SHARE_VERSION) > 0
}

/// The features in use with their levels, as this broker has them.
pub fn finalized(image: &Image) -> impl Iterator<Item = (&'static str, i16)> + '_ {
    let level = |known: &Feature| (known.name, image.feature(known.name).min(known.max));
    SUPPORTED.iter().map(level).filter(|(_, level)| *level > 0)
}
