import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Transactions with Kafka's Java client. Prints a line for each thing that a test looks at.
 *
 * <pre>
 * outcomes ADDRESS TOPIC     commits, aborts and commits; reads what is committed, and everything
 * fencing  ADDRESS TOPIC     a second producer takes over the transactional id of the first
 * open     ADDRESS TOPIC     what readers see of an open transaction
 * process  ADDRESS IN OUT    reads, transforms and writes, offsets within the transactions
 * timeout  ADDRESS TOPIC     a transaction that the broker aborts
 * hang     ADDRESS TOPIC     leaves a transaction open
 * </pre>
 */
public class Transactions {
    public static void main(String[] args) throws Exception {
        String address = args[1];
        String topic = args[2];
        switch (args[0]) {
            case "outcomes" -> outcomes(address, topic);
            case "fencing" -> fencing(address, topic);
            case "open" -> open(address, topic);
            case "process" -> process(address, topic, args[3]);
            case "timeout" -> timeout(address, topic);
            case "hang" -> hang(address, topic);
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private static KafkaProducer<String, String> producer(String address, String id, int timeoutMs) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", address);
        settings.put("key.serializer", StringSerializer.class.getName());
        settings.put("value.serializer", StringSerializer.class.getName());
        settings.put("transactional.id", id);
        settings.put("transaction.timeout.ms", String.valueOf(timeoutMs));
        settings.put("linger.ms", "0");
        var producer = new KafkaProducer<String, String>(settings);
        producer.initTransactions();
        return producer;
    }

    private static KafkaProducer<String, String> producer(String address, String id) {
        return producer(address, id, 60_000);
    }

    private static KafkaConsumer<String, String> consumer(
            String address, String isolation, String group) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", address);
        settings.put("key.deserializer", StringDeserializer.class.getName());
        settings.put("value.deserializer", StringDeserializer.class.getName());
        settings.put("isolation.level", isolation);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("fetch.max.wait.ms", "100");
        if (group != null) {
            settings.put("group.id", group);
        }
        return new KafkaConsumer<>(settings);
    }

    private static void send(KafkaProducer<String, String> producer, String topic, String value) {
        producer.send(new ProducerRecord<>(topic, null, value));
    }

    /** All values of a topic up to its end, sorted. */
    private static String read(String address, String topic, String isolation) {
        try (var consumer = consumer(address, isolation, null)) {
            List<TopicPartition> partitions = new ArrayList<>();
            consumer.partitionsFor(topic)
                .forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            var values = new TreeSet<String>();
            long deadline = System.currentTimeMillis() + 30_000;
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
                if (System.currentTimeMillis() > deadline) {
                    return "stuck at " + consumer.position(partitions.get(0)) + " of " + ends;
                }
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    values.add(record.value());
                }
            }
            return String.join(",", values);
        }
    }

    private static void outcomes(String address, String topic) {
        try (var producer = producer(address, topic + "-id")) {
            for (String name : List.of("a", "b", "c", "d")) {
                producer.beginTransaction();
                for (int i = 0; i < 5; i++) {
                    send(producer, topic, name + i);
                }
                if (name.equals("b") || name.equals("d")) {
                    producer.flush();
                    producer.abortTransaction();
                } else {
                    producer.commitTransaction();
                }
            }
            // One that is begun and not written to.
            producer.beginTransaction();
            producer.commitTransaction();
            producer.beginTransaction();
            producer.abortTransaction();
        }
        System.out.println("committed " + read(address, topic, "read_committed"));
        System.out.println("all " + read(address, topic, "read_uncommitted"));
    }

    private static void fencing(String address, String topic) {
        String id = topic + "-id";
        try (var zombie = producer(address, id)) {
            zombie.beginTransaction();
            send(zombie, topic, "zombie");
            zombie.flush();
            try (var owner = producer(address, id)) {
                owner.beginTransaction();
                send(owner, topic, "owner");
                owner.commitTransaction();
                try {
                    zombie.commitTransaction();
                    System.out.println("the zombie committed");
                } catch (KafkaException error) {
                    System.out.println("fenced " + error.getClass().getSimpleName());
                }
                owner.beginTransaction();
                send(owner, topic, "again");
                owner.commitTransaction();
            }
        }
        System.out.println("committed " + read(address, topic, "read_committed"));
    }

    private static void open(String address, String topic) {
        try (var producer = producer(address, topic + "-id")) {
            producer.beginTransaction();
            send(producer, topic, "first");
            producer.flush();
            System.out.println("open committed:" + read(address, topic, "read_committed"));
            System.out.println("open all:" + read(address, topic, "read_uncommitted"));
            producer.commitTransaction();
            System.out.println("ended committed:" + read(address, topic, "read_committed"));
        }
    }

    private static void process(String address, String in, String out) throws Exception {
        try (var source = producer(address, in + "-source")) {
            source.beginTransaction();
            for (int i = 0; i < 30; i++) {
                send(source, in, String.format("%02d", i));
            }
            source.commitTransaction();
        }
        int aborts = 0;
        int done = 0;
        try (var consumer = consumer(address, "read_committed", in + "-group");
                var producer = producer(address, out + "-id")) {
            consumer.subscribe(List.of(in));
            long deadline = System.currentTimeMillis() + 60_000;
            while (done < 30 && System.currentTimeMillis() < deadline) {
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(200));
                if (records.isEmpty()) {
                    continue;
                }
                producer.beginTransaction();
                Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                for (ConsumerRecord<String, String> record : records) {
                    send(producer, out, "done-" + record.value());
                    offsets.put(
                        new TopicPartition(record.topic(), record.partition()),
                        new OffsetAndMetadata(record.offset() + 1, "note"));
                }
                producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                if (aborts < 2) {
                    aborts++;
                    producer.flush();
                    producer.abortTransaction();
                    // Back to what is committed.
                    for (TopicPartition partition : consumer.assignment()) {
                        var committed = consumer.committed(java.util.Set.of(partition)).get(partition);
                        if (committed == null) {
                            consumer.seekToBeginning(List.of(partition));
                        } else {
                            consumer.seek(partition, committed.offset());
                        }
                    }
                } else {
                    producer.commitTransaction();
                    done += records.count();
                }
            }
        }
        System.out.println("aborts " + aborts);
        System.out.println("processed " + read(address, out, "read_committed"));
        try (var consumer = consumer(address, "read_committed", in + "-group")) {
            long sum = 0;
            for (var info : consumer.partitionsFor(in)) {
                var partition = new TopicPartition(in, info.partition());
                var committed = consumer.committed(java.util.Set.of(partition)).get(partition);
                sum += committed == null ? 0 : committed.offset();
            }
            System.out.println("offsets " + sum);
        }
    }

    private static void timeout(String address, String topic) throws Exception {
        try (var producer = producer(address, topic + "-id", 1_000)) {
            producer.beginTransaction();
            send(producer, topic, "late");
            producer.flush();
            Thread.sleep(4_000);
            try {
                producer.commitTransaction();
                System.out.println("committed too late");
            } catch (KafkaException error) {
                System.out.println("aborted " + error.getClass().getSimpleName());
            }
        }
        try (var producer = producer(address, topic + "-id", 1_000)) {
            producer.beginTransaction();
            send(producer, topic, "in time");
            producer.commitTransaction();
        }
        System.out.println("committed " + read(address, topic, "read_committed"));
    }

    private static void hang(String address, String topic) {
        var producer = producer(address, topic + "-id");
        producer.beginTransaction();
        send(producer, topic, "hangs");
        producer.flush();
        System.out.println("left open");
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }
}
