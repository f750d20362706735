//! The services of one broker, wired together once.

use std::sync::Arc;

use limpid_client_metrics::ClientMetrics;
use limpid_platform::clock::Clock;
use limpid_platform::random::Random;
use limpid_protocol::Uuid;
use limpid_storage::LogManager;
use limpid_storage::metadata::MetadataLog;
use limpid_telemetry::logging::loggers::Loggers;

use crate::api::k00_produce::{Produce, ProduceRules};
use crate::api::k01_fetch::Fetch;
use crate::api::k02_list_offsets::ListOffsets;
use crate::api::k03_metadata::DescribeMetadata;
use crate::api::k08_offset_commit::OffsetCommit;
use crate::api::k09_offset_fetch::OffsetFetch;
use crate::api::k10_find_coordinator::FindCoordinator;
use crate::api::k11_join_group::JoinGroup;
use crate::api::k12_heartbeat::Heartbeat;
use crate::api::k13_leave_group::LeaveGroup;
use crate::api::k14_sync_group::SyncGroup;
use crate::api::k15_describe_groups::DescribeGroups;
use crate::api::k16_list_groups::ListGroups;
use crate::api::k17_sasl_handshake::SaslHandshake;
use crate::api::k18_api_versions::ApiVersions;
use crate::api::k19_create_topics::CreateTopics;
use crate::api::k20_delete_topics::DeleteTopics;
use crate::api::k21_delete_records::DeleteRecords;
use crate::api::k22_init_producer_id::InitProducerId;
use crate::api::k23_offset_for_leader_epoch::OffsetForLeaderEpoch;
use crate::api::k24_add_partitions_to_txn::AddPartitionsToTxn;
use crate::api::k25_add_offsets_to_txn::AddOffsetsToTxn;
use crate::api::k26_end_txn::EndTxn;
use crate::api::k27_write_txn_markers::WriteTxnMarkers;
use crate::api::k28_txn_offset_commit::TxnOffsetCommit;
use crate::api::k29_describe_acls::DescribeAcls;
use crate::api::k30_create_acls::CreateAcls;
use crate::api::k31_delete_acls::DeleteAcls;
use crate::api::k32_describe_configs::DescribeConfigs;
use crate::api::k33_alter_configs::AlterConfigs;
use crate::api::k34_alter_replica_log_dirs::AlterReplicaLogDirs;
use crate::api::k35_describe_log_dirs::DescribeLogDirs;
use crate::api::k36_sasl_authenticate::SaslAuthenticate;
use crate::api::k37_create_partitions::CreatePartitions;
use crate::api::k38_delegation_tokens::{
    CreateDelegationToken, DescribeDelegationToken, ExpireDelegationToken, RenewDelegationToken,
};
use crate::api::k42_delete_groups::DeleteGroups;
use crate::api::k43_elect_leaders::ElectLeaders;
use crate::api::k44_incremental_alter_configs::IncrementalAlterConfigs;
use crate::api::k45_alter_partition_reassignments::AlterPartitionReassignments;
use crate::api::k46_list_partition_reassignments::ListPartitionReassignments;
use crate::api::k47_offset_delete::OffsetDelete;
use crate::api::k48_describe_client_quotas::DescribeClientQuotas;
use crate::api::k49_alter_client_quotas::AlterClientQuotas;
use crate::api::k50_describe_user_scram_credentials::DescribeUserScramCredentials;
use crate::api::k51_alter_user_scram_credentials::AlterUserScramCredentials;
use crate::api::k55_describe_quorum::DescribeQuorum;
use crate::api::k57_update_features::UpdateFeatures;
use crate::api::k60_describe_cluster::DescribeCluster;
use crate::api::k61_describe_producers::DescribeProducers;
use crate::api::k64_unregister_broker::UnregisterBroker;
use crate::api::k65_describe_transactions::DescribeTransactions;
use crate::api::k66_list_transactions::ListTransactions;
use crate::api::k68_consumer_group_heartbeat::ConsumerGroupHeartbeat;
use crate::api::k69_consumer_group_describe::ConsumerGroupDescribe;
use crate::api::k71_get_telemetry_subscriptions::GetTelemetrySubscriptions;
use crate::api::k72_push_telemetry::PushTelemetry;
use crate::api::k74_list_config_resources::ListConfigResources;
use crate::api::k75_describe_topic_partitions::DescribeTopicPartitions;
use crate::api::k76_share_group_heartbeat::ShareGroupHeartbeat;
use crate::api::k77_share_group_describe::ShareGroupDescribe;
use crate::api::k78_share_fetch::ShareFetch;
use crate::api::k79_share_acknowledge::ShareAcknowledge;
use crate::api::k80_add_raft_voter::AddRaftVoter;
use crate::api::k81_remove_raft_voter::RemoveRaftVoter;
use crate::api::k89_streams_group_describe::StreamsGroupDescribe;
use crate::api::k90_describe_share_group_offsets::DescribeShareGroupOffsets;
use crate::api::k91_alter_share_group_offsets::AlterShareGroupOffsets;
use crate::api::k92_delete_share_group_offsets::DeleteShareGroupOffsets;
use crate::apis::Apis;
use crate::blocking::Blocking;
use crate::client_metrics::Receiver;
use crate::drain::Drain;
use crate::fetch_sessions::FetchSessions;
use crate::groups::{Groups, GroupsInput};
use crate::handler::{Answer, Handler, Typed};
use crate::markers::Markers;
use crate::metadata::Metadata;
use crate::metrics::{BrokerMetrics, GroupMetrics, ShareMetrics, TransactionMetrics};
use crate::producer_ids::ProducerIds;
use crate::raft_voters::Voters;
use crate::readers::Readers;
use crate::settings::Settings;
use crate::share::{Shares, SharesInput};
use crate::topic_creation::TopicCreation;
use crate::topics::Topics;
use crate::transactions::{Transactions, TransactionsInput};

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
    /// Counters of consumer groups.
    pub group_metrics: GroupMetrics,
    /// Counters of share groups.
    pub share_metrics: ShareMetrics,
    /// Counters of transactions.
    pub transaction_metrics: TransactionMetrics,
    /// Takes in what clients push of their metrics.
    pub client_metrics: ClientMetrics,
    /// Loggers whose levels clients may see and alter.
    pub loggers: Arc<Loggers>,
    /// Ends what is parked.
    pub drain: Drain,
}

