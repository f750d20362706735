//! ConsumerGroupHeartbeat.

use std::sync::Arc;

use limpid_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use limpid_protocol::messages::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
use limpid_protocol::{ErrorCode, Uuid};

use super::{Client, Coordinator, set_errors};
use crate::after::{After, ConsumerAfter};
use crate::consumer::{Beat, Sight, check};
use crate::group::{Group, Kind};
use crate::limits::Now;
use crate::out::Out;
use crate::refusal::Refusal;

impl Coordinator {
    /// ConsumerGroupHeartbeat, after [`Self::prepare_consumer`]. The answer holds if the records get
    /// written. `random` makes the id of a member that has none (version 0).
    ///
    /// # Errors
    /// The request is refused.
    pub fn consumer_heartbeat(
        &mut self,
        now: Now,
        (request, version): (ConsumerGroupHeartbeatRequest, i16),
        (client, sight): (Client, Sight<'_>),
        random: [u8; 16],
        out: &mut Out,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        let member_id: Arc<str> = match request.member_id.as_str() {
            "" => Uuid::random_from(random).to_string().into(),
            known => known.into(),
        };
        let id: Arc<str> = request.group_id.as_str().into();
        let beat = Beat {
            request,
            client_id: client.id,
            client_host: client.host,
            member_id,
            sight,
        };
        check(&beat.request, version, &self.limits)?;
        if beat.joins() {
            self.make_consumer(now, &id);
        }
        let not_found = || {
            let message = format!("Group {id} is not a consumer group.");
            Refusal::new(ErrorCode::GroupIdNotFound, message)
        };
        let Some((group, mut turn)) = self.turn(&id, now, out) else {
            let message = format!("Group {id} not found.");
            return Err(Refusal::new(ErrorCode::GroupIdNotFound, message));
        };
        let Kind::Consumer(consumer) = &mut group.kind else {
            return Err(not_found());
        };
        let answer = consumer.heartbeat(&mut turn, &id, &beat);
        if consumer.is_gone() {
            // It was made for a member that could not join.
            self.unkind(&id);
        }
        answer
    }

    /// A group that is nothing yet, or only has offsets, becomes a consumer group.
    fn make_consumer(&mut self, now: Now, id: &Arc<str>) {
        let group = self
            .groups
            .entry(Arc::clone(id))
            .or_insert_with(|| Group::new(Arc::clone(id), now));
        if matches!(group.kind, Kind::Classic) && !group.has_classic_record() {
            group.kind = Kind::Consumer(Box::default());
        }
    }

    pub(super) fn consumer_written(
        &mut self,
        now: Now,
        after: ConsumerAfter,
        result: Result<(), ErrorCode>,
        out: &mut Out,
    ) {
        let id = Arc::clone(&after.group);
        let may_end_migration = after.then.may_end_migration();
        let downgrades = self.limits.downgrades;
        let size_max = self.limits.group_size_max;
        let Some((group, mut turn)) = self.turn(&id, now, out) else {
            return;
        };
        group.consumer_written(&mut turn, after, result);
        let Kind::Consumer(consumer) = &group.kind else {
            return;
        };
        if let Err(error) = result {
            let is_gone = consumer.is_gone();
            set_errors(&mut turn.out.answers, error);
            if is_gone {
                self.unkind(&id);
            }
        } else if may_end_migration
            && downgrades
            && consumer.is_all_classic()
            && consumer.members.len() <= size_max
        {
            let records = group.as_classic(now, turn.topics);
            turn.out.write(records, After::Converted(id));
        }
    }
}
