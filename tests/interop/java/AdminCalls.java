import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Makes every call of Kafka's Java `Admin` that makes sense on one node and prints, a line each, how
 * it ended: two brokers must give the same lines. What no call here uses is listed at the end.
 */
public class AdminCalls {
    private static final String TOPIC = "admin-one";
    private static final TopicPartition FIRST = new TopicPartition(TOPIC, 0);
    /** What both brokers have; Kafka has others besides. */
    private static final List<String> FEATURES =
        List.of("group.version", "metadata.version", "transaction.version");
    private static final long LIMIT_MS = 10_000;
    private static final Duration POLL = Duration.ofMillis(100);

    private interface Call {
        Object make() throws Exception;
    }

    private final String address;
    private final Admin admin;
    private final Set<String> called = new HashSet<>();

    private AdminCalls(String address) {
        this.address = address;
        Map<String, Object> settings =
            Map.of("bootstrap.servers", address, "default.api.timeout.ms", 20_000,
                "request.timeout.ms", 15_000);
        Admin real = Admin.create(settings);
        Class<?>[] faces = {Admin.class};
        admin = (Admin) Proxy.newProxyInstance(Admin.class.getClassLoader(), faces, (me, call, args) -> {
            called.add(call.getName());
            try {
                return call.invoke(real, args);
            } catch (InvocationTargetException error) {
                throw error.getCause();
            }
        });
    }

    public static void main(String[] args) throws Exception {
        var calls = new AdminCalls(args[0]);
        calls.topics();
        calls.cluster();
        calls.settings();
        calls.records();
        calls.placement();
        calls.classicGroup();
        calls.consumerGroup();
        calls.noGroups();
        calls.offsetsOfGroups();
        calls.transactions();
        calls.acls();
        calls.quotas();
        calls.scram();
        calls.features();
        calls.deletions();
        calls.uncalled();
        calls.admin.close(Duration.ofSeconds(5));
    }

    /** Prints a call's name with its result, or with its error. */
    private static void step(String name, Call call) {
        String line;
        try {
            line = show(call.make());
        } catch (ExecutionException error) {
            line = error.getCause().getClass().getSimpleName();
        } catch (Exception error) {
            line = error.getClass().getSimpleName();
        }
        System.out.println(name + " -> " + line.replace('\n', ' '));
    }

    /** The same text for the same thing, in whatever order it came. */
    private static String show(Object value) {
        if (value instanceof Map<?, ?> map) {
            var sorted = new TreeMap<String, String>();
            map.forEach((k, v) -> sorted.put(show(k), show(v)));
            return sorted.toString();
        }
        if (value instanceof Set<?> || value instanceof Collection<?> c && !(c instanceof List<?>)) {
            return ((Collection<?>) value).stream().map(AdminCalls::show).sorted().toList().toString();
        }
        if (value instanceof List<?> list) {
            return list.stream().map(AdminCalls::show).toList().toString();
        }
        if (value instanceof KafkaFuture<?> future) {
            try {
                return show(future.get());
            } catch (ExecutionException error) {
                return error.getCause().getClass().getSimpleName();
            } catch (InterruptedException error) {
                throw new IllegalStateException(error);
            }
        }
        if (value instanceof Optional<?> found) {
            return found.map(AdminCalls::show).orElse("none");
        }
        return value instanceof Exception ? value.getClass().getSimpleName() : String.valueOf(value);
    }

    private static ConfigResource resource(ConfigResource.Type type, String name) {
        return new ConfigResource(type, name);
    }

