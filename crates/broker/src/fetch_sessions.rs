//! Fetch sessions (KIP-227): what a client reads is kept here, so that its next request names only
//! what changed and its answer only what has news.
//!
//! - A request with epoch 0 asks for a session; it gets one if there is a place, and id 0 otherwise,
//!   which means "go on with full requests". Epoch −1 ends a session.
//! - A session that was not used for two minutes makes place for any other, and one that is older than
//!   that for a larger one, since a larger one saves more.
//! - Lost sessions cost a client one full request, so they may be forgotten at any time.

mod session;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use limpid_platform::clock::Clock;
use limpid_platform::random::Random;
use limpid_protocol::ErrorCode;
use limpid_protocol::messages::fetch_request::FetchRequest;
use limpid_protocol::messages::fetch_response::FetchResponse;
use parking_lot::Mutex;

use self::session::Session;
use crate::metrics::FetchSessionMetrics;

/// A session may be evicted after this long (Kafka's `MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS`).
const IDLE: Duration = Duration::from_secs(120);
/// Partitions remembered in all sessions together; some 150 bytes each.
const PARTITIONS_MAX: usize = 1_000_000;
/// From here on a client names topics by their ids.
const BY_ID_VERSION: i16 = 13;
/// Epoch of a request that asks for a session.
const FIRST: i32 = 0;
/// Epoch of a request that wants none.
const FINAL: i32 = -1;

/// All sessions of a broker.
pub struct FetchSessions {
    /// `max.incremental.fetch.session.cache.slots`.
    slots: usize,
    partitions_max: usize,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    metrics: FetchSessionMetrics,
    places: Mutex<Places>,
}

/// Who has a place, by session id.
#[derive(Default)]
struct Places {
    taken: HashMap<i32, Place>,
    /// Of all of them.
    partitions: usize,
}

/// A session in its place, with what eviction asks for.
struct Place {
    session: Arc<Mutex<Session>>,
    by_id: bool,
    created: Duration,
    used: Duration,
    partitions: usize,
}

/// How a fetch is to be answered.
pub enum Plan {
    /// In full, outside of any session.
    Full,
    /// In full, and with a session if there is a place.
    Open,
    /// With what has news.
    Continue {
        /// The session.
        session: Arc<Mutex<Session>>,
        /// Its `session_id`.
        id: i32,
        /// The epoch it has unless another request of the same session overtakes this one.
        epoch: i32,
    },
}

impl Plan {
    /// An answer without anything: the client is held back, and gets it all later.
    pub fn postponed(&self) -> FetchResponse {
        match self {
            Self::Full | Self::Open => FetchResponse::default(),
            Self::Continue { session, id, epoch } => {
                if session.lock().epoch != *epoch {
                    return refused(ErrorCode::InvalidFetchSessionEpoch);
                }
                FetchResponse {
                    session_id: *id,
                    ..FetchResponse::default()
                }
            }
        }
    }
}

impl FetchSessions {
    /// None are open yet.
    pub fn new(
        slots: usize,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        metrics: FetchSessionMetrics,
    ) -> Self {
        metrics.limit.set(i64::try_from(slots).unwrap_or(i64::MAX));
        Self {
            slots,
            partitions_max: PARTITIONS_MAX,
            clock,
            random,
            metrics,
            places: Mutex::default(),
        }
    }

    /// Takes what a request says about its session, and leaves in `request` all partitions that it
    /// wants to read.
    pub fn begin(&self, request: &mut FetchRequest, version: i16) -> Result<Plan, ErrorCode> {
        let (id, epoch) = (request.session_id, request.session_epoch);
        if epoch == FIRST || epoch == FINAL {
            if id != 0 {
                self.remove(id);
            }
            return Ok(if epoch == FIRST {
                Plan::Open
            } else {
                Plan::Full
            });
        }
        let session = self.find(id, version >= BY_ID_VERSION)?;
        let mut held = session.lock();
        // Nobody else may come between the look at the epoch and its change.
        if held.epoch != epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        held.update(request);
        request.topics = held.wanted();
        if held.len() == 0 {
            self.remove(id);
            return Ok(Plan::Full);
        }
        if !self.resize(id, held.len()) {
            return Err(ErrorCode::FetchSessionIdNotFound);
        }
        held.epoch = after(epoch);
        let epoch = held.epoch;
        drop(held);
        Ok(Plan::Continue { session, id, epoch })
    }

