//! One session: which partitions, where each stands, and what the client knows of it.

use std::collections::{BTreeMap, HashMap};

use limpid_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use limpid_protocol::messages::fetch_response::{
    FetchResponse, FetchableTopicResponse, PartitionData,
};
use limpid_protocol::{ErrorCode, Uuid};

/// Name and id of a topic, of which the request's version has one, and the partition.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    topic: String,
    topic_id: Uuid,
    partition: i32,
}

/// A partition of the session.
struct Cached {
    key: Key,
    wanted: FetchPartition,
    /// As the client was told last; −1 after an error, so that it is told again.
    high_watermark: i64,
    log_start_offset: i64,
}

/// The partitions in the order of their turns.
pub struct Session {
    pub(super) by_id: bool,
    pub(super) epoch: i32,
    turns: BTreeMap<u64, Cached>,
    places: HashMap<Key, u64>,
    next_turn: u64,
}

impl Session {
    pub(super) fn new(by_id: bool, epoch: i32) -> Self {
        Self {
            by_id,
            epoch,
            turns: BTreeMap::new(),
            places: HashMap::new(),
            next_turn: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.turns.len()
    }

    /// Adds, changes and forgets what the request says.
    pub(super) fn update(&mut self, request: &FetchRequest) {
        for topic in &request.topics {
            for wanted in &topic.partitions {
                let key = Key {
                    topic: topic.topic.clone(),
                    topic_id: topic.topic_id,
                    partition: wanted.partition,
                };
                self.want(key, wanted.clone());
            }
        }
        for topic in &request.forgotten_topics_data {
            for partition in &topic.partitions {
                let key = Key {
                    topic: topic.topic.clone(),
                    topic_id: topic.topic_id,
                    partition: *partition,
                };
                if let Some(turn) = self.places.remove(&key) {
                    self.turns.remove(&turn);
                }
            }
        }
    }

    fn want(&mut self, key: Key, wanted: FetchPartition) {
        let known = self.places.get(&key);
        if let Some(cached) = known.and_then(|turn| self.turns.get_mut(turn)) {
            cached.wanted = wanted;
            return;
        }
        let cached = Cached {
            key,
            wanted,
            high_watermark: -1,
            log_start_offset: -1,
        };
        self.put_last(cached);
    }

    fn put_last(&mut self, cached: Cached) {
        self.places.insert(cached.key.clone(), self.next_turn);
        self.turns.insert(self.next_turn, cached);
        self.next_turn += 1;
    }

    /// All partitions as a full request would name them, in the order of their turns.
    pub(super) fn wanted(&self) -> Vec<FetchTopic> {
        let mut topics: Vec<FetchTopic> = Vec::new();
        for cached in self.turns.values() {
            let key = &cached.key;
            match topics.last_mut() {
                Some(last) if last.topic_id == key.topic_id && last.topic == key.topic => {
                    last.partitions.push(cached.wanted.clone());
                }
                _ => topics.push(FetchTopic {
                    topic: key.topic.clone(),
                    topic_id: key.topic_id,
                    partitions: vec![cached.wanted.clone()],
                }),
            }
        }
        topics
    }

    /// Notes what the client is told. With `only_news` what it knows already is left out. Who had
    /// records goes to the end, so that those behind have their turn.
    pub(super) fn remember(&mut self, response: &mut FetchResponse, only_news: bool) {
        let mut served = Vec::new();
        for answer in &mut response.responses {
            let (topic, topic_id) = (answer.topic.clone(), answer.topic_id);
            let mut keep = |data: &PartitionData| {
                let key = Key {
                    topic: topic.clone(),
                    topic_id,
                    partition: data.partition_index,
                };
                let Some(turn) = self.places.get(&key) else {
                    return true;
                };
                let Some(cached) = self.turns.get_mut(turn) else {
                    return true;
                };
                if only_news && !data.records.is_empty() {
                    served.push(*turn);
                }
                cached.hears(data) || !only_news
            };
            answer.partitions.retain(|data| keep(data));
        }
        let has_news = |answer: &FetchableTopicResponse| !answer.partitions.is_empty();
        response.responses.retain(has_news);
        for turn in served {
            if let Some(cached) = self.turns.remove(&turn) {
                self.put_last(cached);
            }
        }
    }
}

impl Cached {
    /// Takes over what the client is told, and says whether it is news.
    fn hears(&mut self, data: &PartitionData) -> bool {
        let mut news = !data.records.is_empty()
            || data.high_watermark != self.high_watermark
            || data.log_start_offset != self.log_start_offset
            || data.preferred_read_replica >= 0;
        self.high_watermark = data.high_watermark;
        self.log_start_offset = data.log_start_offset;
        if data.error_code != ErrorCode::None.code() || data.diverging_epoch.epoch >= 0 {
            self.high_watermark = -1;
            news = true;
        }
        news
    }
}
