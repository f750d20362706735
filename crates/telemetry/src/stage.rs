//! The stage clock: where the time of a request went.
//!
//! A clock is always in exactly one stage, so the stages of a request add up to its total. Only the
//! time that its client is held back is not part of it: that comes after the answer.

use std::time::Duration;

use limpid_platform::stamp::Stamp;

use crate::SEEN;
use crate::exemplars::Trace;

crate::label_enum! {
    /// A stretch in the life of a request; Kafka's RequestMetrics, filled in truthfully.
    pub enum Stage {
        /// From the first byte of the frame to the last.
        Receive = "receive",
        /// Waiting for its turn: decoded, not yet handled.
        Queue = "queue",
        /// For how long a quota holds the client back after the answer.
        Throttle = "throttle",
        /// Waiting for the lock of a partition.
        LocalLock = "local_lock",
        /// Own work: handler, append, read.
        LocalAppend = "local_append",
        /// Waiting for other replicas.
        Remote = "remote",
        /// Parked until a condition holds: enough bytes of a fetch, a rebalance.
        Purgatory = "purgatory",
        /// Answered, waiting for earlier answers on the connection.
        ResponseQueue = "response_queue",
        /// Writing to the socket.
        Send = "send",
    }
}

impl Stage {
    /// The name that Kafka's RequestMetrics have for the time of a stage; two stages may be one
    /// there. `None` for what Kafka does not measure.
    pub const fn mbean_name(self) -> Option<&'static str> {
        Some(match self {
            Stage::Receive => return None,
            Stage::Queue => "RequestQueueTimeMs",
            Stage::Throttle => "ThrottleTimeMs",
            Stage::LocalLock | Stage::LocalAppend => "LocalTimeMs",
            Stage::Remote | Stage::Purgatory => "RemoteTimeMs",
            Stage::ResponseQueue => "ResponseQueueTimeMs",
            Stage::Send => "ResponseSendTimeMs",
        })
    }
}

const STAGES: usize = Stage::ALL.len();

/// Stamps of one request. Reading the clock once per stage change is all it costs.
#[derive(Debug, Clone)]
pub struct StageClock {
    stage: Stage,
    since: Stamp,
    ns: [u64; STAGES],
    trace: Option<Trace>,
}

impl StageClock {
    /// Starts in [`Stage::Receive`] now.
    pub fn start() -> Self {
        Self::start_at(Stamp::now())
    }

    /// Starts in [`Stage::Receive`] at an earlier moment.
    #[inline]
    pub fn start_at(at: Stamp) -> Self {
        StageClock {
            stage: Stage::Receive,
            since: at,
            ns: [0; STAGES],
            trace: None,
        }
    }

    /// Ends the current stage and enters another; coming back to a stage adds to it.
    #[inline]
    pub fn enter(&mut self, stage: Stage) {
        if SEEN {
            self.enter_at(stage, Stamp::now());
        }
    }

    /// Like [`enter`](StageClock::enter), with the moment given.
    #[inline]
    pub fn enter_at(&mut self, stage: Stage, at: Stamp) {
        self.close(at);
        self.stage = stage;
    }

    /// The stage that it is in is another one from the beginning: there was nothing to wait for.
    #[inline]
    pub fn rename(&mut self, stage: Stage) {
        self.stage = stage;
    }

    /// Moves time that was measured elsewhere out of the current stage into another: the lock wait
    /// that the log reports out of [`Stage::LocalAppend`]. Never more than the stage has.
    #[inline]
    pub fn carve(&mut self, stage: Stage, time: Duration) {
        if SEEN && !time.is_zero() {
            self.carve_at(stage, time, Stamp::now());
        }
    }

    fn carve_at(&mut self, stage: Stage, time: Duration, at: Stamp) {
        self.close(at);
        let current = &mut self.ns[self.stage as usize];
        let moved = u64::try_from(time.as_nanos())
            .unwrap_or(u64::MAX)
            .min(*current);
        *current -= moved;
        self.ns[stage as usize] += moved;
    }

    /// The request is part of a trace that somebody keeps.
    pub fn belongs_to(&mut self, trace: Trace) {
        self.trace = Some(trace);
    }

    /// When it entered that stage, or was last looked at.
    pub fn since(&self) -> Stamp {
        self.since
    }

    /// The stage it is in.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Ends the last stage.
    #[inline]
    pub fn finish(self) -> StageTimes {
        match SEEN {
            true => self.finish_at(Stamp::now()),
            false => StageTimes {
                ns: self.ns,
                trace: None,
            },
        }
    }

    /// Like [`finish`](StageClock::finish), with the moment given.
    #[inline]
    pub fn finish_at(mut self, at: Stamp) -> StageTimes {
        self.close(at);
        StageTimes {
            ns: self.ns,
            trace: self.trace,
        }
    }

    #[inline]
    fn close(&mut self, at: Stamp) {
        // `start_at` may have been given a moment after this one.
        self.ns[self.stage as usize] += at.nanos_since(self.since);
        self.since = self.since.max(at);
    }
}

/// Time per stage of a finished request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageTimes {
    ns: [u64; STAGES],
    trace: Option<Trace>,
}

impl StageTimes {
    /// Time spent in a stage.
    pub fn get(&self, stage: Stage) -> Duration {
        Duration::from_nanos(self.ns[stage as usize])
    }

    /// Nanoseconds of every stage, in the order of [`Stage::ALL`].
    pub fn nanos(&self) -> &[u64; STAGES] {
        &self.ns
    }

    /// The same request, after which the client is held back for so long.
    #[must_use]
    #[inline]
    pub fn throttled(mut self, time: Duration) -> Self {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.ns[Stage::Throttle as usize] = ns;
        self
    }

    /// The whole request, up to the end of its answer.
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.nanos_without(&[Stage::Throttle]))
    }

    /// Nanoseconds of all stages but these.
    #[inline]
    pub fn nanos_without(&self, stages: &[Stage]) -> u64 {
        let without = stages.iter().map(|stage| self.ns[*stage as usize]);
        self.ns.iter().sum::<u64>() - without.sum::<u64>()
    }

    /// The trace that the request is part of, if that is known.
    pub fn trace(&self) -> Option<Trace> {
        self.trace
    }

    /// Every stage, also those that took no time.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, Duration)> + '_ {
        Stage::ALL.iter().map(|&s| (s, self.get(s)))
    }
}

#[cfg(test)]
mod tests;
