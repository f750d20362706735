//! What the clients of one run share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;

use super::checker::Checker;
use super::findings::Fault;
use super::value::{Place, Topic};
use crate::process::pause;

/// How long one waits who has to let others come up.
pub(super) const MOMENT: Duration = Duration::from_millis(5);

/// What the clients of one run share.
#[derive(Debug)]
pub(super) struct Run {
    /// Where clients find the broker.
    pub(super) address: String,
    pub(super) seed: u64,
    pub(super) checker: Mutex<Checker>,
    /// Writers come to an end.
    writers_stop: AtomicBool,
    /// All come to an end.
    all_stop: AtomicBool,
    steps: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    errors: Mutex<BTreeMap<String, u64>>,
}

impl Run {
    pub(super) fn new(address: String, seed: u64) -> Self {
        Self {
            address,
            seed,
            checker: Mutex::default(),
            writers_stop: AtomicBool::new(false),
            all_stop: AtomicBool::new(false),
            steps: Mutex::default(),
            errors: Mutex::default(),
        }
    }

    /// Asks writers to come to an end, or everybody.
    pub(super) fn stop(&self, everybody: bool) {
        self.writers_stop.store(true, Ordering::SeqCst);
        self.all_stop.store(everybody, Ordering::SeqCst);
    }

    pub(super) fn is_writing(&self) -> bool {
        !self.writers_stop.load(Ordering::SeqCst)
    }

    pub(super) fn is_reading(&self) -> bool {
        !self.all_stop.load(Ordering::SeqCst)
    }

    /// The counter of a client's steps, by which one sees whether it goes on.
    pub(super) fn steps(&self, who: &str) -> Arc<AtomicU64> {
        Arc::clone(self.steps.lock().entry(who.to_owned()).or_default())
    }

    /// How far everybody is.
    pub(super) fn all_steps(&self) -> BTreeMap<String, u64> {
        let steps = self.steps.lock();
        let read =
            |(who, count): (&String, &Arc<AtomicU64>)| (who.clone(), count.load(Ordering::Relaxed));
        steps.iter().map(read).collect()
    }

    /// Counts an error that a client was told and that is no finding by itself.
    pub(super) fn told(&self, what: &str, error: &KafkaError) {
        let text = match error.rdkafka_error_code() {
            Some(code) => format!("{what}: {code:?}"),
            None => format!("{what}: {error}"),
        };
        *self.errors.lock().entry(text).or_default() += 1;
    }

    /// The errors so far, with how often each came.
    pub(super) fn errors(&self) -> BTreeMap<String, u64> {
        self.errors.lock().clone()
    }

    pub(super) fn found(&self, fault: Fault, what: impl FnOnce() -> String) {
        self.checker.lock().findings.add(fault, what);
    }

    /// Waits until a writer may go on; false when it shall end.
    pub(super) fn may_write(&self, writer: u32, topic: Topic) -> bool {
        while self.is_writing() {
            if self.checker.lock().may_write(writer, topic) {
                return true;
            }
            pause(MOMENT);
        }
        false
    }
}

/// Which record a client tells the fate of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    pub(super) place: Place,
    pub(super) writer: u32,
    pub(super) number: u64,
}

/// Tells the checker what becomes of records.
#[derive(Clone, Debug)]
pub(super) struct Ledger(pub(super) Arc<Run>, pub(super) Arc<AtomicU64>);

impl ClientContext for Ledger {
    // Brokers vanish all the time here; what counts is what becomes of the records.
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ProducerContext for Ledger {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let record = (ticket.writer, ticket.number);
        match result {
            Ok(message) => {
                // Of a batch that came twice the client does not learn the offset.
                let offset = Some(message.offset()).filter(|offset| *offset >= 0);
                let mut checker = self.0.checker.lock();
                checker.acknowledged(ticket.place, record, offset);
                self.1.fetch_add(1, Ordering::Relaxed);
            }
            Err((error, _)) => {
                self.0.told("record", error);
                self.0.checker.lock().given_up(ticket.place, record);
            }
        }
    }
}