    private void topics() {
        var one = new NewTopic(TOPIC, 2, (short) 1).configs(Map.of("retention.ms", "7200000"));
        step("createTopics", () -> {
            var made = admin.createTopics(List.of(one));
            made.all().get();
            return made.numPartitions(TOPIC).get() + " " + made.replicationFactor(TOPIC).get() + " "
                + made.config(TOPIC).get().get("retention.ms");
        });
        step("createTopics again", () -> admin.createTopics(List.of(one)).values());
        var wishes = List.of(
            new NewTopic("admin-placed", Map.of(0, List.of(1), 1, List.of(1))),
            new NewTopic("admin-default", Optional.empty(), Optional.empty()),
            new NewTopic("admin-many-replicas", 1, (short) 2),
            new NewTopic("admin-nowhere", Map.of(0, List.of(7))),
            new NewTopic("admin/bad", 1, (short) 1),
            new NewTopic("admin-wrong", 1, (short) 1).configs(Map.of("retention.ms", "soon")));
        step("createTopics in all ways", () -> admin.createTopics(wishes).values());
        var only = new CreateTopicsOptions().validateOnly(true);
        step("createTopics to try", () ->
            admin.createTopics(List.of(new NewTopic("admin-tried", 1, (short) 1)), only).all());
        step("listTopics", () -> new TreeSet<>(admin.listTopics().names().get()));
        step("describeTopics", () -> {
            var wanted = List.of(TOPIC, "admin-tried");
            var options = new DescribeTopicsOptions().includeAuthorizedOperations(true);
            var told = new TreeMap<String, String>();
            admin.describeTopics(wanted, options).topicNameValues()
                .forEach((name, topic) -> told.put(name, described(topic)));
            return told;
        });
        step("describeTopics by id", () -> {
            var id = admin.describeTopics(List.of(TOPIC)).allTopicNames().get().get(TOPIC).topicId();
            var ids = TopicCollection.ofTopicIds(List.of(id));
            return admin.describeTopics(ids).allTopicIds().get().get(id).name();
        });
        step("createPartitions", () ->
            admin.createPartitions(Map.of(TOPIC, NewPartitions.increaseTo(3))).all());
        step("createPartitions to fewer", () ->
            admin.createPartitions(Map.of(TOPIC, NewPartitions.increaseTo(1))).all());
        step("createPartitions of nothing", () ->
            admin.createPartitions(Map.of("admin-tried", NewPartitions.increaseTo(3))).all());
    }

    private String described(KafkaFuture<TopicDescription> topic) {
        return show(topic.thenApply(t -> "internal " + t.isInternal() + " may "
            + show(t.authorizedOperations()) + " " + t.partitions().stream()
                .map(p -> p.partition() + " leader " + p.leader().id() + " replicas "
                    + p.replicas().size() + " isr " + p.isr().size() + " elr " + p.elr())
                .toList()));
    }

    private void cluster() {
        step("describeCluster", () -> {
            var options = new DescribeClusterOptions()
                .includeAuthorizedOperations(true).includeFencedBrokers(true);
            var told = admin.describeCluster(options);
            return told.clusterId().get() + " " + told.controller().get().id() + " "
                + told.nodes().get().size() + " " + show(told.authorizedOperations().get());
        });
        step("describeMetadataQuorum", () -> {
            var quorum = admin.describeMetadataQuorum().quorumInfo().get();
            return quorum.leaderId() + " " + quorum.voters().size() + " " + quorum.observers().size()
                + " " + (quorum.highWatermark() > 0) + " " + quorum.voters().get(0).replicaId();
        });
        step("unregisterBroker", () -> admin.unregisterBroker(7).all());
        var at = Set.of(new RaftVoterEndpoint("CONTROLLER", "localhost", 9));
        step("addRaftVoter", () -> admin.addRaftVoter(7, Uuid.ONE_UUID, at).all());
        step("removeRaftVoter", () -> admin.removeRaftVoter(7, Uuid.ONE_UUID).all());
        step("metrics", () -> !admin.metrics().isEmpty());
    }

    private String altered(ConfigResource what, AlterConfigOp.OpType how, String key, String value) {
        var op = new AlterConfigOp(new ConfigEntry(key, value), how);
        return show(admin.incrementalAlterConfigs(Map.of(what, List.of(op))).all());
    }