/// The services that live on after wiring.
pub struct Services {
    /// Topics and partitions.
    pub topics: Arc<Topics>,
    /// Metadata and changes to it.
    pub metadata: Arc<Metadata>,
    /// Consumer groups.
    pub groups: Arc<Groups>,
    /// Share groups.
    pub shares: Arc<Shares>,
    /// Transactions.
    pub transactions: Arc<Transactions>,
    /// Who fetches how often.
    pub readers: Arc<Readers>,
    /// Who answers what.
    pub apis: Arc<Apis>,
    /// Makes topics.
    pub creation: Arc<TopicCreation>,
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
        let waiting = metrics.fetches.clone();
        let connections = metrics.connections.clone();
        let readers = Readers::new(Arc::clone(&input.clock), metrics.readers.clone());
        let sessions = FetchSessions::new(
            settings.current().broker().network.fetch_session_slots,
            Arc::clone(&input.clock),
            Arc::clone(&input.random),
            metrics.fetch_sessions.clone(),
        );
        let topics = Arc::new(Topics::new(
            Arc::clone(&logs),
            Arc::clone(&metrics),
            Arc::clone(&settings),
        ));
        let metadata = Arc::new(Metadata::new(
            metadata_log,
            Arc::clone(&topics),
            Arc::clone(&blocking),
            metrics,
        ));
        let creation = Arc::new(TopicCreation::new(
            Arc::clone(&metadata),
            Arc::clone(&settings),
            Arc::clone(&input.random),
            &input.directories,
        ));
        let groups = Arc::new(Groups::new(GroupsInput {
            topics: Arc::clone(&topics),
            creation: Arc::clone(&creation),
            settings: Arc::clone(&settings),
            blocking: Arc::clone(&blocking),
            clock: Arc::clone(&input.clock),
            random: Arc::clone(&input.random),
            drain: drain.clone(),
            metrics: input.group_metrics,
        }));
        let shares = Arc::new(Shares::new(SharesInput {
            topics: Arc::clone(&topics),
            creation: Arc::clone(&creation),
            groups: Arc::clone(&groups),
            settings: Arc::clone(&settings),
            blocking: Arc::clone(&blocking),
            clock: Arc::clone(&input.clock),
            drain: drain.clone(),
            metrics: input.share_metrics,
        }));
        let random = input.random;
        let node_id = settings.node_id();
        let ids = Arc::new(ProducerIds::new(Arc::clone(&metadata), node_id));
        let clock = Arc::clone(&input.clock);
        let markers = Markers::new(Arc::clone(&topics), Arc::clone(&groups), clock);
        let markers = Arc::new(markers);
        let transactions = Arc::new(Transactions::new(TransactionsInput {
            topics: Arc::clone(&topics),
            creation: Arc::clone(&creation),
            metadata: Arc::clone(&metadata),
            settings: Arc::clone(&settings),
            blocking: Arc::clone(&blocking),
            ids: Arc::clone(&ids),
            markers: Arc::clone(&markers),
            clock: Arc::clone(&input.clock),
            drain: drain.clone(),
            metrics: input.transaction_metrics,
        }));
        let network = settings.current().broker().network.clone();
        let rules = ProduceRules {
            trust_compressed_headers: !network.validate_compressed_records,
            audit_topic: settings.current().broker().observing.audit_topic.clone(),
        };
        let fetch_bytes_max = usize::try_from(network.fetch_max_bytes).unwrap_or(0);
        let cluster_id = input.cluster_id;
        let (m, s) = (|| Arc::clone(&metadata), || Arc::clone(&settings));
        let describe_metadata =
            DescribeMetadata::new(m(), Arc::clone(&creation), s(), cluster_id.clone())
                .with_coordinators(&groups, &transactions, &shares);
        let mut handlers = group_handlers(&groups, &transactions, &shares, &topics, &metadata);
        handlers.extend(share_handlers(
            &shares,
            &groups,
            &topics,
            &metadata,
            fetch_bytes_max,
        ));
        handlers.extend(transaction_handlers(
            &transactions,
            &groups,
            &topics,
            markers,
        ));
        handlers.extend(admin_handlers(
            &metadata,
            &settings,
            &input.loggers,
            &input.clock,
        ));
        handlers.extend(voter_handlers(&metadata, &cluster_id));
        handlers.extend(access_handlers(&metadata, &random));
        let receiver = Receiver::new(input.client_metrics, m(), s());
        handlers.extend(client_metrics_handlers(receiver, random));
        handlers.extend(log_handlers(&topics, &logs));
        handlers.extend([
            Box::new(Produce::new(
                Arc::clone(&topics),
                Arc::clone(&transactions),
                input.clock,
                rules,
            )) as Box<dyn Handler>,
            Box::new(Fetch::new(
                Arc::clone(&topics),
                sessions,
                Arc::clone(&blocking),
                drain,
                fetch_bytes_max,
                waiting,
            )),
            Box::new(Typed(ListOffsets::new(Arc::clone(&topics), blocking))),
            Box::new(Typed(describe_metadata)),
            Box::new(Typed(CreatePartitions::new(Arc::clone(&creation)))),
            Box::new(Typed(CreateTopics::new(Arc::clone(&creation), s()))),
            Box::new(Typed(DeleteTopics::new(
                m(),
                s(),
                Arc::clone(&groups),
                Arc::clone(&shares),
            ))),
            Box::new(Typed(InitProducerId::new(ids, Arc::clone(&transactions)))),
            Box::new(Typed(DescribeCluster::new(m(), cluster_id, node_id))),
            Box::new(Typed(DescribeTopicPartitions::new(m(), s()))),
        ]);
        let api_versions = |ranges| -> Box<dyn Handler> {
            Box::new(Typed(ApiVersions::new(ranges, m(), connections)))
        };
        let apis = Apis::new(handlers, ApiVersions::RANGE, api_versions);
        Self {
            topics,
            metadata,
            groups,
            shares,
            transactions,
            readers,
            apis: Arc::new(apis),
            creation,
        }
    }
}

