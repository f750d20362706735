//! Share groups (KIP-932).

use limpid_protocol::messages::share_group_heartbeat_request::ShareGroupHeartbeatRequest;
use limpid_protocol::messages::share_group_heartbeat_response::ShareGroupHeartbeatResponse;

use super::consumers::id_of;
use super::*;
use crate::Refusal;
use crate::view::GroupType;

fn request(member: &str, epoch: i32, topics: Option<&[&str]>) -> ShareGroupHeartbeatRequest {
    let names = |topics: &[&str]| topics.iter().map(|t| (*t).to_owned()).collect();
    ShareGroupHeartbeatRequest {
        group_id: GROUP.to_owned(),
        member_id: member.to_owned(),
        member_epoch: epoch,
        subscribed_topic_names: topics.map(names),
        ..ShareGroupHeartbeatRequest::default()
    }
}

impl World {
    /// As the broker does it: what has no state is set up first.
    fn share(
        &mut self,
        request: ShareGroupHeartbeatRequest,
    ) -> Result<ShareGroupHeartbeatResponse, Refusal> {
        let mut out = Out::default();
        let asked = self.coordinator.share_prepare(self.now, &request, &mut out);
        self.settle(out)?;
        let (_, missing) = asked?;
        if !missing.is_empty() {
            let mut out = Out::default();
            let coordinator = &mut self.coordinator;
            let kept = coordinator.share_kept(self.now, GROUP, &missing, &mut out);
            self.settle(out)?;
            kept?;
        }
        let mut out = Out::default();
        let client = Client {
            id: "client".to_owned(),
            host: "/127.0.0.1".to_owned(),
        };
        let answer = self
            .coordinator
            .share_heartbeat(self.now, request, client, &mut out);
        self.settle(out)?;
        self.coordinator.check_invariants();
        answer
    }

    fn share_fails(&mut self, request: ShareGroupHeartbeatRequest) -> ErrorCode {
        self.share(request).expect_err("is refused").error
    }
}

fn count(answer: &ShareGroupHeartbeatResponse) -> Option<usize> {
    let topics = &answer.assignment.as_ref()?.topic_partitions;
    Some(topics.iter().map(|topic| topic.partitions.len()).sum())
}

#[test]
fn the_first_member_has_everything_at_once() {
    let mut world = World::reading(&[("t", 3)]);
    let joined = world.share(request("a", 0, Some(&["t"]))).expect("joins");
    assert_eq!((joined.member_epoch, count(&joined)), (1, Some(3)));
    let again = world.share(request("a", 1, None)).expect("reports");
    assert_eq!((again.member_epoch, count(&again)), (1, None));
    let view = world.view();
    assert_eq!(
        (view.group_type, world.state()),
        (GroupType::Share, "Stable")
    );
    let kept = world.coordinator.share_partitions(GROUP);
    assert_eq!(kept, [(id_of("t"), "t".to_owned(), vec![0, 1, 2])]);
    let began = world.events.iter().filter_map(|event| match event {
        Event::RebalanceBegan { group_type, .. } => Some(*group_type),
        _ => None,
    });
    assert_eq!(began.collect::<Vec<_>>(), [GroupType::Share]);
}

#[test]
fn members_share_partitions_and_hear_of_new_ones() {
    let mut world = World::reading(&[("t", 1)]);
    world.share(request("a", 0, Some(&["t"]))).expect("joins");
    world.pass(2_000);
    let second = world.share(request("b", 0, Some(&["t"]))).expect("joins");
    assert_eq!((second.member_epoch, count(&second)), (2, Some(1)));
    let first = world.share(request("a", 1, None)).expect("reports");
    assert_eq!(
        (first.member_epoch, count(&first)),
        (2, None),
        "it keeps what it has"
    );
    world.set_topics(&[("t", 4)]);
    world.pass(2_000);
    let first = world.share(request("a", 2, None)).expect("reports");
    assert_eq!((first.member_epoch, count(&first)), (3, Some(2)));
    let second = world.share(request("b", 2, None)).expect("reports");
    assert_eq!((second.member_epoch, count(&second)), (3, Some(2)));
}

