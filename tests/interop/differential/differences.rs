//! Where Limpid's answers may differ from Apache Kafka 4.3's, and why.
//!
//! A difference that is not in this list fails the test, and so does an entry that no answer
//! needs any more.

/// On which side a field that only one answer has may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// Both answers have the field, with different values.
    Both,
    /// Only Kafka's answer has it.
    OnlyKafka,
    /// Only Limpid's answer has it.
    OnlyLimpid,
}

/// One allowed kind of difference.
#[derive(Debug)]
pub struct Difference {
    /// The API's name.
    pub api: &'static str,
    /// Name of the case; `*` stands for any text, also within.
    pub case: &'static str,
    /// Path of the field; `*` as above.
    pub path: &'static str,
    /// Who has the field.
    pub side: Where,
    /// Why the difference is right.
    pub reason: &'static str,
}

/// The list.
pub const ALLOWED: &[Difference] = &[
    // What isn't there is not advertised.
    only_kafka(
        "ApiVersions",
        "api_keys[*]",
        "APIs that Limpid does not have yet",
    ),
    only_limpid(
        "ApiVersions",
        "api_keys[71]",
        "Kafka has it only with a plug-in that receives metrics",
    ),
    only_limpid(
        "ApiVersions",
        "api_keys[72]",
        "Kafka has it only with a plug-in that receives metrics",
    ),
    both(
        "ApiVersions",
        "*",
        "supported_features[streams.version].max_version",
        "there are no streams groups yet",
    ),
    only_kafka(
        "ApiVersions",
        "finalized_features[streams.version]*",
        "there are no streams groups yet",
    ),
    both(
        "ApiVersions",
        "*",
        "api_keys[19].min_version",
        "kept for kafka-go up to 0.4.47",
    ),
    both(
        "ApiVersions",
        "*",
        "api_keys[20].min_version",
        "kept for kafka-go up to 0.4.47",
    ),
    both(
        "AlterClientQuotas",
        "to a user at an address",
        "entries[0].entity[*",
        "the parts of an entity are in no order",
    ),
    // Errors that Kafka gives without a word.
    both(
        "Produce",
        "*",
        "*error_message",
        "the reason helps; clients log it",
    ),
    both(
        "IncrementalAlterConfigs",
        "an unknown operation",
        "*error_message",
        SERVER_ERROR,
    ),
    both(
        "CreateTopics",
        "*",
        "*error_message",
        "version 0, asked of Kafka as 2, has no such field",
    ),
    // Errors where ours is better, or where Kafka fails inside.
    both(
        "IncrementalAlterConfigs",
        "an unknown operation",
        "*error_code",
        SERVER_ERROR,
    ),
    both("Metadata", "neither an id nor a name", "*", SERVER_ERROR),
    both("ShareFetch", "a topic that isn't there", "*", SERVER_ERROR),
    Difference {
        case: "a topic that isn't there",
        ..only_limpid("ShareFetch", "responses[*]", SERVER_ERROR)
    },
    Difference {
        case: "neither an id nor a name",
        ..only_limpid(
            "Metadata",
            "brokers[*]",
            "an error of one topic does not hide the brokers",
        )
    },
    both(
        "Produce",
        "codec that does not fit the bytes",
        "*error_code",
        SERVER_ERROR,
    ),
    both("Produce", "unknown codec", "*", SERVER_ERROR),
    both("Produce", "a batch cut off", "*error_code", BROKEN),
    both("Produce", "a few bytes of garbage", "*error_code", BROKEN),
    both("Produce", "length beyond the end", "*error_code", BROKEN),
    both("Produce", "magic 3", "*error_code", BROKEN),
    both(
        "Produce",
        "sequence: a duplicate*",
        "*log_append_time_ms",
        DUPLICATE,
    ),
    // One node, whose controller has no listener and whose metadata log is another one.
    both(
        "DescribeQuorum",
        "of the metadata",
        "*leader_epoch",
        "each start is an epoch of Kafka's quorum",
    ),
    both(
        "DescribeQuorum",
        "of the metadata",
        "*high_watermark",
        "Kafka writes more records for the same cluster",
    ),
    both(
        "DescribeQuorum",
        "of the metadata",
        "*log_end_offset",
        "Kafka writes more records for the same cluster",
    ),
    both(
        "DescribeQuorum",
        "of the metadata",
        "nodes[*].listeners.order",
        "the controller lives in the broker and listens nowhere",
    ),
    only_kafka(
        "DescribeQuorum",
        "nodes[*].listeners[*]",
        "the controller lives in the broker and listens nowhere",
    ),
    both(
        "AlterPartitionReassignments",
        "cancelled",
        "*error_message",
        "Kafka gives no reason",
    ),
    both(
        "AlterPartitionReassignments",
        "of nothing",
        "error_message",
        "Kafka's is the empty text here and none elsewhere",
    ),
    both(
        "AddPartitionsToTxn",
        "an unknown partition among others",
        "*results_by_partition.order",
        "Kafka tells the refused ones first",
    ),
    both(
        "TxnOffsetCommit",
        "in the transaction",
        "topics*.order",
        SAME_TOPIC_TWICE,
    ),
    only_kafka("TxnOffsetCommit", "topics[written#1]", SAME_TOPIC_TWICE),
    only_limpid(
        "TxnOffsetCommit",
        "topics[written].partitions[1]",
        SAME_TOPIC_TWICE,
    ),
    both(
        "DeleteRecords",
        "of partitions that are not there",
        "topics.order",
        "that of a hash map in Kafka",
    ),
    both(
        "DescribeLogDirs",
        "*",
        "results[0].usable_bytes",
        "one disk, looked at twice",
    ),
    both(
        "CreatePartitions",
        "for a topic that is not there",
        "results[absent].error_message",
        "the reason helps; Kafka gives none",
    ),
    both(
        "ElectLeaders",
        "all partitions",
        "replica_election_results.order",
        "Kafka's is the order of a hash table",
    ),
    both(
        "ListConfigResources",
        "*",
        "config_resources.order",
        "Kafka's is the order of a hash table",
    ),
    // Choices that the protocol leaves to a broker.
    both(
        "Fetch",
        "three partitions, little room",
        "*records[*]",
        "whole batches only; Kafka cuts the last one off and clients drop the piece",
    ),
    only_limpid("DescribeConfigs", "*configs[limpid.*]", "our own settings"),
    only_limpid(
        "DescribeConfigs",
        "*configs[controller.listener.names]*",
        DEFAULTS,
    ),
    both("DescribeConfigs", "*", "*configs[log.dir].*", DEFAULTS),
    both(
        "DescribeConfigs",
        "*",
        "*configs[listeners].synonyms*.value",
        DEFAULTS,
    ),
    both(
        "DescribeConfigs",
        "*",
        "*configs[node.id].synonyms.order",
        DEFAULTS,
    ),
    only_limpid("DescribeConfigs", "*configs[node.id].synonyms*", DEFAULTS),
    both(
        "DescribeConfigs",
        "*",
        "*configs[process.roles].synonyms.order",
        DEFAULTS,
    ),
    only_limpid(
        "DescribeConfigs",
        "*configs[process.roles].synonyms*",
        DEFAULTS,
    ),
];

