//! Share groups.

use std::sync::Arc;

use limpid_protocol::messages::share_group_describe_response::DescribedGroup;
use limpid_protocol::messages::share_group_heartbeat_request::ShareGroupHeartbeatRequest;
use limpid_protocol::messages::share_group_heartbeat_response::ShareGroupHeartbeatResponse;
use limpid_protocol::{ErrorCode, Uuid};

use super::{Client, Coordinator};
use crate::after::ShareAfter;
use crate::assignor::Partitions;
use crate::group::{Group, Kind};
use crate::limits::Now;
use crate::out::Out;
use crate::refusal::Refusal;
use crate::share::{self, Beat, ShareGroup};

impl Coordinator {
    /// Before [`Self::share_heartbeat`]: the group's epoch, and the partitions that a member wants to read and whose state
    /// is not kept yet. The caller sets it up and then says so with [`Self::share_kept`].
    ///
    /// # Errors
    /// The heartbeat would be refused.
    pub fn share_prepare(
        &mut self,
        now: Now,
        request: &ShareGroupHeartbeatRequest,
        out: &mut Out,
    ) -> Result<(i32, Partitions), Refusal> {
        share::check(request)?;
        let id: Arc<str> = request.group_id.as_str().into();
        let is_new = self.make_share(now, &id, request.member_epoch == 0)?;
        if request.member_epoch < 0 {
            return Ok((0, Partitions::new()));
        }
        let asked = self.in_share(now, &id, out, |group, turn, id| {
            group.admit(id, request, turn.limits)?;
            let missing = group.ask(turn, id, request.subscribed_topic_names.as_deref());
            Ok((group.epoch, missing))
        });
        if is_new && (asked.is_err() || out.records.is_empty()) {
            self.unkind(&id);
        }
        asked
    }

    /// The state of these partitions is kept from now on.
    ///
    /// # Errors
    /// The group is gone.
    pub fn share_kept(
        &mut self,
        now: Now,
        id: &str,
        partitions: &Partitions,
        out: &mut Out,
    ) -> Result<(), Refusal> {
        self.in_share(now, id, out, |group, turn, id| {
            group.set_done(turn, id, partitions);
            Ok(())
        })
    }

    /// ShareGroupHeartbeat. The answer holds if the records get written.
    ///
    /// # Errors
    /// The request is refused.
    pub fn share_heartbeat(
        &mut self,
        now: Now,
        request: ShareGroupHeartbeatRequest,
        client: Client,
        out: &mut Out,
    ) -> Result<ShareGroupHeartbeatResponse, Refusal> {
        share::check(&request)?;
        let id: Arc<str> = request.group_id.as_str().into();
        let beat = Beat {
            request,
            client_id: client.id,
            client_host: client.host,
        };
        self.make_share(now, &id, beat.joins())?;
        let answer = self.in_share(now, &id, out, |group, turn, id| {
            group.heartbeat(turn, id, &beat)
        });
        if answer.is_err() {
            self.forget_unwritten(&id);
        }
        answer
    }

    /// ShareGroupDescribe, for one group.
    ///
    /// # Errors
    /// There is no such group, or it is not a share group.
    pub fn describe_share(&self, id: &str) -> Result<DescribedGroup, Refusal> {
        match self.groups.get(id).map(|group| &group.kind) {
            None => Err(not_found(format!("Group {id} not found."))),
            Some(Kind::Share(share)) => Ok(share.describe(id, &self.topics)),
            Some(_) => Err(not_a_share_group(id)),
        }
    }

    /// The partitions of a group whose state is kept; none if it is no share group.
    pub fn share_partitions(&self, id: &str) -> Vec<(Uuid, String, Vec<i32>)> {
        let Some(Kind::Share(share)) = self.groups.get(id).map(|group| &group.kind) else {
            return Vec::new();
        };
        let kept = share.kept.initialized.iter();
        kept.map(|(id, part)| {
            let partitions = part.partitions.iter().copied().collect();
            (*id, part.name.clone(), partitions)
        })
        .collect()
    }

    /// Whether this is a share group.
    pub fn is_share(&self, id: &str) -> bool {
        let kind = self.groups.get(id).map(|group| &group.kind);
        matches!(kind, Some(Kind::Share(_)))
    }

