//! Percentiles beside Apache Kafka: the same script through both, jmx_exporter's agent in Kafka and Limpid
//! with the same file of rules, and what each tells held against what it was sent.
//!
//! - **Sizes** are known to the byte. Kafka tells those of a sample of [`SAMPLE`] requests of all: the rank of
//!   its q-th percentile has a standard error of `sqrt(q (1 - q) / SAMPLE)`, and it must lie within
//!   [`SIGMAS`] of them around the true rank. Limpid takes all requests and may be wrong by [`CELL`] of the
//!   value. So the two are apart by the sampling error and a cell at most.
//! - **Times** of two programs are not alike, but these have one cause that both must show: fetches that wait for
//!   what does not come, as long as they said, and clients that are held back, as long as they were told.
//! - Of everything else, percentiles rise, and lie between the least and the largest.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::BytesMut;
use limpid_interop::http;
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::process::{pause, wait_for};
use limpid_interop::wire::create_topic;
use limpid_protocol::codec::Message as _;
use limpid_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use limpid_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use limpid_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use limpid_protocol::messages::{
    AlterClientQuotasRequest, FetchRequest, FetchResponse, ProduceRequest,
};
use limpid_protocol::records::{BatchBuilder, Codec};

use crate::differential::side::Side;
use crate::values::{Page, kafka_with_agent};

const RULES: &str = include_str!("percentiles/rules.yml");
const LIMIT: Duration = Duration::from_secs(60);
const QUANTILES: [(&str, f64); 6] = [
    ("50thPercentile", 0.50),
    ("75thPercentile", 0.75),
    ("95thPercentile", 0.95),
    ("98thPercentile", 0.98),
    ("99thPercentile", 0.99),
    ("999thPercentile", 0.999),
];
/// How many values Kafka keeps of a distribution.
const SAMPLE: f64 = 1_028.0;
/// Four standard errors: one run in 1,300 is beyond them in one of six percentiles.
const SIGMAS: f64 = 4.0;
/// How wide Limpid's cells are, as a part of the values in them.
const CELL: f64 = 1.0 / 16.0;
/// More than Kafka's sample has.
const SIZED: usize = 3_000;
/// Fetches that wait, and for how long.
const WAITING: usize = 40;
const WAIT_MS: i32 = 200;
/// Fetches of a client that may read this much a second, in batches that are larger.
const HELD: usize = 16;
const BYTES_PER_SECOND: f64 = 500.0;
const NAMES: i16 = 12;

/// What a broker was sent, what it answered and what it tells of it.
struct Told {
    name: &'static str,
    /// How wrong a value of its own may be.
    cell: f64,
    /// How many values it keeps.
    sample: Option<f64>,
    /// Sizes of the bodies of all Produce requests, sorted.
    sizes: Vec<f64>,
    /// What the answers to all fetches said of throttling, sorted.
    throttles: Vec<f64>,
    page: Page,
}

/// See the module.
pub fn are_those_of_kafka(lab: &mut Lab) -> Result<()> {
    let Kind::Limpid(program) = lab.kind().clone() else {
        return Ok(());
    };
    let folder = lab.folder("percentiles")?;
    let kafka = {
        let (peer, address) = kafka_with_agent(&lab.tools, RULES, &folder.join("kafka"))?;
        scripted("Kafka", (0.0, Some(SAMPLE)), &peer, &address, "/metrics")?
    };
    let rules = folder.join("rules.yml");
    std::fs::write(&rules, RULES)?;
    let rules = rules.display().to_string();
    let ours = [("limpid.metrics.jmx.exporter.config", rules.as_str())];
    let here = folder.join("limpid");
    let peer = Peer::start_new(Kind::Limpid(program), &lab.tools, &here, &ours)?;
    let page = "/metrics?dialect=jmx_exporter";
    let limpid = scripted("Limpid", (CELL, None), &peer, &peer.http_address(), page)?;
    for told in [&kafka, &limpid] {
        told.leave(&folder)?;
    }
    for told in [&kafka, &limpid] {
        told.sizes()?;
        told.waits()?;
        told.throttles()?;
        told.rise()?;
    }
    ensure!(kafka.sizes == limpid.sizes, "the scripts are not the same");
    Ok(())
}

