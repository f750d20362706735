//! `limpid-client`, the client behind browsing, changes and the demo: its producer and its group
//! member, against the broker under test and against Apache Kafka.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use limpid_client::{
    Client, ClientConfig, Consumer, ConsumerConfig, LATEST, OffsetReset, Producer, ProducerConfig,
    Record as OwnRecord, Tcp, TopicPartition, TopicSpec,
};
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::process::Daemon;
use limpid_interop::records::{CODECS, Record, awkward, by_key};
use limpid_interop::tools::{Kafka, Tools};
use limpid_protocol::records::Codec;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

const PARTITIONS: i32 = 3;
/// A rebalance, a session's end and a virtual machine's start on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// Sessions end fast, so that a lost member is missed soon.
const SESSION: Duration = Duration::from_secs(6);

fn runtime() -> Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(1).enable_all().build()?)
}

fn client(address: &str, client_id: &str) -> Result<Client> {
    let config = ClientConfig::with_bootstrap(address)?.named(client_id);
    Ok(Client::new(config, Arc::new(Tcp)))
}

/// The producer's records come back as they were, keys where murmur2 says, whatever the codec.
pub fn writes_with_every_codec(lab: &mut Lab) -> Result<()> {
    for name in CODECS {
        let topic = format!("own-{name}");
        lab.create_topic(&topic, PARTITIONS)?;
        let records = awkward(name);
        let codec = Codec::from_name(name).context("a codec that we don't know")?;
        runtime()?.block_on(produce(&lab.address()?, &topic, codec, &records))?;
        lab.wrote(&topic, by_key(&records, PARTITIONS as usize))?;
    }
    Ok(())
}

async fn produce(address: &str, topic: &str, codec: Codec, records: &[Record]) -> Result<()> {
    let config = ProducerConfig {
        compression: codec,
        batch_bytes: 2000,
        ..ProducerConfig::default()
    };
    let producer = Producer::new(client(address, "own-producer")?, config);
    let mut deliveries = Vec::new();
    for record in records {
        let bytes = |bytes: &Option<Vec<u8>>| bytes.clone().map(Into::into);
        let headers = record.headers.iter();
        let own = OwnRecord {
            topic: topic.to_owned(),
            key: bytes(&record.key),
            value: bytes(&record.value),
            headers: headers
                .map(|(key, value)| (key.clone(), bytes(value)))
                .collect(),
            ..OwnRecord::default()
        };
        deliveries.push(producer.send(own).await?);
    }
    let mut offsets: BTreeMap<i32, i64> = BTreeMap::new();
    for delivery in deliveries {
        let partition = delivery.partition().partition;
        let offset = delivery.acknowledged().await?;
        let next = offsets.entry(partition).or_default();
        ensure!(
            offset == *next,
            "{topic}-{partition}: {offset} is not {next}"
        );
        *next += 1;
    }
    Ok(())
}

/// Members share partitions, go on at their commits, and are described, reset and deleted.
pub fn groups(lab: &mut Lab) -> Result<()> {
    let kind = lab.kind().clone();
    groups_on(lab, kind)
}

/// The same, against the reference.
pub fn groups_on_apache_kafka(lab: &mut Lab) -> Result<()> {
    groups_on(lab, Kind::Kafka)
}

fn groups_on(lab: &Lab, kind: Kind) -> Result<()> {
    let folder = lab.folder(&format!("own-client-{}", kind.name()))?;
    let fast = [("group.initial.rebalance.delay.ms", "0")];
    let mut peer = Peer::start_new(kind, &lab.tools, &folder, &fast)?;
    let address = peer.address();
    runtime()?.block_on(async {
        members_come_and_go(&address).await?;
        offsets_are_managed(&address).await?;
        shares_with_java(&address, &lab.tools, &folder).await
    })?;
    peer.stop()
}

