//! Random changes: what the log says, what a snapshot says and what was shown are one.

use proptest::prelude::*;

use super::*;
use crate::metadata::Replay;
use crate::metadata::snapshot::image_records;

#[derive(Debug, Clone)]
enum Step {
    Create(u8, usize),
    Delete(u8),
    AddPartition(u8),
    Config(u8, Option<u8>),
    Feature(u8, i16),
    Quota(u8, bool),
    Acl(u8),
    Scram(u8),
    ProducerIds,
    Register(u8),
    Shutdown,
    Snapshot,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let n = 1..6_u8;
    prop_oneof![
        4 => (n.clone(), 1..4_usize).prop_map(|(n, p)| Step::Create(n, p)),
        2 => n.clone().prop_map(Step::Delete),
        1 => n.clone().prop_map(Step::AddPartition),
        2 => (n.clone(), any::<Option<u8>>()).prop_map(|(n, v)| Step::Config(n, v)),
        1 => (n.clone(), 0..3_i16).prop_map(|(n, v)| Step::Feature(n, v)),
        1 => (n.clone(), any::<bool>()).prop_map(|(n, remove)| Step::Quota(n, remove)),
        1 => n.clone().prop_map(Step::Acl),
        1 => n.clone().prop_map(Step::Scram),
        1 => Just(Step::ProducerIds),
        1 => n.prop_map(Step::Register),
        1 => Just(Step::Shutdown),
        1 => Just(Step::Snapshot),
        1 => Just(Step::Reopen),
    ]
}

/// The change of a step; the metadata may refuse it.
fn change(step: &Step) -> Option<Change> {
    let place = || {
        vec![ReplicaPlace {
            broker: 1,
            directory: id(200),
        }]
    };
    Some(match step.clone() {
        Step::Create(n, partitions) => {
            let new = topic(&format!("t{n}"), n, partitions);
            Box::new(move |image| changes::create_topic(image, &new))
        }
        Step::Delete(n) => Box::new(move |image| changes::delete_topic(image, id(n))),
        Step::AddPartition(n) => {
            Box::new(move |image| changes::add_partitions(image, id(n), &[place()]))
        }
        Step::Config(n, value) => {
            let resource = ConfigResource::topic(format!("t{n}"));
            let value = value.map(|value| value.to_string());
            let record = changes::set_config(&resource, "k", value.as_deref());
            Box::new(move |_| Ok(vec![record]))
        }
        Step::Feature(n, level) => {
            let record = changes::set_feature(&format!("f{n}"), level);
            Box::new(move |_| Ok(vec![record]))
        }
        Step::Quota(n, remove) => {
            let entity_type = "user".to_owned();
            let entity_name = (n > 1).then(|| format!("u{n}"));
            let record = ClientQuotaRecord {
                entity: vec![client_quota_record::EntityData {
                    entity_type,
                    entity_name,
                }],
                key: "producer_byte_rate".to_owned(),
                value: f64::from(n),
                remove,
            };
            Box::new(move |_| Ok(vec![record.into()]))
        }
        Step::Acl(n) => {
            let record = AccessControlEntryRecord {
                id: id(n),
                ..Default::default()
            };
            Box::new(move |_| Ok(vec![record.into()]))
        }
        Step::Scram(n) => {
            let record = UserScramCredentialRecord {
                name: format!("u{n}"),
                ..Default::default()
            };
            Box::new(move |_| Ok(vec![record.into()]))
        }
        Step::ProducerIds => {
            Box::new(|image| Ok(vec![changes::allocate_producer_ids(image, 1)?.1]))
        }
        Step::Register(n) => {
            Box::new(move |image| Ok(changes::register_broker(image, &registration(n))))
        }
        Step::Shutdown => Box::new(|image| Ok(changes::controlled_shutdown(image, 1))),
        Step::Snapshot | Step::Reopen => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn log_snapshot_and_image_agree(steps in prop::collection::vec(step(), 1..30)) {
        let dir = formatted();
        let small = OpenRequest {
            segment_bytes: 600,
            snapshot_bytes: 3000,
            retention_bytes: 9000,
            ..request(&dir)
        };
        let reopen = || LocalMetadataLog::open(&small).unwrap().0;
        let mut log = reopen();
        for step in steps {
            match (change(&step), step) {
                (Some(change), _) => match log.update(change).wait() {
                    Ok(_) | Err(AppendError::Refused(_)) => {}
                    Err(e) => panic!("{e}"),
                },
                (None, Step::Snapshot) => drop(log.snapshot().wait().unwrap()),
                (None, _) => {
                    let before = log.image();
                    log.close();
                    log = reopen();
                    prop_assert_eq!(content(&log.image()), content(&before));
                }
            }
        }
        let image = log.image();
        let mut replay = Replay::new(Image::default());
        for record in image_records(&image) {
            let value = record.encode(image.metadata_version()).unwrap();
            let decoded = MetadataRecord::decode(value).unwrap();
            prop_assert_eq!(&decoded, &record);
            replay.apply(&decoded).unwrap();
        }
        // Who votes is in control records, not in these.
        let records_tell = Image {
            kraft_version: 0,
            voters: Arc::default(),
            ..content(&image)
        };
        prop_assert_eq!(content(replay.image()), records_tell);
        log.close();
        prop_assert_eq!(content(&reopen().image()), content(&image));
    }

    #[test]
    fn no_bytes_make_decoding_a_record_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        MetadataRecord::decode(bytes.into()).ok();
    }
}
