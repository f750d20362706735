//! Browsing: the newest records of a topic, or those from an offset on, within limits of count,
//! bytes and time.

use limpid_client::{
    ClientError, EARLIEST, FetchFrom, FetchLimits, FetchedRecords, LATEST, TopicPartition,
};
use limpid_cluster::{AdminError, Browse, BrowsedRecord, Pending, RecordBrowser};
use limpid_protocol::ErrorCode;
use limpid_protocol::records::{BatchView, Batches, RecordView, RecordsError};
use tokio::time::{Instant, timeout_at};

use crate::error::admin_error;
use crate::window::Window;
use crate::{Link, PATIENCE, newest};

/// Records at most, whatever is asked for.
const RECORDS_MAX: usize = 10_000;
/// Bytes that are read, decompressed, for one answer. One batch more may come.
const READ_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of one batch once it is decompressed; a larger one can't be shown.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of one partition in one fetch.
const PARTITION_BYTES_MAX: i32 = 256 * 1024;
/// Bytes of one broker in one fetch.
const FETCH_BYTES_MAX: i32 = 8 * 1024 * 1024;
/// Fetches for one answer.
const ROUNDS_MAX: usize = 200;

impl RecordBrowser for Link {
    fn browse<'a>(&'a self, topic: &'a str, what: Browse) -> Pending<'a, Vec<BrowsedRecord>> {
        Box::pin(async move {
            let what = Browse {
                records_max: what.records_max.min(RECORDS_MAX),
                ..what
            };
            let deadline = Instant::now() + PATIENCE;
            let late = |_| {
                let sentence = format!("{topic}: the cluster did not answer within {PATIENCE:?}");
                AdminError::Unavailable(sentence)
            };
            let begun = timeout_at(deadline, self.begin(topic, what)).await;
            let mut browsing = begun.map_err(late)??;
            while browsing.rounds < ROUNDS_MAX && browsing.read_bytes < READ_BYTES_MAX {
                let wanted = browsing.wanted();
                if wanted.is_empty() {
                    break;
                }
                let fetched = timeout_at(deadline, self.client.fetch(&wanted, LIMITS)).await;
                // Time is up: what is there is better than nothing.
                let Ok(fetched) = fetched else { break };
                for one in fetched {
                    let result = one.result.map_err(|error| self.unread(topic, error));
                    browsing.take(one.at.partition, result);
                }
                browsing.rounds += 1;
            }
            browsing.finish()
        })
    }
}

/// Everything asked for is there: nothing to wait for.
const LIMITS: FetchLimits = FetchLimits {
    max_wait: std::time::Duration::ZERO,
    bytes_min: 1,
    bytes_max: FETCH_BYTES_MAX,
};

impl Link {
    /// Why records can't be shown; who lacks what, where that is the cause.
    fn unread(&self, topic: &str, error: ClientError) -> AdminError {
        match (&self.principal, error.code()) {
            (Some(who), Some(ErrorCode::TopicAuthorizationFailed)) => AdminError::Refused(format!(
                "{who} may not read the topic {topic}: the cluster's ACLs do not allow {who} the \
                 operation Read on it ({error})"
            )),
            _ => admin_error(error),
        }
    }

    /// Finds where the partitions begin and end.
    async fn begin(&self, topic: &str, what: Browse) -> Result<Browsing, AdminError> {
        let found = self
            .client
            .topics(Some(&[topic]))
            .await
            .map_err(|error| self.unread(topic, error))?;
        let missing = |what: &str| AdminError::NotFound(format!("there is no {what}"));
        let info = found
            .first()
            .ok_or_else(|| missing(&format!("topic {topic}")))?;
        let all = info.partitions.iter().map(|p| p.partition);
        let chosen = all.filter(|p| what.partition.is_none_or(|wanted| wanted == *p));
        let chosen: Vec<TopicPartition> = chosen.map(|p| TopicPartition::new(topic, p)).collect();
        if chosen.is_empty() {
            let partition = what.partition.unwrap_or_default();
            return Err(missing(&format!("partition {topic}-{partition}")));
        }
        let ask = |time: i64| {
            chosen
                .iter()
                .map(|at| (at.clone(), time))
                .collect::<Vec<_>>()
        };
        let starts = self
            .client
            .list_offsets(&ask(EARLIEST))
            .await
            .map_err(|error| self.unread(topic, error))?;
        let ends = self
            .client
            .list_offsets(&ask(LATEST))
            .await
            .map_err(|error| self.unread(topic, error))?;
        let width = what.records_max.div_ceil(chosen.len());
        let width = i64::try_from(width).unwrap_or(i64::MAX);
        let window = |at: &TopicPartition| {
            let (start, end) = (starts.get(at)?.offset, ends.get(at)?.offset);
            Some(match what.from_offset {
                None => Window::before_end(at.partition, start, end, width),
                Some(from) => Window::forwards(at.partition, from.max(start), end),
            })
        };
        Ok(Browsing {
            topic: topic.to_owned(),
            what,
            windows: chosen.iter().filter_map(window).collect(),
            rounds: 0,
            read_bytes: 0,
            error: None,
        })
    }
}

