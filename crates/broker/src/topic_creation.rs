//! Making topics, on request or because a client asked for one that isn't there, and giving them
//! more partitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_config::{Config, validate_topic_config};
use limpid_platform::random::Random;
use limpid_protocol::{ErrorCode, Uuid};
use limpid_storage::metadata::changes::{self, NewTopic, ReplicaPlace};
use limpid_storage::metadata::{Image, Refusal};
use parking_lot::Mutex;

use crate::metadata::Metadata;
use crate::quotas::mutations::Permits;
use crate::settings::Settings;
use crate::topic_names;

/// Most partitions that one request may create, as in Kafka.
const PARTITIONS_PER_REQUEST_MAX: usize = 10_000;
/// "Take the broker's default" for partitions and replicas.
const DEFAULT: i32 = -1;

/// A topic that somebody wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Its name.
    pub name: String,
    /// Number of partitions, or -1.
    pub partitions: i32,
    /// Number of replicas, or -1.
    pub replication_factor: i16,
    /// Replicas of each partition, if the client chose them.
    pub assignments: Vec<(i32, Vec<i32>)>,
    /// Its settings; a missing value is an error.
    pub configs: Vec<(String, Option<String>)>,
}

/// Partitions that somebody wants a topic to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct More {
    /// The topic's name.
    pub topic: String,
    /// How many partitions it is to have in all.
    pub count: i32,
    /// Replicas of each new partition, if the client chose them.
    pub assignments: Option<Vec<Vec<i32>>>,
}

/// The outcome for each wish, in order.
pub type Outcomes = Vec<Result<NewTopic, Refusal>>;

/// Makes topics.
pub struct TopicCreation {
    metadata: Arc<Metadata>,
    settings: Arc<Settings>,
    random: Arc<dyn Random>,
    /// The log directory new partitions go to, if there is only one; else it is decided when the
    /// log is made, and Kafka's "unassigned" stands in the metadata.
    directory: Uuid,
}

impl TopicCreation {
    /// `directories` are the ids of this broker's log directories.
    pub fn new(
        metadata: Arc<Metadata>,
        settings: Arc<Settings>,
        random: Arc<dyn Random>,
        directories: &[Uuid],
    ) -> Self {
        let directory = match directories {
            [only] => *only,
            _ => Uuid::ONE,
        };
        Self {
            metadata,
            settings,
            random,
            directory,
        }
    }

    /// The name of a topic that a client may have without asking for it explicitly.
    pub fn automatic(name: &str) -> Wish {
        Wish {
            name: name.to_owned(),
            partitions: DEFAULT,
            replication_factor: -1,
            ..Wish::default()
        }
    }

    /// How many brokers there are to put replicas on.
    pub fn brokers(&self) -> i32 {
        i32::try_from(self.metadata.image().brokers().count()).unwrap_or(i32::MAX)
    }

    /// Makes the topics, each on its own: one that is refused does not keep the others away.
    pub async fn create(&self, wishes: Vec<Wish>, permits: &Permits) -> Outcomes {
        let planner = self.planner(permits);
        let planned = Arc::new(Mutex::new(Vec::new()));
        let outcomes = Arc::clone(&planned);
        let change = move |image: &Image| {
            let plans = planner.plan_all(image, &wishes);
            let mut records = Vec::new();
            for plan in plans {
                let made = plan.and_then(|new| {
                    records.extend(changes::create_topic(image, &new)?);
                    Ok(new)
                });
                planned.lock().push(made);
            }
            Ok(records)
        };
        let committed = self.metadata.change(change).await;
        let outcomes = std::mem::take(&mut *outcomes.lock());
        match committed {
            Ok(_) => outcomes,
            Err(refusal) => {
                let failed = |made: Result<_, _>| made.and(Err(refusal.clone()));
                outcomes.into_iter().map(failed).collect()
            }
        }
    }

    /// What [`TopicCreation::create`] would do now, without doing it.
    pub fn preview(&self, wishes: &[Wish], permits: &Permits) -> Outcomes {
        let image = self.metadata.image();
        let plans = self.planner(permits).plan_all(&image, wishes);
        let check = |new: NewTopic| changes::create_topic(&image, &new).map(|_| new);
        plans.into_iter().map(|plan| plan.and_then(check)).collect()
    }

    /// Gives a topic more partitions, or with `only_check` says whether that could be done.
    ///
    /// # Errors
    /// Why not.
    pub async fn add_partitions(
        &self,
        more: More,
        only_check: bool,
        permits: &Permits,
    ) -> Result<(), Refusal> {
        let planner = self.planner(permits);
        let add = move |image: &Image| {
            let (id, places) = planner.plan_more(image, &more)?;
            planner.permits.take(places.len())?;
            changes::add_partitions(image, id, &places)
        };
        if only_check {
            return add(&self.metadata.image()).map(drop);
        }
        self.metadata.change(add).await.map(drop)
    }

