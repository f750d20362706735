//! Garbage in every file, and logs that end anywhere.

use super::*;

/// Opens and expects an error that names the file.
fn refused(dir: &TempDir, file: &str) -> String {
    let text = LocalMetadataLog::open(&request(dir))
        .unwrap_err()
        .to_string();
    assert!(text.contains(file), "{text}");
    text
}

fn damaged(relative: &str, bytes: &[u8]) -> TempDir {
    let dir = formatted();
    let log = open(&dir);
    create(&log, "a", 1, 1);
    log.snapshot().wait().unwrap();
    log.close();
    let path = dir.path().join(relative);
    std::fs::write(path, bytes).unwrap();
    dir
}

#[test]
fn garbage_in_a_file_is_an_error_that_names_it() {
    let log = |name: &str| format!("{METADATA_LOG_DIR}/{name}");
    for (file, bytes) in [
        (META_PROPERTIES.to_owned(), &b"garbage"[..]),
        (log(QUORUM_STATE), b"garbage"),
        (log(QUORUM_STATE), b"{\"leaderId\":1}"),
        (log(QUORUM_STATE), b""),
        (
            log(QUORUM_STATE),
            br#"{"leaderId":1,"leaderEpoch":-5,"votedId":-1,"data_version":1}"#,
        ),
        (
            log(QUORUM_STATE),
            br#"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version":9}"#,
        ),
        (log("leader-epoch-checkpoint"), b"0\n2\n1 0\n"),
        (log("leader-epoch-checkpoint"), b"\xff\xff"),
        (log("leader-epoch-checkpoint"), b"0\n2\n3 10\n2 20\n"),
        (
            log("partition.metadata"),
            b"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAg",
        ),
        (log("partition.metadata"), b"what"),
        (
            log("00000000000000000500-0000000001.checkpoint"),
            b"garbage",
        ),
        (log("00000000000000000500-0000000001.checkpoint"), b""),
        (log("01152921504606846977-0000000001.checkpoint"), b""),
    ] {
        let dir = damaged(&file, bytes);
        refused(&dir, &file);
    }
    let dir = damaged("bootstrap.checkpoint", b"garbage");
    std::fs::remove_dir_all(log_dir(&dir)).unwrap();
    refused(&dir, "bootstrap.checkpoint");
}

#[test]
fn an_epoch_that_nothing_can_follow_is_refused() {
    let state = br#"{"leaderId":1,"leaderEpoch":2147483647,"votedId":-1,"data_version":1}"#;
    let dir = damaged(&format!("{METADATA_LOG_DIR}/{QUORUM_STATE}"), state);
    refused(&dir, METADATA_LOG_DIR);
}

#[test]
fn leftovers_are_cleared_and_missing_helpers_are_made_again() {
    let dir = formatted();
    let image = create(&open(&dir), "a", 1, 1);
    let part = log_dir(&dir).join("00000000000000000003-0000000001.checkpoint.part");
    std::fs::write(&part, b"half").unwrap();
    for name in [
        QUORUM_STATE,
        "leader-epoch-checkpoint",
        "partition.metadata",
    ] {
        std::fs::remove_file(log_dir(&dir).join(name)).unwrap();
    }
    let (log, report) = LocalMetadataLog::open(&request(&dir)).unwrap();
    assert_eq!((content(&log.image()), report.epoch), (content(&image), 2));
    assert!(!part.exists());
    let epochs = std::fs::read_to_string(log_dir(&dir).join("leader-epoch-checkpoint")).unwrap();
    assert!(epochs.starts_with("0\n2\n1 0\n2 "), "{epochs}");
}

#[test]
fn another_node_another_directory_and_another_quorum_are_refused() {
    let dir = formatted();
    open(&dir).close();
    let other = OpenRequest {
        node_id: Some(2),
        ..request(&dir)
    };
    let text = LocalMetadataLog::open(&other).unwrap_err().to_string();
    assert!(text.contains("of node 1, not of node.id=2"), "{text}");

    let mut meta = MetaProperties::read(&RealFiles, dir.path()).unwrap();
    meta.directory_id = Some(id(9));
    meta.write(&RealFiles, dir.path()).unwrap();
    let text = refused(&dir, METADATA_LOG_DIR);
    assert!(text.contains("the voter's directory is"), "{text}");

    meta.node_id = 7;
    meta.write(&RealFiles, dir.path()).unwrap();
    let text = LocalMetadataLog::open(&OpenRequest::new(dir.path()))
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("[1]") && text.contains("node 7 alone"),
        "{text}"
    );

    let dir = formatted();
    std::fs::remove_file(log_dir(&dir).join("00000000000000000000-0000000000.checkpoint")).unwrap();
    let state = br#"{"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0}"#;
    std::fs::write(log_dir(&dir).join(QUORUM_STATE), state).unwrap();
    let text = refused(&dir, METADATA_LOG_DIR);
    assert!(text.contains("[1, 2]"), "{text}");
}

