//! What ShareFetch and ShareAcknowledge have in common: acknowledgements in requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use limpid_coordinator::Refusal;
use limpid_coordinator::delivery::{Acknowledgement, Verdict};
use limpid_coordinator::share_state::StateKey;
use limpid_protocol::{ErrorCode, Uuid};

use crate::access::{Operation, ResourceKind};
use crate::handler::Call;
use crate::share::{Said, Shares};
use crate::topics::TopicTable;

/// Version from which members may ask for more time (KIP-1222).
const RENEW_VERSION: i16 = 2;

/// A batch as it stands in a request: first and last offset, and codes.
pub type Codes = (i64, i64, Vec<i8>);

/// What a member says of a partition in a request.
#[derive(Debug)]
pub struct Spoken {
    /// The topic.
    pub topic: Uuid,
    /// The partition.
    pub partition: i32,
    /// In the order in which it was said.
    pub batches: Vec<Codes>,
}

/// Who speaks.
#[derive(Debug, Clone)]
pub struct Speaker {
    /// The group.
    pub group: Arc<str>,
    /// The member.
    pub member: Arc<str>,
    /// The request says that there are wishes for more time in it.
    pub renews: bool,
}

/// What became of it, by topic and partition; without a refusal it is done.
pub type Outcomes = BTreeMap<(Uuid, i32), Option<Why>>;

/// Why something is refused, and in which words.
pub type Why = (ErrorCode, Option<String>);

/// Takes over what a member says.
pub async fn acknowledge(
    shares: &Shares,
    table: &TopicTable,
    speaker: &Speaker,
    spoken: Vec<Spoken>,
    call: &Call<'_>,
) -> Outcomes {
    let mut outcomes = Outcomes::new();
    let mut silent = Vec::new();
    for one in spoken {
        let key = (one.topic, one.partition);
        let checked = check(shares, table, speaker, one, call);
        let outcome = match checked {
            Err(why) => Some(why),
            Ok(None) => {
                silent.push(key);
                continue;
            }
            Ok(Some(said)) => shares
                .acknowledge(&speaker.member, &said)
                .await
                .err()
                .map(|Refusal { error, message }| (error, Some(message))),
        };
        outcomes.insert(key, outcome);
    }
    count(shares, &outcomes);
    // Kafka answers for those of which nothing is said only beside others.
    if !outcomes.is_empty() {
        outcomes.extend(silent.into_iter().map(|key| (key, None)));
    }
    outcomes
}

fn count(shares: &Shares, outcomes: &Outcomes) {
    let topics: BTreeSet<Uuid> = outcomes.keys().map(|(topic, _)| *topic).collect();
    let refused = outcomes.iter().filter(|(_, outcome)| outcome.is_some());
    let refused: BTreeSet<Uuid> = refused.map(|((topic, _), _)| *topic).collect();
    let metrics = shares.metrics();
    metrics.acknowledge_requests.inc_by(topics.len() as u64);
    metrics
        .failed_acknowledge_requests
        .inc_by(refused.len() as u64);
}

/// What is said, if it makes sense; `None` if it is nothing.
fn check(
    shares: &Shares,
    table: &TopicTable,
    speaker: &Speaker,
    spoken: Spoken,
    call: &Call<'_>,
) -> Result<Option<Said>, Why> {
    let topic = table.with_id(spoken.topic);
    let topic = topic.ok_or((ErrorCode::UnknownTopicId, None))?;
    let may_renew = call.version >= RENEW_VERSION;
    let batches = read(spoken.batches, may_renew, speaker.renews);
    let batches = batches.map_err(|error| (error, None))?;
    if !call.may(Operation::Read, ResourceKind::Topic, &topic.name) {
        return Err((ErrorCode::TopicAuthorizationFailed, None));
    }
    if !topic.has_partition(spoken.partition) {
        return Err((ErrorCode::UnknownTopicOrPartition, None));
    }
    let renews = |batch: &Acknowledgement| batch.verdicts.contains(&Verdict::Renew);
    if batches.iter().any(renews) && !shares.settings_of(&speaker.group).may_renew {
        let message = "Renewing acquisition locks is not enabled for the group.";
        return Err((ErrorCode::InvalidRecordState, Some(message.to_owned())));
    }
    let key = StateKey {
        group: Arc::clone(&speaker.group),
        topic: spoken.topic,
        partition: spoken.partition,
    };
    Ok((!batches.is_empty()).then_some(Said { key, batches }))
}

fn read(
    batches: Vec<Codes>,
    may_renew: bool,
    renews: bool,
) -> Result<Vec<Acknowledgement>, ErrorCode> {
    let mut read = Vec::with_capacity(batches.len());
    let mut before = -1;
    for (first, last, codes) in batches {
        let count = i64::try_from(codes.len()).unwrap_or(i64::MAX);
        let fits = count == 1 || last.checked_sub(first) == Some(count - 1);
        if first > last || first < before || !fits {
            return Err(ErrorCode::InvalidRequest);
        }
        before = last;
        let verdict = |code: i8| {
            let verdict = Verdict::from_code(code)?;
            let is_renewal = verdict == Verdict::Renew;
            (!is_renewal || may_renew && renews).then_some(verdict)
        };
        let verdicts: Option<Vec<Verdict>> = codes.into_iter().map(verdict).collect();
        read.push(Acknowledgement {
            first,
            last,
            verdicts: verdicts.ok_or(ErrorCode::InvalidRequest)?,
        });
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_must_make_sense() {
        let bad =
            |batches: Vec<Codes>| read(batches, true, false) == Err(ErrorCode::InvalidRequest);
        assert!(bad(vec![(5, 4, vec![1])]));
        assert!(bad(vec![(0, 4, vec![])]));
        assert!(bad(vec![(0, 4, vec![1, 1])]));
        assert!(bad(vec![(5, 9, vec![1]), (0, 4, vec![1])]));
        assert!(bad(vec![(0, 0, vec![5])]));
        assert!(bad(vec![(i64::MIN, i64::MAX, vec![1, 1])]));
        assert!(bad(vec![(0, 0, vec![4])]), "not without saying so");
        assert!(read(vec![(0, 0, vec![4])], true, true).is_ok());
        assert!(read(vec![(0, 0, vec![4])], false, true).is_err());
        assert!(read(vec![(0, 4, vec![1]), (5, 6, vec![1, 3])], true, false).is_ok());
    }
}