    fn planner(&self, permits: &Permits) -> Planner {
        Planner {
            permits: permits.clone(),
            config: self.settings.current(),
            random: Arc::clone(&self.random),
            directory: self.directory,
        }
    }
}

/// Turns wishes into topics, or into the reason why not.
struct Planner {
    permits: Permits,
    config: Arc<Config>,
    random: Arc<dyn Random>,
    directory: Uuid,
}

impl Planner {
    fn plan_all(&self, image: &Image, wishes: &[Wish]) -> Outcomes {
        let mut partitions = 0;
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for wish in wishes {
            *names.entry(&wish.name).or_default() += 1;
        }
        let plan = |wish: &Wish| {
            if names
                .get(wish.name.as_str())
                .is_some_and(|count| *count > 1)
            {
                let message = format!("topic '{}' is named twice in the request", wish.name);
                return Err(Refusal::new(ErrorCode::InvalidRequest, message));
            }
            let new = self.plan(image, wish)?;
            partitions += new.partitions.len();
            if partitions > PARTITIONS_PER_REQUEST_MAX {
                let message = format!(
                    "one request may create at most {PARTITIONS_PER_REQUEST_MAX} partitions"
                );
                return Err(Refusal::new(ErrorCode::PolicyViolation, message));
            }
            Ok(new)
        };
        wishes.iter().map(plan).collect()
    }

    fn plan(&self, image: &Image, wish: &Wish) -> Result<NewTopic, Refusal> {
        check_name(image, &wish.name)?;
        let configs = check_configs(&wish.configs)?;
        let partitions = if wish.assignments.is_empty() {
            self.spread(image, wish)?
        } else {
            self.assigned(image, wish)?
        };
        let random = self.random.bytes16().map_err(|error| {
            Refusal::new(
                ErrorCode::UnknownServerError,
                format!("no random bytes: {error}"),
            )
        })?;
        let id = Uuid::random_from(random);
        // Last, as in Kafka: what is refused for another reason costs nothing.
        self.permits.take(partitions.len())?;
        Ok(NewTopic {
            name: wish.name.clone(),
            id,
            partitions,
            configs,
        })
    }

    /// Partitions over brokers, when the client left that to us.
    fn spread(&self, image: &Image, wish: &Wish) -> Result<Vec<Vec<ReplicaPlace>>, Refusal> {
        let defaults = &self.config.broker().topics;
        let partitions = if wish.partitions == DEFAULT {
            defaults.num_partitions
        } else {
            wish.partitions
        };
        let replicas = match i32::from(wish.replication_factor) {
            DEFAULT => defaults.default_replication_factor,
            given => given,
        };
        if partitions < 1 {
            let message = "the number of partitions must be 1 or more, or -1 for the default";
            return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
        }
        if partitions as usize > PARTITIONS_PER_REQUEST_MAX {
            let message =
                format!("one request may create at most {PARTITIONS_PER_REQUEST_MAX} partitions");
            return Err(Refusal::new(ErrorCode::PolicyViolation, message));
        }
        let brokers: Vec<i32> = image.brokers().map(|b| b.broker_id).collect();
        let known = i32::try_from(brokers.len()).unwrap_or(i32::MAX);
        if replicas < 1 || replicas > known {
            let message = format!(
                "a replication factor of {replicas} is not possible with {known} registered brokers"
            );
            return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
        }
        let places = |partition: i32| {
            (0..replicas)
                .map(move |r| (partition + r) % known)
                .map(|i| brokers[i as usize])
        };
        Ok((0..partitions)
            .map(|p| places(p).map(|b| self.place(b)).collect())
            .collect())
    }