/// Sends everything; the page once it tells of all.
fn scripted(
    name: &'static str,
    (cell, sample): (f64, Option<f64>),
    peer: &Peer,
    address: &str,
    path: &str,
) -> Result<Told> {
    for topic in ["sized", "idle", "read"] {
        create_topic(&peer.address(), topic, 1, &[])?;
    }
    let mut side = Side::new(name, peer);
    hold_back(&mut side)?;
    let mut sizes = Vec::new();
    for n in 0..SIZED {
        // Three powers of ten, in an order that has nothing to do with the size.
        let at = (n * 1_103) % SIZED;
        let value = 32.0 * (at as f64 / SIZED as f64 * 10.0).exp2();
        sizes.push(produce(&mut side, "sized", value as usize)?);
    }
    for _ in 0..HELD {
        sizes.push(produce(&mut side, "read", 1_000)?);
    }
    let mut throttles = Vec::new();
    for _ in 0..WAITING {
        throttles.push(fetch(&mut side, "idle", 0)?.0);
    }
    let mut reader = Side::new(name, peer);
    reader.client_id = "held";
    let mut offset = 0;
    for _ in 0..HELD {
        // Kafka answers who is held back without records.
        let (throttle, got) = fetch(&mut reader, "read", offset)?;
        throttles.push(throttle);
        offset += i64::from(got);
    }
    let count = |of: &str, request: &str| {
        format!("kafka_requests{{of=\"{of}\",request=\"{request}\",told=\"Count\"}}")
    };
    let page = wait_for("all requests on the page", LIMIT, || {
        let page = Page::read(&http::get(address, path)?);
        let is = |series: String, many: usize| page.series.get(&series) == Some(&(many as f64));
        let all = is(count("RequestBytes", "Produce"), sizes.len())
            && is(count("ThrottleTimeMs", "Fetch"), throttles.len())
            && is(count("TotalTimeMs", "Fetch"), throttles.len());
        Ok(all.then_some(page))
    })?;
    sizes.sort_unstable_by(f64::total_cmp);
    throttles.sort_unstable_by(f64::total_cmp);
    Ok(Told {
        name,
        cell,
        sample,
        sizes,
        throttles,
        page,
    })
}

fn hold_back(side: &mut Side) -> Result<()> {
    let request = AlterClientQuotasRequest {
        entries: vec![EntryData {
            entity: vec![EntityData {
                entity_type: "client-id".to_owned(),
                entity_name: Some("held".to_owned()),
            }],
            ops: vec![OpData {
                key: "consumer_byte_rate".to_owned(),
                value: BYTES_PER_SECOND,
                remove: false,
            }],
        }],
        validate_only: false,
    };
    let answer = side.must(&request, 1)?;
    ensure!(answer.entries[0].error_code == 0, "{answer:?}");
    // Kafka answers before its quotas follow.
    pause(Duration::from_millis(500));
    Ok(())
}

/// Writes one record; how large the body of the request was.
fn produce(side: &mut Side, topic: &str, value: usize) -> Result<f64> {
    let mut builder = BatchBuilder::new(Codec::None);
    builder.append(1_700_000_000_000, None, Some(&vec![b'x'; value]), &[])?;
    let request = ProduceRequest {
        transactional_id: None,
        acks: -1,
        timeout_ms: 10_000,
        topic_data: vec![TopicProduceData {
            name: topic.to_owned(),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(builder.build()?),
            }],
            ..TopicProduceData::default()
        }],
    };
    let mut body = BytesMut::new();
    request.encode(&mut body, NAMES)?;
    let answer = side.must(&request, NAMES)?;
    let code = answer.responses[0].partition_responses[0].error_code;
    ensure!(code == 0, "{topic}: error {code}");
    Ok(body.len() as f64)
}

