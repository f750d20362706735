//! Series that are not a Kafka broker's to give, and those of brokers that one alone does not have.

/// Beginnings of names, whose they are, and what to do.
const FOREIGN: &[(&[&str], &str)] = &[
    (
        &["jvm_", "java_lang_", "jmx_", "kafka_server_app_info"],
        "a Java process's own, and Limpid is none: process_resident_memory_bytes, \
         process_cpu_seconds_total and limpid_buffer_used_bytes tell what it needs",
    ),
    (
        &["container_", "kube_", "kubelet_", "cadvisor_"],
        "Kubernetes' own: it comes from there as before",
    ),
    (&["node_"], "node_exporter's: it comes from there as before"),
    (
        &["strimzi_"],
        "the Strimzi operator's: it has nothing to do with the broker",
    ),
    (
        &[
            "kafka_producer_",
            "kafka_consumer_",
            "kafka_admin_client_",
            "kafka_streams_",
        ],
        "made in the JVMs of clients: scrape them as before, or look at kafka_client_*, which clients push",
    ),
    (
        &[
            "kafka_connect_",
            "kafka_schema_registry_",
            "kafka_rest_",
            "ksql_",
            "kafka_mirror",
            "kafka_cruise",
            "kafka_bridge",
        ],
        "another component's: scrape it as before",
    ),
    (
        &[
            "zookeeper_",
            "kafka_server_sessionexpirelistener_",
            "kafka_server_zookeeper",
        ],
        "of ZooKeeper's time: Kafka 4 has no such bean either",
    ),
    (
        &[
            "confluent_",
            "kafka_tier_",
            "kafka_databalancer_",
            "kafka_log_log_tiersize",
            "kafka_server_replicamanager_straypartitions",
            "kafka_server_transaction_coordinator_metrics_active_",
            "kafka_server_transaction_coordinator_metrics_partitions_",
            "kafka_server_transaction_coordinator_metrics_prepare_",
            "kafka_server_transaction_coordinator_metrics_transaction",
        ],
        "Confluent Server's: Apache Kafka has no such bean either",
    ),
    (
        &["redpanda_", "vectorized_"],
        "Redpanda's: the same fact has a name of Kafka's, see docs/dialects.md",
    ),
    (
        &[
            "kafka_server_replicafetchermanager_",
            "kafka_server_fetcherlagmetrics_",
            "kafka_server_fetcherstats_",
            "kafka_server_raft_channel_metrics_",
            "kafka_server_raftchannelmetrics_",
            "kafka_controller_controllerstats_",
            "kafka_server_replica_fetcher_metrics_",
            "kafka_server_raft_metrics_election_",
            "kafka_server_raft_metrics_fetch_",
            "kafka_server_raftmetrics_election_",
            "kafka_server_raftmetrics_fetch_",
        ],
        "of followers, elections and other voters: a broker alone has none",
    ),
    (
        &["kafka_server_brokertopicmetrics_fetchmessageconversions"],
        "of formats that Kafka 4 no longer reads: batches are sent as they are stored",
    ),
    (
        &["kafka_server_kafkarequesthandlerpool_controlplane"],
        "gone in Kafka 4: there is no plane of its own for controllers",
    ),
    (
        &["kafka_log_remote", "kafka_server_brokertopicmetrics_remote"],
        "of tiered storage, which Limpid does not have",
    ),
];

/// Whether Prometheus makes this series itself.
pub(crate) fn is_prometheus_own(series: &str) -> bool {
    series == "up" || series.starts_with("scrape_") || series.starts_with("ALERTS")
}

/// Why a series that is none of ours is not there.
pub(crate) fn reason(series: &str) -> Option<&'static str> {
    let begins = |beginning: &&str| series.starts_with(beginning);
    let mut all = FOREIGN.iter();
    let found = all.find(|(beginnings, _)| beginnings.iter().any(begins))?;
    Some(found.1)
}
