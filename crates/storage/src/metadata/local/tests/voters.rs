//! Directories whose voters are configured, until the log names them.

use super::*;
use crate::metadata::{ControllerEndpoint, KRAFT_VERSION};

/// As `kafka-storage format` leaves it where `controller.quorum.voters` is set.
fn without_voters() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let options = FormatOptions {
        controller: None,
        ..FormatOptions::new("AAAAAAAAQQ-AAAAAAAAAAA", 1)
    };
    format(&[dir.path().to_owned()], &options, &FormatEnv::default()).unwrap();
    dir
}

fn voters_in_state(dir: &TempDir) -> Option<Vec<i32>> {
    let state = QuorumState::read(&RealFiles, &log_dir(dir)).unwrap();
    state.unwrap().voters
}

#[test]
fn a_formatted_directory_names_its_voter() {
    let log = open(&formatted());
    let image = log.image();
    assert_eq!((image.feature(KRAFT_VERSION), image.voters().len()), (1, 1));
    // It is not among the features of the log's records.
    assert_eq!(image.features().get(KRAFT_VERSION), None);
}

#[test]
fn voters_are_written_once_and_stay() {
    let dir = without_voters();
    let log = open(&dir);
    assert_eq!(log.image().feature(KRAFT_VERSION), 0);
    assert_eq!(voters_in_state(&dir), Some(vec![1]));
    let place = ControllerEndpoint {
        name: "QUORUM".to_owned(),
        host: "there".to_owned(),
        port: 7,
    };
    let seen = Arc::new(AtomicUsize::new(0));
    let levels = Arc::clone(&seen);
    log.subscribe(Box::new(move |image, _| {
        let level = usize::try_from(image.feature(KRAFT_VERSION)).unwrap();
        levels.fetch_add(level, Ordering::Relaxed);
    }));
    let before = log.image().next_offset();
    let named = log.name_voters(&place).wait().unwrap().image;
    // Two control records.
    assert_eq!(named.next_offset(), before + 2);
    assert_eq!(seen.load(Ordering::Relaxed), 1);
    let again = log.name_voters(&ControllerEndpoint::default());
    assert_eq!(again.wait().unwrap().image.next_offset(), before + 2);

    let created = create(&log, "a", 1, 1);
    let check = |image: &Image| {
        assert_eq!(image.feature(KRAFT_VERSION), 1);
        let [voter] = image.voters() else {
            panic!("{:?}", image.voters());
        };
        let endpoint = &voter.endpoints[0];
        let place = (
            endpoint.name.as_str(),
            endpoint.host.as_str(),
            endpoint.port,
        );
        assert_eq!((voter.voter_id, place), (1, ("QUORUM", "there", 7)));
        let meta = MetaProperties::read(&RealFiles, dir.path()).unwrap();
        assert_eq!(Some(voter.voter_directory_id), meta.directory_id);
    };
    check(&created);
    log.close();
    let log = open(&dir);
    assert_eq!(content(&log.image()), content(&created));
    check(&log.image());
    assert_eq!(voters_in_state(&dir), None);
    log.snapshot().wait().unwrap();
    log.close();
    check(&open(&dir).image());
}