    /// Before the offsets of a share group are altered: it may not have members; one that isn't
    /// there is made. The caller then sets the state of the partitions up anew and says so with
    /// [`Self::share_kept`]. The answer is the group's epoch.
    ///
    /// # Errors
    /// It has members, or is no share group.
    pub fn share_alter(
        &mut self,
        now: Now,
        id: &str,
        partitions: &Partitions,
        out: &mut Out,
    ) -> Result<i32, Refusal> {
        let name: Arc<str> = id.into();
        self.make_share(now, &name, true)?;
        let altered = self.in_share(now, id, out, |group, turn, id| {
            group.check_empty()?;
            group.begin(turn, id, partitions);
            Ok(group.epoch)
        });
        if altered.is_err() || out.records.is_empty() {
            self.forget_unwritten(&name);
        }
        altered
    }

    /// Before the offsets of a share group in some topics are deleted: which partitions these are,
    /// for each topic that it has some of. The caller deletes their state and says so with
    /// [`Self::share_deleted`].
    ///
    /// # Errors
    /// It has members, or there is no such group.
    pub fn share_delete_offsets(
        &mut self,
        now: Now,
        id: &str,
        topics: &[Uuid],
        out: &mut Out,
    ) -> Result<Partitions, Refusal> {
        self.in_share(now, id, out, |group, turn, id| {
            group.check_empty()?;
            Ok(group.delete(turn, id, topics))
        })
    }

    /// Before a share group is deleted: the partitions whose state is kept. The caller deletes it
    /// and then the group.
    ///
    /// # Errors
    /// It has members, or there is no such group.
    pub fn share_delete_all(
        &mut self,
        now: Now,
        id: &str,
        out: &mut Out,
    ) -> Result<Partitions, Refusal> {
        self.in_share(now, id, out, |group, turn, id| {
            group.check_empty()?;
            Ok(group.delete_all(turn, id))
        })
    }

    /// The state in these topics is deleted.
    ///
    /// # Errors
    /// The group is gone.
    pub fn share_deleted(
        &mut self,
        now: Now,
        id: &str,
        topics: &[Uuid],
        out: &mut Out,
    ) -> Result<(), Refusal> {
        self.in_share(now, id, out, |group, turn, id| {
            group.set_deleted(turn, id, topics);
            Ok(())
        })
    }

    /// Forgets what is kept in topics that are gone; false if there was nothing.
    pub(super) fn forget_kept(&mut self, now: Now, id: &str, out: &mut Out) -> bool {
        let forgotten = self.in_share(now, id, out, |group, turn, id| {
            let ids = group.kept.ids().into_iter();
            let gone: Vec<Uuid> = ids
                .filter(|id| turn.topics.with_id(*id).is_none())
                .collect();
            if !gone.is_empty() {
                group.set_deleted(turn, id, &gone);
            }
            Ok(!gone.is_empty())
        });
        forgotten.unwrap_or(false)
    }

    fn in_share<T>(
        &mut self,
        now: Now,
        id: &str,
        out: &mut Out,
        step: impl FnOnce(&mut ShareGroup, &mut crate::turn::Turn<'_>, &Arc<str>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let Some((group, mut turn)) = self.turn(id, now, out) else {
            return Err(not_found(format!("Group {id} not found.")));
        };
        match &mut group.kind {
            Kind::Share(share) => step(share, &mut turn, &group.id),
            _ => Err(not_a_share_group(id)),
        }
    }

    /// Makes a group, if it isn't there and `may` be; true if it was made.
    fn make_share(&mut self, now: Now, id: &Arc<str>, may: bool) -> Result<bool, Refusal> {
        match self.groups.get(id).map(|group| &group.kind) {
            Some(Kind::Share(_)) => Ok(false),
            Some(_) => Err(not_a_share_group(id)),
            None if !may => Err(not_found(format!("Share group {id} not found."))),
            None => {
                let mut group = Group::new(Arc::clone(id), now);
                group.kind = Kind::Share(Box::default());
                self.groups.insert(Arc::clone(id), group);
                Ok(true)
            }
        }
    }

    /// A group of which nothing is or will be written never was.
    fn forget_unwritten(&mut self, id: &Arc<str>) {
        let kind = self.groups.get(id).map(|group| &group.kind);
        if matches!(kind, Some(Kind::Share(share)) if share.is_gone()) {
            self.unkind(id);
        }
    }

    pub(super) fn share_written(
        &mut self,
        now: Now,
        after: ShareAfter,
        result: Result<(), ErrorCode>,
        out: &mut Out,
    ) {
        let id = Arc::clone(&after.group);
        if let Some((group, mut turn)) = self.turn(&id, now, out) {
            group.share_written(&mut turn, after, result);
        }
        self.forget_unwritten(&id);
    }
}

fn not_found(message: String) -> Refusal {
    Refusal::new(ErrorCode::GroupIdNotFound, message)
}

fn not_a_share_group(id: &str) -> Refusal {
    not_found(format!("Group {id} is not a share group."))
}