    /// Where the partitions go that a topic gets.
    fn plan_more(
        &self,
        image: &Image,
        more: &More,
    ) -> Result<(Uuid, Vec<Vec<ReplicaPlace>>), Refusal> {
        let invalid = |message: String| Refusal::new(ErrorCode::InvalidReplicaAssignment, message);
        let found = image.topic_id(&more.topic).and_then(|id| image.topic(id));
        let Some(topic) = found else {
            let message = format!("there is no topic '{}'", more.topic);
            return Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, message));
        };
        let have = topic.partitions.len();
        let want = usize::try_from(more.count).unwrap_or(0);
        if want <= have {
            let message = format!("the topic has {have} partitions, {} is no more", more.count);
            return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
        }
        let added = want - have;
        let given = more.assignments.as_ref();
        if let Some(given) = given.filter(|given| given.len() != added) {
            let message = format!("{added} partitions are new, {} are assigned", given.len());
            return Err(invalid(message));
        }
        if added > PARTITIONS_PER_REQUEST_MAX {
            let message =
                format!("one request may create at most {PARTITIONS_PER_REQUEST_MAX} partitions");
            return Err(Refusal::new(ErrorCode::PolicyViolation, message));
        }
        let replicas = topic
            .partitions
            .values()
            .next()
            .map_or(1, |first| first.replicas.len());
        let places = match given {
            Some(given) => {
                let checked = given.iter().zip(have..).map(|(brokers, partition)| {
                    check_replicas(image, partition, brokers)?;
                    if brokers.len() == replicas {
                        return Ok(brokers.iter().map(|b| self.place(*b)).collect());
                    }
                    let has = brokers.len();
                    Err(invalid(format!(
                        "partition {partition} has {has} replicas, the others have {replicas}"
                    )))
                });
                checked.collect::<Result<_, Refusal>>()?
            }
            None => {
                let brokers: Vec<i32> = image.brokers().map(|b| b.broker_id).collect();
                if replicas > brokers.len() {
                    let message = format!("{replicas} replicas need as many brokers");
                    return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
                }
                let place = |partition: usize, replica: usize| {
                    self.place(brokers[(partition + replica) % brokers.len()])
                };
                let partitions = have..want;
                partitions
                    .map(|p| (0..replicas).map(|r| place(p, r)).collect())
                    .collect()
            }
        };
        Ok((topic.id, places))
    }

    /// Partitions where the client put them.
    fn assigned(&self, image: &Image, wish: &Wish) -> Result<Vec<Vec<ReplicaPlace>>, Refusal> {
        let invalid = |message: String| Refusal::new(ErrorCode::InvalidReplicaAssignment, message);
        if wish.partitions != DEFAULT || wish.replication_factor != -1 {
            let message = "an assignment excludes a number of partitions and a replication factor";
            return Err(Refusal::new(ErrorCode::InvalidRequest, message));
        }
        let mut sorted: BTreeMap<i32, &Vec<i32>> = BTreeMap::new();
        for (partition, brokers) in &wish.assignments {
            if sorted.insert(*partition, brokers).is_some() {
                return Err(invalid(format!("partition {partition} is assigned twice")));
            }
        }
        let mut partitions = Vec::new();
        for (expected, (partition, brokers)) in (0..).zip(sorted) {
            if partition != expected {
                return Err(invalid(format!(
                    "there is no assignment for partition {expected}"
                )));
            }
            check_replicas(image, partition, brokers)?;
            partitions.push(brokers.iter().map(|b| self.place(*b)).collect());
        }
        Ok(partitions)
    }

    fn place(&self, broker: i32) -> ReplicaPlace {
        let own = broker == self.config.broker().node.id;
        ReplicaPlace {
            broker,
            directory: if own { self.directory } else { Uuid::ONE },
        }
    }
}

/// The brokers that a client chose for a partition.
fn check_replicas<N: std::fmt::Display>(
    image: &Image,
    partition: N,
    brokers: &[i32],
) -> Result<(), Refusal> {
    let invalid = |message: String| Refusal::new(ErrorCode::InvalidReplicaAssignment, message);
    if brokers.is_empty() {
        return Err(invalid(format!("partition {partition} has no replica")));
    }
    let unknown = |broker: &&i32| image.broker(**broker).is_none();
    if let Some(unknown) = brokers.iter().find(unknown) {
        return Err(invalid(format!("broker {unknown} is not registered")));
    }
    let mut unique = brokers.to_vec();
    unique.sort_unstable();
    unique.dedup();
    if unique.len() != brokers.len() {
        return Err(invalid(format!("partition {partition} has a broker twice")));
    }
    Ok(())
}

fn check_name(image: &Image, name: &str) -> Result<(), Refusal> {
    if let Some(reason) = topic_names::invalid(name) {
        return Err(Refusal::new(ErrorCode::InvalidTopicException, reason));
    }
    if image.topic_id(name).is_some() {
        let message = format!("topic '{name}' already exists");
        return Err(Refusal::new(ErrorCode::TopicAlreadyExists, message));
    }
    // Only names with one of the two characters can collide.
    if name.contains(['.', '_'])
        && let Some(other) = image.topics().find(|t| topic_names::collide(&t.name, name))
    {
        let message = format!("topic '{name}' collides with '{}'", other.name);
        return Err(Refusal::new(ErrorCode::InvalidTopicException, message));
    }
    Ok(())
}

fn check_configs(configs: &[(String, Option<String>)]) -> Result<Vec<(String, String)>, Refusal> {
    let mut map = BTreeMap::new();
    for (key, value) in configs {
        let Some(value) = value else {
            let message = format!("the setting {key} has no value");
            return Err(Refusal::new(ErrorCode::InvalidConfig, message));
        };
        // Like Kafka: of a setting that is there twice the last one holds.
        map.insert(key.clone(), value.clone());
    }
    let refused =
        |e: limpid_config::InvalidTopicConfig| Refusal::new(ErrorCode::InvalidConfig, e.message);
    validate_topic_config(&map).map_err(refused)?;
    Ok(map.into_iter().collect())
}
