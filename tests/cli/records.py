"""What stands in a topic, read by a plain consumer."""

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord


def records(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """All records of a topic up to now, by partition."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    try:
        places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        found: list[ConsumerRecord] = []
        while any(consumer.position(place) < ends[place] for place in places):
            for place, batch in consumer.poll(timeout_ms=200).items():
                found += batch
                # The embedded broker's `end_offsets` ends inside its last batch.
                ends[place] = max(ends[place], consumer.highwater(place) or 0)
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        consumer.close()
