import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Produces or reads with Kafka's Java client; records go in and come out as lines of JSON.
 *
 * <pre>
 * produce ADDRESS TOPIC[,TOPIC...] [name=value ...] < lines   (each line goes to each topic)
 * read ADDRESS TOPIC[,TOPIC...]                                (a line "topic" before each)
 * </pre>
 *
 * A name of the form "codecs" lists a compression type per topic. A line has partition (-1: the
 * client's own partitioner chooses), key and value (hex or null) and headers; lines that come out
 * also have the offset.
 */
public class Client {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        String[] topics = args[2].split(",");
        switch (args[0]) {
            case "produce" -> produce(args[1], topics, args);
            case "read" -> read(args[1], topics);
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private static void produce(String address, String[] topics, String[] args) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", address);
        settings.put("key.serializer", ByteArraySerializer.class.getName());
        settings.put("value.serializer", ByteArraySerializer.class.getName());
        String[] codecs = null;
        for (int at = 3; at < args.length; at++) {
            String[] pair = args[at].split("=", 2);
            if (pair[0].equals("codecs")) {
                codecs = pair[1].split(",");
            } else {
                settings.put(pair[0], pair[1]);
            }
        }
        List<JsonNode> lines = new ArrayList<>();
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            lines.add(JSON.readTree(line));
        }
        for (int at = 0; at < topics.length; at++) {
            if (codecs != null) {
                settings.put("compression.type", codecs[at]);
            }
            try (var producer = new KafkaProducer<byte[], byte[]>(settings)) {
                List<Future<RecordMetadata>> waiting = new ArrayList<>();
                for (JsonNode line : lines) {
                    waiting.add(producer.send(record(topics[at], line)));
                }
                producer.flush();
                for (Future<RecordMetadata> future : waiting) {
                    future.get();
                }
            }
        }
    }

    private static ProducerRecord<byte[], byte[]> record(String topic, JsonNode line) {
        int partition = line.get("partition").asInt();
        var record = new ProducerRecord<>(
            topic, partition < 0 ? null : partition, bytes(line.get("key")), bytes(line.get("value")));
        for (JsonNode header : line.get("headers")) {
            record.headers().add(header.get(0).asText(), bytes(header.get(1)));
        }
        return record;
    }

    private static void read(String address, String[] topics) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", address);
        settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("fetch.max.wait.ms", "50");
        try (var consumer = new KafkaConsumer<byte[], byte[]>(settings);
                var out = new PrintStream(new BufferedOutputStream(System.out))) {
            for (String topic : topics) {
                out.println("{\"topic\":\"" + topic + "\"}");
                readTopic(consumer, topic, out);
            }
        }
    }

    private static void readTopic(
            KafkaConsumer<byte[], byte[]> consumer, String topic, PrintStream out) throws Exception {
        List<TopicPartition> partitions = new ArrayList<>();
        consumer.partitionsFor(topic)
            .forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                out.println(JSON.writeValueAsString(line(record)));
            }
        }
    }

    private static ObjectNode line(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode line = JSON.createObjectNode();
        line.put("partition", record.partition());
        line.put("offset", record.offset());
        line.put("key", hex(record.key()));
        line.put("value", hex(record.value()));
        ArrayNode headers = line.putArray("headers");
        for (Header header : record.headers()) {
            headers.addArray().add(header.key()).add(hex(header.value()));
        }
        return line;
    }

    private static byte[] bytes(JsonNode hex) {
        return hex.isNull() ? null : HexFormat.of().parseHex(hex.asText());
    }

    private static String hex(byte[] bytes) {
        return bytes == null ? null : HexFormat.of().formatHex(bytes);
    }
}
