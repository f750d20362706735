use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use limpid_platform::clock::ManualClock;
use limpid_platform::files::{Fault, FaultKind, FaultyFiles, Op, RealFiles};
use limpid_platform::random::SeededRandom;
use limpid_protocol::messages::{
    AccessControlEntryRecord, ClientQuotaRecord, UserScramCredentialRecord, client_quota_record,
};
use tempfile::TempDir;

use super::*;
use crate::metadata::changes::{self, BrokerRegistration, Endpoint, NewTopic, ReplicaPlace};
use crate::metadata::{
    ConfigResource, FormatEnv, FormatOptions, META_PROPERTIES, MetadataRecord, NO_LEADER,
    QUORUM_STATE, format,
};

mod damage;
mod others;
mod property;
mod voters;

/// A formatted directory.
fn formatted() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let env = FormatEnv {
        random: Arc::new(SeededRandom::new(7)),
        ..FormatEnv::default()
    };
    let options = FormatOptions::new("AAAAAAAAQQ-AAAAAAAAAAA", 1);
    format(&[dir.path().to_owned()], &options, &env).unwrap();
    dir
}

fn request(dir: &TempDir) -> OpenRequest {
    OpenRequest {
        node_id: Some(1),
        ..OpenRequest::new(dir.path())
    }
}

fn open(dir: &TempDir) -> LocalMetadataLog {
    LocalMetadataLog::open(&request(dir)).unwrap().0
}

fn log_dir(dir: &TempDir) -> PathBuf {
    dir.path().join(METADATA_LOG_DIR)
}

fn first_segment(dir: &TempDir) -> PathBuf {
    log_dir(dir).join("00000000000000000000.log")
}

fn id(n: u8) -> Uuid {
    Uuid::from_bytes([n; 16])
}

fn topic(name: &str, n: u8, partitions: usize) -> NewTopic {
    let place = ReplicaPlace {
        broker: 1,
        directory: id(200),
    };
    NewTopic {
        name: name.to_owned(),
        id: id(n),
        partitions: vec![vec![place]; partitions],
        configs: vec![("retention.ms".to_owned(), n.to_string())],
    }
}

fn create(log: &LocalMetadataLog, name: &str, n: u8, partitions: usize) -> Arc<Image> {
    let new = topic(name, n, partitions);
    let ticket = log.update(Box::new(move |image| changes::create_topic(image, &new)));
    ticket.wait().unwrap().image
}

fn registration(incarnation: u8) -> BrokerRegistration {
    BrokerRegistration {
        broker_id: 1,
        incarnation_id: id(incarnation),
        endpoints: vec![Endpoint {
            name: "PLAINTEXT".to_owned(),
            host: "localhost".to_owned(),
            port: 9092,
            security_protocol: 0,
        }],
        features: Vec::new(),
        rack: Some("a".to_owned()),
        log_dirs: vec![id(200)],
        controller_endpoints: Vec::new(),
    }
}

fn register(log: &LocalMetadataLog, incarnation: u8) -> Arc<Image> {
    let new = registration(incarnation);
    let ticket = log.update(Box::new(move |image| {
        Ok(changes::register_broker(image, &new))
    }));
    ticket.wait().unwrap().image
}

/// The image without where and when it is: what a restart must keep.
fn content(image: &Image) -> Image {
    Image {
        offset: 0,
        epoch: 0,
        timestamp_ms: 0,
        ..image.clone()
    }
}

#[test]
fn a_new_directory_gets_kafkas_features_and_every_start_a_new_epoch() {
    let dir = formatted();
    for epoch in 1..4 {
        let (log, report) = LocalMetadataLog::open(&request(&dir)).unwrap();
        assert_eq!((report.epoch, report.bootstrapped), (epoch, epoch == 1));
        let image = log.image();
        assert_eq!(image.metadata_version(), 30);
        assert_eq!(image.feature("transaction.version"), 2);
        let default = ConfigResource::broker_default();
        assert_eq!(image.config(&default, "min.insync.replicas"), Some("1"));
        let state = QuorumState::read(&RealFiles, &log_dir(&dir))
            .unwrap()
            .unwrap();
        assert_eq!(
            (state.leader_id, state.leader_epoch, state.voters),
            (1, epoch, None)
        );
    }
    let epochs = std::fs::read_to_string(log_dir(&dir).join("leader-epoch-checkpoint")).unwrap();
    assert_eq!(epochs, "0\n3\n1 0\n2 10\n3 11\n");
}

#[test]
fn what_was_appended_is_there_after_a_restart() {
    let dir = formatted();
    let log = open(&dir);
    register(&log, 1);
    create(&log, "a", 1, 3);
    let image = create(&log, "b", 2, 1);
    log.close();
    assert!(matches!(
        log.append(Vec::new()).wait(),
        Err(AppendError::Closed)
    ));
    let log = open(&dir);
    assert_eq!(content(&log.image()), content(&image));
    assert_eq!(
        log.image().partition(id(1), 2).unwrap().directories,
        [id(200)]
    );
}

