//! The services of one broker, wired together once.

use std::sync::Arc;

use limpid_platform::clock::Clock;
use limpid_platform::random::Random;
use limpid_protocol::Uuid;
use limpid_storage::LogManager;
use limpid_storage::metadata::MetadataLog;

use crate::api::k00_produce::{Produce, ProduceRules};
use crate::api::k01_fetch::Fetch;
use crate::api::k02_list_offsets::ListOffsets;
use crate::api::k03_metadata::DescribeMetadata;
use crate::api::k18_api_versions::ApiVersions;
use crate::api::k19_create_topics::CreateTopics;
use crate::api::k20_delete_topics::DeleteTopics;
use crate::api::k22_init_producer_id::InitProducerId;
use crate::api::k32_describe_configs::DescribeConfigs;
use crate::api::k44_incremental_alter_configs::IncrementalAlterConfigs;
use crate::api::k60_describe_cluster::DescribeCluster;
use crate::api::k75_describe_topic_partitions::DescribeTopicPartitions;
use crate::apis::Apis;
use crate::blocking::Blocking;
use crate::drain::Drain;
use crate::handler::{Answer, Handler, Typed};
use crate::metadata::Metadata;
use crate::metrics::BrokerMetrics;
use crate::producer_ids::ProducerIds;
use crate::settings::Settings;
use crate::topic_creation::TopicCreation;
use crate::topics::Topics;

/// What a broker is made of.
pub struct ServicesInput {
    /// Configuration.
    pub settings: Arc<Settings>,
    /// Open logs.
    pub logs: Arc<LogManager>,
    /// Open metadata log.
    pub metadata_log: Arc<dyn MetadataLog>,
    /// Ids of the log directories.
    pub directories: Vec<Uuid>,
    /// `cluster.id`.
    pub cluster_id: String,
    /// For work that blocks.
    pub blocking: Arc<Blocking>,
    /// Clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for topic ids.
    pub random: Arc<dyn Random>,
    /// Counters.
    pub metrics: Arc<BrokerMetrics>,
    /// Ends parked fetches.
    pub drain: Drain,
}

/// The services that live on after wiring.
pub struct Services {
    /// Topics and partitions.
    pub topics: Arc<Topics>,
    /// Metadata and changes to it.
    pub metadata: Arc<Metadata>,
    /// Who answers what.
    pub apis: Arc<Apis>,
}

impl Services {
    /// Wires them.
    pub fn new(input: ServicesInput) -> Self {
        let ServicesInput {
            settings,
            logs,
            metadata_log,
            blocking,
            metrics,
            drain,
            ..
        } = input;
        let parked = metrics.fetches.parked.clone();
        let topics = Arc::new(Topics::new(logs, metrics, Arc::clone(&settings)));
        let metadata = Arc::new(Metadata::new(
            metadata_log,
            Arc::clone(&topics),
            Arc::clone(&blocking),
        ));
        let creation = Arc::new(TopicCreation::new(
            Arc::clone(&metadata),
            Arc::clone(&settings),
            input.random,
            &input.directories,
        ));
        let node_id = settings.node_id();
        let ids = Arc::new(ProducerIds::new(Arc::clone(&metadata), node_id));
        let network = settings.current().broker().network.clone();
        let rules = ProduceRules {
            trust_compressed_headers: !network.validate_compressed_records,
        };
        let fetch_bytes_max = usize::try_from(network.fetch_max_bytes).unwrap_or(0);
        let cluster_id = input.cluster_id;
        let (m, s) = (|| Arc::clone(&metadata), || Arc::clone(&settings));
        let describe_metadata =
            DescribeMetadata::new(m(), Arc::clone(&creation), s(), cluster_id.clone());
        let handlers: Vec<Box<dyn Handler>> = vec![
            Box::new(Produce::new(Arc::clone(&topics), input.clock, rules)),
            Box::new(Fetch::new(
                Arc::clone(&topics),
                Arc::clone(&blocking),
                drain,
                fetch_bytes_max,
                parked,
            )),
            Box::new(Typed(ListOffsets::new(Arc::clone(&topics), blocking))),
            Box::new(Typed(describe_metadata)),
            Box::new(Typed(CreateTopics::new(creation, s()))),
            Box::new(Typed(DeleteTopics::new(m(), s()))),
            Box::new(Typed(InitProducerId::new(ids))),
            Box::new(Typed(DescribeConfigs::new(m(), s()))),
            Box::new(Typed(IncrementalAlterConfigs::new(m(), s()))),
            Box::new(Typed(DescribeCluster::new(m(), cluster_id, node_id))),
            Box::new(Typed(DescribeTopicPartitions::new(m(), s()))),
        ];
        let api_versions =
            |ranges| -> Box<dyn Handler> { Box::new(Typed(ApiVersions::new(ranges, m()))) };
        let apis = Apis::new(handlers, ApiVersions::RANGE, api_versions);
        Self {
            topics,
            metadata,
            apis: Arc::new(apis),
        }
    }
}