#[test]
fn a_quorum_with_configured_voters_stays_one() {
    let dir = formatted();
    std::fs::remove_file(log_dir(&dir).join("00000000000000000000-0000000000.checkpoint")).unwrap();
    for epoch in 1..3 {
        open(&dir).close();
        let state = QuorumState::read(&RealFiles, &log_dir(&dir))
            .unwrap()
            .unwrap();
        assert_eq!((state.leader_epoch, state.voters), (epoch, Some(vec![1])));
    }
}

/// A log of several batches: the bytes of its segment, and the image behind each batch.
fn several_batches(dir: &TempDir) -> (Vec<u8>, Vec<(usize, Image)>) {
    let log = open(dir);
    let mut images = vec![(log.status().log_bytes as usize, content(&log.image()))];
    for n in 1..5 {
        let image = create(&log, &format!("t{n}"), n, 1);
        images.push((log.status().log_bytes as usize, content(&image)));
    }
    log.close();
    (std::fs::read(first_segment(dir)).unwrap(), images)
}

#[test]
fn a_log_may_end_anywhere_and_keeps_all_whole_batches() {
    let dir = formatted();
    let (bytes, images) = several_batches(&dir);
    let first = images[0].0;
    for end in (first..bytes.len()).step_by(7) {
        std::fs::write(first_segment(&dir), &bytes[..end]).unwrap();
        let (log, report) = LocalMetadataLog::open(&request(&dir)).unwrap();
        let (kept, expected) = images.iter().rev().find(|(len, _)| *len <= end).unwrap();
        assert_eq!(content(&log.image()), *expected, "cut at {end}");
        let torn = report
            .torn_tail
            .map(|torn| (torn.kept_bytes as usize, torn.cut_bytes as usize));
        assert_eq!(torn, (end > *kept).then_some((*kept, end - kept)));
        log.close();
        assert_eq!(content(&open(&dir).image()), *expected, "opened again");
    }
}

#[test]
fn a_changed_byte_never_gives_wrong_metadata() {
    let dir = formatted();
    let (bytes, images) = several_batches(&dir);
    let before_last = images[images.len() - 2].0;
    // Bytes 12 to 16 of a batch are the leader epoch, which no checksum covers.
    let starts: Vec<usize> = {
        let batches = limpid_protocol::records::Batches::new(&bytes);
        let mut at = 0;
        let sizes = batches.map(|batch| batch.unwrap().size());
        sizes
            .map(|size| {
                at += size;
                at - size
            })
            .collect()
    };
    let unprotected = |at: usize| {
        starts
            .iter()
            .any(|start| (start + 12..start + 16).contains(&at))
    };
    for at in (0..bytes.len()).filter(|at| !unprotected(*at)).step_by(5) {
        let mut garbled = bytes.clone();
        garbled[at] ^= 0x41;
        std::fs::write(first_segment(&dir), &garbled).unwrap();
        match LocalMetadataLog::open(&request(&dir)) {
            Ok((log, report)) => {
                assert!(at >= before_last, "byte {at} is not in the last batch");
                assert_eq!(report.torn_tail.unwrap().kept_bytes as usize, before_last);
                assert_eq!(content(&log.image()), images[images.len() - 2].1);
            }
            Err(e) => assert!(e.to_string().contains("00000000000000000000.log"), "{e}"),
        }
    }
}

#[test]
fn a_missing_segment_and_a_missing_snapshot_are_noticed() {
    let dir = formatted();
    let small = OpenRequest {
        segment_bytes: 200,
        ..request(&dir)
    };
    let (log, _) = LocalMetadataLog::open(&small).unwrap();
    for n in 1..6 {
        create(&log, &format!("t{n}"), n, 1);
    }
    log.close();
    let mut segments: Vec<_> = std::fs::read_dir(log_dir(&dir))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "log"))
        .collect();
    segments.sort();
    assert!(segments.len() > 3);
    let middle = std::fs::read(&segments[2]).unwrap();
    std::fs::remove_file(&segments[2]).unwrap();
    refused(&dir, segments[3].to_str().unwrap());
    std::fs::write(&segments[2], &middle[..middle.len() - 1]).unwrap();
    let text = refused(&dir, segments[2].to_str().unwrap());
    assert!(text.contains("later segments exist"), "{text}");
    std::fs::write(&segments[2], middle).unwrap();
    std::fs::remove_file(&segments[0]).unwrap();
    refused(&dir, segments[1].to_str().unwrap());
}

#[test]
fn a_log_that_ends_before_its_snapshot_starts_again_behind_it() {
    let dir = formatted();
    let log = open(&dir);
    create(&log, "a", 1, 1);
    let image = create(&log, "b", 2, 1);
    log.snapshot().wait().unwrap();
    log.close();
    std::fs::write(first_segment(&dir), b"").unwrap();
    let log = open(&dir);
    assert_eq!(content(&log.image()), content(&image));
    assert_eq!(log.status().log_start_offset, image.next_offset());
    create(&log, "c", 3, 1);
    log.close();
    assert_eq!(open(&dir).image().topic_count(), 3);
}
