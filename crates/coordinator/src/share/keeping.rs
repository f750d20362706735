//! What a group asks its caller to keep and to delete.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_protocol::{ErrorCode, Uuid};

use super::step::Step;
use super::{Kept, ShareGroup};
use crate::after::ShareThen;
use crate::assignor::Partitions;
use crate::refusal::Refusal;
use crate::turn::Turn;

impl ShareGroup {
    /// The partitions that members read, or a new one wants to, and whose state is not kept yet.
    pub(crate) fn ask(
        &mut self,
        turn: &mut Turn<'_>,
        id: &Arc<str>,
        more: Option<&[String]>,
    ) -> Partitions {
        let is_settled = self.kept.initializing.is_empty();
        if more.is_none() && is_settled && self.topics_version == turn.topics.version {
            return Partitions::new();
        }
        let mut names: BTreeSet<String> = self.topics();
        names.extend(more.into_iter().flatten().cloned());
        let missing = self.kept.missing(&names, turn.topics);
        self.begin(turn, id, &missing);
        missing
    }

    /// The state of these is being set up.
    pub(crate) fn begin(&mut self, turn: &mut Turn<'_>, id: &Arc<str>, partitions: &Partitions) {
        let mut kept = self.kept.clone();
        kept.begin(partitions, turn.topics);
        self.keep(turn, id, &kept);
    }

    /// The state of these is there.
    pub(crate) fn set_done(&mut self, turn: &mut Turn<'_>, id: &Arc<str>, done: &Partitions) {
        let mut kept = self.kept.clone();
        kept.done(done, turn.topics);
        self.keep(turn, id, &kept);
    }

    /// The state in these topics is to be deleted: which partitions that is.
    pub(crate) fn delete(
        &mut self,
        turn: &mut Turn<'_>,
        id: &Arc<str>,
        topics: &[Uuid],
    ) -> Partitions {
        let mut kept = self.kept.clone();
        let mut partitions = Partitions::new();
        for topic in topics {
            if let Some(part) = kept.initialized.remove(topic) {
                partitions.insert(*topic, part.partitions);
                kept.deleting.insert(*topic, part.name);
            } else if kept.deleting.contains_key(topic)
                && let Some(known) = turn.topics.with_id(*topic)
            {
                partitions.insert(*topic, (0..known.partitions).collect());
            }
        }
        self.keep(turn, id, &kept);
        partitions
    }

    /// All state is to be deleted: which partitions that is.
    pub(crate) fn delete_all(&mut self, turn: &mut Turn<'_>, id: &Arc<str>) -> Partitions {
        let mut kept = self.kept.clone();
        let partitions = kept.delete_all(turn.topics);
        self.keep(turn, id, &kept);
        partitions
    }

    /// The state in these topics is gone.
    pub(crate) fn set_deleted(&mut self, turn: &mut Turn<'_>, id: &Arc<str>, topics: &[Uuid]) {
        let mut kept = self.kept.clone();
        for topic in topics {
            kept.forget(*topic);
        }
        self.keep(turn, id, &kept);
    }

    /// Whether it has no members.
    ///
    /// # Errors
    /// It has some.
    pub(crate) fn check_empty(&self) -> Result<(), Refusal> {
        match self.members.is_empty() {
            true => Ok(()),
            false => Err(ErrorCode::NonEmptyGroup.into()),
        }
    }

    fn keep(&mut self, turn: &mut Turn<'_>, id: &Arc<str>, kept: &Kept) {
        if *kept == self.kept {
            return;
        }
        let mut step = Step::new(id, self, turn);
        step.set_kept(kept);
        step.finish(turn.out, ShareThen::Nothing);
    }
}