const SERVER_ERROR: &str =
    "Kafka fails inside and says UNKNOWN_SERVER_ERROR; ours names the mistake";
const BROKEN: &str = "bytes that are no batch: CORRUPT_MESSAGE and INVALID_RECORD tell apart what \
                      Kafka's parser stumbles over first, not what is wrong";
const DUPLICATE: &str = "of a batch that came before only the offsets are kept";
const DEFAULTS: &str = "a default of our own, so that Limpid runs without a configuration";
const SAME_TOPIC_TWICE: &str =
    "a topic that the request names twice is answered once, with all its partitions";

const fn both(
    api: &'static str,
    case: &'static str,
    path: &'static str,
    reason: &'static str,
) -> Difference {
    Difference {
        api,
        case,
        path,
        side: Where::Both,
        reason,
    }
}

const fn only_kafka(api: &'static str, path: &'static str, reason: &'static str) -> Difference {
    Difference {
        api,
        case: "*",
        path,
        side: Where::OnlyKafka,
        reason,
    }
}

const fn only_limpid(api: &'static str, path: &'static str, reason: &'static str) -> Difference {
    Difference {
        api,
        case: "*",
        path,
        side: Where::OnlyLimpid,
        reason,
    }
}

/// Lists whose order Kafka leaves to a hash table: API and path.
pub const UNORDERED: &[(&str, &str)] = &[
    ("Produce", "*partition_responses.order"),
    ("DeleteTopics", "responses.order"),
    ("ApiVersions", "*.order"),
    ("DescribeConfigs", "*configs.order"),
    (
        "DescribeConfigs",
        "*configs[controller.listener.names].synonyms.order",
    ),
    ("Fetch", "responses.order"),
    ("ListOffsets", "*partitions.order"),
    ("Metadata", "topics.order"),
    ("Produce", "*record_errors.order"),
];

/// Fields with sentences for people: ours are in our own words, so only whether there is one is
/// compared.
pub const TEXTS: &[&str] = &[
    "error_message",
    "batch_index_error_message",
    "documentation",
];
