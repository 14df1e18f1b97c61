import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import scoring.Event;
import scoring.Handoff;
import scoring.Lead;
import scoring.Scoring;

/** The job on Apache Flink in a local cluster: keyed state, checkpoints, an exactly-once Kafka sink. */
public final class Job {
    static final class Reading implements KafkaRecordDeserializationSchema<Event> {
        private transient ObjectReader json;

        @Override
        public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Event> out) throws IOException {
            if (json == null) {
                json = new ObjectMapper().readerFor(Event.class);
            }
            Event event = json.readValue(record.value());
            event.key = new String(record.key(), StandardCharsets.UTF_8);
            out.collect(event);
        }

        @Override
        public TypeInformation<Event> getProducedType() {
            return TypeInformation.of(Event.class);
        }
    }

    static final class Score extends KeyedProcessFunction<String, Event, Handoff> {
        private transient ValueState<Lead> leads;

        @Override
        public void open(OpenContext context) {
            leads = getRuntimeContext().getState(new ValueStateDescriptor<>("leads", Lead.class));
        }

        @Override
        public void processElement(Event event, Context context, Collector<Handoff> out) throws IOException {
            Lead lead = leads.value();
            if (lead == null) {
                lead = new Lead();
            }
            Handoff handoff = Scoring.apply(lead, event.key, event);
            leads.update(lead);
            if (handoff != null) {
                out.collect(handoff);
            }
        }
    }

    static final class Writing implements KafkaRecordSerializationSchema<Handoff> {
        private final String topic;
        private transient ObjectMapper json;

        Writing(String topic) {
            this.topic = topic;
        }

        @Override
        public ProducerRecord<byte[], byte[]> serialize(Handoff handoff, KafkaSinkContext context, Long timestamp) {
            if (json == null) {
                json = new ObjectMapper();
            }
            try {
                byte[] key = handoff.lead_key.getBytes(StandardCharsets.UTF_8);
                return new ProducerRecord<>(topic, key, json.writeValueAsBytes(handoff));
            } catch (IOException broken) {
                throw new IllegalStateException(broken);
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> given = System.getenv();
        Configuration settings = new Configuration();
        settings.setString("state.backend.type", given.get("BENCH_STORE"));
        settings.setString("execution.checkpointing.incremental", "true");
        settings.setString("execution.checkpointing.dir", "file://" + given.get("BENCH_STATE"));
        settings.setString("execution.checkpointing.interval", given.get("BENCH_COMMIT_MS") + "ms");
        settings.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
        settings.setString("pipeline.object-reuse", "true");
        settings.setString("rest.address", "127.0.0.1");
        settings.setString("rest.bind-address", "127.0.0.1");
        settings.setString("rest.bind-port", "0");
        StreamExecutionEnvironment flink = StreamExecutionEnvironment.createLocalEnvironment(1, settings);
        KafkaSource<Event> source = KafkaSource.<Event>builder()
                .setBootstrapServers(given.get("BENCH_BROKER"))
                .setGroupId(given.get("BENCH_GROUP"))
                .setTopics(given.get("BENCH_TOPICS").split(","))
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setDeserializer(new Reading())
                .build();
        KafkaSink<Handoff> sink = KafkaSink.<Handoff>builder()
                .setBootstrapServers(given.get("BENCH_BROKER"))
                .setRecordSerializer(new Writing(given.get("BENCH_OUTPUT")))
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix(given.get("BENCH_GROUP"))
                .setProperty("transaction.timeout.ms", "600000")
                .build();
        flink.fromSource(source, WatermarkStrategy.noWatermarks(), "events")
                .keyBy(event -> event.key)
                .process(new Score())
                .sinkTo(sink);
        flink.execute("scoring");
    }
}
