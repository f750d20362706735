import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.TimeWindows;

/**
 * A Kafka Streams application with exactly-once processing: word count, join, windowed sums.
 *
 * <pre>
 * feed  ADDRESS BASE FROM TO    writes the inputs with these numbers; BASE is the time of the first
 * run   ADDRESS FOLDER          runs the application until it is ended
 * check ADDRESS BASE TOTAL      reads what is committed until all is there, and compares
 * </pre>
 *
 * Nothing is cached between input and output, so each input gives exactly one output of each kind:
 * a word's counts must be 1, 2, 3, ... without a gap or a repetition, whatever happened meanwhile.
 */
public class Streams {
    private static final List<String> INPUTS = List.of("lines", "orders", "payments", "clicks");
    private static final long STEP_MS = 100;
    private static final long WINDOW_MS = 10_000;
    private static final long LIMIT_MS = 240_000;

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "feed" -> feed(args[1], Long.parseLong(args[2]), number(args[3]), number(args[4]));
            case "run" -> run(args[1], args[2]);
            case "check" -> check(args[1], Long.parseLong(args[2]), number(args[3]));
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private static int number(String text) {
        return Integer.parseInt(text);
    }

    private static String line(int i) {
        return "every w" + i % 7 + " v" + i % 11;
    }

    private static String user(int i) {
        return "user-" + i % 5;
    }

    private static void feed(String address, long base, int from, int to) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", address);
        settings.put("key.serializer", StringSerializer.class.getName());
        settings.put("value.serializer", StringSerializer.class.getName());
        try (var producer = new KafkaProducer<String, String>(settings)) {
            for (int i = from; i < to; i++) {
                long time = base + i * STEP_MS;
                String[] values = {line(i), "o" + i, "p" + i, String.valueOf(i)};
                for (int at = 0; at < values.length; at++) {
                    String key = at == 3 ? user(i) : "order-" + i;
                    producer.send(new ProducerRecord<>(INPUTS.get(at), null, time, key, values[at]));
                }
            }
        }
        System.out.println("fed " + from + " to " + to);
    }

    private static void run(String address, String folder) throws Exception {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "counting");
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, address);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, folder);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        settings.put("auto.offset.reset", "earliest");
        settings.put("session.timeout.ms", 6_000);
        settings.put("heartbeat.interval.ms", 500);
        var streams = new KafkaStreams(topology().build(), settings);
        streams.setStateListener((now, before) -> System.out.println("state " + now));
        streams.setUncaughtExceptionHandler(error -> {
            System.out.println("failed " + error);
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler
                .StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close(Duration.ofSeconds(20));
            System.out.println("closed");
        }));
        streams.start();
        Thread.currentThread().join();
    }

    private static StreamsBuilder topology() {
        var builder = new StreamsBuilder();
        var seen = new AtomicLong();
        builder.<String, String>stream("lines")
            .peek((key, line) -> {
                if (seen.incrementAndGet() % 50 == 0) {
                    System.out.println("seen " + seen.get());
                }
            })
            .flatMapValues(line -> Arrays.asList(line.split(" ")))
            .groupBy((key, word) -> word)
            .count()
            .toStream()
            .mapValues(String::valueOf)
            .to("counts");
        KStream<String, String> orders = builder.stream("orders");
        KStream<String, String> payments = builder.stream("payments");
        var within = JoinWindows.ofTimeDifferenceWithNoGrace(Duration.ofHours(1));
        orders.join(payments, (order, payment) -> order + "+" + payment, within).to("joined");
        var windows = TimeWindows.ofSizeAndGrace(Duration.ofMillis(WINDOW_MS), Duration.ofHours(1));
        builder.<String, String>stream("clicks")
            .groupByKey()
            .windowedBy(windows)
            .aggregate(() -> "0", (user, click, sum) ->
                String.valueOf(Long.parseLong(sum) + Long.parseLong(click)))
            .toStream((window, sum) -> window.key() + "@" + window.window().start())
            .to("sums");
        return builder;
    }

    /** What the application must have written, by topic and key, in order. */
    private static Map<String, Map<String, List<String>>> expected(long base, int total) {
        Map<String, Map<String, List<String>>> all = new HashMap<>();
        Map<String, Long> sums = new HashMap<>();
        for (int i = 0; i < total; i++) {
            for (String word : line(i).split(" ")) {
                var counts = values(all, "counts", word);
                counts.add(String.valueOf(counts.size() + 1));
            }
            values(all, "joined", "order-" + i).add("o" + i + "+p" + i);
            long time = base + i * STEP_MS;
            String window = user(i) + "@" + (time - time % WINDOW_MS);
            values(all, "sums", window).add(String.valueOf(sums.merge(window, (long) i, Long::sum)));
        }
        return all;
    }

    private static List<String> values(
            Map<String, Map<String, List<String>>> all, String topic, String key) {
        return all.computeIfAbsent(topic, name -> new HashMap<>())
            .computeIfAbsent(key, name -> new ArrayList<>());
    }

    private static void check(String address, long base, int total) {
        var expected = expected(base, total);
        Map<String, Map<String, List<String>>> found = new HashMap<>();
        Properties settings = new Properties();
        settings.put("bootstrap.servers", address);
        settings.put("key.deserializer", StringDeserializer.class.getName());
        settings.put("value.deserializer", StringDeserializer.class.getName());
        settings.put("isolation.level", "read_committed");
        try (var consumer = new KafkaConsumer<String, String>(settings)) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (String topic : expected.keySet()) {
                consumer.partitionsFor(topic)
                    .forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
            }
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            int wanted = total * 5;
            int count = 0;
            long deadline = System.currentTimeMillis() + LIMIT_MS;
            // A while longer than needed: what comes too much counts as well.
            long quiet = Long.MAX_VALUE;
            while (System.currentTimeMillis() < Math.min(deadline, quiet)) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    values(found, record.topic(), record.key()).add(record.value());
                    count++;
                }
                if (count >= wanted && quiet == Long.MAX_VALUE) {
                    quiet = System.currentTimeMillis() + 1_000;
                }
            }
            System.out.println("committed " + count + " of " + wanted);
        }
        for (String topic : expected.keySet()) {
            var differing = new ArrayList<String>();
            var have = found.getOrDefault(topic, Map.of());
            expected.get(topic).forEach((key, values) -> {
                if (!values.equals(have.get(key))) {
                    differing.add(key + ": " + have.get(key) + " instead of " + values);
                }
            });
            boolean same = differing.isEmpty() && have.size() == expected.get(topic).size();
            System.out.println(topic + (same ? " exact" : " differs"));
            differing.stream().limit(3).forEach(System.out::println);
        }
    }
}