    /** What differs from the defaults, as soon as `key`, which was changed last, is among it or, with a "!", is not. */
    private Object configured(ConfigResource what, String key) throws Exception {
        boolean gone = key.startsWith("!");
        String name = gone ? key.substring(1) : key;
        long deadline = System.currentTimeMillis() + LIMIT_MS;
        var options = new DescribeConfigsOptions().includeSynonyms(true);
        while (true) {
            var entries = admin.describeConfigs(List.of(what), options).all().get().get(what).entries()
                .stream().filter(e -> e.source().name().startsWith("DYNAMIC")).toList();
            boolean there = entries.stream().anyMatch(e -> e.name().equals(name));
            if (there != gone || System.currentTimeMillis() > deadline) {
                return entries.stream().sorted(Comparator.comparing(ConfigEntry::name))
                    .map(e -> e.name() + "=" + e.value() + " " + e.source() + " " + e.type() + " "
                        + e.synonyms().stream().map(s -> s.name() + ":" + s.source()).toList())
                    .toList();
            }
            Thread.sleep(50);
        }
    }

    private void settings() {
        var topic = resource(ConfigResource.Type.TOPIC, TOPIC);
        var broker = resource(ConfigResource.Type.BROKER, "1");
        var brokers = resource(ConfigResource.Type.BROKER, "");
        var group = resource(ConfigResource.Type.GROUP, "admin-group");
        var metrics = resource(ConfigResource.Type.CLIENT_METRICS, "admin-metrics");
        var set = AlterConfigOp.OpType.SET;
        step("set of a topic", () -> altered(topic, set, "max.message.bytes", "54321"));
        step("append", () -> altered(topic, AlterConfigOp.OpType.APPEND, "cleanup.policy", "compact"));
        step("configured", () -> configured(topic, "cleanup.policy"));
        step("subtract", () -> altered(topic, AlterConfigOp.OpType.SUBTRACT, "cleanup.policy", "delete"));
        step("delete", () -> altered(topic, AlterConfigOp.OpType.DELETE, "max.message.bytes", ""));
        step("configured", () -> configured(topic, "!max.message.bytes"));
        step("back", () -> altered(topic, set, "cleanup.policy", "delete"));
        step("unknown key", () -> altered(topic, set, "no.such.key", "1"));
        step("unknown topic", () ->
            altered(resource(ConfigResource.Type.TOPIC, "nowhere"), set, "retention.ms", "1"));
        step("append to a number", () ->
            altered(topic, AlterConfigOp.OpType.APPEND, "retention.ms", "1"));
        step("set of a broker", () -> altered(broker, set, "log.cleaner.threads", "2"));
        step("set of all brokers", () -> altered(brokers, set, "message.max.bytes", "2000000"));
        step("configured", () -> configured(brokers, "message.max.bytes"));
        step("read-only", () -> altered(broker, set, "log.dirs", "/tmp/elsewhere"));
        step("delete of a broker", () ->
            altered(broker, AlterConfigOp.OpType.DELETE, "log.cleaner.threads", ""));
        step("delete of all", () ->
            altered(brokers, AlterConfigOp.OpType.DELETE, "message.max.bytes", ""));
        step("set of a group", () -> altered(group, set, "consumer.session.timeout.ms", "50000"));
        step("configured", () -> configured(group, "consumer.session.timeout.ms"));
        step("set of client metrics", () -> altered(metrics, set, "interval.ms", "30000"));
        step("configured", () -> configured(metrics, "interval.ms"));
        step("listConfigResources", () -> show(admin.listConfigResources().all().get().stream()
            .map(found -> found.type() + "/" + found.name()).collect(Collectors.toSet())));
        step("listConfigResources of one type", () -> admin.listConfigResources(
            Set.of(ConfigResource.Type.GROUP), new ListConfigResourcesOptions()).all());
        step("listClientMetricsResources", () -> admin.listClientMetricsResources().all());
        step("delete of client metrics", () ->
            altered(metrics, AlterConfigOp.OpType.DELETE, "interval.ms", ""));
    }

