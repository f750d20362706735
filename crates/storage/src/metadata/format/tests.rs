use limpid_platform::random::SeededRandom;

use super::*;

fn options() -> FormatOptions {
    FormatOptions::new("AAAAAAAAQQ-AAAAAAAAAAA", 1)
}

fn env() -> FormatEnv {
    FormatEnv {
        random: Arc::new(SeededRandom::new(1)),
        ..FormatEnv::default()
    }
}

#[test]
fn the_first_directory_gets_the_metadata_log_and_each_its_own_id() {
    let root = tempfile::tempdir().unwrap();
    let dirs = [root.path().join("a"), root.path().join("deep/b")];
    let made = format(&dirs, &options(), &env()).unwrap();
    assert_ne!(made[0].directory_id, made[1].directory_id);
    for (dir, meta) in dirs.iter().zip(&made) {
        assert_eq!(MetaProperties::read(&RealFiles, dir).unwrap(), *meta);
        let bootstrap = snapshot::read(&RealFiles, &dir.join(BOOTSTRAP_CHECKPOINT)).unwrap();
        let levels = bootstrap.records.iter().map(|record| match record {
            MetadataRecord::FeatureLevel(r) => (r.name.as_str(), r.feature_level),
            other => panic!("{other:?}"),
        });
        let expected = std::iter::once(("metadata.version", 30)).chain(KAFKA_4_3_FEATURES);
        assert!(levels.eq(expected));
        assert_eq!(bootstrap.last_contained_ms, 0);
    }
    let voters = dirs[0]
        .join(METADATA_LOG_DIR)
        .join("00000000000000000000-0000000000.checkpoint");
    let quorum = snapshot::read(&RealFiles, &voters).unwrap().quorum;
    assert_eq!(quorum.kraft_version, 1);
    let voter = &quorum.voters.unwrap().voters[0];
    assert_eq!(
        (voter.voter_id, Some(voter.voter_directory_id)),
        (1, made[0].directory_id)
    );
    assert!(!dirs[1].join(METADATA_LOG_DIR).exists());
}

#[test]
fn a_formatted_directory_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = (root.path().join("a"), root.path().join("b"));
    let first = format(std::slice::from_ref(&a), &options(), &env()).unwrap();
    let again = format(&[b.clone(), a.clone()], &options(), &env()).unwrap_err();
    assert!(
        matches!(again, MetadataError::AlreadyFormatted { .. }),
        "{again}"
    );
    assert!(!b.exists(), "nothing is written before all is checked");

    let tolerant = FormatOptions {
        ignore_formatted: true,
        ..options()
    };
    let both = format(&[a.clone(), b], &tolerant, &env()).unwrap();
    assert_eq!(both[0], first[0]);
    let other = FormatOptions {
        cluster_id: "other".to_owned(),
        ..tolerant
    };
    let text = format(&[a], &other, &env()).unwrap_err().to_string();
    assert!(text.contains("AAAAAAAAQQ-AAAAAAAAAAA"), "{text}");
}

#[test]
fn a_crash_before_meta_properties_leaves_a_directory_that_can_be_formatted() {
    use limpid_platform::files::{Fault, FaultKind, FaultyFiles, Op};
    let root = tempfile::tempdir().unwrap();
    let faulty = Arc::new(FaultyFiles::new(Arc::new(RealFiles)));
    faulty.inject(Fault::once(
        Op::Write,
        "meta.properties",
        FaultKind::InputOutput,
    ));
    let failing = FormatEnv {
        files: faulty,
        ..env()
    };
    let dirs = [root.path().join("a")];
    let text = format(&dirs, &options(), &failing).unwrap_err().to_string();
    assert!(text.contains("meta.properties"), "{text}");
    format(&dirs, &options(), &failing).unwrap();
}
