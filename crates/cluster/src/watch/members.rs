//! The members of a group as readers: joined by client id and address.
//!
//! A fetch does not say for which group it is, so this is a guess: two groups whose members share client
//! id and address are one reader.

use std::collections::{BTreeMap, HashSet};

use super::facts::{Facts, Reader};
use super::rate::Rate;
use crate::group::{Group, Member};
use crate::lately::{HeldBack, Readers, SlowReader};

/// Members of a group that are looked at.
const MEMBERS_MAX: usize = 200;
/// Time held back is told for the last minute.
const HELD_BACK_SECONDS: f64 = 60.0;
/// A shorter time away from the broker is not worth a word.
const GAP_MS_MIN: i64 = 30_000;
/// Nor is less of a minute held back.
const HELD_BACK_MIN: f64 = 0.02;

/// What is kept of the members.
#[derive(Debug, Default)]
pub(super) struct Members {
    seen: BTreeMap<(String, String), Seen>,
    looked_ms: Option<i64>,
    newest_commit: (i64, u64),
    fetches_at_commit: u64,
}

#[derive(Debug, Default)]
struct Seen {
    held_back_ms: u64,
    held_back: Rate,
}

/// Whether members read committed records only: `None` if nobody was seen fetching. One who reads all
/// is enough for the group not to be held by transactions.
pub fn committed_only<'a>(
    members: impl Iterator<Item = &'a Member>,
    facts: &dyn Facts,
) -> Option<bool> {
    let known = members
        .take(MEMBERS_MAX)
        .filter_map(|m| facts.reader(&m.client_id, &m.host));
    known
        .map(|reader| reader.committed_only)
        .reduce(|all, one| all && one)
}

impl Members {
    /// Takes in what they did. `is_behind`: otherwise nobody asks.
    pub(super) fn look(
        &mut self,
        group: &Group,
        is_behind: bool,
        facts: &dyn Facts,
        now_ms: i64,
    ) -> Option<Readers> {
        let known: Vec<(&Member, Reader)> = group
            .members
            .iter()
            .take(MEMBERS_MAX)
            .filter_map(|m| Some((m, facts.reader(&m.client_id, &m.host)?)))
            .collect();
        let shares = self.held_back(&known, now_ms);
        let fetches = self.fetches_since_commit(group, &known);
        if !is_behind || known.is_empty() {
            return None;
        }
        let worst = shares.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let silent_ms = known.iter().map(|(_, reader)| reader.silent_ms).min();
        Some(Readers {
            seen: u32::try_from(known.len()).unwrap_or(u32::MAX),
            fetches_since_commit: fetches,
            silent_seconds: silent_ms.unwrap_or(0).max(0) as f64 / 1_000.0,
            slowest: slowest(group, &known),
            held_back: worst.filter(|(_, share)| *share >= HELD_BACK_MIN).map(
                |((client_id, host), share)| HeldBack {
                    client_id,
                    host,
                    share,
                },
            ),
        })
    }

    /// The share of the last minute that each was held back for.
    fn held_back(
        &mut self,
        known: &[(&Member, Reader)],
        now_ms: i64,
    ) -> BTreeMap<(String, String), f64> {
        let seconds = self.looked_ms.map_or(0, |at| now_ms.saturating_sub(at)) as f64 / 1_000.0;
        self.looked_ms = Some(now_ms);
        let mut before = std::mem::take(&mut self.seen);
        let mut shares = BTreeMap::new();
        for (member, reader) in known {
            let key = (member.client_id.clone(), member.host.clone());
            if self.seen.contains_key(&key) {
                continue;
            }
            let mut seen = before.remove(&key).unwrap_or_else(|| Seen {
                held_back_ms: reader.held_back_ms,
                held_back: Rate::default(),
            });
            let more = reader.held_back_ms.saturating_sub(seen.held_back_ms);
            seen.held_back_ms = reader.held_back_ms;
            seen.held_back
                .add(more as f64 / 1_000.0, seconds, HELD_BACK_SECONDS);
            let share = seen.held_back.per_second_so_far().clamp(0.0, 1.0);
            shares.insert(key.clone(), share);
            self.seen.insert(key, seen);
        }
        shares
    }

    /// Fetches of all of them since the last commit.
    fn fetches_since_commit(&mut self, group: &Group, known: &[(&Member, Reader)]) -> u64 {
        let mut counted = HashSet::new();
        let each = known
            .iter()
            .filter(|(m, _)| counted.insert((&m.client_id, &m.host)));
        let fetches: u64 = each.map(|(_, reader)| reader.fetches).sum();
        let commit = (
            group.last_commit_ms().unwrap_or(i64::MIN),
            group.activity.commits,
        );
        if commit != self.newest_commit || fetches < self.fetches_at_commit {
            self.newest_commit = commit;
            self.fetches_at_commit = fetches;
        }
        fetches - self.fetches_at_commit
    }
}

/// The one that stays away longest, of those that own what is behind.
fn slowest(group: &Group, known: &[(&Member, Reader)]) -> Option<SlowReader> {
    let owners: HashSet<&str> = group
        .partitions()
        .filter(|(_, p)| super::is_behind(p))
        .filter_map(|(_, p)| p.owner.as_deref())
        .collect();
    let shared = owners.is_empty();
    let gap = |reader: &Reader| reader.gap_ms.max(reader.silent_ms);
    let worst = known
        .iter()
        .filter(|(m, _)| shared || owners.contains(m.id.as_str()))
        .max_by_key(|(_, reader)| gap(reader));
    let (member, reader) = worst.filter(|(_, reader)| gap(reader) >= GAP_MS_MIN)?;
    Some(SlowReader {
        client_id: member.client_id.clone(),
        host: member.host.clone(),
        gap_seconds: gap(reader) as f64 / 1_000.0,
        is_away: reader.silent_ms >= reader.gap_ms,
    })
}