/// What administrators ask.
fn admin_handlers(
    metadata: &Arc<Metadata>,
    settings: &Arc<Settings>,
    loggers: &Arc<Loggers>,
    clock: &Arc<dyn Clock>,
) -> Vec<Box<dyn Handler>> {
    let (m, s) = (|| Arc::clone(metadata), || Arc::clone(settings));
    let l = || Arc::clone(loggers);
    let quorum = DescribeQuorum::new(m(), settings.node_id(), Arc::clone(clock));
    vec![
        Box::new(Typed(DescribeConfigs::new(m(), s(), l()))),
        Box::new(Typed(AlterConfigs::new(m(), s()))),
        Box::new(Typed(ElectLeaders::new(m(), settings.node_id()))),
        Box::new(Typed(IncrementalAlterConfigs::new(m(), s(), l()))),
        Box::new(Typed(AlterPartitionReassignments::new(m()))),
        Box::new(Typed(ListPartitionReassignments::new(m()))),
        Box::new(Typed(quorum)),
        Box::new(Typed(UpdateFeatures::new(m(), s()))),
        Box::new(Typed(UnregisterBroker::new(m(), settings.node_id()))),
        Box::new(Typed(ListConfigResources::new(m()))),
    ]
}

/// What would change who votes in the metadata log's quorum.
fn voter_handlers(metadata: &Arc<Metadata>, cluster_id: &str) -> Vec<Box<dyn Handler>> {
    let voters = Arc::new(Voters::new(Arc::clone(metadata), cluster_id.to_owned()));
    vec![
        Box::new(Typed(AddRaftVoter::new(Arc::clone(&voters)))),
        Box::new(Typed(RemoveRaftVoter::new(voters))),
    ]
}

