//! Limpid and Apache Kafka 4.3 compact the same records to the same, and each goes on with a log
//! that the other compacted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::dump_log::{dump_compacted, files};
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::process::wait_for;
use limpid_interop::wire::{create_topic, produce};
use limpid_protocol::records::{BatchBuilder, Codec, Producer};

const TOPIC: &str = "compacted";
/// Compaction must be through with a few megabytes within this.
const LIMIT: Duration = Duration::from_secs(90);
const TIME: i64 = 1_700_000_000_000;
const RECORDS_PER_BATCH: usize = 20;
const KEYS: usize = 97;

/// Keys that come again and again, with deletions, in all codecs, from two producers of which one
/// is idempotent; then more of it after each has taken over the other's directory.
pub fn both_compact_alike_and_go_on_with_the_others_log(lab: &mut Lab) -> Result<()> {
    let folder = lab.folder("compaction")?;
    let properties = [
        ("log.cleaner.backoff.ms", "200"),
        ("log.cleaner.dedupe.buffer.size", "4194304"),
        ("log.index.interval.bytes", "1024"),
        ("log.initial.task.delay.ms", "200"),
    ];
    let kinds = [Kind::Kafka, lab.kind().clone()];
    let mut peers = Vec::new();
    for (name, kind) in ["reference", "subject"].iter().zip(&kinds) {
        peers.push(Peer::start_new(
            kind.clone(),
            &lab.tools,
            &folder.join(name),
            &properties,
        )?);
    }
    for peer in &peers {
        let configs = [
            ("cleanup.policy", "compact"),
            ("segment.bytes", "1048576"),
            ("min.cleanable.dirty.ratio", "0"),
        ];
        create_topic(&peer.address(), TOPIC, 1, &configs)?;
    }
    for (round, batches) in [0..220, 220..300].into_iter().enumerate() {
        let mut contents = Vec::new();
        for peer in &mut peers {
            for number in batches.clone() {
                produce(&peer.address(), TOPIC, 0, &batch(number)?)?;
            }
            let name = peer.kind().name();
            await_compaction(peer).with_context(|| format!("round {round}, {name}"))?;
            peer.stop()?;
            contents.push(content(lab, &peer.data())?);
        }
        let (kafka, ours) = (&contents[0], &contents[1]);
        let unlike = kafka.iter().zip(ours).find(|(one, other)| one != other);
        ensure!(
            unlike.is_none() && kafka.len() == ours.len(),
            "round {round}: {} and {} lines, first unlike: {unlike:?}",
            kafka.len(),
            ours.len()
        );
        let written = batches.end * RECORDS_PER_BATCH;
        ensure!(
            kafka.len() < written / 2,
            "{} lines of {written} records",
            kafka.len()
        );
        // They change places.
        let [one, other] = &mut peers[..] else {
            anyhow::bail!("two brokers are compared");
        };
        let kind = one.kind().clone();
        one.replace_kind(other.kind().clone());
        other.replace_kind(kind);
        for peer in &mut peers {
            peer.start()?;
        }
    }
    peers.into_iter().try_for_each(|mut peer| peer.stop())
}

fn batch(number: usize) -> Result<Vec<u8>> {
    let codec = Codec::ALL[number % Codec::ALL.len()];
    let mut builder = BatchBuilder::new(codec);
    if number.is_multiple_of(3) {
        let sequence = i32::try_from(number / 3 * RECORDS_PER_BATCH)?;
        builder = builder.producer(Producer {
            id: 4_242,
            epoch: 0,
            base_sequence: sequence,
        });
    }
    for i in 0..RECORDS_PER_BATCH {
        let n = number * RECORDS_PER_BATCH + i;
        // Some keys come once and never again.
        let key = if n.is_multiple_of(31) {
            KEYS + n
        } else {
            n * 7 % KEYS
        };
        // Nothing that a codec could make small: the segments have to fill.
        let value: Vec<u8> = (0..1_000_u64)
            .map(|at| (n as u64 * 1_009 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .map(|mixed| (mixed >> 29 ^ mixed >> 47) as u8)
            .collect();
        let value = (!n.is_multiple_of(17)).then_some(value.as_slice());
        let headers: [(&[u8], Option<&[u8]>); 1] = [(b"n", None)];
        let time = TIME + i64::try_from(n)?;
        builder.append(time, Some(format!("key-{key}").as_bytes()), value, &headers)?;
    }
    Ok(builder.build()?.to_vec())
}

/// Waits until everything but the active segment is compacted, by the broker's own checkpoint.
fn await_compaction(peer: &mut Peer) -> Result<()> {
    let data = peer.data();
    wait_for("compaction", LIMIT, || {
        peer.check_alive()?;
        let checkpoint = std::fs::read_to_string(data.join("cleaner-offset-checkpoint"));
        let line = checkpoint.unwrap_or_default();
        let line = line
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{TOPIC} 0 ")));
        let clean_to: Option<i64> = line.and_then(|offset| offset.parse().ok());
        Ok((clean_to == active_base(&data)?).then_some(()))
    })
}

fn active_base(data: &Path) -> Result<Option<i64>> {
    let segments = files(&data.join(format!("{TOPIC}-0")), "log")?;
    let name = segments.last().and_then(|path| path.file_stem());
    Ok(name.and_then(|name| name.to_string_lossy().parse().ok()))
}

/// What Kafka's own tool reads: a line for each record, and one for each batch without what may
/// differ (times of deletion horizons, positions, checksums, sizes).
fn content(lab: &Lab, data: &Path) -> Result<Vec<String>> {
    let folder = data.join(format!("{TOPIC}-0"));
    let segments: Vec<PathBuf> = files(&folder, "log")?;
    ensure!(segments.len() > 1, "{segments:?}");
    let said = dump_compacted(
        &lab.tools,
        &segments,
        &["--print-data-log", "--deep-iteration"],
    )?;
    for ext in ["index", "timeindex"] {
        let indexes = files(&folder, ext)?;
        dump_compacted(&lab.tools, &indexes, &["--verify-index-only"])?;
        dump_compacted(&lab.tools, &indexes, &["--index-sanity-check"])?;
    }
    let lines = said.values().flat_map(|said| said.lines());
    let kept = lines.filter_map(|line| {
        let line = line.trim();
        if line.starts_with("baseOffset: ") {
            let end = line.find(" partitionLeaderEpoch")?;
            Some(line[..end].to_owned())
        } else {
            line.starts_with("| offset: ").then(|| line.to_owned())
        }
    });
    Ok(kept.collect())
}