/// A member that polls on a task of its own, because joining waits for the others.
struct Reader {
    seen: Arc<Mutex<Seen>>,
    orders: mpsc::Sender<(Order, oneshot::Sender<()>)>,
    task: JoinHandle<Result<()>>,
}

/// What a member has read and owns.
#[derive(Clone, Default)]
struct Seen {
    values: BTreeSet<String>,
    partitions: Vec<i32>,
}

enum Order {
    Commit,
    Leave,
}

impl Reader {
    fn new(address: &str, name: &str, group: &str, topic: &str) -> Result<Self> {
        let config = ConsumerConfig {
            session_timeout: SESSION,
            heartbeat_interval: Duration::from_millis(500),
            max_poll_interval: LIMIT,
            auto_commit: None,
            offset_reset: OffsetReset::Earliest,
            ..ConsumerConfig::new(group)
        };
        let consumer = Consumer::new(client(address, name)?, config, &[topic]);
        let seen = Arc::new(Mutex::default());
        let (orders, ordered) = mpsc::channel(1);
        let task = tokio::spawn(read(consumer, Arc::clone(&seen), ordered));
        Ok(Self { seen, orders, task })
    }

    fn seen(&self) -> Seen {
        self.seen
            .lock()
            .map(|seen| seen.clone())
            .unwrap_or_default()
    }

    fn count(&self) -> usize {
        self.seen().values.len()
    }

    fn owned(&self) -> usize {
        self.seen().partitions.len()
    }

    async fn order(&self, order: Order) -> Result<()> {
        let (done, wait) = oneshot::channel();
        self.orders
            .send((order, done))
            .await
            .ok()
            .context("the reader has ended")?;
        wait.await.context("the reader has ended")
    }
}

async fn read(
    mut consumer: Consumer,
    seen: Arc<Mutex<Seen>>,
    mut orders: mpsc::Receiver<(Order, oneshot::Sender<()>)>,
) -> Result<()> {
    loop {
        let records = consumer.poll(Duration::from_millis(100)).await?;
        {
            let mut seen = seen.lock().ok().context("a reader panicked")?;
            seen.partitions = consumer.assignment().map(|at| at.partition).collect();
            for record in &records {
                let value = record.value.as_deref().unwrap_or_default();
                seen.values
                    .insert(String::from_utf8_lossy(value).into_owned());
            }
        }
        match orders.try_recv() {
            Ok((Order::Commit, done)) => {
                consumer.commit().await?;
                done.send(()).ok();
            }
            Ok((Order::Leave, done)) => {
                consumer.close().await;
                done.send(()).ok();
                return Ok(());
            }
            Err(_) => {}
        }
    }
}

