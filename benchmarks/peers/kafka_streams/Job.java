import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import scoring.Event;
import scoring.Handoff;
import scoring.Lead;
import scoring.Scoring;

/** The job on Kafka Streams: a processor with one cached, logged store. */
public final class Job {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ObjectReader EVENT = JSON.readerFor(Event.class);
    private static final ObjectWriter HANDOFF = JSON.writerFor(Handoff.class);

    static final class Score implements Processor<String, Event, String, Handoff> {
        private ProcessorContext<String, Handoff> context;
        private KeyValueStore<String, Lead> leads;

        @Override
        public void init(ProcessorContext<String, Handoff> context) {
            this.context = context;
            this.leads = context.getStateStore("leads");
        }

        @Override
        public void process(Record<String, Event> record) {
            Lead lead = leads.get(record.key());
            if (lead == null) {
                lead = new Lead();
            }
            Handoff handoff = Scoring.apply(lead, record.key(), record.value());
            leads.put(record.key(), lead);
            if (handoff != null) {
                context.forward(record.withValue(handoff));
            }
        }
    }

    public static void main(String[] arguments) {
        Map<String, String> given = System.getenv();
        boolean inMemory = given.get("BENCH_STORE").equals("memory");
        KeyValueBytesStoreSupplier store =
                inMemory ? Stores.inMemoryKeyValueStore("leads") : Stores.persistentKeyValueStore("leads");
        Serde<Lead> lead = Serdes.serdeFrom((topic, value) -> value.encode(), (topic, data) -> Lead.decode(data));
        Topology topology = new Topology();
        topology.addSource("events", Serdes.String().deserializer(), reading(), given.get("BENCH_TOPICS").split(","));
        topology.addProcessor("score", Score::new, "events");
        topology.addStateStore(
                Stores.keyValueStoreBuilder(store, Serdes.String(), lead).withCachingEnabled().withLoggingEnabled(Map.of()),
                "score");
        topology.addSink("handoffs", given.get("BENCH_OUTPUT"), Serdes.String().serializer(), writing(), "score");
        KafkaStreams streams = new KafkaStreams(topology, properties(given));
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static Properties properties(Map<String, String> given) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, given.get("BENCH_GROUP"));
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, given.get("BENCH_BROKER"));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, given.get("BENCH_STATE"));
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, given.get("BENCH_GUARANTEE"));
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, given.get("BENCH_COMMIT_MS"));
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
        properties.put("auto.offset.reset", "earliest");
        return properties;
    }

    private static Deserializer<Event> reading() {
        return (topic, data) -> {
            try {
                return EVENT.readValue(data);
            } catch (IOException broken) {
                throw new UncheckedIOException(broken);
            }
        };
    }

    private static Serializer<Handoff> writing() {
        return (topic, handoff) -> {
            try {
                return HANDOFF.writeValueAsBytes(handoff);
            } catch (IOException broken) {
                throw new UncheckedIOException(broken);
            }
        };
    }
}
