import java.lang.reflect.Constructor;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.Readable;

/** Reads messages that Limpid wrote (made_up_messages.rs), writes them again, compares the bytes. */
public final class CheckMessages {
    private static final String[] PACKAGES = {
        "org.apache.kafka.common.message.",
        "org.apache.kafka.common.metadata.",
        "org.apache.kafka.coordinator.group.generated.",
        "org.apache.kafka.coordinator.transaction.generated.",
        "org.apache.kafka.coordinator.share.generated.",
        "org.apache.kafka.raft.generated.",
    };

    public static void main(String[] arguments) throws Exception {
        var unknown = new TreeSet<String>();
        var dropped = new TreeMap<String, Integer>();
        var checked = new TreeMap<String, Integer>();
        int wrong = 0;
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] words = line.split(" ", 3);
            String name = words[0];
            short version = Short.parseShort(words[1]);
            byte[] ours = HexFormat.of().parseHex(words[2]);
            Class<?> type = find(name);
            if (type == null) {
                unknown.add(name);
                continue;
            }
            Message message = (Message) type.getConstructor().newInstance();
            if (version < message.lowestSupportedVersion() || version > message.highestSupportedVersion()) {
                dropped.merge(name + " " + version, 1, Integer::sum);
                continue;
            }
            try {
                ByteBuffer input = ByteBuffer.wrap(ours);
                Constructor<?> read = type.getConstructor(Readable.class, short.class);
                Message theirs = (Message) read.newInstance(new ByteBufferAccessor(input), version);
                byte[] again = bytes(MessageUtil.toByteBufferAccessor(theirs, version).buffer());
                if (input.hasRemaining() || !java.util.Arrays.equals(ours, again)) {
                    wrong++;
                    System.out.println(name + " " + version + " " + input.remaining() + " left\n ours   "
                        + words[2] + "\n theirs " + HexFormat.of().formatHex(again) + "\n " + theirs);
                }
            } catch (ReflectiveOperationException | RuntimeException error) {
                wrong++;
                System.out.println(name + " " + version + " " + error + " " + error.getCause());
            }
            checked.merge(name, 1, Integer::sum);
        }
        System.out.println("not in these jars: " + unknown);
        System.out.println("versions that Kafka dropped: " + dropped.keySet());
        int messages = checked.values().stream().mapToInt(Integer::intValue).sum();
        System.out.println(checked.size() + " kinds, " + messages + " messages, " + wrong + " wrong");
        System.exit(wrong == 0 ? 0 : 1);
    }

    private static Class<?> find(String name) {
        for (String prefix : PACKAGES) {
            for (String suffix : new String[] {"", "Data"}) {
                try {
                    return Class.forName(prefix + name + suffix);
                } catch (ClassNotFoundException next) {
                    // Tried in the next package.
                }
            }
        }
        return null;
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }
}