/// What answers for logins, users, who may do what and how much.
fn access_handlers(metadata: &Arc<Metadata>, random: &Arc<dyn Random>) -> Vec<Box<dyn Handler>> {
    let m = || Arc::clone(metadata);
    vec![
        Box::new(Typed(SaslHandshake)),
        Box::new(Typed(SaslAuthenticate)),
        Box::new(Typed(DescribeClientQuotas::new(m()))),
        Box::new(Typed(AlterClientQuotas::new(m()))),
        Box::new(Typed(DescribeUserScramCredentials::new(m()))),
        Box::new(Typed(AlterUserScramCredentials::new(m()))),
        Box::new(Typed(DescribeAcls::new(m()))),
        Box::new(Typed(CreateAcls::new(m(), Arc::clone(random)))),
        Box::new(Typed(DeleteAcls::new(m()))),
        Box::new(Typed(CreateDelegationToken)),
        Box::new(Typed(RenewDelegationToken)),
        Box::new(Typed(ExpireDelegationToken)),
        Box::new(Typed(DescribeDelegationToken)),
    ]
}

/// What answers for metrics that clients push.
fn client_metrics_handlers(receiver: Receiver, random: Arc<dyn Random>) -> [Box<dyn Handler>; 2] {
    let receiver = Arc::new(receiver);
    [
        Box::new(Typed(GetTelemetrySubscriptions::new(
            Arc::clone(&receiver),
            random,
        ))),
        Box::new(Typed(PushTelemetry::new(receiver))),
    ]
}