#[test]
fn a_change_sees_the_metadata_right_before_it() {
    let dir = formatted();
    let log = Arc::new(open(&dir));
    let won = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for n in 1..9 {
            let (log, won) = (&log, &won);
            scope.spawn(move || {
                let new = topic("contested", n, 1);
                let ticket = log.update(Box::new(move |image| changes::create_topic(image, &new)));
                match ticket.wait() {
                    Ok(_) => won.fetch_add(1, Ordering::SeqCst),
                    Err(AppendError::Refused(refusal)) => {
                        assert_eq!(refusal.code, limpid_protocol::ErrorCode::TopicAlreadyExists);
                        0
                    }
                    Err(e) => panic!("{e}"),
                };
            });
        }
    });
    assert_eq!(won.into_inner(), 1);
    assert_eq!(log.image().topic_count(), 1);
}

#[test]
fn a_refused_record_takes_its_whole_append_with_it_and_nothing_else() {
    let dir = formatted();
    let log = open(&dir);
    let before = log.image();
    let records = vec![
        changes::set_config(&ConfigResource::broker(1), "a", Some("b")),
        MetadataRecord::PartitionChange(Default::default()),
    ];
    let error = log.append(records).wait().unwrap_err();
    assert!(matches!(error, AppendError::Invalid(_)), "{error}");
    assert_eq!(*log.image(), *before);
    create(&log, "a", 1, 1);
}

#[test]
fn subscribers_see_every_image_before_the_ticket_resolves() {
    let dir = formatted();
    let log = open(&dir);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    log.subscribe(Box::new(move |image, changes| {
        sink.lock().push((image.topic_count(), changes.clone()));
    }));
    create(&log, "a", 1, 2);
    let seen = seen.lock();
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].0, seen[0].1.is_empty()), (0, true));
    assert_eq!(seen[1].0, 1);
    assert_eq!(seen[1].1.partitions.len(), 2);
    assert!(seen[1].1.configs.contains(&ConfigResource::topic("a")));
}

#[test]
fn a_restart_elects_and_raises_the_leader_epoch_clean_or_not() {
    let dir = formatted();
    let log = open(&dir);
    register(&log, 1);
    create(&log, "a", 1, 1);
    log.close();
    // As after kill -9: the broker still leads according to the log.
    let log = open(&dir);
    let image = register(&log, 2);
    let partition = image.partition(id(1), 0).unwrap();
    assert_eq!((partition.leader, partition.leader_epoch), (1, 1));
    let broker = image.broker(1).unwrap();
    assert!(!broker.fenced && !broker.in_controlled_shutdown);
    assert_eq!(broker.incarnation_id, id(2));

    let stop = log.update(Box::new(|image| Ok(changes::controlled_shutdown(image, 1))));
    let image = stop.wait().unwrap().image;
    let partition = image.partition(id(1), 0).unwrap();
    assert_eq!((partition.leader, partition.leader_epoch), (NO_LEADER, 2));
    assert_eq!(
        (
            partition.isr.len(),
            partition.eligible_leader_replicas.as_slice()
        ),
        (0, &[1][..])
    );
    assert!(image.broker(1).unwrap().fenced);
    log.close();
    let image = register(&open(&dir), 3);
    let partition = image.partition(id(1), 0).unwrap();
    assert_eq!((partition.leader, partition.leader_epoch), (1, 3));
    assert_eq!(
        (
            partition.isr.as_slice(),
            partition.eligible_leader_replicas.len()
        ),
        (&[1][..], 0)
    );
}

#[test]
fn producer_id_blocks_never_overlap() {
    let dir = formatted();
    let mut firsts = Vec::new();
    for incarnation in 1..3 {
        let log = open(&dir);
        register(&log, incarnation);
        for _ in 0..2 {
            let (block, taken) = std::sync::mpsc::channel();
            let ticket = log.update(Box::new(move |image| {
                let (ids, record) = changes::allocate_producer_ids(image, 1)?;
                block.send(ids).unwrap();
                Ok(vec![record])
            }));
            ticket.wait().unwrap();
            firsts.push(taken.recv().unwrap().first);
        }
    }
    assert_eq!(firsts, [0, 1000, 2000, 3000]);
}

