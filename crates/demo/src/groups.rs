//! The members of the groups, each with its own character.

use std::time::Duration;

use anyhow::Result;
use limpid_client::{Consumer, ConsumerConfig, OffsetReset};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::plan::{CRASHED, Group, HEALTHY, PREFIX, Pace, RESTLESS, SLOW};
use crate::target::Target;

/// How long a poll may wait for records.
const POLL: Duration = Duration::from_millis(500);
/// Bytes of one fetch: enough, and little to hold.
const FETCH_BYTES_MAX: i32 = 512 * 1024;
/// Records of one poll of the slow group, so that it commits every few seconds at its slow pace.
const SLOW_POLL_RECORDS: usize = 50;
/// Records of one poll of the others.
const POLL_RECORDS: usize = 500;
/// `session.timeout.ms`: short, so that a crash is noticed while one looks.
const SESSION: Duration = Duration::from_secs(10);
/// `heartbeat.interval.ms`.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Commits of the members that commit.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// Pause after an error.
const ERROR_PAUSE: Duration = Duration::from_secs(1);
/// A member may take this long to leave its group.
const LEAVE: Duration = Duration::from_secs(3);
/// How long a guest of the restless group stays, and stays away.
const GUEST_STAYS: Duration = Duration::from_secs(25);
const GUEST_AWAY: Duration = Duration::from_secs(15);
/// How long the crashing member lives, and stays dead.
const CRASH_AFTER: Duration = Duration::from_secs(25);
const DEAD_FOR: Duration = Duration::from_secs(20);

/// What every member needs.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) target: Target,
    /// Turns true at the end.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Life {
    fn is_over(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits for the end.
    async fn over(&mut self) {
        // An error means that nobody is left who could say it, which is the end as well.
        self.stop.wait_for(|stop| *stop).await.ok();
    }

    /// Sleeps, unless the end comes first.
    async fn pause(&mut self, for_: Duration) {
        tokio::select! {
            () = self.over() => {}
            () = sleep(for_) => {}
        }
    }

    /// A member that has not joined yet.
    fn member(&self, group: &Group, name: &str, commits: bool) -> Result<Consumer> {
        let short = group.id.trim_start_matches(PREFIX);
        let client = self.target.client(&format!("{short}-{name}"))?;
        let config = ConsumerConfig {
            session_timeout: SESSION,
            heartbeat_interval: HEARTBEAT,
            auto_commit: commits.then_some(COMMIT_EVERY),
            max_poll_records: if group.id == SLOW.id {
                SLOW_POLL_RECORDS
            } else {
                POLL_RECORDS
            },
            offset_reset: OffsetReset::Earliest,
            fetch_bytes_max: FETCH_BYTES_MAX,
            ..ConsumerConfig::new(group.id)
        };
        Ok(Consumer::new(client, config, group.topics))
    }

    /// One poll; how many records came. Errors are told and waited off.
    async fn poll(&mut self, consumer: &mut Consumer, group: &Group) -> usize {
        let polled = tokio::select! {
            () = self.over() => return 0,
            polled = consumer.poll(POLL) => polled,
        };
        match polled {
            Ok(records) => records.len(),
            Err(error) => {
                tracing::warn!(group = group.id, %error, "poll failed");
                self.pause(ERROR_PAUSE).await;
                0
            }
        }
    }
}

/// Leaves in good order.
async fn leave(consumer: Consumer) {
    // Whoever can't leave in time is missed when its session ends.
    timeout(LEAVE, consumer.close()).await.ok();
}

/// Reads as fast as the records come.
pub(crate) async fn healthy(mut life: Life, name: &'static str) -> Result<()> {
    let mut consumer = life.member(&HEALTHY, name, true)?;
    while !life.is_over() {
        life.poll(&mut consumer, &HEALTHY).await;
    }
    leave(consumer).await;
    Ok(())
}

/// Takes its time over every record.
pub(crate) async fn slow(mut life: Life, mut pace: watch::Receiver<Pace>) -> Result<()> {
    let mut consumer = life.member(&SLOW, "1", true)?;
    while !life.is_over() {
        let began = Instant::now();
        let count = life.poll(&mut consumer, &SLOW).await;
        let current = *pace.borrow_and_update();
        if let Pace::RecordsPerSecond(rate) = current {
            let due = began + Duration::from_secs_f64(count as f64 / rate);
            tokio::select! {
                () = life.over() => {}
                // A new pace holds at once.
                changed = pace.changed() => if changed.is_err() {
                    life.over().await;
                },
                () = tokio::time::sleep_until(due) => {}
            }
        }
    }
    leave(consumer).await;
    Ok(())
}

/// The member that is always there.
pub(crate) async fn host(mut life: Life) -> Result<()> {
    let mut consumer = life.member(&RESTLESS, "1", true)?;
    while !life.is_over() {
        life.poll(&mut consumer, &RESTLESS).await;
    }
    leave(consumer).await;
    Ok(())
}

/// A member that comes and goes.
pub(crate) async fn guest(mut life: Life, name: &'static str, first: Duration) -> Result<()> {
    life.pause(first).await;
    while !life.is_over() {
        let mut consumer = life.member(&RESTLESS, name, true)?;
        let goes_at = Instant::now() + GUEST_STAYS;
        while !life.is_over() && Instant::now() < goes_at {
            life.poll(&mut consumer, &RESTLESS).await;
        }
        leave(consumer).await;
        life.pause(GUEST_AWAY).await;
    }
    Ok(())
}

/// A member that reads, crashes before it has committed anything, and is started again.
pub(crate) async fn crashing(mut life: Life) -> Result<()> {
    while !life.is_over() {
        let mut consumer = life.member(&CRASHED, "1", false)?;
        let crashes_at = Instant::now() + CRASH_AFTER;
        while !life.is_over() && Instant::now() < crashes_at {
            life.poll(&mut consumer, &CRASHED).await;
        }
        if life.is_over() {
            leave(consumer).await;
            return Ok(());
        }
        // As a killed process does it: without a word, its session is left to end.
        drop(consumer);
        life.pause(DEAD_FOR).await;
    }
    Ok(())
}