    /// Makes an answer that holds every partition of `request` the answer of its session.
    pub fn finish(
        &self,
        plan: Plan,
        request: FetchRequest,
        version: i16,
        mut response: FetchResponse,
    ) -> FetchResponse {
        match plan {
            Plan::Full => response,
            Plan::Open => {
                let mut session = Session::new(version >= BY_ID_VERSION, after(FIRST));
                session.update(&request);
                session.remember(&mut response, false);
                response.session_id = self.add(session).unwrap_or(0);
                response
            }
            Plan::Continue { session, id, epoch } => {
                let mut session = session.lock();
                if session.epoch != epoch {
                    return refused(ErrorCode::InvalidFetchSessionEpoch);
                }
                session.remember(&mut response, true);
                response.session_id = id;
                response
            }
        }
    }

    fn find(&self, id: i32, by_id: bool) -> Result<Arc<Mutex<Session>>, ErrorCode> {
        let mut places = self.places.lock();
        let place = places.taken.get_mut(&id);
        let place = place.ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if place.by_id != by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        place.used = self.clock.monotonic();
        Ok(Arc::clone(&place.session))
    }

    /// Notes how many partitions a session has now. Beyond the limit it loses its place, and false
    /// is returned.
    fn resize(&self, id: i32, partitions: usize) -> bool {
        let mut places = self.places.lock();
        let Some(mut place) = places.take(id) else {
            return false;
        };
        place.partitions = partitions;
        let fits = places.partitions + partitions <= self.partitions_max;
        if fits {
            places.put(id, place);
        }
        self.publish(&places);
        fits
    }

    /// The id of a session that found a place.
    fn add(&self, session: Session) -> Option<i32> {
        let now = self.clock.monotonic();
        let mut places = self.places.lock();
        if places.taken.len() >= self.slots {
            let evicted = places.weakest(session.len(), now)?;
            places.take(evicted);
            self.metrics.evictions.inc();
        }
        let fits = places.partitions + session.len() <= self.partitions_max;
        let id = fits.then(|| self.new_id(&places)).flatten();
        if let Some(id) = id {
            let place = Place {
                created: now,
                used: now,
                by_id: session.by_id,
                partitions: session.len(),
                session: Arc::new(Mutex::new(session)),
            };
            places.put(id, place);
        }
        self.publish(&places);
        id
    }

    /// An id that is not guessed and not in use; none when there is no randomness.
    fn new_id(&self, places: &Places) -> Option<i32> {
        loop {
            let mut bytes = [0; 4];
            self.random.fill(&mut bytes).ok()?;
            let id = i32::from_ne_bytes(bytes) & i32::MAX;
            if id != 0 && !places.taken.contains_key(&id) {
                return Some(id);
            }
        }
    }

    fn remove(&self, id: i32) {
        let mut places = self.places.lock();
        places.take(id);
        self.publish(&places);
    }

    fn publish(&self, places: &Places) {
        let wide = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.metrics.sessions.set(wide(places.taken.len()));
        self.metrics.partitions.set(wide(places.partitions));
    }
}

impl Places {
    fn put(&mut self, id: i32, place: Place) {
        self.partitions += place.partitions;
        self.taken.insert(id, place);
    }

    fn take(&mut self, id: i32) -> Option<Place> {
        let place = self.taken.remove(&id)?;
        self.partitions -= place.partitions;
        Some(place)
    }

    /// The session that makes place for a new one of `size` partitions, if one does.
    fn weakest(&self, size: usize, now: Duration) -> Option<i32> {
        let (stalest, place) = self.taken.iter().min_by_key(|(_, place)| place.used)?;
        if now.saturating_sub(place.used) > IDLE {
            return Some(*stalest);
        }
        let settled = self
            .taken
            .iter()
            .filter(|(_, place)| now.saturating_sub(place.created) > IDLE);
        let (smallest, place) = settled.min_by_key(|(_, place)| place.partitions)?;
        (place.partitions < size).then_some(*smallest)
    }
}

/// An answer that is an error of the session.
pub fn refused(error: ErrorCode) -> FetchResponse {
    FetchResponse {
        error_code: error.code(),
        ..FetchResponse::default()
    }
}

fn after(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}