#[test]
fn old_snapshots_and_segments_go_and_the_rest_still_opens() {
    let dir = formatted();
    let clock = Arc::new(ManualClock::new(1_800_000_000_000));
    let small = OpenRequest {
        segment_bytes: 300,
        snapshot_bytes: 500,
        retention_bytes: 4000,
        clock: clock.clone(),
        ..request(&dir)
    };
    let (log, _) = LocalMetadataLog::open(&small).unwrap();
    let mut image = log.image();
    for n in 1..40 {
        image = create(&log, &format!("t{n}"), n, 1);
    }
    log.close();
    let status = log.status();
    assert!(
        status.log_start_offset > 0 && status.snapshots >= 1,
        "{status:?}"
    );
    assert!(
        !log_dir(&dir)
            .join("00000000000000000000-0000000000.checkpoint")
            .exists()
    );
    let (log, report) = LocalMetadataLog::open(&small).unwrap();
    assert!(report.snapshot.unwrap().0 > 0);
    assert_eq!(content(&log.image()), content(&image));

    // By age: everything but the newest snapshot.
    let aged = OpenRequest {
        retention_ms: 1000,
        snapshot_interval_ms: 1,
        ..small
    };
    drop(log);
    clock.advance(std::time::Duration::from_secs(10));
    let (log, _) = LocalMetadataLog::open(&aged).unwrap();
    clock.advance(std::time::Duration::from_secs(10));
    create(&log, "last", 100, 1);
    log.close();
    assert_eq!(log.status().snapshots, 1);
    assert_eq!(open(&dir).image().topic_count(), 40);
}

#[test]
fn a_change_too_large_for_a_batch_is_a_transaction() {
    let dir = formatted();
    // No snapshot: it would make the cut below harmless.
    let request = OpenRequest {
        snapshot_bytes: 1 << 40,
        ..request(&dir)
    };
    let (log, _) = LocalMetadataLog::open(&request).unwrap();
    let value = "v".repeat(30_000);
    let records = (0..700)
        .map(|n| changes::set_config(&ConfigResource::broker(n), "k", Some(&value)))
        .collect();
    let image = log.append(records).wait().unwrap().image;
    assert!(log.status().appended_batches > 4);
    assert_eq!(image.next_offset(), log.status().log_end_offset);
    create(&log, "behind", 1, 1);
    log.close();

    let (log, _) = LocalMetadataLog::open(&request).unwrap();
    assert_eq!(log.image().config_resources().count(), 702);
    log.close();
    // Without its end the transaction is none: cut the file inside it, and twice open it.
    let path = first_segment(&dir);
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(15 << 20).unwrap();
    let (log, report) = LocalMetadataLog::open(&request).unwrap();
    assert!(report.aborted_transaction && report.torn_tail.is_some());
    assert_eq!(log.image().config_resources().count(), 1);
    create(&log, "again", 1, 1);
    log.close();
    let (log, report) = LocalMetadataLog::open(&request).unwrap();
    assert!(!report.aborted_transaction);
    assert_eq!(
        (
            log.image().config_resources().count(),
            log.image().topic_count()
        ),
        (2, 1)
    );
}

#[test]
fn a_full_disk_refuses_and_goes_on_a_failed_sync_does_not() {
    let dir = formatted();
    let faulty = Arc::new(FaultyFiles::new(Arc::new(RealFiles)));
    let with_faults = OpenRequest {
        files: faulty.clone(),
        ..request(&dir)
    };
    let (log, _) = LocalMetadataLog::open(&with_faults).unwrap();
    create(&log, "before", 1, 1);
    for kind in [FaultKind::NoSpace, FaultKind::TornWriteNoSpace(70)] {
        faulty.inject(Fault::once(Op::Write, ".log", kind));
        let new = topic("full", 2, 1);
        let ticket = log.update(Box::new(move |image| changes::create_topic(image, &new)));
        assert!(matches!(ticket.wait(), Err(AppendError::DiskFull { .. })));
    }
    let image = create(&log, "after", 3, 1);
    assert_eq!(content(&image).topic_count(), 2);

    faulty.inject(Fault::once(Op::Sync, ".log", FaultKind::InputOutput));
    for n in 4..6 {
        let new = topic("lost", n, 1);
        let ticket = log.update(Box::new(move |image| changes::create_topic(image, &new)));
        assert!(matches!(ticket.wait(), Err(AppendError::Offline(_))));
    }
    assert!(log.status().offline.is_some());
    assert_eq!(*log.image(), *image, "what may not be durable is not shown");
}

#[test]
fn a_ticket_is_a_future() {
    use std::task::{Context, Poll, Wake, Waker};
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let dir = formatted();
    let log = open(&dir);
    let mut ticket = log.append(vec![changes::set_feature("f", 1)]);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let committed = loop {
        match Future::poll(
            std::pin::Pin::new(&mut ticket),
            &mut Context::from_waker(&waker),
        ) {
            Poll::Ready(answer) => break answer.unwrap(),
            Poll::Pending => std::thread::park(),
        }
    };
    assert_eq!(committed.image.feature("f"), 1);
}