/// Waits until `done`.
async fn wait_until(
    readers: &mut [Reader],
    what: &str,
    done: impl Fn(&[Reader]) -> bool,
) -> Result<()> {
    let began = Instant::now();
    while !done(readers) {
        for reader in readers.iter_mut().filter(|r| r.task.is_finished()) {
            (&mut reader.task).await??;
        }
        let state: Vec<_> = readers
            .iter()
            .map(|r| (r.seen().partitions, r.count()))
            .collect();
        ensure!(
            began.elapsed() < LIMIT,
            "not within {LIMIT:?}: {what}; {state:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn create(address: &str, topic: &str) -> Result<Client> {
    let admin = client(address, "own-admin")?;
    let spec = TopicSpec {
        name: topic.to_owned(),
        partitions: PARTITIONS,
        replication_factor: 1,
        configs: vec![("retention.ms".to_owned(), "3600000".to_owned())],
    };
    admin.create_topic(&spec).await?;
    Ok(admin)
}

async fn fill(address: &str, topic: &str, numbers: std::ops::Range<u32>) -> Result<()> {
    let record = |n: u32| Record::new(n.to_string().as_bytes(), n.to_string().as_bytes());
    let records: Vec<Record> = numbers.map(record).collect();
    let producer = Producer::new(client(address, "own-producer")?, ProducerConfig::default());
    for record in &records {
        let (key, value) = (record.key.clone(), record.value.clone());
        let own = OwnRecord::keyed(topic, key.unwrap_or_default(), value.unwrap_or_default());
        producer.send(own).await?;
    }
    producer.close().await;
    Ok(())
}

async fn members_come_and_go(address: &str) -> Result<()> {
    let (topic, group) = ("own-group", "own-members");
    create(address, topic).await?;
    fill(address, topic, 0..300).await?;
    let reader = |name: &str| Reader::new(address, name, group, topic);
    let mut readers = vec![reader("one")?];
    wait_until(&mut readers, "one member reads everything", |r| {
        r[0].count() == 300
    })
    .await?;
    readers[0].order(Order::Commit).await?;

    for name in ["two", "three", "four"] {
        readers.push(reader(name)?);
    }
    wait_until(
        &mut readers,
        "four members share three partitions",
        |readers| {
            let mut sizes: Vec<usize> = readers.iter().map(|r| r.owned()).collect();
            sizes.sort_unstable();
            sizes == [0, 1, 1, 1]
        },
    )
    .await?;
    fill(address, topic, 300..600).await?;
    let all = |readers: &[Reader]| readers.iter().map(Reader::count).sum::<usize>() == 600;
    wait_until(&mut readers, "each new record goes to one member", all).await?;
    for reader in &readers {
        reader.order(Order::Commit).await?;
    }

    let crashed = readers.iter().position(|r| r.owned() > 0);
    readers
        .remove(crashed.context("somebody owns a partition")?)
        .task
        .abort();
    let leaving = readers.pop().context("three are left")?;
    leaving.order(Order::Leave).await?;
    wait_until(
        &mut readers,
        "two take over from the crashed and the gone",
        |readers| {
            let partitions: BTreeSet<i32> =
                readers.iter().flat_map(|r| r.seen().partitions).collect();
            partitions.len() == PARTITIONS as usize && readers.iter().all(|r| r.owned() > 0)
        },
    )
    .await?;
    for reader in &readers {
        reader
            .seen
            .lock()
            .ok()
            .context("a reader panicked")?
            .values
            .clear();
    }
    fill(address, topic, 600..700).await?;
    let rest = |readers: &[Reader]| readers.iter().map(Reader::count).sum::<usize>() >= 100;
    wait_until(&mut readers, "they go on at the commits", rest).await?;
    let values: BTreeSet<String> = readers.iter().flat_map(|r| r.seen().values).collect();
    let expected: BTreeSet<String> = (600..700).map(|n| n.to_string()).collect();
    ensure!(values == expected, "read again: {values:?}");
    for reader in readers {
        reader.order(Order::Leave).await?;
    }
    Ok(())
}

async fn offsets_are_managed(address: &str) -> Result<()> {
    let (topic, group) = ("own-offsets", "own-managed");
    let admin = create(address, topic).await?;
    fill(address, topic, 0..90).await?;
    let mut reader = vec![Reader::new(address, "managed", group, topic)?];
    wait_until(&mut reader, "everything is read", |r| r[0].count() == 90).await?;
    ensure!(
        admin.offset_fetch(group).await?.is_empty(),
        "nothing was committed"
    );
    reader[0].order(Order::Commit).await?;
    let committed = admin.offset_fetch(group).await?;
    let all = (0..PARTITIONS).map(|p| (TopicPartition::new(topic, p), LATEST));
    let ends = admin.list_offsets(&all.collect::<Vec<_>>()).await?;
    for (at, end) in &ends {
        let committed = committed.get(at).map(|c| c.offset);
        ensure!(
            committed == Some(end.offset),
            "{at}: {committed:?}, {end:?}"
        );
    }
    let described = admin.describe_groups(&[group]).await?;
    let described = described.first().context("no description")?;
    ensure!(
        described.state == "Stable" && described.protocol == "range",
        "{described:?}"
    );
    let member = described.members.first().context("no member")?;
    ensure!(
        member.client_id == "managed" && member.assignment.len() == 3,
        "{member:?}"
    );
    let listed = admin.list_groups().await?;
    let listed = listed
        .iter()
        .find(|g| g.id == group)
        .context("not listed")?;
    ensure!(listed.protocol_type == "consumer", "{listed:?}");

    let to: BTreeMap<_, _> = ends.keys().map(|at| (at.clone(), 1)).collect();
    let refused = admin
        .offset_commit(group, &to)
        .await
        .err()
        .context("it has a member")?;
    ensure!(
        refused.to_string().contains("UNKNOWN_MEMBER_ID"),
        "{refused}"
    );
    let refused = admin
        .delete_group(group)
        .await
        .err()
        .context("it has a member")?;
    ensure!(refused.to_string().contains("NON_EMPTY_GROUP"), "{refused}");
    reader
        .pop()
        .context("the reader")?
        .order(Order::Leave)
        .await?;
    admin.offset_commit(group, &to).await?;
    let one = TopicPartition::new(topic, 1);
    admin
        .offset_delete(group, std::slice::from_ref(&one))
        .await?;
    let committed = admin.offset_fetch(group).await?;
    ensure!(
        committed.len() == 2 && !committed.contains_key(&one),
        "{committed:?}"
    );
    ensure!(committed.values().all(|c| c.offset == 1), "{committed:?}");
    admin.delete_group(group).await?;
    let gone = admin
        .delete_group(group)
        .await
        .err()
        .context("it is gone")?;
    ensure!(gone.to_string().contains("GROUP_ID_NOT_FOUND"), "{gone}");
    admin.delete_topic(topic).await?;
    let gone = admin.topic(topic).await.err().context("it is gone")?;
    ensure!(
        gone.to_string().contains("UNKNOWN_TOPIC_OR_PARTITION"),
        "{gone}"
    );
    let cluster = admin.describe_cluster().await?;
    ensure!(
        cluster.brokers.len() == 1 && !cluster.cluster_id.is_empty(),
        "{cluster:?}"
    );
    Ok(())
}

/// A group of one member of ours and one of Java's: each understands the other's subscription and
/// assignment, whoever leads.
async fn shares_with_java(address: &str, tools: &Tools, folder: &std::path::Path) -> Result<()> {
    let (topic, group) = ("own-java", "own-and-java");
    create(address, topic).await?;
    let mut own = vec![Reader::new(address, "own", group, topic)?];
    wait_until(&mut own, "alone it owns all", |r| r[0].owned() == 3).await?;
    let mut java = tools.java(Kafka::V4_3)?;
    java.arg("org.apache.kafka.tools.consumer.ConsoleConsumer");
    java.args([
        "--bootstrap-server",
        address,
        "--topic",
        topic,
        "--group",
        group,
    ]);
    java.args(["--command-property", "auto.offset.reset=earliest"]);
    java.stdin(Stdio::null());
    let java = Daemon::spawn("console consumer", &mut java, &folder.join("java.log"))?;
    let shared = |r: &[Reader]| (1..3).contains(&r[0].owned());
    wait_until(&mut own, "Java's member gets its part", shared).await?;
    fill(address, topic, 0..200).await?;
    let began = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let theirs: BTreeSet<String> = java.log().lines().map(str::to_owned).collect();
        let ours = own[0].seen().values;
        if (0..200).all(|n| theirs.contains(&n.to_string()) || ours.contains(&n.to_string())) {
            ensure!(!ours.is_empty() && ours.len() < 200, "nothing was shared");
            ensure!(ours.is_disjoint(&theirs), "both read some");
            break;
        }
        if began.elapsed() > LIMIT {
            bail!("{} ours, {} theirs of 200", ours.len(), theirs.len());
        }
    }
    java.terminate(LIMIT)?;
    wait_until(&mut own, "alone again", |r| r[0].owned() == 3).await?;
    own.pop().context("the reader")?.order(Order::Leave).await?;
    Ok(())
}