    private void records() {
        try (var producer = producer(null)) {
            for (int i = 0; i < 10; i++) {
                producer.send(new ProducerRecord<>(TOPIC, 0, 1_000L + i * 100, null, "r" + i));
            }
        }
        var specs = new TreeMap<String, OffsetSpec>(Map.of(
            "earliest", OffsetSpec.earliest(), "latest", OffsetSpec.latest(),
            "at", OffsetSpec.forTimestamp(1_450), "after", OffsetSpec.forTimestamp(9_999),
            "max", OffsetSpec.maxTimestamp(), "local", OffsetSpec.earliestLocal(),
            "tiered", OffsetSpec.latestTiered(), "upload", OffsetSpec.earliestPendingUpload()));
        specs.forEach((name, spec) -> step("listOffsets " + name, () -> {
            var found = admin.listOffsets(Map.of(FIRST, spec)).partitionResult(FIRST).get();
            return found.offset() + " " + found.timestamp() + " " + found.leaderEpoch();
        }));
        step("listOffsets of nothing", () -> admin.listOffsets(
            Map.of(new TopicPartition(TOPIC, 0), OffsetSpec.latest()),
            new ListOffsetsOptions(IsolationLevel.READ_COMMITTED)).partitionResult(FIRST).get().offset());
        for (long before : new long[] {4, -1, 99}) {
            step("deleteRecords " + before, () ->
                admin.deleteRecords(Map.of(FIRST, RecordsToDelete.beforeOffset(before)))
                    .lowWatermarks().get(FIRST).get().lowWatermark());
        }
    }

    private KafkaProducer<String, String> producer(String id) {
        var settings = new java.util.Properties();
        settings.put("bootstrap.servers", address);
        settings.put("key.serializer", StringSerializer.class);
        settings.put("value.serializer", StringSerializer.class);
        if (id != null) {
            settings.put("transactional.id", id);
        }
        return new KafkaProducer<>(settings);
    }

