use limpid_platform::files::RealFiles;

use super::*;

const KAFKAS: &str = "#\n#Sat Nov 21 10:02:30 UTC 2026\nnode.id=1\ndirectory.id=hXu4hYuFRZiAOZn9sUJ3PQ\nversion=1\ncluster.id=_uV-nmfqTymM3PTtdNtAZg\n";

#[test]
fn what_kafka_wrote_is_read_and_survives_a_round_trip() {
    let meta = MetaProperties::parse(KAFKAS).unwrap();
    assert_eq!(meta.node_id, 1);
    assert_eq!(meta.cluster_id, "_uV-nmfqTymM3PTtdNtAZg");
    assert_eq!(
        meta.directory_id.unwrap().to_string(),
        "hXu4hYuFRZiAOZn9sUJ3PQ"
    );
    assert_eq!(MetaProperties::parse(&meta.render()).unwrap(), meta);
}

#[test]
fn keys_of_others_and_odd_characters_survive() {
    let mut meta = MetaProperties::parse(KAFKAS).unwrap();
    meta.cluster_id = " a=b:c\\d #\t".trim_end().to_owned();
    meta.others
        .insert("their key".to_owned(), "välue".to_owned());
    assert_eq!(MetaProperties::parse(&meta.render()).unwrap(), meta);
    assert_eq!(properties("a\\u0062 : c").unwrap()["ab"], "c");
}

#[test]
fn errors_name_the_file_and_the_cause() {
    let dir = tempfile::tempdir().unwrap();
    let error = MetaProperties::read(&RealFiles, dir.path()).unwrap_err();
    assert!(
        matches!(error, MetadataError::NotFormatted { .. }),
        "{error}"
    );
    for (content, cause) in [
        ("version=1\nnode.id=1\n", "no cluster.id"),
        ("version=0\ncluster.id=a\nbroker.id=1\n", "only version 1"),
        ("version=1\ncluster.id=a\nnode.id=-3\n", "node.id is \"-3\""),
        ("version=1\ncluster.id=a\nnode.id=x\n", "node.id is \"x\""),
        ("version=1\ncluster.id=\nnode.id=1\n", "cluster.id is empty"),
        (
            "version=1\ncluster.id=a\nnode.id=1\ndirectory.id=??\n",
            "directory.id is \"??\"",
        ),
        ("garbage", "line 1 is not key=value"),
        ("a=\\u12", "broken escape"),
    ] {
        std::fs::write(dir.path().join(META_PROPERTIES), content).unwrap();
        let text = MetaProperties::read(&RealFiles, dir.path())
            .unwrap_err()
            .to_string();
        assert!(
            text.contains(META_PROPERTIES) && text.contains(cause),
            "{content:?}: {text}"
        );
    }
    std::fs::write(dir.path().join(META_PROPERTIES), [0xff, 0xfe, 0]).unwrap();
    let text = MetaProperties::read(&RealFiles, dir.path())
        .unwrap_err()
        .to_string();
    assert!(text.contains("not text"), "{text}");
}
