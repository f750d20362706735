//! Two hundred members that come, go and vanish: no partition is owned twice in one generation, and
//! none stays without an owner for longer than Kafka's timeouts allow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use limpid_client::{Client, ClientConfig, Consumer, ConsumerConfig, OffsetReset, Tcp};
use limpid_interop::lab::Lab;
use tokio::runtime::Builder;

const MEMBERS: usize = 200;
const PARTITIONS: i32 = 24;
const SESSION: Duration = Duration::from_secs(6);
const REBALANCE: Duration = Duration::from_secs(10);
/// A machine with other work may keep everybody from running for so long.
const SLACK: Duration = Duration::from_secs(10);
/// How long they come and go unless `LIMPID_INTEROP_CHURN_SECONDS` says otherwise.
const CHURN_SECONDS: u64 = 60;
/// A member lives between one and three times this.
const LIFE: Duration = Duration::from_secs(20);
/// One in so many members vanishes instead of leaving.
const VANISH: u64 = 10;

/// What one member held in one generation, and from when until when it surely did.
#[derive(Debug)]
struct Held {
    generation: i32,
    partitions: BTreeSet<i32>,
    from: Instant,
    until: Instant,
}

type Ledger = Arc<Mutex<Vec<Held>>>;

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// One place in the group: member after member until `end`.
async fn place(address: String, number: usize, end: Instant, ledger: Ledger) -> Result<u32> {
    let mut chance = number as u64;
    let mut lives = 0;
    while Instant::now() < end {
        let life = LIFE + LIFE.mul_f64((random(&mut chance) % 2000) as f64 / 1000.0);
        let until = (Instant::now() + life).min(end);
        let config = ClientConfig::with_bootstrap(&address)?.named(format!("churn-{number}"));
        let config = Consumer::new(
            Client::new(config, Arc::new(Tcp)),
            ConsumerConfig {
                session_timeout: SESSION,
                heartbeat_interval: Duration::from_millis(500),
                max_poll_interval: REBALANCE,
                auto_commit: None,
                offset_reset: OffsetReset::Earliest,
                fetch_max_wait: Duration::from_millis(250),
                ..ConsumerConfig::new("churn")
            },
            &["churn"],
        );
        let member = live(config, until, &ledger).await;
        lives += 1;
        if Instant::now() >= end || !random(&mut chance).is_multiple_of(VANISH) {
            member.close().await;
        }
    }
    Ok(lives)
}

/// Polls until the end of its life and notes what it holds.
async fn live(mut member: Consumer, until: Instant, ledger: &Ledger) -> Consumer {
    let mut held: Option<Held> = None;
    while Instant::now() < until {
        let polled = member.poll(Duration::from_millis(250)).await;
        let now = Instant::now();
        let generation = member.generation();
        let partitions: BTreeSet<i32> = member.assignment().map(|at| at.partition).collect();
        match &mut held {
            Some(held) if polled.is_ok() && held.generation == generation => held.until = now,
            _ => {
                note(ledger, held.take());
                held = polled.is_ok().then_some(Held {
                    generation,
                    partitions,
                    from: now,
                    until: now,
                });
            }
        }
        if polled.is_err() {
            // An error is not final, and polling again at once would only make it worse.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    note(ledger, held);
    member
}

fn note(ledger: &Ledger, held: Option<Held>) {
    let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
    ledger.extend(held);
}

/// See the module's words; the generations must go on, too.
pub fn two_hundred_members_come_and_go(lab: &mut Lab) -> Result<()> {
    let seconds = match std::env::var("LIMPID_INTEROP_CHURN_SECONDS") {
        Ok(text) => text
            .parse()
            .context("LIMPID_INTEROP_CHURN_SECONDS is no number")?,
        Err(_) => CHURN_SECONDS,
    };
    lab.create_topic("churn", PARTITIONS)?;
    let address = lab.address()?;
    let ledger = Ledger::default();
    let begin = Instant::now();
    let end = begin + Duration::from_secs(seconds);
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let lives = runtime.block_on(async {
        let start = |number| {
            let work = place(address.clone(), number, end, Arc::clone(&ledger));
            tokio::spawn(work)
        };
        let places: Vec<_> = (0..MEMBERS).map(start).collect();
        let mut lives = 0;
        for place in places {
            lives += place.await??;
        }
        anyhow::Ok(lives)
    })?;
    let ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
    let generations = owned_once(&ledger)?;
    let gap = longest_gap(&ledger, end)?;
    eprintln!(
        "{lives} members in {seconds} s, {generations} generations, longest time without an owner \
         {gap:?}"
    );
    ensure!(generations > 5, "only {generations} generations");
    let bound = SESSION + REBALANCE + SLACK;
    ensure!(
        gap < bound,
        "a partition had no owner for {gap:?}, more than {bound:?}"
    );
    Ok(())
}

/// Fails when two members held a partition in the same generation; the number of generations.
fn owned_once(ledger: &[Held]) -> Result<usize> {
    let mut owned: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for held in ledger {
        let partitions = owned.entry(held.generation).or_default();
        partitions.extend(&held.partitions);
    }
    for (generation, partitions) in &owned {
        let distinct: BTreeSet<_> = partitions.iter().collect();
        ensure!(
            distinct.len() == partitions.len(),
            "generation {generation}: a partition was owned twice: {partitions:?}"
        );
    }
    Ok(owned.len())
}

/// The longest time that a partition surely had no owner, after it first had one.
fn longest_gap(ledger: &[Held], end: Instant) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    for partition in 0..PARTITIONS {
        let holds = ledger.iter().filter(|h| h.partitions.contains(&partition));
        let mut times: Vec<(Instant, Instant)> = holds.map(|h| (h.from, h.until)).collect();
        times.sort_unstable();
        let first = times
            .first()
            .context("a partition that nobody ever owned")?;
        let mut last = first.1;
        for (from, until) in times {
            longest = longest.max(from.saturating_duration_since(last));
            last = last.max(until);
        }
        longest = longest.max(end.saturating_duration_since(last));
    }
    Ok(longest)
}
