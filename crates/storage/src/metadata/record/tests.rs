use super::*;

/// Record values that Kafka 4.3 wrote at metadata.version 30, as hexadecimal text.
const KAFKAS: &[(&str, &str)] = &[
    (
        "AccessControlEntryRecord",
        "0112006223e26e29b94bc98dacef1862c61c350204666f6f0309557365723a6a6f65022a030300",
    ),
    (
        "BeginTransactionRecord",
        "01170001001212426f6f747374726170207265636f726473",
    ),
    (
        "BrokerRegistrationChangeRecord",
        "01110000000001000000000000000e01000101",
    ),
    (
        "BrokerRegistrationChangeRecord",
        "0111010000000100000000000000a901010101",
    ),
    (
        "BrokerRegistrationChangeRecord",
        "01110300000001000000000000000e01030101",
    ),
    (
        "ClientQuotaRecord",
        "010e0002057573657200001370726f64756365725f627974655f7261746540b38800000000000000",
    ),
    (
        "ConfigRecord",
        "0104000401146d696e2e696e73796e632e7265706c69636173023100",
    ),
    ("EndTransactionRecord", "01180000"),
    (
        "FeatureLevelRecord",
        "010c00147472616e73616374696f6e2e76657273696f6e000200",
    ),
    ("NoOpRecord", "01140000"),
    (
        "PartitionChangeRecord",
        "01050200000001d8d3bb993f26452f9816597535f6a393040001010104ffffffff0605020000000107050200000001",
    ),
    (
        "PartitionRecord",
        "01030200000001d8d3bb993f26452f9816597535f6a393020000000102000000010101000000010000000000000000027a4cfee4a9aa402eaa32ebf790eeb34f00",
    ),
    (
        "ProducerIdsRecord",
        "010f0000000001000000000000000b00000000000003e800",
    ),
    (
        "RemoveTopicRecord",
        "0109007a5af50cf8af40718d1898f16f99c9f500",
    ),
    (
        "TopicRecord",
        "010200046c696dd8d3bb993f26452f9816597535f6a39300",
    ),
];

fn bytes(hex: &str) -> Bytes {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

#[test]
fn kafkas_records_are_written_again_byte_for_byte() {
    for (name, hex) in KAFKAS {
        let record = MetadataRecord::decode(bytes(hex)).unwrap();
        assert_eq!(record.name(), *name);
        assert_eq!(record.encode(30).unwrap(), bytes(hex), "{name}");
    }
}

#[test]
fn an_older_metadata_version_gets_what_it_can_read() {
    let id = limpid_protocol::Uuid::from_bytes([7; 16]);
    let partition = MetadataRecord::Partition(PartitionRecord {
        replicas: vec![1],
        directories: vec![id],
        eligible_leader_replicas: Some(vec![1]),
        ..PartitionRecord::default()
    });
    let broker = MetadataRecord::RegisterBroker(RegisterBrokerRecord {
        log_dirs: vec![id],
        cordoned_log_dirs: Some(vec![]),
        ..RegisterBrokerRecord::default()
    });
    let change = MetadataRecord::BrokerRegistrationChange(BrokerRegistrationChangeRecord {
        cordoned_log_dirs: Some(vec![id]),
        log_dirs: vec![id],
        in_controlled_shutdown: 1,
        ..BrokerRegistrationChangeRecord::default()
    });
    for (metadata_version, versions) in [
        (7, [0, 1, 1]),
        (8, [0, 2, 1]),
        (17, [1, 3, 2]),
        (23, [2, 3, 2]),
        (30, [2, 4, 3]),
    ] {
        for (record, version) in [&partition, &broker, &change].into_iter().zip(versions) {
            let value = record.encode(metadata_version).unwrap();
            assert_eq!(value[2], version, "{} at {metadata_version}", record.name());
            let read = MetadataRecord::decode(value).unwrap();
            assert_eq!(read, *record.as_written_at(metadata_version));
        }
    }
}

#[test]
fn what_is_not_known_is_an_error_and_never_skipped() {
    let error = |hex| MetadataRecord::decode(bytes(hex)).unwrap_err();
    assert_eq!(error("02140000"), RecordError::Frame(2));
    assert_eq!(error("017f0000"), RecordError::UnknownType(127));
    assert_eq!(
        error("01ffffffff0f0000"),
        RecordError::UnknownType(u32::MAX)
    );
    assert!(
        matches!(error("01140100"), RecordError::Decode(_)),
        "a later version"
    );
    assert_eq!(error("0114000001"), RecordError::Trailing(1));
    assert!(matches!(error(""), RecordError::Decode(_)));
}
