use super::super::{set_config, set_feature};
use super::*;
use crate::metadata::replay::Replay;

fn image(records: &[MetadataRecord]) -> Image {
    let mut replay = Replay::new(Image::default());
    for record in records {
        replay.apply(record).unwrap();
    }
    replay.image().clone()
}

fn minimum(resource: &ConfigResource, value: Option<&str>) -> MetadataRecord {
    set_config(resource, MIN_IN_SYNC, value)
}

fn changed(value: Option<&str>) -> Vec<(String, Option<String>)> {
    vec![(MIN_IN_SYNC.to_owned(), value.map(str::to_owned))]
}

#[test]
fn the_cluster_gets_a_minimum_and_brokers_lose_theirs() {
    let (cluster, broker) = (ConfigResource::broker_default(), ConfigResource::broker(4));
    let topic = ConfigResource::topic("t");
    let own = [
        minimum(&broker, Some("3")),
        minimum(&topic, Some("2")),
        set_config(&broker, "num.io.threads", Some("9")),
    ];
    let expected = [minimum(&cluster, Some("2")), minimum(&broker, None)];
    assert_eq!(before_eligible(&image(&own), 2), expected);
    let there = [minimum(&cluster, Some("1"))];
    assert_eq!(before_eligible(&image(&there), 2), []);
}

#[test]
fn with_the_feature_the_minimum_is_the_clusters() {
    let (cluster, broker) = (ConfigResource::broker_default(), ConfigResource::broker(4));
    let topic = ConfigResource::topic("t");
    let (off, on) = (image(&[]), image(&[set_feature(ELR_VERSION, 1)]));
    let (set, gone) = (changed(Some("2")), changed(None));
    for (resource, change, is_fine) in [
        (&cluster, &set, true),
        (&cluster, &gone, false),
        (&broker, &set, false),
        (&broker, &gone, false),
        (&topic, &set, true),
        (&topic, &gone, true),
    ] {
        assert!(check_settings(&off, resource, change).is_ok());
        let code = check_settings(&on, resource, change).map_err(|refusal| refusal.code);
        let expected = is_fine.then_some(()).ok_or(ErrorCode::InvalidConfig);
        assert_eq!(code, expected, "{resource:?} {change:?}");
    }
    let other = [("retention.ms".to_owned(), None)];
    assert!(check_settings(&on, &broker, &other).is_ok());
}

#[test]
fn another_minimum_forgets_who_was_eligible() {
    let on = image(&[set_feature(ELR_VERSION, 1)]);
    let set = changed(Some("2"));
    let clears = |image: &Image, resource: &ConfigResource| {
        let record = after_settings(image, resource, &set)?;
        let MetadataRecord::ClearElr(record) = record else {
            panic!("{record:?}");
        };
        Some(record.topic_name)
    };
    let topic = ConfigResource::topic("t");
    assert_eq!(clears(&on, &topic).as_deref(), Some("t"));
    let cluster = ConfigResource::broker_default();
    assert_eq!(clears(&on, &cluster).as_deref(), Some(""));
    assert_eq!(clears(&image(&[]), &topic), None);
    let other = [("retention.ms".to_owned(), None)];
    assert_eq!(after_settings(&on, &topic, &other), None);
}