#[test]
fn assignments_wait_for_the_interval() {
    let mut world = World::reading(&[("t", 2)]);
    world.share(request("a", 0, Some(&["t"]))).expect("joins");
    let second = world.share(request("b", 0, Some(&["t"]))).expect("joins");
    assert_eq!((second.member_epoch, count(&second)), (1, Some(0)));
    world.pass(1_000);
    let second = world.share(request("b", 1, None)).expect("reports");
    assert_eq!((second.member_epoch, count(&second)), (2, Some(1)));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut world = World::reading(&[("t", 2)]);
    let invalid = ErrorCode::InvalidRequest;
    assert_eq!(world.share_fails(request("a", 0, None)), invalid);
    assert_eq!(world.share_fails(request("a", 0, Some(&[]))), invalid);
    assert_eq!(world.share_fails(request("", 0, Some(&["t"]))), invalid);
    assert_eq!(world.share_fails(request("a", -2, None)), invalid);
    let missing = ErrorCode::GroupIdNotFound;
    assert_eq!(world.share_fails(request("a", 1, None)), missing);
    assert_eq!(world.share_fails(request("a", -1, None)), missing);
    assert!(world.coordinator.ids().is_empty() && world.log.is_empty());
    world.share(request("a", 0, Some(&["t"]))).expect("joins");
    let unknown = ErrorCode::UnknownMemberId;
    assert_eq!(world.share_fails(request("b", 1, None)), unknown);
    assert_eq!(world.share_fails(request("b", -1, None)), unknown);
    assert_eq!(
        world.share_fails(request("a", 7, None)),
        ErrorCode::FencedMemberEpoch
    );
}

#[test]
fn groups_of_another_type_are_left_alone() {
    let mut world = World::quick();
    world.stable(1);
    let missing = ErrorCode::GroupIdNotFound;
    assert_eq!(world.share_fails(request("a", 0, Some(&["t"]))), missing);
    let mut world = World::reading(&[("t", 2)]);
    world.share(request("a", 0, Some(&["t"]))).expect("joins");
    let token = world.send_join(join("", &["range"]), 9);
    assert_eq!(
        world.join_error(token),
        ErrorCode::InconsistentGroupProtocol
    );
    assert_eq!(world.commit("", -1, 5), missing);
    assert_eq!(world.beat("a", 1), ErrorCode::UnknownMemberId);
}

#[test]
fn groups_have_a_size() {
    let mut world = World::with(Limits {
        share_size_max: 1,
        ..Limits::default()
    });
    world.set_topics(&[("t", 2)]);
    world.share(request("a", 0, Some(&["t"]))).expect("joins");
    let full = ErrorCode::GroupMaxSizeReached;
    assert_eq!(world.share_fails(request("b", 0, Some(&["t"]))), full);
}

#[test]
fn members_leave_or_fall_silent() {
    let mut world = World::reading(&[("t", 2)]);
    world.share(request("a", 0, Some(&["t"]))).expect("joins");
    world.share(request("b", 0, Some(&["t"]))).expect("joins");
    world.pass(30_000);
    let left = world.share(request("b", -1, None)).expect("leaves");
    assert_eq!(left.member_epoch, -1);
    assert_eq!(world.view().members.len(), 1);
    world.pass(15_000);
    assert_eq!(world.state(), "Empty", "45 seconds are over");
    assert_eq!(world.coordinator.timers_len(), 0);
    assert_eq!(
        world.share_fails(request("a", 1, None)),
        ErrorCode::UnknownMemberId
    );
}

#[test]
fn a_group_is_after_a_restart_what_it_was() {
    let mut world = World::reading(&[("t", 3), ("u", 1)]);
    world
        .share(request("a", 0, Some(&["t", "u"])))
        .expect("joins");
    world.pass(2_000);
    let joined = world.share(request("b", 0, Some(&["t"]))).expect("joins");
    let before = world.coordinator.describe_share(GROUP).expect("is there");
    world.restart();
    let after = world.coordinator.describe_share(GROUP).expect("is there");
    assert_eq!(after, before);
    let epoch = joined.member_epoch;
    let again = world.share(request("b", epoch, None)).expect("goes on");
    assert_eq!((again.member_epoch, count(&again)), (epoch, None));
}

#[test]
fn no_group_is_a_streams_group() {
    let mut world = World::reading(&[("t", 2)]);
    world.share(request("a", 0, Some(&["t"]))).expect("joins");
    for (id, why) in [
        (GROUP, format!("Group {GROUP} is not a streams group.")),
        ("absent", "Group absent not found.".to_owned()),
    ] {
        let refused = world.coordinator.no_streams_group(id);
        assert_eq!(refused, Refusal::new(ErrorCode::GroupIdNotFound, why));
    }
}

