import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Copies a topic to another one with Flink in its local runtime, exactly once, over one failure.
 *
 * <pre>
 * ADDRESS FROM TO    copies what FROM holds now
 * </pre>
 */
public class Flink {
    private static final int PARALLEL = 2;
    private static final int CHECKPOINT_MS = 200;

    public static void main(String[] args) throws Exception {
        String address = args[0];
        var settings = new Configuration();
        settings.setString("restart-strategy.type", "fixed-delay");
        settings.setString("restart-strategy.fixed-delay.attempts", "3");
        settings.setString("restart-strategy.fixed-delay.delay", "100 ms");
        var flink = StreamExecutionEnvironment.createLocalEnvironment(PARALLEL, settings);
        flink.enableCheckpointing(CHECKPOINT_MS);
        var source = KafkaSource.<String>builder()
            .setBootstrapServers(address)
            .setGroupId("flink-group")
            .setTopics(args[1])
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setBounded(OffsetsInitializer.latest())
            .setValueOnlyDeserializer(new SimpleStringSchema())
            .setProperty("isolation.level", "read_committed")
            .build();
        var transactions = new Properties();
        transactions.setProperty("transaction.timeout.ms", "60000");
        var values = KafkaRecordSerializationSchema.builder()
            .setTopic(args[2])
            .setValueSerializationSchema(new SimpleStringSchema())
            .build();
        var sink = KafkaSink.<String>builder()
            .setBootstrapServers(address)
            .setRecordSerializer(values)
            .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
            .setTransactionalIdPrefix("flink-copy")
            .setKafkaProducerConfig(transactions)
            .build();
        flink.fromSource(source, WatermarkStrategy.noWatermarks(), "source")
            .map(new FailingOnce())
            .sinkTo(sink);
        flink.execute("copy");
        System.out.println("failed once " + FailingOnce.FAILED.get());
        System.out.println("finished");
        System.out.flush();
        System.exit(0);
    }

    /** Passes everything on, but fails once after a checkpoint was completed. */
    private static final class FailingOnce extends RichMapFunction<String, String>
            implements CheckpointListener {
        private static final AtomicBoolean FAILED = new AtomicBoolean();
        private static final int MORE = 50;
        private transient long checkpoints;
        private transient int since;

        @Override
        public void open(OpenContext context) {
            checkpoints = 0;
            since = 0;
        }

        @Override
        public String map(String value) throws Exception {
            // Slowly, so that there are checkpoints on the way.
            Thread.sleep(1);
            if (checkpoints > 0 && ++since > MORE && FAILED.compareAndSet(false, true)) {
                throw new IllegalStateException("the failure that is wanted");
            }
            return "copy-" + value;
        }

        @Override
        public void notifyCheckpointComplete(long checkpoint) {
            checkpoints++;
        }
    }
}
