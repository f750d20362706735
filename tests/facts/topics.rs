//! Topics, their records and their settings.

use anyhow::{Result, ensure};
use limpid_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use limpid_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use limpid_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use limpid_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use limpid_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest,
    IncrementalAlterConfigsRequest,
};
use limpid_protocol::records::{BatchBuilder, Codec};

use super::dump::records;
use super::{TIME, Wire, append, batch, produce, wait_for};

/// The topic whose records are compacted.
pub const COMPACTED: &str = "compacted";
/// Between two records of it: enough for a segment of its own.
const HOUR_MS: i64 = 3_600_000;
const COMPACTED_RECORDS: i64 = 12;

/// A topic to be made, whose records stay for ever.
pub fn create(
    wire: &mut impl Wire,
    name: &str,
    partitions: i32,
    configs: &[(&str, &str)],
) -> Result<()> {
    let all = [("retention.ms", "-1")].iter().chain(configs);
    let configs = all.map(|(name, value)| CreatableTopicConfig {
        name: (*name).to_owned(),
        value: Some((*value).to_owned()),
    });
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: name.to_owned(),
            num_partitions: partitions,
            replication_factor: 1,
            configs: configs.collect(),
            ..CreatableTopic::default()
        }],
        timeout_ms: 10_000,
        ..CreateTopicsRequest::default()
    };
    let made = wire.ask(&request, 7)?;
    ensure!(made.topics[0].error_code == 0, "making {name}: {made:?}");
    Ok(())
}

/// Sets one setting of a resource.
pub fn alter(wire: &mut impl Wire, kind: i8, name: &str, key: &str, value: &str) -> Result<()> {
    let config = AlterableConfig {
        name: key.to_owned(),
        value: Some(value.to_owned()),
        ..AlterableConfig::default()
    };
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: kind,
            resource_name: name.to_owned(),
            configs: vec![config],
        }],
        validate_only: false,
    };
    let altered = wire.ask(&request, 1)?;
    ensure!(
        altered.responses[0].error_code == 0,
        "{key} of {name:?}: {altered:?}"
    );
    Ok(())
}

/// Every codec, one that grew, one that lost its first records, one that is gone, one compacted.
pub fn write(wire: &mut impl Wire) -> Result<()> {
    for codec in Codec::ALL {
        let topic = format!("codec-{}", codec.name());
        create(wire, &topic, 2, &[])?;
        append(wire, &produce(&topic, 1, None, batch(codec, 0, 9, None)?))?;
        append(wire, &produce(&topic, 1, None, batch(codec, 9, 3, None)?))?;
    }
    create(
        wire,
        "stamped",
        1,
        &[("message.timestamp.type", "LogAppendTime")],
    )?;
    append(
        wire,
        &produce("stamped", 0, None, batch(Codec::None, 0, 2, None)?),
    )?;
    create(wire, "grown", 1, &[("compression.type", "zstd")])?;
    alter(wire, 2, "grown", "max.message.bytes", "2000000")?;
    let grow = CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: "grown".to_owned(),
            count: 3,
            assignments: None,
        }],
        timeout_ms: 10_000,
        validate_only: false,
    };
    let grown = wire.ask(&grow, 3)?;
    ensure!(grown.results[0].error_code == 0, "{grown:?}");
    append(
        wire,
        &produce("grown", 2, None, batch(Codec::None, 0, 4, None)?),
    )?;
    cut(wire)?;
    create(wire, "deleted", 1, &[])?;
    append(
        wire,
        &produce("deleted", 0, None, batch(Codec::Gzip, 0, 4, None)?),
    )?;
    let delete = DeleteTopicsRequest {
        topic_names: vec!["deleted".to_owned()],
        timeout_ms: 10_000,
        ..DeleteTopicsRequest::default()
    };
    let deleted = wire.ask(&delete, 5)?;
    ensure!(deleted.responses[0].error_code == 0, "{deleted:?}");
    compact(wire)
}

fn cut(wire: &mut impl Wire) -> Result<()> {
    create(wire, "cut", 1, &[])?;
    append(
        wire,
        &produce("cut", 0, None, batch(Codec::Lz4, 0, 9, None)?),
    )?;
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: "cut".to_owned(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: 0,
                offset: 4,
            }],
        }],
        timeout_ms: 10_000,
    };
    let cut = wire.ask(&request, 2)?;
    ensure!(cut.topics[0].partitions[0].error_code == 0, "{cut:?}");
    Ok(())
}

/// Waits until there is less than was written.
fn compact(wire: &mut impl Wire) -> Result<()> {
    let configs = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "1000"),
        ("min.cleanable.dirty.ratio", "0"),
    ];
    create(wire, COMPACTED, 1, &configs)?;
    for n in 0..COMPACTED_RECORDS {
        let mut builder = BatchBuilder::new(Codec::Snappy);
        let (key, value) = (format!("key-{}", n % 3), format!("value {n}"));
        let (key, value) = (Some(key.as_bytes()), Some(value.as_bytes()));
        builder.append(TIME + n * HOUR_MS, key, value, &[])?;
        append(wire, &produce(COMPACTED, 0, None, builder.build()?))?;
    }
    wait_for("compaction", || {
        let left = records(wire, COMPACTED, 0)?.len();
        Ok((left < usize::try_from(COMPACTED_RECORDS)?).then_some(()))
    })
}