/// What answers for logs and where they lie.
fn log_handlers(topics: &Arc<Topics>, logs: &Arc<LogManager>) -> Vec<Box<dyn Handler>> {
    let (t, l) = (|| Arc::clone(topics), || Arc::clone(logs));
    vec![
        Box::new(Typed(DeleteRecords::new(t()))),
        Box::new(Typed(OffsetForLeaderEpoch::new(t()))),
        Box::new(Typed(AlterReplicaLogDirs::new(t(), l()))),
        Box::new(Typed(DescribeLogDirs::new(l()))),
    ]
}

/// What answers for consumer groups.
fn group_handlers(
    groups: &Arc<Groups>,
    transactions: &Arc<Transactions>,
    shares: &Arc<Shares>,
    topics: &Arc<Topics>,
    metadata: &Arc<Metadata>,
) -> Vec<Box<dyn Handler>> {
    let (g, t) = (|| Arc::clone(groups), || Arc::clone(topics));
    let m = || Arc::clone(metadata);
    vec![
        Box::new(Typed(OffsetCommit::new(g(), t()))),
        Box::new(Typed(OffsetFetch::new(g(), t()))),
        Box::new(Typed(FindCoordinator::new(
            g(),
            Arc::clone(transactions),
            Arc::clone(shares),
            m(),
        ))),
        Box::new(Typed(JoinGroup::new(g()))),
        Box::new(Typed(Heartbeat::new(g()))),
        Box::new(Typed(LeaveGroup::new(g()))),
        Box::new(Typed(SyncGroup::new(g()))),
        Box::new(Typed(DescribeGroups::new(g()))),
        Box::new(Typed(ListGroups::new(g()))),
        Box::new(Typed(DeleteGroups::new(g(), Arc::clone(shares)))),
        Box::new(Typed(OffsetDelete::new(g(), t()))),
        Box::new(Typed(ConsumerGroupHeartbeat::new(g(), m()))),
        Box::new(Typed(ConsumerGroupDescribe::new(g()))),
        Box::new(Typed(StreamsGroupDescribe::new(g()))),
    ]
}

/// What answers for share groups.
fn share_handlers(
    shares: &Arc<Shares>,
    groups: &Arc<Groups>,
    topics: &Arc<Topics>,
    metadata: &Arc<Metadata>,
    fetch_bytes_max: usize,
) -> Vec<Box<dyn Handler>> {
    let (s, t) = (|| Arc::clone(shares), || Arc::clone(topics));
    let m = || Arc::clone(metadata);
    vec![
        Box::new(Typed(ShareGroupHeartbeat::new(s(), m()))),
        Box::new(Typed(ShareGroupDescribe::new(Arc::clone(groups), m()))),
        Box::new(Typed(ShareFetch::new(s(), t(), m(), fetch_bytes_max))),
        Box::new(Typed(ShareAcknowledge::new(s(), t(), m()))),
        Box::new(Typed(DescribeShareGroupOffsets::new(s(), t(), m()))),
        Box::new(Typed(AlterShareGroupOffsets::new(s(), t(), m()))),
        Box::new(Typed(DeleteShareGroupOffsets::new(s(), t(), m()))),
    ]
}

/// What answers for transactions.
fn transaction_handlers(
    transactions: &Arc<Transactions>,
    groups: &Arc<Groups>,
    topics: &Arc<Topics>,
    markers: Arc<Markers>,
) -> Vec<Box<dyn Handler>> {
    let (x, t) = (|| Arc::clone(transactions), || Arc::clone(topics));
    let g = || Arc::clone(groups);
    vec![
        Box::new(Typed(AddPartitionsToTxn::new(x(), t()))),
        Box::new(Typed(AddOffsetsToTxn::new(x(), g()))),
        Box::new(Typed(EndTxn::new(x()))),
        Box::new(Typed(WriteTxnMarkers::new(markers))),
        Box::new(Typed(TxnOffsetCommit::new(g(), x(), t()))),
        Box::new(Typed(DescribeProducers::new(t()))),
        Box::new(Typed(DescribeTransactions::new(x()))),
        Box::new(Typed(ListTransactions::new(x()))),
    ]
}
