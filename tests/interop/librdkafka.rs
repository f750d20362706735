//! librdkafka, the C library behind most clients that are not Java.

use anyhow::{Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka::produce;
use limpid_interop::records::{CODECS, Record, awkward, by_key};

const PARTITIONS: usize = 3;

/// Records with a partition given come back as they were, whatever the codec.
pub fn writes_with_every_codec(lab: &mut Lab) -> Result<()> {
    for codec in CODECS {
        let topic = format!("librdkafka-{codec}");
        lab.create_topic(&topic, PARTITIONS as i32)?;
        let written = vec![awkward("a"), Vec::new(), awkward("c")];
        for (partition, records) in written.iter().enumerate() {
            let properties = [("compression.codec", codec), ("linger.ms", "20")];
            let partition = Some(i32::try_from(partition)?);
            produce(&lab.address()?, &properties, &topic, partition, records)?;
        }
        lab.wrote(&topic, written)?;
    }
    Ok(())
}

/// With its Java-compatible partitioner, keys land where murmur2 says.
pub fn keys_land_where_murmur2_says(lab: &mut Lab) -> Result<()> {
    let topic = "librdkafka-keys";
    lab.create_topic(topic, PARTITIONS as i32)?;
    let records = awkward("k");
    let properties = [("partitioner", "murmur2_random"), ("acks", "1")];
    // An empty key counts as none for this partitioner; where it lands is left to chance.
    let records: Vec<Record> = records
        .into_iter()
        .filter(|record| record.key.as_deref() != Some(b""))
        .collect();
    produce(&lab.address()?, &properties, topic, None, &records)?;
    let written = by_key(&records, PARTITIONS);
    ensure!(
        written.iter().all(|partition| partition.len() > 3),
        "the keys test nothing"
    );
    lab.wrote(topic, written)
}

/// An idempotent producer's small batches in flight together keep their order.
pub fn idempotent_writes(lab: &mut Lab) -> Result<()> {
    let topic = "librdkafka-idempotent";
    lab.create_topic(topic, 1)?;
    let records: Vec<Record> = (0..5_000)
        .map(|n| Record::new(format!("{n}").as_bytes(), format!("{n:0>200}").as_bytes()))
        .collect();
    let properties = [
        ("enable.idempotence", "true"),
        ("max.in.flight.requests.per.connection", "5"),
        ("batch.num.messages", "20"),
        ("linger.ms", "0"),
    ];
    produce(&lab.address()?, &properties, topic, Some(0), &records)?;
    lab.wrote(topic, vec![records])
}