    private void placement() {
        step("describeLogDirs", () -> admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1)
            .values().stream().map(dir -> dir.error() + " " + dir.totalBytes().isPresent() + " "
                + dir.usableBytes().isPresent() + " "
                + dir.replicaInfos().keySet().stream().map(TopicPartition::toString)
                    .filter(name -> name.startsWith("admin")).sorted().toList()
                + " " + (dir.replicaInfos().get(FIRST).size() > 0)).toList());
        var replica = new TopicPartitionReplica(TOPIC, 0, 1);
        step("describeReplicaLogDirs", () -> {
            var dirs = admin.describeReplicaLogDirs(List.of(replica)).values().get(replica).get();
            return (dirs.getCurrentReplicaLogDir() != null) + " " + dirs.getFutureReplicaLogDir();
        });
        step("alterReplicaLogDirs to where it is", () -> {
            var dirs = admin.describeReplicaLogDirs(List.of(replica)).values().get(replica).get();
            return admin.alterReplicaLogDirs(Map.of(replica, dirs.getCurrentReplicaLogDir())).all();
        });
        step("alterReplicaLogDirs elsewhere", () -> {
            admin.alterReplicaLogDirs(Map.of(replica, "/nowhere")).values().get(replica).get();
            return "moved";
        });
        var preferred = ElectionType.PREFERRED;
        step("electLeaders", () -> admin.electLeaders(preferred, Set.of(FIRST)).partitions());
        step("electLeaders, unclean", () ->
            admin.electLeaders(ElectionType.UNCLEAN, Set.of(FIRST)).partitions());
        step("electLeaders of nothing", () ->
            admin.electLeaders(preferred, Set.of(new TopicPartition("nowhere", 0))).partitions());
        step("electLeaders of all", () -> admin.electLeaders(preferred, null).partitions());
        for (int to : new int[] {1, 7}) {
            step("alterPartitionReassignments to " + to, () ->
                admin.alterPartitionReassignments(Map.of(
                    FIRST, Optional.of(new NewPartitionReassignment(List.of(to))))).all());
        }
        step("alterPartitionReassignments back", () ->
            admin.alterPartitionReassignments(Map.of(FIRST, Optional.empty())).all());
        step("listPartitionReassignments", () ->
            admin.listPartitionReassignments().reassignments());
        step("listPartitionReassignments of one", () ->
            admin.listPartitionReassignments(Set.of(FIRST)).reassignments());
    }

    private KafkaConsumer<String, String> member(String group, String protocol, String instance) {
        var settings = new java.util.Properties();
        settings.put("bootstrap.servers", address);
        settings.put("key.deserializer", StringDeserializer.class);
        settings.put("value.deserializer", StringDeserializer.class);
        settings.put(ConsumerConfig.GROUP_ID_CONFIG, group);
        settings.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, protocol);
        settings.put(ConsumerConfig.CLIENT_ID_CONFIG, "admin-client");
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        settings.put("group.instance.id", instance);
        if (protocol.equals("classic")) {
            settings.put("heartbeat.interval.ms", "500");
        }
        var member = new KafkaConsumer<String, String>(settings);
        member.subscribe(List.of(TOPIC));
        return member;
    }

    private static void join(KafkaConsumer<String, String> member) {
        long deadline = System.currentTimeMillis() + LIMIT_MS;
        while (member.assignment().size() < 3 && System.currentTimeMillis() < deadline) {
            member.poll(POLL);
        }
    }

    private void describeGroup(String group) {
        var options = new DescribeConsumerGroupsOptions().includeAuthorizedOperations(true);
        step("describeConsumerGroups " + group, () -> {
            var told = admin.describeConsumerGroups(List.of(group), options).all().get().get(group);
            var members = told.members().stream().map(m -> m.clientId() + " " + m.host() + " "
                + m.groupInstanceId() + " " + m.rackId() + " " + m.memberEpoch() + " " + m.upgraded() + " "
                + show(m.assignment().topicPartitions())).sorted().toList();
            return told.groupState() + " " + told.type() + " " + told.partitionAssignor() + " "
                + told.isSimpleConsumerGroup() + " " + told.coordinator().id() + " "
                + told.groupEpoch() + " " + told.targetAssignmentEpoch() + " "
                + show(told.authorizedOperations()) + " " + members;
        });
    }

    private void classicGroup() {
        String group = "admin-classic";
        try (var member = member(group, "classic", "inst-1")) {
            join(member);
            member.commitSync(Map.of(FIRST, new OffsetAndMetadata(5, Optional.of(0), "note")));
            describeGroup(group);
            step("describeClassicGroups", () -> {
                var told = admin.describeClassicGroups(List.of(group)).all().get().get(group);
                return told.state() + " " + told.protocol() + " " + told.protocolData() + " "
                    + told.members().size() + " " + told.coordinator().id();
            });
            step("alterConsumerGroupOffsets while used", () -> admin.alterConsumerGroupOffsets(
                group, Map.of(FIRST, new OffsetAndMetadata(1))).all());
            step("deleteConsumerGroupOffsets while used", () ->
                admin.deleteConsumerGroupOffsets(group, Set.of(FIRST)).all());
            step("deleteConsumerGroups while used", () ->
                admin.deleteConsumerGroups(List.of(group)).all());
            var nobody = new RemoveMembersFromConsumerGroupOptions(
                Set.of(new MemberToRemove("inst-7")));
            step("removeMembersFromConsumerGroup, nobody", () ->
                admin.removeMembersFromConsumerGroup(group, nobody).all());
            var one = new RemoveMembersFromConsumerGroupOptions(
                Set.of(new MemberToRemove("inst-1")));
            step("removeMembersFromConsumerGroup", () ->
                admin.removeMembersFromConsumerGroup(group, one).all());
            step("removeMembersFromConsumerGroup, all", () -> admin.removeMembersFromConsumerGroup(
                group, new RemoveMembersFromConsumerGroupOptions()).all());
        }
        describeGroup(group);
    }

    private void consumerGroup() {
        String group = "admin-consumer";
        try (var member = member(group, "consumer", "inst-2")) {
            join(member);
            member.commitSync(Map.of(FIRST, new OffsetAndMetadata(6)));
            describeGroup(group);
            step("alterConsumerGroupOffsets while used", () -> admin.alterConsumerGroupOffsets(
                group, Map.of(FIRST, new OffsetAndMetadata(1))).all());
            step("describeClassicGroups of the other kind", () ->
                admin.describeClassicGroups(List.of(group)).all());
            var one = new RemoveMembersFromConsumerGroupOptions(
                Set.of(new MemberToRemove("inst-2")));
            step("removeMembersFromConsumerGroup", () ->
                admin.removeMembersFromConsumerGroup(group, one).all());
        }
        describeGroup(group);
        step("listConsumerGroups", () -> groups(admin.listConsumerGroups().all().get().stream()
            .map(g -> g.groupId() + " " + g.groupState() + " " + g.type())));
        step("listGroups", () -> groups(admin.listGroups().all().get().stream()
            .map(g -> g.groupId() + " " + g.groupState() + " " + g.type() + " " + g.protocol())));
        var options = new ListGroupsOptions().withTypes(Set.of(GroupType.CONSUMER))
            .inGroupStates(Set.of(GroupState.EMPTY));
        step("listGroups, some", () -> groups(admin.listGroups(options).all().get().stream()
            .map(GroupListing::groupId)));
    }

    private static String groups(java.util.stream.Stream<String> groups) {
        return groups.sorted().toList().toString();
    }

    /** Groups that aren't there, of every kind. */
    private void noGroups() {
        var none = List.of("admin-nobody");
        step("describeConsumerGroups of none", () -> admin.describeConsumerGroups(none).all());
        step("describeClassicGroups of none", () -> admin.describeClassicGroups(none).all());
        step("deleteConsumerGroups of none", () -> admin.deleteConsumerGroups(none).all());
        step("deleteConsumerGroupOffsets of none", () ->
            admin.deleteConsumerGroupOffsets("admin-nobody", Set.of(FIRST)).all());
        step("listConsumerGroupOffsets of none", () ->
            admin.listConsumerGroupOffsets("admin-nobody").all());
        step("listStreamsGroupOffsets", () -> admin.listStreamsGroupOffsets(
            Map.of("admin-nobody", new ListStreamsGroupOffsetsSpec())).all());
        step("alterStreamsGroupOffsets", () -> admin.alterStreamsGroupOffsets(
            "admin-streams", Map.of(FIRST, new OffsetAndMetadata(3))).all());
        step("deleteStreamsGroupOffsets", () ->
            admin.deleteStreamsGroupOffsets("admin-streams", Set.of(FIRST)).all());
        step("deleteStreamsGroups", () -> admin.deleteStreamsGroups(List.of("admin-streams")).all());
    }

    private void offsetsOfGroups() {
        var some = Map.of("admin-classic", new ListConsumerGroupOffsetsSpec(),
            "admin-consumer", new ListConsumerGroupOffsetsSpec().topicPartitions(
                List.of(FIRST, new TopicPartition(TOPIC, 1))));
        step("listConsumerGroupOffsets", () -> admin.listConsumerGroupOffsets(some).all());
        for (String group : List.of("admin-classic", "admin-consumer", "admin-new")) {
            step("alterConsumerGroupOffsets " + group, () -> admin.alterConsumerGroupOffsets(
                group, Map.of(FIRST, new OffsetAndMetadata(7, "moved"),
                    new TopicPartition("nowhere", 0), new OffsetAndMetadata(7))).all());
            step("listConsumerGroupOffsets", () -> admin.listConsumerGroupOffsets(group).all());
            step("deleteConsumerGroupOffsets", () ->
                admin.deleteConsumerGroupOffsets(group, Set.of(FIRST)).all());
            step("listConsumerGroupOffsets", () -> admin.listConsumerGroupOffsets(group).all());
        }
        step("deleteConsumerGroups", () -> admin.deleteConsumerGroups(
            List.of("admin-classic", "admin-consumer")).deletedGroups());
    }

    private void transactions() throws Exception {
        var fenced = producer("admin-fenced");
        fenced.initTransactions();
        fenced.beginTransaction();
        fenced.send(new ProducerRecord<>(TOPIC, 1, null, "open"));
        fenced.flush();
        var second = new TopicPartition(TOPIC, 1);
        var found = new ArrayList<ProducerState>();
        step("describeProducers", () -> {
            found.addAll(admin.describeProducers(List.of(second)).partitionResult(second).get()
                .activeProducers());
            var state = found.get(0);
            return found.size() + " " + state.producerEpoch() + " " + state.lastSequence() + " "
                + state.coordinatorEpoch() + " " + state.currentTransactionStartOffset();
        });
        step("listTransactions", () -> admin.listTransactions().all().get().stream()
            .map(t -> t.transactionalId() + " " + t.state()).sorted().toList());
        step("listTransactions, some", () -> admin.listTransactions(new ListTransactionsOptions()
            .filterStates(Set.of(TransactionState.COMPLETE_ABORT))).all());
        step("describeTransactions", () -> {
            var ids = List.of("admin-fenced");
            var told = admin.describeTransactions(ids).all().get().get("admin-fenced");
            return told.state() + " " + told.coordinatorId() + " " + told.producerEpoch() + " "
                + told.transactionTimeoutMs() + " " + told.transactionStartTimeMs().isPresent() + " "
                + show(told.topicPartitions());
        });
        step("describeTransactions of none", () ->
            admin.describeTransactions(List.of("admin-nobody")).all());
        step("fenceProducers", () -> admin.fenceProducers(List.of("admin-fenced")).all());
        step("commit of the fenced one", () -> {
            fenced.commitTransaction();
            return "committed";
        });
        fenced.close(Duration.ZERO);
        ended();
    }

    /** Transactions that an administrator ends. */
    private void ended() throws Exception {
        for (String way : List.of("abortTransaction", "forceTerminateTransaction")) {
            String id = "admin-" + way;
            var hanging = producer(id);
            hanging.initTransactions();
            hanging.beginTransaction();
            hanging.send(new ProducerRecord<>(TOPIC, 2, null, "open")).get();
            var third = new TopicPartition(TOPIC, 2);
            step(way, () -> {
                if (way.startsWith("force")) {
                    return admin.forceTerminateTransaction(id).result();
                }
                var state = admin.describeProducers(List.of(third)).partitionResult(third).get()
                    .activeProducers().get(0);
                return admin.abortTransaction(new AbortTransactionSpec(third, state.producerId(),
                    (short) state.producerEpoch(), 0)).all();
            });
            hanging.close(Duration.ZERO);
        }
        step("forceTerminateTransaction of none", () ->
            admin.forceTerminateTransaction("admin-nobody").result());
    }

    private void acls() {
        var mine = new ResourcePattern(ResourceType.TOPIC, "secret", PatternType.PREFIXED);
        var entry = new AccessControlEntry("User:a", "*", AclOperation.READ, AclPermissionType.ALLOW);
        step("createAcls", () -> admin.createAcls(List.of(new AclBinding(mine, entry))).all());
        var odd = new AccessControlEntry("who", "*", AclOperation.READ, AclPermissionType.ALLOW);
        step("createAcls, odd", () -> admin.createAcls(List.of(new AclBinding(mine, odd))).all());
        step("describeAcls", () -> admin.describeAcls(AclBindingFilter.ANY).values());
        var filter = new AclBindingFilter(
            new ResourcePatternFilter(ResourceType.TOPIC, "secret-7", PatternType.MATCH),
            AccessControlEntryFilter.ANY);
        step("describeAcls, match", () -> admin.describeAcls(filter).values());
        step("deleteAcls", () -> admin.deleteAcls(List.of(filter)).all());
        step("describeAcls", () -> admin.describeAcls(AclBindingFilter.ANY).values());
    }

    private void quotas() {
        var someone = new ClientQuotaEntity(Map.of("user", "u", "client-id", "c"));
        var anyone = new ClientQuotaEntity(java.util.Collections.singletonMap("client-id", null));
        for (var who : List.of(someone, anyone)) {
            var op = new ClientQuotaAlteration.Op("producer_byte_rate", 1000.0);
            step("alterClientQuotas", () ->
                admin.alterClientQuotas(List.of(new ClientQuotaAlteration(who, List.of(op)))).all());
        }
        var wrong = new ClientQuotaAlteration.Op("no_such_rate", 1.0);
        step("alterClientQuotas, wrong", () ->
            admin.alterClientQuotas(List.of(new ClientQuotaAlteration(someone, List.of(wrong)))).all());
        step("describeClientQuotas", () -> limited(2));
        var filter = ClientQuotaFilter.contains(
            List.of(ClientQuotaFilterComponent.ofDefaultEntity("client-id")));
        step("describeClientQuotas, some", () -> admin.describeClientQuotas(filter).entities());
        for (var who : List.of(someone, anyone)) {
            var op = new ClientQuotaAlteration.Op("producer_byte_rate", null);
            step("alterClientQuotas away", () ->
                admin.alterClientQuotas(List.of(new ClientQuotaAlteration(who, List.of(op)))).all());
        }
        step("describeClientQuotas", () -> limited(0));
    }

    /** All quotas, as soon as they are of so many: a broker of Kafka hears of them a little later. */
    private Object limited(int entities) throws Exception {
        long deadline = System.currentTimeMillis() + LIMIT_MS;
        while (true) {
            var found = admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get();
            if (found.size() == entities || System.currentTimeMillis() > deadline) {
                return found;
            }
            Thread.sleep(50);
        }
    }

    private void scram() {
        var how = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096);
        var few = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 10);
        step("alterUserScramCredentials", () -> admin.alterUserScramCredentials(
            List.of(new UserScramCredentialUpsertion("anna", how, "secret"))).all());
        step("alterUserScramCredentials, few", () -> admin.alterUserScramCredentials(
            List.of(new UserScramCredentialUpsertion("anna", few, "secret"))).all());
        step("describeUserScramCredentials", () -> admin.describeUserScramCredentials().all());
        step("describeUserScramCredentials, none", () ->
            admin.describeUserScramCredentials(List.of("nobody")).all());
        var away = new UserScramCredentialDeletion("anna", ScramMechanism.SCRAM_SHA_256);
        step("alterUserScramCredentials away", () ->
            admin.alterUserScramCredentials(List.of(away)).all());
        step("alterUserScramCredentials away again", () ->
            admin.alterUserScramCredentials(List.of(away)).all());
    }

    private void features() {
        step("describeFeatures", () -> {
            var told = admin.describeFeatures().featureMetadata().get();
            return FEATURES.stream().map(name -> name + " " + told.finalizedFeatures().get(name) + " "
                + told.supportedFeatures().get(name)).toList();
        });
        var only = new UpdateFeaturesOptions().validateOnly(true);
        var up = FeatureUpdate.UpgradeType.UPGRADE;
        for (int level : new int[] {2, 99}) {
            step("updateFeatures " + level, () -> admin.updateFeatures(
                Map.of("transaction.version", new FeatureUpdate((short) level, up)), only).all());
        }
        var down = FeatureUpdate.UpgradeType.SAFE_DOWNGRADE;
        step("updateFeatures down", () -> admin.updateFeatures(
            Map.of("metadata.version", new FeatureUpdate((short) 7, down)), only).all());
    }

    private void deletions() {
        step("deleteTopics", () -> admin.deleteTopics(List.of("admin-placed", "nowhere")).topicNameValues());
        step("deleteTopics by id", () -> {
            var id = admin.describeTopics(List.of(TOPIC)).allTopicNames().get().get(TOPIC).topicId();
            return admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all();
        });
        step("clientInstanceId", () -> {
            try {
                admin.clientInstanceId(Duration.ofSeconds(5));
            } catch (IllegalStateException off) {
                // The broker asks for no metrics.
            }
            return "asked";
        });
    }

    private void uncalled() {
        var names = Arrays.stream(Admin.class.getMethods())
            .map(java.lang.reflect.Method::getName).collect(Collectors.toCollection(TreeSet::new));
        names.removeAll(called);
        System.out.println("uncalled -> " + names);
    }
}
