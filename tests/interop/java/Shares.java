// A member of a share group that says of each record what becomes of it.
//
// java Shares.java verdicts|take ADDRESS TOPIC GROUP COUNT
//
// verdicts: records whose number can't be divided by 2 are released at first sight; those whose
//   number can be divided by 5 are rejected, the one with number 2 is asked more time for at first,
//   all others are accepted. Ends when COUNT records are done.
// take: accepts COUNT records, releases the others.
//
// Prints one line for each record that is spoken of: value, delivery count, what was said.

import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.Properties;

import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

public class Shares {
    static final Duration POLL = Duration.ofMillis(500);
    static final long LIMIT_MS = 60_000;

    public static void main(String[] args) {
        String mode = args[0];
        int count = Integer.parseInt(args[4]);
        Properties settings = new Properties();
        settings.put("bootstrap.servers", args[1]);
        settings.put("group.id", args[3]);
        settings.put("share.acknowledgement.mode", "explicit");
        StringDeserializer text = new StringDeserializer();
        int done = 0;
        Set<String> renewed = new HashSet<>();
        long until = System.currentTimeMillis() + LIMIT_MS;
        try (KafkaShareConsumer<String, String> consumer =
                new KafkaShareConsumer<>(settings, text, text)) {
            consumer.subscribe(Set.of(args[2]));
            while (done < count) {
                if (System.currentTimeMillis() > until) {
                    throw new IllegalStateException("only " + done + " were done");
                }
                for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
                    AcknowledgeType type = AcknowledgeType.RELEASE;
                    if (mode.equals("take")) {
                        type = done < count ? AcknowledgeType.ACCEPT : AcknowledgeType.RELEASE;
                    } else {
                        type = verdict(record, renewed);
                    }
                    consumer.acknowledge(record, type);
                    if (type == AcknowledgeType.ACCEPT || type == AcknowledgeType.REJECT) {
                        done++;
                    }
                    System.out.println(record.value() + " "
                        + record.deliveryCount().orElse((short) -1) + " " + type);
                }
                Map<TopicIdPartition, java.util.Optional<KafkaException>> results =
                    consumer.commitSync();
                results.forEach((partition, error) -> error.ifPresent(e -> {
                    throw e;
                }));
            }
        }
    }

    static AcknowledgeType verdict(ConsumerRecord<String, String> record, Set<String> renewed) {
        String value = record.value();
        int number = Integer.parseInt(value.substring(value.lastIndexOf('-') + 1));
        boolean isFirst = record.deliveryCount().orElse((short) -1) == 1;
        if (number % 2 == 1 && isFirst) {
            return AcknowledgeType.RELEASE;
        }
        if (number % 5 == 0) {
            return AcknowledgeType.REJECT;
        }
        if (number == 2 && renewed.add(value)) {
            return AcknowledgeType.RENEW;
        }
        return AcknowledgeType.ACCEPT;
    }
}
