//! Offsets that are committed in transactions.

use limpid_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};

use super::*;

const PRODUCER: i64 = 77;

fn request(offset: i64) -> TxnOffsetCommitRequest {
    TxnOffsetCommitRequest {
        transactional_id: "tx".to_owned(),
        group_id: GROUP.to_owned(),
        producer_id: PRODUCER,
        generation_id: -1,
        topics: vec![TxnOffsetCommitRequestTopic {
            name: "t".to_owned(),
            partitions: vec![TxnOffsetCommitRequestPartition {
                partition_index: 0,
                committed_offset: offset,
                ..TxnOffsetCommitRequestPartition::default()
            }],
        }],
        ..TxnOffsetCommitRequest::default()
    }
}

impl World {
    fn send(&mut self, request: TxnOffsetCommitRequest) -> Result<(), ErrorCode> {
        let mut out = Out::default();
        let producer = (request.producer_id, request.producer_epoch);
        let done = self
            .coordinator
            .commit_in_transaction(self.now, request, &mut out);
        assert!(out.records.is_empty() || out.producer == Some(producer));
        self.settle(out)?;
        done.map(|_| ())
    }

    fn commit_of(&mut self, producer_id: i64, offset: i64) -> Result<(), ErrorCode> {
        self.send(TxnOffsetCommitRequest {
            producer_id,
            ..request(offset)
        })
    }

    fn end(&mut self, producer_id: i64, commit: bool) {
        self.coordinator
            .end_transaction(self.now, producer_id, commit);
    }

    fn offset(&self) -> Option<i64> {
        self.coordinator.offset(GROUP, "t", 0).map(|c| c.offset)
    }

    fn is_unstable(&self) -> bool {
        self.coordinator.is_unstable(GROUP, "t", 0)
    }
}

#[test]
fn offsets_count_when_their_transaction_commits() {
    let mut world = World::quick();
    world
        .commit_of(PRODUCER, 5)
        .expect("a group comes into being");
    assert_eq!((world.offset(), world.is_unstable()), (None, true));
    world.end(PRODUCER, true);
    assert_eq!((world.offset(), world.is_unstable()), (Some(5), false));
    world.commit_of(PRODUCER, 9).expect("open again");
    assert_eq!((world.offset(), world.is_unstable()), (Some(5), true));
    world.end(PRODUCER, false);
    assert_eq!((world.offset(), world.is_unstable()), (Some(5), false));
    world.end(PRODUCER, true);
    assert_eq!(world.offset(), Some(5), "nothing was open");
}

#[test]
fn what_was_written_last_wins() {
    let mut world = World::quick();
    world.commit_of(1, 10).expect("ok");
    assert_eq!(world.commit("", -1, 20), ErrorCode::None);
    world.end(1, true);
    assert_eq!(world.offset(), Some(20), "the plain commit came later");

    world.commit_of(1, 30).expect("ok");
    world.commit_of(2, 40).expect("ok");
    world.end(2, true);
    assert_eq!(world.offset(), Some(40));
    assert!(world.is_unstable());
    world.end(1, true);
    assert_eq!(world.offset(), Some(40), "written before the other one");

    world.commit_of(1, 50).expect("ok");
    world.commit_of(2, 60).expect("ok");
    world.end(1, true);
    assert_eq!(world.offset(), Some(50));
    world.end(2, true);
    assert_eq!(world.offset(), Some(60));
}

#[test]
fn members_that_are_gone_cant_commit() {
    let mut world = World::quick();
    let stranger = TxnOffsetCommitRequest {
        generation_id: 3,
        member_id: "m".to_owned(),
        ..request(1)
    };
    assert_eq!(
        world.send(stranger.clone()),
        Err(ErrorCode::IllegalGeneration)
    );
    world.commit_of(PRODUCER, 1).expect("ok");
    assert_eq!(world.send(stranger), Err(ErrorCode::UnknownMemberId));
    let nameless = TxnOffsetCommitRequest {
        group_id: String::new(),
        ..request(1)
    };
    assert_eq!(world.send(nameless), Err(ErrorCode::InvalidGroupId));
}

#[test]
fn a_commit_that_could_not_be_written_never_was() {
    let mut world = World::quick();
    world.fails = Some(ErrorCode::CoordinatorNotAvailable);
    assert!(world.commit_of(PRODUCER, 5).is_err());
    world.fails = None;
    world.end(PRODUCER, true);
    assert_eq!(world.offset(), None);
}

#[test]
fn open_offsets_keep_a_group_and_go_with_it() {
    let mut world = World::quick();
    world.commit_of(PRODUCER, 5).expect("ok");
    let year_ms = 365 * 24 * 3_600_000;
    world.now.wall_ms += year_ms;
    let mut out = Out::default();
    let id: std::sync::Arc<str> = GROUP.into();
    assert!(
        !world.coordinator.expire(world.now, &id, &mut out),
        "nothing expires"
    );
    world
        .coordinator
        .delete(GROUP, &mut out)
        .expect("nobody is in it");
    world.settle(out).expect("written");
    assert!(!world.is_unstable());
    assert!(world.coordinator.ids().is_empty());
    world.end(PRODUCER, true);
    assert_eq!(world.offset(), None, "deleted is deleted");
}

#[test]
fn a_restart_finds_what_is_open() {
    let mut world = World::quick();
    world.commit_of(1, 10).expect("ok");
    world.commit_of(2, 20).expect("ok");
    let log = std::mem::take(&mut world.log);
    world.coordinator = Coordinator::new(Limits::default());
    for (record, producer_id) in log.into_iter().zip([1, 2]) {
        world
            .coordinator
            .replay_in_transaction(world.now, producer_id, record);
    }
    assert!(world.is_unstable());
    world.end(2, false);
    world.end(1, true);
    assert_eq!(world.offset(), Some(10));
}