/// One answer in the making.
struct Browsing {
    topic: String,
    what: Browse,
    windows: Vec<Window>,
    rounds: usize,
    read_bytes: usize,
    /// The first partition that could not be read.
    error: Option<AdminError>,
}

impl Browsing {
    /// Where to read on.
    fn wanted(&self) -> Vec<FetchFrom> {
        let unsettled = newest::unsettled(&self.windows, self.what.records_max);
        let from = |index: usize| {
            let window = &self.windows[index];
            Some(FetchFrom {
                at: TopicPartition::new(&self.topic, window.partition),
                offset: window.wanted()?.0,
                bytes_max: PARTITION_BYTES_MAX,
            })
        };
        unsettled.into_iter().filter_map(from).collect()
    }

    fn take(&mut self, partition: i32, result: Result<FetchedRecords, AdminError>) {
        let Some(window) = self.windows.iter_mut().find(|w| w.partition == partition) else {
            return;
        };
        let read = match result {
            Ok(fetched) => {
                let forwards = self.what.from_offset.is_some();
                read(window, &fetched, self.what.records_max, forwards)
            }
            Err(error) => {
                window.end();
                self.error.get_or_insert(error);
                return;
            }
        };
        match read {
            Ok(bytes) => self.read_bytes += bytes,
            Err(error) => {
                window.end();
                let sentence = format!("{}-{partition}: {error}", self.topic);
                self.error.get_or_insert(AdminError::Refused(sentence));
            }
        }
    }

    /// What was found; an error only if that is nothing.
    fn finish(self) -> Result<Vec<BrowsedRecord>, AdminError> {
        let found: Vec<_> = self.windows.into_iter().map(Window::into_found).collect();
        let mut records = newest::merged(found, self.what.records_max);
        newest::cut(&mut records, self.what.bytes_max);
        match self.error {
            Some(error) if records.is_empty() => Err(error),
            _ => Ok(records),
        }
    }
}

/// Takes the records of a window out of batches; gives the bytes that it cost.
fn read(
    window: &mut Window,
    fetched: &FetchedRecords,
    records_max: usize,
    forwards: bool,
) -> Result<usize, RecordsError> {
    let mut cost = 0;
    let mut scratch = Vec::new();
    let Some((mut next, upper)) = window.wanted() else {
        return Ok(0);
    };
    for batch in Batches::new(&fetched.records) {
        // A broker cuts at its limit, in the middle of a batch if need be.
        let Ok(batch) = batch else { break };
        if batch.header().base_offset >= upper {
            next = upper;
            break;
        }
        batch.verify_crc()?;
        cost += batch.size();
        if !batch.header().attributes.is_control() {
            cost += read_batch(window, &batch, records_max, forwards, &mut scratch)?;
        }
        next = next.max(batch.header().next_offset());
        if forwards && window.reading_count() >= records_max {
            window.advance(upper);
            return Ok(cost);
        }
    }
    window.advance(next);
    Ok(cost)
}

fn read_batch(
    window: &mut Window,
    batch: &BatchView<'_>,
    records_max: usize,
    forwards: bool,
    scratch: &mut Vec<u8>,
) -> Result<usize, RecordsError> {
    let mut bytes = 0;
    for record in batch.records_with(BATCH_BYTES_MAX, scratch)? {
        let record = record?;
        let full = forwards && window.reading_count() >= records_max;
        if window.wants(record.offset) && !full {
            bytes += record.size;
            window.take(browsed(window.partition, &record), records_max);
        }
    }
    Ok(bytes)
}

fn browsed(partition: i32, record: &RecordView<'_>) -> BrowsedRecord {
    let size = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len) as u64;
    let header = |header: limpid_protocol::records::HeaderView<'_>| {
        let key = String::from_utf8_lossy(header.key).into_owned();
        (key, header.value.map(<[u8]>::to_vec))
    };
    BrowsedRecord {
        partition,
        offset: record.offset,
        timestamp_ms: record.timestamp,
        key: record.key.map(<[u8]>::to_vec),
        value: record.value.map(<[u8]>::to_vec),
        headers: record.headers.map(header).collect(),
        size_bytes: size(record.key) + size(record.value),
        cut: false,
    }
}

#[cfg(test)]
mod tests;
