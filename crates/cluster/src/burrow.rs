//! Burrow's rules: what a group does, told by its last commits alone.
//!
//! People script against Burrow's answers, so they are computed as linkedin/Burrow computes them, odd
//! corners included; our own opinion is [`lag::status`](crate::lag::status). A [`Window`] has the last
//! commits of a group in a partition; beside it are the ends that the partition had lately. In this
//! order, and only where there is lag now:
//!
//! 1. STOP: it is longer since the last commit than the whole window spans, and at none of the ends that
//!    are known the group had read everything.
//! 2. REWIND: a commit is behind the one before, and no later one came back to where that was.
//! 3. OK, if the lag was gone at one of the commits.
//! 4. STALL: all commits are of the same offset.
//! 5. WARN: the lag never shrank from one commit to the next.
//! 6. OK.

use std::collections::VecDeque;

use serde::Serialize;

/// Commits in a full window, and ends kept beside it (Burrow's `intervals`).
pub const INTERVALS: usize = 10;
/// A commit sooner after the one before takes its place (Burrow's `min-distance`, as its sample
/// configuration has it).
pub const MIN_DISTANCE_MS: i64 = 1_000;
/// Time between the ends that are kept (Burrow's `offset-refresh`).
pub const OFFSET_REFRESH_MS: i64 = 10_000;
/// A group that did not commit for so long is forgotten (Burrow's `expire-group`).
pub const EXPIRE_GROUP_MS: i64 = 604_800_000;

/// A commit as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// The next offset to be read.
    pub offset: i64,
    /// When it was committed.
    pub at_ms: i64,
    /// When it was seen here.
    pub observed_ms: i64,
    /// Records that were unread then.
    pub lag: u64,
}

/// How a partition or a group does, in Burrow's words; their order is that of Burrow's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// There is no such group.
    NotFound,
    /// All is well, or nothing is known.
    Ok,
    /// It reads, but falls behind.
    Warn,
    /// A group with a partition that stopped, stalled or was rewound.
    Err,
    /// The partition sees no commits any more.
    Stop,
    /// Commits of the partition go on, but not forward.
    Stall,
    /// Commits of the partition went backward.
    Rewind,
}

/// What Burrow lets people set about the rules; the default is Burrow's.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rules {
    /// A window filled less than this (0 to 1) is OK.
    pub minimum_complete: f32,
    /// So much lag counts as none.
    pub allowed_lag: u64,
}

/// The last commits of a group in a partition, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    commits: VecDeque<Commit>,
}

impl Window {
    /// Adds a newer commit. One that comes too soon takes the place of the one before, and its time
    /// too: otherwise a group that commits all the time would never fill its window.
    pub fn push(&mut self, mut commit: Commit) {
        if let Some(last) = self.commits.back_mut()
            && commit.at_ms.saturating_sub(last.at_ms) < MIN_DISTANCE_MS
        {
            commit.at_ms = last.at_ms;
            *last = commit;
            return;
        }
        if self.commits.len() >= INTERVALS {
            self.commits.pop_front();
        }
        self.commits.push_back(commit);
    }

    /// The commits, the oldest first.
    pub fn commits(&self) -> impl DoubleEndedIterator<Item = &Commit> + ExactSizeIterator {
        self.commits.iter()
    }

    /// How full it is, 0 to 1.
    pub fn complete(&self) -> f32 {
        self.commits.len() as f32 / INTERVALS as f32
    }

    /// Records between the last commit and the end now.
    pub fn current_lag(&self, end: i64) -> u64 {
        let last = self.commits.back();
        last.map_or(0, |last| unread(last.offset, end))
    }

    /// How the partition does. `ends` are those it had lately, `end` is its end now.
    pub fn status(&self, ends: &VecDeque<i64>, end: i64, now_ms: i64, rules: Rules) -> Status {
        let (Some(first), Some(last)) = (self.commits.front(), self.commits.back()) else {
            return Status::Ok;
        };
        if self.complete() < rules.minimum_complete || self.current_lag(end) <= rules.allowed_lag {
            return Status::Ok;
        }
        // Burrow's clock has seconds.
        let now_ms = now_ms.div_euclid(1_000).saturating_mul(1_000);
        let silent = now_ms.saturating_sub(last.at_ms) > last.at_ms.saturating_sub(first.at_ms);
        if silent && !ends.iter().any(|end| *end <= last.offset) {
            return Status::Stop;
        }
        if self.is_rewound() {
            return Status::Rewind;
        }
        if self.commits.iter().any(|c| c.lag <= rules.allowed_lag) {
            return Status::Ok;
        }
        if self
            .pairs()
            .all(|(before, after)| before.offset == after.offset)
        {
            return Status::Stall;
        }
        match self.pairs().all(|(before, after)| before.lag <= after.lag) {
            true => Status::Warn,
            false => Status::Ok,
        }
    }

    /// The first step backward counts, until a later commit reaches what was before it.
    fn is_rewound(&self) -> bool {
        let mut pairs = self.pairs().enumerate();
        let step = pairs.find(|(_, (before, after))| after.offset < before.offset);
        step.is_some_and(|(at, (before, _))| {
            let mut later = self.commits.iter().skip(at + 1);
            !later.any(|c| c.offset >= before.offset)
        })
    }

    fn pairs(&self) -> impl Iterator<Item = (&Commit, &Commit)> {
        self.commits.iter().zip(self.commits.iter().skip(1))
    }
}

/// Records between a commit and an end; none when the commit is ahead.
pub fn unread(committed: i64, end: i64) -> u64 {
    u64::try_from(end.saturating_sub(committed)).unwrap_or(0)
}

/// How a group does: as its worst partition, of which the errors are one.
pub fn group_status(partitions: impl IntoIterator<Item = Status>) -> Status {
    let worst = partitions.into_iter().max().unwrap_or(Status::Ok);
    worst.clamp(Status::Ok, Status::Err)
}

#[cfg(test)]
mod tests;