/// Asks for one batch, and waits for it; how long the answer says that the client is held back, and
/// whether it has a batch.
fn fetch(side: &mut Side, topic: &str, offset: i64) -> Result<(f64, bool)> {
    let request = FetchRequest {
        max_wait_ms: WAIT_MS,
        min_bytes: 1,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: topic.to_owned(),
            partitions: vec![FetchPartition {
                fetch_offset: offset,
                partition_max_bytes: 1,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    };
    let answer: FetchResponse = side.must(&request, NAMES)?;
    ensure!(answer.error_code == 0, "{answer:?}");
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    let mut records = partitions.flat_map(|partition| &partition.records);
    let got = records.any(|records| !records.is_empty());
    Ok((f64::from(answer.throttle_time_ms), got))
}

impl Told {
    fn get(&self, of: &str, request: &str, told: &str) -> Result<f64> {
        let series = format!("kafka_requests{{of=\"{of}\",request=\"{request}\",told=\"{told}\"}}");
        let value = self.page.series.get(&series);
        value
            .copied()
            .with_context(|| format!("{}: no {series}", self.name))
    }

    /// A value lies between the two, give or take a cell.
    fn lies(&self, what: &str, value: f64, (low, high): (f64, f64)) -> Result<()> {
        let (low, high) = (low * (1.0 - self.cell), high * (1.0 + self.cell));
        let name = self.name;
        ensure!(
            (low..=high).contains(&value),
            "{name}: {what} is {value}, not between {low} and {high}"
        );
        Ok(())
    }

    /// Percentiles are those of these values, sorted, as far as a sample can tell.
    fn are_those_of(&self, of: &str, request: &str, sorted: &[f64], slack: f64) -> Result<()> {
        let many = sorted.len() as f64;
        let ranked = |rank: f64| sorted[(rank.max(1.0) as usize).min(sorted.len()) - 1];
        for (name, q) in QUANTILES {
            let sampled = self.sample.filter(|sample| many > *sample);
            let error = sampled.map_or(0.0, |sample| SIGMAS * (q * (1.0 - q) / sample).sqrt());
            // The two programs don't draw the line between two values in the same place.
            let low = ranked(((q - error) * many).floor() - 1.0) - slack;
            let high = ranked(((q + error) * many).ceil() + 1.0) + slack;
            let what = format!("{of} {request} {name}");
            self.lies(&what, self.get(of, request, name)?, (low, high))?;
        }
        Ok(())
    }

    fn sizes(&self) -> Result<()> {
        let (of, request) = ("RequestBytes", "Produce");
        self.are_those_of(of, request, &self.sizes, 0.0)?;
        let many = self.sizes.len() as f64;
        let mean = self.sizes.iter().sum::<f64>() / many;
        let squares = self.sizes.iter().map(|size| (size - mean).powi(2));
        let deviation = (squares.sum::<f64>() / (many - 1.0)).sqrt();
        let (least, most) = (self.sizes[0], self.sizes[self.sizes.len() - 1]);
        for (told, value) in [("StdDev", deviation), ("Min", least), ("Max", most)] {
            let near = (value * 0.999_999, value * 1.000_001);
            self.lies(told, self.get(of, request, told)?, near)?;
        }
        let told = self.get(of, request, "Mean")?;
        ensure!(
            (told / mean - 1.0).abs() < 1e-6,
            "{}: a mean of {told}, not {mean}",
            self.name
        );
        Ok(())
    }

    /// Most fetches waited, so that the median is the time that they said; half a second more is for
    /// a machine that is busy.
    fn waits(&self) -> Result<()> {
        let wait = f64::from(WAIT_MS);
        for of in ["RemoteTimeMs", "TotalTimeMs"] {
            for (told, _) in QUANTILES {
                let value = self.get(of, "Fetch", told)?;
                self.lies(&format!("{of} {told}"), value, (wait, wait + 500.0))?;
            }
            let median = self.get(of, "Fetch", "50thPercentile")?;
            self.lies(of, median, (wait, wait * 1.25))?;
        }
        Ok(())
    }

    fn throttles(&self) -> Result<()> {
        let held = self.throttles.iter().filter(|ms| **ms > 0.0).count();
        ensure!(held >= 4, "{}: {held} fetches were held back", self.name);
        self.are_those_of("ThrottleTimeMs", "Fetch", &self.throttles, 2.0)
    }

    fn rise(&self) -> Result<()> {
        let mut by_what: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
        for (series, value) in &self.page.series {
            let (what, told) = series.split_once(",told=\"").context("a series of ours")?;
            let told = told.trim_end_matches("\"}");
            by_what.entry(what).or_default().insert(told, *value);
        }
        ensure!(by_what.len() >= 16, "{}: {by_what:#?}", self.name);
        for (what, told) in &by_what {
            let of = |name: &str| told.get(name).copied().context(name.to_owned());
            let mut order = vec![of("Min")?];
            for (name, _) in QUANTILES {
                order.push(of(name)?);
            }
            order.push(of("Max")?);
            // Half a thousandth is what floats leave.
            let rises = order.is_sorted_by(|below, above| *below <= above + 0.0005);
            let mean = of("Mean")?;
            let inside = of("Min")? <= mean + 0.0005 && mean <= of("Max")? + 0.0005;
            ensure!(rises && inside, "{}: {what}: {told:?}", self.name);
        }
        Ok(())
    }

    fn leave(&self, folder: &Path) -> Result<()> {
        let series = self.page.series.iter();
        let lines = series.map(|(series, value)| format!("{series} {value}\n"));
        let sent = format!("{:?}\n{:?}\n", self.throttles, self.sizes);
        let text = lines.collect::<String>() + &sent;
        Ok(std::fs::write(
            folder.join(format!("{}.txt", self.name)),
            text,
        )?)
    }
}
