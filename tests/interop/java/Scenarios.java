import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * What applications do with Kafka's Java clients: ADDRESS SCENARIO... Each scenario makes a topic and
 * prints "SCENARIO ok" at its end, or ends the program with what was wrong.
 *
 * <pre>
 * cooperative:PROTOCOL    a rebalance takes away only what moves
 * static:PROTOCOL         a member comes back to its partitions, and a twin is fenced
 * pattern:PROTOCOL        a subscription by pattern follows topics that come and go
 * times                   offsetsForTimes, beginnings and ends
 * too-large               records over the client's limit, the topic's and the reader's
 * seeks                   seek, pause, resume, position, commit with a note
 * </pre>
 *
 * PROTOCOL is "classic" or "consumer".
 */
public class Scenarios {
    private static final int PARTITIONS = 4;
    private static final Duration POLL = Duration.ofMillis(100);
    private static final long LIMIT_MS = 60_000;

    public static void main(String[] args) throws Exception {
        String address = args[0];
        for (int at = 1; at < args.length; at++) {
            String[] words = args[at].split(":");
            String topic = "scenario-" + args[at].replace(':', '-');
            try (var admin = Admin.create(Map.of("bootstrap.servers", address))) {
                admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 1))).all().get();
            }
            run(address, topic, words[0], words[words.length - 1]);
            System.out.println(args[at] + " ok");
        }
    }

    private static void run(String address, String topic, String name, String protocol)
            throws Exception {
        switch (name) {
            case "cooperative" -> cooperative(address, topic, protocol);
            case "static" -> staticMembers(address, topic, protocol);
            case "pattern" -> pattern(address, topic, protocol);
            case "times" -> times(address, topic);
            case "too-large" -> tooLarge(address, topic);
            case "seeks" -> seeks(address, topic);
            default -> throw new IllegalArgumentException(name);
        }
    }

    private static void check(boolean right, Object what) {
        if (!right) {
            throw new IllegalStateException(String.valueOf(what));
        }
    }

    private static KafkaProducer<byte[], byte[]> producer(String address, String... more) {
        var settings = new Properties();
        settings.put("bootstrap.servers", address);
        settings.put("key.serializer", ByteArraySerializer.class);
        settings.put("value.serializer", ByteArraySerializer.class);
        for (int at = 0; at < more.length; at += 2) {
            settings.put(more[at], more[at + 1]);
        }
        return new KafkaProducer<>(settings);
    }

    /** A member of a group that notes what it was given and what was taken. */
    private static final class Member implements ConsumerRebalanceListener, AutoCloseable {
        final KafkaConsumer<byte[], byte[]> consumer;
        final Set<TopicPartition> taken = new HashSet<>();
        final Set<TopicPartition> given = new HashSet<>();
        int rebalances;

        Member(String address, String group, String protocol, String... more) {
            var settings = new Properties();
            settings.put("bootstrap.servers", address);
            settings.put("key.deserializer", ByteArrayDeserializer.class);
            settings.put("value.deserializer", ByteArrayDeserializer.class);
            settings.put("auto.offset.reset", "earliest");
            settings.put("enable.auto.commit", "false");
            settings.put("metadata.max.age.ms", "1000");
            if (group != null) {
                settings.put("group.id", group);
                settings.put("group.protocol", protocol);
                if (protocol.equals("classic")) {
                    settings.put("heartbeat.interval.ms", "300");
                    settings.put("partition.assignment.strategy",
                        "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
                }
            }
            for (int at = 0; at < more.length; at += 2) {
                settings.put(more[at], more[at + 1]);
            }
            consumer = new KafkaConsumer<>(settings);
        }

        Member subscribe(String topic) {
            consumer.subscribe(List.of(topic), this);
            return this;
        }

        int owned() {
            return consumer.assignment().size();
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            taken.addAll(partitions);
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            given.addAll(partitions);
            rebalances++;
        }

        @Override
        public void close() {
            consumer.close();
        }
    }

    private static void until(String what, List<Member> members, BooleanSupplier done) {
        long deadline = System.currentTimeMillis() + LIMIT_MS;
        while (!done.getAsBoolean()) {
            check(System.currentTimeMillis() < deadline, "never: " + what + ", they own "
                + members.stream().map(Member::owned).toList());
            members.forEach(member -> member.consumer.poll(POLL));
        }
    }

    private static void cooperative(String address, String topic, String protocol) {
        String group = topic + "-cooperative";
        try (var one = new Member(address, group, protocol).subscribe(topic);
                var two = new Member(address, group, protocol)) {
            until("alone", List.of(one), () -> one.owned() == PARTITIONS);
            var before = Set.copyOf(one.consumer.assignment());
            two.subscribe(topic);
            until("both", List.of(one, two), () -> one.owned() == 2 && two.owned() == 2);
            var moved = new HashSet<>(before);
            moved.removeAll(one.consumer.assignment());
            check(one.taken.equals(moved), "taken " + one.taken + ", moved " + moved);
            check(two.consumer.assignment().equals(moved), two.consumer.assignment());
            check(two.taken.isEmpty(), two.taken);
            int taken = one.taken.size();
            two.consumer.unsubscribe();
            until("alone again", List.of(one), () -> one.owned() == PARTITIONS);
            check(one.taken.size() == taken, "taken " + one.taken + " when the other left");
        }
    }

    private static void staticMembers(String address, String topic, String protocol) {
        String group = topic + "-static";
        var first = new Member(address, group, protocol, "group.instance.id", "i-1", "client.id", "c");
        try (var other = new Member(address, group, protocol, "group.instance.id", "i-2")) {
            first.subscribe(topic);
            other.subscribe(topic);
            until("both", List.of(first, other), () -> first.owned() == 2 && other.owned() == 2);
            var before = Set.copyOf(first.consumer.assignment());
            int rebalances = other.rebalances;
            first.close();
            // Nobody takes over while it is away for a moment.
            for (int i = 0; i < 10; i++) {
                other.consumer.poll(POLL);
            }
            check(other.owned() == 2, "taken over: " + other.consumer.assignment());
            var again = new Member(address, group, protocol, "group.instance.id", "i-1").subscribe(topic);
            until("back", List.of(again, other), () -> again.owned() == 2);
            check(again.consumer.assignment().equals(before), again.consumer.assignment());
            check(other.rebalances == rebalances, "the other one was rebalanced");
            fenced(address, group, protocol, topic, again);
        }
    }

    /** A second one of the same name: with the classic protocol it wins, with the new one it loses. */
    private static void fenced(
            String address, String group, String protocol, String topic, Member owner) {
        boolean classic = protocol.equals("classic");
        var twin = new Member(address, group, protocol, "group.instance.id", "i-1").subscribe(topic);
        Member loser = classic ? owner : twin;
        Member winner = classic ? twin : owner;
        String error = null;
        long deadline = System.currentTimeMillis() + LIMIT_MS;
        while (error == null && System.currentTimeMillis() < deadline) {
            winner.consumer.poll(POLL);
            try {
                loser.consumer.poll(POLL);
            } catch (KafkaException fenced) {
                error = fenced.getClass().getSimpleName();
            }
        }
        String wanted = classic ? "FencedInstanceIdException" : "UnreleasedInstanceIdException";
        check(wanted.equals(error), error);
        until("the winner", List.of(winner), () -> winner.owned() == 2);
        loser.close();
        winner.close();
    }

    private static void times(String address, String topic) throws Exception {
        try (var producer = producer(address, "batch.size", "200")) {
            for (int i = 0; i < 200; i++) {
                long time = 10_000L + i * 10L;
                producer.send(new ProducerRecord<>(topic, i % 2, time, null, new byte[50]));
            }
        }
        var zero = new TopicPartition(topic, 0);
        var one = new TopicPartition(topic, 1);
        var empty = new TopicPartition(topic, 2);
        try (var reader = new Member(address, null, "")) {
            // Record i of partition 0 has the time 10000 + 20 i, of partition 1 10010 + 20 i.
            for (int i = 0; i < 100; i++) {
                for (long back = 0; back < 20; back += 7) {
                    var found = reader.consumer.offsetsForTimes(
                        Map.of(zero, 10_000L + 20 * i - back, one, 10_010L + 20 * i - back));
                    check(found.get(zero).offset() == i, found);
                    check(found.get(zero).timestamp() == 10_000L + 20 * i, found);
                    check(found.get(one).offset() == i, found);
                    check(found.get(one).timestamp() == 10_010L + 20 * i, found);
                }
            }
            var late = reader.consumer.offsetsForTimes(Map.of(zero, 12_000L, empty, 0L));
            check(late.get(zero) == null && late.get(empty) == null, late);
            var all = List.of(zero, one, empty);
            check(reader.consumer.beginningOffsets(all).equals(Map.of(zero, 0L, one, 0L, empty, 0L)),
                "beginnings");
            check(reader.consumer.endOffsets(all).equals(Map.of(zero, 100L, one, 100L, empty, 0L)),
                "ends");
            reader.consumer.assign(all);
            check(reader.consumer.currentLag(zero).isEmpty(), "a lag before anything is read");
        }
    }

    private static String refusal(KafkaProducer<byte[], byte[]> producer, String topic, int size)
            throws Exception {
        try {
            producer.send(new ProducerRecord<>(topic, 0, null, new byte[size])).get();
            return "written";
        } catch (ExecutionException error) {
            return error.getCause().getClass().getSimpleName();
        }
    }

    private static void tooLarge(String address, String topic) throws Exception {
        try (var producer = producer(address)) {
            check(refusal(producer, topic, 2_000_000).equals("RecordTooLargeException"), "client");
        }
        String[] patient = {"max.request.size", "10000000", "batch.size", "1", "retries", "3"};
        try (var producer = producer(address, patient)) {
            check(refusal(producer, topic, 2_000_000).equals("RecordTooLargeException"), "broker");
            check(refusal(producer, topic, 1_000).equals("written"), "one that fits, after it");
        }
        // Many that fit one by one, in a batch that doesn't: the client splits it.
        String[] wide = {"max.request.size", "10000000", "batch.size", "4000000", "linger.ms", "500",
            "buffer.memory", "64000000", "compression.type", "none"};
        try (var producer = producer(address, wide)) {
            for (int i = 0; i < 30; i++) {
                producer.send(new ProducerRecord<>(topic, 0, null, new byte[100_000]));
            }
            producer.flush();
        }
        var zero = new TopicPartition(topic, 0);
        // A record larger than what the reader wants at once comes all the same.
        String[] narrow = {"max.partition.fetch.bytes", "10", "fetch.max.bytes", "10"};
        try (var reader = new Member(address, null, "", narrow)) {
            reader.consumer.assign(List.of(zero));
            var sizes = new ArrayList<Integer>();
            long deadline = System.currentTimeMillis() + LIMIT_MS;
            while (sizes.size() < 31 && System.currentTimeMillis() < deadline) {
                for (ConsumerRecord<byte[], byte[]> record : reader.consumer.poll(POLL)) {
                    sizes.add(record.value().length);
                }
            }
            check(sizes.size() == 31 && sizes.get(0) == 1_000 && sizes.get(30) == 100_000, sizes);
        }
    }

    private static void pattern(String address, String topic, String protocol) throws Exception {
        String name = topic + "-later";
        try (var member = new Member(address, topic + "-pattern", protocol)) {
            if (protocol.equals("consumer")) {
                member.consumer.subscribe(new SubscriptionPattern(topic + ".*"), member);
            } else {
                member.consumer.subscribe(java.util.regex.Pattern.compile(topic + ".*"), member);
            }
            until("the first", List.of(member), () -> member.owned() == PARTITIONS);
            Map<String, Object> settings = Map.of("bootstrap.servers", address);
            try (var admin = Admin.create(settings)) {
                var later = new NewTopic(name, 2, (short) 1);
                admin.createTopics(List.of(later)).all().get();
                until("the later one", List.of(member), () -> member.owned() == PARTITIONS + 2);
                admin.deleteTopics(List.of(name)).all().get();
                until("gone", List.of(member), () -> member.owned() == PARTITIONS);
            }
        }
    }

    private static void seeks(String address, String topic) throws Exception {
        try (var producer = producer(address)) {
            for (int i = 0; i < 40; i++) {
                producer.send(new ProducerRecord<>(topic, i % 2, null, new byte[] {(byte) i}));
            }
        }
        var zero = new TopicPartition(topic, 0);
        var one = new TopicPartition(topic, 1);
        try (var reader = new Member(address, topic + "-seeks", "classic")) {
            var consumer = reader.consumer;
            consumer.assign(List.of(zero, one));
            consumer.seek(zero, 15);
            consumer.pause(List.of(one));
            var read = new TreeSet<Integer>();
            until("the rest of one partition", List.of(), () -> {
                consumer.poll(POLL).forEach(record -> read.add((int) record.value()[0]));
                return read.size() >= 5;
            });
            check(read.equals(new TreeSet<>(List.of(30, 32, 34, 36, 38))), read);
            check(consumer.position(zero) == 20 && consumer.position(one) == 0, "positions");
            check(consumer.currentLag(zero).orElse(-1) == 0, consumer.currentLag(zero));
            consumer.resume(List.of(one));
            consumer.seekToEnd(List.of(zero));
            consumer.seek(one, 1_000);
            until("the reset", List.of(), () -> {
                consumer.poll(POLL).forEach(record -> read.add((int) record.value()[0]));
                return consumer.position(one) == 20;
            });
            check(read.size() == 25, read);
            var note = new OffsetAndMetadata(7, "where I was");
            consumer.commitSync(Map.of(zero, note));
            check(consumer.committed(Set.of(zero, one)).get(zero).equals(note), "the note");
            check(consumer.committed(Set.of(one)).get(one) == null, "nothing was committed there");
            check(consumer.partitionsFor(topic).size() == PARTITIONS, "partitions");
            check(consumer.listTopics().containsKey(topic), "topics");
        }
    }
}
