//! Kafka's error codes (as of 4.3), with messages of our own.
//!
//! The flag says what Kafka's own clients do: a retriable error may go away by itself.

macro_rules! error_codes {
    ($($code:literal $variant:ident $name:literal $retriable:literal $message:literal;)*) => {
        /// An error as the protocol knows it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ErrorCode {
            $(#[doc = $message] $variant = $code,)*
        }

        impl ErrorCode {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The one with that number.
            pub const fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Kafka's name, as in `UNKNOWN_TOPIC_OR_PARTITION`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What happened, for a person: lower case, without a full stop.
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$variant => $message,)*
                }
            }

            /// Whether the same request may succeed later.
            pub const fn retriable(self) -> bool {
                match self {
                    $(Self::$variant => $retriable,)*
                }
            }
        }
    };
}

impl ErrorCode {
    /// The number on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Whether there is no error.
    pub const fn is_none(self) -> bool {
        matches!(self, Self::None)
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl From<ErrorCode> for i16 {
    fn from(error: ErrorCode) -> Self {
        error.code()
    }
}

error_codes! {
    -1 UnknownServerError "UNKNOWN_SERVER_ERROR" false
        "unexpected error inside the broker";
    0 None "NONE" false
        "no error";
    1 OffsetOutOfRange "OFFSET_OUT_OF_RANGE" false
        "the partition has no such offset";
    2 CorruptMessage "CORRUPT_MESSAGE" true
        "a record batch is damaged or malformed";
    3 UnknownTopicOrPartition "UNKNOWN_TOPIC_OR_PARTITION" true
        "no such topic or partition here";
    4 InvalidFetchSize "INVALID_FETCH_SIZE" false
        "the fetch size is not valid";
    5 LeaderNotAvailable "LEADER_NOT_AVAILABLE" true
        "the partition has no leader at the moment";
    6 NotLeaderOrFollower "NOT_LEADER_OR_FOLLOWER" true
        "this broker is neither leader nor follower of the partition";
    7 RequestTimedOut "REQUEST_TIMED_OUT" true
        "the request took longer than its timeout";
    8 BrokerNotAvailable "BROKER_NOT_AVAILABLE" false
        "the broker is not available";
    9 ReplicaNotAvailable "REPLICA_NOT_AVAILABLE" true
        "the replica is not available";
    10 MessageTooLarge "MESSAGE_TOO_LARGE" false
        "a record batch exceeds the largest size allowed";
    11 StaleControllerEpoch "STALE_CONTROLLER_EPOCH" false
        "the controller has moved on to a newer epoch";
    12 OffsetMetadataTooLarge "OFFSET_METADATA_TOO_LARGE" false
        "the metadata of the committed offset is too long";
    13 NetworkException "NETWORK_EXCEPTION" true
        "the connection broke before the response";
    14 CoordinatorLoadInProgress "COORDINATOR_LOAD_IN_PROGRESS" true
        "the coordinator is still loading its state";
    15 CoordinatorNotAvailable "COORDINATOR_NOT_AVAILABLE" true
        "the coordinator is not available";
    16 NotCoordinator "NOT_COORDINATOR" true
        "this broker is not the coordinator";
    17 InvalidTopicException "INVALID_TOPIC_EXCEPTION" false
        "the topic name is not valid";
    18 RecordListTooLarge "RECORD_LIST_TOO_LARGE" false
        "the record batches exceed the segment size";
    19 NotEnoughReplicas "NOT_ENOUGH_REPLICAS" true
        "fewer replicas in sync than required";
    20 NotEnoughReplicasAfterAppend "NOT_ENOUGH_REPLICAS_AFTER_APPEND" true
        "written, but to fewer replicas in sync than required";
    21 InvalidRequiredAcks "INVALID_REQUIRED_ACKS" false
        "acks must be -1, 0 or 1";
    22 IllegalGeneration "ILLEGAL_GENERATION" false
        "the generation of the group is another one";
    23 InconsistentGroupProtocol "INCONSISTENT_GROUP_PROTOCOL" false
        "the member shares no protocol with the group";
    24 InvalidGroupId "INVALID_GROUP_ID" false
        "the group id is not valid";
    25 UnknownMemberId "UNKNOWN_MEMBER_ID" false
        "the group has no such member";
    26 InvalidSessionTimeout "INVALID_SESSION_TIMEOUT" false
        "the session timeout is out of the range allowed";
    27 RebalanceInProgress "REBALANCE_IN_PROGRESS" false
        "the group is rebalancing: join again";
    28 InvalidCommitOffsetSize "INVALID_COMMIT_OFFSET_SIZE" false
        "the offset to commit is too large";
    29 TopicAuthorizationFailed "TOPIC_AUTHORIZATION_FAILED" false
        "not authorized for the topic";
    30 GroupAuthorizationFailed "GROUP_AUTHORIZATION_FAILED" false
        "not authorized for the group";
    31 ClusterAuthorizationFailed "CLUSTER_AUTHORIZATION_FAILED" false
        "not authorized for the cluster";
    32 InvalidTimestamp "INVALID_TIMESTAMP" false
        "a timestamp is out of the range allowed";
    33 UnsupportedSaslMechanism "UNSUPPORTED_SASL_MECHANISM" false
        "the SASL mechanism is not enabled here";
    34 IllegalSaslState "ILLEGAL_SASL_STATE" false
        "the request does not fit the state of the SASL exchange";
    35 UnsupportedVersion "UNSUPPORTED_VERSION" false
        "this version is not supported";
    36 TopicAlreadyExists "TOPIC_ALREADY_EXISTS" false
        "the topic exists already";
    37 InvalidPartitions "INVALID_PARTITIONS" false
        "the number of partitions is not valid";
    38 InvalidReplicationFactor "INVALID_REPLICATION_FACTOR" false
        "the replication factor is not valid or exceeds the brokers available";
    39 InvalidReplicaAssignment "INVALID_REPLICA_ASSIGNMENT" false
        "the assignment of replicas is not valid";
    40 InvalidConfig "INVALID_CONFIG" false
        "the configuration is not valid";
    41 NotController "NOT_CONTROLLER" true
        "this node is not the active controller";
    42 InvalidRequest "INVALID_REQUEST" false
        "the request contradicts itself or the protocol";
    43 UnsupportedForMessageFormat "UNSUPPORTED_FOR_MESSAGE_FORMAT" false
        "the record format on disk does not support the request";
    44 PolicyViolation "POLICY_VIOLATION" false
        "a policy forbids it";
    45 OutOfOrderSequenceNumber "OUT_OF_ORDER_SEQUENCE_NUMBER" false
        "the producer's sequence number is not the next one";
    46 DuplicateSequenceNumber "DUPLICATE_SEQUENCE_NUMBER" false
        "the producer's sequence number was used before";
    47 InvalidProducerEpoch "INVALID_PRODUCER_EPOCH" false
        "the producer's epoch is older than the last one seen";
    48 InvalidTxnState "INVALID_TXN_STATE" false
        "the transaction is in a state that does not allow it";
    49 InvalidProducerIdMapping "INVALID_PRODUCER_ID_MAPPING" false
        "the producer id does not belong to the transactional id";
    50 InvalidTransactionTimeout "INVALID_TRANSACTION_TIMEOUT" false
        "the transaction timeout exceeds the largest one allowed";
    51 ConcurrentTransactions "CONCURRENT_TRANSACTIONS" true
        "another operation on the transaction is under way";
    52 TransactionCoordinatorFenced "TRANSACTION_COORDINATOR_FENCED" false
        "the transaction coordinator has been replaced";
    53 TransactionalIdAuthorizationFailed "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" false
        "not authorized for the transactional id";
    54 SecurityDisabled "SECURITY_DISABLED" false
        "no authorizer is configured";
    55 OperationNotAttempted "OPERATION_NOT_ATTEMPTED" false
        "not attempted, since another part of the request failed";
    56 KafkaStorageError "KAFKA_STORAGE_ERROR" true
        "the disk or its log directory failed";
    57 LogDirNotFound "LOG_DIR_NOT_FOUND" false
        "no such log directory";
    58 SaslAuthenticationFailed "SASL_AUTHENTICATION_FAILED" false
        "authentication failed";
    59 UnknownProducerId "UNKNOWN_PRODUCER_ID" false
        "nothing is known any more of the producer id";
    60 ReassignmentInProgress "REASSIGNMENT_IN_PROGRESS" false
        "a reassignment of the partition is under way";
    61 DelegationTokenAuthDisabled "DELEGATION_TOKEN_AUTH_DISABLED" false
        "delegation tokens are not enabled";
    62 DelegationTokenNotFound "DELEGATION_TOKEN_NOT_FOUND" false
        "no such delegation token";
    63 DelegationTokenOwnerMismatch "DELEGATION_TOKEN_OWNER_MISMATCH" false
        "the principal is neither owner nor renewer of the token";
    64 DelegationTokenRequestNotAllowed "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED" false
        "this connection may not ask for delegation tokens";
    65 DelegationTokenAuthorizationFailed "DELEGATION_TOKEN_AUTHORIZATION_FAILED" false
        "not authorized for the delegation token";
    66 DelegationTokenExpired "DELEGATION_TOKEN_EXPIRED" false
        "the delegation token has expired";
    67 InvalidPrincipalType "INVALID_PRINCIPAL_TYPE" false
        "the type of the principal is not supported";
    68 NonEmptyGroup "NON_EMPTY_GROUP" false
        "the group still has members";
    69 GroupIdNotFound "GROUP_ID_NOT_FOUND" false
        "no such group";
    70 FetchSessionIdNotFound "FETCH_SESSION_ID_NOT_FOUND" true
        "no such fetch session";
    71 InvalidFetchSessionEpoch "INVALID_FETCH_SESSION_EPOCH" true
        "the epoch of the fetch session is not the next one";
    72 ListenerNotFound "LISTENER_NOT_FOUND" true
        "the leader has no listener of this name";
    73 TopicDeletionDisabled "TOPIC_DELETION_DISABLED" false
        "deleting topics is disabled";
    74 FencedLeaderEpoch "FENCED_LEADER_EPOCH" true
        "the leader epoch is older than that of this broker";
    75 UnknownLeaderEpoch "UNKNOWN_LEADER_EPOCH" true
        "the leader epoch is newer than that of this broker";
    76 UnsupportedCompressionType "UNSUPPORTED_COMPRESSION_TYPE" false
        "the compression is not supported in this version";
    77 StaleBrokerEpoch "STALE_BROKER_EPOCH" false
        "the broker epoch has changed";
    78 OffsetNotAvailable "OFFSET_NOT_AVAILABLE" true
        "the new leader has not caught up with the last high watermark yet";
    79 MemberIdRequired "MEMBER_ID_REQUIRED" false
        "join again with the member id given";
    80 PreferredLeaderNotAvailable "PREFERRED_LEADER_NOT_AVAILABLE" true
        "the preferred leader is not available";
    81 GroupMaxSizeReached "GROUP_MAX_SIZE_REACHED" false
        "the group is full";
    82 FencedInstanceId "FENCED_INSTANCE_ID" false
        "another member uses the same instance id";
    83 EligibleLeadersNotAvailable "ELIGIBLE_LEADERS_NOT_AVAILABLE" true
        "no replica that may lead is available";
    84 ElectionNotNeeded "ELECTION_NOT_NEEDED" true
        "the partition has the leader it should have";
    85 NoReassignmentInProgress "NO_REASSIGNMENT_IN_PROGRESS" false
        "no reassignment of the partition is under way";
    86 GroupSubscribedToTopic "GROUP_SUBSCRIBED_TO_TOPIC" false
        "the group is subscribed to the topic";
    87 InvalidRecord "INVALID_RECORD" false
        "a record was refused";
    88 UnstableOffsetCommit "UNSTABLE_OFFSET_COMMIT" true
        "a transaction with offsets of the partition is still open";
    89 ThrottlingQuotaExceeded "THROTTLING_QUOTA_EXCEEDED" true
        "a quota is used up";
    90 ProducerFenced "PRODUCER_FENCED" false
        "a newer producer uses the same transactional id";
    91 ResourceNotFound "RESOURCE_NOT_FOUND" false
        "no such resource";
    92 DuplicateResource "DUPLICATE_RESOURCE" false
        "the resource exists already or is named twice";
    93 UnacceptableCredential "UNACCEPTABLE_CREDENTIAL" false
        "the credential does not meet the requirements";
    94 InconsistentVoterSet "INCONSISTENT_VOTER_SET" false
        "the two sides disagree about who votes";
    95 InvalidUpdateVersion "INVALID_UPDATE_VERSION" false
        "the update version is not valid";
    96 FeatureUpdateFailed "FEATURE_UPDATE_FAILED" false
        "the features could not be updated";
    97 PrincipalDeserializationFailure "PRINCIPAL_DESERIALIZATION_FAILURE" false
        "the forwarded principal cannot be read";
    98 SnapshotNotFound "SNAPSHOT_NOT_FOUND" false
        "no such snapshot";
    99 PositionOutOfRange "POSITION_OUT_OF_RANGE" false
        "the snapshot has no such position";
    100 UnknownTopicId "UNKNOWN_TOPIC_ID" true
        "no topic with this id here";
    101 DuplicateBrokerRegistration "DUPLICATE_BROKER_REGISTRATION" false
        "another broker is registered with this id";
    102 BrokerIdNotRegistered "BROKER_ID_NOT_REGISTERED" false
        "no broker is registered with this id";
    103 InconsistentTopicId "INCONSISTENT_TOPIC_ID" true
        "the topic id is not that of the log";
    104 InconsistentClusterId "INCONSISTENT_CLUSTER_ID" false
        "the cluster id is another one";
    105 TransactionalIdNotFound "TRANSACTIONAL_ID_NOT_FOUND" false
        "no such transactional id";
    106 FetchSessionTopicIdError "FETCH_SESSION_TOPIC_ID_ERROR" true
        "the fetch session mixes topic names and topic ids";
    107 IneligibleReplica "INELIGIBLE_REPLICA" false
        "the replica may not join the replicas in sync";
    108 NewLeaderElected "NEW_LEADER_ELECTED" false
        "the change led to a new leader";
    109 OffsetMovedToTieredStorage "OFFSET_MOVED_TO_TIERED_STORAGE" false
        "the offset is in tiered storage only";
    110 FencedMemberEpoch "FENCED_MEMBER_EPOCH" false
        "the member epoch is not the current one: join again";
    111 UnreleasedInstanceId "UNRELEASED_INSTANCE_ID" false
        "the instance id is still in use";
    112 UnsupportedAssignor "UNSUPPORTED_ASSIGNOR" false
        "the group has no such assignor";
    113 StaleMemberEpoch "STALE_MEMBER_EPOCH" false
        "the member epoch is out of date: retry with the current one";
    114 MismatchedEndpointType "MISMATCHED_ENDPOINT_TYPE" false
        "the request was sent to the wrong kind of endpoint";
    115 UnsupportedEndpointType "UNSUPPORTED_ENDPOINT_TYPE" false
        "this kind of endpoint is not supported";
    116 UnknownControllerId "UNKNOWN_CONTROLLER_ID" false
        "no such controller";
    117 UnknownSubscriptionId "UNKNOWN_SUBSCRIPTION_ID" false
        "the telemetry subscription has changed: ask for it again";
    118 TelemetryTooLarge "TELEMETRY_TOO_LARGE" false
        "the telemetry pushed exceeds the largest size allowed";
    119 InvalidRegistration "INVALID_REGISTRATION" false
        "the broker's registration is not valid";
    120 TransactionAbortable "TRANSACTION_ABORTABLE" false
        "the transaction must be aborted";
    121 InvalidRecordState "INVALID_RECORD_STATE" false
        "the record is in a state that does not allow the acknowledgement";
    122 ShareSessionNotFound "SHARE_SESSION_NOT_FOUND" true
        "no such share session";
    123 InvalidShareSessionEpoch "INVALID_SHARE_SESSION_EPOCH" true
        "the epoch of the share session is not the next one";
    124 FencedStateEpoch "FENCED_STATE_EPOCH" false
        "the state epoch is not the current one";
    125 InvalidVoterKey "INVALID_VOTER_KEY" false
        "the voter key is not that of the voter";
    126 DuplicateVoter "DUPLICATE_VOTER" false
        "the voter is in the voter set already";
    127 VoterNotFound "VOTER_NOT_FOUND" false
        "no such voter in the voter set";
    128 InvalidRegularExpression "INVALID_REGULAR_EXPRESSION" false
        "the regular expression is not valid";
    129 RebootstrapRequired "REBOOTSTRAP_REQUIRED" false
        "start again from the bootstrap servers";
    130 StreamsInvalidTopology "STREAMS_INVALID_TOPOLOGY" false
        "the topology of the streams group is not valid";
    131 StreamsInvalidTopologyEpoch "STREAMS_INVALID_TOPOLOGY_EPOCH" false
        "the topology epoch of the streams group is not valid";
    132 StreamsTopologyFenced "STREAMS_TOPOLOGY_FENCED" false
        "the topology epoch of the streams member is out of date";
    133 ShareSessionLimitReached "SHARE_SESSION_LIMIT_REACHED" true
        "no more share sessions are possible";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_run_without_a_gap() {
        for (index, error) in ErrorCode::ALL.iter().enumerate() {
            assert_eq!(i32::from(error.code()), index as i32 - 1);
            assert_eq!(ErrorCode::from_code(error.code()), Some(*error));
        }
        assert_eq!(
            ErrorCode::ALL.last(),
            Some(&ErrorCode::ShareSessionLimitReached)
        );
        assert_eq!(ErrorCode::from_code(134), None);
    }

    #[test]
    fn retriable_as_in_kafka() {
        assert!(ErrorCode::NotLeaderOrFollower.retriable());
        assert!(ErrorCode::KafkaStorageError.retriable());
        assert!(!ErrorCode::MessageTooLarge.retriable());
        assert!(!ErrorCode::RebalanceInProgress.retriable());
        assert_eq!(
            ErrorCode::UnknownTopicOrPartition.to_string(),
            "UNKNOWN_TOPIC_OR_PARTITION"
        );
    }
}