#[test]
fn what_is_not_written_did_not_happen() {
    let mut world = World::reading(&[("t", 2)]);
    let failure = ErrorCode::CoordinatorNotAvailable;
    world.fails = Some(failure);
    assert_eq!(world.share_fails(request("a", 0, Some(&["t"]))), failure);
    assert!(world.coordinator.ids().is_empty());
    world.fails = None;
    world.share(request("a", 0, Some(&["t"]))).expect("joins");
    let before = world.coordinator.describe_share(GROUP).expect("is there");
    world.fails = Some(failure);
    assert_eq!(world.share_fails(request("a", -1, None)), failure);
    assert_eq!(world.coordinator.describe_share(GROUP), Ok(before));
    world.pass(46_000);
    assert_eq!(world.state(), "Stable", "it can't be removed yet");
    world.fails = None;
    world.pass(46_000);
    assert_eq!(world.state(), "Empty");
}

#[test]
fn empty_groups_are_altered_and_deleted() {
    let mut world = World::reading(&[("t", 2), ("u", 1)]);
    let partitions = [(id_of("t"), [0].into())].into();
    let mut out = Out::default();
    let coordinator = &mut world.coordinator;
    let epoch = coordinator.share_alter(world.now, GROUP, &partitions, &mut out);
    assert_eq!(epoch, Ok(0), "it is made");
    world.settle(out).expect("stored");
    let mut out = Out::default();
    let kept = world
        .coordinator
        .share_kept(world.now, GROUP, &partitions, &mut out);
    assert_eq!(kept, Ok(()));
    world.settle(out).expect("stored");
    world.restart();
    assert_eq!(world.state(), "Empty");
    world
        .share(request("a", 0, Some(&["t", "u"])))
        .expect("joins");
    let busy =
        |result: Result<_, Refusal>| result.map_err(|r| r.error) == Err(ErrorCode::NonEmptyGroup);
    let mut out = Out::default();
    let topics = [id_of("t")];
    let coordinator = &mut world.coordinator;
    assert!(busy(
        coordinator.share_delete_offsets(world.now, GROUP, &topics, &mut out)
    ));
    assert!(busy(
        coordinator.share_delete_all(world.now, GROUP, &mut out)
    ));
    assert_eq!(
        coordinator.delete(GROUP, &mut out),
        Err(ErrorCode::NonEmptyGroup)
    );
    world.share(request("a", -1, None)).expect("leaves");
    let mut out = Out::default();
    let coordinator = &mut world.coordinator;
    let gone = coordinator.share_delete_offsets(world.now, GROUP, &topics, &mut out);
    assert_eq!(gone, Ok([(id_of("t"), [0, 1].into())].into()));
    world.settle(out).expect("stored");
    let mut out = Out::default();
    let coordinator = &mut world.coordinator;
    assert_eq!(
        coordinator.share_deleted(world.now, GROUP, &topics, &mut out),
        Ok(())
    );
    world.settle(out).expect("stored");
    assert_eq!(world.coordinator.share_partitions(GROUP).len(), 1);
    let mut out = Out::default();
    let gone = world
        .coordinator
        .share_delete_all(world.now, GROUP, &mut out);
    assert_eq!(gone, Ok([(id_of("u"), [0].into())].into()));
    world.settle(out).expect("stored");
    let mut out = Out::default();
    assert_eq!(world.coordinator.delete(GROUP, &mut out), Ok(()));
    world.settle(out).expect("stored");
    assert!(world.coordinator.ids().is_empty());
    world.restart();
    assert!(world.coordinator.ids().is_empty());
}

#[test]
fn topics_that_are_gone_are_forgotten() {
    let mut world = World::reading(&[("t", 2), ("u", 1)]);
    world
        .share(request("a", 0, Some(&["t", "u"])))
        .expect("joins");
    world.set_topics(&[("t", 2)]);
    let mut out = Out::default();
    let forgotten = world
        .coordinator
        .forget_topics(world.now, GROUP, |_, _| false, &mut out);
    assert!(forgotten);
    world.settle(out).expect("stored");
    assert_eq!(world.coordinator.share_partitions(GROUP).len(), 1);
    world.pass(2_000);
    let told = world.share(request("a", 1, None)).expect("reports");
    assert_eq!(count(&told), Some(2));
}
